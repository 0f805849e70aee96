//! From a YAML tree to a typed value, with every finding and its place, not just the first.

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::{
    finding::{Finding, meant},
    yaml::{Kind, Node, Step},
};

/// Findings of one file at most.
const MOST: usize = 100;

/// Keys of the predecessor that mean nothing here (`predecessor` folders load unchanged): file and key.
const UNUSED: [(&str, &str); 6] = [
    ("background.yaml", "posting"),
    ("lurk_triggers.yaml", "spam_warnings"),
    ("goals.yaml", "source"),
    ("goals.yaml", "expires_at"),
    ("evolution.yaml", "insights"),
    ("ux.yaml", "typing"),
];

/// Reads `T` out of `tree`. What does not fit is reported, taken out of the tree, and the rest is tried again, so that one
/// run finds everything. `None` when even the rest is no `T`.
pub(super) fn decode<T: DeserializeOwned>(
    file: &str,
    tree: &mut Node,
    findings: &mut Vec<Finding>,
) -> Option<T> {
    for _ in 0..MOST {
        let value = tree.to_value();
        match serde_path_to_error::deserialize::<_, T>(value) {
            Ok(decoded) => return Some(decoded),
            Err(error) => {
                let path = steps(error.path());
                let message = error.inner().to_string();
                if !report(file, tree, path, &message, findings) {
                    return None;
                }
            }
        }
    }
    None
}

/// Adds the finding and mends the tree. False when it cannot be mended.
fn report(
    file: &str,
    tree: &mut Node,
    mut path: Vec<Step>,
    message: &str,
    findings: &mut Vec<Finding>,
) -> bool {
    if let Some((key, known)) = unknown_field(message) {
        if path.last() != Some(&Step::Key(key.clone())) {
            path.push(Step::Key(key.clone()));
        }
        let mark = tree.key_mark_of(&path);
        findings.push(if UNUSED.contains(&(file, key.as_str())) {
            Finding::warning(
                file,
                mark,
                format!("`{key}` is known from an earlier system and has no effect here"),
            )
        } else {
            let hint = meant(&key, known.iter().map(String::as_str)).map_or_else(
                || format!("known keys: {}", known.join(", ")),
                |name| format!("did you mean `{name}`?"),
            );
            Finding::error(file, mark, format!("unknown key `{key}`; {hint}"))
        });
        return tree.remove(&path);
    }
    let mark = tree.mark_of(&path);
    findings.push(Finding::error(file, mark, humane(message, path.last())));
    tree.remove(&path)
}

fn steps(path: &serde_path_to_error::Path) -> Vec<Step> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// Serde's "unknown field `x`, expected one of `a`, `b`".
fn unknown_field(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, rest) = rest.split_once('`')?;
    let known = rest.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    Some((key.to_owned(), known))
}

/// Serde's words for people who write characters.
fn humane(message: &str, last: Option<&Step>) -> String {
    let plain = [
        ("expected f64", "expected a number"),
        ("expected f32", "expected a number"),
        ("expected i32", "expected a whole number"),
        ("expected u32", "expected a whole number"),
        ("expected u8", "expected a whole number"),
        ("expected i64", "expected a whole number"),
        ("expected a string", "expected text"),
        ("expected a sequence", "expected a list"),
        ("expected a map", "expected keys with values"),
        ("expected a boolean", "expected true or false"),
        ("invalid type: string", "wrong type: found the text"),
        ("invalid type: integer", "wrong type: found the number"),
        ("invalid type: floating point", "wrong type: found the number"),
        ("invalid type: boolean", "wrong type: found"),
        ("invalid type: sequence", "wrong type: found a list"),
        ("invalid type: map", "wrong type: found keys with values"),
        ("invalid type: null", "the value is missing"),
        ("missing field", "there must be a"),
    ];
    let mut text = plain.iter().fold(message.to_owned(), |text, (from, to)| text.replace(from, to));
    if let Some(start) = text.find("expected struct ") {
        text.truncate(start);
        text.push_str("expected keys with values");
    }
    if let Some(start) = text.find("expected a tuple") {
        text.truncate(start);
        text.push_str("expected a list of two numbers, such as [0, 20]");
    }
    match last {
        Some(Step::Key(key)) if !text.contains(&format!("`{key}`")) => format!("`{key}`: {text}"),
        _ => text,
    }
}

/// True for a tree that is not made of keys and values.
pub(super) fn is_no_map(tree: &Node) -> bool {
    !matches!(tree.kind, Kind::Map(_))
}
