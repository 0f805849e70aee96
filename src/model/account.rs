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
}
