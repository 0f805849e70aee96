//! A model endpoint without a model: speaks the OpenAI chat-completions protocol on a free loopback port, and does as it
//! is told: answers, refuses, breaks off. The tests and `dramatis bench` run against it.

mod answer;
mod line;
mod obey;
pub mod policy;

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle, time::Instant};

use line::{Cut, Lines};

pub use answer::{Answer, Behaviour, End, Policy};

/// A request that came in.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRequest {
    /// Its body.
    pub body: Value,
    /// Its `Authorization` header.
    pub authorization: Option<String>,
}

impl RecordedRequest {
    /// The text of each message of the prompt, in order.
    #[must_use]
    pub fn contents(&self) -> Vec<&str> {
        let messages = self.body.get("messages").and_then(Value::as_array);
        messages.into_iter().flatten().filter_map(|message| message.get("content")?.as_str()).collect()
    }
}

/// The endpoint. It stops when dropped.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    state: Arc<Script>,
    server: JoinHandle<()>,
}

/// What happens at a watched endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A request for a stream came in.
    Asked(Instant),
    /// The last piece of its answer went out.
    Told(Instant),
}

#[derive(Debug)]
struct Script {
    queue: Mutex<VecDeque<Behaviour>>,
    then: Behaviour,
    requests: Mutex<Vec<RecordedRequest>>,
    recording: bool,
    watcher: Option<mpsc::UnboundedSender<Moment>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Simulator {
    /// Starts an endpoint that answers each request with the next behaviour of its script, and with `then` when the
    /// script is over. It records every request.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start(then: Behaviour) -> io::Result<Self> {
        Self::serve(then, true, None).await
    }

    /// Starts an endpoint that always answers `text` at once and records nothing, so that it can run for long.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn answering(text: &str) -> io::Result<Self> {
        Self::serve(Behaviour::Stream(Answer::new(text)), false, None).await
    }

    /// The same, and tells `watcher` of the beginning and the end of each stream.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn watched(text: &str, watcher: mpsc::UnboundedSender<Moment>) -> io::Result<Self> {
        Self::serve(Behaviour::Stream(Answer::new(text)), false, Some(watcher)).await
    }

    async fn serve(
        then: Behaviour,
        recording: bool,
        watcher: Option<mpsc::UnboundedSender<Moment>>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(Script {
            queue: Mutex::default(),
            then,
            requests: Mutex::default(),
            recording,
            watcher,
        });
        let router = Router::new()
            .route("/v1/chat/completions", post(chat))
            .route("/v1/models", get(models))
            .route("/api/tags", get(tags))
            .with_state(Arc::clone(&state))
            .into_make_service_with_connect_info::<Cut>();
        let server = tokio::spawn(async move {
            // It ends with the task.
            let _ = axum::serve(Lines(listener), router).await;
        });
        Ok(Self { address, state, server })
    }

    /// The address for `LLM_BASE_URL`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The address for `OLLAMA_HOST`: the simulator lists its model as an Ollama does.
    #[must_use]
    pub fn ollama_host(&self) -> String {
        self.address.to_string()
    }

    /// Puts behaviours at the end of the script.
    pub fn script(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        locked(&self.state.queue).extend(behaviours);
    }

    /// The chat requests that came in, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        locked(&self.state.requests).clone()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The name of the model that is not there.
pub const MODEL: &str = "simulated";

async fn chat(
    State(script): State<Arc<Script>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let asked = Instant::now();
    let watcher = script.watcher.clone().filter(|_| body.get("stream") == Some(&Value::Bool(true)));
    let behaviour = locked(&script.queue).pop_front().unwrap_or_else(|| script.then.clone());
    let response = behaviour.respond(&body, &cut);
    if script.recording {
        let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
        let authorization = authorization.map(str::to_owned);
        locked(&script.requests).push(RecordedRequest { body, authorization });
    }
    match watcher {
        Some(watcher) => watched(response, asked, watcher),
        None => response,
    }
}

fn watched(response: Response, asked: Instant, watcher: mpsc::UnboundedSender<Moment>) -> Response {
    // Nobody may be watching any more.
    let _ = watcher.send(Moment::Asked(asked));
    response.map(|body| {
        let end = futures::stream::once(async move {
            let _ = watcher.send(Moment::Told(Instant::now()));
            Ok(Bytes::new())
        });
        Body::from_stream(body.into_data_stream().chain(end))
    })
}

/// The list of models; an endpoint that refuses every chat refuses this, too.
async fn models(State(script): State<Arc<Script>>) -> Response {
    if let Behaviour::Status { status, .. } = &script.then {
        return StatusCode::from_u16(*status).unwrap_or_default().into_response();
    }
    let list =
        json!({ "object": "list", "data": [{ "id": MODEL, "object": "model", "owned_by": "dramatis" }] });
    Json(list).into_response()
}

async fn tags() -> Json<Value> {
    Json(json!({ "models": [{ "name": MODEL }] }))
}
