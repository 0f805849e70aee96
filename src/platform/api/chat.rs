//! `POST /v1/chat/completions`.

use std::convert::Infallible;

use axum::{
    body::{Body, Bytes},
    extract::{Extension, State, rejection::BytesRejection},
    http::header,
    response::{IntoResponse, Json, Response},
};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Fault, Holder, Shared};
use crate::{
    conversation::{ConversationError, Inbound},
    memory::MemoryError,
    model::{CharacterId, ErrorKind, Place, TurnEvent, UserId},
};

/// The platform's name.
const PLATFORM: &str = "api";
/// Whose words they are when the client does not say.
const NOBODY: &str = "anonymous";
/// Events of a turn that may wait for the client.
const EVENTS: usize = 256;

/// What a client sends; what it may send besides has no effect (`docs/api.md`).
#[derive(Debug, Deserialize)]
struct Asked {
    model: String,
    messages: Vec<Said>,
    stream: Option<bool>,
    stream_options: Option<Options>,
    user: Option<String>,
    n: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Options {
    include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Said {
    role: String,
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

/// How a turn ended.
struct Ended {
    text: String,
    model: String,
    tokens_in: u64,
    tokens_out: u64,
}

/// Answers the last message as the character.
pub(super) async fn complete(
    State(shared): State<Shared>,
    Extension(Holder(key)): Extension<Holder>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Fault> {
    let body = body.map_err(|error| Fault::unread(error.status(), error.body_text()))?;
    let asked: Asked = serde_json::from_slice(&body)
        .map_err(|error| Fault::invalid("body", format!("the body is not a chat request: {error}")))?;
    let inbound = inbound(&shared, &key, &asked)?;
    let (sender, events) = mpsc::channel(EVENTS);
    let conversations = shared.handles.conversations.clone();
    // The turn goes on when the client leaves: what was said is remembered.
    let turn = shared.turns.spawn(async move { conversations.handle(inbound, &sender).await.map(drop) });
    let answer = Answer {
        id: format!("chatcmpl-{}", Uuid::now_v7().simple()),
        model: asked.model.clone(),
        created: shared.handles.clock.now().to_utc().timestamp(),
    };
    if asked.stream == Some(true) {
        let counted = asked.stream_options.and_then(|options| options.include_usage).unwrap_or_default();
        return Ok(answer.stream(events, turn, counted));
    }
    answer.whole(events, turn).await
}

fn inbound(shared: &Shared, key: &str, asked: &Asked) -> Result<Inbound, Fault> {
    let character = CharacterId::new(asked.model.as_str()).map_err(|_| Fault::no_such_model(&asked.model))?;
    if shared.handles.cast.get(&character).is_none() {
        return Err(Fault::no_such_model(&asked.model));
    }
    if asked.n.is_some_and(|n| n != 1) {
        return Err(Fault::invalid("n", "a character gives one answer: leave `n` out, or set it to 1"));
    }
    let last = asked.messages.last().filter(|said| said.role == "user");
    let said = last.ok_or_else(|| Fault::invalid("messages", "the last message must be the user's"))?;
    let text = words(said.content.as_ref());
    if text.trim().is_empty() {
        return Err(Fault::invalid("messages", "the last message has no text"));
    }
    let name = asked.user.as_deref().map(str::trim).filter(|user| !user.is_empty());
    let user = UserId::new(format!("{PLATFORM}:{key}:{}", name.unwrap_or(NOBODY)))
        .map_err(|error| Fault::invalid("user", error.to_string()))?;
    Ok(Inbound {
        platform: PLATFORM.to_owned(),
        platform_id: Uuid::now_v7().to_string(),
        character,
        user,
        user_name: String::new(),
        place: Place::Dm,
        text,
        at: shared.handles.clock.now(),
        beside: Vec::new(),
        address: None,
    })
}

fn words(content: Option<&Content>) -> String {
    match content {
        None => String::new(),
        Some(Content::Text(text)) => text.clone(),
        Some(Content::Parts(parts)) => {
            let texts =
                parts.iter().filter(|part| part.kind == "text").filter_map(|part| part.text.as_deref());
            texts.collect::<Vec<_>>().join("\n")
        }
    }
}

type Turn = tokio::task::JoinHandle<Result<(), ConversationError>>;

/// What the chunks of one answer share.
struct Answer {
    id: String,
    model: String,
    created: i64,
}

impl Answer {
    async fn whole(self, mut events: mpsc::Receiver<TurnEvent>, turn: Turn) -> Result<Response, Fault> {
        let mut ended = None;
        while let Some(event) = events.recv().await {
            match event {
                TurnEvent::Final { text, model, tokens_in, tokens_out, .. } => {
                    ended = Some(Ok(Ended { text, model, tokens_in, tokens_out }));
                }
                TurnEvent::Error { kind, message } => ended = Some(Err(Fault::turn(code(kind), message))),
                _ => {}
            }
        }
        let ended = match ended {
            Some(ended) => ended?,
            None => return Err(refused(turn).await),
        };
        let message = json!({ "role": "assistant", "content": ended.text });
        Ok(Json(json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": ended.model,
            "choices": [{ "index": 0, "message": message, "finish_reason": "stop", "logprobs": null }],
            "usage": usage(&ended),
        }))
        .into_response())
    }

    fn stream(self, events: mpsc::Receiver<TurnEvent>, turn: Turn, counted: bool) -> Response {
        let state = Streaming { answer: self, events, turn: Some(turn), counted, begun: false, over: false };
        let chunks = futures::stream::unfold(state, |mut state| async move {
            let chunk = state.next().await?;
            Some((Ok::<_, Infallible>(Bytes::from(chunk)), state))
        });
        (
            [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")],
            Body::from_stream(chunks.boxed()),
        )
            .into_response()
    }

    /// A chunk without a word, that tells what goes on; a client that does not know the field skips it.
    fn aside(&self, event: &Value) -> String {
        line(&json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [{ "index": 0, "delta": {}, "finish_reason": null, "logprobs": null }],
            "dramatis": event,
        }))
    }

    fn chunk(&self, delta: &Value, finish: Option<&str>) -> String {
        line(&json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish, "logprobs": null }],
        }))
    }
}

/// An answer on its way.
struct Streaming {
    answer: Answer,
    events: mpsc::Receiver<TurnEvent>,
    turn: Option<Turn>,
    counted: bool,
    begun: bool,
    over: bool,
}

impl Streaming {
    async fn next(&mut self) -> Option<String> {
        if self.over {
            return None;
        }
        while let Some(event) = self.events.recv().await {
            match event {
                TurnEvent::Delta { text } => {
                    let first = if std::mem::replace(&mut self.begun, true) {
                        String::new()
                    } else {
                        self.answer.chunk(&json!({ "role": "assistant", "content": "" }), None)
                    };
                    return Some(first + &self.answer.chunk(&json!({ "content": text }), None));
                }
                TurnEvent::Thinking { text, step, of } => {
                    let told = json!({ "thinking": { "text": text, "step": step, "of": of } });
                    return Some(self.answer.aside(&told));
                }
                TurnEvent::Tool { id, name, state, ms } => {
                    let told = json!({ "tool": { "id": id, "name": name, "state": state, "ms": ms } });
                    return Some(self.answer.aside(&told));
                }
                TurnEvent::Final { text, model, tokens_in, tokens_out, .. } => {
                    self.over = true;
                    return Some(self.last(&Ended { text, model, tokens_in, tokens_out }));
                }
                TurnEvent::Error { kind, message } => {
                    self.over = true;
                    return Some(line(&Fault::turn(code(kind), message).body()));
                }
                _ => {}
            }
        }
        self.over = true;
        let fault = match self.turn.take() {
            Some(turn) => refused(turn).await,
            None => Fault::unavailable("the turn ended without an answer"),
        };
        Some(line(&fault.body()))
    }

    /// What closes the stream; an answer that was not streamed comes whole.
    fn last(&self, ended: &Ended) -> String {
        let mut out = String::new();
        if !self.begun {
            out += &self.answer.chunk(&json!({ "role": "assistant", "content": ended.text }), None);
        }
        out += &self.answer.chunk(&json!({}), Some("stop"));
        if self.counted {
            out += &line(&json!({
                "id": self.answer.id,
                "object": "chat.completion.chunk",
                "created": self.answer.created,
                "model": self.answer.model,
                "system_fingerprint": ended.model,
                "choices": [],
                "usage": usage(ended),
            }));
        }
        out + "data: [DONE]\n\n"
    }
}

fn line(value: &Value) -> String {
    format!("data: {value}\n\n")
}

fn usage(ended: &Ended) -> Value {
    json!({
        "prompt_tokens": ended.tokens_in,
        "completion_tokens": ended.tokens_out,
        "total_tokens": ended.tokens_in + ended.tokens_out,
    })
}

fn code(kind: ErrorKind) -> String {
    match serde_json::to_value(kind) {
        Ok(Value::String(name)) => name,
        _ => "other".to_owned(),
    }
}

/// Why a turn ended without a word.
async fn refused(turn: Turn) -> Fault {
    match turn.await {
        Ok(Err(ConversationError::Memory(error @ (MemoryError::TooLong(_) | MemoryError::Empty)))) => {
            Fault::invalid("messages", error.to_string())
        }
        Ok(Err(ConversationError::NoSuchCharacter(id))) => Fault::no_such_model(id.as_str()),
        Ok(Err(error)) => {
            tracing::error!(%error, "a message was not taken in");
            Fault::unavailable("the message could not be stored; try again")
        }
        Ok(Ok(())) | Err(_) => Fault::unavailable("the turn ended without an answer"),
    }
}
