//! Looking things up on purpose: summaries, episodes, a stretch of time, the talk around a message, facts that held once.
//! Every query holds the viewer's right to read.

use std::collections::BTreeMap;

use sqlx::{Row, any::AnyRow};

use super::{Fact, HistoryLine, Memory, MemoryError, data, visible::Visible, words};
use crate::{
    model::{SessionId, Timestamp, UnitScore, Viewer},
    store::{StoreError, vector},
};

/// Rows that are looked through for the best.
const LOOKED_THROUGH: i64 = 400;
/// A summary fits from this cosine on (as in recall).
const CLOSE: f64 = 0.30;

/// From a moment to just before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

impl Span {
    /// Everything that was ever said.
    pub const EVER: Self =
        Self { from: Timestamp::from_micros(i64::MIN), to: Timestamp::from_micros(i64::MAX) };
}

/// A summary with what is known of its session.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundSummary {
    /// The session.
    pub session: SessionId,
    /// The words.
    pub text: String,
    /// 1 (small talk) to 5 (life-changing).
    pub meaningfulness: i64,
    /// Feelings that were in it.
    pub emotions: Vec<String>,
    /// What it was about.
    pub topics: Vec<String>,
    /// When the session began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// A fact, and until when it held.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundFact {
    /// The fact.
    pub fact: Fact,
    /// The moment that ended it; `None`: it holds.
    pub until: Option<Timestamp>,
}

/// One talk, as far as the viewer may read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// The session.
    pub session: SessionId,
    /// Its first lines, oldest first.
    pub lines: Vec<HistoryLine>,
    /// How many lines there are.
    pub count: i64,
    /// The first line.
    pub started_at: Timestamp,
    /// The last line.
    pub ended_at: Timestamp,
}

impl Memory {
    /// Summaries of sessions that touch the span, best first: by the words of `text` and the meaning of `vector`; without
    /// words, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_summaries(
        &self,
        viewer: &Viewer,
        text: &str,
        vector: Option<&[f32]>,
        span: Span,
        limit: usize,
    ) -> Result<Vec<FoundSummary>, MemoryError> {
        let visible = Visible::of(viewer, "s", "session", 3);
        let last = visible.next(3);
        let sql = format!(
            "SELECT s.session, s.text, s.meaningfulness, s.emotions, s.topics, s.started_at, s.ended_at FROM summary s \
             WHERE s.ended_at >= $1 AND s.started_at < $2 AND {} ORDER BY s.ended_at DESC, s.session LIMIT ${last}",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(span.from.micros()).bind(span.to.micros());
        let rows = visible.bind(query).bind(LOOKED_THROUGH).fetch_all(self.database.readers()).await?;
        let mut found: Vec<FoundSummary> = rows.iter().map(summary).collect::<Result<_, _>>()?;
        let asked = words::content(text);
        if !asked.is_empty() {
            let close = self.close_summaries(viewer, vector).await?;
            let mut scored: Vec<(f64, FoundSummary)> = found
                .into_iter()
                .filter_map(|it| {
                    let covered = words::coverage(&asked, &format!("{} {}", it.text, it.topics.join(" ")));
                    let cosine = close.get(&it.session.to_string()).copied().unwrap_or_default();
                    let fits = covered > 0.0 || cosine >= CLOSE;
                    fits.then_some((covered.max(cosine), it))
                })
                .collect();
            scored.sort_by(|a, b| b.0.total_cmp(&a.0));
            found = scored.into_iter().map(|(_, it)| it).collect();
        }
        found.truncate(limit);
        Ok(found)
    }

    /// How close the nearest summaries are to a vector, by their session.
    async fn close_summaries(
        &self,
        viewer: &Viewer,
        asked: Option<&[f32]>,
    ) -> Result<BTreeMap<String, f64>, MemoryError> {
        let Some(asked) = asked.filter(|_| self.database.has_vectors()) else { return Ok(BTreeMap::new()) };
        let visible = Visible::of(viewer, "m", "author", 3);
        let limit = visible.next(3);
        let distance = vector::cosine_distance(self.database.engine(), "v.vector", "$1");
        let sql = format!(
            "SELECT m.source, {distance} AS distance FROM memory m \
             JOIN memory_vector v ON v.memory = m.id AND v.model = $2 \
             WHERE m.kind = 'summary' AND {} ORDER BY distance, m.seq LIMIT ${limit}",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(vector::to_text(asked))
            .bind(self.embeddings.model_name().to_owned());
        let rows = visible.bind(query).bind(48_i64).fetch_all(self.database.readers()).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("source")?, 1.0 - row.try_get::<f64, _>("distance")?)))
            .collect()
    }

    /// What was said in a span, oldest first; of more than `limit` lines, an even share of the whole.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn said_in(
        &self,
        viewer: &Viewer,
        span: Span,
        limit: usize,
    ) -> Result<Vec<HistoryLine>, MemoryError> {
        let visible = Visible::of(viewer, "m", "author", 3);
        let last = visible.next(3);
        let sql = format!(
            "SELECT m.id, m.author, m.author_name, m.text, m.said_at FROM message m \
             WHERE m.said_at >= $1 AND m.said_at < $2 AND {} ORDER BY m.said_at DESC, m.id DESC LIMIT ${last}",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(span.from.micros()).bind(span.to.micros());
        let rows = visible.bind(query).bind(LOOKED_THROUGH).fetch_all(self.database.readers()).await?;
        let lines: Vec<HistoryLine> = rows.iter().rev().map(line).collect::<Result<_, _>>()?;
        let every = lines.len().div_ceil(limit.max(1)).max(1);
        Ok(lines.into_iter().step_by(every).collect())
    }

    /// The talk around a message, oldest first, that the viewer may read: up to `reach` lines before and behind it. `id` is
    /// of a message, or of a memory that comes from one. `None`: there is nothing of this id that the viewer may read.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn around(
        &self,
        viewer: &Viewer,
        id: &str,
        reach: usize,
    ) -> Result<Option<Vec<HistoryLine>>, MemoryError> {
        let visible = Visible::of(viewer, "m", "author", 2);
        let sql = format!(
            "SELECT m.id, m.scope, m.said_at FROM message m WHERE (m.id = $1 OR m.id IN \
             (SELECT piece.source FROM memory piece WHERE piece.id = $1)) AND {}",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.to_owned());
        let Some(row) = visible.bind(query).fetch_optional(self.database.readers()).await? else {
            return Ok(None);
        };
        let (scope, at): (String, i64) = (row.try_get("scope")?, row.try_get("said_at")?);
        let middle: String = row.try_get("id")?;
        let (before, behind) = tokio::try_join!(
            self.beside(viewer, &scope, at, &middle, reach.saturating_add(1), true),
            self.beside(viewer, &scope, at, &middle, reach, false)
        )?;
        Ok(Some(before.into_iter().rev().chain(behind).collect()))
    }

    /// Lines of a scope on one side of a message, the nearest first; before it, with it.
    async fn beside(
        &self,
        viewer: &Viewer,
        scope: &str,
        at: i64,
        middle: &str,
        limit: usize,
        before: bool,
    ) -> Result<Vec<HistoryLine>, MemoryError> {
        let visible = Visible::of(viewer, "m", "author", 4);
        let last = visible.next(4);
        let (side, order) = if before {
            ("(m.said_at < $2 OR (m.said_at = $2 AND m.id <= $3))", "m.said_at DESC, m.id DESC")
        } else {
            ("(m.said_at > $2 OR (m.said_at = $2 AND m.id > $3))", "m.said_at, m.id")
        };
        let sql = format!(
            "SELECT m.id, m.author, m.author_name, m.text, m.said_at FROM message m \
             WHERE m.scope = $1 AND {side} AND {} ORDER BY {order} LIMIT ${last}",
            visible.sql
        );
        let query =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(scope.to_owned()).bind(at).bind(middle.to_owned());
        let rows = visible
            .bind(query)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.database.readers())
            .await?;
        Ok(rows.iter().map(line).collect::<Result<_, StoreError>>()?)
    }

    /// The talks that these messages or memories belong to, in that order, each once, with their first `lines` lines.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn episodes_of(
        &self,
        viewer: &Viewer,
        ids: &[String],
        limit: usize,
        lines: usize,
    ) -> Result<Vec<Episode>, MemoryError> {
        let mut sessions: Vec<String> = Vec::new();
        for id in ids {
            let visible = Visible::of(viewer, "m", "author", 2);
            let sql = format!(
                "SELECT m.session FROM message m WHERE (m.id = $1 OR m.id IN \
                 (SELECT piece.source FROM memory piece WHERE piece.id = $1)) AND {}",
                visible.sql
            );
            let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.clone());
            if let Some(row) = visible.bind(query).fetch_optional(self.database.readers()).await? {
                let session: String = row.try_get("session")?;
                if !sessions.contains(&session) {
                    sessions.push(session);
                }
            }
            if sessions.len() == limit {
                break;
            }
        }
        let mut episodes = Vec::new();
        for session in sessions {
            episodes.extend(self.episode(viewer, session, lines).await?);
        }
        Ok(episodes)
    }

    async fn episode(
        &self,
        viewer: &Viewer,
        session: String,
        lines: usize,
    ) -> Result<Option<Episode>, MemoryError> {
        let visible = Visible::of(viewer, "m", "author", 2);
        let sql = format!(
            "SELECT m.id, m.author, m.author_name, m.text, m.said_at FROM message m WHERE m.session = $1 AND {} \
             ORDER BY m.said_at, m.id",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(session.clone());
        let rows = visible.bind(query).fetch_all(self.database.readers()).await?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(None) };
        Ok(Some(Episode {
            session: session.parse().map_err(|error| StoreError::Corrupt(format!("{error}")))?,
            lines: rows.iter().take(lines).map(line).collect::<Result<_, _>>()?,
            count: i64::try_from(rows.len()).unwrap_or(i64::MAX),
            started_at: data::moment(first, "said_at")?,
            ended_at: data::moment(last, "said_at")?,
        }))
    }

    /// Facts that the viewer may read, newest first, with those that held once if `past`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_facts(
        &self,
        viewer: &Viewer,
        past: bool,
        limit: usize,
    ) -> Result<Vec<FoundFact>, MemoryError> {
        let visible = Visible::of(viewer, "f", "owner", 1);
        let last = visible.next(1);
        let held = if past { "" } else { "f.valid_to IS NULL AND " };
        let sql = format!(
            "SELECT f.id, f.owner, f.subject, f.predicate, f.object, f.confidence, f.valid_from, f.valid_to, \
             (SELECT said.author_name FROM message said WHERE said.character = f.character AND said.scope = f.scope \
             AND said.author = f.owner ORDER BY said.id DESC LIMIT 1) AS owner_name FROM fact f \
             WHERE {held}{} ORDER BY f.valid_from DESC, f.id LIMIT ${last}",
            visible.sql
        );
        let rows = visible
            .bind(sqlx::query(sqlx::AssertSqlSafe(sql)))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.database.readers())
            .await?;
        Ok(rows.iter().map(fact).collect::<Result<_, StoreError>>()?)
    }
}

/// The share of the content words of `asked` that `text` holds, in `0.0..=1.0`; everything holds all of no words.
#[must_use]
pub fn coverage(asked: &str, text: &str) -> f64 {
    let asked = words::content(asked);
    if asked.is_empty() { 1.0 } else { words::coverage(&asked, text) }
}

pub(super) fn line(row: &AnyRow) -> Result<HistoryLine, StoreError> {
    Ok(HistoryLine {
        id: data::parsed(row, "id")?,
        author: data::author(row)?,
        name: row.try_get("author_name")?,
        text: row.try_get("text")?,
        at: data::moment(row, "said_at")?,
    })
}

fn summary(row: &AnyRow) -> Result<FoundSummary, StoreError> {
    let list = |column: &str| -> Result<Vec<String>, StoreError> {
        serde_json::from_str(&row.try_get::<String, _>(column)?)
            .map_err(|error| StoreError::Corrupt(format!("the {column} of a summary: {error}")))
    };
    Ok(FoundSummary {
        session: data::parsed(row, "session")?,
        text: row.try_get("text")?,
        meaningfulness: row.try_get("meaningfulness")?,
        emotions: list("emotions")?,
        topics: list("topics")?,
        started_at: data::moment(row, "started_at")?,
        ended_at: data::moment(row, "ended_at")?,
    })
}

pub(super) fn fact(row: &AnyRow) -> Result<FoundFact, StoreError> {
    Ok(FoundFact {
        fact: Fact {
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
        },
        until: row.try_get::<Option<i64>, _>("valid_to")?.map(Timestamp::from_micros),
    })
}
