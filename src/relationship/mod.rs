//! Trust, stages, mood, traits and milestones. Trust is event-sourced: each change is a row with its reason, and the
//! present value is what they add up to.

mod data;
mod tone;
mod trust;

use std::sync::Arc;

use crate::{
    model::{CharacterId, Clock, Timestamp, UnitScore, UserId},
    store::{Database, StoreError},
};

pub use tone::{Mood, Tone, tone_of};
pub use trust::{Trust, active_traits, turn_delta};

/// Why trust could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum RelationshipError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RelationshipError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// How a character stands towards somebody, now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Trust, faded by silence.
    pub trust: Trust,
    /// The mood.
    pub mood: Mood,
    /// How strong the mood is.
    pub mood_strength: UnitScore,
    /// Turns so far.
    pub turns: i64,
    /// The first turn.
    pub first_at: Option<Timestamp>,
    /// The last turn.
    pub last_at: Option<Timestamp>,
}

/// A change of trust.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Before.
    pub before: Trust,
    /// After.
    pub after: Trust,
}

/// What causes a change of trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A turn.
    Turn,
    /// A reaction to something the character said.
    Reaction,
    /// The same reaction, taken back.
    ReactionRemoved,
    /// Somebody in charge.
    Admin,
}

impl EventKind {
    /// The stored name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::Reaction => "reaction",
            Self::ReactionRemoved => "reaction_removed",
            Self::Admin => "admin",
        }
    }
}

/// One change of trust, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct TrustEvent {
    /// What kind.
    pub kind: String,
    /// How much.
    pub delta: f64,
    /// Why, in words for people.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// All relationships.
#[derive(Debug, Clone)]
pub struct Relationships {
    database: Database,
    clock: Arc<dyn Clock>,
}

impl Relationships {
    /// The relationships kept in this store.
    #[must_use]
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }

    /// How the character stands towards the user at `now`. `pinned` replaces the trust (`special_users`).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn standing(
        &self,
        character: &CharacterId,
        user: &UserId,
        now: Timestamp,
        pinned: Option<f64>,
    ) -> Result<Standing, RelationshipError> {
        let row = data::relationship(self.database.readers(), character, user).await?;
        Ok(match row {
            Some(row) => {
                let (mood, mood_strength) = row.mood.faded(row.mood_at, now);
                Standing {
                    trust: pinned.map_or_else(|| row.trust.after(now.since(row.last_at)), Trust::new),
                    mood,
                    mood_strength,
                    turns: row.turns,
                    first_at: Some(row.first_at),
                    last_at: Some(row.last_at),
                }
            }
            None => Standing {
                trust: Trust::new(pinned.unwrap_or_default()),
                mood: Mood::Neutral,
                mood_strength: UnitScore::ZERO,
                turns: 0,
                first_at: None,
                last_at: None,
            },
        })
    }

    /// Counts a turn. The same `source` (the message's id) counts once. What turns add in a day is capped.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn record_turn(
        &self,
        character: &CharacterId,
        user: &UserId,
        source: &str,
        tone: Tone,
        now: Timestamp,
    ) -> Result<Change, RelationshipError> {
        let mut tx = self.database.begin().await?;
        self.database.lock(&mut tx, &format!("trust {character} {user}")).await?;
        let row = data::relationship(&mut *tx, character, user).await?;
        let before = row.as_ref().map_or(Trust::default(), |row| row.trust.after(now.since(row.last_at)));
        let wanted = turn_delta(before, tone);
        let gained = data::gained_since(&mut tx, character, user, EventKind::Turn, day_of(now)).await?;
        let delta = if wanted > 0.0 { wanted.min((trust::DAILY_GAIN - gained).max(0.0)) } else { wanted };
        let event = data::Event { kind: EventKind::Turn, delta, reason: reason(tone), source, at: now };
        if !data::add_event(&mut tx, character, user, &event).await? {
            return Ok(Change { before, after: before });
        }
        let after = before.plus(delta);
        let mood = row.as_ref().map_or(Mood::Neutral, |row| row.mood.faded(row.mood_at, now).0).after(tone);
        let mood_at = match &row {
            Some(row) if tone == Tone::Neutral || now < row.mood_at => row.mood_at,
            _ => now,
        };
        let turns = row.as_ref().map_or(0, |row| row.turns) + 1;
        // What is brought in from long ago does not undo what came since.
        let first_at = row.as_ref().map_or(now, |row| row.first_at.min(now));
        let last_at = row.as_ref().map_or(now, |row| row.last_at.max(now));
        let row = data::Relationship { trust: after, mood, mood_at, turns, first_at, last_at };
        data::save(&mut tx, character, user, &row).await?;
        tx.commit().await?;
        Ok(Change { before, after })
    }

    /// Records a change that is no turn. A `ReactionRemoved` takes back exactly what the `Reaction` of the same source
    /// gave; `delta` is then ignored. What reactions add or take in a day is capped at 15.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn record(
        &self,
        character: &CharacterId,
        user: &UserId,
        kind: EventKind,
        delta: f64,
        reason: &str,
        source: &str,
    ) -> Result<Change, RelationshipError> {
        let now = self.clock.now();
        let mut tx = self.database.begin().await?;
        self.database.lock(&mut tx, &format!("trust {character} {user}")).await?;
        let row = data::relationship(&mut *tx, character, user).await?;
        let before = row.as_ref().map_or(Trust::default(), |row| row.trust.after(now.since(row.last_at)));
        let delta = match kind {
            EventKind::ReactionRemoved => {
                -data::delta_of(&mut tx, character, user, EventKind::Reaction, source).await?.unwrap_or(0.0)
            }
            EventKind::Reaction => {
                let so_far =
                    data::gained_since(&mut tx, character, user, EventKind::Reaction, day_of(now)).await?;
                (so_far + delta).clamp(-trust::DAILY_REACTIONS, trust::DAILY_REACTIONS) - so_far
            }
            EventKind::Turn | EventKind::Admin => delta,
        };
        let event = data::Event { kind, delta, reason, source, at: now };
        if !data::add_event(&mut tx, character, user, &event).await? {
            return Ok(Change { before, after: before });
        }
        let after = before.plus(delta);
        let row = row.map_or(
            data::Relationship {
                trust: after,
                mood: Mood::Neutral,
                mood_at: now,
                turns: 0,
                first_at: now,
                last_at: now,
            },
            |row| data::Relationship { trust: after, last_at: row.last_at.max(now), ..row },
        );
        data::save(&mut tx, character, user, &row).await?;
        tx.commit().await?;
        Ok(Change { before, after })
    }

    /// Counts a reaction, or takes it back. The same `source` (message and emoji) counts once until it is taken back, and again
    /// when it is given again. What reactions add or take in a day is capped at 15.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn react(
        &self,
        character: &CharacterId,
        user: &UserId,
        source: &str,
        given: Option<(f64, &str)>,
    ) -> Result<Change, RelationshipError> {
        let count = async |kind| data::count(&self.database, character, user, kind, source).await;
        let added = count(EventKind::Reaction).await?;
        let removed = count(EventKind::ReactionRemoved).await?;
        let (kind, delta, reason, number) = match given {
            Some((delta, reason)) => (EventKind::Reaction, delta, reason, removed),
            None if added > removed => (EventKind::ReactionRemoved, 0.0, "a reaction taken back", added - 1),
            None => {
                let trust = self.standing(character, user, self.clock.now(), None).await?.trust;
                return Ok(Change { before: trust, after: trust });
            }
        };
        self.record(character, user, kind, delta, reason, &format!("{source}#{number}")).await
    }

    /// True the first time it is asked for this key, and never again: milestones and drop messages are said once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn first_time(
        &self,
        character: &CharacterId,
        user: &UserId,
        key: &str,
        now: Timestamp,
    ) -> Result<bool, RelationshipError> {
        Ok(data::first_time(&self.database, character, user, key, now).await?)
    }

    /// The highest trust there has been, for messages about a fall from it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn peak(&self, character: &CharacterId, user: &UserId) -> Result<Trust, RelationshipError> {
        let events = data::events(&self.database, character, user, i64::MAX).await?;
        let mut last: Option<Timestamp> = None;
        let (mut trust, mut peak) = (Trust::default(), Trust::default());
        for event in events.iter().rev() {
            let silence = last.map_or(std::time::Duration::ZERO, |last| event.at.since(last));
            trust = trust.after(silence).plus(event.delta);
            last = Some(last.map_or(event.at, |last| last.max(event.at)));
            if trust > peak {
                peak = trust;
            }
        }
        Ok(peak)
    }

    /// The last changes, the one that was recorded last first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn events(
        &self,
        character: &CharacterId,
        user: &UserId,
        limit: u32,
    ) -> Result<Vec<TrustEvent>, RelationshipError> {
        Ok(data::events(&self.database, character, user, i64::from(limit)).await?)
    }
}

fn day_of(now: Timestamp) -> Timestamp {
    const DAY: i64 = 86_400_000_000;
    Timestamp::from_micros(now.micros().div_euclid(DAY) * DAY)
}

fn reason(tone: Tone) -> &'static str {
    match tone {
        Tone::Warm => "a kind word",
        Tone::Neutral => "a turn of talk",
        Tone::Cold => "a cold word",
        Tone::Hostile => "an insult",
        Tone::Sad => "a sorrow shared",
        Tone::Excited => "a joy shared",
    }
}
