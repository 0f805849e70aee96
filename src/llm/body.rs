//! A request as the chat-completions protocol has it (OpenAI API, "Create chat completion").

use serde_json::{Value, json};

use super::{
    fault::Feature,
    request::{ChatMessage, ChatRequest, Role, ToolCall, ToolSpec},
};

/// The longest name of a tool (OpenAI API, "Create chat completion": `tools`).
const LONGEST_NAME: usize = 64;

/// The body of `request` to `model`, with `messages` for its prompt, and without what is `refused`.
pub(super) fn body(
    request: &ChatRequest,
    messages: &[ChatMessage],
    model: &str,
    refused: &[Feature],
) -> Value {
    let takes = |feature| !refused.contains(&feature);
    let plain;
    let (messages, tools) = if takes(Feature::Tools) {
        (messages, request.tools.as_slice())
    } else {
        plain = without_tools(messages);
        (plain.as_slice(), [].as_slice())
    };
    let messages: Vec<Value> = messages.iter().map(message).collect();
    let mut body = json!({
        "model": model,
        "messages": messages,
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    let tools: Vec<Value> = tools.iter().map(tool).collect();
    let calls = !tools.is_empty();
    let optional = [
        // As text, so that 0.7 does not become 0.699999988079071.
        ("temperature", request.temperature.and_then(|t| serde_json::from_str(&t.to_string()).ok())),
        ("max_tokens", request.max_tokens.map(Value::from)),
        ("response_format", request.json.then(|| json!({ "type": "json_object" }))),
        ("logprobs", (request.confidence && takes(Feature::Logprobs)).then_some(Value::Bool(true))),
        ("tools", calls.then_some(Value::Array(tools))),
        ("tool_choice", calls.then(|| "auto".into())),
    ];
    if let Some(body) = body.as_object_mut() {
        body.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    }
    body
}

fn tool(spec: &ToolSpec) -> Value {
    json!({
        "type": "function",
        "function": { "name": spec.name, "description": spec.description, "parameters": spec.parameters },
    })
}

fn message(message: &ChatMessage) -> Value {
    let role = message.role.as_str();
    if let Some(id) = &message.tool_call_id {
        return json!({ "role": role, "tool_call_id": id, "content": message.content });
    }
    if message.tool_calls.is_empty() {
        return json!({ "role": role, "content": message.content });
    }
    let content = if message.content.is_empty() { Value::Null } else { message.content.clone().into() };
    let calls: Vec<Value> = message.tool_calls.iter().map(call).collect();
    json!({ "role": role, "content": content, "tool_calls": calls })
}

/// A call as it is told back to the model. What the model got wrong in it would be refused, so that it is put right here: the
/// tool's answer says what was wrong.
fn call(call: &ToolCall) -> Value {
    let is_object = serde_json::from_str::<serde_json::Map<String, Value>>(&call.arguments).is_ok();
    let arguments = if is_object { &call.arguments } else { "{}" };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name: String = call.name.chars().map(|c| if fits(c) { c } else { '_' }).take(LONGEST_NAME).collect();
    json!({ "id": call.id, "type": "function", "function": { "name": name, "arguments": arguments } })
}

/// The same talk for an endpoint that knows no tools: what they brought comes as plain messages.
fn without_tools(messages: &[ChatMessage]) -> Vec<ChatMessage> {
    let name_of = |id: &str| {
        let mut calls = messages.iter().flat_map(|message| &message.tool_calls);
        calls.find(|call| call.id == id).map_or("a tool", |call| call.name.as_str())
    };
    let plain = |message: &ChatMessage| match &message.tool_call_id {
        Some(id) => {
            let content = format!("What {} brought:\n{}", name_of(id), message.content);
            Some(ChatMessage::new(Role::User, content))
        }
        None if message.content.is_empty() && !message.tool_calls.is_empty() => None,
        None => Some(ChatMessage::new(message.role, message.content.clone())),
    };
    messages.iter().filter_map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::{Purpose, Tier};

    fn call_of(name: &str, arguments: &str) -> ToolCall {
        ToolCall { id: "a1".to_owned(), name: name.to_owned(), arguments: arguments.to_owned() }
    }

    fn talk() -> Vec<ChatMessage> {
        vec![
            ChatMessage::new(Role::User, "What time is it?"),
            ChatMessage::calling("", vec![call_of("current_time", "{\"zone\":\"UTC\"}")]),
            ChatMessage::tool("a1", "Noon."),
        ]
    }

    #[test]
    fn calls_and_what_they_brought_are_sent_as_openai_has_them() {
        let spec = ToolSpec {
            name: "current_time".to_owned(),
            description: "The time.".to_owned(),
            parameters: json!({ "type": "object" }),
        };
        let request =
            ChatRequest { tools: vec![spec], ..ChatRequest::new(Tier::Main, Purpose::Reflect, talk()) };
        let body = body(&request, &request.messages, "m", &[]);
        assert_eq!(body["tool_choice"], "auto");
        assert_eq!(
            body["tools"],
            json!([{ "type": "function", "function": {
                "name": "current_time", "description": "The time.", "parameters": { "type": "object" }
            } }])
        );
        assert_eq!(
            body["messages"],
            json!([
                { "role": "user", "content": "What time is it?" },
                { "role": "assistant", "content": null, "tool_calls": [{
                    "id": "a1", "type": "function",
                    "function": { "name": "current_time", "arguments": "{\"zone\":\"UTC\"}" }
                }] },
                { "role": "tool", "tool_call_id": "a1", "content": "Noon." },
            ])
        );
    }

    #[test]
    fn what_the_model_got_wrong_is_put_right() {
        let told = call(&call_of("read web.page()", "{\"url\": oops"));
        assert_eq!(told["function"], json!({ "name": "read_web_page__", "arguments": "{}" }));
    }

    #[test]
    fn without_tools_the_talk_is_plain() {
        let plain = without_tools(&talk());
        let said: Vec<(Role, &str)> = plain.iter().map(|it| (it.role, it.content.as_str())).collect();
        assert_eq!(
            said,
            [(Role::User, "What time is it?"), (Role::User, "What current_time brought:\nNoon.")]
        );
    }
}
