//! Bringing a pattern up to date with what was learned and with the reactions there are.

use sqlx::{Row as _, any::AnyRow};

use super::{
    LEAST_SCORE, PatternSource,
    formula::{AGEING, aged, standing},
};
use crate::{
    memory::{Memory, MemoryError, data, visible::Visible},
    model::{MessageId, TurnId, UnitScore, Viewer},
    store::{StoreError, Tx, vector},
};

/// Patterns that are kept of one person with one character.
const KEPT: i64 = 200;

impl Memory {
    /// Brings a pattern up to date with what was learned and with the reactions there are, and drops what is dead.
    pub(super) async fn settle(
        &self,
        tx: &mut Tx,
        exchange: &Exchange,
        learned: Option<Learned>,
        embedded: Option<Embedded>,
    ) -> Result<(), StoreError> {
        let before = sqlx::query("SELECT source, learned, learned_at FROM pattern WHERE message = $1")
            .bind(exchange.message.clone())
            .fetch_optional(&mut **tx)
            .await?;
        let learned = match (learned, &before) {
            (Some(learned), _) => Some(learned),
            (None, Some(row)) => Learned::from_row(row)?,
            (None, None) => None,
        };
        let votes = Votes::of(tx, &exchange.reply).await?;
        let held_at = learned.map(|it| it.at).max(votes.liked_at);
        let Some(held_at) = held_at else {
            sqlx::query("DELETE FROM pattern WHERE message = $1")
                .bind(exchange.message.clone())
                .execute(&mut **tx)
                .await?;
            return Ok(());
        };
        // The words may have been changed while they were embedded.
        let vector = embedded.filter(|it| it.text == exchange.question).map(|it| it.vector);
        let model = vector.as_ref().map(|_| self.embeddings.model_name().to_owned());
        sqlx::query(
            "INSERT INTO pattern (id, character, owner, scope, message, reply, source, learned, learned_at, score, model, \
             vector, held_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
             ON CONFLICT (message) DO UPDATE SET reply = excluded.reply, source = excluded.source, \
             learned = excluded.learned, learned_at = excluded.learned_at, score = excluded.score, \
             model = COALESCE(excluded.model, pattern.model), vector = COALESCE(excluded.vector, pattern.vector), \
             held_at = excluded.held_at",
        )
        .bind(TurnId::new().to_string())
        .bind(exchange.character.clone())
        .bind(exchange.owner.clone())
        .bind(exchange.scope.clone())
        .bind(exchange.message.clone())
        .bind(exchange.reply.clone())
        .bind(learned.map_or(PatternSource::Liked, |it| it.why).as_str().to_owned())
        .bind(learned.map_or(0.0, |it| it.score))
        .bind(learned.map_or(0, |it| it.at))
        .bind(standing(learned.map(|it| it.score), votes.likes, votes.dislikes).get())
        .bind(model)
        .bind(vector.as_deref().map(vector::to_text))
        .bind(held_at)
        .execute(&mut **tx)
        .await?;
        self.sweep(tx, exchange).await
    }

    /// Drops what has aged away, what lost its messages, and the oldest beyond what is kept of a person.
    async fn sweep(&self, tx: &mut Tx, exchange: &Exchange) -> Result<(), StoreError> {
        let rows = sqlx::query(
            "SELECT p.id, p.score, p.held_at, CASE WHEN EXISTS (SELECT 1 FROM message m WHERE m.id = p.message) \
             AND EXISTS (SELECT 1 FROM message r WHERE r.id = p.reply) THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END \
             AS whole FROM pattern p WHERE p.character = $1 AND p.owner = $2 ORDER BY p.held_at DESC, p.id DESC",
        )
        .bind(exchange.character.clone())
        .bind(exchange.owner.clone())
        .fetch_all(&mut **tx)
        .await?;
        let now = self.clock.now();
        for (number, row) in (0_i64..).zip(&rows) {
            let age = now.since(data::moment(row, "held_at")?);
            let score = aged(UnitScore::new(row.try_get("score")?), age);
            // One that is outvoted may come back when a reaction is taken back.
            let dead = score.get() < LEAST_SCORE && age >= AGEING;
            if dead || number >= KEPT || row.try_get::<i64, _>("whole")? == 0 {
                sqlx::query("DELETE FROM pattern WHERE id = $1")
                    .bind(row.try_get::<String, _>("id")?)
                    .execute(&mut **tx)
                    .await?;
            }
        }
        Ok(())
    }

    /// The vector of a message, if there is a model and the message has none as a pattern yet.
    pub(super) async fn vector_for(&self, asked: MessageId) -> Result<Option<Embedded>, MemoryError> {
        let text: Option<String> = sqlx::query_scalar(
            "SELECT m.text FROM message m WHERE m.id = $1 AND NOT EXISTS \
             (SELECT 1 FROM pattern p WHERE p.message = m.id AND p.model = $2)",
        )
        .bind(asked.to_string())
        .bind(self.embeddings.model_name().to_owned())
        .fetch_optional(self.database.readers())
        .await?;
        let Some(text) = text else { return Ok(None) };
        match self.embeddings.embed(vec![text.clone()]).await {
            Ok(vectors) => {
                let vector = vectors.and_then(|vectors| vectors.into_iter().next());
                Ok(vector.map(|vector| Embedded { text, vector }))
            }
            Err(error) => {
                tracing::warn!(%error, "an example could not be embedded: it is compared by words");
                Ok(None)
            }
        }
    }
}

/// Words with their vector.
pub(super) struct Embedded {
    text: String,
    vector: Vec<f32>,
}

/// A message with its answer.
pub(super) struct Exchange {
    character: String,
    owner: String,
    scope: String,
    pub(super) message: String,
    pub(super) reply: String,
    question: String,
}

/// What was learned of an answer otherwise than by reactions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Learned {
    pub(super) score: f64,
    /// When, in microseconds.
    pub(super) at: i64,
    pub(super) why: PatternSource,
}

impl Learned {
    fn from_row(row: &AnyRow) -> Result<Option<Self>, StoreError> {
        let (score, at) = (row.try_get("learned")?, row.try_get("learned_at")?);
        let why = PatternSource::from_row(row)?;
        Ok((at != 0).then_some(Self { score, at, why }))
    }
}

/// What people make of an answer; each counts once for it and once against it.
#[derive(Debug, Default)]
struct Votes {
    likes: i64,
    dislikes: i64,
    /// When it was liked last, in microseconds.
    liked_at: Option<i64>,
}

impl Votes {
    async fn of(tx: &mut Tx, reply: &str) -> Result<Self, StoreError> {
        let rows = sqlx::query(
            "SELECT kind, CAST(count(DISTINCT voter) AS BIGINT) AS voters, max(cast_at) AS cast_at \
             FROM pattern_vote WHERE reply = $1 GROUP BY kind",
        )
        .bind(reply.to_owned())
        .fetch_all(&mut **tx)
        .await?;
        let mut votes = Self::default();
        for row in &rows {
            let voters = row.try_get("voters")?;
            if row.try_get::<i64, _>("kind")? == 1 {
                (votes.likes, votes.liked_at) = (voters, Some(row.try_get("cast_at")?));
            } else {
                votes.dislikes = voters;
            }
        }
        Ok(votes)
    }
}

/// A message and its answer, if they can be an example.
pub(super) async fn exchange(tx: &mut Tx, asked: MessageId) -> Result<Option<Exchange>, StoreError> {
    let row = sqlx::query(
        "SELECT m.id, m.character, m.author, m.scope, m.text, r.id AS reply FROM message m \
         JOIN message r ON r.platform = 'reply' AND r.platform_id = m.id AND r.character = m.character \
         WHERE m.id = $1 AND m.author IS NOT NULL \
         AND EXISTS (SELECT 1 FROM memory piece WHERE piece.source = r.id AND piece.kind = 'reply')",
    )
    .bind(asked.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let exchange = Exchange {
        character: row.try_get("character")?,
        owner: row.try_get("author")?,
        scope: row.try_get("scope")?,
        message: row.try_get("id")?,
        reply: row.try_get("reply")?,
        question: row.try_get("text")?,
    };
    Ok((!shares_its_answer(tx, &exchange).await?).then_some(exchange))
}

/// Whether the message before it is answered with the same words: it has no answer of its own.
async fn shares_its_answer(tx: &mut Tx, exchange: &Exchange) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "SELECT x.status, CASE WHEN EXISTS (SELECT 1 FROM message r WHERE r.platform = 'reply' AND r.platform_id = x.id) \
         OR EXISTS (SELECT 1 FROM memory told WHERE told.source = x.id AND told.kind = 'told') \
         THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END AS own FROM message x \
         WHERE x.character = $1 AND x.scope = $2 AND x.author = $3 AND x.id < $4 ORDER BY x.id DESC LIMIT 1",
    )
    .bind(exchange.character.clone())
    .bind(exchange.scope.clone())
    .bind(exchange.owner.clone())
    .bind(exchange.message.clone())
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(false) };
    Ok(row.try_get::<String, _>("status")? == "answered" && row.try_get::<i64, _>("own")? == 0)
}

/// Drops a pattern of the viewer's user that the viewer may read, with what was made of its answer. Says how many there were.
pub(in crate::memory) async fn drop_own(tx: &mut Tx, viewer: &Viewer, id: &str) -> Result<u64, StoreError> {
    let visible = Visible::of(viewer, "p", "reply", 3);
    let sql = format!("SELECT p.message FROM pattern p WHERE p.id = $1 AND p.owner = $2 AND {}", visible.sql);
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.to_owned()).bind(viewer.user.to_string());
    match visible.bind(query).fetch_optional(&mut **tx).await? {
        Some(row) => drop_patterns_of(tx, &row.try_get::<String, _>("message")?).await,
        None => Ok(0),
    }
}

/// Drops the patterns of a message, whether it is the question or the answer that goes, with what was made of them. Says how
/// many there were.
pub(in crate::memory) async fn drop_patterns_of(tx: &mut Tx, message: &str) -> Result<u64, StoreError> {
    sqlx::query("DELETE FROM pattern_vote WHERE message = $1 OR reply = $1")
        .bind(message.to_owned())
        .execute(&mut **tx)
        .await?;
    let done = sqlx::query("DELETE FROM pattern WHERE message = $1 OR reply = $1")
        .bind(message.to_owned())
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected())
}
