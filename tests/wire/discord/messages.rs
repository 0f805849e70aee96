//! REST of messages and reactions.

use std::time::Instant;

use chrono::Utc;
use serde_json::{Value, json};

use super::{
    render::Reader,
    rest::{
        Call, Done, Refusal, Reply, invalid, number, refuse, snowflake, too_long, unknown_channel,
        unknown_message,
    },
    world::{Id, Message, World, kind, permission},
};

/// The longest content of a message, in characters.
pub const LONGEST: usize = 2_000;
const EPHEMERAL: u64 = 1 << 6;

impl World {
    /// How a bot's application reads over REST: by what is granted in the developer portal.
    pub fn reader(&self, bot: Id) -> Reader {
        Reader { bot, intents: self.bot(bot).map_or(0, |it| it.privileged) }
    }

    pub fn must(&self, bot: Id, channel: Id, needed: u64) -> Result<(), Refusal> {
        if !self.channels.contains_key(&channel) {
            return Err(unknown_channel());
        }
        let allowed = self.allowed(bot, channel);
        if allowed & permission::VIEW_CHANNEL == 0 {
            return Err(refuse(403, 50_001, "Missing Access"));
        }
        if allowed & needed != needed {
            return Err(refuse(403, 50_013, "Missing Permissions"));
        }
        Ok(())
    }
}

pub fn route(world: &mut World, call: &Call, bot: Id, channel: Id, rest: &[&str]) -> Reply {
    world.must(bot, channel, 0)?;
    match (call.method.as_str(), rest) {
        ("GET", []) => list(world, call, bot, channel),
        ("POST", []) => create(world, call, bot, channel),
        ("GET", [message]) => {
            world.must(bot, channel, permission::READ_MESSAGE_HISTORY)?;
            let found = world.present(channel, number(message)).filter(|it| it.ephemeral_for.is_none());
            let found = found.ok_or_else(unknown_message)?;
            Ok(Done::Json(world.message_json(found, world.reader(bot))))
        }
        ("PATCH", [message]) => edit(world, call, bot, channel, number(message)),
        ("DELETE", [message]) => delete(world, bot, channel, number(message)),
        (method, [message, "reactions", rest @ ..]) => {
            reaction(world, method, bot, channel, number(message), rest)
        }
        ("POST", [message, "threads"]) => {
            let message = world.present(channel, number(message)).ok_or_else(unknown_message)?.id;
            let name = call.body["name"].as_str().unwrap_or_default().to_owned();
            let thread = world.open_thread(channel, &name, bot, message);
            Ok(Done::Json(world.channel_json(&world.channels[&thread], bot)))
        }
        _ => Err(refuse(405, 0, "405: Method Not Allowed")),
    }
}

fn list(world: &World, call: &Call, bot: Id, channel: Id) -> Reply {
    if world.must(bot, channel, permission::READ_MESSAGE_HISTORY).is_err() {
        return Ok(Done::Json(json!([])));
    }
    let limit = match call.query.get("limit").map(|it| it.parse::<usize>()) {
        None => 50,
        Some(Ok(limit @ 1..=100)) => limit,
        Some(_) => return Err(invalid("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")),
    };
    let all = world.in_channel.get(&channel).map_or(&[] as &[Id], Vec::as_slice);
    let there = |it: &&Id| world.present(channel, **it).is_some_and(|it| it.ephemeral_for.is_none());
    let bound = |name: &str| call.query.get(name).map(|it| number(it));
    let before = |bound: Id, limit: usize| -> Vec<Id> {
        all.iter().rev().filter(|it| **it < bound).filter(there).take(limit).copied().collect()
    };
    let after = |bound: Id, limit: usize| -> Vec<Id> {
        let start = all.partition_point(|it| *it <= bound);
        all[start..].iter().filter(there).take(limit).copied().collect()
    };
    let mut found = if let Some(after_id) = bound("after") {
        after(after_id, limit)
    } else if let Some(around) = bound("around") {
        let mut both = before(around + 1, limit / 2 + 1);
        both.extend(after(around, limit - both.len().min(limit)));
        both
    } else {
        before(bound("before").unwrap_or(Id::MAX), limit)
    };
    found.sort_unstable_by(|a, b| b.cmp(a));
    let reader = world.reader(bot);
    Ok(Done::Json(found.iter().map(|it| world.message_json(&world.messages[it], reader)).collect()))
}

fn create(world: &mut World, call: &Call, bot: Id, channel: Id) -> Reply {
    let place = world.channels[&channel].clone();
    match place.kind {
        kind::FORUM => return Err(refuse(400, 50_008, "Cannot send messages in a non-text channel")),
        kind::PUBLIC_THREAD => world.must(bot, channel, permission::SEND_MESSAGES_IN_THREADS)?,
        _ => world.must(bot, channel, permission::SEND_MESSAGES)?,
    }
    if place.locked {
        return Err(refuse(400, 160_005, "Thread is locked"));
    }
    if place.kind == kind::DM && place.recipients.iter().any(|it| world.users[it].closed) {
        return Err(refuse(403, 50_007, "Cannot send messages to this user"));
    }
    let nonce = &call.body["nonce"];
    let key = nonce.as_str().map(str::to_owned).or_else(|| nonce.as_i64().map(|it| it.to_string()));
    if key.as_ref().is_some_and(|it| it.chars().count() > 25) {
        return Err(too_long("nonce", 25));
    }
    if let Some(key) = &key
        && call.body["enforce_nonce"] == json!(true)
        && let Some((first, at)) = world.nonces.get(&(bot, key.clone())).and_then(|it| it.last())
        && at.elapsed() < world.settings.nonce_window
    {
        // Deleted since, it is not made again.
        let first = world.messages.get(first).filter(|it| !it.deleted).ok_or_else(unknown_message)?;
        return Ok(Done::Json(world.message_json(first, world.reader(bot))));
    }
    let mut message = Message::new(0, channel, bot, "");
    message.nonce = key.as_ref().map(|_| nonce.clone());
    refer(world, call, &mut message)?;
    compose(world, call, &mut message)?;
    message.flags = call.body["flags"].as_u64().unwrap_or(0) & !EPHEMERAL;
    message.id = world.take_id();
    let created = message.id;
    world.keep(message);
    if let Some(key) = key {
        world.nonces.entry((bot, key)).or_default().push((created, Instant::now()));
    }
    world.tell_created(created);
    Ok(Done::Json(world.message_json(&world.messages[&created], world.reader(bot))))
}

/// The message that is replied to.
fn refer(world: &World, call: &Call, message: &mut Message) -> Result<(), Refusal> {
    let reference = &call.body["message_reference"];
    let Some(target) = snowflake(&reference["message_id"]) else { return Ok(()) };
    if world.present(message.channel, target).is_some() {
        message.kind = 19;
        message.reply_to = Some(target);
        return Ok(());
    }
    // The default is to fail.
    if reference["fail_if_not_exists"] == json!(false) {
        return Ok(());
    }
    Err(invalid("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message"))
}

/// Fills a message from a body: content, embeds, components, files, who is pinged.
pub fn compose(world: &World, call: &Call, message: &mut Message) -> Result<(), Refusal> {
    let body = &call.body;
    check(body)?;
    if let Some(content) = body["content"].as_str() {
        content.trim().clone_into(&mut message.content);
    } else if body.get("content").is_some_and(Value::is_null) {
        message.content.clear();
    }
    for (name, field) in [("embeds", &mut message.embeds), ("components", &mut message.components)] {
        if let Some(given) = body.get(name) {
            *field = if given.is_null() { json!([]) } else { given.clone() };
        }
    }
    if !call.files.is_empty() {
        message.attachments = call.files.iter().enumerate().map(|(at, (name, size))| {
            let url = format!("http://{}/attachments/{}/{at}/{name}", world.address, message.channel);
            json!({ "id": (at + 1).to_string(), "filename": name, "size": size, "url": url, "proxy_url": url })
        }).collect();
    }
    let nothing = |value: &Value| value.as_array().is_none_or(Vec::is_empty);
    if message.content.is_empty()
        && nothing(&message.embeds)
        && nothing(&message.attachments)
        && nothing(&body["sticker_ids"])
        && body["poll"].is_null()
    {
        return Err(refuse(400, 50_006, "Cannot send an empty message"));
    }
    ping(world, body, message);
    Ok(())
}

/// Who is mentioned: what the text addresses, as far as `allowed_mentions` lets it.
fn ping(world: &World, body: &Value, message: &mut Message) {
    let (users, roles, everyone) = world.addressed(&message.content);
    let allowed = &body["allowed_mentions"];
    let listed = |name: &str, who: Id| {
        allowed[name].as_array().is_some_and(|it| it.iter().any(|it| snowflake(it) == Some(who)))
    };
    let parsed = |name: &str| {
        allowed.is_null() || allowed["parse"].as_array().is_some_and(|it| it.contains(&json!(name)))
    };
    message.mentions = users.into_iter().filter(|it| parsed("users") || listed("users", *it)).collect();
    message.mention_roles = roles.into_iter().filter(|it| parsed("roles") || listed("roles", *it)).collect();
    message.mention_everyone = everyone && parsed("everyone");
    let replied = message.reply_to.and_then(|it| world.messages.get(&it));
    let silent = !allowed.is_null() && allowed["replied_user"] != json!(true);
    if let Some(author) = replied.filter(|it| it.face.is_none() && !silent).map(|it| it.author)
        && !message.mentions.contains(&author)
        && author != message.author
    {
        message.mentions.push(author);
    }
}

/// Discord's limits on a message's parts.
fn check(body: &Value) -> Result<(), Refusal> {
    let long = |value: &Value, limit| value.as_str().is_some_and(|it| it.chars().count() > limit);
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    if long(&body["content"], LONGEST) {
        return Err(too_long("content", LONGEST));
    }
    let embeds = list(&body["embeds"]);
    if embeds.len() > 10 {
        return Err(too_long("embeds", 10));
    }
    for (at, embed) in embeds.iter().enumerate() {
        if long(&embed["description"], 4_096) {
            return Err(too_long(&format!("embeds.{at}.description"), 4_096));
        }
    }
    let rows = list(&body["components"]);
    if rows.len() > 5 && body["flags"].as_u64().unwrap_or(0) & (1 << 15) == 0 {
        return Err(invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length."));
    }
    let mut seen = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let inner = list(&row["components"]);
        if row["type"] == json!(1) && !(1..=5).contains(&inner.len()) {
            let field = format!("components.{at}.components");
            return Err(invalid(&field, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length."));
        }
        for (position, part) in inner.iter().enumerate() {
            let field = format!("components.{at}.components.{position}");
            for (name, limit) in [("custom_id", 100), ("label", 80), ("placeholder", 150)] {
                if long(&part[name], limit) {
                    return Err(too_long(&format!("{field}.{name}"), limit));
                }
            }
            if list(&part["options"]).len() > 25 {
                return Err(invalid(&field, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 25 in length."));
            }
            if let Some(custom) = part["custom_id"].as_str() {
                if seen.contains(&custom.to_owned()) {
                    let why = "Component custom id cannot be duplicated";
                    return Err(invalid(&field, "COMPONENT_CUSTOM_ID_DUPLICATED", why));
                }
                seen.push(custom.to_owned());
            }
        }
    }
    Ok(())
}

fn edit(world: &mut World, call: &Call, bot: Id, channel: Id, target: Id) -> Reply {
    let message = world.present(channel, target).ok_or_else(unknown_message)?;
    if message.author != bot || message.face.is_some() {
        return Err(refuse(403, 50_005, "Cannot edit a message authored by another user"));
    }
    change(world, call, target)?;
    Ok(Done::Json(world.message_json(&world.messages[&target], world.reader(bot))))
}

/// Edits a message from a body and tells of it.
pub fn change(world: &mut World, call: &Call, target: Id) -> Result<(), Refusal> {
    let mut message = world.messages[&target].clone();
    compose(world, call, &mut message)?;
    if let Some(flags) = call.body["flags"].as_u64() {
        message.flags = flags | message.flags & EPHEMERAL;
    }
    if call.body["content"].is_string() {
        message.edits.push((Instant::now(), message.content.clone()));
    }
    message.edited = Some(Utc::now());
    world.messages.insert(target, message);
    world.tell_updated(target);
    Ok(())
}

fn delete(world: &mut World, bot: Id, channel: Id, target: Id) -> Reply {
    let message = world.present(channel, target).ok_or_else(unknown_message)?;
    if message.author != bot {
        if world.channels[&channel].kind == kind::DM {
            return Err(refuse(403, 50_003, "Cannot execute action on a DM channel"));
        }
        world.must(bot, channel, permission::MANAGE_MESSAGES)?;
    }
    remove(world, target);
    Ok(Done::Nothing)
}

pub fn remove(world: &mut World, target: Id) {
    world.messages.get_mut(&target).unwrap().deleted = true;
    world.tell_deleted(target);
}

fn reaction(world: &mut World, method: &str, bot: Id, channel: Id, target: Id, rest: &[&str]) -> Reply {
    world.present(channel, target).ok_or_else(unknown_message)?;
    match (method, rest) {
        ("PUT", [sign, "@me"]) => {
            world.must(bot, channel, permission::ADD_REACTIONS)?;
            react(world, bot, target, sign);
        }
        ("DELETE", [sign, "@me"]) => unreact(world, bot, target, sign),
        ("DELETE", [sign, user]) => {
            world.must(bot, channel, permission::MANAGE_MESSAGES)?;
            unreact(world, number(user), target, sign);
        }
        ("DELETE", []) => {
            world.must(bot, channel, permission::MANAGE_MESSAGES)?;
            clear(world, target);
        }
        ("GET", [sign]) => {
            let given = world.messages[&target].reactions.iter().find(|(it, _)| it == sign);
            let users = given.map_or(&[] as &[Id], |(_, users)| users.as_slice());
            return Ok(Done::Json(users.iter().map(|it| world.user_json(*it)).collect()));
        }
        _ => return Err(refuse(405, 0, "405: Method Not Allowed")),
    }
    Ok(Done::Nothing)
}

pub fn react(world: &mut World, user: Id, target: Id, sign: &str) {
    let reactions = &mut world.messages.get_mut(&target).unwrap().reactions;
    let at = reactions.iter().position(|(it, _)| it == sign).unwrap_or_else(|| {
        reactions.push((sign.to_owned(), Vec::new()));
        reactions.len() - 1
    });
    if !reactions[at].1.contains(&user) {
        reactions[at].1.push(user);
        world.tell_reaction(target, user, sign, true);
    }
}

pub fn unreact(world: &mut World, user: Id, target: Id, sign: &str) {
    let reactions = &mut world.messages.get_mut(&target).unwrap().reactions;
    let Some((_, users)) = reactions.iter_mut().find(|(it, _)| it == sign) else { return };
    let before = users.len();
    users.retain(|it| *it != user);
    let gone = users.len() < before;
    reactions.retain(|(_, users)| !users.is_empty());
    if gone {
        world.tell_reaction(target, user, sign, false);
    }
}

pub fn clear(world: &mut World, target: Id) {
    world.messages.get_mut(&target).unwrap().reactions.clear();
    world.tell_cleared(target);
}
