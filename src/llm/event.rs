//! What one event of a stream says, leniently read: whatever is not needed may be missing or of any shape.

use serde::Deserialize;
use serde_json::Value;

use super::{fault::Fault, gather::Fragment};

/// What one event of the stream says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) calls: Vec<Fragment>,
    /// Why the answer ends, where it does.
    pub(super) finish: Option<String>,
    pub(super) usage: Option<Usage>,
    /// The logarithm of each token's probability.
    pub(super) logprobs: Vec<f64>,
}

/// Tokens as the endpoint counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    pub(super) prompt_tokens: u64,
    #[serde(default)]
    pub(super) completion_tokens: u64,
}

/// One event, or the whole of an answer in one piece.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    choices: Option<Vec<Choice>>,
    usage: Option<Usage>,
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    index: Option<u64>,
    delta: Option<Said>,
    message: Option<Said>,
    finish_reason: Option<String>,
    logprobs: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Said {
    content: Option<Content>,
    tool_calls: Option<Value>,
    function_call: Option<Value>,
}

/// Text, or parts of which some are text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    text: Option<String>,
}

/// Reads the events of one answer, one after the other. Of several answers side by side, the one that begins first counts.
#[derive(Debug, Default)]
pub(super) struct Reader {
    choice: Option<u64>,
    /// A reason was given for the answer's end.
    pub(super) finished: bool,
}

impl Reader {
    pub(super) fn read(&mut self, event: Event) -> Result<Piece, Fault> {
        if let Some(error) = event.error {
            return Err(Fault::from_event(&error));
        }
        let mut piece = Piece { usage: event.usage, ..Piece::default() };
        let mut choices = event.choices.into_iter().flatten();
        let Some(choice) =
            choices.find(|choice| self.choice.is_none_or(|first| first == choice.index.unwrap_or(0)))
        else {
            return Ok(piece);
        };
        self.choice = Some(choice.index.unwrap_or(0));
        piece.finish = choice.finish_reason.filter(|reason| !reason.is_empty());
        piece.logprobs = choice.logprobs.as_ref().map(logprobs).unwrap_or_default();
        self.finished |= piece.finish.is_some();
        let Some(said) = choice.delta.or(choice.message) else { return Ok(piece) };
        match said.content {
            Some(Content::Text(text)) => piece.text = text,
            Some(Content::Parts(parts)) => piece.text.extend(parts.into_iter().filter_map(|part| part.text)),
            None => {}
        }
        piece.calls = Fragment::read(said.tool_calls.as_ref(), said.function_call.as_ref());
        Ok(piece)
    }
}

/// `{"content": [{"logprob": …}]}` as OpenAI has it, or `{"token_logprobs": […]}` as it had it before. What is no logarithm of a
/// probability is left out.
fn logprobs(value: &Value) -> Vec<f64> {
    let list = |key: &str| value.get(key).and_then(Value::as_array).into_iter().flatten();
    let tokens = list("content").filter_map(|token| token.get("logprob")?.as_f64());
    let older = list("token_logprobs").filter_map(Value::as_f64);
    tokens.chain(older).filter(|number| number.is_finite() && *number <= 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(r#"{"choices":[{"delta":{"content":"a"}}]}"#, "a", false)]
    #[case(
        r#"{"choices":[{"message":{"role":"assistant","content":"b"},"finish_reason":"stop"}]}"#,
        "b",
        true
    )]
    #[case(
        r#"{"choices":[{"delta":{"content":[{"type":"text","text":"c"}]},"finish_reason":""}]}"#,
        "c",
        false
    )]
    #[case(r#"{"choices":[{"delta":{},"finish_reason":"length"}],"usage":null}"#, "", true)]
    #[case(r#"{"choices":[{"delta":{"content":null,"tool_calls":null}}]}"#, "", false)]
    #[case(
        r#"{"choices":[{"index":0,"delta":{"content":"d"}},{"index":1,"delta":{"content":"e"}}]}"#,
        "d",
        false
    )]
    #[case(r#"{"choices":null}"#, "", false)]
    #[case("{}", "", false)]
    fn events_are_read_leniently(#[case] event: &str, #[case] text: &str, #[case] finished: bool) {
        let mut reader = Reader::default();
        let piece = reader.read(serde_json::from_str(event).unwrap()).unwrap();
        assert_eq!((piece.text.as_str(), reader.finished), (text, finished));
    }

    #[rstest]
    #[case(serde_json::json!({ "content": [{ "token": "a", "logprob": -0.5 }, { "logprob": null }] }), &[-0.5])]
    #[case(serde_json::json!({ "token_logprobs": [null, -1.0, 3.0] }), &[-1.0])]
    #[case(serde_json::json!({ "content": null }), &[])]
    #[case(serde_json::json!([]), &[])]
    fn probabilities_are_read_leniently(#[case] value: Value, #[case] expected: &[f64]) {
        assert_eq!(logprobs(&value), expected);
    }

    #[test]
    fn of_two_answers_side_by_side_one_is_heard() {
        let mut reader = Reader::default();
        let mut heard = String::new();
        for (index, text) in [(0, "one "), (1, "two "), (1, "two "), (0, "one")] {
            let event = serde_json::json!({ "choices": [{ "index": index, "delta": { "content": text } }] });
            heard.push_str(&reader.read(serde_json::from_value(event).unwrap()).unwrap().text);
        }
        assert_eq!(heard, "one one");
    }
}
