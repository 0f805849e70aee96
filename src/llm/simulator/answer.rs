//! What the simulated endpoint can do with a request.

use std::{convert::Infallible, fmt, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, StreamExt};
use serde_json::{Value, json};

use super::{MODEL, line::Cut};

/// An answer that is streamed.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Its words.
    pub text: String,
    /// The tools it calls behind its words, with their arguments. Each call is sent in two fragments; a stream that does not
    /// end well ends in the middle of the last one.
    pub calls: Vec<(String, Value)>,
    /// Another answer beside it, as from an endpoint that was asked for two; its words come piece by piece between the others.
    pub beside: Option<String>,
    /// How sure each word is said to be, `0.0..=1.0`, when asked for.
    pub confidence: Option<f64>,
    /// In how many pieces they are sent, as far as they go round.
    pub pieces: usize,
    /// The pause before each piece.
    pub delay: Duration,
    /// Whether the tokens are counted in the last event, when asked for.
    pub usage: bool,
    /// How the stream ends.
    pub end: End,
}

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With a finish reason and `[DONE]`.
    Complete,
    /// With `[DONE]` alone.
    DoneOnly,
    /// In good order on the wire, but without a word that the answer is complete.
    CutOff,
    /// With the connection.
    Reset,
    /// Never: nothing more is sent.
    Stall,
    /// Never: its words are said again and again.
    Endless,
    /// With an event that is not JSON.
    Malformed,
}

/// Looks at the body of a request and says what is done with it.
pub type Policy = Arc<dyn Fn(&Value) -> Behaviour + Send + Sync>;

/// What is done with a request.
#[derive(Clone)]
pub enum Behaviour {
    /// Streams an answer; sends it in one piece to those who do not ask for a stream.
    Stream(Answer),
    /// Sends an answer in one piece, even to those who ask for a stream.
    Whole(String),
    /// Refuses.
    Status {
        /// With this status,
        status: u16,
        /// this `Retry-After`,
        retry_after: Option<String>,
        /// and this body.
        body: String,
    },
    /// Answers with "You said: " and the last message.
    Echo,
    /// Cuts the connection before a byte of the answer.
    Reset,
    /// Does what the policy says of the request (see [`policy`](super::policy)). A policy that answers with a policy is asked
    /// only so often; then the request is refused.
    Policy(Policy),
    /// Refuses requests that hold this key of the protocol, such as `tools` or `logprobs`, with 400, and does the other thing
    /// with the rest.
    Without(&'static str, Box<Behaviour>),
}

/// How deep policies may lead to policies.
const DEEPEST: usize = 8;

impl fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(answer) => f.debug_tuple("Stream").field(answer).finish(),
            Self::Whole(text) => f.debug_tuple("Whole").field(text).finish(),
            Self::Status { status, .. } => f.debug_tuple("Status").field(status).finish(),
            Self::Echo => f.write_str("Echo"),
            Self::Reset => f.write_str("Reset"),
            Self::Policy(_) => f.write_str("Policy"),
            Self::Without(key, other) => f.debug_tuple("Without").field(key).field(other).finish(),
        }
    }
}

impl Answer {
    /// `text` in one piece, at once, counted and complete.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            calls: Vec::new(),
            beside: None,
            confidence: None,
            pieces: 1,
            delay: Duration::ZERO,
            usage: true,
            end: End::Complete,
        }
    }

    /// The same, and calls these tools.
    #[must_use]
    pub fn calling(self, calls: impl IntoIterator<Item = (impl Into<String>, Value)>) -> Self {
        Self { calls: calls.into_iter().map(|(name, arguments)| (name.into(), arguments)).collect(), ..self }
    }

    /// The same in `pieces` pieces.
    #[must_use]
    pub fn in_pieces(self, pieces: usize) -> Self {
        Self { pieces, ..self }
    }

    /// The same with another end.
    #[must_use]
    pub fn ending(self, end: End) -> Self {
        Self { end, ..self }
    }

    /// The pieces.
    fn split(&self) -> Vec<String> {
        let chars: Vec<char> = self.text.chars().collect();
        let size = chars.len().div_ceil(self.pieces.max(1)).max(1);
        chars.chunks(size).map(|piece| piece.iter().collect()).collect()
    }

    fn events(&self, request: &Value, counted: Option<Value>) -> Vec<String> {
        let chunk = |delta: Value, finish: Option<&str>| piece_of(0, &delta, finish, None);
        let confidence = self.confidence.filter(|_| wants(request, "/logprobs"));
        let mut events = vec![chunk(json!({ "role": "assistant", "content": "" }), None)];
        for piece in self.split() {
            let logprobs = confidence.map(|share| logprobs(&piece, share));
            events.push(piece_of(0, &json!({ "content": piece }), None, logprobs));
            let beside = self.beside.as_ref();
            events.extend(beside.map(|text| piece_of(1, &json!({ "content": text }), None, None)));
        }
        let fragments: Vec<Value> = self.fragments(request).collect();
        let halves = fragments.len().saturating_sub(usize::from(self.is_cut()));
        events.extend(
            fragments.into_iter().take(halves).map(|call| chunk(json!({ "tool_calls": [call] }), None)),
        );
        match self.end {
            End::Complete => {
                let finish = if self.calls.is_empty() { "stop" } else { "tool_calls" };
                events.push(chunk(json!({}), Some(finish)));
                events.extend(counted.map(|usage| event(&json!({ "choices": [], "usage": usage }))));
                events.push("data: [DONE]\n\n".to_owned());
            }
            End::DoneOnly => events.push("data: [DONE]\n\n".to_owned()),
            End::Malformed => events.push("data: {\"choices\": [{\"delta\"\n\n".to_owned()),
            End::CutOff | End::Reset | End::Stall | End::Endless => {}
        }
        events
    }

    /// Whether the last call is left half.
    fn is_cut(&self) -> bool {
        self.end != End::Complete && !self.calls.is_empty()
    }

    /// Each call in two: its name and the first half of its arguments, and the rest.
    fn fragments(&self, request: &Value) -> impl Iterator<Item = Value> {
        let before = called(request);
        self.calls.iter().enumerate().flat_map(move |(index, (name, arguments))| {
            let text: Vec<char> = arguments.to_string().chars().collect();
            let (first, rest) = text.split_at(text.len() / 2);
            let (first, rest): (String, String) = (first.iter().collect(), rest.iter().collect());
            let id = format!("sim{:06}", before + index + 1);
            let function = json!({ "name": name, "arguments": first });
            [
                json!({ "index": index, "id": id, "type": "function", "function": function }),
                json!({ "index": index, "function": { "arguments": rest } }),
            ]
        })
    }

    fn stream(self, request: &Value, counted: Option<Value>, cut: &Cut) -> Response {
        let (delay, end, cut) = (self.delay, self.end, cut.clone());
        let mut events = self.events(request, counted);
        let again = if end == End::Endless { events.split_off(1.min(events.len())) } else { Vec::new() };
        let events = events.into_iter().chain(again.into_iter().cycle());
        let events = futures::stream::iter(events).then(move |event| async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            Ok::<_, Infallible>(Bytes::from(event))
        });
        let last = futures::stream::once(async move {
            match end {
                // The pieces before are on their way when the connection is cut.
                End::Reset => {
                    tokio::task::yield_now().await;
                    cut.cut();
                    Some(Bytes::from_static(b"\n"))
                }
                End::Stall => std::future::pending().await,
                _ => None,
            }
        });
        let last = last.filter_map(|bytes| async move { bytes.map(Ok) });
        event_stream(events.chain(last))
    }
}

impl Behaviour {
    /// Answers `text` in three pieces.
    #[must_use]
    pub fn answer(text: impl Into<String>) -> Self {
        Self::Stream(Answer::new(text).in_pieces(3))
    }

    /// Calls these tools, without a word.
    #[must_use]
    pub fn calls(calls: impl IntoIterator<Item = (impl Into<String>, Value)>) -> Self {
        Self::Stream(Answer::new("").calling(calls))
    }

    /// Does what `policy` says of each request.
    pub fn policy(policy: impl Fn(&Value) -> Self + Send + Sync + 'static) -> Self {
        Self::Policy(Arc::new(policy))
    }

    /// Refuses with `status` and the error body of OpenAI.
    #[must_use]
    pub fn status(status: u16, message: &str) -> Self {
        let body = json!({ "error": { "message": message, "type": "error", "code": null } });
        Self::Status { status, retry_after: None, body: body.to_string() }
    }

    /// Asks for patience: 429 with `Retry-After`.
    #[must_use]
    pub fn rate_limited(retry_after: &str) -> Self {
        let body = json!({ "error": { "message": "slow down", "code": "rate_limit_exceeded" } });
        Self::Status { status: 429, retry_after: Some(retry_after.to_owned()), body: body.to_string() }
    }

    /// Says that the prompt is too long.
    #[must_use]
    pub fn context_length() -> Self {
        let message = "This model's maximum context length is 4096 tokens.";
        let body = json!({ "error": { "message": message, "code": "context_length_exceeded" } });
        Self::Status { status: 400, retry_after: None, body: body.to_string() }
    }

    /// The behaviour that it comes to for this request.
    fn resolve(self, request: &Value) -> Self {
        let mut behaviour = self;
        for _ in 0..DEEPEST {
            behaviour = match behaviour {
                Self::Policy(policy) => policy(request),
                Self::Without(key, _) if request.get(key).is_some() => {
                    Self::status(400, &format!("this model does not support {key}"))
                }
                Self::Without(_, other) => *other,
                other => return other,
            };
        }
        Self::status(500, "the policy leads nowhere")
    }

    pub(super) fn respond(self, request: &Value, cut: &Cut) -> Response {
        match self.resolve(request) {
            Self::Echo => Self::Stream(Answer::new(echo(request))).respond(request, cut),
            Self::Stream(answer) if wants(request, "/stream") => {
                let counted = answer.usage && wants(request, "/stream_options/include_usage");
                let counted = counted.then(|| usage(request, &answer.text));
                answer.stream(request, counted, cut)
            }
            Self::Stream(answer) => whole(request, &answer),
            Self::Whole(text) => whole(request, &Answer::new(text)),
            // `resolve` leaves none of them.
            Self::Policy(_) | Self::Without(..) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Self::Status { status, retry_after, body } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut response =
                    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
                if let Some(value) = retry_after.and_then(|value| value.parse().ok()) {
                    response.headers_mut().insert(header::RETRY_AFTER, value);
                }
                response
            }
            Self::Reset => {
                cut.cut();
                StatusCode::OK.into_response()
            }
        }
    }
}

fn echo(request: &Value) -> String {
    let messages = request.get("messages").and_then(Value::as_array);
    let last = messages.and_then(|messages| messages.last()?.get("content")?.as_str());
    format!("You said: {}", last.unwrap_or_default())
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

fn event_stream(events: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static) -> Response {
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

fn wants(request: &Value, pointer: &str) -> bool {
    request.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

fn piece_of(index: usize, delta: &Value, finish: Option<&str>, logprobs: Option<Value>) -> String {
    let mut choice = json!({ "index": index, "delta": delta, "finish_reason": finish });
    if let (Some(choice), Some(logprobs)) = (choice.as_object_mut(), logprobs) {
        choice.insert("logprobs".to_owned(), logprobs);
    }
    event(&json!({ "object": "chat.completion.chunk", "model": MODEL, "choices": [choice] }))
}

fn logprobs(text: &str, share: f64) -> Value {
    let tokens = text.split_whitespace().map(|word| json!({ "token": word, "logprob": share.ln() }));
    json!({ "content": tokens.collect::<Vec<_>>() })
}

/// How many calls of tools the request tells of.
fn called(request: &Value) -> usize {
    let messages = request.get("messages").and_then(Value::as_array);
    let calls = messages.into_iter().flatten().filter_map(|message| message.get("tool_calls")?.as_array());
    calls.map(Vec::len).sum()
}

fn whole(request: &Value, answer: &Answer) -> Response {
    let before = called(request);
    let calls = answer.calls.iter().enumerate().map(|(index, (name, arguments))| {
        let function = json!({ "name": name, "arguments": arguments.to_string() });
        json!({ "id": format!("sim{:06}", before + index + 1), "type": "function", "function": function })
    });
    let calls: Vec<Value> = calls.collect();
    let finish = if calls.is_empty() { "stop" } else { "tool_calls" };
    let mut message = json!({ "role": "assistant", "content": answer.text });
    if let (Some(message), false) = (message.as_object_mut(), calls.is_empty()) {
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    let mut choices = vec![json!({ "index": 0, "message": message, "finish_reason": finish })];
    let confidence = answer.confidence.filter(|_| wants(request, "/logprobs"));
    if let (Some(share), Some(choice)) = (confidence, choices.first_mut().and_then(Value::as_object_mut)) {
        choice.insert("logprobs".to_owned(), logprobs(&answer.text, share));
    }
    choices.extend(answer.beside.as_ref().map(|text| {
        json!({ "index": 1, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" })
    }));
    let body = json!({
        "object": "chat.completion",
        "model": MODEL,
        "choices": choices,
        "usage": usage(request, &answer.text),
    });
    axum::Json(body).into_response()
}

/// Counts words for tokens: a model that is not there has no vocabulary.
fn usage(request: &Value, text: &str) -> Value {
    let messages = request.get("messages").and_then(Value::as_array);
    let contents = messages.into_iter().flatten().filter_map(|message| message.get("content")?.as_str());
    let prompt: usize = contents.map(|content| content.split_whitespace().count()).sum();
    let completion = text.split_whitespace().count();
    json!({ "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion })
}
