//! A platform's message in common words.

use crate::{
    memory::NewMessage,
    model::{CharacterId, Place, Quoted, Timestamp, UserId, plain},
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
    /// What came with the words and is not their own.
    pub beside: Vec<Quoted>,
    /// When they were said.
    pub at: Timestamp,
    /// Where the answer goes, in the platform's own words (JSON); `None` where it goes back the way the message came.
    pub address: Option<String>,
}

impl Inbound {
    /// As memory takes it, held by the process of this name.
    pub(super) fn held_by(self, holder: &str) -> NewMessage {
        NewMessage {
            platform: self.platform,
            platform_id: self.platform_id,
            character: self.character,
            user: self.user,
            user_name: plain(&self.user_name).replace(['\n', '\t'], " "),
            place: self.place,
            text: plain(&self.text),
            beside: self.beside.into_iter().map(Quoted::made_plain).collect(),
            at: self.at,
            reply_to: None,
            address: self.address,
            holder: Some(holder.to_owned()),
        }
    }
}
