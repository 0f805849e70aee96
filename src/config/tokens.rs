//! `DISCORD_TOKEN_<ID>`: a bot of its own for a character. The only keys whose names are not in the table.

use std::collections::{BTreeMap, HashMap};

use secrecy::SecretString;

use super::{Reader, Source, key, value};
use crate::model::CharacterId;

/// What these keys begin with; the character's id follows in capitals, with `_` for `-`.
const PREFIX: &str = "DISCORD_TOKEN_";

/// The character that a key names; `None`: it is no such key.
pub(super) fn character_of(key: &str) -> Option<CharacterId> {
    let id = key.strip_prefix(PREFIX)?;
    let capitals = id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    capitals.then(|| CharacterId::new(id.to_ascii_lowercase().replace('_', "-")).ok()).flatten()
}

/// All of them, the environment before the file.
pub(super) fn read(
    reader: &mut Reader,
    env: &BTreeMap<String, String>,
    file: &HashMap<String, (usize, String)>,
) -> Vec<(CharacterId, SecretString)> {
    let mut given: BTreeMap<CharacterId, (&str, &str, Source)> = BTreeMap::new();
    for (name, (line, text)) in file {
        if let Some(id) = character_of(name) {
            given.insert(id, (name, text, Source::File { line: *line }));
        }
    }
    for (name, text) in env {
        if let Some(id) = character_of(name) {
            given.insert(id, (name, text, Source::Environment));
        }
    }
    let mut tokens = Vec::new();
    for (id, (name, text, source)) in given {
        // One of the table whose name looks like one of these is read there; an empty value stands for none.
        if key::all().any(|key| key.name == name) || text.is_empty() {
            continue;
        }
        match value::api_key(text) {
            Ok(token) => tokens.push((id, token)),
            Err(what) => reader.problem(source, Some(name.to_owned()), what),
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("DISCORD_TOKEN_IRIS", Some("iris"))]
    #[case("DISCORD_TOKEN_OLD_TOM", Some("old-tom"))]
    #[case("DISCORD_TOKEN", None)]
    #[case("DISCORD_TOKEN_", None)]
    #[case("DISCORD_TOKEN_Iris", None)]
    #[case("DISCORD_TOKEN_1", None)]
    fn a_key_names_a_character(#[case] key: &str, #[case] expected: Option<&str>) {
        assert_eq!(character_of(key).as_ref().map(CharacterId::as_str), expected);
    }
}
