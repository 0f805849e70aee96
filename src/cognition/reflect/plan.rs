//! What an earlier turn of thought gives a new one: its plan, in the words of the new question, or a hint.

use serde_json::Value;

use super::{calls::Made, english::is_english};
use crate::{
    llm::{ToolCall, ToolSpec},
    memory::{PlannedCall, Trace},
    tool::{Permission, Toolbox},
};

/// Traces that guide a turn at most (product.md, MEM).
pub(super) const GUIDES_AT_MOST: usize = 2;
/// Calls that a plan has at most.
const CALLS: usize = 8;
/// Questions that are longer are not compared word by word.
const WORDS: usize = 200;

/// What a turn of thought leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// What it called, in the words of its question; nothing, when there is nothing to learn from it.
    pub(crate) plan: Vec<PlannedCall>,
    /// The traces that it used.
    pub(crate) used: Vec<String>,
    /// The tools that it called, each once, in their order.
    pub(crate) tools: Vec<String>,
}

/// What the calls of a turn were, with only those words that the question itself has.
pub(super) fn of(question: &str, made: &[Made], specs: &[ToolSpec]) -> Vec<PlannedCall> {
    let asked = tokens(question);
    let brought = made.iter().filter(|made| made.result.is_ok());
    let mut plan: Vec<PlannedCall> = Vec::new();
    for made in brought {
        let schema = specs.iter().find(|spec| spec.name == made.name).map(|spec| &spec.parameters);
        let Some(arguments) = made.arguments.as_object() else { continue };
        let arguments = arguments.iter().map(|(key, value)| {
            let choice = schema.and_then(|it| it.pointer(&format!("/properties/{key}/enum"))).is_some();
            (key.clone(), if choice { value.clone() } else { said(value, &asked) })
        });
        let call = PlannedCall { tool: made.name.clone(), arguments: Value::Object(arguments.collect()) };
        if !plan.contains(&call) {
            plan.push(call);
        }
    }
    plan.truncate(CALLS);
    plan
}

/// A value, or nothing where it holds words that the question does not.
fn said(value: &Value, asked: &[String]) -> Value {
    match value {
        Value::String(text) => {
            let words = tokens(text);
            let own = !words.is_empty() && words.iter().all(|word| asked.contains(word));
            if own { value.clone() } else { Value::Null }
        }
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().map(|item| said(item, asked)).collect();
            if items.contains(&Value::Null) { Value::Null } else { Value::Array(items) }
        }
        Value::Number(_) | Value::Bool(_) => value.clone(),
        Value::Null | Value::Object(_) => Value::Null,
    }
}

/// The calls of a trace for another question; `None` when its words do not say all, or a tool does more than look.
pub(super) fn again(trace: &Trace, question: &str, toolbox: &Toolbox) -> Option<Vec<ToolCall>> {
    if trace.plan.is_empty() {
        return None;
    }
    let renamed = Renamed::between(&trace.question, question);
    trace
        .plan
        .iter()
        .map(|call| {
            let looks = toolbox.get(&call.tool)?.permission() == Permission::Read;
            let arguments = looks.then(|| renamed.value(&call.arguments)).flatten()?;
            Some(ToolCall { id: String::new(), name: call.tool.clone(), arguments: arguments.to_string() })
        })
        .collect()
}

/// A trace as a hint for the model, on one line.
pub(super) fn hint(trace: &Trace) -> String {
    let calls: Vec<String> = trace
        .plan
        .iter()
        .map(|call| {
            let filled =
                call.arguments.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
            let arguments: Vec<String> = filled.map(|(key, value)| format!("{key}: {value}")).collect();
            format!("{}({})", call.tool, arguments.join(", "))
        })
        .collect();
    let question = crate::cognition::template::one_line(&trace.question);
    if calls.is_empty() {
        return format!("\"{question}\" was answered without looking anything up");
    }
    format!("\"{question}\" was answered with {}, all at once", calls.join(" and "))
}

/// True for an English message that says that what was said before it is wrong.
pub(crate) fn corrects(text: &str) -> bool {
    /// What comes behind a "no" that declines.
    const DECLINES: [&str; 7] =
        ["thank", "i'm fine", "i'm good", "i'm ok", "it's fine", "it's ok", "not now"];
    const SAID: [&str; 13] = [
        "nope",
        "wrong",
        "that's wrong",
        "that is wrong",
        "that's not",
        "that is not",
        "that isn't",
        "not true",
        "not right",
        "you're wrong",
        "you are wrong",
        "you got that wrong",
        "actually, no",
    ];
    let lower = text.trim_start().to_lowercase().replace('’', "'");
    match lower.strip_prefix("no, ") {
        // Other languages begin so, too.
        Some(rest) => is_english(rest) && !DECLINES.iter().any(|begin| rest.starts_with(begin)),
        None => SAID.iter().any(|begin| lower.starts_with(begin)),
    }
}

/// Which words of one question stand for which of another.
struct Renamed {
    from: Vec<String>,
    /// The words that stand for each of `from`.
    to: Vec<Vec<String>>,
}

impl Renamed {
    /// Words that both have in the same order stand for themselves; what is between them stands for what is there instead.
    fn between(from: &str, to: &str) -> Self {
        let (from, to) = (tokens(from), tokens(to));
        let mut out = vec![Vec::new(); from.len()];
        let mut last = (0, 0);
        let mut common = common(&from, &to);
        common.push((from.len(), to.len()));
        for (a, b) in common {
            // Word for word, and the last stands for all the rest.
            let mut instead = to.get(last.1..b).unwrap_or_default();
            for (at, slot) in out.iter_mut().enumerate().take(a).skip(last.0) {
                let count = if at + 1 == a { instead.len() } else { instead.len().min(1) };
                let (these, rest) = instead.split_at(count);
                *slot = these.to_vec();
                instead = rest;
            }
            if let (Some(slot), Some(word)) = (out.get_mut(a), to.get(b)) {
                *slot = vec![word.clone()];
            }
            last = (a + 1, b + 1);
        }
        Self { from, to: out }
    }

    fn value(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Null => None,
            Value::String(text) => self.text(text).map(Value::String),
            Value::Array(items) => {
                items.iter().map(|item| self.value(item)).collect::<Option<_>>().map(Value::Array)
            }
            Value::Object(items) => {
                let items = items.iter().map(|(key, value)| Some((key.clone(), self.value(value)?)));
                items.collect::<Option<_>>().map(Value::Object)
            }
            Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        }
    }

    /// The text in the words of the other question; as it is when it is not of the question (a choice of the schema).
    fn text(&self, text: &str) -> Option<String> {
        let words = tokens(text);
        if words.iter().any(|word| !self.from.contains(word)) {
            return Some(text.to_owned());
        }
        let instead: Vec<String> = words
            .iter()
            .filter_map(|word| self.from.iter().position(|other| other == word))
            .filter_map(|at| self.to.get(at))
            .flatten()
            .cloned()
            .collect();
        if instead == words {
            return Some(text.to_owned());
        }
        (!instead.is_empty()).then(|| instead.join(" "))
    }
}

fn tokens(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.trim_matches('\'').to_lowercase())
        .filter(|word| !word.is_empty())
        .take(WORDS)
        .collect()
}

/// The longest common subsequence, as pairs of places.
fn common(a: &[String], b: &[String]) -> Vec<(usize, usize)> {
    let width = b.len() + 1;
    let mut table = vec![0_usize; (a.len() + 1) * width];
    let at = |table: &[usize], i: usize, j: usize| table.get(i * width + j).copied().unwrap_or_default();
    for (i, x) in a.iter().enumerate().rev() {
        for (j, y) in b.iter().enumerate().rev() {
            let best = if x == y {
                at(&table, i + 1, j + 1) + 1
            } else {
                at(&table, i + 1, j).max(at(&table, i, j + 1))
            };
            if let Some(cell) = table.get_mut(i * width + j) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a.get(i) == b.get(j) {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if at(&table, i + 1, j) >= at(&table, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    const OLD: &str = "When did I last talk about my sister Ana, and what did she say?";

    fn renamed(new: &str, text: &str) -> Option<String> {
        Renamed::between(OLD, new).text(text)
    }

    #[rstest]
    #[case(
        "When did I last talk about my sister Ana, and what did she say?",
        "sister Ana",
        Some("sister Ana")
    )]
    #[case("When did I last talk about my brother Tom Lee, and what did he say?", "Ana", Some("tom lee"))]
    #[case(
        "When did I last talk about my brother Tom, and what did he say?",
        "sister Ana",
        Some("brother tom")
    )]
    #[case("When did I last talk?", "Ana", None)]
    #[case("When did I last talk about my cat?", "newest", Some("newest"))]
    fn words_of_one_question_in_those_of_another(
        #[case] new: &str,
        #[case] text: &str,
        #[case] expected: Option<&str>,
    ) {
        let found = renamed(new, text);
        let last = found.as_deref().map(|it| it.split(' ').next_back().unwrap_or_default().to_owned());
        let wanted = expected.map(|it| it.split(' ').next_back().unwrap_or_default().to_owned());
        assert_eq!(last, wanted, "{found:?}");
    }

    #[test]
    fn a_plan_holds_no_word_that_the_question_does_not() {
        let made =
            |arguments: Value| Made { name: "search".to_owned(), arguments, result: Ok("x".to_owned()) };
        let plan =
            of(OLD, &[made(json!({ "query": "Ana", "limit": 3 })), made(json!({ "query": "Luna" }))], &[]);
        assert_eq!(plan[0].arguments, json!({ "query": "Ana", "limit": 3 }));
        assert_eq!(plan[1].arguments, json!({ "query": null }));
    }

    #[rstest]
    #[case("No, that was Tom.", true)]
    #[case("That's wrong!", true)]
    #[case("No, she lives in Gdansk.", true)]
    #[case("No, thank you, that is all.", false)]
    #[case("No, gracias, así está bien.", false)]
    #[case("No, grazie mille.", false)]
    #[case("Nein, das war Tom.", false)]
    #[case("Non, merci.", false)]
    #[case("いいえ、結構です。", false)]
    #[case("Nobody was there.", false)]
    #[case("Thanks.", false)]
    fn a_correction_is_seen(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(corrects(text), expected);
    }
}
