//! What a call asks for and what comes back.

use std::{fmt, sync::Arc, time::Duration};

use crate::model::{CharacterId, ErrorKind, TurnId, UserId};

/// Which model is asked (product.md, LLM).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// The character's own voice.
    Main,
    /// Quick decisions: routing and extraction.
    Router,
    /// Deep thought.
    Reflective,
    /// The character's voice when money runs short.
    Cheap,
    /// Who is asked when the local model is not enough.
    Cloud,
}

impl Tier {
    /// Every tier that there always is, the main one first.
    pub const ALL: [Self; 3] = [Self::Main, Self::Router, Self::Reflective];

    /// The name in settings and in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Router => "router",
            Self::Reflective => "reflective",
            Self::Cheap => "cheap",
            Self::Cloud => "cloud",
        }
    }
}

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The answer to a person.
    Answer,
    /// How much thought a message asks for.
    Route,
    /// A step of thought: tools are called, or the answer is given.
    Reflect,
    /// The check of an answer that took thought.
    Critic,
    /// Facts, preferences and the summary of a session.
    Extract,
    /// A sign of life, asked by `dramatis doctor`.
    Check,
    /// A measurement.
    Bench,
}

impl Purpose {
    /// The name in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Route => "route",
            Self::Reflect => "reflect",
            Self::Critic => "critic",
            Self::Extract => "extract",
            Self::Check => "check",
            Self::Bench => "bench",
        }
    }
}

/// Who wrote a message of the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Instructions.
    System,
    /// A person.
    User,
    /// The model.
    Assistant,
    /// What a tool brought.
    Tool,
}

impl Role {
    /// The word of the chat-completions protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// One message of the prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// Who wrote it.
    pub role: Role,
    /// Its words.
    pub content: String,
    /// The tools that the model called with it; of an assistant's message only.
    pub tool_calls: Vec<ToolCall>,
    /// The call that it answers; of a tool's message only.
    pub tool_call_id: Option<String>,
}

impl ChatMessage {
    /// A message of `role`.
    #[must_use]
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), tool_calls: Vec::new(), tool_call_id: None }
    }

    /// The model's own message, with the tools that it called.
    #[must_use]
    pub fn calling(content: impl Into<String>, tool_calls: Vec<ToolCall>) -> Self {
        Self { tool_calls, ..Self::new(Role::Assistant, content) }
    }

    /// What the tool brought that was called as `id`.
    #[must_use]
    pub fn tool(id: impl Into<String>, content: impl Into<String>) -> Self {
        Self { tool_call_id: Some(id.into()), ..Self::new(Role::Tool, content) }
    }
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// Its name: ASCII letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What it does and when to call it, for the model.
    pub description: String,
    /// Its arguments, as a JSON schema of an object.
    pub parameters: serde_json::Value,
}

/// A call of a tool, as the model wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The id that its answer carries.
    pub id: String,
    /// The tool's name; it may not exist.
    pub name: String,
    /// The arguments: meant to be a JSON object, and perhaps not one.
    pub arguments: String,
}

/// On whose account a call goes in the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attribution {
    /// The character that speaks.
    pub character: Option<CharacterId>,
    /// The person it speaks to.
    pub user: Option<UserId>,
    /// The server it speaks on; none in a private talk.
    pub guild: Option<String>,
    /// The turn the call belongs to.
    pub turn: Option<TurnId>,
}

/// What the offline responder says in place of a model. It is asked only when the tier has no model.
pub trait OfflineAnswer: Send + Sync {
    /// The whole answer.
    fn answer(&self) -> String;
}

/// One call.
#[derive(Clone)]
pub struct ChatRequest {
    /// Which model.
    pub tier: Tier,
    /// What for.
    pub purpose: Purpose,
    /// The prompt.
    pub messages: Vec<ChatMessage>,
    /// The tools that the model may call; none: it can only answer.
    pub tools: Vec<ToolSpec>,
    /// Sampling temperature; the endpoint's default when absent.
    pub temperature: Option<f32>,
    /// The longest answer, in tokens; the endpoint's default when absent.
    pub max_tokens: Option<u32>,
    /// Another model at the tier's endpoint.
    pub model: Option<String>,
    /// Ask for one JSON object.
    pub json: bool,
    /// Ask how sure the model is of its words ([`Completion::confidence`]).
    pub confidence: bool,
    /// On whose account.
    pub attribution: Attribution,
    /// Who answers when the tier has no model; without it such a call fails as [`ErrorKind::Unavailable`].
    pub offline: Option<Arc<dyn OfflineAnswer>>,
}

impl ChatRequest {
    /// A request with the endpoint's defaults and nobody's account.
    #[must_use]
    pub fn new(tier: Tier, purpose: Purpose, messages: Vec<ChatMessage>) -> Self {
        Self {
            tier,
            purpose,
            messages,
            tools: Vec::new(),
            temperature: None,
            max_tokens: None,
            model: None,
            json: false,
            confidence: false,
            attribution: Attribution::default(),
            offline: None,
        }
    }
}

impl fmt::Debug for ChatRequest {
    /// Without the words: prompts hold what people said in confidence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatRequest")
            .field("tier", &self.tier)
            .field("purpose", &self.purpose)
            .field("messages", &self.messages.len())
            .field("model", &self.model)
            .field("attribution", &self.attribution)
            .finish_non_exhaustive()
    }
}

/// What a streamed call brings: pieces of the answer, then the whole of it.
#[derive(Debug, Clone, PartialEq)]
pub enum ChatEvent {
    /// The natural logarithms of the probabilities of the next piece's tokens, where [`ChatRequest::confidence`] asks for them
    /// and the endpoint gives them.
    Logprobs(Vec<f64>),
    /// The next piece.
    Delta(String),
    /// The end. Nothing comes after it.
    Done(Completion),
}

/// A whole answer and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The answer: all deltas, joined. Empty only where tools were called.
    pub text: String,
    /// The tools that the model calls instead of (or beside) an answer, in its order.
    pub tool_calls: Vec<ToolCall>,
    /// How sure the model was of its words: the geometric mean of the tokens' probabilities, in `0.0..=1.0`; `None` where
    /// nobody asked or the endpoint does not give them.
    pub confidence: Option<f64>,
    /// The model that was asked (`offline` for the built-in responder).
    pub model: String,
    /// Tokens read, over all attempts.
    pub tokens_in: u64,
    /// Tokens written, over all attempts.
    pub tokens_out: u64,
    /// True when the endpoint did not count (all of) the tokens and they were estimated.
    pub usage_estimated: bool,
    /// Money by the price table, in US dollars.
    pub cost_usd: f64,
    /// All time spent waiting on the endpoint: answers, time-outs, and pauses between attempts.
    pub waited: Duration,
    /// Requests that were made; 0 offline.
    pub attempts: u32,
    /// True when the stream broke half way and the answer was continued by another request.
    pub recovered: bool,
}

/// A call that brought no (whole) answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct LlmError {
    /// What kind of thing went wrong.
    pub kind: ErrorKind,
    /// What happened, to which endpoint, and what to do: for the operator. Holds no secret.
    pub message: String,
    /// What had been streamed before.
    pub partial: String,
    /// All time spent waiting on the endpoint.
    pub waited: Duration,
}
