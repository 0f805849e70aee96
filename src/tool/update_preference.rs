//! `update_preference`: how the user wants to be answered.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Context, CostClass, NOT_SAID, Permission, Tool, ToolError, argument, text, update_fact};
use crate::{
    llm::ToolSpec,
    memory::Memory,
    model::{Preference, PreferenceDraft, Preferences, Style, Verbosity, is_language_tag},
};

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Key {
    Verbosity,
    Style,
    Nickname,
    AvoidTopic,
    Emojis,
    Language,
    Timezone,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Which wish.
    key: Key,
    /// verbosity: short, medium or long; style: casual, formal or matching; emojis: true or false; language: a tag such as
    /// en or pt-BR; timezone: an IANA name such as Europe/Lisbon; nickname and `avoid_topic`: the user's words. Left out: the
    /// wish is taken back.
    #[serde(default)]
    #[schemars(with = "String", length(max = 100))]
    value: Option<String>,
}

pub(super) struct UpdatePreference {
    pub(super) memory: Memory,
}

#[async_trait]
impl Tool for UpdatePreference {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "update_preference",
            "Keeps how the user wants to be answered, when they say so: length, tone, nickname, topics to avoid, emojis, \
             language, time zone.",
        )
    }

    fn permission(&self) -> Permission {
        Permission::Write
    }

    fn cost(&self) -> CostClass {
        CostClass::Store
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(5)
    }

    async fn call(&self, context: &Context, arguments: Value) -> Result<String, ToolError> {
        let Arguments { key, value } = argument::read(arguments)?;
        let Some(asked) = self.memory.own_message(&context.viewer, context.message).await? else {
            return Err(ToolError::Refused(NOT_SAID.to_owned()));
        };
        let before = shown(key, &self.memory.preferences(&context.viewer).await?);
        let name = name(key);
        let Some(value) = value.map(|value| text::cut(&value, 100)) else {
            if key == Key::AvoidTopic {
                return Err(ToolError::Arguments(
                    "`value`: say which topic; the user takes one back with /forget".to_owned(),
                ));
            }
            self.memory.clear_preference(&context.viewer, &name).await?;
            return Ok(format!("{name}: {before} → none"));
        };
        let preference = wish(key, &value)?;
        let source = match key {
            Key::Nickname | Key::AvoidTopic => {
                update_fact::said_by_them(&self.memory, context, &value).await?
            }
            _ => asked.id,
        };
        let draft = PreferenceDraft { preference, owner: context.viewer.user.clone(), source };
        self.memory.set_preferences(&context.viewer, &[draft], asked.at).await?;
        let after = shown(key, &self.memory.preferences(&context.viewer).await?);
        if before == after {
            return Ok(format!("{name} was {after} already; nothing was changed."));
        }
        Ok(format!("{name}: {before} → {after}"))
    }
}

/// The key as it is stored and as the model writes it.
fn name(key: Key) -> String {
    serde_json::to_value(key).ok().and_then(|it| it.as_str().map(ToOwned::to_owned)).unwrap_or_default()
}

fn wish(key: Key, value: &str) -> Result<Preference, ToolError> {
    let wrong = |what: &str| ToolError::Arguments(format!("`value`: `{value}` does not fit; write {what}"));
    let lower = value.trim().to_lowercase();
    Ok(match key {
        Key::Verbosity => Preference::Verbosity(match lower.as_str() {
            "short" => Verbosity::Short,
            "medium" => Verbosity::Medium,
            "long" => Verbosity::Long,
            _ => return Err(wrong("short, medium or long")),
        }),
        Key::Style => Preference::Style(match lower.as_str() {
            "casual" => Style::Casual,
            "formal" => Style::Formal,
            "matching" => Style::Matching,
            _ => return Err(wrong("casual, formal or matching")),
        }),
        Key::Emojis => Preference::Emojis(match lower.as_str() {
            "true" | "yes" | "on" => true,
            "false" | "no" | "off" => false,
            _ => return Err(wrong("true or false")),
        }),
        Key::Language if is_language_tag(value.trim()) => Preference::Language(value.trim().to_owned()),
        Key::Language => return Err(wrong("a language tag such as en or pt-BR")),
        Key::Timezone => match value.trim().parse::<chrono_tz::Tz>() {
            Ok(zone) => Preference::Timezone(zone.name().to_owned()),
            Err(_) => return Err(wrong("an IANA name such as Europe/Lisbon")),
        },
        Key::Nickname => Preference::Nickname(value.trim().to_owned()),
        Key::AvoidTopic => Preference::AvoidTopic(value.trim().to_owned()),
    })
}

fn shown(key: Key, wishes: &Preferences) -> String {
    let word = |value: Option<serde_json::Value>| value.and_then(|it| it.as_str().map(ToOwned::to_owned));
    let value = match key {
        Key::Verbosity => word(wishes.verbosity.and_then(|it| serde_json::to_value(it).ok())),
        Key::Style => word(wishes.style.and_then(|it| serde_json::to_value(it).ok())),
        Key::Nickname => wishes.nickname.clone(),
        Key::AvoidTopic => (!wishes.avoid_topics.is_empty()).then(|| wishes.avoid_topics.join(", ")),
        Key::Emojis => wishes.emojis.map(|it| it.to_string()),
        Key::Language => wishes.language.clone(),
        Key::Timezone => wishes.timezone.clone(),
    };
    value.unwrap_or_else(|| "none".to_owned())
}
