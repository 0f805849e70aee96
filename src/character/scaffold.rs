//! A new character's folder: complete, free of findings, and full of hints about what to change.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::CharacterError;
use crate::model::CharacterId;

const FILES: [(&str, &str); 7] = [
    ("character.md", include_str!("scaffold/character.md")),
    ("core.yaml", include_str!("scaffold/core.yaml")),
    ("goals.yaml", include_str!("scaffold/goals.yaml")),
    ("evolution.yaml", include_str!("scaffold/evolution.yaml")),
    ("background.yaml", include_str!("scaffold/background.yaml")),
    ("ux.yaml", include_str!("scaffold/ux.yaml")),
    ("examples.md", include_str!("scaffold/examples.md")),
];

/// Makes `characters_dir/id` with a character to be edited, and says where.
///
/// # Errors
/// [`CharacterError::Exists`] when there is such a folder, [`CharacterError::Write`] when it cannot be written.
pub fn scaffold(characters_dir: &Path, id: &CharacterId) -> Result<PathBuf, CharacterError> {
    let dir = characters_dir.join(id.as_str());
    if dir.exists() {
        return Err(CharacterError::Exists(dir.display().to_string()));
    }
    let write = |path: &Path, source| CharacterError::Write { path: path.display().to_string(), source };
    fs::create_dir_all(&dir).map_err(|error| write(&dir, error))?;
    let name: String = id
        .as_str()
        .split('-')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        })
        .collect::<Vec<_>>()
        .join(" ");
    for (file, text) in FILES {
        let path = dir.join(file);
        fs::write(&path, text.replace("%NAME%", &name)).map_err(|error| write(&path, error))?;
    }
    Ok(dir)
}
