//! What exists: people, bots, guilds, channels, messages, sessions.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{
    faults::Rule,
    gateway::{Session, Wire},
    interactions::Interaction,
    limits::Buckets,
};

/// A snowflake.
pub type Id = u64;

/// The permissions that the simulator looks at, with Discord's bits.
pub mod permission {
    pub const ADD_REACTIONS: u64 = 1 << 6;
    pub const VIEW_CHANNEL: u64 = 1 << 10;
    pub const SEND_MESSAGES: u64 = 1 << 11;
    pub const MANAGE_MESSAGES: u64 = 1 << 13;
    pub const READ_MESSAGE_HISTORY: u64 = 1 << 16;
    pub const MENTION_EVERYONE: u64 = 1 << 17;
    pub const MANAGE_WEBHOOKS: u64 = 1 << 29;
    pub const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;
    /// What everybody may, unless a test takes it away.
    pub const ALL: u64 = ADD_REACTIONS
        | VIEW_CHANNEL
        | SEND_MESSAGES
        | MANAGE_MESSAGES
        | READ_MESSAGE_HISTORY
        | MENTION_EVERYONE
        | MANAGE_WEBHOOKS
        | SEND_MESSAGES_IN_THREADS
        | 1 << 14 // embed links
        | 1 << 15 // attach files
        | 1 << 18 // external emoji
        | 1 << 31 // application commands
        | 1 << 35; // public threads
}

/// Kinds of channels, with Discord's numbers.
pub mod kind {
    pub const TEXT: u8 = 0;
    pub const DM: u8 = 1;
    pub const PUBLIC_THREAD: u8 = 11;
    pub const FORUM: u8 = 15;
}

pub struct Bot {
    /// Of the account and of the application.
    pub id: Id,
    pub token: String,
    /// The privileged intents switched on in the developer portal.
    pub privileged: u64,
    pub commands: Vec<Value>,
    pub guild_commands: BTreeMap<Id, Vec<Value>>,
    /// How often the whole set of commands was put.
    pub registrations: usize,
    pub gone: bool,
    pub identified: Option<Instant>,
}

#[derive(Clone)]
pub struct Person {
    pub id: Id,
    pub name: String,
    pub global_name: Option<String>,
    pub bot: bool,
    pub locale: String,
    /// Takes no private messages.
    pub closed: bool,
}

pub struct Role {
    pub id: Id,
    pub name: String,
}

#[derive(Default)]
pub struct Member {
    pub roles: Vec<Id>,
    pub nick: Option<String>,
}

pub struct Guild {
    pub id: Id,
    pub name: String,
    pub owner: Id,
    pub roles: Vec<Role>,
    pub members: BTreeMap<Id, Member>,
}

#[derive(Clone)]
pub struct Channel {
    pub id: Id,
    pub kind: u8,
    pub name: String,
    pub guild: Option<Id>,
    pub parent: Option<Id>,
    /// The two of a private channel.
    pub recipients: Vec<Id>,
    pub owner: Id,
    pub locked: bool,
}

pub struct Webhook {
    pub id: Id,
    pub token: String,
    pub channel: Id,
    pub guild: Id,
    pub owner: Id,
    pub name: String,
}

/// The face a webhook message wears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Face {
    pub webhook: Id,
    pub name: String,
    pub avatar: Option<String>,
}

#[derive(Clone)]
pub struct Message {
    pub id: Id,
    pub channel: Id,
    /// A user, or the webhook.
    pub author: Id,
    pub face: Option<Face>,
    /// The application behind a webhook or an interaction.
    pub application: Option<Id>,
    pub kind: u8,
    pub content: String,
    pub at: Instant,
    pub sent: DateTime<Utc>,
    pub edited: Option<DateTime<Utc>>,
    pub edits: Vec<(Instant, String)>,
    pub deleted: bool,
    pub reply_to: Option<Id>,
    pub flags: u64,
    pub nonce: Option<Value>,
    pub components: Value,
    pub embeds: Value,
    pub attachments: Value,
    pub stickers: Value,
    pub snapshots: Value,
    /// Where a forwarded message came from: channel and message.
    pub forwarded_from: Option<(Id, Id)>,
    /// Emoji and who gave it, in order.
    pub reactions: Vec<(String, Vec<Id>)>,
    pub mentions: Vec<Id>,
    pub mention_roles: Vec<Id>,
    pub mention_everyone: bool,
    pub ephemeral_for: Option<Id>,
    pub interaction: Option<Id>,
}

impl Message {
    pub fn new(id: Id, channel: Id, author: Id, content: &str) -> Self {
        Self {
            id,
            channel,
            author,
            face: None,
            application: None,
            kind: 0,
            content: content.to_owned(),
            at: Instant::now(),
            sent: Utc::now(),
            edited: None,
            edits: Vec::new(),
            deleted: false,
            reply_to: None,
            flags: 0,
            nonce: None,
            components: json!([]),
            embeds: json!([]),
            attachments: json!([]),
            stickers: json!([]),
            snapshots: json!([]),
            forwarded_from: None,
            reactions: Vec::new(),
            mentions: Vec::new(),
            mention_roles: Vec::new(),
            mention_everyone: false,
            ephemeral_for: None,
            interaction: None,
        }
    }
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Request {
    pub at: Instant,
    pub method: String,
    /// Without `/api/v10`, without the query.
    pub path: String,
    pub query: String,
    pub host: String,
    /// The bot whose token it carried.
    pub bot: Option<Id>,
    pub body: Value,
    /// `None` while it is worked on, and when no answer went out.
    pub status: Option<u16>,
}

pub struct Settings {
    pub heartbeat_interval: Duration,
    pub acks: bool,
    pub limits: bool,
    pub interaction_patience: Duration,
    pub nonce_window: Duration,
    pub shards: u64,
    /// The address that `READY` gives to resume at; the usual one when `None`.
    pub resume_url: Option<String>,
    /// The address that `GET /gateway` gives; the usual one when `None`.
    pub gateway_url: Option<String>,
    /// How many identifications a day are left.
    pub session_starts: u64,
    /// The time between two identifications of a bot, below which the second is refused.
    pub identify_pace: Duration,
    /// How long every request waits before it is done, and its answer after.
    pub latency: (Duration, Duration),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            heartbeat_interval: Duration::from_millis(41_250),
            acks: true,
            limits: false,
            interaction_patience: Duration::from_secs(3),
            nonce_window: Duration::from_secs(180),
            shards: 1,
            resume_url: None,
            gateway_url: None,
            session_starts: 1_000,
            identify_pace: Duration::ZERO,
            latency: (Duration::ZERO, Duration::ZERO),
        }
    }
}

#[derive(Default)]
pub struct World {
    pub address: String,
    pub settings: Settings,
    pub last_id: Id,
    pub bots: Vec<Bot>,
    pub users: BTreeMap<Id, Person>,
    pub guilds: BTreeMap<Id, Guild>,
    pub channels: BTreeMap<Id, Channel>,
    pub messages: BTreeMap<Id, Message>,
    pub in_channel: HashMap<Id, Vec<Id>>,
    pub nonces: HashMap<(Id, String), Vec<(Id, Instant)>>,
    pub webhooks: BTreeMap<Id, Webhook>,
    pub interactions: BTreeMap<Id, Interaction>,
    /// What a bot may not, in a channel or a whole guild.
    pub denied: HashMap<(Id, Id), u64>,
    pub sessions: Vec<Session>,
    /// Open connections.
    pub wires: HashMap<u64, Wire>,
    pub connections: u64,
    pub identifies: u64,
    pub resumes: u64,
    pub journal: Vec<Request>,
    pub rules: Vec<Rule>,
    pub buckets: Buckets,
    /// Channel, bot, when.
    pub typing: Vec<(Id, Id, Instant)>,
}

const EPOCH_MS: i64 = 1_420_070_400_000;

impl World {
    /// The next snowflake: later ones are greater.
    pub fn take_id(&mut self) -> Id {
        let now = u64::try_from(Utc::now().timestamp_millis() - EPOCH_MS).unwrap() << 22;
        self.last_id = now.max(self.last_id + 1);
        self.last_id
    }

    pub fn bot(&self, id: Id) -> Option<&Bot> {
        self.bots.iter().find(|bot| bot.id == id)
    }

    pub fn bot_mut(&mut self, id: Id) -> Option<&mut Bot> {
        self.bots.iter_mut().find(|bot| bot.id == id)
    }

    /// The channel's guild and, for a thread, its parent.
    pub fn guild_of(&self, channel: Id) -> Option<Id> {
        self.channels.get(&channel).and_then(|it| it.guild)
    }

    /// What a bot may in a channel; nothing where it is no member.
    pub fn allowed(&self, bot: Id, channel: Id) -> u64 {
        let Some(it) = self.channels.get(&channel) else { return 0 };
        let Some(guild) = it.guild else {
            return if it.recipients.contains(&bot) { permission::ALL } else { 0 };
        };
        if !self.guilds[&guild].members.contains_key(&bot) {
            return 0;
        }
        let places = [Some(guild), it.parent, Some(channel)];
        let denied = places.into_iter().flatten().filter_map(|place| self.denied.get(&(bot, place)));
        denied.fold(permission::ALL, |left, taken| left & !taken)
    }

    /// The bots that see a channel.
    pub fn audience(&self, channel: Id) -> Vec<Id> {
        let sees = |bot: &&Bot| self.allowed(bot.id, channel) & permission::VIEW_CHANNEL != 0;
        self.bots.iter().filter(sees).map(|bot| bot.id).collect()
    }

    /// Keeps a message as the last of its channel.
    pub fn keep(&mut self, message: Message) {
        self.in_channel.entry(message.channel).or_default().push(message.id);
        self.messages.insert(message.id, message);
    }

    /// A message that is still there.
    pub fn present(&self, channel: Id, id: Id) -> Option<&Message> {
        self.messages.get(&id).filter(|it| it.channel == channel && !it.deleted)
    }

    /// Users, roles and everybody, as a text addresses them.
    pub fn addressed(&self, text: &str) -> (Vec<Id>, Vec<Id>, bool) {
        let (mut users, mut roles) = (Vec::new(), Vec::new());
        for part in text.split("<@").skip(1) {
            let Some(inner) = part.split('>').next() else { continue };
            let (list, digits) = match inner.strip_prefix('&') {
                Some(role) => (&mut roles, role),
                None => (&mut users, inner.strip_prefix('!').unwrap_or(inner)),
            };
            if let Ok(id) = digits.parse::<Id>()
                && !list.contains(&id)
            {
                list.push(id);
            }
        }
        users.retain(|id| self.users.contains_key(id));
        (users, roles, text.contains("@everyone") || text.contains("@here"))
    }
}
