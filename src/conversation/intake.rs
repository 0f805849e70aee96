//! What platforms bring in: new messages, changed ones, ones taken back, and what processes that are gone left undone.

use std::sync::{Arc, PoisonError};

use super::{
    ConversationError, Conversations, Inbound, Outbound, Taken,
    desk::Order,
    outbox::{Begun, Outbox},
    talk_key,
};
use crate::{
    cognition::SessionEnded,
    memory::Revised,
    model::{CharacterId, Message, MessageId, Viewer, plain},
};

impl Conversations {
    /// Connects a platform: what an earlier process left undelivered or unanswered on it goes first. Call it before the
    /// platform's own events are taken in.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn connect(&self, platform: Arc<dyn Outbound>) -> Result<(), ConversationError> {
        let name = platform.platform().to_owned();
        let outbox = Outbox::new(self.database.clone(), self.clock.clone(), platform, self.queue.name());
        self.outboxes.lock().unwrap_or_else(PoisonError::into_inner).insert(name, outbox.clone());
        self.take_up(&outbox).await
    }

    /// Takes up what processes that are gone left on a platform.
    pub(super) async fn take_up(&self, outbox: &Outbox) -> Result<(), ConversationError> {
        let name = outbox.platform().platform();
        let undelivered = self.memory.undelivered(name).await?;
        let undelivered = self.taken_over(undelivered).await?;
        let mut unanswered = Vec::new();
        for message in self.unanswered(name, |_| true).await? {
            // Silence holds for what came before it, too.
            if !self.gate().is_paused(&message.scope).await? {
                unanswered.push(message);
            }
        }
        let in_hand = |key: &str| {
            let asked = key.split(['/', '!']).next().unwrap_or_default();
            let is = |id: Option<MessageId>| id.is_some_and(|id| id.to_string() == asked);
            key.contains('/')
                && (undelivered.iter().any(|reply| is(reply.reply_to))
                    || unanswered.iter().any(|message| is(Some(message.id))))
        };
        for begun in outbox.begun().await? {
            let gone = self.queue.is_gone(&begun.holder, begun.since).await?;
            if !gone || !outbox.take_over(&begun).await? || in_hand(&begun.post.key) {
                continue;
            }
            let Begun { post, text, .. } = begun;
            let talk = self.talk(post.conversation.clone(), outbox.clone());
            self.desk.order(&talk, Order::Repeat(post, text)).await;
        }
        for reply in undelivered {
            let talk = self.talk(talk_key(&reply), outbox.clone());
            self.desk.order(&talk, Order::Deliver(Box::new(reply))).await;
        }
        for message in unanswered {
            let talk = self.talk(talk_key(&message), outbox.clone());
            self.desk.order(&talk, Order::Answer(Box::new(message))).await;
        }
        self.tell_due_on(outbox).await
    }

    /// Takes a platform's message in. When this returns, it is stored, and the platform's cursor may move on; it is
    /// answered in its turn, to the address that came with it.
    ///
    /// # Errors
    /// [`ConversationError`] when it could not be stored.
    pub async fn take_in(&self, inbound: Inbound) -> Result<Taken, ConversationError> {
        let Some(outbox) = self.outbox(&inbound.platform) else {
            return Err(ConversationError::NotConnected(inbound.platform));
        };
        if self.cast.get(&inbound.character).is_none() {
            return Err(ConversationError::NoSuchCharacter(inbound.character));
        }
        if is_stop(&inbound.text) {
            let viewer = Viewer::new(inbound.character, inbound.user.clone(), inbound.place);
            let key = viewer.conversation();
            self.desk.order(&self.talk(key, outbox), Order::Stop(inbound.user, inbound.at)).await;
            return Ok(Taken::Stop);
        }
        let stored = self.memory.store_user_message(inbound.held_by(self.queue.name())).await?;
        self.look_back_at_all(stored.ended).await;
        if stored.duplicate {
            return Ok(Taken::Seen);
        }
        let talk = self.talk(talk_key(&stored.message), outbox);
        self.desk.order(&talk, Order::Answer(Box::new(stored.message))).await;
        Ok(Taken::New)
    }

    /// Takes in that somebody changed a message. If its answer is still being thought about, that begins again; an answer
    /// that was given stays.
    ///
    /// # Errors
    /// [`ConversationError`] when the change could not be stored.
    pub async fn changed(
        &self,
        platform: &str,
        platform_id: &str,
        character: &CharacterId,
        text: &str,
    ) -> Result<(), ConversationError> {
        let Some(outbox) = self.outbox(platform) else { return Ok(()) };
        let Some(revised) = self.memory.edit(platform, platform_id, character, &plain(text)).await? else {
            return Ok(());
        };
        let message = self.look_again(revised).await;
        let talk = self.talk(talk_key(&message), outbox);
        self.desk.order(&talk, Order::Changed(Box::new(message))).await;
        Ok(())
    }

    /// Takes in that somebody took a message back: it is forgotten, and if its answer is still being thought about, that
    /// ends; an answer that was given stays.
    ///
    /// # Errors
    /// [`ConversationError`] when the store fails.
    pub async fn taken_back(
        &self,
        platform: &str,
        platform_id: &str,
        character: &CharacterId,
    ) -> Result<(), ConversationError> {
        let Some(outbox) = self.outbox(platform) else { return Ok(()) };
        let Some(revised) = self.memory.take_back(platform, platform_id, character).await? else {
            return Ok(());
        };
        let message = self.look_again(revised).await;
        let talk = self.talk(talk_key(&message), outbox);
        self.desk.order(&talk, Order::Gone(message.id)).await;
        Ok(())
    }

    /// Queues another look back at the session of a message where one is due.
    async fn look_again(&self, revised: Revised) -> Message {
        let Revised { message, look_again } = revised;
        if look_again {
            let job = SessionEnded::again(message.session, message.id, self.clock.now());
            if let Err(error) = self.queue.enqueue(job).await {
                tracing::warn!(%error, session = %message.session, "a session is not looked back at again");
            }
        }
        message
    }
}

/// A message that asks for nothing but to stop.
fn is_stop(text: &str) -> bool {
    matches!(text.trim().to_lowercase().as_str(), "stop" | "stop." | "stop!" | "/stop")
}
