//! A Bot API server without Telegram: chats, people and a bot's messages, as far as the adapter uses them, with faults on
//! demand. Its state outlives the program under test, as Telegram's would.

#![allow(dead_code, unreachable_pub)]
#![allow(clippy::string_slice, clippy::needless_pass_by_value, clippy::manual_assert)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod html;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

pub const TOKEN: &str = "4242:wire-token";
pub const BOT: i64 = 4242;
pub const BOT_NAME: &str = "wire_bot";

/// What goes wrong with the next call of a method.
#[derive(Debug, Clone)]
pub enum Fault {
    /// 429 with `retry_after` seconds; nothing is done.
    Flood(u64),
    /// This status and description; nothing is done.
    Status(u16, String),
    /// It is done, but the answer never comes.
    DoneButSilent,
    /// It is done after this time.
    Slow(Duration),
}

/// A message as people see it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub chat: i64,
    pub id: i64,
    pub from_bot: bool,
    pub text: String,
    pub html: bool,
    pub reply_to: Option<i64>,
    pub thread: Option<i64>,
    pub edits: Vec<(Instant, String)>,
    pub at: Instant,
    pub deleted: bool,
    /// Buttons: what they say, and what they bring back.
    pub buttons: Vec<(String, String)>,
}

#[derive(Default)]
struct World {
    updates: VecDeque<Value>,
    next_update: i64,
    next_message: HashMap<i64, i64>,
    next_private: i64,
    messages: Vec<Seen>,
    faults: HashMap<String, VecDeque<Fault>>,
    calls: Vec<(String, Value, Instant)>,
    blocked: Vec<i64>,
    moved: HashMap<i64, i64>,
    commands: HashMap<String, Value>,
    presses: Vec<(String, String)>,
    allowed: Value,
    polls: u64,
}

struct Shared {
    world: Mutex<World>,
    news: Notify,
    changed: Notify,
}

/// The server. It stops when dropped.
pub struct Telegram {
    shared: Arc<Shared>,
    address: std::net::SocketAddr,
    server: JoinHandle<()>,
}

impl Drop for Telegram {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Telegram {
    pub async fn start() -> Self {
        let shared = Arc::new(Shared {
            world: Mutex::new(World { next_update: 1, next_private: 100, ..World::default() }),
            news: Notify::new(),
            changed: Notify::new(),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/{bot}/{method}", any(call)).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { shared, address, server }
    }

    pub fn api_url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap()
    }

    fn update(&self, kind: &str, body: Value) {
        let mut world = self.world();
        let id = world.next_update;
        world.next_update += 1;
        world.updates.push_back(json!({ "update_id": id, kind: body }));
        drop(world);
        self.shared.news.notify_waiters();
    }

    /// Somebody says something in private. Gives the message's id.
    pub fn say(&self, user: i64, text: &str) -> i64 {
        let id = self.world().take_id(user);
        self.update("message", message(id, user, private(user), text, &json!({})));
        id
    }

    /// Somebody changes what they said in private.
    pub fn edit(&self, user: i64, id: i64, text: &str) {
        let more = json!({ "edit_date": 1_700_000_100 });
        self.update("edited_message", message(id, user, private(user), text, &more));
    }

    /// Somebody says something in a group (a negative id), perhaps in a topic, perhaps in reply to a message of the bot.
    pub fn say_in(
        &self,
        group: i64,
        user: i64,
        text: &str,
        topic: Option<i64>,
        reply_to: Option<i64>,
    ) -> i64 {
        let id = self.world().take_id(group);
        let mut more = json!({});
        if let Some(topic) = topic {
            more["message_thread_id"] = json!(topic);
            more["is_topic_message"] = json!(true);
        }
        if let Some(replied) = reply_to {
            let chat = group_chat(group);
            more["reply_to_message"] = json!({
                "message_id": replied, "date": 1_700_000_000, "chat": chat, "text": "earlier", "from": bot(),
            });
        }
        self.update("message", message(id, user, group_chat(group), text, &more));
        id
    }

    /// A group becomes a supergroup.
    pub fn migrate(&self, group: i64, supergroup: i64) {
        self.world().moved.insert(group, supergroup);
    }

    pub fn block(&self, user: i64) {
        self.world().blocked.push(user);
    }

    /// The next call of `method` meets this.
    pub fn fail(&self, method: &str, fault: Fault) {
        self.world().faults.entry(method.to_lowercase()).or_default().push_back(fault);
    }

    /// What the bot shows in a chat, oldest first.
    pub fn shown(&self, chat: i64) -> Vec<Seen> {
        let world = self.world();
        world.messages.iter().filter(|it| it.chat == chat && !it.deleted).cloned().collect()
    }

    pub fn all_shown(&self) -> Vec<Seen> {
        self.world().messages.iter().filter(|it| !it.deleted).cloned().collect()
    }

    /// Calls of a method, with their bodies.
    pub fn calls(&self, method: &str) -> Vec<(Value, Instant)> {
        let world = self.world();
        let of = world.calls.iter().filter(|(name, ..)| name.eq_ignore_ascii_case(method));
        of.map(|(_, body, at)| (body.clone(), *at)).collect()
    }

    /// The menu of commands for a language; the empty one is for everybody else.
    pub fn commands_in(&self, language: &str) -> Value {
        self.world().commands.get(language).cloned().unwrap_or_default()
    }

    pub fn commands(&self) -> Value {
        self.commands_in("")
    }

    /// Somebody presses a button. Gives the id of the press.
    pub fn press(&self, user: i64, shown: &Seen, label: &str) -> String {
        let data = shown.buttons.iter().find(|(name, _)| name == label);
        let data = &data.unwrap_or_else(|| panic!("a button {label} under {shown:#?}")).1;
        self.press_data(user, shown, data)
    }

    /// The same, with whatever the button was made to bring back.
    pub fn press_data(&self, user: i64, shown: &Seen, data: &str) -> String {
        let id = format!("press-{}", self.world().next_update);
        assert!(self.world().allowed.to_string().contains("callback_query"), "presses are not asked for");
        let mut on = as_message(shown);
        if let Some(thread) = shown.thread {
            on["message_thread_id"] = json!(thread);
            on["is_topic_message"] = json!(true);
        }
        let from = json!({ "id": user, "is_bot": false, "first_name": format!("User{user}") });
        let query = json!({ "id": id, "from": from, "message": on, "chat_instance": "1", "data": data });
        self.update("callback_query", query);
        id
    }

    /// What whoever pressed was told, if the press was answered.
    pub fn notice(&self, press: &str) -> Option<String> {
        self.world().presses.iter().find(|(id, _)| id == press).map(|(_, text)| text.clone())
    }

    pub fn polls(&self) -> u64 {
        self.world().polls
    }

    /// Updates that are not confirmed yet.
    pub fn unconfirmed(&self) -> usize {
        self.world().updates.len()
    }

    /// Waits until `fits` holds; panics with what is shown when it does not within 30 s.
    pub async fn until(&self, what: &str, fits: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !fits(self) {
            if Instant::now() > deadline {
                panic!("not within 30 s: {what}; shown: {:#?}", self.all_shown());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl World {
    /// Ids grow; in private chats they are counted for the whole account, as Telegram does.
    fn take_id(&mut self, chat: i64) -> i64 {
        let next = if chat > 0 { &mut self.next_private } else { self.next_message.entry(chat).or_insert(1) };
        *next += 1;
        *next
    }
}

fn bot() -> Value {
    json!({ "id": BOT, "is_bot": true, "first_name": "Wire", "username": BOT_NAME })
}

fn private(user: i64) -> Value {
    json!({ "id": user, "type": "private", "first_name": format!("User{user}") })
}

fn group_chat(group: i64) -> Value {
    json!({ "id": group, "type": "supergroup", "title": "A group" })
}

fn message(id: i64, user: i64, chat: Value, text: &str, more: &Value) -> Value {
    let mut message = json!({
        "message_id": id,
        "date": chrono::Utc::now().timestamp(),
        "chat": chat,
        "from": { "id": user, "is_bot": false, "first_name": format!("User{user}"), "language_code": "en" },
        "text": text,
        "entities": entities(text),
    });
    for (key, value) in more.as_object().unwrap() {
        message[key] = value.clone();
    }
    message
}

/// Mentions and commands, as Telegram finds them.
fn entities(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut offset = 0;
    for word in text.split_inclusive(' ') {
        let bare = word.trim_end();
        let kind = match bare.chars().next() {
            Some('@') => Some("mention"),
            Some('/') => Some("bot_command"),
            _ => None,
        };
        if let Some(kind) = kind {
            let length = bare.trim_end_matches([',', '?', '!']).encode_utf16().count();
            found.push(json!({ "type": kind, "offset": offset, "length": length }));
        }
        offset += word.encode_utf16().count();
    }
    found
}

fn refuse(status: u16, description: &str) -> Response {
    let body = json!({ "ok": false, "error_code": status, "description": description });
    answer(status, &body)
}

fn answer(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("content-type", "application/json")], body.to_string()).into_response()
}

fn ok(result: &Value) -> Response {
    answer(200, &json!({ "ok": true, "result": result }))
}

async fn call(
    State(shared): State<Arc<Shared>>,
    Path((who, method)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    if who != format!("bot{TOKEN}") {
        return refuse(401, "Unauthorized");
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_else(|_| json!({}));
    let method = method.to_lowercase();
    let fault = {
        let mut world = shared.world.lock().unwrap();
        if method != "getupdates" {
            world.calls.push((method.clone(), body.clone(), Instant::now()));
        }
        world.faults.get_mut(&method).and_then(VecDeque::pop_front)
    };
    match fault {
        Some(Fault::Flood(seconds)) => {
            return answer(
                429,
                &json!({
                    "ok": false, "error_code": 429, "description": format!("Too Many Requests: retry after {seconds}"),
                    "parameters": { "retry_after": seconds },
                }),
            );
        }
        Some(Fault::Status(status, description)) => return refuse(status, &description),
        Some(Fault::DoneButSilent) => {
            let _ = act(&shared, &method, &body).await;
            // The connection ends without an answer.
            panic!("the answer is lost on purpose");
        }
        Some(Fault::Slow(pause)) => tokio::time::sleep(pause).await,
        None => {}
    }
    act(&shared, &method, &body).await
}

async fn act(shared: &Shared, method: &str, body: &Value) -> Response {
    match method {
        "getme" => {
            let mut me = bot();
            for key in
                ["can_join_groups", "supports_inline_queries", "can_connect_to_business", "has_main_web_app"]
            {
                me[key] = json!(true);
            }
            me["can_read_all_group_messages"] = json!(false);
            ok(&me)
        }
        "deletewebhook" | "sendchataction" => ok(&json!(true)),
        "setmycommands" => {
            let language = body["language_code"].as_str().unwrap_or_default().to_owned();
            shared.world.lock().unwrap().commands.insert(language, body["commands"].clone());
            ok(&json!(true))
        }
        "getupdates" => updates(shared, body).await,
        "sendmessage" => send(shared, body),
        "editmessagetext" => edit(shared, body),
        "editmessagereplymarkup" => probe(shared, body),
        "deletemessage" => delete(shared, body),
        "answercallbackquery" => {
            let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
            shared.world.lock().unwrap().presses.push((text("callback_query_id"), text("text")));
            ok(&json!(true))
        }
        _ => refuse(404, "Not Found: method not found"),
    }
}

async fn updates(shared: &Shared, body: &Value) -> Response {
    let offset = body["offset"].as_i64().unwrap_or(0);
    let until = Instant::now() + Duration::from_secs(body["timeout"].as_u64().unwrap_or(0));
    loop {
        let woken = shared.news.notified();
        {
            let mut world = shared.world.lock().unwrap();
            world.polls += 1;
            world.allowed = body["allowed_updates"].clone();
            world.updates.retain(|update| update["update_id"].as_i64().unwrap() >= offset);
            let batch: Vec<Value> = world.updates.iter().take(100).cloned().collect();
            if !batch.is_empty() || Instant::now() >= until {
                return ok(&json!(batch));
            }
        }
        let _ = tokio::time::timeout_at(until.into(), woken).await;
    }
}

/// What a text looks like to people, or why Telegram does not take it.
fn visible(body: &Value) -> Result<(String, bool), String> {
    let raw = body["text"].as_str().unwrap_or_default();
    let html = body["parse_mode"].as_str() == Some("HTML");
    let text = if html {
        html::visible(raw).map_err(|why| format!("Bad Request: can't parse entities: {why}"))?
    } else {
        raw.to_owned()
    };
    if text.trim().is_empty() {
        return Err("Bad Request: message text is empty".to_owned());
    }
    if text.encode_utf16().count() > 4_096 {
        return Err("Bad Request: message is too long".to_owned());
    }
    Ok((text, html))
}

fn send(shared: &Shared, body: &Value) -> Response {
    let chat = body["chat_id"].as_i64().unwrap();
    let mut world = shared.world.lock().unwrap();
    if world.blocked.contains(&chat) {
        return refuse(403, "Forbidden: bot was blocked by the user");
    }
    if let Some(new) = world.moved.get(&chat) {
        return answer(
            400,
            &json!({
                "ok": false, "error_code": 400,
                "description": "Bad Request: group chat was upgraded to a supergroup chat",
                "parameters": { "migrate_to_chat_id": new },
            }),
        );
    }
    let (text, html) = match visible(body) {
        Ok(visible) => visible,
        Err(why) => return refuse(400, &why),
    };
    let id = world.take_id(chat);
    let seen = Seen {
        chat,
        id,
        from_bot: true,
        text,
        html,
        reply_to: body["reply_parameters"]["message_id"].as_i64(),
        thread: body["message_thread_id"].as_i64(),
        edits: Vec::new(),
        at: Instant::now(),
        deleted: false,
        buttons: match buttons(body) {
            Ok(buttons) => buttons,
            Err(why) => return refuse(400, &why),
        },
    };
    let result = as_message(&seen);
    world.messages.push(seen);
    drop(world);
    shared.changed.notify_waiters();
    ok(&result)
}

/// The inline keyboard of a message.
fn buttons(body: &Value) -> Result<Vec<(String, String)>, String> {
    let rows = body["reply_markup"]["inline_keyboard"].as_array().cloned().unwrap_or_default();
    let row = |row: Value| row.as_array().cloned().unwrap_or_default();
    rows.into_iter()
        .flat_map(row)
        .map(|button| {
            let text = |key: &str| button[key].as_str().unwrap_or_default().to_owned();
            if text("callback_data").is_empty() || text("callback_data").len() > 64 {
                return Err("Bad Request: BUTTON_DATA_INVALID".to_owned());
            }
            Ok((text("text"), text("callback_data")))
        })
        .collect()
}

fn as_message(seen: &Seen) -> Value {
    let chat = if seen.chat > 0 { private(seen.chat) } else { group_chat(seen.chat) };
    json!({ "message_id": seen.id, "date": 1_700_000_000, "chat": chat, "from": bot(), "text": seen.text })
}

fn edit(shared: &Shared, body: &Value) -> Response {
    let (chat, id) = (body["chat_id"].as_i64().unwrap(), body["message_id"].as_i64().unwrap());
    let (text, _) = match visible(body) {
        Ok(visible) => visible,
        Err(why) => return refuse(400, &why),
    };
    let mut world = shared.world.lock().unwrap();
    let Some(seen) = world.messages.iter_mut().find(|it| it.chat == chat && it.id == id && !it.deleted)
    else {
        return refuse(400, "Bad Request: message to edit not found");
    };
    let buttons = match buttons(body) {
        Ok(buttons) => buttons,
        Err(why) => return refuse(400, &why),
    };
    if seen.text == text && seen.buttons == buttons {
        return refuse(400, NOT_MODIFIED);
    }
    seen.buttons = buttons;
    seen.text.clone_from(&text);
    seen.edits.push((Instant::now(), text));
    ok(&as_message(seen))
}

const NOT_MODIFIED: &str = "Bad Request: message is not modified: specified new message content and reply markup are exactly the \
    same as a current content and reply markup of the message";

fn probe(shared: &Shared, body: &Value) -> Response {
    let (chat, id) = (body["chat_id"].as_i64().unwrap(), body["message_id"].as_i64().unwrap());
    let mut world = shared.world.lock().unwrap();
    let found = world.messages.iter_mut().find(|it| it.chat == chat && it.id == id && !it.deleted);
    let Some(seen) = found else { return refuse(400, "Bad Request: message to edit not found") };
    let buttons = match buttons(body) {
        Ok(buttons) => buttons,
        Err(why) => return refuse(400, &why),
    };
    if seen.buttons == buttons {
        return refuse(400, NOT_MODIFIED);
    }
    seen.buttons = buttons;
    ok(&as_message(seen))
}

fn delete(shared: &Shared, body: &Value) -> Response {
    let (chat, id) = (body["chat_id"].as_i64().unwrap(), body["message_id"].as_i64().unwrap());
    let mut world = shared.world.lock().unwrap();
    match world.messages.iter_mut().find(|it| it.chat == chat && it.id == id && !it.deleted) {
        Some(seen) => {
            seen.deleted = true;
            ok(&json!(true))
        }
        None => refuse(400, "Bad Request: message to delete not found"),
    }
}
