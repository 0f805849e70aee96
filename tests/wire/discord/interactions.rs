//! REST of interactions: the first answer, and what follows it.

use std::time::Instant;

use serde_json::{Value, json};

use super::{
    commands, messages,
    rest::{Call, Done, Refusal, Reply, invalid, number, refuse, too_long, unknown_message},
    world::{Id, Message, World},
};

const EPHEMERAL: u64 = 1 << 6;
const LOADING: u64 = 1 << 7;

/// Something a person did with a command, a button, a menu or a form.
pub struct Interaction {
    pub id: Id,
    pub token: String,
    pub bot: Id,
    pub user: Id,
    pub channel: Id,
    /// 2 command, 3 component, 4 autocompletion, 5 form.
    pub kind: u64,
    pub started: Instant,
    /// The type of the first answer.
    pub answer: Option<u64>,
    /// The message of the first answer; for a component, also the message it is on.
    pub original: Option<Id>,
    /// The message that the component is on.
    pub source: Option<Id>,
    pub followups: Vec<Id>,
    pub choices: Option<Vec<Value>>,
    pub modal: Option<Value>,
}

fn unknown_interaction() -> Refusal {
    refuse(404, 10_062, "Unknown interaction")
}

impl World {
    /// The interaction that a webhook of an application stands for.
    pub fn interaction_of(&self, application: Id, token: &str) -> Option<Id> {
        let mut them = self.interactions.values();
        them.find(|it| it.bot == application && it.token == token).map(|it| it.id)
    }

    fn expired(&self, interaction: &Interaction) -> bool {
        interaction.answer.is_none() && interaction.started.elapsed() > self.settings.interaction_patience
    }
}

/// The first answer.
pub fn callback(world: &mut World, call: &Call, interaction: Id, token: &str) -> Reply {
    let found = world.interactions.get(&interaction).filter(|it| it.token == token);
    let found = found.filter(|it| !world.expired(it)).ok_or_else(unknown_interaction)?;
    if found.answer.is_some() {
        return Err(refuse(400, 40_060, "Interaction has already been acknowledged."));
    }
    let (kind, source) = (found.kind, found.source);
    let answer = call.body["type"].as_u64().unwrap_or(0);
    let fits = match answer {
        4 | 5 => kind != 4,
        6 | 7 => kind == 3 || (kind == 5 && source.is_some()),
        8 => kind == 4,
        9 => matches!(kind, 2 | 3),
        _ => false,
    };
    if !fits {
        return Err(invalid("type", "INTERACTION_TYPE_INVALID", "Invalid interaction response type"));
    }
    let data = inner(call);
    let mut original = source;
    match answer {
        4 => original = Some(post(world, &data, interaction, false)?),
        5 => original = Some(post(world, &data, interaction, true)?),
        7 => messages::change(world, &data, source.unwrap())?,
        8 => {
            let choices = data.body["choices"].as_array().cloned().unwrap_or_default();
            commands::offered(&choices, "data.choices")?;
            world.interactions.get_mut(&interaction).unwrap().choices = Some(choices);
        }
        9 => {
            form(&data.body)?;
            world.interactions.get_mut(&interaction).unwrap().modal = Some(data.body.clone());
        }
        _ => {}
    }
    let it = world.interactions.get_mut(&interaction).unwrap();
    it.answer = Some(answer);
    it.original = original;
    if call.query.get("with_response").is_none_or(|it| it != "true") {
        return Ok(Done::Nothing);
    }
    let reader = world.reader(world.interactions[&interaction].bot);
    let message = original.map(|it| world.message_json(&world.messages[&it], reader));
    Ok(Done::Json(json!({
        "interaction": { "id": interaction.to_string(), "type": kind },
        "resource": { "type": answer, "message": message },
    })))
}

/// The same request with `data` as its body.
fn inner(call: &Call) -> Call {
    let body = call.body.get("data").cloned().unwrap_or_else(|| json!({}));
    with_body(call, body)
}

fn with_body(call: &Call, body: Value) -> Call {
    Call {
        method: call.method.clone(),
        path: call.path.clone(),
        query: call.query.clone(),
        body,
        files: call.files.clone(),
        bot: call.bot,
    }
}

/// Shows a message as an answer; a deferred one has nothing to say yet.
fn post(world: &mut World, call: &Call, interaction: Id, deferred: bool) -> Result<Id, Refusal> {
    let it = &world.interactions[&interaction];
    let (bot, user, channel, source) = (it.bot, it.user, it.channel, it.original.or(it.source));
    let mut message = Message::new(0, channel, bot, "");
    message.kind = if it.kind == 2 { 20 } else { 19 };
    if message.kind == 19 {
        message.reply_to = source;
    }
    message.application = Some(bot);
    message.interaction = Some(interaction);
    if !deferred {
        messages::compose(world, call, &mut message)?;
    }
    message.flags = call.body["flags"].as_u64().unwrap_or(0);
    if deferred {
        message.flags |= LOADING;
    }
    message.ephemeral_for = (message.flags & EPHEMERAL != 0).then_some(user);
    message.id = world.take_id();
    let id = message.id;
    world.keep(message);
    world.tell_created(id);
    Ok(id)
}

/// Discord's limits on a form.
fn form(data: &Value) -> Result<(), Refusal> {
    for (key, limit) in [("custom_id", 100), ("title", 45)] {
        let length = data[key].as_str().unwrap_or_default().chars().count();
        if !(1..=limit).contains(&length) {
            let why = format!("Must be between 1 and {limit} in length.");
            return Err(invalid(&format!("data.{key}"), "BASE_TYPE_BAD_LENGTH", &why));
        }
    }
    let rows = data["components"].as_array().cloned().unwrap_or_default();
    if !(1..=5).contains(&rows.len()) {
        let why = "Must be between 1 and 5 in length.";
        return Err(invalid("data.components", "BASE_TYPE_BAD_LENGTH", why));
    }
    for (at, row) in rows.iter().enumerate() {
        let input = &row["components"][0];
        for (key, limit) in [("label", 45), ("placeholder", 100), ("value", 4_000), ("custom_id", 100)] {
            if input[key].as_str().is_some_and(|it| it.chars().count() > limit) {
                return Err(too_long(&format!("data.components.{at}.components.0.{key}"), limit));
            }
        }
    }
    Ok(())
}

/// What comes after the first answer, through the interaction's token.
pub fn followup(world: &mut World, call: &Call, interaction: Id, rest: &[&str]) -> Reply {
    let it = &world.interactions[&interaction];
    if it.answer.is_none() {
        return Err(refuse(404, 10_015, "Unknown Webhook"));
    }
    let (bot, original) = (it.bot, it.original);
    let shown =
        |world: &World, id: Id| Ok(Done::Json(world.message_json(&world.messages[&id], world.reader(bot))));
    if let ("POST", []) = (call.method.as_str(), rest) {
        // The first one after a deferral takes the place of the waiting message.
        if let Some(waiting) = original.filter(|it| world.messages[it].flags & LOADING != 0) {
            settle(world, call, waiting)?;
            return shown(world, waiting);
        }
        let made = post(world, call, interaction, false)?;
        let message = world.messages.get_mut(&made).unwrap();
        message.kind = 19;
        message.reply_to = original;
        world.interactions.get_mut(&interaction).unwrap().followups.push(made);
        return shown(world, made);
    }
    let ["messages", which] = rest else { return Err(refuse(404, 0, "404: Not Found")) };
    let followups = &world.interactions[&interaction].followups;
    let target = match *which {
        "@original" => original,
        other => Some(number(other)).filter(|it| followups.contains(it) || original == Some(*it)),
    };
    let target = target.filter(|it| world.messages.get(it).is_some_and(|it| !it.deleted));
    let target = target.ok_or_else(unknown_message)?;
    match call.method.as_str() {
        "GET" => shown(world, target),
        "PATCH" => {
            settle(world, call, target)?;
            shown(world, target)
        }
        "DELETE" => {
            messages::remove(world, target);
            Ok(Done::Nothing)
        }
        _ => Err(refuse(405, 0, "405: Method Not Allowed")),
    }
}

/// Edits a message; it waits no more. Whether it is ephemeral was settled by the first answer.
fn settle(world: &mut World, call: &Call, target: Id) -> Result<(), Refusal> {
    let flags = world.messages[&target].flags & !LOADING;
    let mut body = call.body.clone();
    body["flags"] = json!(flags);
    messages::change(world, &with_body(call, body), target)
}
