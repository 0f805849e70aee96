//! What an answered turn leaves behind: trust, milestones, vectors. The answer is out by then and waits for none of it.

use tokio::sync::mpsc;

use super::turn::{Ask, Broken, Mind, Parts, send};
use crate::{
    model::{Aside, MessageId, Timestamp, TurnEvent},
    relationship::{self, Change},
};

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
            self.milestones(ask, &change, message.at, events).await?;
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

    async fn milestones(
        &self,
        ask: &Ask,
        change: &Change,
        now: Timestamp,
        events: &mpsc::Sender<TurnEvent>,
    ) -> Result<(), Broken> {
        let evolution = &ask.character.evolution;
        let (before, after) = (change.before.get(), change.after.get());
        let reached = evolution.milestones.iter().filter_map(|milestone| {
            let level = f64::from(milestone.trust_level);
            (before < level && after >= level).then(|| {
                (format!("milestone:{}", milestone.trust_level), Aside::Milestone, &milestone.message)
            })
        });
        let mut peak = f64::MIN;
        if evolution.trust_drops.iter().any(|drop| crossed_down(before, after, drop.to_max)) {
            peak = self.parts.relationships.peak(&ask.viewer.character, &ask.viewer.user).await?.get();
        }
        let fallen = evolution.trust_drops.iter().filter_map(|drop| {
            let fell = crossed_down(before, after, drop.to_max) && peak >= f64::from(drop.from_min);
            let key = format!("drop:{}:{}", drop.from_min, drop.to_max);
            fell.then_some((key, Aside::TrustDrop, &drop.message))
        });
        for (key, kind, text) in reached.chain(fallen) {
            let viewer = &ask.viewer;
            if self.parts.relationships.first_time(&viewer.character, &viewer.user, &key, now).await? {
                send(events, TurnEvent::Aside { kind, text: text.clone() }).await;
            }
        }
        Ok(())
    }
}

/// Trust passed `level` on its way down.
fn crossed_down(before: f64, after: f64, level: i32) -> bool {
    before > f64::from(level) && after <= f64::from(level)
}
