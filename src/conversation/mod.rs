//! The flow of talk: a message comes in once, waits for its turn in its conversation, is answered, and what its session
//! leaves behind is queued.

mod data;
mod inbound;
mod mailbox;
mod split;

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use crate::{
    character::Cast,
    cognition::{Ask, Mind, Outcome, SessionEnded},
    jobs::Queue,
    llm::offline,
    memory::{Memory, MemoryError, NewMessage},
    model::{Aside, Author, CharacterId, Clock, Message, Place, Scope, SessionId, TurnEvent, Viewer},
    store::{Database, StoreError},
};

pub use inbound::Inbound;
pub use split::{Unit, split};

/// A message older than this is not answered any more after a restart (product.md, DLV).
pub const STALE: Duration = Duration::from_secs(5 * 60);

/// Why a message could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum ConversationError {
    /// No such character.
    #[error("there is no character `{0}`; `dramatis characters list` shows the cast")]
    NoSuchCharacter(CharacterId),
    /// Memory refused or failed.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of an inbound message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// It was answered, or an error was told.
    Turn(Outcome),
    /// It had been seen before; nothing was done.
    Duplicate,
}

/// All conversations of the cast.
#[derive(Clone)]
pub struct Conversations {
    database: Database,
    cast: Cast,
    memory: Memory,
    mind: Arc<Mind>,
    queue: Queue,
    clock: Arc<dyn Clock>,
    mailboxes: Arc<mailbox::Mailboxes>,
}

impl Conversations {
    /// Conversations of this cast.
    #[must_use]
    pub fn new(
        database: Database,
        cast: Cast,
        memory: Memory,
        mind: Arc<Mind>,
        queue: Queue,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { database, cast, memory, mind, queue, clock, mailboxes: Arc::default() }
    }

    /// Stores a message and answers it, after all that came before it in the same conversation.
    ///
    /// # Errors
    /// [`ConversationError`] when the message could not be stored; then nothing was answered either. What goes wrong
    /// later is told through `events`.
    pub async fn handle(
        &self,
        inbound: Inbound,
        events: &mpsc::Sender<TurnEvent>,
    ) -> Result<Handled, ConversationError> {
        let viewer = Viewer::new(inbound.character.clone(), inbound.user.clone(), inbound.place.clone());
        let waiting = self.mailboxes.enter(&viewer).await;
        let stored = self.memory.store_user_message(NewMessage::from(inbound)).await?;
        for session in stored.ended {
            self.look_back(session).await?;
        }
        if stored.duplicate {
            return Ok(Handled::Duplicate);
        }
        let outcome = self.answer(viewer, stored.message, events).await?;
        drop(waiting);
        Ok(Handled::Turn(outcome))
    }

    async fn answer(
        &self,
        viewer: Viewer,
        message: Message,
        events: &mpsc::Sender<TurnEvent>,
    ) -> Result<Outcome, ConversationError> {
        let character = self
            .cast
            .get(&viewer.character)
            .ok_or_else(|| ConversationError::NoSuchCharacter(viewer.character.clone()))?;
        if self.mind.is_offline() && data::first_time(&self.database, &viewer, "offline", message.at).await? {
            let notice = TurnEvent::Aside { kind: Aside::Offline, text: offline::NOTICE.to_owned() };
            // A reader that has gone away must not stop the turn.
            let _ = events.send(notice).await;
        }
        let user_name = match &message.author {
            Author::User { name, .. } => name.clone(),
            Author::Character => String::new(),
        };
        Ok(self.mind.turn(&Ask { character, viewer, user_name, message }, events).await)
    }

    /// Messages that a stopped or killed process left unanswered, oldest first, if they are younger than [`STALE`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unanswered(&self, platform: &str) -> Result<Vec<Message>, ConversationError> {
        Ok(self.memory.pending(platform, self.clock.now().minus(STALE)).await?)
    }

    /// Answers a message that is already stored.
    ///
    /// # Errors
    /// When the store fails, or the character is gone.
    pub async fn resume(
        &self,
        message: Message,
        events: &mpsc::Sender<TurnEvent>,
    ) -> Result<Outcome, ConversationError> {
        let Some((viewer, waiting)) = self.viewer_of(&message).await else { return Ok(Outcome::Failed) };
        let outcome = self.answer(viewer, message, events).await?;
        drop(waiting);
        Ok(outcome)
    }

    async fn viewer_of(&self, message: &Message) -> Option<(Viewer, mailbox::Waiting)> {
        let user = message.author.user()?.clone();
        let place = match &message.scope {
            Scope::Dm(_) => Place::Dm,
            Scope::Channel { guild, channel } => {
                Place::Channel { guild: guild.clone(), channel: channel.clone() }
            }
            Scope::Thread { guild, channel, thread } => {
                Place::Thread { guild: guild.clone(), channel: channel.clone(), thread: thread.clone() }
            }
            Scope::Guild(_) | Scope::Global => return None,
        };
        let viewer = Viewer::new(message.character.clone(), user, place);
        let waiting = self.mailboxes.enter(&viewer).await;
        Some((viewer, waiting))
    }

    /// Ends sessions that have been idle, and queues the look back at every ended session that has not had one. Asking
    /// again changes nothing.
    ///
    /// # Errors
    /// When the store or the queue fails.
    pub async fn sweep(&self) -> Result<usize, ConversationError> {
        let sessions = self.memory.end_idle(self.clock.now()).await?;
        let count = sessions.len();
        for session in sessions {
            self.look_back(session).await?;
        }
        Ok(count)
    }

    async fn look_back(&self, session: SessionId) -> Result<(), ConversationError> {
        self.queue.enqueue(SessionEnded::job(session)).await?;
        Ok(())
    }
}
