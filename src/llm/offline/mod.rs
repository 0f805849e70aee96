//! The built-in responder: answers by rule, from a character's examples and from memory, when no language model is
//! configured. It says nothing that is not in one of the two. [`extract`] finds facts, wishes and summaries by rule.

mod act;
mod background;
mod choose;
mod compose;
pub mod crisis;
mod cues;
pub mod extract;
mod fallback;
mod fill;
mod grammar;
mod life;
mod likeness;
mod overview;
mod question;
mod recallphrase;
mod record;
mod somebody;
mod stem;
mod text;
pub mod topics;
mod verbs;
mod whether;

use crate::model::{Preferences, Timestamp};

/// True when a text asks, with or without a question mark, and tells nothing.
#[must_use]
pub fn only_asks(text: &str) -> bool {
    text::only_asks(text)
}

/// What the responder says about itself, once a conversation.
pub const NOTICE: &str = "No language model is configured, so I answer with built-in examples and with what I remember. \
To connect one, set LLM_BASE_URL, LLM_API_KEY and LLM_MODEL, or start Ollama on this machine.";

/// One example exchange of a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfflineExchange {
    /// Its topic, as in [`topics::NAMED`] or the character's own.
    pub topic: String,
    /// The least trust at which it may be used, -100..=100; `None`: for everybody.
    pub min_trust: Option<i32>,
    /// The turns, oldest first; `true` for the user's.
    pub turns: Vec<(bool, String)>,
}

/// A fact on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFact {
    /// `user` (or the user's name), `user's dog`, or somebody's name.
    pub subject: String,
    /// Snake case, as [`extract`] lists them; others are read as verbs.
    pub predicate: String,
    /// The value.
    pub object: String,
    /// When it was said.
    pub when: Timestamp,
}

/// A recalled message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recalled {
    /// Its words.
    pub text: String,
    /// True when the person who is being answered said it.
    pub own_words_of_user: bool,
    /// Who else said it; `None` for the character's own words and for summaries.
    pub speaker: Option<String>,
    /// When it was said.
    pub when: Timestamp,
}

/// Everything an answer may rest on.
#[derive(Debug, Clone, PartialEq)]
pub struct Material {
    /// The character's name.
    pub name: String,
    /// The character's examples.
    pub exchanges: Vec<OfflineExchange>,
    /// The character's own knowledge: predicate and object, in the third person.
    pub background: Vec<(String, String)>,
    /// What the character is for, as an instruction ("Make people …").
    pub purpose: Option<String>,
    /// What the user is called.
    pub user_name: Option<String>,
    /// Trust, -100..=100.
    pub trust: f64,
    /// The character's mood, as in `evolution.yaml`.
    pub mood: String,
    /// The user's wishes.
    pub preferences: Preferences,
    /// The message to answer.
    pub message: String,
    /// What was said just before, oldest first; `true` for the user's.
    pub history: Vec<(bool, String)>,
    /// Facts on record.
    pub facts: Vec<KnownFact>,
    /// Recalled messages, best first.
    pub recalled: Vec<Recalled>,
    /// What the router found: `manipulation`, `crisis`, `memory`, …
    pub flags: Vec<String>,
    /// The present.
    pub now: Timestamp,
    /// Decides among equals.
    pub seed: u64,
    /// What the character says to attempts at making it drop its rules.
    pub manipulation_responses: Vec<String>,
}

/// The answer to `material.message`: never empty, the same for the same material.
#[must_use]
pub fn answer(material: &Material) -> String {
    compose::answer(material)
}

#[cfg(test)]
mod tests;
