//! REST of webhooks, and of the tokens of interactions, which are webhooks too.

use std::time::Instant;

use serde_json::json;

use super::{
    interactions, messages,
    rest::{Call, Done, Refusal, Reply, invalid, number, refuse, unknown_channel, unknown_message},
    world::{Face, Id, Message, Webhook, World, kind, permission},
};

/// The most webhooks of a channel.
const MOST: usize = 15;

fn unknown_webhook() -> Refusal {
    refuse(404, 10_015, "Unknown Webhook")
}

/// What a bot does with webhooks under its own name.
pub fn route(world: &mut World, call: &Call, bot: Id, segments: &[&str]) -> Reply {
    match (call.method.as_str(), segments) {
        ("GET", ["channels", channel, _]) => {
            let channel = number(channel);
            world.must(bot, channel, permission::MANAGE_WEBHOOKS)?;
            let them = world.webhooks.values().filter(|it| it.channel == channel);
            // The token is for who made it.
            Ok(Done::Json(them.map(|it| world.webhook_json(it, it.owner == bot)).collect()))
        }
        ("POST", ["channels", channel, _]) => create(world, call, bot, number(channel)),
        ("GET", ["guilds", guild, _]) => {
            let them = world.webhooks.values().filter(|it| it.guild == number(guild));
            Ok(Done::Json(them.map(|it| world.webhook_json(it, it.owner == bot)).collect()))
        }
        (method, ["webhooks", hook]) => {
            let hook = number(hook);
            let channel = world.webhooks.get(&hook).ok_or_else(unknown_webhook)?.channel;
            world.must(bot, channel, permission::MANAGE_WEBHOOKS)?;
            match method {
                "GET" => Ok(Done::Json(world.webhook_json(&world.webhooks[&hook], true))),
                "DELETE" => {
                    world.webhooks.remove(&hook);
                    world.tell_webhooks(channel);
                    Ok(Done::Nothing)
                }
                _ => Err(refuse(405, 0, "405: Method Not Allowed")),
            }
        }
        _ => Err(refuse(405, 0, "405: Method Not Allowed")),
    }
}

fn create(world: &mut World, call: &Call, bot: Id, channel: Id) -> Reply {
    let place = world.channels.get(&channel).ok_or_else(unknown_channel)?;
    if !matches!(place.kind, kind::TEXT | kind::FORUM) {
        return Err(refuse(400, 50_024, "Cannot execute action on this channel type"));
    }
    let guild = place.guild.unwrap();
    world.must(bot, channel, permission::MANAGE_WEBHOOKS)?;
    let name = named(call.body["name"].as_str().unwrap_or_default(), "name")?;
    if world.webhooks.values().filter(|it| it.channel == channel).count() >= MOST {
        return Err(refuse(400, 30_007, "Maximum number of webhooks reached (15)"));
    }
    let id = world.take_id();
    let token = format!("hook-token-{id:x}");
    world.webhooks.insert(id, Webhook { id, token, channel, guild, owner: bot, name });
    world.tell_webhooks(channel);
    Ok(Done::Json(world.webhook_json(&world.webhooks[&id], true)))
}

/// A name that Discord takes for a webhook.
fn named(name: &str, field: &str) -> Result<String, Refusal> {
    let name = name.trim();
    let lower = name.to_lowercase();
    if !(1..=80).contains(&name.chars().count()) {
        return Err(invalid(field, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 80 in length."));
    }
    if let Some(word) = ["clyde", "discord"].into_iter().find(|word| lower.contains(word)) {
        let code = "USERNAME_INVALID_CONTAINS";
        return Err(invalid(field, code, &format!("Username cannot contain \"{word}\"")));
    }
    Ok(name.to_owned())
}

/// What anybody does who has the token.
pub fn with_token(world: &mut World, call: &Call, hook: Id, token: &str, rest: &[&str]) -> Reply {
    if let Some(interaction) = world.interaction_of(hook, token) {
        return interactions::followup(world, call, interaction, rest);
    }
    let found = world.webhooks.get(&hook).ok_or_else(unknown_webhook)?;
    if found.token != token {
        return Err(refuse(401, 50_027, "Invalid Webhook Token"));
    }
    let reader = found.owner;
    match (call.method.as_str(), rest) {
        ("GET", []) => Ok(Done::Json(world.webhook_json(&world.webhooks[&hook], true))),
        ("DELETE", []) => {
            let channel = found.channel;
            world.webhooks.remove(&hook);
            world.tell_webhooks(channel);
            Ok(Done::Nothing)
        }
        ("POST", []) => execute(world, call, hook),
        (method, ["messages", message]) => {
            let target = number(message);
            let own = world.messages.get(&target).filter(|it| it.author == hook && !it.deleted);
            let own = own.ok_or_else(unknown_message)?;
            // In a thread, the thread has to be named.
            let thread = call.query.get("thread_id").map(|it| number(it));
            if thread.unwrap_or(world.webhooks[&hook].channel) != own.channel {
                return Err(unknown_message());
            }
            match method {
                "GET" => Ok(Done::Json(world.message_json(own, world.reader(reader)))),
                "PATCH" => {
                    messages::change(world, call, target)?;
                    Ok(Done::Json(world.message_json(&world.messages[&target], world.reader(reader))))
                }
                "DELETE" => {
                    messages::remove(world, target);
                    Ok(Done::Nothing)
                }
                _ => Err(refuse(405, 0, "405: Method Not Allowed")),
            }
        }
        _ => Err(refuse(405, 0, "405: Method Not Allowed")),
    }
}

/// Webhooks honour no nonce: each execution is a message.
fn execute(world: &mut World, call: &Call, hook: Id) -> Reply {
    let webhook = &world.webhooks[&hook];
    let (owner, mut channel, usual) = (webhook.owner, webhook.channel, webhook.name.clone());
    if let Some(thread) = call.query.get("thread_id").map(|it| number(it)) {
        let inside = world.channels.get(&thread).is_some_and(|it| it.parent == Some(channel));
        if !inside {
            return Err(unknown_channel());
        }
        channel = thread;
    } else if world.channels[&channel].kind == kind::FORUM {
        let why = "Webhooks posted to forum channels must have a thread_name or thread_id";
        return Err(refuse(400, 220_001, why));
    }
    let name = match call.body["username"].as_str() {
        Some(name) => named(name, "username")?,
        None => usual,
    };
    let mut message = Message::new(0, channel, hook, "");
    let avatar = call.body["avatar_url"].as_str().map(str::to_owned);
    message.face = Some(Face { webhook: hook, name, avatar });
    message.application = Some(owner);
    messages::compose(world, call, &mut message)?;
    message.flags = call.body["flags"].as_u64().unwrap_or(0);
    message.at = Instant::now();
    message.id = world.take_id();
    let id = message.id;
    world.keep(message);
    world.tell_created(id);
    if call.query.get("wait").is_some_and(|it| it == "true") {
        return Ok(Done::Json(world.message_json(&world.messages[&id], world.reader(owner))));
    }
    Ok(Done::Nothing)
}

impl World {
    pub fn tell_webhooks(&mut self, channel: Id) {
        let guild = self.guild_of(channel);
        self.tell_channel(channel, super::events::WEBHOOKS, "WEBHOOKS_UPDATE", |_, _| {
            let body = json!({ "channel_id": channel.to_string() });
            super::events::with_guild(body, guild)
        });
    }
}
