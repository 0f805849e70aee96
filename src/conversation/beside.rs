//! What goes on beside the talk: remarks, words in the open, who is let in, and what others want to know of deliveries.

use std::{collections::BTreeSet, sync::PoisonError};

use super::{
    ConversationError, Conversations, Gate, Inbound, data,
    desk::Order,
    outbox::{Outbox, Post},
};
use crate::model::{CharacterId, MessageId, Viewer};

impl Conversations {
    /// Says something to where a message came from that is no part of the talk, such as the answer to a command. When
    /// this returns it is written down, and is sent in its turn; the same message gets one remark.
    ///
    /// # Errors
    /// [`ConversationError`] when it could not be written down.
    pub async fn remark(&self, to: &Inbound, text: &str) -> Result<(), ConversationError> {
        let Some(outbox) = self.outbox(&to.platform) else {
            return Err(ConversationError::NotConnected(to.platform.clone()));
        };
        self.put(outbox, to, "!", text).await
    }

    /// Says something in the open to where a message came from, beside the [`Conversations::remark`] on it. The same
    /// message brings it up once.
    ///
    /// # Errors
    /// [`ConversationError`] when it could not be written down.
    pub async fn say(&self, to: &Inbound, text: &str) -> Result<(), ConversationError> {
        let Some(outbox) = self.outbox(&to.platform) else {
            return Err(ConversationError::NotConnected(to.platform.clone()));
        };
        self.put(outbox, to, "!say", text).await
    }

    async fn put(
        &self,
        outbox: Outbox,
        to: &Inbound,
        suffix: &str,
        text: &str,
    ) -> Result<(), ConversationError> {
        let Some(address) = to.address.clone() else { return Ok(()) };
        let viewer = Viewer::new(to.character.clone(), to.user.clone(), to.place.clone());
        let conversation = viewer.conversation();
        let key = format!("{}:{}:{}{suffix}", to.platform, to.platform_id, to.character);
        let post = Post { key, conversation: conversation.clone(), address };
        if !outbox.plan(&post, text).await? {
            return Ok(());
        }
        let talk = self.talk(conversation, outbox);
        self.desk.order(&talk, Order::Repeat(post, text.to_owned())).await;
        Ok(())
    }

    /// Who may talk, where there is silence, and who answers where.
    #[must_use]
    pub fn gate(&self) -> Gate {
        Gate::new(self.database.clone())
    }

    /// Whether somebody of this id is in the cast.
    #[must_use]
    pub fn has_character(&self, id: &CharacterId) -> bool {
        self.cast.get(id).is_some()
    }

    /// The platforms that are connected.
    #[must_use]
    pub fn platforms(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.outboxes.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
        names.sort();
        names
    }

    /// The message that was answered with what a platform shows under this id; `None`: it is no answer.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn asked(
        &self,
        platform: &str,
        room: &str,
        platform_id: &str,
    ) -> Result<Option<MessageId>, ConversationError> {
        Ok(data::asked(&self.database, platform, room, platform_id).await?)
    }

    /// How many messages are written down and not sent yet.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unsent(&self) -> Result<i64, ConversationError> {
        Ok(data::unsent(&self.database).await?)
    }

    /// Takes the words of answers to these messages out of what was sent. What platforms show stays.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget_sent(&self, messages: &BTreeSet<MessageId>) -> Result<(), ConversationError> {
        Ok(data::forget_sent(&self.database, messages).await?)
    }
}
