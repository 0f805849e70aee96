//! Reactions: what they were, and what they are now, becomes what was added and what was taken back.

use teloxide_core::types::{MessageReactionUpdated, ReactionType};

use super::{PLATFORM, Telegram, obey::subject, receive};
use crate::{
    conversation::{ConversationError, Reaction},
    model::UserId,
};

impl Telegram {
    /// Takes in that somebody changed their reactions to a message. In groups Telegram tells so only to administrators (Bot
    /// API, Update); of people who hide behind a chat, nobody knows who they are.
    pub(super) async fn reacted(&self, update: &MessageReactionUpdated) -> Result<(), ConversationError> {
        let Some(from) = update.user().filter(|from| !from.is_bot) else { return Ok(()) };
        let Ok(user) = UserId::new(format!("{PLATFORM}:{}", from.id)) else { return Ok(()) };
        let place = receive::place_in(&update.chat, None);
        if !self.handles.commands.admits(&subject(&user, &place), &place).await? {
            return Ok(());
        }
        for (emoji, added) in changes(&update.old_reaction, &update.new_reaction) {
            let reaction = Reaction {
                platform: PLATFORM.to_owned(),
                room: update.chat.id.to_string(),
                message: update.message_id.to_string(),
                user: user.clone(),
                emoji: emoji.to_owned(),
                added,
            };
            self.handles.conversations.reacted(reaction).await?;
        }
        Ok(())
    }
}

/// Each emoji that is gone, then each that is new. Custom emoji are pictures that say nothing to us.
fn changes<'a>(old: &'a [ReactionType], new: &'a [ReactionType]) -> Vec<(&'a str, bool)> {
    let only_in = |these: &'a [ReactionType], others: &'a [ReactionType], added: bool| {
        let emoji = these.iter().filter(|it| !others.contains(it)).filter_map(ReactionType::emoji);
        emoji.map(move |emoji| (emoji.as_str(), added))
    };
    only_in(old, new, false).chain(only_in(new, old, true)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", "👍", &[("👍", true)])]
    #[case("👍", "", &[("👍", false)])]
    #[case("👍", "❤", &[("👍", false), ("❤", true)])]
    #[case("👍❤", "❤🔥", &[("👍", false), ("🔥", true)])]
    #[case("👍", "👍", &[])]
    fn a_change_is_what_went_and_what_came(
        #[case] old: &str,
        #[case] new: &str,
        #[case] expected: &[(&str, bool)],
    ) {
        let emoji = |text: &str| -> Vec<_> {
            text.chars().map(|c| ReactionType::Emoji { emoji: c.to_string() }).collect()
        };
        let (mut old, new) = (emoji(old), emoji(new));
        old.push(ReactionType::Paid);
        assert_eq!(changes(&old, &new), expected);
    }
}
