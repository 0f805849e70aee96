//! What a policy of the simulated endpoint works with: what a request offers and tells, and ready-made policies: a script of
//! steps, and a model that does whatever it reads.

use serde_json::Value;

use super::Behaviour;

pub use super::obey::{FENCES, beyond_fences, obedient};

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

pub(super) fn messages(request: &Value) -> impl DoubleEndedIterator<Item = &Value> + Clone {
    request.get("messages").and_then(Value::as_array).into_iter().flatten()
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
