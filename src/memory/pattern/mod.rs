//! Answers that went well, as examples for messages like the one they answered. Tables `pattern`, `pattern_vote`.
//!
//! A pattern holds no words: it names a message and the answer to it, is seen where both are, and goes with either.

mod formula;
mod settle;

use sqlx::{Row as _, any::AnyRow};

use super::{
    Memory, MemoryError, data,
    trace::{cosine, in_common},
    visible::Visible,
};
use crate::{
    model::{Feeling, MessageId, Timestamp, UnitScore, UserId, Viewer},
    store::StoreError,
};
use formula::{aged, rank, recency};
use settle::{Learned, exchange};
pub(super) use settle::{drop_own, drop_patterns_of};

/// The rank from which on a pattern is an example (product.md, MEM).
const LEAST_RANK: f64 = 0.5;
/// From this similarity on a message is a similar one; a high score alone would carry any answer over [`LEAST_RANK`].
const LEAST_SIMILARITY: f64 = 0.5;
/// Below this score a pattern is dropped (product.md, MEM).
const LEAST_SCORE: f64 = 0.2;
/// Examples for one message at most (product.md, MEM).
const EXAMPLES: usize = 3;
/// Patterns that are compared at most, those that were liked last.
const COMPARED: i64 = 200;

/// Why an answer is an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternSource {
    /// Somebody liked it.
    Liked,
    /// A greater model gave it.
    Distilled,
}

impl PatternSource {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Liked => "liked",
            Self::Distilled => "distilled",
        }
    }

    fn from_row(row: &AnyRow) -> Result<Self, StoreError> {
        match row.try_get::<String, _>("source")?.as_str() {
            "liked" => Ok(Self::Liked),
            "distilled" => Ok(Self::Distilled),
            other => Err(StoreError::Corrupt(format!("`{other}` is not the source of a pattern"))),
        }
    }
}

/// An earlier exchange that went well, for a message like its question.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Its id.
    pub id: String,
    /// What was said to the character.
    pub question: String,
    /// What it answered.
    pub answer: String,
    /// Why it is an example.
    pub source: PatternSource,
    /// How well it went, aged.
    pub score: UnitScore,
    /// How like the question is.
    pub similarity: UnitScore,
    /// 1 on the day it was learned or liked last, a third after ninety days.
    pub recency: UnitScore,
    /// 0.6 similarity, 0.3 score, 0.1 recency.
    pub rank: UnitScore,
    /// When it was learned or liked last.
    pub held_at: Timestamp,
}

/// A person's reaction to an answer.
#[derive(Debug, Clone, Copy)]
pub struct Vote<'a> {
    /// Who reacts.
    pub by: &'a UserId,
    /// What it is on, and with what: one reaction counts once.
    pub source: &'a str,
    /// What it says.
    pub feeling: Feeling,
}

impl Memory {
    /// Keeps an answer as an example with this score, its source, and the moment; it replaces what was learned of it before.
    /// False: there is no such exchange, or it cannot be an example. Only answers that can be recalled are (no canned or
    /// offline one is), and none that several messages were answered with: it would not go with each of them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn learn_pattern(
        &self,
        asked: MessageId,
        reply: MessageId,
        score: UnitScore,
        why: PatternSource,
    ) -> Result<bool, MemoryError> {
        let vector = self.vector_for(asked).await?;
        let mut tx = self.database.begin().await?;
        self.database.lock(&mut tx, &format!("pattern {asked}")).await?;
        let Some(exchange) = exchange(&mut tx, asked).await? else { return Ok(false) };
        if exchange.reply != reply.to_string() {
            return Ok(false);
        }
        let learned = Learned { score: score.get(), at: self.clock.now().micros(), why };
        self.settle(&mut tx, &exchange, Some(learned), vector).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes in what somebody makes of the answer to `asked`: an answer that more people like than dislike is an example. `holds`
    /// is false when the reaction is taken back; then all is as it was before it. Long and short answers count alike.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn judge_pattern(
        &self,
        asked: MessageId,
        vote: Vote<'_>,
        holds: bool,
    ) -> Result<(), MemoryError> {
        let vector =
            if holds && vote.feeling == Feeling::Kind { self.vector_for(asked).await? } else { None };
        let mut tx = self.database.begin().await?;
        self.database.lock(&mut tx, &format!("pattern {asked}")).await?;
        let Some(exchange) = exchange(&mut tx, asked).await? else { return Ok(()) };
        if holds {
            sqlx::query(
                "INSERT INTO pattern_vote (reply, voter, source, message, kind, cast_at) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (reply, voter, source) DO NOTHING",
            )
            .bind(exchange.reply.clone())
            .bind(vote.by.to_string())
            .bind(vote.source.to_owned())
            .bind(exchange.message.clone())
            .bind(i64::from(vote.feeling == Feeling::Kind))
            .bind(self.clock.now().micros())
            .execute(&mut *tx)
            .await?;
        } else {
            sqlx::query("DELETE FROM pattern_vote WHERE reply = $1 AND voter = $2 AND source = $3")
                .bind(exchange.reply.clone())
                .bind(vote.by.to_string())
                .bind(vote.source.to_owned())
                .execute(&mut *tx)
                .await?;
        }
        self.settle(&mut tx, &exchange, None, vector).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Examples for this message that the viewer may read, the best first: at most three, from a rank of 0.5 and a
    /// similarity of 0.5 on.
    ///
    /// Similarity is the cosine of both vectors. Where one of them has none, it is the share of words in common (Dice). The
    /// score is worth 95 % after each thirty days, and below 0.2 the pattern is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn patterns(
        &self,
        viewer: &Viewer,
        question: &str,
        vector: Option<&[f32]>,
        now: Timestamp,
    ) -> Result<Vec<Pattern>, MemoryError> {
        // The answer is nobody's own words: it is seen where it was said.
        let visible = Visible::of(viewer, "p", "reply", 1);
        let limit = visible.next(1);
        let sql = format!(
            "SELECT p.id, p.source, p.score, p.held_at, p.model, p.vector, m.text AS question, r.text AS answer \
             FROM pattern p JOIN message m ON m.id = p.message JOIN message r ON r.id = p.reply \
             WHERE {} AND p.score > 0 ORDER BY p.held_at DESC, p.id DESC LIMIT ${limit}",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql));
        let rows = visible.bind(query).bind(COMPARED).fetch_all(self.database.readers()).await?;
        let mut found: Vec<Pattern> = Vec::new();
        for row in &rows {
            let held: String = row.try_get("question")?;
            let similarity = UnitScore::new(match (vector, self.vector_of(row)?) {
                (Some(asked), Some(other)) => cosine(asked, &other),
                _ => in_common(question, &held),
            });
            let held_at = data::moment(row, "held_at")?;
            let age = now.since(held_at);
            let score = aged(UnitScore::new(row.try_get("score")?), age);
            let (recency, answer) = (recency(age), row.try_get::<String, _>("answer")?);
            let rank = rank(similarity, score, recency);
            let fits = similarity.get() >= LEAST_SIMILARITY
                && score.get() >= LEAST_SCORE
                && rank.get() >= LEAST_RANK;
            if fits {
                let (id, source) = (row.try_get("id")?, PatternSource::from_row(row)?);
                found.push(Pattern {
                    id,
                    question: held,
                    answer,
                    source,
                    score,
                    similarity,
                    recency,
                    rank,
                    held_at,
                });
            }
        }
        found.sort_by(|a, b| b.rank.get().total_cmp(&a.rank.get()));
        let mut best: Vec<Pattern> = Vec::new();
        for pattern in found {
            // The same answer twice shows nothing more.
            if best.len() < EXAMPLES && best.iter().all(|it| it.answer != pattern.answer) {
                best.push(pattern);
            }
        }
        Ok(best)
    }
}
