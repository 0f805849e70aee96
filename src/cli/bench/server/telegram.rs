//! A Bot API server: long polling in, messages out.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State as From},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::{Value, json};
use tokio::{sync::Notify, time::Instant};

use super::{World, locked};

/// What a request for updates brings at most (Bot API, getUpdates).
const BATCH: usize = 100;

/// What was said and is not confirmed.
#[derive(Default)]
pub(super) struct State {
    updates: Mutex<VecDeque<Update>>,
    news: Notify,
}

struct Update {
    id: u64,
    user: u64,
    body: Value,
}

pub(super) fn router(world: Arc<World>) -> Router {
    Router::new().route("/{bot}/{method}", any(call)).with_state(world)
}

pub(super) fn say(world: &World, user: u64, text: &str) {
    let id = world.take_id();
    let message = json!({
        "message_id": id,
        "date": chrono::Utc::now().timestamp(),
        "chat": { "id": user, "type": "private", "first_name": "Robin" },
        "from": { "id": user, "is_bot": false, "first_name": "Robin", "language_code": "en" },
        "text": text,
    });
    let body = json!({ "update_id": id, "message": message });
    locked(&world.telegram.updates).push_back(Update { id, user, body });
    world.telegram.news.notify_waiters();
}

async fn call(
    From(world): From<Arc<World>>,
    Path((_, method)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let result = match method.to_lowercase().as_str() {
        "getme" => me(),
        "getupdates" => updates(&world, &body).await,
        "sendmessage" => message(&world, &body, world.take_id()),
        "editmessagetext" => {
            let id = body.get("message_id").and_then(Value::as_u64).unwrap_or_default();
            message(&world, &body, id)
        }
        "deletewebhook" | "setmycommands" | "sendchataction" | "deletemessage" | "answercallbackquery" => {
            json!(true)
        }
        _ => {
            let refusal =
                json!({ "ok": false, "error_code": 404, "description": "Not Found: method not found" });
            return (StatusCode::NOT_FOUND, Json(refusal)).into_response();
        }
    };
    Json(json!({ "ok": true, "result": result })).into_response()
}

fn me() -> Value {
    json!({
        "id": 4242, "is_bot": true, "first_name": "Loopback", "username": "loopback_bot", "can_join_groups": true,
        "can_read_all_group_messages": false, "supports_inline_queries": false, "can_connect_to_business": false,
        "has_main_web_app": false,
    })
}

async fn updates(world: &World, body: &Value) -> Value {
    world.connect();
    let number = |key: &str| body.get(key).and_then(Value::as_u64).unwrap_or_default();
    let (offset, until) = (number("offset"), Instant::now() + Duration::from_secs(number("timeout")));
    let state = &world.telegram;
    loop {
        let mut news = std::pin::pin!(state.news.notified());
        // What is said from now on wakes it.
        news.as_mut().enable();
        let batch: Vec<Value> = {
            let mut updates = locked(&state.updates);
            updates.retain(|update| update.id >= offset);
            let batch = updates.iter().take(BATCH);
            batch
                .map(|update| {
                    world.delivered(update.user);
                    update.body.clone()
                })
                .collect()
        };
        if !batch.is_empty() || tokio::time::timeout_at(until, news).await.is_err() {
            return Value::Array(batch);
        }
    }
}

/// A message of the bot, new or changed.
fn message(world: &World, body: &Value, id: u64) -> Value {
    let chat = body.get("chat_id").and_then(Value::as_u64).unwrap_or_default();
    let text = body.get("text").and_then(Value::as_str).unwrap_or_default();
    world.shown(chat, text);
    json!({
        "message_id": id,
        "date": chrono::Utc::now().timestamp(),
        "chat": { "id": chat, "type": "private", "first_name": "Robin" },
        "text": text,
    })
}
