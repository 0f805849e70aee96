//! A message as it is stored.

use serde::{Deserialize, Serialize};

use super::{CharacterId, MessageId, Quoted, Scope, SessionId, Timestamp, UserId};

/// Who said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Author {
    /// A person.
    User {
        /// Their id.
        id: UserId,
        /// What the platform calls them.
        name: String,
    },
    /// The character itself.
    Character,
}

impl Author {
    /// The person, if it was one.
    #[must_use]
    pub fn user(&self) -> Option<&UserId> {
        match self {
            Self::User { id, .. } => Some(id),
            Self::Character => None,
        }
    }
}

/// What became of a user's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageStatus {
    /// Stored, not answered yet.
    Pending,
    /// Answered (or, for the character's own words: said).
    Answered,
    /// No answer could be produced; the person got an error in the character's voice.
    Failed,
    /// The character's own words, on their way to the platform.
    Unsent,
}

impl MessageStatus {
    /// The stored name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Unsent => "unsent",
        }
    }
}

/// One message of a conversation between a character and people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The character whose conversation it belongs to.
    pub character: CharacterId,
    /// Where it was said, and so who may read it.
    pub scope: Scope,
    /// Who said it.
    pub author: Author,
    /// The words.
    pub text: String,
    /// What came with the words and is not the author's own.
    pub beside: Vec<Quoted>,
    /// When it was said.
    pub at: Timestamp,
    /// The session it belongs to.
    pub session: SessionId,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// What became of it.
    pub status: MessageStatus,
    /// Where the answer to it goes, in the words of its platform; `None` where the answer comes back the way it was asked.
    pub address: Option<String>,
}
