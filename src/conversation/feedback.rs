//! Reactions to what a character said: they change the trust of that character, and of no other.

use super::{ConversationError, Conversations, desk::Order, outbox::Post};
use crate::{
    cognition::Reacted,
    model::{CharacterId, Feeling, UserId},
};

/// A reaction, in common words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The platform's name.
    pub platform: String,
    /// What shares one count of message ids ([`super::Outbound::room`]).
    pub room: String,
    /// The platform's id of the message that it is on.
    pub message: String,
    /// Who reacts.
    pub user: UserId,
    /// With what.
    pub emoji: String,
    /// False: it is taken back.
    pub added: bool,
}

impl Conversations {
    /// Takes in a reaction. One that is on no character's message, or that says nothing, changes nothing. A milestone that is
    /// reached is announced where the message is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reacted(&self, reaction: Reaction) -> Result<(), ConversationError> {
        let Some(outbox) = self.outbox(&reaction.platform) else { return Ok(()) };
        let Some(feeling) = Feeling::of(&reaction.emoji) else { return Ok(()) };
        let Some(post) = outbox.shown_as(&reaction.room, &reaction.message).await? else { return Ok(()) };
        let Some(character) = speaker(&post).and_then(|id| self.cast.get(&id)) else { return Ok(()) };
        let source =
            format!("{}:{}:{}:{}", reaction.platform, reaction.room, reaction.message, reaction.emoji);
        let reacted = Reacted {
            user: &reaction.user,
            source: &source,
            answered: post.key.split('/').next().and_then(|id| id.parse().ok()),
            emoji: &reaction.emoji,
            feeling,
            added: reaction.added,
        };
        for (number, text) in self.mind.reacted(&character, reacted).await?.into_iter().enumerate() {
            let key = format!("{source}:{}!{number}", reaction.user);
            let news = Post { key, conversation: post.conversation.clone(), address: post.address.clone() };
            if outbox.plan(&news, &text).await? {
                let talk = self.talk(news.conversation.clone(), outbox.clone());
                self.desk.order(&talk, Order::Repeat(news, text)).await;
            }
        }
        Ok(())
    }

    /// Which character said a message of the platform's; `None`: none did.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn said_by(
        &self,
        platform: &str,
        room: &str,
        message: &str,
    ) -> Result<Option<CharacterId>, ConversationError> {
        let Some(outbox) = self.outbox(platform) else { return Ok(None) };
        Ok(outbox.shown_as(room, message).await?.as_ref().and_then(speaker))
    }
}

/// Whose conversation a message belongs to (`model::conversation`: the character, a slash, the scope).
fn speaker(post: &Post) -> Option<CharacterId> {
    post.conversation.split('/').next().and_then(|id| CharacterId::new(id).ok())
}
