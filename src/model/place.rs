//! Where a talk takes place, and the scope that words spoken there carry for ever.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::UserId;

/// Where a conversation takes place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Place {
    /// A private talk between the character and one person.
    Dm,
    /// A channel of a server (guild); a group chat is a guild with one channel.
    Channel {
        /// The server.
        guild: String,
        /// The channel in it.
        channel: String,
    },
    /// A thread, forum post or topic below a channel.
    Thread {
        /// The server.
        guild: String,
        /// The channel that the thread hangs under.
        channel: String,
        /// The thread.
        thread: String,
    },
}

/// Why a text is not a place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a place: write `dm`, `SERVER/CHANNEL` or `SERVER/CHANNEL/THREAD`")]
pub struct PlaceError(String);

impl Place {
    /// True in a private talk.
    #[must_use]
    pub fn is_dm(&self) -> bool {
        matches!(self, Self::Dm)
    }

    /// The server; none in a private talk.
    #[must_use]
    pub fn guild(&self) -> Option<&str> {
        match self {
            Self::Dm => None,
            Self::Channel { guild, .. } | Self::Thread { guild, .. } => Some(guild),
        }
    }

    /// The scope that something said here by or to `user` gets.
    #[must_use]
    pub fn scope(&self, user: &UserId) -> Scope {
        match self {
            Self::Dm => Scope::Dm(user.clone()),
            Self::Channel { guild, channel } => {
                Scope::Channel { guild: guild.clone(), channel: channel.clone() }
            }
            Self::Thread { guild, channel, thread } => {
                Scope::Thread { guild: guild.clone(), channel: channel.clone(), thread: thread.clone() }
            }
        }
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        if text == "dm" {
            return Ok(Self::Dm);
        }
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|part| part.trim().is_empty()) {
            return Err(PlaceError(text.to_owned()));
        }
        match parts.as_slice() {
            [guild, channel] => {
                Ok(Self::Channel { guild: (*guild).to_owned(), channel: (*channel).to_owned() })
            }
            [guild, channel, thread] => Ok(Self::Thread {
                guild: (*guild).to_owned(),
                channel: (*channel).to_owned(),
                thread: (*thread).to_owned(),
            }),
            _ => Err(PlaceError(text.to_owned())),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dm => f.write_str("dm"),
            Self::Channel { guild, channel } => write!(f, "{guild}/{channel}"),
            Self::Thread { guild, channel, thread } => write!(f, "{guild}/{channel}/{thread}"),
        }
    }
}

/// How far a stored word may travel. Stored as [`Scope::key`], one text column, so that the right to read a row is
/// part of the query that finds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Scope {
    /// Between the character and this person only.
    Dm(UserId),
    /// A thread.
    Thread {
        /// The server.
        guild: String,
        /// The channel.
        channel: String,
        /// The thread.
        thread: String,
    },
    /// A channel.
    Channel {
        /// The server.
        guild: String,
        /// The channel.
        channel: String,
    },
    /// Everywhere in a server.
    Guild(String),
    /// Everywhere: the character's own knowledge, or what its owner made public.
    Global,
}

/// A stored scope that cannot be read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope key; the row is treated as visible to nobody")]
pub struct ScopeError(String);

impl Scope {
    /// The stored form. Two different scopes never share a key: `%` and `/` inside names are escaped.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Dm(user) => format!("dm/{}", escape(user.as_str())),
            Self::Thread { guild, channel, thread } => {
                format!("thread/{}/{}/{}", escape(guild), escape(channel), escape(thread))
            }
            Self::Channel { guild, channel } => {
                format!("channel/{}/{}", escape(guild), escape(channel))
            }
            Self::Guild(guild) => format!("guild/{}", escape(guild)),
            Self::Global => "global".to_owned(),
        }
    }

    /// The server that it belongs to, if any.
    #[must_use]
    pub fn guild(&self) -> Option<&str> {
        match self {
            Self::Thread { guild, .. } | Self::Channel { guild, .. } | Self::Guild(guild) => Some(guild),
            Self::Dm(_) | Self::Global => None,
        }
    }

    /// The person whose private talk it is, if it is one.
    #[must_use]
    pub fn person(&self) -> Option<&UserId> {
        if let Self::Dm(user) = self { Some(user) } else { None }
    }

    /// Reads [`Scope::key`] back.
    ///
    /// # Errors
    /// [`ScopeError`] when the text is no key.
    pub fn from_key(key: &str) -> Result<Self, ScopeError> {
        let wrong = || ScopeError(key.to_owned());
        let parts: Vec<&str> = key.split('/').collect();
        let part = |text: &str| unescape(text).ok_or_else(wrong);
        match parts.as_slice() {
            ["global"] => Ok(Self::Global),
            ["dm", user] => UserId::new(part(user)?).map(Self::Dm).map_err(|_| wrong()),
            ["guild", guild] => Ok(Self::Guild(part(guild)?)),
            ["channel", guild, channel] => Ok(Self::Channel { guild: part(guild)?, channel: part(channel)? }),
            ["thread", guild, channel, thread] => {
                Ok(Self::Thread { guild: part(guild)?, channel: part(channel)?, thread: part(thread)? })
            }
            _ => Err(wrong()),
        }
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> String {
        scope.key()
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;
    fn try_from(key: String) -> Result<Self, ScopeError> {
        Self::from_key(&key)
    }
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('/', "%2F")
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        rest = if let Some(tail) = after.strip_prefix("25") {
            out.push('%');
            tail
        } else {
            let tail = after.strip_prefix("2F")?;
            out.push('/');
            tail
        };
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("dm")]
    #[case("lounge/general")]
    #[case("lounge/general/plans")]
    fn a_place_survives_its_text_form(#[case] text: &str) {
        assert_eq!(text.parse::<Place>().map(|place| place.to_string()).as_deref(), Ok(text));
    }

    #[rstest]
    #[case("")]
    #[case("lounge")]
    #[case("lounge/")]
    #[case("/general")]
    #[case("a/b/c/d")]
    fn what_is_no_place_is_refused(#[case] text: &str) {
        assert!(text.parse::<Place>().is_err());
    }

    fn scope() -> impl Strategy<Value = Scope> {
        let name = "[a-c/%:]{1,4}";
        prop_oneof![
            name.prop_map(|n| Scope::Dm(UserId::new(format!("console:{n}")).unwrap())),
            name.prop_map(Scope::Guild),
            (name, name).prop_map(|(guild, channel)| Scope::Channel { guild, channel }),
            (name, name, name).prop_map(|(guild, channel, thread)| Scope::Thread { guild, channel, thread }),
            Just(Scope::Global),
        ]
    }

    proptest! {
        #[test]
        fn keys_are_read_back_and_never_collide(a in scope(), b in scope()) {
            prop_assert_eq!(Scope::from_key(&a.key()), Ok(a.clone()));
            prop_assert_eq!(a == b, a.key() == b.key());
        }
    }
}
