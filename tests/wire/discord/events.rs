//! What bots are told of what happens, by their intents.

use serde_json::{Value, json};

use super::{
    gateway::{belongs, push},
    render::{Reader, emoji, id},
    world::{Id, Message, World, kind},
};

/// Intents by their events in guilds and in private.
#[derive(Clone, Copy)]
pub struct Intent {
    pub guild: u64,
    pub private: u64,
}

pub const GUILDS: Intent = Intent { guild: 1, private: 1 };
pub const MESSAGES: Intent = Intent { guild: 1 << 9, private: 1 << 12 };
pub const REACTIONS: Intent = Intent { guild: 1 << 10, private: 1 << 13 };
pub const TYPING: Intent = Intent { guild: 1 << 11, private: 1 << 14 };
pub const WEBHOOKS: Intent = Intent { guild: 1 << 5, private: 1 << 5 };
/// Comes to everybody.
pub const ALWAYS: Intent = Intent { guild: 0, private: 0 };

impl World {
    pub fn gateway_url(&self) -> String {
        self.settings.gateway_url.clone().unwrap_or_else(|| format!("ws://{}/gateway", self.address))
    }

    pub fn guilds_of(&self, bot: Id) -> Vec<Id> {
        let joined = self.guilds.values().filter(|guild| guild.members.contains_key(&bot));
        joined.map(|guild| guild.id).collect()
    }

    /// Tells a bot's sessions of an event.
    pub fn tell(
        &mut self,
        bot: Id,
        guild: Option<Id>,
        intent: Intent,
        name: &str,
        data: impl Fn(&Self, Reader) -> Value,
    ) {
        let needed = if guild.is_some() { intent.guild } else { intent.private };
        for at in 0..self.sessions.len() {
            let session = &self.sessions[at];
            let here = guild.map_or(session.shard.0 == 0, |guild| belongs(guild, session.shard));
            if session.bot != bot || !here || (needed != 0 && session.intents & needed == 0) {
                continue;
            }
            let body = data(self, Reader { bot, intents: session.intents });
            let session = &mut self.sessions[at];
            push(session, name, body, session.connection.and_then(|it| self.wires.get(&it)));
        }
    }

    /// Tells everybody who sees a channel.
    pub fn tell_channel(
        &mut self,
        channel: Id,
        intent: Intent,
        name: &str,
        data: impl Fn(&Self, Reader) -> Value,
    ) {
        let guild = self.guild_of(channel);
        for bot in self.audience(channel) {
            self.tell(bot, guild, intent, name, &data);
        }
    }

    fn tell_message(&mut self, message: Id, name: &str) {
        let Some(it) = self.messages.get(&message) else { return };
        if it.ephemeral_for.is_some() {
            // They do not go through the guild: only their bot is told, as of a private message.
            self.tell(it.author, None, MESSAGES, name, |world, reader| {
                world.message_json(&world.messages[&message], reader)
            });
            return;
        }
        self.tell_channel(it.channel, MESSAGES, name, |world, reader| {
            world.message_event(&world.messages[&message], reader)
        });
    }

    pub fn tell_created(&mut self, message: Id) {
        self.tell_message(message, "MESSAGE_CREATE");
    }

    pub fn tell_updated(&mut self, message: Id) {
        self.tell_message(message, "MESSAGE_UPDATE");
    }

    pub fn tell_deleted(&mut self, message: Id) {
        let Some(Message { channel, author, ephemeral_for, .. }) = self.messages.get(&message) else {
            return;
        };
        let (channel, author) = (*channel, *author);
        if ephemeral_for.is_some() {
            self.tell(
                author,
                None,
                MESSAGES,
                "MESSAGE_DELETE",
                |_, _| json!({ "id": id(message), "channel_id": id(channel) }),
            );
            return;
        }
        self.tell_channel(channel, MESSAGES, "MESSAGE_DELETE", |world, _| {
            with_guild(json!({ "id": id(message), "channel_id": id(channel) }), world.guild_of(channel))
        });
    }

    pub fn tell_reaction(&mut self, message: Id, user: Id, sign: &str, added: bool) {
        let it = &self.messages[&message];
        let (channel, author) = (it.channel, it.face.is_none().then_some(it.author));
        let name = if added { "MESSAGE_REACTION_ADD" } else { "MESSAGE_REACTION_REMOVE" };
        self.tell_channel(channel, REACTIONS, name, |world, _| {
            let mut body = json!({
                "user_id": id(user), "channel_id": id(channel), "message_id": id(message), "emoji": emoji(sign),
                "burst": false, "type": 0,
            });
            let guild = world.guild_of(channel);
            if added {
                if let Some(author) = author {
                    body["message_author_id"] = id(author);
                }
                if let Some(member) = guild.and_then(|guild| world.member_json(guild, user)) {
                    body["member"] = member;
                }
            }
            with_guild(body, guild)
        });
    }

    /// All reactions of a message are gone.
    pub fn tell_cleared(&mut self, message: Id) {
        let channel = self.messages[&message].channel;
        self.tell_channel(channel, REACTIONS, "MESSAGE_REACTION_REMOVE_ALL", |world, _| {
            with_guild(
                json!({ "channel_id": id(channel), "message_id": id(message) }),
                world.guild_of(channel),
            )
        });
    }

    pub fn tell_typing(&mut self, channel: Id, user: Id) {
        self.tell_channel(channel, TYPING, "TYPING_START", |world, _| {
            let body = json!({
                "channel_id": id(channel), "user_id": id(user), "timestamp": chrono::Utc::now().timestamp(),
            });
            with_guild(body, world.guild_of(channel))
        });
    }

    pub fn tell_new_channel(&mut self, channel: Id) {
        let thread = self.channels[&channel].kind == kind::PUBLIC_THREAD;
        let name = if thread { "THREAD_CREATE" } else { "CHANNEL_CREATE" };
        self.tell_channel(channel, GUILDS, name, |world, reader| {
            let mut body = world.channel_json(&world.channels[&channel], reader.bot);
            if thread {
                body["newly_created"] = json!(true);
            }
            body
        });
    }

    /// The permissions of a channel, or of a guild's channels, have changed.
    pub fn tell_permissions(&mut self, place: Id) {
        let touched = |it: &&super::world::Channel| it.id == place || it.guild == Some(place);
        let channels: Vec<Id> = self.channels.values().filter(touched).map(|it| it.id).collect();
        for channel in channels {
            self.tell_changed_channel(channel);
        }
    }

    pub fn tell_changed_channel(&mut self, channel: Id) {
        let thread = self.channels[&channel].kind == kind::PUBLIC_THREAD;
        let name = if thread { "THREAD_UPDATE" } else { "CHANNEL_UPDATE" };
        self.tell_channel(channel, GUILDS, name, |world, reader| {
            world.channel_json(&world.channels[&channel], reader.bot)
        });
    }
}

pub fn with_guild(mut body: Value, guild: Option<Id>) -> Value {
    if let Some(guild) = guild {
        body["guild_id"] = id(guild);
    }
    body
}
