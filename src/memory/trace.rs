//! How questions that took thought were answered, so that the next one like it takes less. Tables `trace`, `trace_use`.
//!
//! A trace rests on one message and goes with it: its arguments are words of that message, and its answer is kept where
//! every answer is.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Row as _, any::AnyRow};

use super::{Memory, MemoryError, visible::Visible};
use crate::{
    model::{MessageId, TurnId, Viewer},
    store::{StoreError, Tx, vector},
};

/// From this likeness on a trace guides (product.md, MEM), in `0.0..=1.0`.
pub const GUIDES: f64 = 0.75;
/// From this likeness on its plan is used as it is.
pub const REPEATS: f64 = 0.90;
/// Traces that are compared at most: those that were used last.
const COMPARED: i64 = 400;
/// Traces of one person with one character that are kept.
const KEPT: i64 = 200;
/// Words beside those that are looked up, by which a kind of question is known at least.
const LEAST_FRAME: usize = 3;
/// The score that a trace begins with, and below which it falls out.
const FIRST_SCORE: f64 = 0.6;
const LEAST_SCORE: f64 = 0.2;

/// A call of a tool, as a plan has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedCall {
    /// The tool.
    pub tool: String,
    /// Its arguments, of which words are those of the question; `null` stands for what the question does not say.
    pub arguments: Value,
}

/// A turn of thought that is to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewTrace<'a> {
    /// The message that was answered.
    pub message: MessageId,
    /// The answer.
    pub reply: MessageId,
    /// What was asked.
    pub question: &'a str,
    /// Its vector, of the model that memory is indexed with.
    pub vector: Option<&'a [f32]>,
    /// The calls that were made and brought something, in order.
    pub plan: &'a [PlannedCall],
}

/// A turn of thought about something like what is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Its id.
    pub id: String,
    /// What was asked.
    pub question: String,
    /// What was called.
    pub plan: Vec<PlannedCall>,
    /// How like the question is, in `0.0..=1.0`.
    pub likeness: f64,
}

/// What became of an answer, for the traces that it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The turn ended with an answer.
    Served,
    /// Somebody liked it.
    Liked,
    /// Somebody disliked it.
    Disliked,
    /// The person said that it is wrong.
    Corrected,
    /// The turn failed.
    Failed,
}

impl Judgement {
    const fn delta(self) -> f64 {
        match self {
            Self::Served => 0.05,
            Self::Liked => 0.2,
            Self::Disliked | Self::Corrected | Self::Failed => -0.3,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Liked => "liked",
            Self::Disliked => "disliked",
            Self::Corrected => "corrected",
            Self::Failed => "failed",
        }
    }
}

impl Memory {
    /// Keeps how a question was answered; the same message is kept once. The oldest beyond two hundred of a person fall out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_trace(&self, viewer: &Viewer, new: NewTrace<'_>) -> Result<(), MemoryError> {
        let id = TurnId::new().to_string();
        let steps =
            serde_json::to_string(new.plan).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let model = new.vector.map(|_| self.embeddings.model_name().to_owned());
        let mut tx = self.database.begin().await?;
        let added = sqlx::query(
            "INSERT INTO trace (id, character, owner, scope, message, reply, question, steps, outcome, score, model, \
             vector, created_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'answered', $9, $10, $11, $12, $12) \
             ON CONFLICT (message) DO NOTHING",
        )
        .bind(id.clone())
        .bind(viewer.character.to_string())
        .bind(viewer.user.to_string())
        .bind(viewer.scope().key())
        .bind(new.message.to_string())
        .bind(new.reply.to_string())
        .bind(new.question.to_owned())
        .bind(steps)
        .bind(FIRST_SCORE)
        .bind(model)
        .bind(new.vector.map(vector::to_text))
        .bind(self.clock.now().micros())
        .execute(&mut *tx)
        .await?;
        if added.rows_affected() > 0 {
            note_use(&mut tx, &id, new.message).await?;
        }
        let old = sqlx::query(
            "SELECT id FROM trace WHERE character = $1 AND owner = $2 ORDER BY used_at DESC, id DESC LIMIT 100 OFFSET $3",
        )
        .bind(viewer.character.to_string())
        .bind(viewer.user.to_string())
        .bind(KEPT)
        .fetch_all(&mut *tx)
        .await?;
        for row in &old {
            drop_trace(&mut tx, &row.try_get::<String, _>("id")?).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Traces of questions like this one that the viewer may read, the likest first, from a likeness of [`GUIDES`] on.
    ///
    /// Likeness is the cosine of both vectors. Where one of them has none, it is the share of words in common (Dice: twice
    /// the words in both, by all words of each), so that only questions in nearly the same words are alike. Questions that
    /// differ only in what their plan looks up are alike, too.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn traces_like(
        &self,
        viewer: &Viewer,
        question: &str,
        asked: Option<&[f32]>,
    ) -> Result<Vec<Trace>, MemoryError> {
        let visible = Visible::of(viewer, "t", "owner", 1);
        let limit = visible.next(1);
        let sql = format!(
            "SELECT t.id, t.question, t.steps, t.model, t.vector FROM trace t WHERE {} \
             ORDER BY t.used_at DESC, t.id DESC LIMIT ${limit}",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql));
        let rows = visible.bind(query).bind(COMPARED).fetch_all(self.database.readers()).await?;
        let mut traces = Vec::new();
        for row in &rows {
            let held: String = row.try_get("question")?;
            let steps: String = row.try_get("steps")?;
            let plan: Vec<PlannedCall> = match serde_json::from_str(&steps) {
                Ok(plan) => plan,
                Err(error) => {
                    tracing::warn!(%error, "a trace cannot be read and is left out");
                    continue;
                }
            };
            let likeness = match (asked, self.vector_of(row)?) {
                (Some(asked), Some(other)) => cosine(asked, &other),
                _ => in_common(question, &held),
            };
            let likeness = likeness.max(of_one_kind(question, &held, &plan));
            if likeness >= GUIDES {
                traces.push(Trace { id: row.try_get("id")?, question: held, plan, likeness });
            }
        }
        traces.sort_by(|a, b| b.likeness.total_cmp(&a.likeness));
        Ok(traces)
    }

    /// Notes that the answer to `message` rests on these traces.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn use_traces(&self, message: MessageId, traces: &[String]) -> Result<(), MemoryError> {
        let mut tx = self.database.begin().await?;
        for trace in traces {
            note_use(&mut tx, trace, message).await?;
            sqlx::query("UPDATE trace SET used_at = $2 WHERE id = $1")
                .bind(trace.clone())
                .bind(self.clock.now().micros())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Scores the traces that the answer to `message` rests on; each judgement counts once. `holds` is false when it is
    /// taken back. A trace whose score falls below 0.2 is dropped.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn judge_traces(
        &self,
        message: MessageId,
        judgement: Judgement,
        holds: bool,
    ) -> Result<(), MemoryError> {
        let mut tx = self.database.begin().await?;
        let rows = sqlx::query("SELECT trace, judged FROM trace_use WHERE message = $1")
            .bind(message.to_string())
            .fetch_all(&mut *tx)
            .await?;
        for row in &rows {
            let (trace, judged): (String, String) = (row.try_get("trace")?, row.try_get("judged")?);
            let mut names: Vec<&str> = judged.split_whitespace().collect();
            if names.contains(&judgement.name()) == holds {
                continue;
            }
            let sign = if holds { 1.0 } else { -1.0 };
            if holds {
                names.push(judgement.name());
            } else {
                names.retain(|name| *name != judgement.name());
            }
            sqlx::query("UPDATE trace_use SET judged = $3 WHERE trace = $1 AND message = $2")
                .bind(trace.clone())
                .bind(message.to_string())
                .bind(names.join(" "))
                .execute(&mut *tx)
                .await?;
            let outcome = names.last().copied().unwrap_or("answered").to_owned();
            let scored = sqlx::query(
                "UPDATE trace SET score = CASE WHEN score + $2 > 1.0 THEN 1.0 ELSE score + $2 END, outcome = $3 \
                 WHERE id = $1 RETURNING score",
            )
            .bind(trace.clone())
            .bind(sign * judgement.delta())
            .bind(outcome)
            .fetch_optional(&mut *tx)
            .await?;
            let score = scored.map(|row| row.try_get::<f64, _>("score")).transpose()?;
            if score.is_some_and(|score| score < LEAST_SCORE) {
                drop_trace(&mut tx, &trace).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// The vector of a row, where it is of the model that memory is indexed with.
    pub(super) fn vector_of(&self, row: &AnyRow) -> Result<Option<Vec<f32>>, StoreError> {
        let model: Option<String> = row.try_get("model")?;
        if model.as_deref() != Some(self.embeddings.model_name()) {
            return Ok(None);
        }
        let text: Option<String> = row.try_get("vector")?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

async fn note_use(tx: &mut Tx, trace: &str, message: MessageId) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO trace_use (trace, message, judged) VALUES ($1, $2, '') ON CONFLICT DO NOTHING")
        .bind(trace.to_owned())
        .bind(message.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn drop_trace(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    for sql in ["DELETE FROM trace_use WHERE trace = $1", "DELETE FROM trace WHERE id = $1"] {
        sqlx::query(sql).bind(id.to_owned()).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Drops the trace of a message, whether it is the question or the answer that goes, and what it says of others.
pub(super) async fn drop_traces_of(tx: &mut Tx, message: &str) -> Result<(), StoreError> {
    let rows = sqlx::query("SELECT id FROM trace WHERE message = $1 OR reply = $1")
        .bind(message.to_owned())
        .fetch_all(&mut **tx)
        .await?;
    for row in &rows {
        drop_trace(tx, &row.try_get::<String, _>("id")?).await?;
    }
    sqlx::query("DELETE FROM trace_use WHERE message = $1")
        .bind(message.to_owned())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() {
        return 0.0;
    }
    let dot =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum() };
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { dot(a, b) / lengths } else { 0.0 }
}

/// The words of a text, and how often each is there.
fn counted(text: &str) -> BTreeMap<String, usize> {
    let mut words: BTreeMap<String, usize> = BTreeMap::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        *words.entry(word.to_lowercase()).or_default() += 1;
    }
    words
}

/// How like two questions are when the words that a plan looks up may be others: the share of the rest that they have in
/// common (Dice). 0 where the plan looks up no word of its question, where little else is left, and where nothing stands in
/// place of those words.
fn of_one_kind(asked: &str, held: &str, plan: &[PlannedCall]) -> f64 {
    let looked_up: BTreeSet<String> = plan
        .iter()
        .flat_map(|call| call.arguments.as_object().into_iter().flat_map(|it| it.values()))
        .filter_map(Value::as_str)
        .flat_map(|text| counted(text).into_keys())
        .collect();
    let mut rest = counted(held);
    let all: usize = rest.values().sum();
    rest.retain(|word, _| !looked_up.contains(word));
    let left: usize = rest.values().sum();
    let asked = counted(asked);
    let both: usize =
        rest.iter().map(|(word, times)| (*times).min(asked.get(word).copied().unwrap_or_default())).sum();
    let other = asked.values().sum::<usize>() - both;
    if left == all || left < LEAST_FRAME || other == 0 {
        return 0.0;
    }
    // A name may have a word more than another.
    let foreign = other.saturating_sub(all - left + 1);
    2.0 * both as f64 / (left + both + foreign) as f64
}

/// The share of words that two texts have in common (Dice).
pub(super) fn in_common(a: &str, b: &str) -> f64 {
    let (a, b) = (counted(a), counted(b));
    let all: usize = a.values().chain(b.values()).sum();
    let both: usize =
        a.iter().map(|(word, times)| (*times).min(b.get(word).copied().unwrap_or_default())).sum();
    if all == 0 { 0.0 } else { 2.0 * both as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_common() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(in_common("When did Ana visit?", "when did ana VISIT"), 1.0));
        assert!(close(in_common("When did Ana visit?", "When did Tom visit?"), 0.75));
        assert!(close(in_common("", ""), 0.0));
    }

    #[test]
    fn questions_are_of_one_kind_whatever_they_look_up() {
        let call = |query: &str| PlannedCall {
            tool: "search_memories".to_owned(),
            arguments: serde_json::json!({ "query": query, "order": "newest" }),
        };
        let held = "Summarise what I told you about the boat.";
        let like = |asked: &str, query: &str| of_one_kind(asked, held, &[call(query)]);
        assert!(like("Summarise what I told you about the thesis.", "boat") >= REPEATS);
        assert!(like("Summarise what I told you about the old thesis.", "boat") >= REPEATS);
        assert!(like("Compare what I told you of boat and thesis, for me alone.", "boat") < GUIDES);
        assert!(like("Did you ever hear of the thesis?", "boat") < GUIDES);
        assert!(like("Summarise what I told you about the.", "boat") < f64::EPSILON);
        assert!(like("Summarise what I told you about the thesis.", "ferry") < f64::EPSILON);
        let short = of_one_kind("Your boat?", "My boat?", &[call("boat")]);
        assert!(short < f64::EPSILON);
    }

    #[test]
    fn a_cosine_needs_vectors_of_one_length() {
        assert!((cosine(&[1.0, 0.0], &[2.0, 0.0]) - 1.0).abs() < 1e-9);
        assert!(cosine(&[1.0], &[1.0, 0.0]).abs() < 1e-9);
        assert!(cosine(&[0.0], &[0.0]).abs() < 1e-9);
    }
}
