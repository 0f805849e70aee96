//! Forgetting: what somebody said goes, with all that was made of it: the answer, facts, wishes, summaries, vectors, words.

use std::collections::BTreeSet;

use sqlx::{Row as _, any::AnyRow};

use super::{Memory, MemoryError, data, pattern, promise::drop_promises_of, trace, visible::Visible, words};
use crate::{
    model::{MessageId, SessionId, Timestamp, Viewer},
    store::{StoreError, Tx},
};

/// As many of somebody's messages are looked through for the words to forget.
const LOOKED_THROUGH: i64 = 20_000;
/// As much is forgotten in one go.
pub const FORGET_AT_ONCE: usize = 200;

/// What can be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForgetKind {
    /// What somebody said.
    Message,
    /// What the character answered them.
    Reply,
    /// A fact that was made of it.
    Fact,
    /// Something that they asked to be reminded of.
    Reminder,
    /// Something that the character set out to reach with them.
    Goal,
}

/// One thing that can be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgettable {
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: ForgetKind,
    /// Its words.
    pub text: String,
    /// When it was said.
    pub when: Timestamp,
}

/// What was forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Messages, answers among them.
    pub messages: BTreeSet<MessageId>,
    /// Searchable pieces.
    pub memories: u64,
    /// Facts.
    pub facts: u64,
    /// Wishes.
    pub preferences: u64,
    /// Summaries.
    pub summaries: u64,
    /// Reminders and goals.
    pub promises: u64,
    /// Answers that were examples for others.
    pub patterns: u64,
}

impl Memory {
    /// What holds all of these words (by their stems, stop words aside) of what the viewer's user said, was answered, or of
    /// the facts about them, as far as the viewer may read it. Newest first, at most [`FORGET_AT_ONCE`]. What still waits
    /// for its answer is left out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forgettable(&self, viewer: &Viewer, text: &str) -> Result<Vec<Forgettable>, MemoryError> {
        let wanted = words::content(text);
        let all = |text: &str| !wanted.is_empty() && words::coverage(&wanted, text) > 0.999;
        let visible = Visible::of(viewer, "m", "author", 2);
        let limit = visible.next(2);
        let sql = format!(
            "SELECT m.id, m.author, m.text, m.said_at FROM message m WHERE {} AND m.status <> 'pending' \
             AND (m.author = $1 OR (m.author IS NULL AND EXISTS (SELECT 1 FROM message asked \
             WHERE asked.id = m.reply_to AND asked.author = $1))) \
             ORDER BY m.said_at DESC, m.id DESC LIMIT ${limit}",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(viewer.user.to_string());
        let rows = visible.bind(query).bind(LOOKED_THROUGH).fetch_all(self.database.readers()).await?;
        let mut found = Vec::new();
        for row in &rows {
            let text: String = row.try_get("text")?;
            if all(&text) {
                let by_them = row.try_get::<Option<String>, _>("author")?.is_some();
                let kind = if by_them { ForgetKind::Message } else { ForgetKind::Reply };
                found.push(Forgettable {
                    id: row.try_get("id")?,
                    kind,
                    text,
                    when: data::moment(row, "said_at")?,
                });
            }
        }
        for fact in self.facts(viewer, usize::MAX).await?.into_iter().filter(|it| it.owner == viewer.user) {
            let text = fact.sentence("you");
            if all(&text) {
                found.push(Forgettable {
                    id: fact.id.to_string(),
                    kind: ForgetKind::Fact,
                    text,
                    when: fact.valid_from,
                });
            }
        }
        for reminder in self.reminders(viewer).await?.into_iter().filter(|it| all(&it.text)) {
            let (id, text, when) = (reminder.id, reminder.text, reminder.due_at);
            found.push(Forgettable { id, kind: ForgetKind::Reminder, text, when });
        }
        for goal in self.goals(viewer).await?.into_iter().filter(|it| all(&it.description)) {
            let (id, text, when) = (goal.id, goal.description, goal.since);
            found.push(Forgettable { id, kind: ForgetKind::Goal, text, when });
        }
        found.truncate(FORGET_AT_ONCE);
        Ok(found)
    }

    /// The last thing that the viewer's user said here and that does not wait for its answer.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_said(&self, viewer: &Viewer) -> Result<Option<Forgettable>, MemoryError> {
        let row = sqlx::query(
            "SELECT id, text, said_at FROM message WHERE character = $1 AND scope = $2 AND author = $3 \
             AND status <> 'pending' ORDER BY said_at DESC, id DESC LIMIT 1",
        )
        .bind(viewer.character.to_string())
        .bind(viewer.scope().key())
        .bind(viewer.user.to_string())
        .fetch_optional(self.database.readers())
        .await?;
        row.map(|row| said(&row)).transpose()
    }

    /// The messages that were answered with what [`Memory::forget`] would delete under these ids: the answers stand under
    /// the keys of these in the outbox.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn answered_by(
        &self,
        viewer: &Viewer,
        ids: &[String],
    ) -> Result<BTreeSet<MessageId>, MemoryError> {
        let visible = Visible::of(viewer, "m", "author", 2);
        let sql = format!(
            "SELECT COALESCE(m.reply_to, m.id) AS asked FROM message m WHERE m.id = $1 AND {}",
            visible.sql
        );
        let mut asked = BTreeSet::new();
        for id in ids {
            let query = sqlx::query(sqlx::AssertSqlSafe(sql.clone())).bind(id.clone());
            if let Some(row) = visible.bind(query).fetch_optional(self.database.readers()).await? {
                asked.insert(data::parsed(&row, "asked")?);
            }
        }
        Ok(asked)
    }

    /// A message of the viewer's user, by the platform's id of it, with what it says; `None`: there is none that the viewer
    /// may read, or it waits for its answer.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn said_as(
        &self,
        viewer: &Viewer,
        platform: &str,
        platform_id: &str,
    ) -> Result<Option<Forgettable>, MemoryError> {
        let visible = Visible::of(viewer, "m", "author", 4);
        let sql = format!(
            "SELECT m.id, m.text, m.said_at FROM message m WHERE m.platform = $1 AND m.platform_id = $2 \
             AND m.author = $3 AND m.status <> 'pending' AND {}",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(platform.to_owned())
            .bind(platform_id.to_owned())
            .bind(viewer.user.to_string());
        let row = visible.bind(query).fetch_optional(self.database.readers()).await?;
        row.map(|row| said(&row)).transpose()
    }

    /// Deletes messages, facts and patterns of the viewer's user, or answers to them, that the viewer may read, with all that was
    /// made of them; all of it or nothing. Ids that are gone, or somebody else's, change nothing. A summary goes with any
    /// message of its session; a fact when nothing that it rests on is left.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget(&self, viewer: &Viewer, ids: &[String]) -> Result<Forgotten, MemoryError> {
        let mut tx = self.database.begin().await?;
        let mut done = Forgotten::default();
        let mut sessions = BTreeSet::new();
        for id in ids {
            for (message, session) in messages_of(&mut tx, viewer, id).await? {
                done.messages.insert(message);
                sessions.insert(session);
            }
            let visible = Visible::of(viewer, "f", "owner", 3);
            let sql = format!("SELECT f.id FROM fact f WHERE f.id = $1 AND f.owner = $2 AND {}", visible.sql);
            let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.clone()).bind(viewer.user.to_string());
            if visible.bind(query).fetch_optional(&mut *tx).await?.is_some() {
                done.facts += drop_fact(&mut tx, id).await?;
            }
            for table in ["reminder", "goal"] {
                let visible = Visible::of(viewer, "p", "owner", 3);
                let sql =
                    format!("DELETE FROM {table} AS p WHERE p.id = $1 AND p.owner = $2 AND {}", visible.sql);
                let query =
                    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.clone()).bind(viewer.user.to_string());
                done.promises += visible.bind(query).execute(&mut *tx).await?.rows_affected();
            }
        }
        for id in ids {
            done.patterns += pattern::drop_own(&mut tx, viewer, id).await?;
        }
        let vectors = self.database.has_vectors();
        for message in &done.messages {
            let id = message.to_string();
            done.facts += drop_facts_of(&mut tx, &id).await?;
            done.preferences += delete(&mut tx, "DELETE FROM preference WHERE message = $1", &id).await?;
            done.promises += drop_promises_of(&mut tx, &id).await?;
            done.memories += drop_pieces(&mut tx, &id, vectors).await?;
            trace::drop_traces_of(&mut tx, &id).await?;
            done.patterns += pattern::drop_patterns_of(&mut tx, &id).await?;
            delete(&mut tx, "DELETE FROM message WHERE id = $1", &id).await?;
        }
        for session in sessions {
            let id = session.to_string();
            done.memories += drop_pieces(&mut tx, &id, vectors).await?;
            done.summaries += delete(&mut tx, "DELETE FROM summary WHERE session = $1", &id).await?;
        }
        tx.commit().await?;
        Ok(done)
    }
}

fn said(row: &AnyRow) -> Result<Forgettable, MemoryError> {
    Ok(Forgettable {
        id: row.try_get("id")?,
        kind: ForgetKind::Message,
        text: row.try_get("text")?,
        when: data::moment(row, "said_at")?,
    })
}

/// The message of this id and the answer to it, if it is the user's, or answers them.
async fn messages_of(
    tx: &mut Tx,
    viewer: &Viewer,
    id: &str,
) -> Result<Vec<(MessageId, SessionId)>, StoreError> {
    let visible = Visible::of(viewer, "m", "author", 3);
    let sql = format!(
        "SELECT m.id, m.session FROM message m WHERE m.id = $1 AND {} AND m.status <> 'pending' AND (m.author = $2 \
         OR (m.author IS NULL AND EXISTS (SELECT 1 FROM message asked WHERE asked.id = m.reply_to \
         AND asked.author = $2)))",
        visible.sql
    );
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.to_owned()).bind(viewer.user.to_string());
    let Some(own) = visible.bind(query).fetch_optional(&mut **tx).await? else { return Ok(Vec::new()) };
    let replies =
        sqlx::query("SELECT id, session FROM message WHERE platform = 'reply' AND platform_id = $1")
            .bind(id.to_owned())
            .fetch_all(&mut **tx)
            .await?;
    std::iter::once(&own)
        .chain(&replies)
        .map(|row| Ok((data::parsed(row, "id")?, data::parsed(row, "session")?)))
        .collect()
}

async fn delete(tx: &mut Tx, sql: &'static str, id: &str) -> Result<u64, StoreError> {
    Ok(sqlx::query(sql).bind(id.to_owned()).execute(&mut **tx).await?.rows_affected())
}

async fn drop_fact(tx: &mut Tx, id: &str) -> Result<u64, StoreError> {
    delete(tx, "DELETE FROM fact_source WHERE fact = $1", id).await?;
    delete(tx, "DELETE FROM fact WHERE id = $1", id).await
}

/// The facts that rest on this message and on nothing else.
async fn drop_facts_of(tx: &mut Tx, message: &str) -> Result<u64, StoreError> {
    let rows = sqlx::query("DELETE FROM fact_source WHERE message = $1 RETURNING fact")
        .bind(message.to_owned())
        .fetch_all(&mut **tx)
        .await?;
    let mut dropped = 0;
    for row in &rows {
        let fact: String = row.try_get("fact")?;
        dropped += delete(
            tx,
            "DELETE FROM fact WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM fact_source s WHERE s.fact = fact.id)",
            &fact,
        )
        .await?;
    }
    Ok(dropped)
}

async fn drop_pieces(tx: &mut Tx, source: &str, vectors: bool) -> Result<u64, StoreError> {
    if vectors {
        delete(
            tx,
            "DELETE FROM memory_vector WHERE memory IN (SELECT id FROM memory WHERE source = $1)",
            source,
        )
        .await?;
    }
    delete(tx, "DELETE FROM memory WHERE source = $1", source).await
}
