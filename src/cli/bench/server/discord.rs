//! A Discord server: gateway v10 in (no compression), REST out, private channels only.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::{
        Path, State as From, WebSocketUpgrade,
        ws::{Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{World, locked};

/// The user and the application of the bot.
const BOT: &str = "4242";
/// A server that the bot is in, so that there is one to come into sight.
const GUILD: &str = "77";
/// Message Content is switched on (Discord's documentation, "Application Flags", bit 19).
const SEES_CONTENT: u64 = 1 << 19;
/// How often the bot is to say that it is there, in milliseconds: what Discord asks for.
const HEARTBEAT: u64 = 41_250;

/// The bot's connection to the gateway.
#[derive(Default)]
pub(super) struct State {
    gateway: Mutex<Gateway>,
}

#[derive(Default)]
struct Gateway {
    sequence: u64,
    wire: Option<mpsc::UnboundedSender<Out>>,
}

/// What goes out over the gateway; with a user, it is what that user said.
type Out = (Value, Option<u64>);

pub(super) fn router(world: Arc<World>) -> Router {
    let api = Router::new()
        .route("/users/@me", get(|| async { Json(me()) }))
        .route("/applications/@me", get(|| async { Json(json!({ "id": BOT, "flags": SEES_CONTENT })) }))
        .route("/applications/{id}/commands", any(|| async { Json(json!([])) }))
        .route("/gateway/bot", get(gateway_address))
        .route("/channels/{channel}/messages", get(|| async { Json(json!([])) }).post(create))
        .route("/channels/{channel}/messages/{id}", any(change))
        .route("/channels/{channel}/typing", post(|| async { StatusCode::NO_CONTENT }));
    Router::new().nest("/api/v10", api).fallback(upgrade).with_state(world)
}

pub(super) fn say(world: &World, user: u64, text: &str) {
    let id = world.take_id().to_string();
    // Everybody's private channel has their own number.
    let message = json!({
        "id": id, "channel_id": user.to_string(), "type": 0, "content": text,
        "author": { "id": user.to_string(), "username": "robin", "global_name": "Robin", "bot": false },
        "timestamp": chrono::Utc::now().to_rfc3339(), "edited_timestamp": null, "tts": false,
        "mention_everyone": false, "mentions": [], "mention_roles": [], "attachments": [], "embeds": [],
        "pinned": false,
    });
    locked(&world.discord.gateway).dispatch("MESSAGE_CREATE", &message, Some(user));
}

impl Gateway {
    fn dispatch(&mut self, name: &str, data: &Value, user: Option<u64>) {
        self.sequence += 1;
        let event = json!({ "op": 0, "t": name, "s": self.sequence, "d": data });
        if let Some(wire) = &self.wire {
            // A connection that has just ended is noticed by who waits for an answer.
            let _ = wire.send((event, user));
        }
    }
}

fn me() -> Value {
    json!({ "id": BOT, "username": "loopback", "discriminator": "0000", "global_name": null, "bot": true })
}

async fn gateway_address(From(world): From<Arc<World>>) -> Json<Value> {
    Json(json!({
        "url": format!("ws://{}", world.address), "shards": 1,
        "session_start_limit": {
            "total": 1_000, "remaining": 1_000, "reset_after": 14_400_000, "max_concurrency": 1,
        },
    }))
}

async fn create(
    From(world): From<Arc<World>>,
    Path(channel): Path<u64>,
    Json(body): Json<Value>,
) -> Json<Value> {
    let id = world.take_id();
    Json(message(&world, channel, id, &body))
}

async fn change(
    From(world): From<Arc<World>>,
    Path((channel, id)): Path<(u64, u64)>,
    Json(body): Json<Value>,
) -> Json<Value> {
    Json(message(&world, channel, id, &body))
}

/// A message of the bot, new or changed.
fn message(world: &World, channel: u64, id: u64, body: &Value) -> Value {
    let text = body.get("content").and_then(Value::as_str).unwrap_or_default();
    world.shown(channel, text);
    json!({
        "id": id.to_string(), "channel_id": channel.to_string(), "author": me(), "content": text, "type": 0,
        "timestamp": chrono::Utc::now().to_rfc3339(), "nonce": body.get("nonce"),
    })
}

async fn upgrade(
    From(world): From<Arc<World>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match upgrade {
        Ok(upgrade) => upgrade.on_upgrade(move |socket| talk(world, socket)),
        Err(_) => {
            let refusal = json!({ "message": "404: Not Found", "code": 0 });
            (StatusCode::NOT_FOUND, Json(refusal)).into_response()
        }
    }
}

/// One connection, until it ends.
async fn talk(world: Arc<World>, mut socket: WebSocket) {
    let (wire, mut outgoing) = mpsc::unbounded_channel();
    // Nobody else has the receiver.
    let _ = wire.send((json!({ "op": 10, "d": { "heartbeat_interval": HEARTBEAT } }), None));
    loop {
        tokio::select! {
            Some((event, user)) = outgoing.recv() => {
                if let Some(user) = user {
                    world.delivered(user);
                }
                if socket.send(Message::Text(event.to_string().into())).await.is_err() {
                    return;
                }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => heard(&world, &text, &wire),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            }
        }
    }
}

/// What the bot says over the gateway (Discord's documentation, "Gateway Opcodes").
fn heard(world: &World, text: &str, wire: &mpsc::UnboundedSender<Out>) {
    let payload: Value = serde_json::from_str(text).unwrap_or_default();
    let mut gateway = locked(&world.discord.gateway);
    match payload.get("op").and_then(Value::as_u64) {
        Some(1) => {
            let _ = wire.send((json!({ "op": 11 }), None));
        }
        Some(2) => {
            *gateway = Gateway { sequence: 0, wire: Some(wire.clone()) };
            let ready = json!({
                "v": 10, "user": me(), "session_id": "loopback", "shard": [0, 1],
                "resume_gateway_url": format!("ws://{}", world.address),
                "guilds": [{ "id": GUILD, "unavailable": true }],
                "application": { "id": BOT, "flags": SEES_CONTENT },
            });
            gateway.dispatch("READY", &ready, None);
            let guild =
                json!({ "id": GUILD, "name": "Loopback", "channels": [], "threads": [], "roles": [] });
            gateway.dispatch("GUILD_CREATE", &guild, None);
            world.connect();
        }
        Some(6) => {
            gateway.wire = Some(wire.clone());
            gateway.dispatch("RESUMED", &json!({}), None);
            world.connect();
        }
        _ => {}
    }
}
