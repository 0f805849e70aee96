//! Reading a character's folder: only real files inside it, of a sane size, in UTF-8.

use std::{fs, path::Path};

use super::{
    finding::{Finding, meant},
    yaml::Mark,
};

/// Bytes of a file at most.
const LARGEST: u64 = 1024 * 1024;

/// The files that are read.
pub(super) const KNOWN: [&str; 9] = [
    "character.md",
    "core.yaml",
    "goals.yaml",
    "evolution.yaml",
    "background.yaml",
    "ux.yaml",
    "lurk_triggers.yaml",
    "visual.md",
    "examples.md",
];
/// Files that others know and this version does not read.
const UNREAD: [&str; 2] = ["schedule.yaml", "lorebook.yaml"];
/// Endings of files that may lie beside.
const BESIDE: [&str; 7] = ["png", "jpg", "jpeg", "webp", "gif", "txt", "license"];

const START: Mark = Mark { line: 1, column: 1 };

/// The text of a file; `None` when it is not there, or when it is there and cannot be used (then with a finding).
pub(super) fn read(dir: &Path, name: &str, findings: &mut Vec<Finding>) -> Option<String> {
    let path = dir.join(name);
    let link = fs::symlink_metadata(&path).ok()?;
    let mut wrong = |mark, message: String| {
        findings.push(Finding::error(name, mark, message));
        None
    };
    if link.is_symlink() {
        let inside = path.canonicalize().ok().zip(dir.canonicalize().ok());
        if !inside.is_some_and(|(target, dir)| target.starts_with(dir)) {
            return wrong(
                START,
                "a symbolic link that leads out of the folder: put the file itself here".to_owned(),
            );
        }
    }
    let Ok(metadata) = fs::metadata(&path) else { return wrong(START, "the file cannot be read".to_owned()) };
    if !metadata.is_file() {
        return wrong(START, "this is no file".to_owned());
    }
    if metadata.len() > LARGEST {
        let size = metadata.len() / 1024;
        return wrong(START, format!("the file has {size} KiB; {} KiB is the most", LARGEST / 1024));
    }
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => return wrong(START, format!("the file cannot be read: {error}")),
    };
    match String::from_utf8(bytes) {
        Ok(text) => Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let before =
                String::from_utf8_lossy(error.as_bytes().get(..good).unwrap_or_default()).into_owned();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            wrong(Mark { line, column }, "not UTF-8 from here on: save the file as UTF-8".to_owned())
        }
    }
}

/// Warnings about files that have no effect.
pub(super) fn strangers(dir: &Path, findings: &mut Vec<Finding>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    for name in names {
        let lower = name.to_lowercase();
        let beside = name.starts_with('.')
            || name.ends_with('~')
            || lower.starts_with("readme")
            || BESIDE.iter().any(|ending| lower.ends_with(&format!(".{ending}")))
            || !lower.contains('.');
        if KNOWN.contains(&name.as_str()) || beside {
            continue;
        }
        let message = if UNREAD.contains(&name.as_str()) {
            "this version does not read this file".to_owned()
        } else {
            meant(&name, KNOWN).map_or_else(
                || "no such file is read".to_owned(),
                |known| format!("no such file is read; did you mean `{known}`?"),
            )
        };
        findings.push(Finding::warning(&name, START, message));
    }
}
