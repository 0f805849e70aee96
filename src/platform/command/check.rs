//! Values of arguments: each in its one written form, or what is wrong with it.

use chrono_tz::TZ_VARIANTS;

use super::{
    parse::{meant, nearest},
    spec::{Arg, Kind},
};
use crate::model::{CharacterId, UserId};

/// The value in its one written form, or what is wrong with it.
pub(super) fn check(arg: &Arg, value: &str) -> Result<String, String> {
    match arg.kind {
        Kind::Text { longest } => {
            let length = value.chars().count();
            if length > usize::from(longest) {
                return Err(format!("{length} characters long; {longest} is the most"));
            }
            Ok(value.to_owned())
        }
        Kind::Choice(choices) => match choices.iter().find(|choice| choice.eq_ignore_ascii_case(value)) {
            Some(choice) => Ok((*choice).to_owned()),
            None => Err(format!(
                "none of {}{}",
                choices.join(", "),
                meant(nearest(value, choices.iter().copied()), "")
            )),
        },
        Kind::Integer { min, max } => match value.parse::<i64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(number.to_string()),
            _ => Err(format!("no whole number from {min} to {max}")),
        },
        Kind::User => UserId::new(value.trim_start_matches('@'))
            .map(String::from)
            .map_err(|_| "no person; a person is written like telegram:1234".to_owned()),
        Kind::Boolean => match value.to_lowercase().as_str() {
            "on" | "yes" | "true" => Ok("on".to_owned()),
            "off" | "no" | "false" => Ok("off".to_owned()),
            _ => Err("neither on nor off".to_owned()),
        },
        Kind::Character => CharacterId::new(value.to_lowercase())
            .map(String::from)
            .map_err(|_| "no character id; /cast shows the cast".to_owned()),
        Kind::Timezone => timezone(value),
        Kind::Language => language(value),
    }
}

fn timezone(value: &str) -> Result<String, String> {
    if value.eq_ignore_ascii_case("default") {
        return Ok("default".to_owned());
    }
    let written = value.replace(' ', "_");
    if let Some(zone) = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(&written)) {
        return Ok(zone.name().to_owned());
    }
    // People write the city alone.
    let city = |name: &'static str| name.rsplit('/').next().unwrap_or(name);
    if let Some(zone) = TZ_VARIANTS.iter().find(|zone| city(zone.name()).eq_ignore_ascii_case(&written)) {
        return Err(format!("not the whole name; did you mean {}?", zone.name()));
    }
    let names = TZ_VARIANTS.iter().map(|zone| zone.name());
    let close = nearest(&written, names).or_else(|| {
        let close = nearest(&written, TZ_VARIANTS.iter().map(|zone| city(zone.name())))?;
        TZ_VARIANTS.iter().map(|zone| zone.name()).find(|name| city(name) == close)
    });
    Err(format!("no time zone{}", meant(close, "")))
}

/// Languages that are offered by name: tag, English name, own name. Any other BCP 47 tag is taken as it stands.
pub(super) const KNOWN_LANGUAGES: [(&str, &str, &str); 16] = [
    ("en", "english", "english"),
    ("de", "german", "deutsch"),
    ("es", "spanish", "español"),
    ("fr", "french", "français"),
    ("it", "italian", "italiano"),
    ("pt", "portuguese", "português"),
    ("nl", "dutch", "nederlands"),
    ("pl", "polish", "polski"),
    ("sv", "swedish", "svenska"),
    ("da", "danish", "dansk"),
    ("tr", "turkish", "türkçe"),
    ("ru", "russian", "русский"),
    ("uk", "ukrainian", "українська"),
    ("ja", "japanese", "日本語"),
    ("ko", "korean", "한국어"),
    ("zh", "chinese", "中文"),
];

fn language(value: &str) -> Result<String, String> {
    let lower = value.to_lowercase();
    if lower == "default" {
        return Ok(lower);
    }
    if let Some((tag, ..)) = KNOWN_LANGUAGES.iter().find(|(_, en, own)| *en == lower || *own == lower) {
        return Ok((*tag).to_owned());
    }
    // The shape of a BCP 47 tag (RFC 5646, 2.1), as far as people use it: a language, then subtags of 2 to 8.
    let mut parts = value.split('-');
    let primary = parts.next().unwrap_or_default();
    let fits = (2..=3).contains(&primary.len())
        && primary.chars().all(|c| c.is_ascii_alphabetic())
        && parts.all(|part| (2..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric()));
    if fits {
        return Ok(value.to_owned());
    }
    let close = nearest(&lower, KNOWN_LANGUAGES.iter().flat_map(|(_, en, own)| [*en, *own]));
    Err(format!("no language; a language is a tag such as de or pt-BR{}", meant(close, "")))
}
