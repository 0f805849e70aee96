//! What a reaction says.

use serde::{Deserialize, Serialize};

/// Whether a reaction is kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feeling {
    /// It is.
    Kind,
    /// It is the opposite.
    Unkind,
}

/// Emoji that are kind. A heart of any colour is.
const KIND: &str =
    "👍👏🙌🤝💪🙏❤🧡💛💚💙💜🖤🤍🤎💖💗💓💞💕💘💝🫶😍🥰😘😊☺😄😁😆😂🤣😀😃😇🤗🤩😻🔥✨🎉🥳💯⭐🌟👌🏆🫡🆒";
/// Emoji that are unkind.
const UNKIND: &str = "👎🖕😠😡🤬💩🤮🤢🙄😒😤🥱💔🤡👿";

impl Feeling {
    /// What an emoji says, in any skin tone; `None`: neither. The names that servers give to emoji of their own say nothing.
    #[must_use]
    pub fn of(emoji: &str) -> Option<Self> {
        // The first letter carries the meaning; what follows is a skin tone, a variation selector, or joined to it.
        let first = emoji.chars().next().filter(|c| !c.is_ascii())?;
        let is_broken = emoji.contains('💔');
        if KIND.contains(first) && !is_broken {
            Some(Self::Kind)
        } else if UNKIND.contains(first) {
            Some(Self::Unkind)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("👍", Some(Feeling::Kind))]
    #[case("👍🏽", Some(Feeling::Kind))]
    #[case("❤️", Some(Feeling::Kind))]
    #[case("❤️‍🔥", Some(Feeling::Kind))]
    #[case("👎🏿", Some(Feeling::Unkind))]
    #[case("💔", Some(Feeling::Unkind))]
    #[case("🐙", None)]
    #[case("blobheart", None)]
    #[case("", None)]
    fn emoji_say_what_they_say(#[case] emoji: &str, #[case] expected: Option<Feeling>) {
        assert_eq!(Feeling::of(emoji), expected);
    }
}
