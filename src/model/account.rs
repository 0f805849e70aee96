//! How an answer came about, kept with the answer.

use serde::{Deserialize, Serialize};

use super::{Level, RecalledSource, RoutedBy, Timestamp, TurnPath, UnitScore};

/// A row that was recalled for a turn, by its id: its words stay where they are, and so does who may read them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountItem {
    /// The id of the memory or fact.
    pub id: String,
    /// Where it comes from.
    pub source: RecalledSource,
    /// When it was said.
    pub when: Timestamp,
    /// How well it fitted, in `0.0..=1.0`.
    pub score: UnitScore,
}

/// Which tier wrote an answer, where there is a cloud tier (product.md, LLM: local first, cloud when needed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnsweringTier {
    /// The operator's own model.
    Local,
    /// The cloud.
    Cloud,
}

/// Why the cloud was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EscalationReason {
    /// The message asks for much thought.
    Complexity,
    /// Nothing like it was answered before.
    Novelty,
    /// The local model was not sure of its words.
    Confidence,
    /// The local model brought no answer.
    Failure,
}

/// Why the cloud did not answer, or was out of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EscalationBar {
    /// Money is short.
    Budget,
    /// It was asked and brought no answer.
    Failure,
    /// The writer may be in danger: what they say stays here.
    Crisis,
}

/// The choice between the local tier and the cloud, with the numbers behind it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TierChoice {
    /// Who answered.
    pub tier: AnsweringTier,
    /// Why the cloud was wanted; absent when it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<EscalationReason>,
    /// Why it did not answer all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barred: Option<EscalationBar>,
    /// How much thought the message asks for.
    pub complexity: UnitScore,
    /// How unlike it is to what was learned; absent where that was not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub novelty: Option<UnitScore>,
    /// How sure the local model was of its answer; absent where it was not asked or did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<UnitScore>,
}

/// The account of one turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// How much thought the message asked for.
    pub level: Level,
    /// The path taken.
    pub path: TurnPath,
    /// How sure the router was.
    pub confidence: UnitScore,
    /// Who decided.
    pub by: RoutedBy,
    /// Flags and intents that were recognised.
    pub flags: Vec<String>,
    /// What memory brought up, best first.
    pub recalled: Vec<AccountItem>,
    /// The ids of earlier exchanges that went well and were given as examples, best first.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// The tools that were called, each once.
    #[serde(default)]
    pub tools: Vec<String>,
    /// The model that wrote the answer (`offline` for the built-in responder).
    pub model: String,
    /// Tokens read by the model.
    pub tokens_in: u64,
    /// Tokens written by the model.
    pub tokens_out: u64,
    /// Money, in US dollars.
    pub cost_usd: f64,
    /// From the message to the last word, milliseconds.
    pub total_ms: f64,
    /// Which tier answered, and why; absent where there is no cloud tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierChoice>,
}
