//! Who and what there is, and what people do.

use std::collections::BTreeMap;

use chrono::Utc;
use serde_json::{Value, json};

use super::{
    Discord, messages,
    render::id,
    world::{Bot, Guild, Id, Member, Message, Person, Role, World, kind},
};

const PRIVILEGED: u64 = 1 << 1 | 1 << 8 | 1 << 15;

/// How somebody says something.
#[derive(Debug, Clone, Default)]
pub struct Say {
    pub reply_to: Option<Id>,
    /// A reply that does not ping.
    pub silent: bool,
    /// Name, content type, bytes.
    pub attachments: Vec<(String, String, u64)>,
    /// Names of stickers.
    pub stickers: Vec<String>,
    pub embeds: Vec<Value>,
    /// A message that is passed on, with no words of one's own.
    pub forward: Option<Id>,
    /// The message's flags, as `1 << 13` for a voice message.
    pub flags: u64,
}

impl Say {
    pub fn reply(to: Id) -> Self {
        Self { reply_to: Some(to), ..Self::default() }
    }

    pub fn forward(message: Id) -> Self {
        Self { forward: Some(message), ..Self::default() }
    }
}

impl World {
    fn person(&mut self, name: &str, bot: bool) -> Id {
        let id = self.take_id();
        let global_name = (!bot).then(|| name.to_owned());
        let name = if bot { name.to_owned() } else { name.to_lowercase() };
        let locale = "en-US".to_owned();
        self.users.insert(id, Person { id, name, global_name, bot, locale, closed: false });
        id
    }
}

impl Discord {
    /// A bot account with all privileged intents granted. It joins the guilds made from now on.
    pub fn bot(&self, token: &str, name: &str) -> Id {
        let mut world = self.world();
        let id = world.person(name, true);
        world.bots.push(Bot {
            id,
            token: token.to_owned(),
            privileged: PRIVILEGED,
            commands: Vec::new(),
            guild_commands: BTreeMap::new(),
            registrations: 0,
            gone: false,
            identified: None,
        });
        id
    }

    pub fn user(&self, name: &str) -> Id {
        self.world().person(name, false)
    }

    /// A guild with all bots in it. People join when they say something there, or with `join`.
    pub fn guild(&self, name: &str) -> Id {
        let mut world = self.world();
        let owner = world.person("owner", false);
        let id = world.take_id();
        let bots: Vec<Id> = world.bots.iter().map(|bot| bot.id).collect();
        let members = bots.iter().chain([&owner]).map(|it| (*it, Member::default())).collect();
        world.guilds.insert(id, Guild { id, name: name.to_owned(), owner, roles: Vec::new(), members });
        for bot in bots {
            world.tell(bot, Some(id), super::events::GUILDS, "GUILD_CREATE", |world, reader| {
                world.guild_create_json(id, reader)
            });
        }
        id
    }

    pub fn channel(&self, guild: Id, name: &str) -> Id {
        self.world().add_channel(guild, name, kind::TEXT)
    }

    pub fn forum(&self, guild: Id, name: &str) -> Id {
        self.world().add_channel(guild, name, kind::FORUM)
    }

    pub fn thread(&self, channel: Id, name: &str) -> Id {
        let mut world = self.world();
        let id = world.take_id();
        let owner = world.guilds[&world.guild_of(channel).unwrap()].owner;
        world.add_thread(id, channel, name, owner);
        id
    }

    /// Somebody opens a thread at a message; the thread has the message's id.
    pub fn thread_at(&self, user: Id, message: Id, name: &str) -> Id {
        let mut world = self.world();
        let parent = world.messages[&message].channel;
        world.open_thread(parent, name, user, message)
    }

    /// Somebody opens a post in a forum. Gives the thread, whose first message has the same id.
    pub fn post(&self, user: Id, forum: Id, title: &str, text: &str) -> Id {
        let mut world = self.world();
        world.enter(user, forum);
        let id = world.take_id();
        world.add_thread(id, forum, title, user);
        world.utter(id, user, id, text, &Say::default());
        id
    }

    /// The private channel of a person and a bot.
    pub fn dm(&self, user: Id, bot: Id) -> Id {
        self.world().private(user, bot)
    }

    pub fn role(&self, guild: Id, name: &str) -> Id {
        let mut world = self.world();
        let id = world.take_id();
        world.guilds.get_mut(&guild).unwrap().roles.push(Role { id, name: name.to_owned() });
        id
    }

    pub fn join(&self, user: Id, guild: Id) {
        self.world().join(user, guild);
    }

    pub fn give_role(&self, user: Id, guild: Id, role: Id) {
        let mut world = self.world();
        world.join(user, guild);
        world.guilds.get_mut(&guild).unwrap().members.get_mut(&user).unwrap().roles.push(role);
        world.tell_member(guild, user, "GUILD_MEMBER_UPDATE");
    }

    pub fn nick(&self, user: Id, guild: Id, nick: &str) {
        let mut world = self.world();
        world.join(user, guild);
        world.guilds.get_mut(&guild).unwrap().members.get_mut(&user).unwrap().nick = Some(nick.to_owned());
        world.tell_member(guild, user, "GUILD_MEMBER_UPDATE");
    }

    /// The language of a person's client, as in `de` or `en-GB`.
    pub fn locale(&self, user: Id, locale: &str) {
        locale.clone_into(&mut self.world().users.get_mut(&user).unwrap().locale);
    }

    /// A person takes no more private messages.
    pub fn block(&self, user: Id) {
        self.world().users.get_mut(&user).unwrap().closed = true;
    }

    /// Somebody says something.
    pub fn say(&self, user: Id, channel: Id, text: &str) -> Id {
        self.say_with(user, channel, text, &Say::default())
    }

    /// Somebody says something in reply.
    pub fn reply(&self, user: Id, to: Id, text: &str) -> Id {
        let channel = self.world().messages[&to].channel;
        self.say_with(user, channel, text, &Say::reply(to))
    }

    pub fn say_with(&self, user: Id, channel: Id, text: &str, how: &Say) -> Id {
        let mut world = self.world();
        world.enter(user, channel);
        let message = world.take_id();
        world.utter(message, user, channel, text, how);
        message
    }

    /// Somebody changes what they said.
    pub fn edit(&self, user: Id, message: Id, text: &str) {
        let mut world = self.world();
        let (users, roles, everyone) = world.addressed(text);
        let it = world.messages.get_mut(&message).unwrap();
        assert_eq!(it.author, user, "nobody edits what others said");
        text.clone_into(&mut it.content);
        it.edits.push((std::time::Instant::now(), text.to_owned()));
        it.edited = Some(Utc::now());
        (it.mentions, it.mention_roles, it.mention_everyone) = (users, roles, everyone);
        world.tell_updated(message);
    }

    /// A message goes away.
    pub fn delete(&self, message: Id) {
        messages::remove(&mut self.world(), message);
    }

    pub fn react(&self, user: Id, message: Id, emoji: &str) {
        messages::react(&mut self.world(), user, message, emoji);
    }

    pub fn unreact(&self, user: Id, message: Id, emoji: &str) {
        messages::unreact(&mut self.world(), user, message, emoji);
    }

    pub fn type_in(&self, user: Id, channel: Id) {
        self.world().tell_typing(channel, user);
    }

    pub fn lock(&self, thread: Id) {
        let mut world = self.world();
        world.channels.get_mut(&thread).unwrap().locked = true;
        world.tell_changed_channel(thread);
    }
}

impl World {
    pub fn join(&mut self, user: Id, guild: Id) {
        if self.guilds[&guild].members.contains_key(&user) {
            return;
        }
        self.guilds.get_mut(&guild).unwrap().members.insert(user, Member::default());
        if self.bot(user).is_some() {
            self.tell(user, Some(guild), super::events::GUILDS, "GUILD_CREATE", |world, reader| {
                world.guild_create_json(guild, reader)
            });
        }
        self.tell_member(guild, user, "GUILD_MEMBER_ADD");
    }

    /// Whoever says something somewhere is a member there.
    pub fn enter(&mut self, user: Id, channel: Id) {
        match self.guild_of(channel) {
            Some(guild) if !self.guilds[&guild].members.contains_key(&user) => self.join(user, guild),
            Some(_) => {}
            None => assert!(self.channels[&channel].recipients.contains(&user), "not their private channel"),
        }
    }

    fn tell_member(&mut self, guild: Id, user: Id, name: &str) {
        let intent = super::events::Intent { guild: 1 << 1, private: 1 << 1 };
        let bots: Vec<Id> = self.bots.iter().map(|it| it.id).collect();
        let inside: Vec<Id> =
            bots.into_iter().filter(|it| self.guilds[&guild].members.contains_key(it)).collect();
        for bot in inside {
            self.tell(bot, Some(guild), intent, name, |world, _| {
                let member = world.member_json(guild, user).unwrap();
                super::events::with_guild(member, Some(guild))
            });
        }
    }

    fn utter(&mut self, message: Id, user: Id, channel: Id, text: &str, how: &Say) {
        let mut it = Message::new(message, channel, user, text.trim());
        (it.mentions, it.mention_roles, it.mention_everyone) = self.addressed(text);
        if let Some(replied) = how.reply_to {
            it.kind = 19;
            it.reply_to = Some(replied);
            let to = &self.messages[&replied];
            if !how.silent && to.face.is_none() && to.author != user && !it.mentions.contains(&to.author) {
                it.mentions.push(to.author);
            }
        }
        it.attachments = how.attachments.iter().enumerate().map(|(at, (name, of, size))| {
            let url = format!("http://{}/attachments/{channel}/{at}/{name}", self.address);
            json!({
                "id": id(message + 1 + at as u64), "filename": name, "content_type": of, "size": size, "url": url,
                "proxy_url": url,
            })
        }).collect();
        it.stickers = how
            .stickers
            .iter()
            .enumerate()
            .map(|(at, name)| json!({ "id": id(message + 100 + at as u64), "name": name, "format_type": 1 }))
            .collect();
        it.embeds = json!(how.embeds);
        it.flags = how.flags;
        if let Some(origin) = how.forward {
            let from = &self.messages[&origin];
            it.forwarded_from = Some((from.channel, origin));
            it.flags |= 1 << 14;
            it.snapshots = json!([{ "message": {
                "content": from.content, "timestamp": super::render::time(from.sent), "edited_timestamp": null,
                "mentions": [], "mention_roles": [], "attachments": from.attachments, "embeds": from.embeds,
                "type": from.kind, "flags": from.flags, "components": [],
            }}]);
        }
        self.keep(it);
        self.tell_created(message);
    }
}
