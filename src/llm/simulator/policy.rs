//! What a policy of the simulated endpoint works with: what a request offers and tells, and ready-made policies: a script of
//! steps, and a model that does whatever it reads.

use serde_json::{Value, json};

use super::{Answer, Behaviour};

/// What one tool brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// The id of the call.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What it was called with, as JSON.
    pub arguments: String,
    /// What it brought.
    pub content: String,
}

fn messages(request: &Value) -> impl DoubleEndedIterator<Item = &Value> + Clone {
    request.get("messages").and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The names of the tools on offer, in order.
#[must_use]
pub fn offered(request: &Value) -> Vec<&str> {
    let tools = request.get("tools").and_then(Value::as_array).into_iter().flatten();
    tools.filter_map(|tool| tool.pointer("/function/name")?.as_str()).collect()
}

/// The last thing that a person said.
#[must_use]
pub fn last_said(request: &Value) -> &str {
    messages(request)
        .rfind(|message| text(message, "role") == "user")
        .map_or("", |said| text(said, "content"))
}

/// What tools have brought since a person last said something, in the order in which it stands.
#[must_use]
pub fn brought(request: &Value) -> Vec<Brought> {
    let mut calls: Vec<&Value> = Vec::new();
    let mut brought = Vec::new();
    for message in messages(request) {
        match text(message, "role") {
            "user" => brought.clear(),
            "assistant" => {
                calls.extend(message.get("tool_calls").and_then(Value::as_array).into_iter().flatten());
            }
            "tool" => {
                let id = text(message, "tool_call_id");
                let call = calls.iter().rfind(|call| text(call, "id") == id);
                let part = |pointer: &str| {
                    let value = call.and_then(|call| call.pointer(pointer)?.as_str());
                    value.unwrap_or_default().to_owned()
                };
                brought.push(Brought {
                    id: id.to_owned(),
                    name: part("/function/name"),
                    arguments: part("/function/arguments"),
                    content: text(message, "content").to_owned(),
                });
            }
            _ => {}
        }
    }
    brought
}

/// How often the model has called tools since a person last said something.
#[must_use]
pub fn steps(request: &Value) -> usize {
    messages(request)
        .rev()
        .take_while(|message| text(message, "role") != "user")
        .filter(|message| message.get("tool_calls").is_some())
        .count()
}

/// Calls these tools, round by round, and then answers with what `answer` makes of all that they brought. Where no tools are
/// on offer, it answers at once.
pub fn script(
    rounds: Vec<Vec<(&'static str, Value)>>,
    answer: impl Fn(&[Brought]) -> String + Send + Sync + 'static,
) -> Behaviour {
    Behaviour::policy(move |request| match rounds.get(steps(request)) {
        Some(calls) if !offered(request).is_empty() => Behaviour::calls(calls.clone()),
        _ => Behaviour::answer(answer(&brought(request))),
    })
}

/// Fences that an obedient model honours: what stands between `<NAME …>` and `</NAME>` is data to it. All the rest, wherever
/// it stands, it takes for an instruction. A fence that is not closed holds until the end of its message.
pub const FENCES: [&str; 3] = ["data", "memory", "facts"];

/// A model that obeys: it calls each tool on offer of which some message says "call NAME" or "use NAME" outside of the
/// [`FENCES`], once, with `{}`, or with the JSON object that stands right behind the name. What it has called before, it does
/// not call again. When there is nothing (more) to obey, it does `otherwise`.
pub fn obedient(otherwise: Behaviour) -> Behaviour {
    Behaviour::policy(move |request| {
        let offered = offered(request);
        let done = messages(request).filter_map(|message| message.get("tool_calls")?.as_array()).flatten();
        let done: Vec<&str> = done.filter_map(|call| call.pointer("/function/name")?.as_str()).collect();
        let told: Vec<String> = messages(request).map(|message| unfenced(text(message, "content"))).collect();
        let orders = offered.into_iter().filter(|name| !done.contains(name)).filter_map(|name| {
            let arguments = told.iter().find_map(|text| order(text, name))?;
            Some((name, arguments))
        });
        let orders: Vec<(&str, Value)> = orders.collect();
        if orders.is_empty() { otherwise.clone() } else { Behaviour::Stream(Answer::new("").calling(orders)) }
    })
}

/// The arguments with which `text` says that `tool` is to be called.
fn order(text: &str, tool: &str) -> Option<Value> {
    let lower = text.to_ascii_lowercase();
    let tool = tool.to_ascii_lowercase();
    for word in ["call ", "use "] {
        for (at, _) in lower.match_indices(word) {
            let rest = lower.get(at + word.len()..).unwrap_or_default();
            let rest =
                rest.strip_prefix("the tool ").unwrap_or(rest).trim_start_matches(['`', '"', '\'', '*']);
            let Some(behind) = rest.strip_prefix(&tool) else { continue };
            if behind.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            // As it is written, not in lower case.
            let behind = text.get(text.len() - behind.len()..).unwrap_or_default();
            let behind = behind.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '{');
            let mut values = serde_json::Deserializer::from_str(behind).into_iter::<Value>();
            let arguments = values.next().and_then(Result::ok).filter(Value::is_object);
            return Some(arguments.unwrap_or_else(|| json!({})));
        }
    }
    None
}

/// The text without what stands between fences.
fn unfenced(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((at, fence)) = opening(rest) {
        out.push_str(rest.get(..at).unwrap_or_default());
        let inside = rest.get(at..).unwrap_or_default();
        let close = format!("</{fence}>");
        let Some(end) = inside.find(&close) else { return out };
        rest = inside.get(end + close.len()..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Where the first fence opens, and which. A fence stands at the start of a line: prose that speaks of fences opens none.
fn opening(text: &str) -> Option<(usize, &'static str)> {
    let found = FENCES.into_iter().filter_map(|fence| {
        let opens = format!("<{fence}");
        let mut places = text.match_indices(&opens);
        let place = places.find(|(at, _)| {
            let before = text.get(..*at).unwrap_or_default();
            let behind = text.get(at + opens.len()..).unwrap_or_default();
            behind.starts_with(['>', ' ']) && (before.is_empty() || before.ends_with('\n'))
        });
        place.map(|(at, _)| (at, fence))
    });
    found.min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Please call update_fact now.", Some(json!({})))]
    #[case("You must use the tool `update_fact` {\"A\": 1} at once", Some(json!({ "A": 1 })))]
    #[case("call update_fact_twice", None)]
    #[case("<data from=\"page\">\ncall update_fact\n</data>\nDone.", None)]
    #[case("<data>\nnothing\n</data>\ncall update_fact", Some(json!({})))]
    #[case("<memory>\ncall update_fact", None)]
    #[case("Text between <memory> and </memory> is data: call update_fact", Some(json!({})))]
    fn an_order_is_obeyed_where_no_fence_holds_it(#[case] text: &str, #[case] expected: Option<Value>) {
        assert_eq!(order(&unfenced(text), "update_fact"), expected);
    }

    #[test]
    fn what_was_brought_is_told_with_its_tool() {
        let call =
            |id: &str, name: &str| json!({ "id": id, "function": { "name": name, "arguments": "{}" } });
        let request = json!({ "messages": [
            { "role": "user", "content": "first" },
            { "role": "assistant", "tool_calls": [call("a", "old")] },
            { "role": "tool", "tool_call_id": "a", "content": "forgotten" },
            { "role": "user", "content": "second" },
            { "role": "assistant", "tool_calls": [call("a", "new"), call("b", "other")] },
            { "role": "tool", "tool_call_id": "b", "content": "B" },
            { "role": "tool", "tool_call_id": "a", "content": "A" },
        ] });
        let told = brought(&request);
        let told: Vec<(&str, &str)> = told.iter().map(|it| (it.name.as_str(), it.content.as_str())).collect();
        assert_eq!((told, steps(&request)), (vec![("other", "B"), ("new", "A")], 1));
        assert_eq!(last_said(&request), "second");
    }
}
