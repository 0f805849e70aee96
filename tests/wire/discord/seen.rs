//! What a person would see, and waiting for it.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{
    Discord,
    world::{Id, Message, Request, World},
};

const LOADING: u64 = 1 << 7;

/// A message as people see it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub id: Id,
    pub channel: Id,
    /// A user or a webhook.
    pub author: Id,
    pub name: String,
    pub avatar: Option<String>,
    /// The webhook behind a persona.
    pub webhook: Option<Id>,
    pub bot: bool,
    pub text: String,
    pub reply_to: Option<Id>,
    pub at: Instant,
    /// Every text that it was changed to.
    pub edits: Vec<(Instant, String)>,
    pub deleted: bool,
    /// Emoji and who gave it.
    pub reactions: Vec<(String, Vec<Id>)>,
    pub components: Value,
    pub embeds: Value,
    pub attachments: Value,
    pub flags: u64,
    pub nonce: Option<Value>,
    /// Who gets a notification.
    pub pings: Vec<Id>,
    pub pings_everyone: bool,
    pub ephemeral_for: Option<Id>,
    pub interaction: Option<Id>,
}

impl Seen {
    /// "… is thinking": the answer is deferred.
    pub fn thinking(&self) -> bool {
        self.flags & LOADING != 0
    }
}

fn seen(world: &World, it: &Message) -> Seen {
    let user = world.users.get(&it.author);
    let name = it.face.as_ref().map_or_else(|| user.map_or("?", |it| &it.name), |face| &face.name);
    Seen {
        id: it.id,
        channel: it.channel,
        author: it.author,
        name: name.to_owned(),
        avatar: it.face.as_ref().and_then(|face| face.avatar.clone()),
        webhook: it.face.as_ref().map(|face| face.webhook),
        bot: it.face.is_some() || user.is_some_and(|it| it.bot),
        text: it.content.clone(),
        reply_to: it.reply_to,
        at: it.at,
        edits: it.edits.clone(),
        deleted: it.deleted,
        reactions: it.reactions.clone(),
        components: it.components.clone(),
        embeds: it.embeds.clone(),
        attachments: it.attachments.clone(),
        flags: it.flags,
        nonce: it.nonce.clone(),
        pings: it.mentions.clone(),
        pings_everyone: it.mention_everyone,
        ephemeral_for: it.ephemeral_for,
        interaction: it.interaction,
    }
}

impl Discord {
    /// Every message of a channel, oldest first, the deleted and the ephemeral ones too.
    pub fn seen(&self, channel: Id) -> Vec<Seen> {
        let world = self.world();
        let ids = world.in_channel.get(&channel).cloned().unwrap_or_default();
        ids.iter().map(|it| seen(&world, &world.messages[it])).collect()
    }

    /// One message.
    pub fn message(&self, id: Id) -> Seen {
        let world = self.world();
        seen(&world, &world.messages[&id])
    }

    /// What everybody sees of bots and personas in a channel: not deleted, not ephemeral.
    pub fn shown(&self, channel: Id) -> Vec<Seen> {
        let mut all = self.seen(channel);
        all.retain(|it| it.bot && !it.deleted && it.ephemeral_for.is_none());
        all
    }

    /// What only this person sees in a channel.
    pub fn whispered(&self, channel: Id, user: Id) -> Vec<Seen> {
        let mut all = self.seen(channel);
        all.retain(|it| it.ephemeral_for == Some(user) && !it.deleted);
        all
    }

    /// Everything there is, oldest first.
    pub fn all_seen(&self) -> Vec<Seen> {
        let world = self.world();
        world.messages.values().map(|it| seen(&world, it)).collect()
    }

    /// When which bot showed that it types in a channel.
    pub fn typing(&self, channel: Id) -> Vec<(Id, Instant)> {
        let world = self.world();
        world.typing.iter().filter(|it| it.0 == channel).map(|it| (it.1, it.2)).collect()
    }

    /// How many messages were created with each nonce.
    pub fn creations(&self) -> Vec<(String, usize)> {
        let world = self.world();
        world.nonces.iter().map(|((_, nonce), made)| (nonce.clone(), made.len())).collect()
    }

    /// How many messages were created with a nonce.
    pub fn created(&self, nonce: &str) -> usize {
        self.creations().into_iter().filter(|(it, _)| it == nonce).map(|(_, times)| times).sum()
    }

    /// Every request so far.
    pub fn journal(&self) -> Vec<Request> {
        self.world().journal.clone()
    }

    /// The requests of a method whose path matches a regular expression.
    pub fn requests(&self, method: &str, path: &str) -> Vec<Request> {
        let path = regex::Regex::new(path).unwrap();
        let world = self.world();
        let fits = |it: &&Request| it.method == method && path.is_match(&it.path);
        world.journal.iter().filter(fits).cloned().collect()
    }

    /// The first message of a channel that fits, as soon as there is one. Panics when its patience ends.
    pub async fn wait_for(&self, channel: Id, patience: Duration, fits: impl Fn(&Seen) -> bool) -> Seen {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(found) = self.seen(channel).into_iter().find(&fits) {
                return found;
            }
            assert!(Instant::now() < deadline, "not within {patience:?}; seen: {:#?}", self.seen(channel));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until `fits` holds; panics with what is shown when it does not within 30 s.
    pub async fn until(&self, what: &str, fits: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !fits(self) {
            assert!(Instant::now() < deadline, "not within 30 s: {what}; seen: {:#?}", self.all_seen());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
