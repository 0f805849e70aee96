//! Which channels there are, as far as Discord has told: a thread belongs to a channel, and a message does not say so.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{
    event::{Channel, Guild, Id},
    rest::{Rest, RestError},
};

/// A channel or thread of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) guild: Id,
    /// The channel that a thread hangs under.
    pub(super) parent: Option<Id>,
    pub(super) name: String,
    /// The last message when it was last heard of.
    pub(super) last_message: Option<Id>,
}

/// What is known of the servers that a bot is in.
#[derive(Debug, Default)]
pub(super) struct World {
    spots: Mutex<HashMap<Id, Spot>>,
    /// The bot's own role in each server: people mention that, too.
    roles: Mutex<HashMap<Id, Id>>,
}

impl World {
    /// A server comes into sight.
    pub(super) fn guild(&self, guild: Guild, me: &str) {
        let own = guild.roles.iter().find(|role| {
            role.tags.as_ref().and_then(|tags| tags.bot_id.as_deref()).is_some_and(|bot| bot == me)
        });
        if let Some(role) = own {
            let mut roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
            roles.insert(guild.id.clone(), role.id.clone());
        }
        for channel in guild.channels.into_iter().chain(guild.threads) {
            self.channel(Channel { guild_id: Some(guild.id.clone()), ..channel });
        }
    }

    /// A channel or thread is new, or has changed.
    pub(super) fn channel(&self, channel: Channel) {
        let parent = channel.is_thread().then(|| channel.parent_id.clone()).flatten();
        let Some(guild) = channel.guild_id else { return };
        let spot = Spot {
            guild,
            parent,
            name: channel.name.unwrap_or_default(),
            last_message: channel.last_message_id,
        };
        self.spots.lock().unwrap_or_else(PoisonError::into_inner).insert(channel.id, spot);
    }

    /// A channel or thread is gone.
    pub(super) fn forget(&self, channel: &str) {
        self.spots.lock().unwrap_or_else(PoisonError::into_inner).remove(channel);
    }

    /// The bot's own role in a server.
    pub(super) fn own_role(&self, guild: &str) -> Option<Id> {
        self.roles.lock().unwrap_or_else(PoisonError::into_inner).get(guild).cloned()
    }

    /// A channel that is known already.
    pub(super) fn known(&self, channel: &str) -> Option<Spot> {
        self.spots.lock().unwrap_or_else(PoisonError::into_inner).get(channel).cloned()
    }

    /// Every channel with a message that is younger than the id `after`.
    pub(super) fn stirred(&self, after: u64) -> Vec<(Id, Spot)> {
        let spots = self.spots.lock().unwrap_or_else(PoisonError::into_inner);
        let young = |spot: &Spot| {
            spot.last_message.as_deref().and_then(|id| id.parse::<u64>().ok()).is_some_and(|id| id > after)
        };
        spots.iter().filter(|(_, spot)| young(spot)).map(|(id, spot)| (id.clone(), spot.clone())).collect()
    }

    /// A channel of this server, asked for where it is not known.
    pub(super) async fn spot(&self, rest: &Rest, guild: &str, channel: &str) -> Result<Spot, RestError> {
        if let Some(spot) = self.known(channel) {
            return Ok(spot);
        }
        let found: Channel = rest.get(&format!("/channels/{channel}")).await?;
        self.channel(Channel { guild_id: Some(guild.to_owned()), ..found });
        Ok(self.known(channel).unwrap_or_else(|| Spot {
            guild: guild.to_owned(),
            parent: None,
            name: String::new(),
            last_message: None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_hangs_under_its_channel_and_a_channel_under_none() {
        let world = World::default();
        let guild = r#"{"id": "1", "roles": [{"id": "5", "tags": {"bot_id": "9"}}, {"id": "6"}],
            "channels": [{"id": "2", "type": 0, "parent_id": "7", "name": "general", "last_message_id": "40"}],
            "threads": [{"id": "3", "type": 11, "parent_id": "2", "name": "plans"}]}"#;
        world.guild(serde_json::from_str(guild).unwrap(), "9");
        assert_eq!(world.known("2").unwrap().parent, None, "a category is no channel");
        assert_eq!(world.known("3").unwrap().parent.as_deref(), Some("2"));
        assert_eq!(world.own_role("1").as_deref(), Some("5"));
        assert_eq!(world.stirred(39).len(), 1);
        assert!(world.stirred(40).is_empty());
        world.forget("3");
        assert_eq!(world.known("3"), None);
    }
}
