//! Identifiers as types of their own, so that a user's id can never be passed for a message's.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A character id has other characters than `a-z`, `0-9` and `-`, is empty, or is longer than 32.
    #[error("`{0}` is not a character id: use 1 to 32 of a-z, 0-9 and `-`, starting with a letter")]
    Character(String),
    /// A user id lacks its platform.
    #[error("`{0}` is not a user id: write `platform:id`, for example `console:robin`")]
    User(String),
    /// Not a UUID.
    #[error("`{0}` is not an id: expected a UUID")]
    Uuid(String),
}

/// The folder name of a character: 1 to 32 of `a-z`, `0-9`, `-`, starting with a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CharacterId(String);

impl CharacterId {
    /// Checks `text` and takes it as an id.
    ///
    /// # Errors
    /// [`IdError::Character`] when the text breaks the rule above.
    pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
        let text = text.into();
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        if starts_well && text.len() <= 32 && text.chars().all(allowed) {
            Ok(Self(text))
        } else {
            Err(IdError::Character(text))
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who is speaking, with the platform that says so: `console:robin`, `discord:1234`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(String);

impl UserId {
    /// Takes `platform:id`.
    ///
    /// # Errors
    /// [`IdError::User`] when either part is empty, or a control character is in it.
    pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
        let text = text.into();
        match text.split_once(':') {
            Some((platform, id))
                if !platform.is_empty() && !id.is_empty() && !text.chars().any(char::is_control) =>
            {
                Ok(Self(text))
            }
            _ => Err(IdError::User(text)),
        }
    }

    /// The user `name` of the console: trimmed and in lower case, so that `Robin` and `robin` are one person.
    ///
    /// # Errors
    /// [`IdError::User`] when the name is blank.
    pub fn console(name: &str) -> Result<Self, IdError> {
        Self::new(format!("console:{}", name.trim().to_lowercase()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_id {
    ($type:ident) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl FromStr for $type {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }
        impl TryFrom<String> for $type {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }
        impl From<$type> for String {
            fn from(id: $type) -> String {
                id.0
            }
        }
    };
}

text_id!(CharacterId);
text_id!(UserId);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $type(Uuid);

        impl $type {
            /// A new id (UUIDv7: sorts by the time it was made).
            #[must_use]
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
        impl FromStr for $type {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::parse_str(text).map(Self).map_err(|_| IdError::Uuid(text.to_owned()))
            }
        }
    };
}

uuid_id!(
    /// A stored message.
    MessageId
);
uuid_id!(
    /// A session: messages of one conversation without a pause of 30 minutes.
    SessionId
);
uuid_id!(
    /// A searchable piece of memory: a message, a part of a long one, or a summary.
    MemoryId
);
uuid_id!(
    /// A fact.
    FactId
);
uuid_id!(
    /// One turn: also the request id in the logs.
    TurnId
);

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("elena", true)]
    #[case("a-1", true)]
    #[case("", false)]
    #[case("Elena", false)]
    #[case("../etc", false)]
    #[case("1a", false)]
    fn a_character_id_is_a_plain_folder_name(#[case] text: &str, #[case] fits: bool) {
        assert_eq!(CharacterId::new(text).is_ok(), fits);
    }

    #[rstest]
    #[case("console:robin", true)]
    #[case("robin", false)]
    #[case(":robin", false)]
    #[case("console:", false)]
    #[case("console:a\0b", false)]
    fn a_user_id_names_its_platform(#[case] text: &str, #[case] fits: bool) {
        assert_eq!(UserId::new(text).is_ok(), fits);
    }

    #[test]
    fn the_console_knows_a_person_in_any_case() {
        assert_eq!(UserId::console(" Robin "), UserId::console("robin"));
    }

    #[test]
    fn ids_survive_their_text_form() {
        let id = MessageId::new();
        assert_eq!(id.to_string().parse::<MessageId>(), Ok(id));
    }
}
