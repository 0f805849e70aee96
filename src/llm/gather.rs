//! Joins the fragments in which a stream brings tool calls. Endpoints differ in how they cut and number them; whatever can be
//! told apart is.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    fault::{Again, Fault},
    request::ToolCall,
};
use crate::model::ErrorKind;

/// A part of a tool call, as one event brings it. Everything may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fragment {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl Fragment {
    /// The fragments in `tool_calls` of a message, or in the `function_call` that was there before it.
    pub(super) fn read(tool_calls: Option<&Value>, function_call: Option<&Value>) -> Vec<Self> {
        let many = match tool_calls {
            Some(Value::Array(calls)) => calls.iter().map(Self::of).collect(),
            Some(call @ Value::Object(_)) => vec![Self::of(call)],
            _ => Vec::new(),
        };
        let legacy = function_call.filter(|call| many.is_empty() && call.is_object());
        many.into_iter().chain(legacy.map(Self::of)).collect()
    }

    fn of(call: &Value) -> Self {
        // A few put the name and the arguments beside the id.
        let function = call.get("function").filter(|it| it.is_object()).unwrap_or(call);
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let arguments = match function.get("arguments") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(value) => value.to_string(),
        };
        Self {
            index: call.get("index").and_then(Value::as_u64),
            id: text(call.get("id")),
            name: text(function.get("name")),
            arguments,
        }
    }

    /// How long it is, in bytes.
    pub(super) fn len(&self) -> usize {
        self.name.len() + self.arguments.len()
    }
}

/// The tool calls of one answer, as far as they have come.
#[derive(Debug, Default)]
pub(super) struct Gather {
    calls: Vec<Fragment>,
}

impl Gather {
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(super) fn push(&mut self, fragment: Fragment) {
        match self.place(&fragment) {
            Some(call) => {
                if call.id.is_empty() {
                    call.id = fragment.id;
                }
                if call.name.is_empty() {
                    call.name = fragment.name;
                }
                call.arguments.push_str(&fragment.arguments);
            }
            None => self.calls.push(fragment),
        }
    }

    /// The call that the fragment goes on with; none when it begins another.
    fn place(&mut self, fragment: &Fragment) -> Option<&mut Fragment> {
        let same_id = |call: &Fragment| !fragment.id.is_empty() && call.id == fragment.id;
        let found = match fragment.index {
            // The last: some number every call alike.
            Some(index) => self.calls.iter_mut().rfind(|call| call.index == Some(index)),
            None if fragment.id.is_empty() => self.calls.last_mut(),
            None => self.calls.iter_mut().rfind(|call| same_id(call)),
        }?;
        let another_id = !fragment.id.is_empty() && !found.id.is_empty() && found.id != fragment.id;
        // A name behind a call that is whole begins the next one, unless it is only repeated.
        let another_name = !fragment.name.is_empty() && !fragment.arguments.is_empty() && found.is_whole();
        if (another_id && !fragment.name.is_empty()) || (another_name && !found.name.is_empty()) {
            None
        } else {
            Some(found)
        }
    }

    /// Everything that was written, to estimate its tokens.
    pub(super) fn text(&self) -> String {
        self.calls.iter().flat_map(|call| [call.name.as_str(), " ", &call.arguments, "\n"]).collect()
    }

    /// The calls of an answer that ended with `finish`. `before` calls were made earlier in the talk: ids that are missing
    /// or stand twice are made up behind them.
    ///
    /// # Errors
    /// When a call is only half there and the model did not end it itself: it was cut off.
    pub(super) fn finish(self, finish: Option<&str>, before: usize) -> Result<Vec<ToolCall>, Fault> {
        let half = self.calls.iter().any(|call| !call.arguments.trim().is_empty() && !call.is_whole());
        match finish {
            None if half => {
                return Err(Fault::new(
                    ErrorKind::BrokenStream,
                    "ended its answer in the middle of a tool call",
                    Again::Soon,
                ));
            }
            Some("length" | "max_tokens") if half => {
                return Err(Fault::new(
                    ErrorKind::BadAnswer,
                    "ran out of tokens in the middle of a tool call",
                    Again::Never,
                ));
            }
            _ => {}
        }
        let mut ids = HashSet::new();
        let named = self.calls.into_iter().filter(|call| !call.name.trim().is_empty());
        let calls = named.enumerate().map(|(at, call)| {
            let mut number = before + at + 1;
            let mut id = call.id;
            while id.is_empty() || ids.contains(&id) {
                // Nine letters and digits: the only form that Mistral takes, and the others do, too.
                id = format!("call{number:05}");
                number += 1;
            }
            ids.insert(id.clone());
            ToolCall { id, name: call.name.trim().to_owned(), arguments: call.arguments }
        });
        Ok(calls.collect())
    }
}

impl Fragment {
    fn is_whole(&self) -> bool {
        serde_json::from_str::<serde::de::IgnoredAny>(&self.arguments).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn gather(events: &[Value]) -> Gather {
        let mut gather = Gather::default();
        for event in events {
            for fragment in Fragment::read(event.get("tool_calls"), event.get("function_call")) {
                gather.push(fragment);
            }
        }
        gather
    }

    fn told(events: &[Value]) -> Vec<(String, String, String)> {
        let calls = gather(events).finish(Some("tool_calls"), 0).unwrap();
        calls.into_iter().map(|call| (call.id, call.name, call.arguments)).collect()
    }

    #[rstest]
    #[case::fragments(json!([
        { "tool_calls": [{ "index": 0, "id": "a", "type": "function", "function": { "name": "f", "arguments": "" } }] },
        { "tool_calls": [{ "index": 0, "function": { "arguments": "{\"x\"" } }] },
        { "tool_calls": [{ "index": 0, "function": { "arguments": ":1}" } }] },
        { "tool_calls": [{ "index": 1, "id": "b", "function": { "name": "g", "arguments": "{}" } }] },
    ]), &[("a", "f", "{\"x\":1}"), ("b", "g", "{}")])]
    #[case::interleaved(json!([
        { "tool_calls": [{ "index": 0, "id": "a", "function": { "name": "f", "arguments": "{" } },
                         { "index": 1, "id": "b", "function": { "name": "g", "arguments": "{" } }] },
        { "tool_calls": [{ "index": 1, "function": { "arguments": "}" } }] },
        { "tool_calls": [{ "index": 0, "function": { "arguments": "}" } }] },
    ]), &[("a", "f", "{}"), ("b", "g", "{}")])]
    #[case::one_number_for_all(json!([
        { "tool_calls": [{ "index": 0, "id": "a", "function": { "name": "f", "arguments": "{}" } }] },
        { "tool_calls": [{ "index": 0, "id": "b", "function": { "name": "f", "arguments": "{}" } }] },
    ]), &[("a", "f", "{}"), ("b", "f", "{}")])]
    #[case::no_numbers_no_ids(json!([
        { "tool_calls": [{ "function": { "name": "f", "arguments": { "x": 1 } } },
                         { "function": { "name": "f", "arguments": { "x": 2 } } }] },
    ]), &[("call00001", "f", "{\"x\":1}"), ("call00002", "f", "{\"x\":2}")])]
    #[case::only_ids(json!([
        { "tool_calls": [{ "id": "a", "function": { "name": "f", "arguments": "{" } }] },
        { "tool_calls": [{ "id": "a", "function": { "arguments": "}" } }] },
    ]), &[("a", "f", "{}")])]
    #[case::the_name_over_and_over(json!([
        { "tool_calls": [{ "index": 0, "id": "a", "function": { "name": "f", "arguments": "{\"x\":" } }] },
        { "tool_calls": [{ "index": 0, "id": "a", "function": { "name": "f", "arguments": "2}" } }] },
    ]), &[("a", "f", "{\"x\":2}")])]
    #[case::ids_that_stand_twice(json!([
        { "tool_calls": [{ "index": 0, "id": "a", "function": { "name": "f", "arguments": "{}" } },
                         { "index": 1, "id": "a", "function": { "name": "g", "arguments": "{}" } }] },
    ]), &[("a", "f", "{}"), ("call00002", "g", "{}")])]
    #[case::nothing_to_say(json!([
        { "tool_calls": [{ "index": 0, "id": "a", "function": { "name": "f", "arguments": null } }] },
    ]), &[("a", "f", "")])]
    #[case::without_a_name(json!([{ "tool_calls": [{ "id": "a", "function": { "arguments": "{}" } }] }]), &[])]
    #[case::before_tools_were_called_tools(json!([
        { "function_call": { "name": "f", "arguments": "{\"x\"" } },
        { "function_call": { "arguments": ":1}" } },
    ]), &[("call00001", "f", "{\"x\":1}")])]
    #[case::other_shapes(json!([{ "tool_calls": "none", "function_call": 7 }, { "tool_calls": [3, {}] }]), &[])]
    fn fragments_become_calls(#[case] events: Value, #[case] expected: &[(&str, &str, &str)]) {
        let told = told(events.as_array().unwrap());
        let told: Vec<_> =
            told.iter().map(|(id, name, text)| (id.as_str(), name.as_str(), text.as_str())).collect();
        assert_eq!(told, expected);
    }

    #[rstest]
    #[case("{\"x\":", None, Some(ErrorKind::BrokenStream))]
    #[case("{\"x\":", Some("length"), Some(ErrorKind::BadAnswer))]
    #[case("{\"x\":", Some("tool_calls"), None)]
    #[case("{\"x\":1}", None, None)]
    #[case("", None, None)]
    fn half_a_call_is_no_call(
        #[case] arguments: &str,
        #[case] finish: Option<&str>,
        #[case] expected: Option<ErrorKind>,
    ) {
        let half =
            json!({ "tool_calls": [{ "id": "a", "function": { "name": "f", "arguments": arguments } }] });
        assert_eq!(gather(&[half]).finish(finish, 0).err().map(|fault| fault.kind), expected);
    }
}
