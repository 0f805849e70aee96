//! The manner of an answer in sentences for the model: the character's own style, and what a person asked for.

use super::template;
use crate::{
    character::{Character, EmojiUse, Formality, ResponseLength, Ux},
    model::{Preferences, Style, Verbosity},
};

/// Emojis of a character that are shown to the model at most.
const EMOJIS: usize = 12;

/// The character's own style (`ux.yaml: response_style, emoji_sets`, `core.yaml: anchors, languages`). What the person
/// asked for stands further down in the prompt, and replaces the part of the style that it contradicts.
pub(super) fn own(character: &Character, asked: &Preferences) -> Vec<String> {
    let style = &character.ux.response_style;
    let mut lines = Vec::new();
    if asked.verbosity.is_none() {
        lines.extend(style.length.map(|length| match length {
            ResponseLength::Short => "Your answers are short: a sentence or two.".to_owned(),
            ResponseLength::Medium => "Your answers are a short paragraph.".to_owned(),
            ResponseLength::Long => "Your answers are as long as it takes.".to_owned(),
        }));
    }
    if asked.style.is_none() {
        lines.extend(style.formality.map(|formality| match formality {
            Formality::Casual => "You talk as among friends.".to_owned(),
            Formality::Neutral => "Your tone is neither casual nor formal.".to_owned(),
            Formality::Formal => "Your tone is polite and formal.".to_owned(),
        }));
    }
    if asked.emojis.is_none() {
        lines.extend(style.emojis.map(|emojis| match emojis {
            EmojiUse::None => "You use no emojis.".to_owned(),
            EmojiUse::Few => format!("You use an emoji now and then{}.", favourites(&character.ux)),
            EmojiUse::Many => format!("You use many emojis{}.", favourites(&character.ux)),
        }));
    }
    lines.extend(style.notes.clone());
    if !character.core.anchors.is_empty() {
        lines.push(format!("Close to your heart: {}.", character.core.anchors.join(", ")));
    }
    if asked.language.is_none() && !character.core.languages.is_empty() {
        lines.push(format!(
            "Languages you speak (BCP 47): {}. Answer in the language you are spoken to, if it is one of them.",
            character.core.languages.join(", ")
        ));
    }
    lines
}

fn favourites(ux: &Ux) -> String {
    let all: Vec<&str> = ux.emoji_sets.values().flatten().map(String::as_str).take(EMOJIS).collect();
    if all.is_empty() { String::new() } else { format!(", such as {}", all.join(" ")) }
}

/// What a person asked for.
pub(super) fn asked_for(preferences: &Preferences) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(preferences.verbosity.map(|verbosity| {
        match verbosity {
            Verbosity::Short => "Short answers: one or two sentences.",
            Verbosity::Medium => "Answers of a short paragraph.",
            Verbosity::Long => "Long, detailed answers.",
        }
        .to_owned()
    }));
    lines.extend(preferences.style.map(|style| {
        match style {
            Style::Casual => "A casual tone.",
            Style::Formal => "A formal tone.",
            Style::Matching => "A tone that matches their own.",
        }
        .to_owned()
    }));
    lines.extend(
        preferences
            .nickname
            .as_ref()
            .map(|name| format!("They want to be called {}.", template::label(name))),
    );
    let avoided = preferences.avoid_topics.iter().map(|topic| template::as_data(&template::one_line(topic)));
    let avoided: Vec<String> = avoided.map(|topic| format!("- {topic}")).collect();
    if !avoided.is_empty() {
        lines.push(format!("Never bring up any of these:\n<data>\n{}\n</data>", avoided.join("\n")));
    }
    lines.extend(
        preferences.emojis.map(|wanted| if wanted { "Emojis are welcome." } else { "No emojis." }.to_owned()),
    );
    lines.extend(
        preferences
            .language
            .as_ref()
            .map(|tag| format!("Answer in the language `{}`.", template::as_data(tag))),
    );
    lines
}
