//! The flow of talk: a message comes in once, waits for its turn in its conversation, is answered, and what its session
//! leaves behind is queued.

mod beside;
mod data;
mod deliver;
mod desk;
mod feedback;
mod gate;
mod inbound;
mod intake;
mod mailbox;
mod moved;
mod outbound;
mod outbox;
mod remind;
mod split;
mod stream;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use crate::{
    character::Cast,
    cognition::{Ask, Mind, Outcome, SessionEnded},
    jobs::{Enqueued, Queue},
    llm::offline,
    memory::{Left, Memory, MemoryError},
    model::{
        Aside, Author, CharacterId, Clock, Message, MessageId, Place, Scope, SessionId, Timestamp, TurnEvent,
        Viewer, conversation,
    },
    relationship::RelationshipError,
    store::{Database, StoreError},
};

use deliver::Talk;
use desk::Desk;
pub use feedback::Reaction;
pub use gate::{AccessRules, Decision, Gate, Subject, Target, TargetError};
pub use inbound::Inbound;
pub use outbound::{Capabilities, Lost, Outbound, SendError};
use outbox::Outbox;
pub use remind::ReminderDue;
pub use split::{Unit, split};

/// A message older than this is not answered any more after a restart (product.md, DLV).
pub const STALE: Duration = Duration::from_secs(5 * 60);

/// Messages that were sent are known by their keys for so long.
const KEEP_SENT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Why a message could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum ConversationError {
    /// No such character.
    #[error("there is no character `{0}`; `dramatis characters list` shows the cast")]
    NoSuchCharacter(CharacterId),
    /// The platform failed.
    #[error(transparent)]
    Platform(#[from] SendError),
    /// The platform is not connected.
    #[error("the platform `{0}` is not connected")]
    NotConnected(String),
    /// Memory refused or failed.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A relationship could not be read or changed.
    #[error(transparent)]
    Relationship(#[from] RelationshipError),
}

/// What became of an inbound message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// It was answered, or an error was told.
    Turn(Outcome),
    /// It had been seen before; nothing was done.
    Duplicate,
}

/// What became of a message that a platform brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is stored, and will be answered.
    New,
    /// It had been seen before; nothing was done.
    Seen,
    /// It asked to stop, and the turn under way stops.
    Stop,
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
    desk: Desk,
    outboxes: Arc<Mutex<HashMap<String, Outbox>>>,
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
        Self {
            database,
            cast,
            memory,
            mind,
            queue,
            clock,
            mailboxes: Arc::default(),
            desk: Desk::default(),
            outboxes: Arc::default(),
        }
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
        let arrived = Instant::now();
        let stored = self.memory.store_user_message(inbound.held_by(self.queue.name())).await?;
        self.look_back_at_all(stored.ended).await;
        if stored.duplicate {
            return Ok(Handled::Duplicate);
        }
        let outcome = self.answer(viewer, (stored.message, Vec::new()), arrived, events).await?;
        drop(waiting);
        Ok(Handled::Turn(outcome))
    }

    async fn answer(
        &self,
        viewer: Viewer,
        (message, also): (Message, Vec<MessageId>),
        arrived: Instant,
        events: &mpsc::Sender<TurnEvent>,
    ) -> Result<Outcome, ConversationError> {
        let character = self
            .cast
            .get(&viewer.character)
            .ok_or_else(|| ConversationError::NoSuchCharacter(viewer.character.clone()))?;
        if self.mind.is_offline() && self.is_first(&viewer, message.at).await {
            let notice = TurnEvent::Aside { kind: Aside::Offline, text: offline::NOTICE.to_owned() };
            // A reader that has gone away must not stop the turn.
            let _ = events.send(notice).await;
        }
        let user_name = match &message.author {
            Author::User { name, .. } => name.clone(),
            Author::Character => String::new(),
        };
        Ok(self.mind.turn(&Ask { character, viewer, user_name, message, also, arrived }, events).await)
    }

    /// Whether the offline responder has yet to say what it is here. A store that fails now must not cost the answer.
    async fn is_first(&self, viewer: &Viewer, at: Timestamp) -> bool {
        data::first_time(&self.database, viewer, "offline", at).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "what was said once in this conversation cannot be looked up");
            false
        })
    }

    /// Messages that a stopped or killed process left unanswered and that `ours` picks, oldest first, if they are younger
    /// than [`STALE`]. They are taken over: no other process answers them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unanswered(
        &self,
        platform: &str,
        ours: impl Fn(&Message) -> bool,
    ) -> Result<Vec<Message>, ConversationError> {
        let left = self.memory.pending(platform, self.clock.now().minus(STALE)).await?;
        self.taken_over(left.into_iter().filter(|left| ours(&left.message)).collect()).await
    }

    /// Those of which the holder is gone, now held by this process.
    async fn taken_over(&self, left: Vec<Left>) -> Result<Vec<Message>, ConversationError> {
        let mut taken = Vec::new();
        for Left { message, holder, stored_at } in left {
            let free = match &holder {
                Some(holder) => self.queue.is_gone(holder, stored_at).await?,
                None => true,
            };
            // An answer is held by whoever holds the message that it answers.
            let held = message.reply_to.filter(|_| message.author.user().is_none()).unwrap_or(message.id);
            if free && self.memory.take_over(held, holder.as_deref(), self.queue.name()).await? {
                taken.push(message);
            }
        }
        Ok(taken)
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
        let Some(viewer) = Self::viewer_of(&message) else { return Ok(Outcome::Failed) };
        let waiting = self.mailboxes.enter(&viewer).await;
        let outcome = self.answer(viewer, (message, Vec::new()), Instant::now(), events).await?;
        drop(waiting);
        Ok(outcome)
    }

    /// Through whose eyes a stored message is answered; nobody's, when no person said it.
    fn viewer_of(message: &Message) -> Option<Viewer> {
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
        Some(Viewer::new(message.character.clone(), user, place))
    }

    /// Where a platform's adapter left off, in its own words.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn cursor(&self, key: &str) -> Result<Option<String>, ConversationError> {
        Ok(data::cursor(&self.database, key).await?)
    }

    /// Keeps where a platform's adapter has got to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_cursor(&self, key: &str, value: &str) -> Result<(), ConversationError> {
        Ok(data::keep_cursor(&self.database, key, value, self.clock.now()).await?)
    }

    /// The characters that a platform's message was taken in for.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn heard_by(
        &self,
        platform: &str,
        platform_id: &str,
    ) -> Result<Vec<CharacterId>, ConversationError> {
        Ok(self.memory.heard_by(platform, platform_id).await?)
    }

    /// Where people talked in private on a platform since `since`, as addresses, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recent(&self, platform: &str, since: Timestamp) -> Result<Vec<String>, ConversationError> {
        Ok(self.memory.addresses(platform, since).await?)
    }

    /// Stops taking turns on; waits at most `limit` for those under way. What is stored and unanswered is taken up by the
    /// next start.
    pub async fn close(&self, limit: Duration) -> bool {
        self.desk.close(limit).await
    }

    fn outbox(&self, platform: &str) -> Option<Outbox> {
        self.outboxes.lock().unwrap_or_else(PoisonError::into_inner).get(platform).cloned()
    }

    fn talk(&self, key: String, outbox: Outbox) -> Talk {
        Talk { key, conversations: self.clone(), outbox }
    }

    /// Ends sessions that have been idle, queues the look back at every ended session that has not had one, takes up what
    /// other processes left when they ended, and forgets what was sent long ago. Asking again changes nothing.
    ///
    /// # Errors
    /// When the store or the queue fails.
    pub async fn sweep(&self) -> Result<usize, ConversationError> {
        let sessions = self.memory.end_idle(self.clock.now()).await?;
        let mut count = 0;
        for session in sessions {
            count += usize::from(self.look_back(session).await?);
        }
        let outboxes: Vec<Outbox> =
            self.outboxes.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for outbox in outboxes {
            self.take_up(&outbox).await?;
            outbox.purge(self.clock.now().minus(KEEP_SENT)).await?;
        }
        Ok(count)
    }

    /// True when it was not queued before.
    async fn look_back(&self, session: SessionId) -> Result<bool, ConversationError> {
        Ok(matches!(self.queue.enqueue(SessionEnded::job(session)).await?, Enqueued::New(_)))
    }

    /// Queues what a message has ended. The message is stored by now and must be answered whatever happens here; the sweep
    /// queues what is missing.
    pub async fn look_back_at_all(&self, sessions: Vec<SessionId>) {
        for session in sessions {
            if let Err(error) = self.look_back(session).await {
                tracing::warn!(%error, %session, "a finished session waits for the next sweep");
            }
        }
    }
}

/// The conversation that a stored message belongs to.
fn talk_key(message: &Message) -> String {
    conversation(&message.character, &message.scope)
}
