//! What an answered turn leaves behind: trust, milestones, vectors. The answer is out by then and waits for none of it.

use tokio::sync::mpsc;

use super::turn::{Ask, Broken, Mind, Parts, send};
use crate::{
    character::Character,
    memory::{Judgement, Vote},
    model::{Aside, Feeling, MessageId, Timestamp, TurnEvent, UserId},
    relationship::{self, Change, RelationshipError},
};

/// What a reaction adds to trust, or takes from it (product.md, REL).
const REACTION: f64 = 5.0;

/// A reaction to something a character said.
#[derive(Debug, Clone, Copy)]
pub struct Reacted<'a> {
    /// Who reacts.
    pub user: &'a UserId,
    /// What it is on, and with what: one reaction counts once.
    pub source: &'a str,
    /// The message that was answered with what it is on.
    pub answered: Option<MessageId>,
    /// With what.
    pub emoji: &'a str,
    /// What it says.
    pub feeling: Feeling,
    /// False: it is taken back.
    pub added: bool,
}

impl Mind {
    /// What an answered turn leaves behind: trust, milestones, vectors.
    pub(super) async fn remember(
        &self,
        ask: &Ask,
        vector: Option<Vec<f32>>,
        reply: Option<MessageId>,
        pinned: Option<f64>,
        events: &mpsc::Sender<TurnEvent>,
    ) -> Result<(), Broken> {
        let Parts { memory, relationships, .. } = &self.parts;
        let (viewer, message) = (&ask.viewer, &ask.message);
        let tone = relationship::tone_of(&message.text);
        let source = message.id.to_string();
        let change =
            relationships.record_turn(&viewer.character, &viewer.user, &source, tone, message.at).await?;
        if pinned.is_none() {
            for (kind, text) in self.news(&ask.character, &viewer.user, &change, message.at).await? {
                send(events, TurnEvent::Aside { kind, text }).await;
            }
        }
        // The vector of several messages together is that of none of them.
        let known = vector.filter(|_| ask.also.is_empty()).map(|vector| (message.text.as_str(), vector));
        memory.index_vectors(message.id, known).await?;
        for id in &ask.also {
            memory.index_vectors(*id, None).await?;
        }
        if let Some(reply) = reply {
            memory.index_vectors(reply, None).await?;
        }
        Ok(())
    }

    /// Takes in a reaction to something the character said. Gives what the character has to say to it: a milestone, or a drop
    /// of trust, each said once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reacted(
        &self,
        character: &Character,
        reacted: Reacted<'_>,
    ) -> Result<Vec<String>, RelationshipError> {
        let Reacted { user, source, answered, emoji, feeling, added } = reacted;
        let judgement = match feeling {
            Feeling::Kind => Judgement::Liked,
            Feeling::Unkind => Judgement::Disliked,
        };
        if let Some(message) = answered {
            let memory = &self.parts.memory;
            let vote = Vote { by: user, source, feeling };
            let traces = memory.judge_traces(message, judgement, added).await;
            let patterns = memory.judge_pattern(message, vote, added).await;
            for error in [traces, patterns].into_iter().filter_map(Result::err) {
                tracing::warn!(%error, "a reaction is not noted for the next answer");
            }
        }
        let delta = match feeling {
            Feeling::Kind => REACTION,
            Feeling::Unkind => -REACTION,
        };
        let reason = format!("a reaction, {emoji}");
        let given = added.then_some((delta, reason.as_str()));
        let change = self.parts.relationships.react(&character.id, user, source, given).await?;
        let special = character.evolution.special_users.iter().find(|special| special.is(user));
        if special.is_some_and(|special| special.trust_override.is_some()) {
            return Ok(Vec::new());
        }
        let news = self.news(character, user, &change, self.parts.clock.now()).await?;
        Ok(news.into_iter().map(|(_, text)| text).collect())
    }

    /// What a change of trust gives the character to say.
    async fn news(
        &self,
        character: &Character,
        user: &UserId,
        change: &Change,
        now: Timestamp,
    ) -> Result<Vec<(Aside, String)>, RelationshipError> {
        let relationships = &self.parts.relationships;
        let evolution = &character.evolution;
        let (before, after) = (change.before.get(), change.after.get());
        let reached = evolution.milestones.iter().filter_map(|milestone| {
            let level = f64::from(milestone.trust_level);
            (before < level && after >= level).then(|| {
                (format!("milestone:{}", milestone.trust_level), Aside::Milestone, &milestone.message)
            })
        });
        let mut peak = f64::MIN;
        if evolution.trust_drops.iter().any(|drop| crossed_down(before, after, drop.to_max)) {
            peak = relationships.peak(&character.id, user).await?.get();
        }
        let fallen = evolution.trust_drops.iter().filter_map(|drop| {
            let fell = crossed_down(before, after, drop.to_max) && peak >= f64::from(drop.from_min);
            let key = format!("drop:{}:{}", drop.from_min, drop.to_max);
            fell.then_some((key, Aside::TrustDrop, &drop.message))
        });
        let mut news = Vec::new();
        for (key, kind, text) in reached.chain(fallen) {
            if relationships.first_time(&character.id, user, &key, now).await? {
                news.push((kind, text.clone()));
            }
        }
        Ok(news)
    }
}

/// Trust passed `level` on its way down.
fn crossed_down(before: f64, after: f64, level: i32) -> bool {
    before > f64::from(level) && after <= f64::from(level)
}
