//! Calls that a model writes as text instead of calling: recognised, so that nobody is shown one.

use serde_json::Value;

use crate::cognition::template;

/// How such a call begins, in lower case and without white space.
const MARKS: [&str; 10] =
    ["<tool", "<function", "<|tool", "<|python", "[tool_call", "```json", "```tool", "```{", "{\"", "[{\""];
/// Marks that no answer of a character has.
const PLAIN: [&str; 6] = ["<tool_call", "<function", "<|tool", "<|python", "[tool_call", "<tool_use"];
/// The longest mark decides how far ahead is looked.
const AHEAD: usize = 16;
/// Names that models give to the tool, and to its arguments.
const NAMES: [&str; 5] = ["name", "tool", "function", "tool_name", "action"];
const ARGUMENTS: [&str; 7] =
    ["arguments", "parameters", "args", "input", "action_input", "tool_input", "params"];
/// Words that make an answer of what stands beside a call.
const WORDS: usize = 4;

/// Where in `text` a call may begin, in bytes; the end of the text may be the beginning of one.
pub(super) fn may_begin(text: &str) -> Option<usize> {
    text.char_indices().filter(|(_, c)| "<[{`".contains(*c)).map(|(at, _)| at).find(|at| {
        let ahead: String = text
            .get(*at..)
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_whitespace())
            .take(AHEAD)
            .flat_map(char::to_lowercase)
            .collect();
        MARKS.iter().any(|mark| ahead.starts_with(mark) || mark.starts_with(&ahead))
    })
}

/// What is wrong with a text that was meant to be an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stray {
    /// The words before the call, where they are an answer by themselves.
    pub(super) answer: Option<String>,
}

/// Whether this text is, or holds, a call of one of these tools.
pub(super) fn find(text: &str, tools: &[&str]) -> Option<Stray> {
    let begins = begin_of_call(text, tools)?;
    let before = text.get(..begins).unwrap_or_default().trim();
    let is_answer = before.split_whitespace().count() >= WORDS && !before.ends_with(':');
    Some(Stray { answer: is_answer.then(|| before.to_owned()) })
}

fn begin_of_call(text: &str, tools: &[&str]) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let marked = PLAIN.iter().filter_map(|mark| lower.find(mark)).min();
    marked.or_else(|| json_call(text, tools)).or_else(|| line_call(text, tools))
}

/// `{"name": …, "arguments": …}`, whole or broken off.
fn json_call(text: &str, tools: &[&str]) -> Option<usize> {
    let begin = text.find('{')?;
    let fence = text.get(..begin).and_then(|before| before.rfind("```"));
    let begin_shown =
        fence.filter(|at| text.get(*at..begin).is_some_and(|it| it.len() < AHEAD)).unwrap_or(begin);
    let whole = template::json_object(text).and_then(|json| serde_json::from_str::<Value>(json).ok());
    let called = match whole {
        Some(value) => is_call(&value, tools),
        None => {
            let rest = text.get(begin..).unwrap_or_default();
            let quoted = |word: &str| rest.contains(&format!("\"{word}\""));
            NAMES.iter().any(|name| quoted(name)) && tools.iter().any(|tool| quoted(tool))
        }
    };
    called.then_some(begin_shown)
}

fn is_call(value: &Value, tools: &[&str]) -> bool {
    let Some(object) = value.as_object() else { return false };
    if object.contains_key("tool_calls") || object.contains_key("function_call") {
        return true;
    }
    let name = NAMES.iter().find_map(|key| object.get(*key));
    match name {
        Some(Value::String(name)) => {
            tools.contains(&name.as_str()) || ARGUMENTS.iter().any(|key| object.contains_key(*key))
        }
        Some(nested) => is_call(nested, tools),
        None => false,
    }
}

/// `search_memories(…)` or `Action: search_memories` on a line of its own.
fn line_call(text: &str, tools: &[&str]) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start().trim_start_matches(['`', '*']);
        let called = trimmed.strip_prefix("Action:").map(str::trim_start);
        let call = |rest: &str, tool: &str| {
            rest.strip_prefix(tool).is_some_and(|after| after.trim_start().starts_with(['(', '{']))
        };
        if tools.iter().any(|tool| call(trimmed, tool) || called.is_some_and(|it| it.starts_with(tool))) {
            return Some(at);
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const TOOLS: [&str; 2] = ["search_memories", "lookup_facts"];

    #[rstest]
    #[case(r#"{"name": "search_memories", "arguments": {"query": "dog"}}"#)]
    #[case("```json\n{\"tool\": \"lookup_facts\", \"args\": {}}\n```")]
    #[case(r#"<tool_call>{"name": "search_memories"}</tool_call>"#)]
    #[case(r#"[TOOL_CALLS][{"name":"x","arguments":{}}]"#)]
    #[case(r#"{"function": {"name": "lookup_facts", "arguments": "{}"}}"#)]
    #[case(r#"{"name": "search_memories", "argum"#)]
    #[case("search_memories(query=\"dog\")")]
    #[case("Thought: I must look.\nAction: search_memories\nAction Input: dog")]
    #[case("<function=search_memories>{}</function>")]
    fn a_call_as_text(#[case] text: &str) {
        assert!(find(text, &TOOLS).is_some());
    }

    #[rstest]
    #[case("Your dog is called Luna.")]
    #[case("I would write {\"name\": \"Luna\"} into the log.")]
    #[case("Use a < b, or [this](that).")]
    #[case("I could use search_memories for that, but I know it.")]
    #[case("")]
    fn an_answer(#[case] text: &str) {
        assert_eq!(find(text, &TOOLS), None);
    }

    #[test]
    fn an_answer_before_a_call_is_one() {
        let text = "Your dog is called Luna.\n<tool_call>{}</tool_call>";
        assert_eq!(find(text, &TOOLS).unwrap().answer.as_deref(), Some("Your dog is called Luna."));
        assert_eq!(find("Let me look:\n<tool_call>{}", &TOOLS).unwrap().answer, None);
        assert_eq!(find("Sure! <tool_call>{}", &TOOLS).unwrap().answer, None);
    }
}
