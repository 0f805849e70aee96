//! A Bot API server without Telegram: chats, people and a bot's messages, as far as the adapter uses them, with faults on
//! demand. Its state outlives the program under test, as Telegram's would.

#![allow(dead_code, unreachable_pub)]
#![allow(clippy::string_slice, clippy::needless_pass_by_value, clippy::manual_assert)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod html;
mod server;
pub mod webhook;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use axum::{Router, routing::any};
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
    /// 307 to the same call at this address; nothing is done.
    Elsewhere(String),
    /// It is done, but the answer never comes.
    DoneButSilent,
    /// It is done after this time.
    Slow(Duration),
    /// It is done after this time, even if who asked for it is gone by then.
    Late(Duration),
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
    hook: Option<webhook::Hook>,
    /// What comes by webhook comes twice at once.
    doubled: bool,
    /// Groups where the bot is an administrator.
    administered: Vec<i64>,
    descriptions: HashMap<String, String>,
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
    deliveries: JoinHandle<()>,
}

impl Drop for Telegram {
    fn drop(&mut self) {
        self.server.abort();
        self.deliveries.abort();
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
        let router =
            Router::new().route("/{bot}/{method}", any(server::call)).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        let deliveries = tokio::spawn(webhook::deliver(Arc::clone(&shared)));
        Self { shared, address, server, deliveries }
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

    /// A message with anything in it, such as a file.
    pub fn send_in(&self, chat: i64, user: i64, more: &Value) -> i64 {
        let id = self.world().take_id(chat);
        let place = if chat > 0 { private(chat) } else { group_chat(chat) };
        let mut sent = message(id, user, place, "", more);
        if more["text"].is_null() {
            sent.as_object_mut().unwrap().remove("text");
            sent.as_object_mut().unwrap().remove("entities");
        }
        self.update("message", sent);
        id
    }

    /// Any update, if the bot asked for its kind.
    pub fn anything(&self, kind: &str, body: Value) {
        if self.world().allowed.to_string().contains(kind) {
            self.update(kind, body);
        }
    }

    /// Somebody changes their reactions to a message. In groups only administrators are told.
    pub fn react(&self, user: i64, chat: i64, message: i64, (old, new): (&[&str], &[&str])) {
        let all = |emoji: &[&str]| -> Vec<Value> {
            emoji.iter().map(|emoji| json!({ "type": "emoji", "emoji": emoji })).collect()
        };
        let place = if chat > 0 { private(chat) } else { group_chat(chat) };
        let from = json!({ "id": user, "is_bot": false, "first_name": format!("User{user}") });
        if chat > 0 || self.world().administered.contains(&chat) {
            let body = json!({
                "chat": place, "message_id": message, "user": from, "date": 1_700_000_200,
                "old_reaction": all(old), "new_reaction": all(new),
            });
            self.anything("message_reaction", body);
        }
    }

    /// The bot becomes an administrator of a group.
    pub fn promote(&self, group: i64) {
        self.world().administered.push(group);
    }

    /// A group becomes a supergroup.
    pub fn migrate(&self, group: i64, supergroup: i64) {
        self.world().moved.insert(group, supergroup);
    }

    /// The same, and the bot is told in both.
    pub fn migrate_and_tell(&self, group: i64, supergroup: i64) {
        self.migrate(group, supergroup);
        let mut old = group_chat(group);
        old["type"] = json!("group");
        let first = self.world().take_id(group);
        let second = self.world().take_id(supergroup);
        let mut here = message(first, 7, old, "", &json!({ "migrate_to_chat_id": supergroup }));
        let mut there =
            message(second, 7, group_chat(supergroup), "", &json!({ "migrate_from_chat_id": group }));
        for service in [&mut here, &mut there] {
            service.as_object_mut().unwrap().remove("text");
            service.as_object_mut().unwrap().remove("entities");
        }
        self.update("message", here);
        self.update("message", there);
    }

    /// Where updates are sent, if a webhook is set.
    pub fn hook(&self) -> Option<webhook::Hook> {
        self.world().hook.clone()
    }

    /// What comes by webhook comes twice, at the same time.
    pub fn double(&self) {
        self.world().doubled = true;
    }

    /// What the bot says about itself: `setmydescription` or `setmyshortdescription`.
    pub fn description(&self, method: &str) -> Option<String> {
        self.world().descriptions.get(method).cloned()
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
        let mut on = server::as_message(shown);
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
