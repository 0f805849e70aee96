//! What we read of Discord's events and answers. Only what is needed, and lenient: a field that Discord adds, or that another
//! server leaves out, must not make an event vanish.

use serde::{Deserialize, Deserializer};

/// An id, as Discord writes it: a number in a string, which holds the time of its making (its documentation, "Snowflakes").
pub(super) type Id = String;

/// Takes what is `null` for what is not there.
fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct User {
    pub(super) id: Id,
    #[serde(default)]
    pub(super) username: String,
    #[serde(default)]
    pub(super) global_name: Option<String>,
    #[serde(default)]
    pub(super) bot: bool,
}

impl User {
    /// What people see.
    pub(super) fn shown(&self) -> &str {
        self.global_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.username)
    }
}

/// What a server knows of a member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Member {
    #[serde(default)]
    pub(super) nick: Option<String>,
    #[serde(default)]
    pub(super) roles: Vec<Id>,
    #[serde(default)]
    pub(super) user: Option<User>,
}

/// Somebody who is mentioned.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Mention {
    #[serde(flatten)]
    pub(super) user: User,
    #[serde(default)]
    pub(super) member: Option<Member>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Attachment {
    #[serde(default)]
    pub(super) filename: String,
    #[serde(default)]
    pub(super) content_type: Option<String>,
    #[serde(default)]
    pub(super) size: u64,
}

/// A sticker.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Sticker {
    #[serde(default)]
    pub(super) name: String,
}

/// What a message points to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Reference {
    #[serde(default)]
    pub(super) message_id: Option<Id>,
}

/// A message that was passed on, as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Snapshot {
    pub(super) message: Forwarded,
}

/// Its words. Discord does not say whose they are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Forwarded {
    #[serde(default)]
    pub(super) content: String,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Message {
    pub(super) id: Id,
    pub(super) channel_id: Id,
    #[serde(default)]
    pub(super) guild_id: Option<Id>,
    pub(super) author: User,
    #[serde(default)]
    pub(super) member: Option<Member>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) content: String,
    #[serde(default)]
    pub(super) timestamp: Option<String>,
    #[serde(default, rename = "type")]
    pub(super) kind: u8,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) mentions: Vec<Mention>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) mention_roles: Vec<Id>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) attachments: Vec<Attachment>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) sticker_items: Vec<Sticker>,
    #[serde(default, deserialize_with = "lenient", rename = "message_snapshots")]
    pub(super) snapshots: Vec<Snapshot>,
    #[serde(default, rename = "message_reference")]
    pub(super) reference: Option<Reference>,
    #[serde(default, rename = "referenced_message")]
    pub(super) replied_to: Option<Box<Message>>,
    #[serde(default)]
    pub(super) webhook_id: Option<Id>,
    #[serde(default)]
    pub(super) application_id: Option<Id>,
}

/// A change of a message. Discord sends one, too, when it has looked at a link: then there are no new words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Changed {
    pub(super) id: Id,
    #[serde(default)]
    pub(super) content: Option<String>,
    #[serde(default)]
    pub(super) edited_timestamp: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) mentions: Vec<Mention>,
}

/// One or more messages are gone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Gone {
    #[serde(default)]
    pub(super) id: Option<Id>,
    #[serde(default)]
    pub(super) ids: Vec<Id>,
}

/// A reaction, given or taken back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Reacted {
    pub(super) user_id: Id,
    pub(super) channel_id: Id,
    pub(super) message_id: Id,
    pub(super) emoji: Emoji,
    #[serde(default)]
    pub(super) member: Option<Member>,
}

/// An emoji.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Emoji {
    #[serde(default)]
    pub(super) id: Option<Id>,
    #[serde(default)]
    pub(super) name: Option<String>,
}

/// A channel or thread.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Channel {
    pub(super) id: Id,
    #[serde(default, rename = "type")]
    pub(super) kind: u8,
    #[serde(default)]
    pub(super) guild_id: Option<Id>,
    #[serde(default)]
    pub(super) parent_id: Option<Id>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) last_message_id: Option<Id>,
}

impl Channel {
    /// Announcement, public and private threads (its documentation, "Channel Types"); posts of a forum are threads, too.
    pub(super) fn is_thread(&self) -> bool {
        matches!(self.kind, 10..=12)
    }
}

/// A role; that of a bot itself names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Role {
    pub(super) id: Id,
    #[serde(default)]
    pub(super) tags: Option<RoleTags>,
}

/// What a role is for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct RoleTags {
    #[serde(default)]
    pub(super) bot_id: Option<Id>,
}

/// A server, when it comes into sight.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Guild {
    pub(super) id: Id,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) channels: Vec<Channel>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) threads: Vec<Channel>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) roles: Vec<Role>,
}

/// Threads that come into sight together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Threads {
    pub(super) guild_id: Id,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) threads: Vec<Channel>,
}

/// The start of a session.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Ready {
    #[serde(default)]
    pub(super) resume_gateway_url: Option<String>,
}

/// `GET /gateway/bot`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct GatewayBot {
    pub(super) url: String,
    #[serde(default = "one")]
    pub(super) shards: u32,
    #[serde(default)]
    pub(super) session_start_limit: Option<StartLimit>,
}

fn one() -> u32 {
    1
}

/// How many sessions may be begun.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct StartLimit {
    #[serde(default = "one")]
    pub(super) max_concurrency: u32,
    #[serde(default = "one")]
    pub(super) remaining: u32,
    #[serde(default)]
    pub(super) reset_after: u64,
}

/// `GET /applications/@me`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Application {
    pub(super) id: Id,
    #[serde(default)]
    pub(super) flags: u64,
}

impl Application {
    /// Whether the Message Content intent is switched on, for all servers or for up to 100 (its documentation, "Application
    /// Flags", bits 18 and 19).
    pub(super) fn sees_content(&self) -> bool {
        self.flags & (1 << 18 | 1 << 19) != 0
    }
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Webhook {
    pub(super) id: Id,
    #[serde(default)]
    pub(super) token: Option<String>,
    #[serde(default)]
    pub(super) application_id: Option<Id>,
    #[serde(default)]
    pub(super) user: Option<User>,
}

/// The parts of a dispatch that say what it is.
#[derive(Debug, Deserialize)]
pub(super) struct Dispatch {
    pub(super) op: u8,
    #[serde(default)]
    pub(super) t: Option<String>,
    #[serde(default)]
    pub(super) d: serde_json::Value,
}
