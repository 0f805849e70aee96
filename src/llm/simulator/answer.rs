//! What the simulated endpoint can do with a request.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, StreamExt};
use serde_json::{Value, json};

use super::{MODEL, line::Cut};

/// An answer that is streamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its words.
    pub text: String,
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
    /// With an event that is not JSON.
    Malformed,
}

/// What is done with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

impl Answer {
    /// `text` in one piece, at once, counted and complete.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), pieces: 1, delay: Duration::ZERO, usage: true, end: End::Complete }
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

    fn events(&self, counted: Option<Value>) -> Vec<String> {
        let chunk = |delta: Value, finish: Option<&str>| {
            let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
            event(&json!({ "object": "chat.completion.chunk", "model": MODEL, "choices": [choice] }))
        };
        let mut events = vec![chunk(json!({ "role": "assistant", "content": "" }), None)];
        events.extend(self.split().into_iter().map(|piece| chunk(json!({ "content": piece }), None)));
        match self.end {
            End::Complete => {
                events.push(chunk(json!({}), Some("stop")));
                events.extend(counted.map(|usage| event(&json!({ "choices": [], "usage": usage }))));
                events.push("data: [DONE]\n\n".to_owned());
            }
            End::DoneOnly => events.push("data: [DONE]\n\n".to_owned()),
            End::Malformed => events.push("data: {\"choices\": [{\"delta\"\n\n".to_owned()),
            End::CutOff | End::Reset | End::Stall => {}
        }
        events
    }

    fn stream(self, counted: Option<Value>, cut: &Cut) -> Response {
        let (delay, end, cut) = (self.delay, self.end, cut.clone());
        let events = futures::stream::iter(self.events(counted)).then(move |event| async move {
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

    pub(super) fn respond(self, request: &Value, cut: &Cut) -> Response {
        let wants = |pointer: &str| request.pointer(pointer).and_then(Value::as_bool).unwrap_or(false);
        match self {
            Self::Echo => Self::Stream(Answer::new(echo(request))).respond(request, cut),
            Self::Stream(answer) if wants("/stream") => {
                let counted = answer.usage && wants("/stream_options/include_usage");
                let counted = counted.then(|| usage(request, &answer.text));
                answer.stream(counted, cut)
            }
            Self::Stream(Answer { text, .. }) | Self::Whole(text) => whole(request, &text),
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

fn whole(request: &Value, text: &str) -> Response {
    let message = json!({ "role": "assistant", "content": text });
    let body = json!({
        "object": "chat.completion",
        "model": MODEL,
        "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
        "usage": usage(request, text),
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
