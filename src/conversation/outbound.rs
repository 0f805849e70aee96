//! The port to a platform: what the flow of talk asks of an adapter, and what an adapter can answer.

use std::time::Duration;

use async_trait::async_trait;

use super::Unit;

/// What a platform can do, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The longest message, in `unit`s.
    pub longest: usize,
    /// What the platform counts.
    pub unit: Unit,
    /// The shortest time between two changes of one message; `None`: a message cannot be changed, so nothing is streamed.
    pub edit_every: Option<Duration>,
    /// How long a typing sign lasts; `None`: there is none.
    pub typing_lasts: Option<Duration>,
}

/// Why a platform did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Too fast: after this pause it may be tried again. Nothing was done.
    #[error("the platform asks for a pause of {} s", .0.as_secs())]
    Wait(Duration),
    /// The conversation has moved; it goes on at this address. Nothing was done.
    #[error("the conversation has moved")]
    Moved(String),
    /// The platform could not be reached, or failed: it may or may not have been done.
    #[error("the platform failed: {0}")]
    Unreachable(String),
    /// It will never be done: the person has blocked the character, the channel is gone, a right is missing.
    #[error("the platform refuses: {0}")]
    Refused(String),
}

/// A message that may have been sent by a process that was killed before it could note so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost<'a> {
    /// Its idempotency key.
    pub key: &'a str,
    /// What it said first.
    pub text: &'a str,
    /// Other messages of the character in the same room that are known to be there, by the platform's ids.
    pub known: &'a [String],
}

/// An adapter's outgoing side. An address is the adapter's own text (JSON); nobody else reads it.
#[async_trait]
pub trait Outbound: Send + Sync {
    /// The platform's name, as in [`super::Inbound::platform`].
    fn platform(&self) -> &str;

    /// What shares one count of message ids with this address: everything in one room is told apart by id.
    fn room(&self, address: &str) -> String;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Sends a message and gives the platform's id of it. `key` is the same whenever the same message is sent again;
    /// platforms that can, use it to send it once.
    ///
    /// # Errors
    /// [`SendError`].
    async fn send(&self, address: &str, text: &str, key: &str) -> Result<String, SendError>;

    /// Changes a message. A message that says so already is no error.
    ///
    /// # Errors
    /// [`SendError`].
    async fn edit(&self, address: &str, id: &str, text: &str) -> Result<(), SendError>;

    /// Takes a message away. A message that is gone already is no error.
    ///
    /// # Errors
    /// [`SendError`].
    async fn delete(&self, address: &str, id: &str) -> Result<(), SendError>;

    /// Shows that the character is typing.
    ///
    /// # Errors
    /// [`SendError`].
    async fn typing(&self, address: &str) -> Result<(), SendError>;

    /// Looks for a message that a killed process may have sent. `None`: it was not sent, so it can be.
    ///
    /// # Errors
    /// [`SendError`].
    async fn find(&self, address: &str, lost: Lost<'_>) -> Result<Option<String>, SendError>;
}
