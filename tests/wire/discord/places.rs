//! REST of bots, channels and guilds.

use std::time::Instant;

use serde_json::{Value, json};

use super::{
    render::id,
    rest::{Call, Done, Reply, invalid, number, refuse, snowflake, unknown_channel},
    world::{Channel, Id, Message, World, kind, permission},
};

pub fn route(world: &mut World, call: &Call, bot: Id, segments: &[&str]) -> Reply {
    match (call.method.as_str(), segments) {
        ("GET", ["gateway", "bot"]) => Ok(Done::Json(json!({
            "url": world.gateway_url(), "shards": world.settings.shards,
            "session_start_limit": {
                "total": 1_000, "remaining": world.settings.session_starts, "reset_after": 14_400_000,
                "max_concurrency": 1,
            },
        }))),
        ("GET", ["users", "@me"]) => Ok(Done::Json(world.user_json(bot))),
        // Bots are not told of their private channels.
        ("GET", ["users", "@me", "channels"]) => Ok(Done::Json(json!([]))),
        ("GET", ["users", "@me", "guilds"]) => {
            let them = world.guilds_of(bot).into_iter().map(|guild| {
                json!({
                    "id": id(guild), "name": world.guilds[&guild].name, "icon": null, "owner": false,
                    "permissions": permission::ALL.to_string(), "features": [],
                })
            });
            Ok(Done::Json(them.collect()))
        }
        ("GET", ["users", user]) => {
            let user = number(user);
            world.users.get(&user).ok_or_else(|| refuse(404, 10_013, "Unknown User"))?;
            Ok(Done::Json(world.user_json(user)))
        }
        ("GET", ["applications", "@me"] | ["oauth2", "applications", "@me"]) => {
            Ok(Done::Json(world.application_json(bot)))
        }
        ("POST", ["users", "@me", "channels"]) => {
            let user = snowflake(&call.body["recipient_id"]).filter(|it| world.users.contains_key(it));
            let user = user.ok_or_else(|| invalid("recipient_id", "BASE_TYPE_REQUIRED", "Unknown user"))?;
            let channel = world.private(user, bot);
            Ok(Done::Json(world.channel_json(&world.channels[&channel], bot)))
        }
        ("POST", ["channels", channel, "typing"]) => {
            let channel = number(channel);
            world.must(bot, channel, permission::SEND_MESSAGES)?;
            world.typing.push((channel, bot, Instant::now()));
            world.tell_typing(channel, bot);
            Ok(Done::Nothing)
        }
        ("GET", ["channels", channel]) => {
            let channel = number(channel);
            world.must(bot, channel, 0)?;
            Ok(Done::Json(world.channel_json(&world.channels[&channel], bot)))
        }
        ("POST", ["channels", channel, "threads"]) => {
            let channel = number(channel);
            world.must(bot, channel, permission::SEND_MESSAGES)?;
            let name = call.body["name"].as_str().unwrap_or_default().to_owned();
            let thread = world.take_id();
            world.add_thread(thread, channel, &name, bot);
            Ok(Done::Json(world.channel_json(&world.channels[&thread], bot)))
        }
        ("PUT" | "DELETE", ["channels", channel, "thread-members", "@me"]) => {
            world.channels.get(&number(channel)).ok_or_else(unknown_channel)?;
            Ok(Done::Nothing)
        }
        (method, ["guilds", guild, rest @ ..]) => guild_route(world, method, bot, number(guild), rest),
        _ => Err(refuse(404, 0, "404: Not Found")),
    }
}

fn guild_route(world: &World, method: &str, bot: Id, guild: Id, rest: &[&str]) -> Reply {
    let found = world.guilds.get(&guild).ok_or_else(|| refuse(404, 10_004, "Unknown Guild"))?;
    if !found.members.contains_key(&bot) {
        return Err(refuse(403, 50_001, "Missing Access"));
    }
    let visible = |it: &&Channel, thread: bool| {
        it.guild == Some(guild)
            && (it.kind == kind::PUBLIC_THREAD) == thread
            && world.allowed(bot, it.id) & permission::VIEW_CHANNEL != 0
    };
    let channels = |thread: bool| -> Value {
        let them = world.channels.values().filter(|it| visible(it, thread));
        them.map(|it| world.channel_json(it, bot)).collect()
    };
    Ok(Done::Json(match (method, rest) {
        ("GET", []) => world.guild_json(guild),
        ("GET", ["channels"]) => channels(false),
        ("GET", ["threads", "active"]) => json!({ "threads": channels(true), "members": [] }),
        ("GET", ["roles"]) => json!(world.role_json(guild)),
        ("GET", ["members"]) => {
            found.members.keys().filter_map(|user| world.member_json(guild, *user)).collect()
        }
        ("GET", ["members", user]) => {
            let member = world.member_json(guild, number(user));
            member.ok_or_else(|| refuse(404, 10_007, "Unknown Member"))?
        }
        _ => return Err(refuse(404, 0, "404: Not Found")),
    }))
}

impl World {
    /// The private channel of two, which exists from now on.
    pub fn private(&mut self, user: Id, bot: Id) -> Id {
        let both = |it: &&Channel| it.kind == kind::DM && it.recipients == [user, bot];
        if let Some(channel) = self.channels.values().find(both) {
            return channel.id;
        }
        let id = self.take_id();
        self.channels.insert(
            id,
            Channel {
                id,
                kind: kind::DM,
                name: String::new(),
                guild: None,
                parent: None,
                recipients: vec![user, bot],
                owner: user,
                locked: false,
            },
        );
        id
    }

    pub fn add_channel(&mut self, guild: Id, name: &str, kind: u8) -> Id {
        let id = self.take_id();
        let owner = self.guilds[&guild].owner;
        let name = name.to_owned();
        let channel = Channel {
            id,
            kind,
            name,
            guild: Some(guild),
            parent: None,
            recipients: vec![],
            owner,
            locked: false,
        };
        self.channels.insert(id, channel);
        self.tell_new_channel(id);
        id
    }

    pub fn add_thread(&mut self, id: Id, parent: Id, name: &str, owner: Id) {
        let channel = Channel {
            id,
            kind: kind::PUBLIC_THREAD,
            name: name.to_owned(),
            parent: Some(parent),
            owner,
            ..self.channels[&parent].clone()
        };
        self.channels.insert(id, channel);
        self.tell_new_channel(id);
    }

    /// A thread that starts at a message, and has the message's id.
    pub fn open_thread(&mut self, parent: Id, name: &str, owner: Id, message: Id) -> Id {
        self.add_thread(message, parent, name, owner);
        let mut notice = Message::new(self.take_id(), parent, owner, name);
        notice.kind = 18;
        let id = notice.id;
        self.keep(notice);
        self.tell_created(id);
        message
    }
}

/// A role's, user's or channel's id as a mention.
pub fn mention(user: Id) -> String {
    format!("<@{user}>")
}

/// A channel as an interaction describes it.
pub fn partial_channel(world: &World, channel: Id, bot: Id) -> Value {
    let mut body = world.channel_json(&world.channels[&channel], bot);
    body["permissions"] = json!(permission::ALL.to_string());
    body["id"] = id(channel);
    body
}
