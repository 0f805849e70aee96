//! What happens in a turn, as one stream that the console, the tests and every later reader share.

use serde::{Deserialize, Serialize};

use super::{CharacterId, TierChoice, Timestamp, UnitScore, UserId};

/// How much thought a message asks for (product.md, TRN).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// Greeting, small talk: one call, no tools.
    Simple,
    /// One or two look-ups.
    ComplexLow,
    /// Several steps.
    ComplexMid,
    /// Synthesis, or asked for with `!reflect`.
    ComplexHigh,
}

/// The path a turn took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnPath {
    /// One streamed call.
    Fast,
    /// Several steps, with tools.
    Reflective,
}

/// Who decided the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoutedBy {
    /// A rule on the words.
    Rule,
    /// The likeness to prototype sentences.
    Prototype,
    /// The router model, asked because the local router was unsure.
    Model,
}

/// Where a recalled row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecalledSource {
    /// A person's own words.
    Message,
    /// What the character said.
    Reply,
    /// The summary of an earlier session.
    Summary,
    /// A fact on record.
    Fact,
}

/// One recalled row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecalledItem {
    /// The id of the memory or fact, for `dramatis memory show`.
    pub id: String,
    /// Its words.
    pub text: String,
    /// How well it fits, in `0.0..=1.0`.
    pub score: UnitScore,
    /// Where it comes from.
    pub source: RecalledSource,
    /// When it was said.
    pub when: Timestamp,
    /// The person who said it, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// What they were called when they said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Something said beside the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aside {
    /// The offline responder says what it is, once a conversation.
    Offline,
    /// Trust reached a milestone for the first time.
    Milestone,
    /// Trust fell through a threshold.
    TrustDrop,
}

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The endpoint asks for patience (429).
    RateLimited,
    /// The endpoint is broken (5xx) or cannot be reached.
    Unavailable,
    /// The endpoint did not answer in time.
    Timeout,
    /// The stream broke off and could not be resumed.
    BrokenStream,
    /// The endpoint answered with something that is no answer.
    BadAnswer,
    /// The endpoint answered with nothing.
    EmptyAnswer,
    /// The prompt does not fit the model, even when cut down.
    ContextLength,
    /// The key is wrong or lacks a right.
    Unauthorized,
    /// A limit on what models may cost is reached.
    Budget,
    /// The store failed.
    Store,
    /// Anything else.
    Other,
}

/// How far a tool call has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolState {
    /// It runs.
    Started,
    /// It brought something.
    Finished,
    /// It brought nothing: wrong arguments, refused, failed, or too slow.
    Failed,
}

/// One thing that happened in a turn; `--json` prints one a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TurnEvent {
    /// How the message was understood.
    Routed {
        /// How much thought it asks for.
        level: Level,
        /// The path taken.
        path: TurnPath,
        /// How sure the router is.
        confidence: UnitScore,
        /// Who decided.
        by: RoutedBy,
        /// Flags and intents that were recognised.
        flags: Vec<String>,
        /// Milliseconds the decision took.
        ms: f64,
    },
    /// What memory brought up, best first; empty when nothing is on record.
    Recalled {
        /// The rows.
        items: Vec<RecalledItem>,
    },
    /// A step of thought begins, on the reflective path.
    Thinking {
        /// What people may be shown of it, in the character's words.
        text: String,
        /// Which step, from 1.
        step: u32,
        /// The most steps there may be.
        of: u32,
    },
    /// A tool was called, or has ended. Neither its arguments nor what it brought are told: both may be confidential.
    Tool {
        /// Which call: the same id when it begins and when it ends.
        id: String,
        /// The tool.
        name: String,
        /// How far it is.
        state: ToolState,
        /// Milliseconds it took; absent when it begins.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ms: Option<f64>,
    },
    /// A piece of the answer.
    Delta {
        /// The piece.
        text: String,
    },
    /// Something said beside the answer.
    Aside {
        /// What it is.
        kind: Aside,
        /// The words.
        text: String,
    },
    /// Which tier answers, and why; only where there is a cloud tier. It comes when that has been decided for good.
    Tier(TierChoice),
    /// The whole answer. Nothing of the answer comes after it.
    Final {
        /// The answer.
        text: String,
        /// Who answered.
        character: CharacterId,
        /// The level it was answered at.
        level: Level,
        /// The model that wrote it (`offline` for the built-in responder).
        model: String,
        /// Tokens read by the model.
        tokens_in: u64,
        /// Tokens written by the model.
        tokens_out: u64,
        /// Money, in US dollars.
        cost_usd: f64,
        /// From the message to the last word, milliseconds.
        total_ms: f64,
        /// The part of `total_ms` that was not spent waiting for a model, milliseconds.
        overhead_ms: f64,
    },
    /// The character does not answer, and why.
    Refused {
        /// The rule that fired.
        rule: String,
    },
    /// Something went wrong; `message` is what the person is told, in the character's voice.
    Error {
        /// What kind.
        kind: ErrorKind,
        /// What the person is told.
        message: String,
    },
}
