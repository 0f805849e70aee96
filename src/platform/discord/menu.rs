//! Our commands in Discord's words: slash commands, their options, and the entries of a message's menu.

use serde_json::{Value, json};

use crate::platform::command::{Arg, COMMANDS, Kind, LANGUAGES, Spec, Sub, Who, Words};

/// Discord's locales for our languages (its documentation, "Locales").
const LOCALES: [(&str, &[&str]); 3] = [("de", &["de"]), ("es", &["es-ES", "es-419"]), ("fr", &["fr"])];
/// Commands of the people in charge are shown to those who may manage the server; `ADMINS` decides who may use them.
const MANAGE_GUILD: &str = "32";
/// Installed to a server, rather than to a person (its documentation, "Application Integration Types").
const GUILD_INSTALL: u8 = 0;
/// In servers, and in private with the bot; not in private talks of others (its documentation, "Interaction Context Types").
const IN_GUILDS: u8 = 0;
const IN_BOT_DM: u8 = 1;
/// A text of this length is written in a form rather than in one line.
const LONG_TEXT: u16 = 1_000;
/// The most that a text option may hold (its documentation, "Application Command Option").
const LONGEST_OPTION: u16 = 6_000;

/// Entries of a message's menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    Why,
    Remember,
    Forget,
}

/// The entries with their names: English, German, Spanish, French.
const ENTRIES: [(Entry, Words); 3] = [
    (
        Entry::Why,
        Words {
            en: "Why did you say this?",
            de: "Warum sagst du das?",
            es: "¿Por qué dices esto?",
            fr: "Pourquoi dis-tu cela ?",
        },
    ),
    (
        Entry::Remember,
        Words { en: "Remember this", de: "Merk dir das", es: "Recuerda esto", fr: "Retiens cela" },
    ),
    (Entry::Forget, Words { en: "Forget this", de: "Vergiss das", es: "Olvida esto", fr: "Oublie cela" }),
];

impl Entry {
    /// The entry of this (English) name.
    pub(super) fn named(name: &str) -> Option<Self> {
        ENTRIES.iter().find(|(_, words)| words.en == name).map(|(entry, _)| *entry)
    }
}

/// The argument of a command that is asked for in a form when it is left out.
pub(super) fn form_of(spec: &Spec) -> Option<&'static Arg> {
    match spec.args {
        [arg @ Arg { kind: Kind::Text { longest }, required: true, .. }] if *longest >= LONG_TEXT => {
            Some(arg)
        }
        _ => None,
    }
}

/// Everything that is registered.
pub(super) fn all() -> Value {
    let slash = COMMANDS.iter().filter(|spec| spec.listed).map(slash);
    let entries = ENTRIES
        .iter()
        .map(|(_, name)| json!({ "type": 3, "name": name.en, "name_localizations": localised(*name) }));
    let mut all: Vec<Value> = slash.chain(entries).collect();
    for command in all.iter_mut().filter_map(Value::as_object_mut) {
        // Where the bot is a member, and in private with it: elsewhere it could not say anything.
        command.insert("integration_types".to_owned(), json!([GUILD_INSTALL]));
        command.insert("contexts".to_owned(), json!([IN_GUILDS, IN_BOT_DM]));
    }
    Value::Array(all)
}

fn slash(spec: &Spec) -> Value {
    let in_a_form = form_of(spec).is_some();
    let options: Vec<Value> = if spec.subs.is_empty() {
        spec.args.iter().map(|arg| option(arg, arg.required && !in_a_form)).collect()
    } else {
        spec.subs.iter().map(sub).collect()
    };
    let rights = match spec.who {
        Who::Everybody => Value::Null,
        Who::Admins => Value::from(MANAGE_GUILD),
    };
    json!({
        "type": 1,
        "name": spec.name.en,
        "name_localizations": localised(spec.name),
        "description": spec.about.en,
        "description_localizations": localised(spec.about),
        "options": options,
        "default_member_permissions": rights,
    })
}

fn sub(sub: &Sub) -> Value {
    json!({
        "type": 1,
        "name": sub.name,
        "description": sub.about.en,
        "description_localizations": localised(sub.about),
        "options": sub.args.iter().map(|arg| option(arg, arg.required)).collect::<Vec<_>>(),
    })
}

fn option(arg: &Arg, required: bool) -> Value {
    let mut option = json!({
        "name": arg.name,
        "description": arg.about.en,
        "description_localizations": localised(arg.about),
        "required": required,
    });
    let more = match arg.kind {
        Kind::Text { longest } => json!({ "type": 3, "max_length": longest.min(LONGEST_OPTION) }),
        Kind::Choice(choices) => {
            let choices: Vec<_> = choices.iter().map(|it| json!({ "name": it, "value": it })).collect();
            json!({ "type": 3, "choices": choices })
        }
        Kind::Integer { min, max } => json!({ "type": 4, "min_value": min, "max_value": max }),
        Kind::User => json!({ "type": 6 }),
        Kind::Boolean => json!({ "type": 5 }),
        Kind::Character | Kind::Timezone | Kind::Language => json!({ "type": 3, "autocomplete": true }),
    };
    if let (Some(option), Value::Object(more)) = (option.as_object_mut(), more) {
        option.extend(more);
    }
    option
}

fn localised(words: Words) -> Value {
    let languages = LANGUAGES.iter().flat_map(|language| {
        let locales =
            LOCALES.iter().find(|(code, _)| code == language).map_or(&[][..], |(_, locales)| *locales);
        locales.iter().map(|locale| ((*locale).to_owned(), Value::from(words.of(language))))
    });
    Value::Object(languages.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_command_is_registered_with_its_languages() {
        let all = all();
        let all = all.as_array().unwrap();
        let find = |name: &str| all.iter().find(|it| it["name"] == name).unwrap();
        assert_eq!(all.len(), COMMANDS.iter().filter(|spec| spec.listed).count() + 3);
        assert_eq!(find("memory")["name_localizations"]["de"], "gedächtnis");
        assert_eq!(find("memory")["options"][0]["options"][0]["required"], true);
        assert_eq!(find("remember")["options"][0]["required"], false, "left out, a form asks for it");
        assert_eq!(find("timezone")["options"][0]["autocomplete"], true);
        assert_eq!(find("admin")["default_member_permissions"], "32");
        assert_eq!(find("Forget this")["type"], 3);
        assert!(
            all.iter().all(|it| it["contexts"] == json!([0, 1]) && it["integration_types"] == json!([0]))
        );
        assert_eq!(Entry::named("Forget this"), Some(Entry::Forget));
        for entry in ENTRIES {
            for name in [entry.1.en, entry.1.de, entry.1.es, entry.1.fr] {
                assert!((1..=32).contains(&name.chars().count()), "{name}");
            }
        }
    }
}
