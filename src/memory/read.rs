//! Reading: the present talk, summaries, one item, counts. Every query holds the viewer's right to read.

use sqlx::Row;

use super::{HistoryLine, Memory, MemoryError, Shown, Stats, Summary, Transcript, data, visible::Visible};
use crate::model::{SessionId, TranscriptLine, Viewer};

impl Memory {
    /// The last `limit` messages of the present conversation, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn history(&self, viewer: &Viewer, limit: usize) -> Result<Vec<HistoryLine>, MemoryError> {
        let visible = Visible::of(viewer, "m", "author", 2);
        let last = visible.next(2);
        let sql = format!(
            "SELECT m.id, m.author, m.author_name, m.text, m.said_at FROM message m \
             WHERE m.scope = $1 AND {} ORDER BY m.said_at DESC, m.id DESC LIMIT ${last}",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(viewer.scope().key());
        let rows = visible
            .bind(query)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.database.readers())
            .await?;
        rows.iter()
            .rev()
            .map(|row| {
                Ok(HistoryLine {
                    id: data::parsed(row, "id")?,
                    author: data::author(row)?,
                    name: row.try_get("author_name")?,
                    text: row.try_get("text")?,
                    at: data::moment(row, "said_at")?,
                })
            })
            .collect()
    }

    /// The last `limit` summaries that the viewer may read, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn summaries(&self, viewer: &Viewer, limit: usize) -> Result<Vec<Summary>, MemoryError> {
        // A summary speaks for everybody in its session, so it is nobody's own words.
        let visible = Visible::of(viewer, "s", "session", 1);
        let last = visible.next(1);
        let sql = format!(
            "SELECT s.session, s.text, s.ended_at FROM summary s WHERE {} ORDER BY s.ended_at DESC LIMIT ${last}",
            visible.sql
        );
        let rows = visible
            .bind(sqlx::query(sqlx::AssertSqlSafe(sql)))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.database.readers())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Summary {
                    session: data::parsed(row, "session")?,
                    text: row.try_get("text")?,
                    ended_at: data::moment(row, "ended_at")?,
                })
            })
            .collect()
    }

    /// One memory, message, fact or pattern by its id, if the viewer may read it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn show(&self, viewer: &Viewer, id: &str) -> Result<Option<Shown>, MemoryError> {
        for (kind, columns, table, author) in [
            (
                "memory",
                "x.id, x.text, x.scope, x.author AS person, x.said_at AS at, x.source AS source",
                "memory",
                "author",
            ),
            (
                "message",
                "x.id, x.text, x.scope, x.author AS person, x.said_at AS at, x.session AS source",
                "message",
                "author",
            ),
            (
                "fact",
                "x.id, x.subject || ' ' || x.predicate || ' ' || x.object AS text, x.scope, x.owner AS person, \
                 x.valid_from AS at",
                "fact",
                "owner",
            ),
            (
                // The answer is nobody's own words, so nobody's private talk opens it elsewhere.
                "pattern",
                "x.id, COALESCE((SELECT m.text FROM message m WHERE m.id = x.message), '') || ' → ' || \
                 COALESCE((SELECT r.text FROM message r WHERE r.id = x.reply), '') AS text, x.scope, \
                 x.owner AS person, x.held_at AS at, x.message AS source, x.reply AS reply",
                "pattern",
                "reply",
            ),
        ] {
            let visible = Visible::of(viewer, "x", author, 2);
            let sql = format!("SELECT {columns} FROM {table} x WHERE x.id = $1 AND {}", visible.sql);
            let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.to_owned());
            let row = visible.bind(query).fetch_optional(self.database.readers()).await?;
            if let Some(row) = row {
                let sources = if kind == "fact" {
                    sqlx::query_scalar("SELECT message FROM fact_source WHERE fact = $1 ORDER BY message")
                        .bind(id.to_owned())
                        .fetch_all(self.database.readers())
                        .await?
                } else if kind == "pattern" {
                    vec![row.try_get("source")?, row.try_get("reply")?]
                } else {
                    vec![row.try_get("source")?]
                };
                return Ok(Some(Shown {
                    id: row.try_get("id")?,
                    kind: kind.to_owned(),
                    text: row.try_get("text")?,
                    scope: row.try_get("scope")?,
                    by: row.try_get("person")?,
                    when: data::moment(&row, "at")?,
                    sources,
                }));
            }
        }
        Ok(None)
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), MemoryError> {
        sqlx::query("SELECT 1").execute(self.database.readers()).await?;
        Ok(())
    }

    /// How much is stored. Counts only; no words.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stats(&self) -> Result<Stats, MemoryError> {
        let count = async |sql: &'static str| -> Result<i64, MemoryError> {
            Ok(sqlx::query_scalar(sql).fetch_one(self.database.readers()).await?)
        };
        Ok(Stats {
            messages_of_people: count("SELECT count(*) FROM message WHERE author IS NOT NULL").await?,
            messages_of_characters: count("SELECT count(*) FROM message WHERE author IS NULL").await?,
            unanswered: count("SELECT count(*) FROM message WHERE status = 'pending'").await?,
            sessions: count("SELECT count(*) FROM session").await?,
            sessions_to_look_back_at: count(
                "SELECT count(*) FROM session WHERE ended_at IS NOT NULL AND extracted_at IS NULL",
            )
            .await?,
            memories: count("SELECT count(*) FROM memory").await?,
            vectors: if self.database.has_vectors() {
                count("SELECT count(*) FROM memory_vector").await?
            } else {
                0
            },
            facts: count("SELECT count(*) FROM fact WHERE valid_to IS NULL").await?,
            facts_closed: count("SELECT count(*) FROM fact WHERE valid_to IS NOT NULL").await?,
            preferences: count("SELECT count(*) FROM preference").await?,
            summaries: count("SELECT count(*) FROM summary").await?,
            patterns: count("SELECT count(*) FROM pattern WHERE score > 0").await?,
        })
    }

    /// A finished session, for the background work that looks back at it; shown to nobody.
    ///
    /// # Errors
    /// [`MemoryError::NoSuchSession`], or the store's.
    pub(crate) async fn transcript(&self, session: SessionId) -> Result<Transcript, MemoryError> {
        let row = sqlx::query("SELECT character, scope FROM session WHERE id = $1")
            .bind(session.to_string())
            .fetch_optional(self.database.readers())
            .await?
            .ok_or(MemoryError::NoSuchSession(session))?;
        let rows = sqlx::query(
            "SELECT id, author, author_name, text, said_at FROM message WHERE session = $1 ORDER BY said_at, id",
        )
        .bind(session.to_string())
        .fetch_all(self.database.readers())
        .await?;
        let lines = rows.iter().map(|row| {
            Ok::<_, MemoryError>(TranscriptLine {
                id: data::parsed(row, "id")?,
                speaker: data::person(row, "author")?,
                name: row.try_get("author_name")?,
                text: row.try_get("text")?,
                at: data::moment(row, "said_at")?,
            })
        });
        Ok(Transcript {
            character: data::parsed(&row, "character")?,
            scope: data::scope(&row)?,
            lines: lines.collect::<Result<_, _>>()?,
        })
    }
}
