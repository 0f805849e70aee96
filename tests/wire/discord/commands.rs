//! REST of application commands, as strictly as Discord reads them.

use regex::Regex;
use serde_json::{Value, json};

use super::{
    render::id,
    rest::{Call, Done, Refusal, Reply, invalid, number, refuse, too_long},
    world::{Id, World},
};

const CHAT_INPUT: u64 = 1;

pub fn route(world: &mut World, call: &Call, bot: Id, application: Id, rest: &[&str]) -> Reply {
    if application != bot {
        return Err(refuse(403, 20_012, "You are not authorized to perform this action on this application"));
    }
    let (guild, rest) = match rest {
        ["guilds", guild, "commands", rest @ ..] => (Some(number(guild)), rest),
        ["commands", rest @ ..] => (None, rest),
        _ => return Err(refuse(404, 0, "404: Not Found")),
    };
    let present = |world: &World| -> Vec<Value> {
        let it = world.bot(bot).unwrap();
        guild.map_or_else(
            || it.commands.clone(),
            |guild| it.guild_commands.get(&guild).cloned().unwrap_or_default(),
        )
    };
    match (call.method.as_str(), rest) {
        ("GET", []) => Ok(Done::Json(json!(present(world)))),
        ("PUT", []) => {
            let given = call.body.as_array().cloned();
            let given =
                given.ok_or_else(|| refuse(400, 50_109, "The request body contains invalid JSON."))?;
            let commands = accept(world, bot, guild, &given, &present(world))?;
            let it = world.bot_mut(bot).unwrap();
            it.registrations += 1;
            store(world, bot, guild, commands.clone());
            Ok(Done::Json(json!(commands)))
        }
        ("POST", []) => {
            let mut all = present(world);
            let same = |it: &Value| it["name"] == call.body["name"] && kind(it) == kind(&call.body);
            let old: Vec<Value> = all.iter().filter(|it| same(it)).cloned().collect();
            let made = accept(world, bot, guild, std::slice::from_ref(&call.body), &old)?;
            all.retain(|it| !same(it));
            all.extend(made.clone());
            store(world, bot, guild, all);
            Ok(Done::Json(made.into_iter().next().unwrap()))
        }
        ("DELETE", [command]) => {
            let mut all = present(world);
            all.retain(|it| it["id"] != json!(command));
            store(world, bot, guild, all);
            Ok(Done::Nothing)
        }
        _ => Err(refuse(405, 0, "405: Method Not Allowed")),
    }
}

fn store(world: &mut World, bot: Id, guild: Option<Id>, commands: Vec<Value>) {
    let it = world.bot_mut(bot).unwrap();
    match guild {
        Some(guild) => {
            it.guild_commands.insert(guild, commands);
        }
        None => it.commands = commands,
    }
}

/// `CHAT_INPUT`, unless said otherwise.
pub fn kind(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(CHAT_INPUT)
}

/// The commands as they are kept, or what is wrong with them. A command keeps its id as long as its name and kind.
fn accept(
    world: &mut World,
    bot: Id,
    guild: Option<Id>,
    given: &[Value],
    before: &[Value],
) -> Result<Vec<Value>, Refusal> {
    for (wanted, most) in [(1, 100), (2, 15), (3, 15)] {
        if given.iter().filter(|it| kind(it) == wanted).count() > most {
            return Err(refuse(400, 30_032, "Maximum number of application commands reached"));
        }
    }
    let mut kept: Vec<Value> = Vec::new();
    for (at, command) in given.iter().enumerate() {
        check(command, &at.to_string())?;
        if kept.iter().any(|it| it["name"] == command["name"] && kind(it) == kind(command)) {
            let code = "APPLICATION_COMMANDS_DUPLICATE_NAME";
            return Err(invalid(&at.to_string(), code, "Application command names must be unique"));
        }
        let same = |it: &&Value| it["name"] == command["name"] && kind(it) == kind(command);
        let number = before.iter().find(same).map(|it| it["id"].clone());
        let number = number.unwrap_or_else(|| id(world.take_id()));
        let mut whole = json!({
            "id": number, "application_id": id(bot), "version": id(world.take_id()), "type": 1, "description": "",
            "default_member_permissions": null, "nsfw": false,
        });
        if let Some(guild) = guild {
            whole["guild_id"] = id(guild);
        }
        for (key, value) in command.as_object().unwrap() {
            whole[key] = value.clone();
        }
        kept.push(whole);
    }
    Ok(kept)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn check(command: &Value, field: &str) -> Result<(), Refusal> {
    let name = command["name"].as_str().unwrap_or_default();
    if kind(command) != CHAT_INPUT {
        if !(1..=32).contains(&name.chars().count()) {
            let why = "Must be between 1 and 32 in length.";
            return Err(invalid(&format!("{field}.name"), "BASE_TYPE_BAD_LENGTH", why));
        }
        if command["description"].as_str().is_some_and(|it| !it.is_empty())
            || !list(&command["options"]).is_empty()
        {
            let code = "APPLICATION_COMMAND_INVALID_DESCRIPTION";
            return Err(invalid(
                &format!("{field}.description"),
                code,
                "Context menu commands cannot have description",
            ));
        }
        return Ok(());
    }
    if characters(command) > 8_000 {
        let why = "Command exceeds maximum size (8000)";
        return Err(invalid(field, "APPLICATION_COMMAND_TOO_LARGE", why));
    }
    named(command, field)?;
    options(command, field, 0)
}

/// What counts towards a command's 8,000 characters.
fn characters(part: &Value) -> usize {
    let own = ["name", "description", "value"].iter().filter_map(|key| part[*key].as_str());
    let own: usize = own.map(|it| it.chars().count()).sum();
    let inner = list(&part["options"]).iter().chain(list(&part["choices"]));
    own + inner.map(characters).sum::<usize>()
}

/// Names and descriptions, in all languages.
fn named(part: &Value, field: &str) -> Result<(), Refusal> {
    let pattern = Regex::new(r"^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$").unwrap();
    let names =
        std::iter::once(("name".to_owned(), &part["name"])).chain(localized(part, "name_localizations"));
    for (key, name) in names {
        let name = name.as_str().unwrap_or_default();
        if !pattern.is_match(name) || name.to_lowercase() != name {
            let code = "APPLICATION_COMMAND_INVALID_NAME";
            return Err(invalid(&format!("{field}.{key}"), code, "Command name is invalid"));
        }
    }
    let descriptions = std::iter::once(("description".to_owned(), &part["description"]));
    for (key, text) in descriptions.chain(localized(part, "description_localizations")) {
        if !(1..=100).contains(&text.as_str().unwrap_or_default().chars().count()) {
            let why = "Must be between 1 and 100 in length.";
            return Err(invalid(&format!("{field}.{key}"), "BASE_TYPE_BAD_LENGTH", why));
        }
    }
    Ok(())
}

fn localized<'a>(part: &'a Value, key: &str) -> Vec<(String, &'a Value)> {
    let them = part[key].as_object();
    them.into_iter().flatten().map(|(locale, text)| (format!("{key}.{locale}"), text)).collect()
}

fn options(part: &Value, field: &str, depth: u8) -> Result<(), Refusal> {
    let them = list(&part["options"]);
    if them.len() > 25 {
        return Err(too_long(&format!("{field}.options"), 25));
    }
    let mut optional = false;
    let mut seen: Vec<&str> = Vec::new();
    for (at, option) in them.iter().enumerate() {
        let field = format!("{field}.options.{at}");
        named(option, &field)?;
        let name = option["name"].as_str().unwrap_or_default();
        if seen.contains(&name) {
            let code = "APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE";
            return Err(invalid(&format!("{field}.name"), code, "Option names must be unique"));
        }
        seen.push(name);
        let of = option["type"].as_u64().unwrap_or(0);
        if !(1..=11).contains(&of) || (of == 1 && depth > 1) || (of == 2 && depth > 0) {
            let why = "Sub-command option is not allowed here";
            return Err(invalid(&format!("{field}.type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", why));
        }
        if of <= 2 {
            options(option, &field, depth + 1)?;
            continue;
        }
        if option["required"] == json!(true) && optional {
            let code = "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID";
            return Err(invalid(&field, code, "Required options must be placed before non-required options"));
        }
        optional |= option["required"] != json!(true);
        choices(option, &field)?;
    }
    Ok(())
}

fn choices(option: &Value, field: &str) -> Result<(), Refusal> {
    let them = list(&option["choices"]);
    if option["autocomplete"] == json!(true) && !them.is_empty() {
        let why = "Cannot have both choices and autocomplete";
        return Err(invalid(field, "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", why));
    }
    offered(them, &format!("{field}.choices"))
}

/// Choices, of an option or of an autocompletion.
pub fn offered(choices: &[Value], field: &str) -> Result<(), Refusal> {
    if choices.len() > 25 {
        return Err(too_long(field, 25));
    }
    for (at, choice) in choices.iter().enumerate() {
        let long = choice["value"].as_str().is_some_and(|it| it.chars().count() > 100);
        if !(1..=100).contains(&choice["name"].as_str().unwrap_or_default().chars().count()) || long {
            let why = "Must be between 1 and 100 in length.";
            return Err(invalid(&format!("{field}.{at}.name"), "BASE_TYPE_BAD_LENGTH", why));
        }
    }
    Ok(())
}
