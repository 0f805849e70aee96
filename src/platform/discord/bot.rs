//! One bot: what its gateway tells becomes talk.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    FIRST_PAUSE, Handles, LAST_PAUSE, PLATFORM,
    event::{Changed, Channel, Gone, Guild, Id, Message, Reacted, Threads, User},
    menu,
    persona::Hooks,
    receive::{Ear, Meant, emoji, id_at, links, name, person, place},
    rest::{Rest, RestError},
    send::{Address, Voice},
    world::{Spot, World},
};
use crate::{
    conversation::{ConversationError, Inbound, Reaction, STALE, Subject, Taken},
    memory::MemoryError,
    model::{CharacterId, Quoted, Timestamp},
};

/// As many channels are looked through for what was said while nobody could hear.
const CATCH_UP: usize = 50;
/// How long that may take; the gateway waits for it, so that what was said first is heard first.
const CATCH_UP_TIME: Duration = Duration::from_secs(10);
/// How long a look at a channel or a message may take: the gateway waits for that, too.
const LOOK_UP: Duration = Duration::from_secs(3);
/// Private channels where somebody talked to a character in this time are looked through.
const RECENT: Duration = Duration::from_secs(24 * 3600);

/// A bot.
pub(super) struct Bot {
    pub(super) rest: Rest,
    pub(super) token: SecretString,
    pub(super) me: User,
    pub(super) application: Id,
    /// Who answers when nobody is named.
    pub(super) character: CharacterId,
    /// Whether it is that one character, or speaks for the whole cast.
    pub(super) alone: bool,
    pub(super) personas: bool,
    pub(super) hooks: Hooks,
    pub(super) world: World,
    pub(super) handles: Arc<Handles>,
    /// Servers that come into sight are looked through for what was said while nobody could hear.
    pub(super) missed: AtomicBool,
    /// Commands that are being answered.
    pub(super) tasks: TaskTracker,
}

impl Bot {
    /// Its way out.
    pub(super) fn voice(&self) -> Voice {
        Voice {
            rest: self.rest.clone(),
            hooks: self.hooks.clone(),
            me: self.me.id.clone(),
            application: self.application.clone(),
        }
    }

    pub(super) fn ear(&self) -> Ear<'_> {
        Ear {
            me: &self.me.id,
            application: &self.application,
            alone: self.alone,
            personas: self.personas,
            world: &self.world,
            cast: &self.handles.cast,
            hooks: &self.hooks,
        }
    }

    /// Registers the commands. What there was before is replaced, so that this can be done at each start.
    pub(super) async fn register(&self, stop: &CancellationToken) {
        let path = format!("/applications/{}/commands", self.application);
        let mut pause = FIRST_PAUSE;
        loop {
            match self.rest.put(&path, &menu::all()).await {
                Ok(()) => return,
                Err(RestError::Refused { status, code, message }) => {
                    tracing::warn!(status, code, message, "slash commands are not registered");
                    return;
                }
                Err(error) => tracing::warn!(%error, "slash commands are not registered yet; trying again"),
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// Takes an event in. When this returns, whatever it says is stored.
    ///
    /// # Errors
    /// [`ConversationError`], when it could not be stored.
    pub(super) async fn dispatch(&self, kind: &str, data: &Value) -> Result<(), ConversationError> {
        match kind {
            "MESSAGE_CREATE" => match read(kind, data) {
                Some(message) => self.heard(&message).await,
                None => Ok(()),
            },
            "MESSAGE_UPDATE" => match read(kind, data) {
                Some(changed) => self.changed(&changed).await,
                None => Ok(()),
            },
            "MESSAGE_DELETE" | "MESSAGE_DELETE_BULK" => match read::<Gone>(kind, data) {
                Some(gone) => self.gone(gone).await,
                None => Ok(()),
            },
            "MESSAGE_REACTION_ADD" | "MESSAGE_REACTION_REMOVE" => match read(kind, data) {
                Some(reacted) => self.reacted(&reacted, kind == "MESSAGE_REACTION_ADD").await,
                None => Ok(()),
            },
            "GUILD_CREATE" => match read::<Guild>(kind, data) {
                Some(guild) => self.guild(guild).await,
                None => Ok(()),
            },
            "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE" => {
                if let Some(channel) = read(kind, data) {
                    self.world.channel(channel);
                }
                Ok(())
            }
            "THREAD_LIST_SYNC" => {
                if let Some(threads) = read::<Threads>(kind, data) {
                    for thread in threads.threads {
                        self.world.channel(Channel { guild_id: Some(threads.guild_id.clone()), ..thread });
                    }
                }
                Ok(())
            }
            "CHANNEL_DELETE" | "THREAD_DELETE" => {
                if let Some(channel) = read::<Channel>(kind, data) {
                    self.world.forget(&channel.id);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn heard(&self, message: &Message) -> Result<(), ConversationError> {
        let ear = self.ear();
        let meant = ear.meant(message);
        if meant == Meant::Nobody {
            return Ok(());
        }
        let spot = match &message.guild_id {
            Some(guild) => Some(self.spot(guild, &message.channel_id).await),
            None => None,
        };
        let (Some(user), place) = (person(&message.author.id), place(spot.as_ref(), &message.channel_id))
        else {
            return Ok(());
        };
        let roles = message.member.as_ref().map(|member| member.roles.clone()).unwrap_or_default();
        let subject = Subject::new(user.clone(), &place, roles);
        if !self.handles.commands.admits(&subject, &place).await? {
            return Ok(());
        }
        let usual = self.character_at(&place, &user).await?;
        let linked = match &message.guild_id {
            Some(guild) => self.linked(message, guild).await,
            None => Vec::new(),
        };
        for character in self.for_whom(message, &meant, usual).await? {
            let Some(mut inbound) = ear.inbound(message, spot.as_ref(), character) else { continue };
            inbound.beside.extend(linked.iter().cloned());
            self.said(inbound).await?;
        }
        Ok(())
    }

    /// Where a message was written. What Discord does not say counts as a channel of its own, so that nothing said there is
    /// heard elsewhere.
    pub(super) async fn spot(&self, guild: &str, channel: &str) -> Spot {
        let found = match tokio::time::timeout(LOOK_UP, self.world.spot(&self.rest, guild, channel)).await {
            Ok(found) => found,
            Err(_) => Err(RestError::Unreachable("it takes too long".to_owned())),
        };
        match found {
            Ok(spot) => spot,
            Err(error) => {
                tracing::warn!(channel, %error, "it is not known whether this is a thread");
                Spot { guild: guild.to_owned(), parent: None, name: String::new(), last_message: None }
            }
        }
    }

    /// Who of the cast is to answer: whoever is named, else whoever is replied to, else whoever usually answers.
    async fn for_whom(
        &self,
        message: &Message,
        meant: &Meant,
        usual: CharacterId,
    ) -> Result<Vec<CharacterId>, ConversationError> {
        let ear = self.ear();
        // In private there is one other, whoever is spoken of.
        if self.alone || message.guild_id.is_none() {
            return Ok(vec![usual]);
        }
        if *meant == Meant::Bot {
            let called = ear.called(&ear.words(&message.content, &[], message.guild_id.as_deref()));
            if !called.is_empty() {
                return Ok(called);
            }
        }
        let Some(replied) = message.replied_to.as_deref().filter(|replied| ear.is_ours(replied)) else {
            return Ok(vec![usual]);
        };
        let said_by = self.handles.conversations.said_by(PLATFORM, &message.channel_id, &replied.id).await?;
        Ok(vec![said_by.unwrap_or(usual)])
    }

    /// Messages of the same channel that this one links to. Those of other channels are not looked up: not everybody here may
    /// read them.
    async fn linked(&self, message: &Message, guild: &str) -> Vec<Quoted> {
        let mut linked = Vec::new();
        for (channel, id) in links(&message.content, guild) {
            if channel != message.channel_id {
                continue;
            }
            let path = format!("/channels/{channel}/messages/{id}");
            let found = match tokio::time::timeout(LOOK_UP, self.rest.get::<Message>(&path)).await {
                Ok(found) => found,
                Err(_) => Err(RestError::Unreachable("it takes too long".to_owned())),
            };
            match found {
                Ok(found) if !found.content.trim().is_empty() => {
                    let ear = self.ear();
                    linked.push(Quoted::Link {
                        by: (!ear.is_ours(&found)).then(|| name(&found.author, found.member.as_ref())),
                        text: ear.words(&found.content, &found.mentions, Some(guild)),
                    });
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "a linked message is not shown"),
            }
        }
        linked
    }

    pub(super) async fn said(&self, inbound: Inbound) -> Result<(), ConversationError> {
        match self.handles.conversations.take_in(inbound.clone()).await {
            Ok(Taken::New | Taken::Seen | Taken::Stop) => Ok(()),
            Err(ConversationError::Memory(error @ (MemoryError::TooLong(_) | MemoryError::Empty))) => {
                self.handles.conversations.remark(&inbound, &error.to_string()).await
            }
            Err(ConversationError::NoSuchCharacter(id)) => {
                tracing::error!(character = %id, "a message to a character that is not in the cast");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn changed(&self, changed: &Changed) -> Result<(), ConversationError> {
        let (Some(content), Some(_)) = (&changed.content, &changed.edited_timestamp) else { return Ok(()) };
        let conversations = &self.handles.conversations;
        for character in conversations.heard_by(PLATFORM, &changed.id).await? {
            let text = self.ear().words(content, &changed.mentions, None);
            match conversations.changed(PLATFORM, &changed.id, &character, &text).await {
                // What cannot be kept leaves the message as it was.
                Err(ConversationError::Memory(MemoryError::TooLong(_) | MemoryError::Empty)) => {}
                done => done?,
            }
        }
        Ok(())
    }

    async fn gone(&self, gone: Gone) -> Result<(), ConversationError> {
        let conversations = &self.handles.conversations;
        for id in gone.ids.into_iter().chain(gone.id) {
            for character in conversations.heard_by(PLATFORM, &id).await? {
                conversations.taken_back(PLATFORM, &id, &character).await?;
            }
        }
        Ok(())
    }

    async fn reacted(&self, reacted: &Reacted, added: bool) -> Result<(), ConversationError> {
        let by_bot =
            reacted.member.as_ref().and_then(|member| member.user.as_ref()).is_some_and(|user| user.bot);
        let Some(user) = person(&reacted.user_id).filter(|_| !by_bot && reacted.user_id != self.me.id) else {
            return Ok(());
        };
        let reaction = Reaction {
            platform: PLATFORM.to_owned(),
            room: reacted.channel_id.clone(),
            message: reacted.message_id.clone(),
            user,
            emoji: emoji(&reacted.emoji),
            added,
        };
        self.handles.conversations.reacted(reaction).await
    }

    async fn guild(&self, guild: Guild) -> Result<(), ConversationError> {
        let id = guild.id.clone();
        self.world.guild(guild, &self.me.id);
        if !self.missed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let since = self.handles.clock.now().minus(STALE);
        let stirred = self.world.stirred(id_at(since)).into_iter().filter(|(_, spot)| spot.guild == id);
        self.catch_up_in(
            stirred.map(|(channel, spot)| (channel, Some(spot))).take(CATCH_UP).collect(),
            since,
        )
        .await;
        Ok(())
    }

    /// A session has begun anew: what was said in between is asked for where somebody lately talked to a character in private,
    /// and, as servers come into sight, in channels where anything was said.
    pub(super) async fn catch_up(&self) {
        self.missed.store(true, Ordering::Relaxed);
        let now = self.handles.clock.now();
        let addresses = match self.handles.conversations.recent(PLATFORM, now.minus(RECENT)).await {
            Ok(addresses) => addresses,
            Err(error) => {
                tracing::warn!(%error, "it is not known where people talked lately");
                return;
            }
        };
        let mut seen = HashSet::new();
        let channels = addresses
            .iter()
            .filter_map(|address| Address::read(address).ok())
            .filter(|address| address.bot == self.me.id && seen.insert(address.channel.clone()))
            .map(|address| (address.channel, None))
            .take(CATCH_UP)
            .collect();
        self.catch_up_in(channels, now.minus(STALE)).await;
    }

    async fn catch_up_in(&self, channels: Vec<(Id, Option<Spot>)>, since: Timestamp) {
        let all = async {
            for (channel, spot) in channels {
                let path = format!("/channels/{channel}/messages?limit=100&after={}", id_at(since));
                let mut missed: Vec<Message> = match self.rest.get(&path).await {
                    Ok(missed) => missed,
                    Err(error) => {
                        tracing::debug!(channel, %error, "a channel cannot be looked through");
                        continue;
                    }
                };
                missed.sort_by_key(|message| message.id.parse::<u64>().unwrap_or_default());
                for mut message in missed {
                    message.guild_id = spot.as_ref().map(|spot| spot.guild.clone());
                    if let Err(error) = self.heard(&message).await {
                        tracing::error!(%error, "a message that was missed is not stored");
                    }
                }
            }
        };
        if tokio::time::timeout(CATCH_UP_TIME, all).await.is_err() {
            tracing::warn!("not every channel was looked through for what was said while nobody could hear");
        }
    }
}

/// An event, as far as it can be read. Its words may be anybody's, so only the place of the error is told.
pub(super) fn read<T: DeserializeOwned>(kind: &str, data: &Value) -> Option<T> {
    match T::deserialize(data) {
        Ok(event) => Some(event),
        Err(error) => {
            let what = error.to_string();
            let what = what.split(['`', '"']).next().unwrap_or_default().trim();
            tracing::warn!(kind, what, "an event of Discord's cannot be read, and is left out");
            None
        }
    }
}
