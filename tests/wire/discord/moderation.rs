//! What moderators and the service itself do to what was said.

use serde_json::{Value, json};

use super::{
    Discord, events, messages,
    render::{id, ids},
    world::Id,
};

impl Discord {
    /// Messages of one channel go away at once.
    pub fn delete_many(&self, messages: &[Id]) {
        let mut world = self.world();
        let Some(first) = messages.first() else { return };
        let channel = world.messages[first].channel;
        for message in messages {
            world.messages.get_mut(message).unwrap().deleted = true;
        }
        let guild = world.guild_of(channel);
        world.tell_channel(channel, events::MESSAGES, "MESSAGE_DELETE_BULK", |_, _| {
            events::with_guild(json!({ "ids": ids(messages), "channel_id": id(channel) }), guild)
        });
    }

    /// All reactions of a message go away.
    pub fn clear_reactions(&self, message: Id) {
        messages::clear(&mut self.world(), message);
    }

    /// Discord adds the preview of a link: an update that is no edit.
    pub fn unfurl(&self, message: Id, embed: Value) {
        let mut world = self.world();
        let embeds = world.messages.get_mut(&message).unwrap().embeds.as_array_mut().unwrap();
        embeds.push(embed);
        world.tell_updated(message);
    }

    /// Somebody leaves a guild or is put out; a bot hears no more of it.
    pub fn leave(&self, user: Id, guild: Id) {
        let mut world = self.world();
        if world.bot(user).is_some() {
            world.tell(
                user,
                Some(guild),
                events::GUILDS,
                "GUILD_DELETE",
                |_, _| json!({ "id": id(guild), "unavailable": false }),
            );
        }
        world.guilds.get_mut(&guild).unwrap().members.remove(&user);
    }

    /// A channel or thread goes away with all that was said there.
    pub fn remove_channel(&self, channel: Id) {
        let mut world = self.world();
        let it = world.channels[&channel].clone();
        let thread = it.kind == super::world::kind::PUBLIC_THREAD;
        let name = if thread { "THREAD_DELETE" } else { "CHANNEL_DELETE" };
        world
            .tell_channel(channel, events::GUILDS, name, |world, reader| world.channel_json(&it, reader.bot));
        for message in world.in_channel.remove(&channel).unwrap_or_default() {
            world.messages.get_mut(&message).unwrap().deleted = true;
        }
        world.channels.remove(&channel);
    }
}
