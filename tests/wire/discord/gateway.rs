//! The gateway: HELLO, IDENTIFY, RESUME, heartbeats and what ends a connection.

use std::{
    collections::VecDeque,
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::Uri,
    response::Response,
};
use flate2::{Compress, Compression, FlushCompress, write::ZlibEncoder};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{
    Shared,
    render::{Reader, flags, id},
    world::{Id, World},
};

const PRIVILEGED: u64 = 1 << 1 | 1 << 8 | 1 << 15;
const KNOWN: u64 = 0x1_FFFF | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25;
/// Payloads above this many bytes are compressed for who asked for payload compression.
const COMPRESS_FROM: usize = 512;
/// More payloads than this in a minute close the connection with 4008.
const PAYLOADS_A_MINUTE: usize = 120;
/// Events that a session keeps for a resume.
const BUFFER: usize = 10_000;

/// What a connection is told to do.
#[derive(Debug, Clone)]
pub enum Out {
    Send(Value),
    Close(u16, &'static str),
    /// The socket goes away without a close frame.
    Drop,
}

pub type Wire = UnboundedSender<Out>;

pub struct Session {
    pub id: String,
    pub bot: Id,
    pub intents: u64,
    pub shard: (u64, u64),
    pub seq: u64,
    pub buffer: VecDeque<(u64, Value)>,
    pub connection: Option<u64>,
    compress: bool,
}

pub async fn upgrade(State(shared): State<Arc<Shared>>, uri: Uri, upgrade: WebSocketUpgrade) -> Response {
    let asks = |what: &str| uri.query().unwrap_or_default().split('&').any(|it| it == what);
    let (stream, current) = (asks("compress=zlib-stream"), asks("v=10"));
    upgrade.on_upgrade(move |socket| async move {
        talk(shared, socket, stream.then(|| Compress::new(Compression::fast(), true)), current).await;
    })
}

/// One connection's side of the talk.
struct Connection {
    number: u64,
    session: Option<String>,
    compress: bool,
    received: VecDeque<Instant>,
}

async fn talk(shared: Arc<Shared>, mut socket: WebSocket, mut stream: Option<Compress>, current: bool) {
    let (wire, mut outbox) = unbounded_channel();
    let number = {
        let mut world = shared.world.lock().unwrap();
        world.connections += 1;
        let number = world.connections;
        world.wires.insert(number, wire.clone());
        let hello = json!({ "heartbeat_interval": world.settings.heartbeat_interval.as_millis() });
        let _ = wire.send(Out::Send(json!({ "op": 10, "d": hello, "s": null, "t": null })));
        number
    };
    if !current {
        let _ = wire.send(Out::Close(4012, "Invalid API version"));
    }
    let mut connection = Connection { number, session: None, compress: false, received: VecDeque::new() };
    let clean = exchange(&shared, &mut socket, &mut stream, &mut outbox, &mut connection, &wire).await;
    let mut world = shared.world.lock().unwrap();
    world.wires.remove(&number);
    for session in world.sessions.iter_mut().filter(|it| it.connection == Some(number)) {
        session.connection = None;
    }
    // Who says goodbye with 1000 or 1001 gives the session up.
    if clean {
        world.sessions.retain(|it| Some(&it.id) != connection.session.as_ref());
    }
}

/// Until the connection ends. Whether the client ended it for good.
async fn exchange(
    shared: &Shared,
    socket: &mut WebSocket,
    stream: &mut Option<Compress>,
    outbox: &mut UnboundedReceiver<Out>,
    connection: &mut Connection,
    wire: &Wire,
) -> bool {
    loop {
        tokio::select! {
            biased;
            out = outbox.recv() => match out {
                Some(Out::Send(payload)) => {
                    if socket.send(packed(&payload, stream.as_mut(), connection.compress)).await.is_err() {
                        return false;
                    }
                }
                Some(Out::Close(code, reason)) => {
                    let frame = CloseFrame { code, reason: reason.into() };
                    let _ = socket.send(Message::Close(Some(frame))).await;
                    // Unread bytes would turn the goodbye into a reset.
                    let drain = async { while let Some(Ok(_)) = socket.recv().await {} };
                    let _ = tokio::time::timeout(Duration::from_secs(2), drain).await;
                    return false;
                }
                Some(Out::Drop) | None => return false,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => receive(shared, text.as_str(), connection, wire),
                Some(Ok(Message::Binary(bytes))) => {
                    receive(shared, &String::from_utf8_lossy(&bytes), connection, wire);
                }
                Some(Ok(Message::Close(frame))) => return frame.is_some_and(|it| matches!(it.code, 1000 | 1001)),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return false,
            },
        }
    }
}

fn packed(payload: &Value, stream: Option<&mut Compress>, compress: bool) -> Message {
    let text = payload.to_string();
    if let Some(stream) = stream {
        let mut out = Vec::with_capacity(text.len() + 128);
        let mut read = 0;
        loop {
            let before = stream.total_in();
            out.reserve(256);
            stream.compress_vec(&text.as_bytes()[read..], &mut out, FlushCompress::Sync).unwrap();
            read += usize::try_from(stream.total_in() - before).unwrap();
            if read == text.len() && out.ends_with(&[0, 0, 0xff, 0xff]) {
                return Message::Binary(out.into());
            }
        }
    }
    if compress && text.len() > COMPRESS_FROM {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        return Message::Binary(encoder.finish().unwrap().into());
    }
    Message::Text(text.into())
}

fn receive(shared: &Shared, text: &str, connection: &mut Connection, wire: &Wire) {
    let now = Instant::now();
    connection.received.push_back(now);
    connection.received.retain(|at| now.duration_since(*at) < Duration::from_secs(60));
    let close = |code, reason| {
        let _ = wire.send(Out::Close(code, reason));
    };
    if connection.received.len() > PAYLOADS_A_MINUTE {
        return close(4008, "Rate limited");
    }
    let Ok(payload) = serde_json::from_str::<Value>(text) else {
        return close(4002, "Error while decoding payload");
    };
    let mut world = shared.world.lock().unwrap();
    match payload["op"].as_u64() {
        Some(1) => {
            if let Some(session) = world.session_mut(connection) {
                let seen = payload["d"].as_u64().unwrap_or(0);
                session.buffer.retain(|(seq, _)| *seq > seen);
            }
            if world.settings.acks {
                let _ = wire.send(Out::Send(json!({ "op": 11, "d": null, "s": null, "t": null })));
            }
        }
        Some(2) if connection.session.is_some() => close(4005, "Already authenticated"),
        Some(2) => {
            if let Err((code, reason)) = identify(&mut world, &payload["d"], connection, wire) {
                close(code, reason);
            }
        }
        Some(6) => resume(&mut world, &payload["d"], connection, wire),
        Some(3 | 4 | 8 | 31) if connection.session.is_some() => {}
        Some(3 | 4 | 8 | 31) => close(4003, "Not authenticated"),
        _ => close(4001, "Unknown opcode"),
    }
}

impl World {
    fn session_mut(&mut self, connection: &Connection) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|it| it.connection == Some(connection.number))
    }
}

fn identify(
    world: &mut World,
    body: &Value,
    connection: &mut Connection,
    wire: &Wire,
) -> Result<(), (u16, &'static str)> {
    world.identifies += 1;
    world.settings.session_starts = world.settings.session_starts.saturating_sub(1);
    let token = body["token"].as_str().unwrap_or_default();
    let token = token.strip_prefix("Bot ").unwrap_or(token);
    let bot = world.bots.iter().find(|it| it.token == token && !it.gone);
    let (bot, granted) = bot.map(|it| (it.id, it.privileged)).ok_or((4004, "Authentication failed."))?;
    let intents = body["intents"].as_u64().filter(|it| it & !KNOWN == 0);
    let intents = intents.ok_or((4013, "Invalid intent(s)."))?;
    if intents & PRIVILEGED & !granted != 0 {
        return Err((4014, "Disallowed intent(s)."));
    }
    let shard = match &body["shard"] {
        Value::Null => (0, 1),
        given => (given[0].as_u64().unwrap_or(1), given[1].as_u64().unwrap_or(0)),
    };
    if shard.0 >= shard.1 {
        return Err((4010, "Invalid shard."));
    }
    let (pace, now) = (world.settings.identify_pace, Instant::now());
    let last = world.bot_mut(bot).unwrap().identified.replace(now);
    if last.is_some_and(|it| now.duration_since(it) < pace) {
        let _ = wire.send(Out::Send(json!({ "op": 9, "d": false, "s": null, "t": null })));
        return Ok(());
    }
    let session = format!("{:032x}", world.take_id());
    connection.session = Some(session.clone());
    connection.compress = body["compress"] == json!(true);
    let reader = Reader { bot, intents };
    world.sessions.push(Session {
        id: session.clone(),
        bot,
        intents,
        shard,
        seq: 0,
        buffer: VecDeque::new(),
        connection: Some(connection.number),
        compress: connection.compress,
    });
    let guilds: Vec<Id> = world.guilds_of(bot).into_iter().filter(|it| belongs(*it, shard)).collect();
    let usual = world.gateway_url();
    let resume_url = world.settings.resume_url.clone().unwrap_or(usual);
    let waiting = guilds.iter().map(|it| json!({ "id": id(*it), "unavailable": true }));
    let ready = json!({
        "v": 10, "user": world.user_json(bot), "session_id": session, "resume_gateway_url": resume_url,
        "guilds": waiting.collect::<Value>(), "shard": [shard.0, shard.1], "private_channels": [],
        "application": { "id": id(bot), "flags": flags(granted) },
    });
    let position = world.sessions.len() - 1;
    push(&mut world.sessions[position], "READY", ready, Some(wire));
    if intents & 1 != 0 {
        for guild in guilds {
            let body = world.guild_create_json(guild, reader);
            push(&mut world.sessions[position], "GUILD_CREATE", body, Some(wire));
        }
    }
    Ok(())
}

fn resume(world: &mut World, body: &Value, connection: &mut Connection, wire: &Wire) {
    world.resumes += 1;
    let token = body["token"].as_str().unwrap_or_default();
    let token = token.strip_prefix("Bot ").unwrap_or(token).to_owned();
    let Some(bot) = world.bots.iter().find(|it| it.token == token && !it.gone).map(|it| it.id) else {
        let _ = wire.send(Out::Close(4004, "Authentication failed."));
        return;
    };
    let seq = body["seq"].as_u64().unwrap_or(0);
    let wanted = body["session_id"].as_str().unwrap_or_default();
    let invalid = Out::Send(json!({ "op": 9, "d": false, "s": null, "t": null }));
    let Some(session) = world.sessions.iter_mut().find(|it| it.id == wanted && it.bot == bot) else {
        let _ = wire.send(invalid);
        return;
    };
    if seq > session.seq {
        let _ = wire.send(Out::Close(4007, "Invalid seq"));
        return;
    }
    let oldest = session.buffer.front().map_or(session.seq + 1, |(oldest, _)| *oldest);
    if seq + 1 < oldest {
        let _ = wire.send(invalid);
        return;
    }
    if let Some(old) = session.connection.replace(connection.number)
        && let Some(wire) = world.wires.get(&old)
    {
        let _ = wire.send(Out::Drop);
    }
    connection.session = Some(session.id.clone());
    connection.compress = session.compress;
    for (_, payload) in session.buffer.iter().filter(|(at, _)| *at > seq) {
        let _ = wire.send(Out::Send(payload.clone()));
    }
    push(session, "RESUMED", json!({ "_trace": [] }), Some(wire));
}

/// Whether a guild's events go to a shard.
pub fn belongs(guild: Id, shard: (u64, u64)) -> bool {
    (guild >> 22) % shard.1 == shard.0
}

/// Adds an event to a session, and sends it when the session is connected.
pub fn push(session: &mut Session, name: &str, data: Value, wire: Option<&Wire>) {
    session.seq += 1;
    let payload = json!({ "op": 0, "t": name, "s": session.seq, "d": data });
    if let Some(wire) = wire {
        let _ = wire.send(Out::Send(payload.clone()));
    }
    session.buffer.push_back((session.seq, payload));
    if session.buffer.len() > BUFFER {
        session.buffer.pop_front();
    }
}
