//! Telegram's messages in common words.

use teloxide_core::types::{
    Chat, ChatId, MaybeInaccessibleMessage, Me, Message, MessageEntityKind, MessageOrigin, User,
};

use super::{PLATFORM, media, send::Address};
use crate::{
    conversation::Inbound,
    model::{CharacterId, Place, Quoted, UserId},
};

/// What a message asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// An answer.
    Said(Box<Inbound>),
    /// A command.
    Command {
        /// The line, without the bot's name.
        line: String,
        /// Whether it can only be meant for us.
        ours: bool,
        /// The language of whoever gave it.
        locale: String,
        /// The message.
        inbound: Box<Inbound>,
    },
    /// Nothing: it was not meant for the character, or says nothing.
    Nothing,
}

/// Understands a message: in private every one is meant for the character, in groups those that mention it, reply to it or
/// command it.
pub(super) fn hear(message: &Message, me: &Me, character: &CharacterId) -> Heard {
    let Some(from) = message.from.as_ref().filter(|from| !from.is_bot) else { return Heard::Nothing };
    // A channel's post that Telegram copied into the group behind it: nobody said it there.
    if message.is_automatic_forward() {
        return Heard::Nothing;
    }
    let Some(text) = words(message) else { return Heard::Nothing };
    let private = message.chat.is_private();
    let command = command(&text, me);
    if command == Addressee::Other
        || !(private || matches!(command, Addressee::Us(_)) || is_meant(message, me))
    {
        return Heard::Nothing;
    }
    let named = text.split_whitespace().next().is_some_and(|word| word.contains('@'));
    let Ok(user) = UserId::new(format!("{PLATFORM}:{}", from.id)) else { return Heard::Nothing };
    let mut text = without_mention(&text, me);
    if text.is_empty() {
        let sent = media::attached(message).map(|(_, words)| words);
        sent.unwrap_or("(says your name)").clone_into(&mut text);
    }
    let mut beside: Vec<Quoted> = replied_to(message, me).into_iter().collect();
    if let Some(origin) = message.forward_origin() {
        let by = writer(origin);
        let passed = std::mem::replace(&mut text, "(passes a message on)".to_owned());
        beside.push(Quoted::Forward { by, text: passed });
    }
    beside.extend(media::attached(message).map(|(attached, _)| attached));
    let inbound = Box::new(Inbound {
        platform: PLATFORM.to_owned(),
        platform_id: platform_id(message),
        character: character.clone(),
        user,
        user_name: name(from),
        place: place(&message.chat, message),
        text,
        beside,
        at: message.date.into(),
        address: Some(
            Address {
                chat: message.chat.id.0,
                thread: topic(message),
                message: message.id.0,
                quote: !private,
            }
            .to_text(),
        ),
    });
    match command {
        Addressee::Us(line) => Heard::Command {
            line,
            ours: private || named,
            locale: from.language_code.clone().unwrap_or_default(),
            inbound,
        },
        Addressee::Nobody | Addressee::Other => Heard::Said(inbound),
    }
}

/// The message that is replied to, where it has words. A topic's messages all reply to its beginning, which has none.
fn replied_to(message: &Message, me: &Me) -> Option<Quoted> {
    let replied = message.reply_to_message()?;
    // A person may pick out a part of it.
    let text = message.quote().map_or_else(|| words(replied), |quote| Some(quote.text.clone()))?;
    let by = replied.from.as_ref().filter(|author| author.id != me.id).map(name);
    Some(Quoted::Reply { by, text })
}

/// Whose message is passed on, where Telegram says.
fn writer(origin: &MessageOrigin) -> Option<String> {
    match origin {
        MessageOrigin::User { sender_user, .. } => Some(name(sender_user)),
        MessageOrigin::HiddenUser { sender_user_name, .. } => Some(sender_user_name.clone()),
        MessageOrigin::Chat { sender_chat: chat, .. } | MessageOrigin::Channel { chat, .. } => {
            chat.title().map(str::to_owned)
        }
    }
}

/// A group that has become a supergroup: what it was as a server, and what it is now. Both are told so (Bot API, Message).
pub(super) fn moved(message: &Message) -> Option<(String, String)> {
    let here = message.chat.id;
    let to = message.migrate_to_chat_id().map(|new| (guild(here), guild(*new)));
    to.or_else(|| message.migrate_from_chat_id().map(|old| (guild(*old), guild(here))))
}

/// The id of a message across chats.
fn platform_id(message: &Message) -> String {
    format!("{}/{}", message.chat.id, message.id)
}

/// Whose command a text is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Addressee {
    /// No command.
    Nobody,
    /// Another bot's.
    Other,
    /// Ours: the line without the bot's name.
    Us(String),
}

fn command(text: &str, me: &Me) -> Addressee {
    let Some(name) = text.strip_prefix('/').and_then(|rest| rest.split_whitespace().next()) else {
        return Addressee::Nobody;
    };
    match name.split_once('@') {
        Some((_, bot)) if !bot.eq_ignore_ascii_case(me.username()) => Addressee::Other,
        Some((command, bot)) => {
            Addressee::Us(text.replacen(&format!("/{command}@{bot}"), &format!("/{command}"), 1))
        }
        None => Addressee::Us(text.to_owned()),
    }
}

/// What a message says; one that says nothing may share or send something, and then says that.
fn words(message: &Message) -> Option<String> {
    let words = message.text().or_else(|| message.caption()).unwrap_or_default().trim();
    if !words.is_empty() {
        return Some(words.to_owned());
    }
    media::shared(message).or_else(|| media::attached(message).map(|(_, words)| words.to_owned()))
}

fn is_meant(message: &Message, me: &Me) -> bool {
    let reply = message
        .reply_to_message()
        // Every message of a topic replies to its beginning.
        .filter(|replied| replied.forum_topic_created().is_none())
        .and_then(|replied| replied.from.as_ref())
        .is_some_and(|author| author.id == me.id);
    let entities = message.parse_entities().or_else(|| message.parse_caption_entities()).unwrap_or_default();
    reply
        || entities.iter().any(|entity| match entity.kind() {
            MessageEntityKind::Mention => entity.text().eq_ignore_ascii_case(&me.mention()),
            MessageEntityKind::TextMention { user } => user.id == me.id,
            _ => false,
        })
}

fn without_mention(text: &str, me: &Me) -> String {
    let mention = me.mention();
    let words = text
        .split(' ')
        .filter(|word| !word.trim_end_matches([',', ':', '!', '?']).eq_ignore_ascii_case(&mention));
    words.collect::<Vec<_>>().join(" ").trim().to_owned()
}

pub(super) fn name(user: &User) -> String {
    match &user.last_name {
        Some(last) => format!("{} {last}", user.first_name),
        None => user.first_name.clone(),
    }
}

/// The topic of a forum's message. The general one has none: Telegram takes no answer to its number (Bot API, sendMessage).
pub(super) fn topic(message: &Message) -> Option<i32> {
    let thread = message.thread_id.filter(|_| message.is_topic_message).map(|thread| thread.0.0);
    thread.filter(|thread| *thread != GENERAL)
}

/// The number of a forum's general topic.
const GENERAL: i32 = 1;

/// Where a message with buttons stands. Of one that Telegram has put away, only the chat is known.
pub(super) fn place_of(message: &MaybeInaccessibleMessage) -> Place {
    match message.regular_message() {
        Some(message) => place(&message.chat, message),
        None => place_in(message.chat(), None),
    }
}

fn place(chat: &Chat, message: &Message) -> Place {
    place_in(chat, topic(message))
}

/// A group is a server with one channel, a forum one with a channel a topic.
pub(super) fn place_in(chat: &Chat, topic: Option<i32>) -> Place {
    if chat.is_private() {
        return Place::Dm;
    }
    let channel = topic.map_or_else(|| "general".to_owned(), |topic| topic.to_string());
    Place::Channel { guild: guild(chat.id), channel }
}

/// A group as a server.
pub(super) fn guild(chat: ChatId) -> String {
    format!("{PLATFORM}:{chat}")
}
