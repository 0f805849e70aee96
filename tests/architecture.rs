//! Holds the house to its plan: imports go down a floor, files stay small, rooms say what they are for.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The longest a source file may be, tests included.
const LONGEST: usize = 500;
/// The one file that may hold `unsafe`.
const FOREIGN: &str = "src/store/ffi.rs";

/// A source file: its path from the root, and its text.
struct Source {
    path: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&root().join("src"), &mut paths);
    paths.sort();
    let name = |path: &Path| path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
    paths.iter().map(|path| Source { path: name(path), text: fs::read_to_string(path).unwrap() }).collect()
}

/// The rooms, from the top floor down, as `lib.rs` lists them.
fn floors(lib: &str) -> Vec<String> {
    lib.lines()
        .filter_map(|line| line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("mod ")))
        .filter_map(|line| line.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

/// The room that a file belongs to; `None` for `lib.rs` and `main.rs`, which may know everybody.
fn room(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let name = inside.split('/').next()?;
    let name = name.strip_suffix(".rs").unwrap_or(name);
    (!matches!(name, "lib" | "main")).then_some(name)
}

/// The text with its comments blanked out, so that lines keep their numbers.
fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Every room named behind `crate::`, with its line. Reads plain paths and groups over several lines:
/// `use crate::{model::{Place, Viewer}, store};`.
fn imports(text: &str) -> Vec<(usize, String)> {
    let code = without_comments(text);
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let begins_inside_a_word =
            code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
        if begins_inside_a_word {
            continue;
        }
        let start = at + "crate::".len();
        let word =
            |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        let line = |at: usize| 1 + code[..at].matches('\n').count();
        if !code[start..].starts_with('{') {
            found.push((line(start), word(&code[start..])));
            continue;
        }
        let mut depth = 0;
        let mut expects_room = false;
        for (offset, c) in code[start..].char_indices() {
            match c {
                '{' => {
                    depth += 1;
                    expects_room = depth == 1;
                }
                '}' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                ',' => expects_room = depth == 1,
                c if c.is_whitespace() => {}
                _ if expects_room => {
                    found.push((line(start + offset), word(&code[start + offset..])));
                    expects_room = false;
                }
                _ => {}
            }
        }
    }
    found
}

/// `file:line: …` for every import that does not go down.
fn climbing(floors: &[String], source: &Source) -> Vec<String> {
    let floor = |room: &str| floors.iter().position(|name| name == room);
    let Some(own) = room(&source.path) else { return Vec::new() };
    let Some(own_floor) = floor(own) else {
        return vec![format!("{}:1: `{own}` is not a room of src/lib.rs", source.path)];
    };
    imports(&source.text)
        .into_iter()
        // A name that is no room is a macro or an item at the root.
        .filter(|(_, name)| floor(name).is_some_and(|other| other < own_floor))
        .map(|(line, name)| format!("{}:{line}: `{own}` imports `{name}`, which is above it", source.path))
        .collect()
}

fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

#[test]
fn imports_go_down_the_list_of_lib_rs() {
    let floors = floors(&fs::read_to_string(root().join("src/lib.rs")).unwrap());
    assert!(floors.iter().any(|room| room == "model"), "the rooms of src/lib.rs: {floors:?}");
    let found: Vec<_> = sources().iter().flat_map(|source| climbing(&floors, source)).collect();
    assert_none(&found, "an import goes down the list of rooms in src/lib.rs, never up");
}

#[test]
fn only_the_foreign_interface_is_unsafe() {
    let found: Vec<_> = sources()
        .iter()
        .filter(|source| source.path != FOREIGN)
        .flat_map(|source| {
            let code = without_comments(&source.text);
            let holds = |line: &str| {
                line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
            };
            let lines: Vec<_> =
                (1..).zip(code.lines()).filter(|(_, line)| holds(line)).map(|(line, _)| line).collect();
            lines.into_iter().map(|line: usize| format!("{}:{line}", source.path)).collect::<Vec<_>>()
        })
        .collect();
    assert_none(&found, "`unsafe` lives in src/store/ffi.rs only");
}

#[test]
fn source_files_stay_small() {
    let found: Vec<_> = sources()
        .iter()
        .map(|source| (&source.path, source.text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(path, lines)| format!("{path}:{lines}"))
        .collect();
    assert_none(&found, "a source file has at most 500 lines: split it by what it does");
}

#[test]
fn every_file_begins_by_saying_what_it_is_for() {
    let found: Vec<_> = sources()
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| format!("{}:1", source.path))
        .collect();
    assert_none(&found, "the first line of a source file is its `//!`");
}

#[test]
fn every_room_is_in_the_list_and_on_the_map() {
    let floors: BTreeSet<_> =
        floors(&fs::read_to_string(root().join("src/lib.rs")).unwrap()).into_iter().collect();
    let sources = sources();
    let rooms: BTreeSet<_> =
        sources.iter().filter_map(|source| room(&source.path)).map(str::to_owned).collect();
    assert_eq!(floors, rooms, "src/lib.rs lists every room of src/, and no other");
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let missing: Vec<_> = rooms.into_iter().filter(|room| !map.contains(&format!("`{room}`"))).collect();
    assert_none(&missing, "ARCHITECTURE.md tells what each room is for");
}

#[test]
fn a_climbing_import_is_caught_however_it_is_written() {
    let floors = floors("pub mod app;\n// Ground.\npub mod store;\npub mod model;\n");
    assert_eq!(floors, ["app", "store", "model"]);
    let caught =
        |path: &str, text: &str| climbing(&floors, &Source { path: path.to_owned(), text: text.to_owned() });
    assert_eq!(
        caught("src/model/id.rs", "\nuse crate::store::Tx;\n"),
        ["src/model/id.rs:2: `model` imports `store`, which is above it"]
    );
    let group = "use crate::{\n    model::{Place, app},\n    app::App,\n};\n";
    assert_eq!(
        caught("src/store/mod.rs", group),
        ["src/store/mod.rs:3: `store` imports `app`, which is above it"]
    );
    assert_eq!(
        caught("src/model/mod.rs", "fn f() { crate::app::run() }"),
        ["src/model/mod.rs:1: `model` imports `app`, which is above it"]
    );
    assert_eq!(caught("src/app.rs", "use crate::{store::Tx, model::Place};\n"), Vec::<String>::new());
    assert_eq!(caught("src/model/id.rs", "// crate::app\nuse crate::model::Place;"), Vec::<String>::new());
    assert_eq!(caught("src/main.rs", "use crate::app::App;"), Vec::<String>::new());
    assert_eq!(caught("src/attic.rs", ""), ["src/attic.rs:1: `attic` is not a room of src/lib.rs"]);
}
