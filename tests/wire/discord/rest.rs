//! REST: who asks, what meets the request, and which answer it gets.

use std::{collections::HashMap, panic::resume_unwind, sync::Arc, time::Instant};

use axum::{
    body::to_bytes,
    extract::{Request as Incoming, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    Discord, Shared, commands, faults,
    faults::Fault,
    form, interactions, limits,
    limits::Standing,
    messages, places, webhooks,
    world::{Id, Request, World},
};

/// A request, read.
pub struct Call {
    pub method: String,
    pub path: String,
    pub query: HashMap<String, String>,
    pub body: Value,
    /// Names and sizes of uploaded files.
    pub files: Vec<(String, usize)>,
    pub bot: Option<Id>,
}

pub enum Done {
    Json(Value),
    Nothing,
}

/// Why Discord does not do something.
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    pub code: u64,
    pub message: String,
    pub errors: Option<Value>,
}

pub type Reply = Result<Done, Refusal>;

pub fn refuse(status: u16, code: u64, message: &str) -> Refusal {
    Refusal { status, code, message: message.to_owned(), errors: None }
}

pub fn unknown_channel() -> Refusal {
    refuse(404, 10_003, "Unknown Channel")
}

pub fn unknown_message() -> Refusal {
    refuse(404, 10_008, "Unknown Message")
}

/// `Invalid Form Body` with the field (`content`, `options.0.name`) and what is wrong with it.
pub fn invalid(field: &str, code: &str, message: &str) -> Refusal {
    let mut errors = json!({ "_errors": [{ "code": code, "message": message }] });
    for part in field.rsplit('.') {
        errors = json!({ part: errors });
    }
    Refusal { status: 400, code: 50_035, message: "Invalid Form Body".to_owned(), errors: Some(errors) }
}

pub fn too_long(field: &str, limit: usize) -> Refusal {
    invalid(field, "BASE_TYPE_MAX_LENGTH", &format!("Must be {limit} or fewer in length."))
}

pub fn number(text: &str) -> Id {
    text.parse().unwrap_or(0)
}

/// A snowflake in a body.
pub fn snowflake(value: &Value) -> Option<Id> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

pub async fn serve(State(shared): State<Arc<Shared>>, incoming: Incoming) -> Response {
    let (call, host, query) = read(incoming).await;
    let entry = {
        let mut world = shared.world.lock().unwrap();
        world.journal.push(Request {
            at: Instant::now(),
            method: call.method.clone(),
            path: call.path.clone(),
            query,
            host,
            bot: None,
            body: call.body.clone(),
            status: None,
        });
        world.journal.len() - 1
    };
    // What a client asked for is done, even when it is killed before the answer.
    let working = Arc::clone(&shared);
    let work = tokio::spawn(async move { meet(&working, call, entry).await });
    let Some(response) = work.await.unwrap() else {
        // Ends the connection's task, and the connection with it, without a word in the test's output.
        resume_unwind(Box::new("the answer is lost on purpose"))
    };
    if let Some(it) = shared.world.lock().unwrap().journal.get_mut(entry) {
        it.status = Some(response.status().as_u16());
    }
    response
}

/// Whether a path needs no token of a bot: the gateway's address, webhooks and interactions carry their own.
fn open(path: &str) -> bool {
    let own = path.strip_prefix("/webhooks/").is_some_and(|rest| rest.contains('/'));
    path == "/gateway" || own || path.starts_with("/interactions/")
}

/// The answer; `None` when none is given.
async fn meet(shared: &Arc<Shared>, mut call: Call, entry: usize) -> Option<Response> {
    let (fault, delays) = {
        let mut world = shared.world.lock().unwrap();
        let token = call.query.remove("\0authorization").unwrap_or_default();
        let bot = token.strip_prefix("Bot ").unwrap_or_default().to_owned();
        call.bot = world.bots.iter().find(|it| it.token == bot && !it.gone).map(|it| it.id);
        if let Some(it) = world.journal.get_mut(entry) {
            it.bot = call.bot;
        }
        if call.bot.is_none() && (!open(&call.path) || !token.is_empty()) {
            return Some(answer(401, &json!({ "message": "401: Unauthorized", "code": 0 }), None));
        }
        (faults::take(&mut world.rules, &call.method, &call.path), world.settings.latency)
    };
    tokio::time::sleep(delays.0).await;
    let handle = Discord { shared: Arc::clone(shared), server: None };
    match fault {
        None => {}
        Some(Fault::RateLimited { retry_after, global }) => return Some(flooded(retry_after, global, None)),
        Some(Fault::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap();
            return Some((status, format!("{status}")).into_response());
        }
        Some(Fault::Refused { status, code, message }) => {
            return Some(answer(status, &json!({ "message": message, "code": code }), None));
        }
        Some(Fault::Reset) => return None,
        Some(Fault::DoneButSilent) => {
            let _ = act(shared, &call);
            return None;
        }
        Some(Fault::Slow(pause)) => tokio::time::sleep(pause).await,
        Some(Fault::Gate(gate)) => gate.pass().await,
        Some(Fault::Before(hook)) => hook(&handle),
        Some(Fault::After(hook)) => {
            let response = act(shared, &call);
            hook(&handle);
            return Some(response);
        }
    }
    let response = act(shared, &call);
    tokio::time::sleep(delays.1).await;
    Some(response)
}

fn act(shared: &Shared, call: &Call) -> Response {
    let mut world = shared.world.lock().unwrap();
    let segments: Vec<&str> = call.path.split('/').skip(1).collect();
    let bucket = limits::bucket(&call.method, &segments);
    let strict = world.settings.limits;
    let major = segments.get(1).copied().unwrap_or_default();
    let standing = world.buckets.take(call.bot, bucket, major, strict);
    if standing.exceeded {
        return flooded(standing.reset_after.as_secs_f64(), false, Some(&standing));
    }
    match route(&mut world, call, &segments) {
        Ok(Done::Json(body)) => answer(200, &body, Some(&standing)),
        Ok(Done::Nothing) => {
            let mut response = StatusCode::NO_CONTENT.into_response();
            describe(response.headers_mut(), &standing);
            response
        }
        Err(refusal) => {
            let mut body = json!({ "message": refusal.message, "code": refusal.code });
            if let Some(errors) = refusal.errors {
                body["errors"] = errors;
            }
            answer(refusal.status, &body, Some(&standing))
        }
    }
}

fn route(world: &mut World, call: &Call, segments: &[&str]) -> Reply {
    match segments {
        ["interactions", interaction, token, "callback"] => {
            interactions::callback(world, call, number(interaction), token)
        }
        ["webhooks", hook, token, rest @ ..] => webhooks::with_token(world, call, number(hook), token, rest),
        ["gateway"] => Ok(Done::Json(json!({ "url": world.gateway_url() }))),
        _ => {
            // Who has no token did not come this far.
            let bot = call.bot.ok_or_else(|| refuse(401, 0, "401: Unauthorized"))?;
            match segments {
                ["channels", channel, "messages", rest @ ..] => {
                    messages::route(world, call, bot, number(channel), rest)
                }
                ["channels" | "guilds", _, "webhooks"] | ["webhooks", _] => {
                    webhooks::route(world, call, bot, segments)
                }
                ["applications", application, rest @ ..] if *application != "@me" => {
                    commands::route(world, call, bot, number(application), rest)
                }
                _ => places::route(world, call, bot, segments),
            }
        }
    }
}

fn describe(headers: &mut HeaderMap, standing: &Standing) {
    let reset = chrono::Utc::now() + standing.reset_after;
    let lines = [
        ("x-ratelimit-limit", standing.limit.to_string()),
        ("x-ratelimit-remaining", standing.remaining.to_string()),
        ("x-ratelimit-reset", format!("{:.3}", reset.timestamp_micros() as f64 / 1e6)),
        ("x-ratelimit-reset-after", format!("{:.3}", standing.reset_after.as_secs_f64())),
        ("x-ratelimit-bucket", standing.bucket.to_owned()),
    ];
    for (name, value) in lines {
        headers.insert(name, HeaderValue::from_str(&value).unwrap());
    }
}

fn answer(status: u16, body: &Value, standing: Option<&Standing>) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    let mut response = (status, [("content-type", "application/json")], body.to_string()).into_response();
    if let Some(standing) = standing {
        describe(response.headers_mut(), standing);
    }
    response
}

fn flooded(retry_after: f64, global: bool, standing: Option<&Standing>) -> Response {
    let mut response = answer(429, &faults::limited(retry_after, global), standing);
    let headers = response.headers_mut();
    headers.insert("retry-after", HeaderValue::from_str(&format!("{:.0}", retry_after.ceil())).unwrap());
    headers.insert("x-ratelimit-scope", HeaderValue::from_static(if global { "global" } else { "user" }));
    headers.insert("via", HeaderValue::from_static("1.1 google"));
    if global {
        headers.insert("x-ratelimit-global", HeaderValue::from_static("true"));
    }
    response
}

async fn read(incoming: Incoming) -> (Call, String, String) {
    let (parts, body) = incoming.into_parts();
    let header = |name: &str| {
        let value = parts.headers.get(name).and_then(|it| it.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let raw = parts.uri.path();
    let path = raw.strip_prefix("/api/v10").unwrap_or("/not-the-api");
    let text = parts.uri.query().unwrap_or_default().to_owned();
    let mut query: HashMap<String, String> = text
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (form::decoded(key), form::decoded(value)))
        .collect();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let (body, files) = form::body(&header("content-type"), &bytes);
    query.insert("\0authorization".to_owned(), header("authorization"));
    let call =
        Call { method: parts.method.to_string(), path: form::decoded(path), query, body, files, bot: None };
    (call, header("host"), text)
}
