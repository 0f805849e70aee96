//! Discord's messages in common words.

use chrono::{DateTime, Utc};

use super::{
    PLATFORM,
    event::{Emoji, Id, Member, Mention, Message, User},
    persona::Hooks,
    send::Address,
    world::{Spot, World},
};
use crate::{
    character::Cast,
    conversation::Inbound,
    model::{CharacterId, Place, Quoted, Timestamp, UserId},
};

/// The first millisecond of Discord's ids (its documentation, "Snowflakes").
const EPOCH: u64 = 1_420_070_400_000;
/// Kinds of messages that a person writes: a plain one and a reply (its documentation, "Message Types").
const WRITTEN: [u8; 2] = [0, 19];

/// The bot that hears.
pub(super) struct Ear<'a> {
    /// Its user.
    pub(super) me: &'a str,
    /// Its application.
    pub(super) application: &'a str,
    /// Whether it is that one character, or speaks for the whole cast.
    pub(super) alone: bool,
    /// Whether characters speak in their own names in channels.
    pub(super) personas: bool,
    pub(super) world: &'a World,
    pub(super) cast: &'a Cast,
    pub(super) hooks: &'a Hooks,
}

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meant {
    /// Nobody here.
    Nobody,
    /// The bot: whoever is named, else whoever usually answers.
    Bot,
    /// Whoever said the message that it replies to.
    Speaker,
}

/// The moment that an id was made.
pub(super) fn made_at(id: &str) -> Option<Timestamp> {
    let millis = (id.parse::<u64>().ok()? >> 22).checked_add(EPOCH)?;
    Some(Timestamp::from_micros(i64::try_from(millis).ok()?.checked_mul(1_000)?))
}

/// The smallest id of a moment.
pub(super) fn id_at(at: Timestamp) -> u64 {
    let millis = u64::try_from(at.micros() / 1_000).unwrap_or_default();
    millis.saturating_sub(EPOCH) << 22
}

/// A person of Discord.
pub(super) fn person(id: &str) -> Option<UserId> {
    UserId::new(format!("{PLATFORM}:{id}")).ok()
}

/// A server, as part of a place.
pub(super) fn guild(id: &str) -> String {
    format!("{PLATFORM}:{id}")
}

/// Where something takes place.
pub(super) fn place(spot: Option<&Spot>, channel: &str) -> Place {
    match spot {
        None => Place::Dm,
        Some(Spot { guild: of, parent: Some(parent), .. }) => {
            Place::Thread { guild: guild(of), channel: parent.clone(), thread: channel.to_owned() }
        }
        Some(Spot { guild: of, .. }) => Place::Channel { guild: guild(of), channel: channel.to_owned() },
    }
}

/// An emoji as text; one of a server's own has only a name.
pub(super) fn emoji(emoji: &Emoji) -> String {
    emoji.name.clone().filter(|_| emoji.id.is_none()).unwrap_or_default()
}

/// What somebody is called where they speak.
pub(super) fn name(user: &User, member: Option<&Member>) -> String {
    let nick = member.and_then(|member| member.nick.as_deref()).filter(|nick| !nick.is_empty());
    nick.unwrap_or_else(|| user.shown()).to_owned()
}

impl Ear<'_> {
    /// In private every message is meant for the bot, in servers those that mention it or reply to it.
    pub(super) fn meant(&self, message: &Message) -> Meant {
        let by_a_program = message.author.bot || message.webhook_id.is_some();
        if by_a_program || !WRITTEN.contains(&message.kind) {
            return Meant::Nobody;
        }
        let Some(guild) = &message.guild_id else {
            return Meant::Bot;
        };
        let role = self.world.own_role(guild);
        let replied = message.replied_to.as_deref().is_some_and(|replied| self.is_ours(replied));
        let mentioned = message.mentions.iter().any(|mention| mention.user.id == self.me)
            || role.is_some_and(|role| message.mention_roles.contains(&role));
        let named = mentioned && (self.addresses_me(message) || !replied);
        match (named, replied) {
            (true, _) => Meant::Bot,
            (false, true) => Meant::Speaker,
            (false, false) => Meant::Nobody,
        }
    }

    /// A reply mentions whom it replies to without a word of it in the text.
    fn addresses_me(&self, message: &Message) -> bool {
        message.content.contains(&format!("<@{}>", self.me))
            || message.content.contains(&format!("<@!{}>", self.me))
    }

    /// Whether the bot or one of its personas said it.
    pub(super) fn is_ours(&self, message: &Message) -> bool {
        let persona = message.webhook_id.as_deref().is_some_and(|webhook| {
            message.application_id.as_deref() == Some(self.application) || self.hooks.is_ours(webhook)
        });
        message.author.id == self.me || persona
    }

    /// Who of the cast is spoken to by name at the beginning of a message, in that order: "Iris, …", "Iris and Elena: …",
    /// "hey Iris …". Whoever is only spoken of is not called.
    pub(super) fn called(&self, text: &str) -> Vec<CharacterId> {
        let names: Vec<(String, CharacterId)> = self
            .cast
            .ids()
            .into_iter()
            .filter_map(|id| Some((self.cast.get(&id)?.name.to_lowercase(), id)))
            .flat_map(|(name, id)| [(name, id.clone()), (id.to_string(), id)])
            .collect();
        let lower = text.to_lowercase();
        let mut rest = lower.trim_start();
        let greeted = GREETINGS.iter().find_map(|greeting| after_word(rest, greeting));
        if let Some(after) = greeted {
            rest = after.trim_start_matches([',', ' ']);
        }
        let mut called: Vec<CharacterId> = Vec::new();
        while let Some((after, id)) = names.iter().find_map(|(name, id)| Some((after_word(rest, name)?, id)))
        {
            if !called.contains(id) {
                called.push(id.clone());
            }
            rest = after;
            let joined = rest.trim_start();
            let next = JOINTS.iter().find_map(|joint| joined.strip_prefix(joint)).map(str::trim_start);
            match next.filter(|next| names.iter().any(|(name, _)| after_word(next, name).is_some())) {
                Some(next) => rest = next,
                None => break,
            }
        }
        let ends = rest.trim_start().chars().next().is_none_or(|c| ",:;.!?-–—…".contains(c))
            || rest.starts_with('\n');
        if greeted.is_some() || ends { called } else { Vec::new() }
    }

    /// The message as `character` hears it.
    pub(super) fn inbound(
        &self,
        message: &Message,
        spot: Option<&Spot>,
        character: CharacterId,
    ) -> Option<Inbound> {
        let text = self.words(&message.content, &message.mentions, message.guild_id.as_deref());
        let beside = self.beside(message);
        let text = match (text.is_empty(), beside.first()) {
            (false, _) => text,
            (true, Some(Quoted::Sticker { .. })) => "(sends a sticker)".to_owned(),
            (true, Some(Quoted::Attachment { .. })) => "(sends a file)".to_owned(),
            (true, Some(Quoted::Forward { .. })) => "(passes a message on)".to_owned(),
            (true, _) => "(says your name)".to_owned(),
        };
        let address = Address {
            bot: self.me.to_owned(),
            channel: message.channel_id.clone(),
            parent: spot.and_then(|spot| spot.parent.clone()),
            message: Some(message.id.clone()),
            quote: spot.is_some(),
            persona: (self.personas && !self.alone && spot.is_some()).then(|| character.clone()),
        };
        let said = message.timestamp.as_deref().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        Some(Inbound {
            platform: PLATFORM.to_owned(),
            platform_id: message.id.clone(),
            character,
            user: person(&message.author.id)?,
            user_name: name(&message.author, message.member.as_ref()),
            place: place(spot, &message.channel_id),
            text,
            beside,
            at: said.map(|at| at.with_timezone(&Utc).into()).or_else(|| made_at(&message.id))?,
            address: Some(address.to_text()),
        })
    }

    /// The words, with names for what Discord writes as ids; without the mention of the bot, which is no part of what is said.
    pub(super) fn words(&self, content: &str, mentions: &[Mention], guild: Option<&str>) -> String {
        let role = guild.and_then(|guild| self.world.own_role(guild));
        let mut out = String::with_capacity(content.len());
        let mut rest = content;
        while let Some((before, tag)) = rest.split_once('<') {
            out.push_str(before);
            let Some((inside, after)) =
                tag.split_once('>').filter(|(inside, _)| !inside.contains(['<', ' ', '\n']))
            else {
                out.push('<');
                rest = tag;
                continue;
            };
            match self.spelled(inside, mentions, role.as_deref()) {
                Some(said) => out.push_str(&said),
                None => {
                    out.push('<');
                    out.push_str(inside);
                    out.push('>');
                }
            }
            rest = after;
        }
        out.push_str(rest);
        let out = out.trim();
        let to_me =
            ["<@", "<@!"].iter().any(|at| content.trim_start().starts_with(&format!("{at}{}>", self.me)));
        // What is left of "@Elena, hi".
        let out = out.strip_prefix([',', ':', ';']).filter(|_| to_me).unwrap_or(out);
        out.trim_start().to_owned()
    }

    /// What people see of `<…>` (Discord's documentation, "Message Formatting"); `None`: it is not of Discord's.
    fn spelled(&self, tag: &str, mentions: &[Mention], own_role: Option<&str>) -> Option<String> {
        let is_id = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        if let Some(id) = tag.strip_prefix("@&").filter(|id| is_id(id)) {
            return Some(if own_role == Some(id) { String::new() } else { "@role".to_owned() });
        }
        if let Some(id) = tag.strip_prefix("@!").or_else(|| tag.strip_prefix('@')).filter(|id| is_id(id)) {
            if id == self.me {
                return Some(String::new());
            }
            let known = mentions.iter().find(|mention| mention.user.id == id);
            let name = known.map(|mention| name(&mention.user, mention.member.as_ref()));
            return Some(format!("@{}", name.as_deref().unwrap_or("somebody")));
        }
        if let Some(id) = tag.strip_prefix('#').filter(|id| is_id(id)) {
            let name = self.world.known(id).map(|spot| spot.name).filter(|name| !name.is_empty());
            return Some(format!("#{}", name.as_deref().unwrap_or("channel")));
        }
        let custom = tag.strip_prefix("a:").or_else(|| tag.strip_prefix(':'))?;
        let (name, id) = custom.split_once(':')?;
        is_id(id).then(|| format!(":{name}:"))
    }

    /// What came with the words.
    fn beside(&self, message: &Message) -> Vec<Quoted> {
        let stickers =
            message.sticker_items.iter().map(|sticker| Quoted::Sticker { name: sticker.name.clone() });
        let files = message.attachments.iter().map(|file| Quoted::Attachment {
            name: file.filename.clone(),
            media: file.content_type.clone(),
            size: file.size,
        });
        let forwards =
            message.snapshots.iter().filter(|snapshot| !snapshot.message.content.trim().is_empty()).map(
                |snapshot| Quoted::Forward {
                    by: None,
                    text: self.words(&snapshot.message.content, &[], None),
                },
            );
        let reply = message.replied_to.as_deref().filter(|replied| !replied.content.trim().is_empty());
        let reply = reply.map(|replied| Quoted::Reply {
            by: (!self.is_ours(replied)).then(|| name(&replied.author, replied.member.as_ref())),
            text: self.words(&replied.content, &replied.mentions, message.guild_id.as_deref()),
        });
        stickers.chain(files).chain(forwards).chain(reply).collect()
    }
}

/// Messages of the same server that a text links to, as channel and message.
pub(super) fn links(text: &str, guild: &str) -> Vec<(Id, Id)> {
    const LINKS: usize = 3;
    let parts = text.split("/channels/").skip(1);
    parts
        .filter_map(|rest| {
            let path = rest.split(|c: char| !(c.is_ascii_digit() || c == '/')).next()?;
            let mut ids = path.split('/');
            let (of, channel, message) = (ids.next()?, ids.next()?, ids.next()?);
            (of == guild && !channel.is_empty() && !message.is_empty())
                .then(|| (channel.to_owned(), message.to_owned()))
        })
        .take(LINKS)
        .collect()
}

/// What people say before a name.
const GREETINGS: [&str; 16] = [
    "hey",
    "hi",
    "hello",
    "dear",
    "ok",
    "okay",
    "so",
    "good morning",
    "good evening",
    "hallo",
    "guten morgen",
    "hola",
    "salut",
    "bonjour",
    "ciao",
    "olá",
];
/// What stands between two names.
const JOINTS: [&str; 8] = [",", "&", "and ", "und ", "y ", "et ", "e ", "+"];

/// What follows `word` at the beginning of `text`, where it is a word of its own.
fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let after = text.strip_prefix(word).filter(|_| !word.is_empty())?;
    after.chars().next().is_none_or(|c| !c.is_alphanumeric()).then_some(after)
}

#[cfg(test)]
#[path = "receive_tests.rs"]
mod tests;
