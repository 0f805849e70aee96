//! What the server does when it is called.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};

use super::{Fault, Seen, Shared, TOKEN, bot, group_chat, html, private, webhook};

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

pub(super) async fn call(
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
        Some(Fault::Elsewhere(address)) => {
            return Redirect::temporary(&format!("{address}/{who}/{method}")).into_response();
        }
        Some(Fault::DoneButSilent) => {
            let _ = act(&shared, &method, &body).await;
            // The connection ends without an answer.
            panic!("the answer is lost on purpose");
        }
        Some(Fault::Late(pause)) => {
            let late = async move {
                tokio::time::sleep(pause).await;
                act(&shared, &method, &body).await
            };
            return tokio::spawn(late).await.unwrap();
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
        "sendchataction" => ok(&json!(true)),
        "deletewebhook" => {
            shared.world.lock().unwrap().hook = None;
            ok(&json!(true))
        }
        "setwebhook" => match webhook::Hook::of(body) {
            Ok(hook) => {
                let mut world = shared.world.lock().unwrap();
                world.allowed = body["allowed_updates"].clone();
                world.hook = Some(hook);
                drop(world);
                shared.news.notify_waiters();
                ok(&json!(true))
            }
            Err(why) => refuse(400, &why),
        },
        "setmycommands" => {
            let language = body["language_code"].as_str().unwrap_or_default().to_owned();
            let chat = body["scope"]["chat_id"].as_i64().map(|chat| format!("@{chat}")).unwrap_or_default();
            let mut world = shared.world.lock().unwrap();
            world.commands.insert(format!("{language}{chat}"), body["commands"].clone());
            ok(&json!(true))
        }
        "getmydescription" => ok(&json!({ "description": said(shared, "setmydescription") })),
        "getmyshortdescription" => ok(&json!({ "short_description": said(shared, "setmyshortdescription") })),
        "setmydescription" | "setmyshortdescription" => {
            let text = body.as_object().and_then(|body| body.values().next()).cloned().unwrap_or_default();
            let text = text.as_str().unwrap_or_default().to_owned();
            shared.world.lock().unwrap().descriptions.insert(method.to_owned(), text);
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

fn said(shared: &Shared, key: &str) -> String {
    shared.world.lock().unwrap().descriptions.get(key).cloned().unwrap_or_default()
}

async fn updates(shared: &Shared, body: &Value) -> Response {
    let offset = body["offset"].as_i64().unwrap_or(0);
    let until = Instant::now() + Duration::from_secs(body["timeout"].as_u64().unwrap_or(0));
    loop {
        let woken = shared.news.notified();
        {
            let mut world = shared.world.lock().unwrap();
            if world.hook.is_some() {
                return refuse(409, "Conflict: can't use getUpdates method while webhook is active");
            }
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
        return upgraded(*new);
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

/// The group goes on as another chat.
fn upgraded(new: i64) -> Response {
    answer(
        400,
        &json!({
            "ok": false, "error_code": 400,
            "description": "Bad Request: group chat was upgraded to a supergroup chat",
            "parameters": { "migrate_to_chat_id": new },
        }),
    )
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

pub(super) fn as_message(seen: &Seen) -> Value {
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
    if let Some(new) = world.moved.get(&chat) {
        return upgraded(*new);
    }
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
