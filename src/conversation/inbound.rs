//! A platform's message in common words.

use crate::{
    memory::NewMessage,
    model::{CharacterId, Place, Timestamp, UserId},
};

/// What an adapter hands over for each message that is meant for a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The platform's name: `console`, …
    pub platform: String,
    /// The platform's id of the message. The same id is taken in once.
    pub platform_id: String,
    /// The character that is spoken to.
    pub character: CharacterId,
    /// Who speaks.
    pub user: UserId,
    /// What the platform calls them.
    pub user_name: String,
    /// Where.
    pub place: Place,
    /// The words.
    pub text: String,
    /// When they were said.
    pub at: Timestamp,
    /// Where the answer goes, in the platform's own words (JSON); `None` where it goes back the way the message came.
    pub address: Option<String>,
}

impl From<Inbound> for NewMessage {
    fn from(inbound: Inbound) -> Self {
        Self {
            platform: inbound.platform,
            platform_id: inbound.platform_id,
            character: inbound.character,
            user: inbound.user,
            user_name: inbound.user_name.replace('\0', ""),
            place: inbound.place,
            // Postgres takes no NUL in a text, and nobody means one.
            text: inbound.text.replace('\0', ""),
            at: inbound.at,
            reply_to: None,
            address: inbound.address,
        }
    }
}
