//! `/settings` and `/timezone`: the same wishes that are taken from the talk.

use super::{Asker, Commands, Reply, tell::quoted};
use crate::{
    conversation::ConversationError,
    model::{Preference, Style, Verbosity},
};

impl Commands {
    pub(super) async fn wishes(&self, asker: &Asker) -> Result<Reply, ConversationError> {
        let held = self.parts.memory.preferences(&asker.viewer).await?;
        let shown = |value: Option<String>| value.unwrap_or_else(|| "default".to_owned());
        let mut lines = vec![
            format!("- verbosity: {}", held.verbosity.map_or("default", verbosity)),
            format!("- style: {}", held.style.map_or("default", style)),
            format!("- language: {}", shown(held.language)),
            format!("- nickname: {}", shown(held.nickname.as_deref().map(quoted))),
            format!("- timezone: {}", shown(held.timezone)),
        ];
        if let Some(wanted) = held.emojis {
            lines.push(format!("- emojis: {}", if wanted { "welcome" } else { "none" }));
        }
        if !held.avoid_topics.is_empty() {
            let topics: Vec<String> = held.avoid_topics.iter().map(|topic| quoted(topic)).collect();
            lines.push(format!("- not to be brought up: {}", topics.join(", ")));
        }
        Ok(Reply::text(format!(
            "How you are answered here:\n{}\n\nChange one with `/settings verbosity short` or `/timezone Europe/Berlin`; \
             `default` takes it back.",
            lines.join("\n")
        )))
    }

    pub(super) async fn set_wish(
        &self,
        key: &str,
        value: &str,
        asker: &Asker,
    ) -> Result<Reply, ConversationError> {
        let memory = &self.parts.memory;
        if value.eq_ignore_ascii_case("default") {
            memory.clear_preference(&asker.viewer, key).await?;
            return Ok(Reply::text(format!("{key}: back to the default.")));
        }
        let preference = match (key, value) {
            ("verbosity", "short") => Preference::Verbosity(Verbosity::Short),
            ("verbosity", "medium") => Preference::Verbosity(Verbosity::Medium),
            ("verbosity", _) => Preference::Verbosity(Verbosity::Long),
            ("style", "casual") => Preference::Style(Style::Casual),
            ("style", "formal") => Preference::Style(Style::Formal),
            ("style", _) => Preference::Style(Style::Matching),
            ("language", tag) => Preference::Language(tag.to_owned()),
            ("timezone", zone) => Preference::Timezone(zone.to_owned()),
            (_, name) => Preference::Nickname(name.replace('\0', "")),
        };
        memory.set_preference(&asker.viewer, &preference, asker.at).await?;
        let mut text = format!("{key}: {}", if key == "nickname" { quoted(value) } else { value.to_owned() });
        if let (Preference::Timezone(_), Ok(zone)) = (&preference, value.parse::<chrono_tz::Tz>()) {
            let now = asker.at.to_utc().with_timezone(&zone);
            text = format!("{text}. It is {} there.", now.format("%H:%M"));
        }
        if !preference.holds_everywhere() {
            text += if asker.viewer.place.is_dm() {
                "\n\nIt holds in private talk; what you set on a server holds there."
            } else {
                "\n\nIt holds here and in private talk."
            };
        }
        Ok(Reply::text(text))
    }
}

fn verbosity(value: Verbosity) -> &'static str {
    match value {
        Verbosity::Short => "short",
        Verbosity::Medium => "medium",
        Verbosity::Long => "long",
    }
}

fn style(value: Style) -> &'static str {
    match value {
        Style::Casual => "casual",
        Style::Formal => "formal",
        Style::Matching => "matching",
    }
}
