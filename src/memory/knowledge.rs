//! Facts and wishes: read through a viewer, and taken in from a session in one transaction. Tables `fact`, `fact_source`,
//! `preference`, `summary`.

use std::collections::HashSet;

use sqlx::Row;

use super::{
    Applied, Fact, Memory, MemoryError, data,
    store::{Piece, insert_piece},
    visible::Visible,
};
use crate::{
    model::{
        Extraction, FactDraft, FactId, MessageId, Preference, PreferenceDraft, Preferences, Scope, SessionId,
        Timestamp, UnitScore, UserId, Viewer,
    },
    store::{StoreError, Tx},
};

/// Predicates of which one value holds at a time: a new one closes the old (product.md, MEM).
pub(super) const SINGLE: [&str; 8] =
    ["is_named", "is_aged", "lives_in", "comes_from", "works_as", "works_at", "birthday_is", "has_gender"];
/// The keys of wishes about form, which hold wherever they were said ([`Preference::holds_everywhere`]).
pub(super) const EVERYWHERE: &str = "('verbosity', 'style', 'emojis', 'language')";
/// Predicates of what is gone: each ends what else is known of its object.
const ENDING: [&str; 3] = ["lost", "parted_with", "left"];
/// Pairs of which one ends the other for the same object.
const OPPOSITE: [(&str, &str); 2] = [("likes", "dislikes"), ("loves", "hates")];

impl Memory {
    /// The facts that hold and that the viewer may read, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn facts(&self, viewer: &Viewer, limit: usize) -> Result<Vec<Fact>, MemoryError> {
        let visible = Visible::of(viewer, "f", "owner", 1);
        let last = visible.next(1);
        let sql = format!(
            "SELECT f.id, f.owner, f.subject, f.predicate, f.object, f.confidence, f.valid_from, \
             (SELECT said.author_name FROM message said WHERE said.character = f.character AND said.scope = f.scope \
             AND said.author = f.owner ORDER BY said.id DESC LIMIT 1) AS owner_name FROM fact f \
             WHERE f.valid_to IS NULL AND {} ORDER BY f.valid_from DESC, f.id LIMIT ${last}",
            visible.sql
        );
        let rows = visible
            .bind(sqlx::query(sqlx::AssertSqlSafe(sql)))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.database.readers())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Fact {
                    id: data::parsed(row, "id")?,
                    owner: data::parsed(row, "owner")?,
                    owner_name: row
                        .try_get::<Option<String>, _>("owner_name")?
                        .filter(|name| !name.trim().is_empty()),
                    subject: row.try_get("subject")?,
                    predicate: row.try_get("predicate")?,
                    object: row.try_get("object")?,
                    confidence: UnitScore::new(row.try_get("confidence")?),
                    valid_from: data::moment(row, "valid_from")?,
                })
            })
            .collect()
    }

    /// What the viewer's user has said they are called, where the viewer may know it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn known_name(&self, viewer: &Viewer) -> Result<Option<String>, MemoryError> {
        let visible = Visible::of(viewer, "f", "owner", 2);
        let sql = format!(
            "SELECT f.object FROM fact f WHERE f.owner = $1 AND f.subject = 'user' AND f.predicate = 'is_named' \
             AND f.valid_to IS NULL AND {} ORDER BY f.valid_from DESC LIMIT 1",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(viewer.user.to_string());
        let row = visible.bind(query).fetch_optional(self.database.readers()).await?;
        Ok(row.map(|row| row.try_get("object")).transpose()?)
    }

    /// The wishes of the viewer's user that hold here: those about form wherever they were said, the others only where the
    /// viewer may read them ([`Preference::holds_everywhere`]).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn preferences(&self, viewer: &Viewer) -> Result<Preferences, MemoryError> {
        let visible = Visible::of(viewer, "p", "owner", 2);
        let character = visible.next(2);
        let sql = format!(
            "SELECT p.value FROM preference p WHERE p.owner = $1 AND ({} OR (p.character = ${character} \
             AND p.key IN {EVERYWHERE})) ORDER BY p.updated_at, p.key",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(viewer.user.to_string());
        let rows =
            visible.bind(query).bind(viewer.character.to_string()).fetch_all(self.database.readers()).await?;
        let mut preferences = Preferences::default();
        for row in rows {
            let value: String = row.try_get("value")?;
            match serde_json::from_str::<Preference>(&value) {
                Ok(preference) => preferences.apply(preference),
                Err(error) => tracing::warn!(%error, "a stored wish cannot be read and is left out"),
            }
        }
        Ok(preferences)
    }

    /// Takes wishes in at once, as said at this moment.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_preferences(
        &self,
        viewer: &Viewer,
        drafts: &[PreferenceDraft],
        at: Timestamp,
    ) -> Result<(), MemoryError> {
        let mut tx = self.database.begin().await?;
        let character = viewer.character.to_string();
        for draft in drafts {
            keep_preference(&mut tx, &character, &viewer.scope(), &Wish::of(draft), at).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Takes in what was found in a session; all of it or nothing. Whatever does not rest on a message that its owner wrote
    /// in this session is refused. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`MemoryError::NoSuchSession`], or the store's.
    pub async fn apply(&self, session: SessionId, found: Extraction) -> Result<Applied, MemoryError> {
        let mut tx = self.database.begin().await?;
        let row = sqlx::query(
            "SELECT character, scope, started_at, last_at, extracted_at FROM session WHERE id = $1",
        )
        .bind(session.to_string())
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(MemoryError::NoSuchSession(session))?;
        if row.try_get::<Option<i64>, _>("extracted_at")?.is_some() {
            return Ok(Applied::default());
        }
        let character: String = row.try_get("character")?;
        let scope = Scope::from_key(&row.try_get::<String, _>("scope")?)
            .map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let said = said_in(&mut tx, session).await?;
        let mut applied = Applied::default();
        for draft in found.facts {
            let rests = !draft.sources.is_empty()
                && draft
                    .sources
                    .iter()
                    .all(|source| said.iter().any(|(id, by, _)| id == source && *by == draft.owner));
            let Some(at) = rests.then(|| first_said(&said, &draft)).flatten() else {
                tracing::debug!(predicate = draft.predicate, "a fact without a source is refused");
                continue;
            };
            applied.facts += usize::from(keep_fact(&mut tx, &character, &scope, &draft, at).await?);
        }
        for draft in &found.preferences {
            let Some((_, _, at)) = said.iter().find(|(id, by, _)| *id == draft.source && *by == draft.owner)
            else {
                continue;
            };
            keep_preference(&mut tx, &character, &scope, &Wish::of(draft), *at).await?;
            applied.preferences += 1;
        }
        if let Some(summary) = found.summary {
            let (started, ended) = (data::moment(&row, "started_at")?, data::moment(&row, "last_at")?);
            sqlx::query(
                "INSERT INTO summary (session, character, scope, text, meaningfulness, emotions, topics, started_at, \
                 ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (session) DO NOTHING",
            )
            .bind(session.to_string())
            .bind(character.clone())
            .bind(scope.key())
            .bind(summary.text.clone())
            .bind(i64::from(summary.meaningfulness))
            .bind(serde_json::Value::from(summary.emotions).to_string())
            .bind(serde_json::Value::from(summary.topics).to_string())
            .bind(started.micros())
            .bind(ended.micros())
            .execute(&mut *tx)
            .await?;
            let piece = Piece {
                character: character.clone(),
                scope: &scope,
                author: None,
                kind: "summary",
                source: session.to_string(),
                chunk: 0,
                text: summary.text,
                said_at: ended,
                importance: f64::from(summary.meaningfulness.clamp(1, 5)) / 5.0,
            };
            insert_piece(&mut tx, piece).await?;
            applied.summary = true;
        }
        sqlx::query("UPDATE session SET extracted_at = $2 WHERE id = $1")
            .bind(session.to_string())
            .bind(self.clock.now().micros())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(applied)
    }
}

/// The messages of people in a session: id, author, moment.
async fn said_in(tx: &mut Tx, session: SessionId) -> Result<Vec<(MessageId, UserId, Timestamp)>, StoreError> {
    let rows =
        sqlx::query("SELECT id, author, said_at FROM message WHERE session = $1 AND author IS NOT NULL")
            .bind(session.to_string())
            .fetch_all(&mut **tx)
            .await?;
    rows.iter()
        .map(|row| {
            Ok((data::parsed(row, "id")?, data::parsed(row, "author")?, data::moment(row, "said_at")?))
        })
        .collect()
}

fn first_said(said: &[(MessageId, UserId, Timestamp)], draft: &FactDraft) -> Option<Timestamp> {
    said.iter().filter(|(id, ..)| draft.sources.contains(id)).map(|(.., at)| *at).min()
}

/// Keeps a fact; says whether it is new. The same fact again gets one more source; a single-valued predicate with another
/// value, or the opposite of what was said, ends the old fact at this moment.
pub(super) async fn keep_fact(
    tx: &mut Tx,
    character: &str,
    scope: &Scope,
    draft: &FactDraft,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let rows = sqlx::query(
        "SELECT id, subject, predicate, object, valid_from FROM fact \
         WHERE character = $1 AND owner = $2 AND scope = $3 AND valid_to IS NULL",
    )
    .bind(character.to_owned())
    .bind(draft.owner.to_string())
    .bind(scope.key())
    .fetch_all(&mut **tx)
    .await?;
    let mut ends: Option<Timestamp> = None;
    for row in rows {
        let id: String = row.try_get("id")?;
        let predicate: String = row.try_get("predicate")?;
        let object: String = row.try_get("object")?;
        let since = data::moment(&row, "valid_from")?;
        let same_object = object.to_lowercase() == draft.object.to_lowercase();
        // Who or what is gone is nothing of theirs any more, under whatever name it was kept.
        if ENDING.contains(&draft.predicate.as_str())
            && !ENDING.contains(&predicate.as_str())
            && same_object
            && since <= at
        {
            close(tx, &id, at).await?;
            continue;
        }
        if row.try_get::<String, _>("subject")? != draft.subject {
            continue;
        }
        if predicate == draft.predicate && same_object {
            add_sources(tx, &id, &draft.sources).await?;
            return Ok(false);
        }
        if draft.predicate.strip_prefix("no_longer_") == Some(&predicate) && same_object && since <= at {
            close(tx, &id, at).await?;
            continue;
        }
        let replaced = predicate == draft.predicate && SINGLE.contains(&predicate.as_str());
        let refuted = same_object && contradict(&predicate, &draft.predicate);
        if replaced || refuted {
            if since <= at {
                close(tx, &id, at).await?;
            } else {
                // Brought in late: what is on record is newer, so this one ended when that one began.
                ends = Some(ends.map_or(since, |held| held.min(since)));
            }
        }
    }
    let id = FactId::new().to_string();
    sqlx::query(
        "INSERT INTO fact (id, character, owner, scope, subject, predicate, object, confidence, valid_from, valid_to, \
         created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(id.clone())
    .bind(character.to_owned())
    .bind(draft.owner.to_string())
    .bind(scope.key())
    .bind(draft.subject.clone())
    .bind(draft.predicate.clone())
    .bind(draft.object.clone())
    .bind(draft.confidence.get())
    .bind(at.micros())
    .bind(ends.map(Timestamp::micros))
    .bind(at.micros())
    .execute(&mut **tx)
    .await?;
    add_sources(tx, &id, &draft.sources).await?;
    Ok(true)
}

fn contradict(a: &str, b: &str) -> bool {
    OPPOSITE.iter().any(|(x, y)| (a == *x && b == *y) || (a == *y && b == *x))
}

pub(super) async fn close(tx: &mut Tx, fact: &str, at: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE fact SET valid_to = $2 WHERE id = $1")
        .bind(fact.to_owned())
        .bind(at.micros())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn add_sources(tx: &mut Tx, fact: &str, sources: &[MessageId]) -> Result<(), StoreError> {
    let distinct: HashSet<&MessageId> = sources.iter().collect();
    for source in distinct {
        sqlx::query(
            "INSERT INTO fact_source (fact, message) VALUES ($1, $2) ON CONFLICT (fact, message) DO NOTHING",
        )
        .bind(fact.to_owned())
        .bind(source.to_string())
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// A wish, whose it is, and the message that it was said in, if it was said in one.
pub(super) struct Wish<'a> {
    pub(super) preference: &'a Preference,
    pub(super) owner: &'a UserId,
    pub(super) message: Option<MessageId>,
}

impl<'a> Wish<'a> {
    fn of(draft: &'a PreferenceDraft) -> Self {
        Self { preference: &draft.preference, owner: &draft.owner, message: Some(draft.source) }
    }
}

/// Topics to avoid add up, so each is a key of its own; of every other kind the last wish holds.
pub(super) async fn keep_preference(
    tx: &mut Tx,
    character: &str,
    scope: &Scope,
    wish: &Wish<'_>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let key = match wish.preference {
        Preference::AvoidTopic(topic) => format!("avoid_topic:{}", topic.to_lowercase()),
        other => other.key().to_owned(),
    };
    let value = serde_json::to_string(wish.preference)
        .map_err(|error| StoreError::Corrupt(format!("a wish cannot be written: {error}")))?;
    sqlx::query(
        "INSERT INTO preference (character, owner, scope, key, value, message, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (character, owner, scope, key) \
         DO UPDATE SET value = excluded.value, message = excluded.message, updated_at = excluded.updated_at \
         WHERE preference.updated_at <= excluded.updated_at",
    )
    .bind(character.to_owned())
    .bind(wish.owner.to_string())
    .bind(scope.key())
    .bind(key)
    .bind(value)
    .bind(wish.message.map(|id| id.to_string()))
    .bind(at.micros())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
