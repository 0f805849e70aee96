//! YAML as a tree that knows where each node stands, read within a budget (YAML 1.2, core schema).

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};
use serde_json::Value;

/// Nesting at most.
const DEEPEST: usize = 64;
/// Nodes that aliases may expand to, in one file.
const EXPANDED: usize = 10_000;

/// A place in a file; both numbers begin with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl From<Marker> for Mark {
    fn from(marker: Marker) -> Self {
        Self { line: marker.line().max(1), column: marker.col() + 1 }
    }
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) mark: Mark,
    pub(super) kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Scalar(Value),
    List(Vec<Node>),
    /// Keys in their order, each with its own place.
    Map(Vec<(String, Mark, Node)>),
}

/// A file that is no YAML, or more than we read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct YamlError {
    pub(super) mark: Mark,
    pub(super) message: String,
}

/// A step on the way to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

impl Node {
    /// The node as plain data.
    pub(super) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::List(nodes) => Value::Array(nodes.iter().map(Self::to_value).collect()),
            Kind::Map(entries) => {
                Value::Object(entries.iter().map(|(key, _, node)| (key.clone(), node.to_value())).collect())
            }
        }
    }

    /// Where the node at the end of `path` stands; as far as the path goes.
    pub(super) fn mark_of(&self, path: &[Step]) -> Mark {
        let Some((step, rest)) = path.split_first() else { return self.mark };
        let inner = match (step, &self.kind) {
            (Step::Key(key), Kind::Map(entries)) => {
                entries.iter().find(|(name, ..)| name == key).map(|it| &it.2)
            }
            (Step::Index(index), Kind::List(nodes)) => nodes.get(*index),
            _ => None,
        };
        inner.map_or(self.mark, |node| node.mark_of(rest))
    }

    /// Where the last key of `path` stands.
    pub(super) fn key_mark_of(&self, path: &[Step]) -> Mark {
        match (path.split_last(), &self.kind) {
            (Some((Step::Key(key), before)), _) => {
                let parent = self.at(before);
                match parent.map(|node| &node.kind) {
                    Some(Kind::Map(entries)) => entries
                        .iter()
                        .find(|(name, ..)| name == key)
                        .map_or_else(|| self.mark_of(before), |(_, mark, _)| *mark),
                    _ => self.mark_of(before),
                }
            }
            _ => self.mark_of(path),
        }
    }

    fn at(&self, path: &[Step]) -> Option<&Self> {
        let Some((step, rest)) = path.split_first() else { return Some(self) };
        match (step, &self.kind) {
            (Step::Key(key), Kind::Map(entries)) => entries.iter().find(|(name, ..)| name == key)?.2.at(rest),
            (Step::Index(index), Kind::List(nodes)) => nodes.get(*index)?.at(rest),
            _ => None,
        }
    }

    /// Takes the node at the end of `path` out of the tree. False when there is none.
    pub(super) fn remove(&mut self, path: &[Step]) -> bool {
        let Some((step, rest)) = path.split_first() else { return false };
        match (step, &mut self.kind) {
            (Step::Key(key), Kind::Map(entries)) => {
                let Some(index) = entries.iter().position(|(name, ..)| name == key) else { return false };
                if rest.is_empty() {
                    entries.remove(index);
                    return true;
                }
                entries.get_mut(index).is_some_and(|entry| entry.2.remove(rest))
            }
            (Step::Index(index), Kind::List(nodes)) => {
                if rest.is_empty() {
                    let there = *index < nodes.len();
                    if there {
                        nodes.remove(*index);
                    }
                    return there;
                }
                nodes.get_mut(*index).is_some_and(|node| node.remove(rest))
            }
            _ => false,
        }
    }

    fn size(&self) -> usize {
        match &self.kind {
            Kind::Scalar(_) => 1,
            Kind::List(nodes) => 1 + nodes.iter().map(Self::size).sum::<usize>(),
            Kind::Map(entries) => 1 + entries.iter().map(|(_, _, node)| 1 + node.size()).sum::<usize>(),
        }
    }
}

/// Reads one document. An empty file is an empty mapping.
pub(super) fn parse(text: &str) -> Result<Node, YamlError> {
    if let Some(error) = tab_in_indentation(text) {
        return Err(error);
    }
    let mut reader = Reader { events: Parser::new_from_str(text), anchors: HashMap::new(), expanded: 0 };
    reader.document()
}

fn tab_in_indentation(text: &str) -> Option<YamlError> {
    text.lines().enumerate().find_map(|(index, line)| {
        let column = line.chars().take_while(|c| *c == ' ').count();
        line.chars().nth(column).filter(|c| *c == '\t')?;
        (!line.trim().is_empty()).then(|| YamlError {
            mark: Mark { line: index + 1, column: column + 1 },
            message: "a tab in the indentation: YAML is indented with spaces only".to_owned(),
        })
    })
}

struct Reader<'a> {
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    expanded: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Mark), YamlError> {
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, span.start.into())),
            Some(Err(error)) => Err(YamlError {
                mark: (*error.marker()).into(),
                message: format!("this is no YAML: {}", error.info()),
            }),
            None => Ok((Event::StreamEnd, Mark { line: 1, column: 1 })),
        }
    }

    fn document(&mut self) -> Result<Node, YamlError> {
        let mut root = None;
        loop {
            let (event, mark) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(YamlError {
                        mark,
                        message: "a second document: one file is one document".to_owned(),
                    });
                }
                Event::DocumentStart(_) => {
                    let (event, mark) = self.next()?;
                    root = Some(self.node(event, mark, 0)?);
                }
                Event::StreamEnd => break,
                other => {
                    return Err(YamlError { mark, message: format!("unexpected {other:?}") });
                }
            }
        }
        let empty = Node { mark: Mark { line: 1, column: 1 }, kind: Kind::Map(Vec::new()) };
        Ok(match root {
            Some(Node { kind: Kind::Scalar(Value::Null), .. }) | None => empty,
            Some(node) => node,
        })
    }

    fn node(&mut self, event: Event<'a>, mark: Mark, depth: usize) -> Result<Node, YamlError> {
        if depth > DEEPEST {
            return Err(YamlError { mark, message: format!("nested more than {DEEPEST} deep") });
        }
        let (kind, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let quoted = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str");
                let value = if quoted { Value::String(text.into_owned()) } else { scalar(&text) };
                (Kind::Scalar(value), anchor)
            }
            Event::SequenceStart(anchor, _) => (self.list(depth)?, anchor),
            Event::MappingStart(anchor, _) => (self.map(depth)?, anchor),
            Event::Alias(id) => {
                let Some(target) = self.anchors.get(&id) else {
                    return Err(YamlError {
                        mark,
                        message: "an alias to an anchor that is not there".to_owned(),
                    });
                };
                self.expanded += target.size();
                if self.expanded > EXPANDED {
                    return Err(YamlError {
                        mark,
                        message: format!(
                            "aliases expand to more than {EXPANDED} nodes (an alias bomb?): write the values out"
                        ),
                    });
                }
                return Ok(Node { mark, kind: target.kind.clone() });
            }
            other => return Err(YamlError { mark, message: format!("unexpected {other:?}") }),
        };
        let node = Node { mark, kind };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Kind, YamlError> {
        let mut nodes = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Kind::List(nodes)),
                (event, mark) => nodes.push(self.node(event, mark, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Kind, YamlError> {
        let mut entries: Vec<(String, Mark, Node)> = Vec::new();
        loop {
            let (event, mark) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(Kind::Map(entries)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(YamlError { mark, message: "a key must be plain text".to_owned() }),
            };
            if let Some((_, first, _)) = entries.iter().find(|(name, ..)| *name == key) {
                let message = format!("the key `{key}` stands twice; first on line {}", first.line);
                return Err(YamlError { mark, message });
            }
            let (event, value_mark) = self.next()?;
            let node = self.node(event, value_mark, depth + 1)?;
            entries.push((key, mark, node));
        }
    }
}

/// A plain scalar by the core schema (YAML 1.2.2, section 10.3.2).
fn scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.is_empty()
        && digits.chars().all(|c| c.is_ascii_digit())
        && let Ok(number) = text.strip_prefix('+').unwrap_or(text).parse::<i64>()
    {
        return number.into();
    }
    let number_like = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if number_like && let Some(number) = text.parse().ok().and_then(serde_json::Number::from_f64) {
        return Value::Number(number);
    }
    Value::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("", json!({}))]
    #[case("a: 1\nb: [x, 2.5, true, null]\n", json!({"a": 1, "b": ["x", 2.5, true, null]}))]
    #[case("a: \"1\"\nb: no\nc: 1.2.3\nd: -5\n", json!({"a": "1", "b": "no", "c": "1.2.3", "d": -5}))]
    #[case("a: &x [1]\nb: *x\n", json!({"a": [1], "b": [1]}))]
    fn yaml_becomes_data(#[case] text: &str, #[case] expected: Value) {
        assert_eq!(parse(text).unwrap().to_value(), expected);
    }

    #[rstest]
    #[case("a: 1\na: 2\n", 2, 1, "stands twice")]
    #[case("a:\n\t- b\n", 2, 1, "tab")]
    #[case("a: [1\nb: 2\n", 2, 2, "no YAML")]
    #[case("a: 1\n---\nb: 2\n", 2, 1, "second document")]
    fn what_is_wrong_is_said_with_its_place(
        #[case] text: &str,
        #[case] line: usize,
        #[case] column: usize,
        #[case] part: &str,
    ) {
        let error = parse(text).unwrap_err();
        assert!(error.message.contains(part), "{}", error.message);
        assert_eq!((error.mark.line, error.mark.column), (line, column));
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(parse(&text).unwrap_err().message.contains("alias bomb"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in ".{0,200}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_likely_text_breaks_the_reader(text in "[a-c:&*\\[\\]{}\\-, \n\"'|>#!]{0,120}") {
            let _ = parse(&text);
        }
    }
}
