//! `dramatis characters list | new | check`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{
    character::{self, Finding, Severity},
    model::CharacterId,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists the cast
    List,
    /// Makes the folder of a new character, complete and ready to be edited
    New {
        /// Its id: the name of the folder (a-z, 0-9 and `-`)
        id: CharacterId,
    },
    /// Checks character folders and prints every finding as `file:line:col: message`; exit code 1 on errors
    Check {
        /// A character's folder, or a folder of such folders
        dir: PathBuf,
    },
}

pub(super) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List => list(&super::load()?.characters_dir),
        Command::New { id } => new(&super::load()?.characters_dir, &id),
        Command::Check { dir } => check(&dir),
    }
}

fn list(dir: &Path) -> anyhow::Result<ExitCode> {
    let (cast, findings) = character::Cast::open(dir)?;
    for id in cast.ids() {
        if let Some(character) = cast.get(&id) {
            say!("{id:<14}{:<14}{}", character.name, character.tagline.as_deref().unwrap_or_default());
        }
    }
    let broken = findings.iter().filter(|(_, list)| list.iter().any(is_error));
    for (folder, _) in broken {
        eprintln!(
            "{folder} has errors and is not in the cast; `dramatis characters check {}` shows them",
            dir.join(folder).display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn new(dir: &Path, id: &CharacterId) -> anyhow::Result<ExitCode> {
    let made = character::scaffold(dir, id)?;
    say!("made {}", made.display());
    say!("edit {}, then: dramatis chat --character {id}", made.join("character.md").display());
    Ok(ExitCode::SUCCESS)
}

fn check(dir: &Path) -> anyhow::Result<ExitCode> {
    if !dir.is_dir() {
        anyhow::bail!("{} is not a folder", dir.display());
    }
    let folders = folders(dir)?;
    let (mut errors, mut warnings) = (0_usize, 0_usize);
    for folder in &folders {
        for finding in character::load(folder).findings {
            match finding.severity {
                Severity::Error => errors += 1,
                Severity::Warning => warnings += 1,
            }
            say!("{}/{finding}", folder.display());
        }
    }
    say!(
        "checked {}: {}, {}",
        number(folders.len(), "character"),
        number(errors, "error"),
        number(warnings, "warning")
    );
    Ok(if errors > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn number(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The folder itself, or, when it holds characters or only folders, those: a note beside the cast does no harm.
fn folders(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut inside, mut files) = (Vec::new(), false);
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !hidden {
            inside.push(path);
        } else if !hidden {
            files = true;
        }
    }
    inside.sort();
    let is_character = |dir: &Path| dir.join("character.md").exists();
    let is_cast = !is_character(dir) && inside.iter().any(|inside| is_character(inside));
    Ok(if !inside.is_empty() && (is_cast || !files) { inside } else { vec![dir.to_owned()] })
}

fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}
