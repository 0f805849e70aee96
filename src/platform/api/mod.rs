//! The OpenAI-compatible API: each character is a model, so that any client of that protocol can talk to it. Memory is the
//! character's own; of the messages that a client sends, the last is what is said.

mod chat;
mod fault;
mod metrics;

use std::{future::IntoFuture, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::header,
    middleware::{self, Next},
    response::{IntoResponse, Json, Response},
    routing::{get, post},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    character::Cast, conversation::Conversations, jobs::Queue, llm::Llm, memory::Memory, model::Clock,
};
use fault::Fault;

/// Where it listens, and who may come in.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// The address.
    pub address: SocketAddr,
    /// The keys; none: everybody who reaches the address.
    pub keys: Vec<SecretString>,
}

/// What it works with.
#[derive(Clone)]
pub struct Handles {
    /// The flow of talk.
    pub conversations: Conversations,
    /// The cast.
    pub cast: Cast,
    /// Memory, for counts.
    pub memory: Memory,
    /// Models, for what they cost.
    pub llm: Llm,
    /// The queue, for counts.
    pub queue: Queue,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Why it cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Anybody could come in.
    #[error("API_ADDR {0} can be reached from outside: set API_KEYS, or listen on 127.0.0.1")]
    Open(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on API_ADDR {0}: {1}; set another, or end the program that has it")]
    Listen(SocketAddr, std::io::Error),
    /// The server failed.
    #[error("the API failed: {0}")]
    Serve(std::io::Error),
}

/// How long answers under way may take when it is to stop.
const LAST_WORDS: Duration = Duration::from_secs(8);

/// What every request sees.
#[derive(Clone)]
struct Shared {
    handles: Handles,
    keys: Arc<[SecretString]>,
    turns: TaskTracker,
}

/// The API, listening.
pub struct Api {
    listener: TcpListener,
    shared: Shared,
}

impl Api {
    /// Takes the address.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn bind(settings: ApiSettings, handles: Handles) -> Result<Self, ApiError> {
        if settings.keys.is_empty() && !settings.address.ip().is_loopback() {
            return Err(ApiError::Open(settings.address));
        }
        let listener = TcpListener::bind(settings.address)
            .await
            .map_err(|error| ApiError::Listen(settings.address, error))?;
        let shared = Shared { handles, keys: settings.keys.into(), turns: TaskTracker::new() };
        Ok(Self { listener, shared })
    }

    /// Where it listens; of interest when the port was 0.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Serves until `stop`, and then what is under way.
    ///
    /// # Errors
    /// [`ApiError::Serve`].
    pub async fn run(self, stop: CancellationToken) -> Result<(), ApiError> {
        let Self { listener, shared } = self;
        let turns = shared.turns.clone();
        let guarded = Router::new()
            .route("/v1/models", get(models))
            .route("/v1/models/{id}", get(model))
            .route("/v1/chat/completions", post(chat::complete))
            .route("/metrics", get(metrics::page))
            .layer(middleware::from_fn_with_state(shared.clone(), guard));
        let router = Router::new()
            .route("/health", get(async || "ok"))
            .route("/ready", get(ready))
            .merge(guarded)
            .fallback(async || Fault::not_found("there is no such page; the API begins with /v1"))
            .method_not_allowed_fallback(async || Fault::wrong_method())
            .with_state(shared);
        let serve = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        let patience = async {
            stop.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        let served = tokio::select! {
            served = serve.into_future() => served.map_err(ApiError::Serve),
            () = patience => {
                tracing::warn!("answers that were not finished in time are cut off");
                Ok(())
            }
        };
        turns.close();
        if tokio::time::timeout(LAST_WORDS, turns.wait()).await.is_err() {
            tracing::warn!("a turn did not end in time");
        }
        served
    }
}

/// Lets in who has a key.
async fn guard(State(shared): State<Shared>, mut request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    let known = shared.keys.iter().any(|key| same(key.expose_secret().as_bytes(), given.as_bytes()));
    if !shared.keys.is_empty() && !known {
        return Fault::unauthorized().into_response();
    }
    let holder = if known { Holder::of(given) } else { Holder("open".to_owned()) };
    request.extensions_mut().insert(holder);
    next.run(request).await
}

/// Whose key a request came with: the people of one key are not those of another, whatever they are called.
#[derive(Debug, Clone)]
struct Holder(String);

impl Holder {
    /// A short name for a key that does not give it away.
    fn of(key: &str) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, key.as_bytes());
        let start = digest.as_ref().first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        Self(format!("{start:08x}"))
    }
}

/// Equal, told in a time that says nothing about where they differ.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

fn described(id: &str) -> serde_json::Value {
    json!({ "id": id, "object": "model", "created": 0, "owned_by": "dramatis" })
}

async fn models(State(shared): State<Shared>) -> Json<serde_json::Value> {
    let list: Vec<_> = shared.handles.cast.ids().iter().map(|id| described(id.as_str())).collect();
    Json(json!({ "object": "list", "data": list }))
}

async fn model(
    State(shared): State<Shared>,
    axum::extract::Path(id): axum::extract::Path<String>,
) -> Result<Json<serde_json::Value>, Fault> {
    let known = shared.handles.cast.ids().iter().any(|known| known.as_str() == id);
    if known { Ok(Json(described(&id))) } else { Err(Fault::no_such_model(&id)) }
}

/// Ready when the store answers and somebody is in the cast.
async fn ready(State(shared): State<Shared>) -> Result<&'static str, Fault> {
    if shared.handles.cast.ids().is_empty() {
        return Err(Fault::unavailable("there is nobody in the cast"));
    }
    match shared.handles.memory.ping().await {
        Ok(()) => Ok("ready"),
        Err(error) => {
            tracing::error!(%error, "not ready");
            Err(Fault::unavailable("the store does not answer"))
        }
    }
}
