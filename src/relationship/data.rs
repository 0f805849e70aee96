//! The tables `trust_event`, `relationship` and `milestone`.

use sqlx::{Any, Executor, Row, any::AnyRow};
use uuid::Uuid;

use super::{EventKind, Mood, Trust, TrustEvent};
use crate::{
    model::{CharacterId, Timestamp, UserId},
    store::{Database, StoreError, Tx},
};

/// A day.
const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// The row of one relationship.
pub(super) struct Relationship {
    pub(super) trust: Trust,
    pub(super) mood: Mood,
    pub(super) mood_at: Timestamp,
    pub(super) turns: i64,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
}

/// A change that is about to be recorded.
pub(super) struct Event<'a> {
    pub(super) kind: EventKind,
    pub(super) delta: f64,
    pub(super) reason: &'a str,
    pub(super) source: &'a str,
    pub(super) at: Timestamp,
}

pub(super) async fn relationship<'e>(
    executor: impl Executor<'e, Database = Any>,
    character: &CharacterId,
    user: &UserId,
) -> Result<Option<Relationship>, StoreError> {
    let row = sqlx::query(
        "SELECT trust, mood, mood_at, turns, first_at, last_at FROM relationship \
         WHERE character = $1 AND owner = $2",
    )
    .bind(character.to_string())
    .bind(user.to_string())
    .fetch_optional(executor)
    .await?;
    row.map(|row| read(&row)).transpose()
}

fn read(row: &AnyRow) -> Result<Relationship, StoreError> {
    Ok(Relationship {
        trust: Trust::new(row.try_get::<f64, _>("trust")?),
        mood: Mood::from_name(&row.try_get::<String, _>("mood")?),
        mood_at: Timestamp::from_micros(row.try_get("mood_at")?),
        turns: row.try_get("turns")?,
        first_at: Timestamp::from_micros(row.try_get("first_at")?),
        last_at: Timestamp::from_micros(row.try_get("last_at")?),
    })
}

pub(super) async fn save(
    tx: &mut Tx,
    character: &CharacterId,
    user: &UserId,
    row: &Relationship,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO relationship (character, owner, trust, mood, mood_at, turns, first_at, last_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (character, owner) DO UPDATE SET trust = excluded.trust, mood = excluded.mood, \
         mood_at = excluded.mood_at, turns = excluded.turns, first_at = excluded.first_at, last_at = excluded.last_at",
    )
    .bind(character.to_string())
    .bind(user.to_string())
    .bind(row.trust.get())
    .bind(row.mood.as_str().to_owned())
    .bind(row.mood_at.micros())
    .bind(row.turns)
    .bind(row.first_at.micros())
    .bind(row.last_at.micros())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// False when an event of this kind and source is there already.
pub(super) async fn add_event(
    tx: &mut Tx,
    character: &CharacterId,
    user: &UserId,
    event: &Event<'_>,
) -> Result<bool, StoreError> {
    let added = sqlx::query(
        "INSERT INTO trust_event (id, character, owner, kind, delta, reason, source, at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (character, owner, kind, source) DO NOTHING",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(character.to_string())
    .bind(user.to_string())
    .bind(event.kind.as_str().to_owned())
    .bind(event.delta)
    .bind(event.reason.to_owned())
    .bind(event.source.to_owned())
    .bind(event.at.micros())
    .execute(&mut **tx)
    .await?;
    Ok(added.rows_affected() > 0)
}

/// How many events of one kind a numbered source has (`source#0`, `source#1`, …).
pub(super) async fn count(
    database: &Database,
    character: &CharacterId,
    user: &UserId,
    kind: EventKind,
    source: &str,
) -> Result<i64, StoreError> {
    // `#` sorts right before `$`.
    Ok(sqlx::query_scalar(
        "SELECT COUNT(*) FROM trust_event WHERE character = $1 AND owner = $2 AND kind = $3 \
         AND source >= $4 AND source < $5",
    )
    .bind(character.to_string())
    .bind(user.to_string())
    .bind(kind.as_str().to_owned())
    .bind(format!("{source}#"))
    .bind(format!("{source}$"))
    .fetch_one(database.readers())
    .await?)
}

/// The sum of the changes of one kind in the day that begins at `since`; of turns, only what they added.
pub(super) async fn gained_since(
    tx: &mut Tx,
    character: &CharacterId,
    user: &UserId,
    kind: EventKind,
    since: Timestamp,
) -> Result<f64, StoreError> {
    let sum: Option<f64> = sqlx::query_scalar(
        "SELECT SUM(delta) FROM trust_event WHERE character = $1 AND owner = $2 AND kind = $3 AND at >= $4 AND at < $5 \
         AND (delta > 0 OR kind <> 'turn')",
    )
    .bind(character.to_string())
    .bind(user.to_string())
    .bind(kind.as_str().to_owned())
    .bind(since.micros())
    .bind(since.plus(DAY).micros())
    .fetch_one(&mut **tx)
    .await?;
    Ok(sum.unwrap_or(0.0))
}

pub(super) async fn delta_of(
    tx: &mut Tx,
    character: &CharacterId,
    user: &UserId,
    kind: EventKind,
    source: &str,
) -> Result<Option<f64>, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT delta FROM trust_event WHERE character = $1 AND owner = $2 AND kind = $3 AND source = $4",
    )
    .bind(character.to_string())
    .bind(user.to_string())
    .bind(kind.as_str().to_owned())
    .bind(source.to_owned())
    .fetch_optional(&mut **tx)
    .await?)
}

pub(super) async fn first_time(
    database: &Database,
    character: &CharacterId,
    user: &UserId,
    key: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let added = sqlx::query(
        "INSERT INTO milestone (character, owner, key, at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (character, owner, key) DO NOTHING",
    )
    .bind(character.to_string())
    .bind(user.to_string())
    .bind(key.to_owned())
    .bind(now.micros())
    .execute(database.writer())
    .await?;
    Ok(added.rows_affected() > 0)
}

pub(super) async fn events(
    database: &Database,
    character: &CharacterId,
    user: &UserId,
    limit: i64,
) -> Result<Vec<TrustEvent>, StoreError> {
    let rows = sqlx::query(
        "SELECT kind, delta, reason, at FROM trust_event WHERE character = $1 AND owner = $2 \
         ORDER BY id DESC LIMIT $3",
    )
    .bind(character.to_string())
    .bind(user.to_string())
    .bind(limit)
    .fetch_all(database.readers())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(TrustEvent {
                kind: row.try_get("kind")?,
                delta: row.try_get("delta")?,
                reason: row.try_get("reason")?,
                at: Timestamp::from_micros(row.try_get("at")?),
            })
        })
        .collect()
}
