//! What is remembered, and who may be told. Nothing is read without a [`Viewer`], and what a viewer may read is part of
//! each query (`visible.rs`).

mod change;
mod chunk;
mod data;
mod forget;
mod knowledge;
mod left;
mod moved;
mod own;
mod pattern;
mod promise;
mod read;
mod recall;
mod revise;
mod search;
mod session;
mod store;
mod trace;
mod visible;
mod why;
mod words;

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use crate::{
    embed::{EmbedError, Embeddings},
    model::{
        Author, CharacterId, Clock, FactId, Message, MessageId, Place, Quoted, SessionId, Timestamp,
        TranscriptLine, UnitScore, UserId,
    },
    store::{Database, StoreError},
};

#[cfg(doc)]
use crate::model::Viewer;

pub use change::{FactChange, FactChanged};
pub use forget::{FORGET_AT_ONCE, ForgetKind, Forgettable, Forgotten};
pub(crate) use moved::{Named, rename, rescope};
pub use own::{Kept, Kinds};
pub use pattern::{Pattern, PatternSource, Vote};
pub use promise::{MOST_GOALS, MOST_REMINDERS, OwnGoal, Promised, REMINDER_JOB, Reminder};
pub use recall::RecallQuery;
pub use search::{Episode, FoundFact, FoundSummary, Span, coverage};
pub use trace::{GUIDES, Judgement, NewTrace, PlannedCall, REPEATS, Trace};
pub use why::Accounted;

/// A pause of this length ends a session (product.md, MEM).
pub const SESSION_IDLE: Duration = Duration::from_secs(30 * 60);
/// Characters of a message at most.
pub const LONGEST_MESSAGE: usize = 32_000;

/// Why something could not be remembered.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The message has no words.
    #[error("the message is empty")]
    Empty,
    /// The message is too long.
    #[error("the message has {0} characters; {LONGEST_MESSAGE} is the most, so send it in parts")]
    TooLong(usize),
    /// No such session.
    #[error("there is no session {0}")]
    NoSuchSession(SessionId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The embedding model failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

impl From<sqlx::Error> for MemoryError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// A person's message that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// The platform it came from.
    pub platform: String,
    /// The platform's id; the same one is kept once.
    pub platform_id: String,
    /// The character it was said to.
    pub character: CharacterId,
    /// Who said it.
    pub user: UserId,
    /// What the platform calls them.
    pub user_name: String,
    /// Where.
    pub place: Place,
    /// The words.
    pub text: String,
    /// What came with the words and is not their own.
    pub beside: Vec<Quoted>,
    /// When it was said.
    pub at: Timestamp,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// Where the answer goes ([`Message::address`]).
    pub address: Option<String>,
    /// The process that answers it (`Queue::name`); `None`: whoever comes first.
    pub holder: Option<String>,
}

/// The character's answer that is to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewReply<'a> {
    /// The message that is answered; of several, the last.
    pub to: &'a Message,
    /// Earlier messages that the same answer is for.
    pub also: &'a [MessageId],
    /// The words.
    pub text: &'a str,
    /// When they were said.
    pub at: Timestamp,
    /// Whether they can be recalled. What is not indexed is part of the talk only.
    pub indexed: bool,
}

/// A message that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// The message.
    pub message: Message,
    /// True when it had been kept before; then nothing was changed.
    pub duplicate: bool,
    /// Sessions that ended because of it; they are to be looked back at.
    pub ended: Vec<SessionId>,
}

/// A message that waits for an answer, or an answer that waits to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The message.
    pub message: Message,
    /// The process that was to do it; `None`: nobody in particular.
    pub holder: Option<String>,
    /// When it was stored.
    pub stored_at: Timestamp,
}

/// A message that its author has changed or taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revised {
    /// The message, with its new words; with its last, when it was taken back.
    pub message: Message,
    /// Its session had been looked back at and is to be again: what rested on the old words is gone.
    pub look_again: bool,
}

/// A line of the present conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    /// The message.
    pub id: MessageId,
    /// Who said it.
    pub author: Author,
    /// What the speaker is called.
    pub name: String,
    /// The words.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// A fact on record that still holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fact {
    /// Its id.
    pub id: FactId,
    /// Who said it.
    pub owner: UserId,
    /// What they were called when they last spoke where they said it.
    pub owner_name: Option<String>,
    /// Whom or what it is about; `user`: the owner.
    pub subject: String,
    /// What holds, in snake case.
    pub predicate: String,
    /// The value.
    pub object: String,
    /// How sure it is.
    pub confidence: UnitScore,
    /// Since when it is known to hold.
    pub valid_from: Timestamp,
}

impl Fact {
    /// The fact as a plain sentence, with `owner` for the person who said it.
    #[must_use]
    pub fn sentence(&self, owner: &str) -> String {
        let subject = match self.subject.strip_prefix("user") {
            Some("") => owner.to_owned(),
            Some(rest) if rest.starts_with("'s") => format!("{owner}{rest}"),
            _ => self.subject.clone(),
        };
        format!("{subject} {} {}", self.predicate.replace('_', " "), self.object)
    }
}

/// The summary of an earlier session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The session.
    pub session: SessionId,
    /// The words.
    pub text: String,
    /// When the session ended.
    pub ended_at: Timestamp,
}

/// A finished session, for the work that looks back at it. It is shown to nobody: what is found keeps the session's scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// The character.
    pub character: CharacterId,
    /// Where it took place.
    pub scope: crate::model::Scope,
    /// The lines, oldest first.
    pub lines: Vec<TranscriptLine>,
}

/// What came of looking back at a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Facts that are new.
    pub facts: usize,
    /// Wishes taken in.
    pub preferences: usize,
    /// Whether a summary was written.
    pub summary: bool,
}

/// One stored thing with where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// Its id.
    pub id: String,
    /// `message`, `memory`, `fact` or `pattern`.
    pub kind: String,
    /// Its words.
    pub text: String,
    /// Where it was said, as a scope key.
    pub scope: String,
    /// The person behind it; `None`: the character.
    pub by: Option<String>,
    /// When it was said.
    pub when: Timestamp,
    /// The messages or the session it rests on.
    pub sources: Vec<String>,
}

/// How much is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Stats {
    /// Messages of people.
    pub messages_of_people: i64,
    /// Messages of characters.
    pub messages_of_characters: i64,
    /// Messages that wait for an answer.
    pub unanswered: i64,
    /// Sessions.
    pub sessions: i64,
    /// Sessions that are over and not looked back at yet.
    pub sessions_to_look_back_at: i64,
    /// Searchable pieces.
    pub memories: i64,
    /// Pieces with a vector.
    pub vectors: i64,
    /// Facts that hold.
    pub facts: i64,
    /// Facts that held once.
    pub facts_closed: i64,
    /// Wishes.
    pub preferences: i64,
    /// Summaries.
    pub summaries: i64,
    /// Answers that are examples for others.
    pub patterns: i64,
}

/// Memory.
#[derive(Clone)]
pub struct Memory {
    database: Database,
    embeddings: Embeddings,
    clock: Arc<dyn Clock>,
}

impl Memory {
    /// The memory kept in this store.
    #[must_use]
    pub fn new(database: Database, embeddings: Embeddings, clock: Arc<dyn Clock>) -> Self {
        Self { database, embeddings, clock }
    }
}
