//! The tables `notice`, what has been said once in a conversation, and `cursor`, where adapters left off; and what others want
//! to know of the table `outbox`.

use std::collections::BTreeSet;

use crate::{
    model::{MessageId, Timestamp, Viewer},
    store::{Database, StoreError},
};

/// True the first time it is asked for this conversation and key, and never again.
pub(super) async fn first_time(
    database: &Database,
    viewer: &Viewer,
    key: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    // Nearly always it has been said; a look takes no lock.
    let said: Option<i64> = sqlx::query_scalar(
        "SELECT CAST(1 AS BIGINT) FROM notice WHERE character = $1 AND scope = $2 AND key = $3",
    )
    .bind(viewer.character.to_string())
    .bind(viewer.scope().key())
    .bind(key.to_owned())
    .fetch_optional(database.readers())
    .await?;
    if said.is_some() {
        return Ok(false);
    }
    let added = sqlx::query(
        "INSERT INTO notice (character, scope, key, at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (character, scope, key) DO NOTHING",
    )
    .bind(viewer.character.to_string())
    .bind(viewer.scope().key())
    .bind(key.to_owned())
    .bind(at.micros())
    .execute(database.writer())
    .await?;
    Ok(added.rows_affected() > 0)
}

/// Messages that are written down and not sent yet.
pub(super) async fn unsent(database: &Database) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE status IN ('waiting', 'sending')")
        .fetch_one(database.readers())
        .await?;
    Ok(count)
}

/// Takes the words of answers to these messages out of what was sent; that it was sent stays known.
pub(super) async fn forget_sent(
    database: &Database,
    messages: &BTreeSet<MessageId>,
) -> Result<(), StoreError> {
    let mut tx = database.begin().await?;
    for message in messages {
        sqlx::query("UPDATE outbox SET text = '' WHERE key LIKE $1 AND status NOT IN ('sending', 'waiting')")
            .bind(format!("{message}/%"))
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The message that was answered with what was sent under this id.
pub(super) async fn asked(
    database: &Database,
    platform: &str,
    room: &str,
    platform_id: &str,
) -> Result<Option<MessageId>, StoreError> {
    let keys: Vec<String> =
        sqlx::query_scalar("SELECT key FROM outbox WHERE platform = $1 AND room = $2 AND platform_id = $3")
            .bind(platform.to_owned())
            .bind(room.to_owned())
            .bind(platform_id.to_owned())
            .fetch_all(database.readers())
            .await?;
    Ok(keys.iter().find_map(|key| key.split_once('/')?.0.parse().ok()))
}

/// Where an adapter left off.
pub(super) async fn cursor(database: &Database, key: &str) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar("SELECT value FROM cursor WHERE key = $1")
        .bind(key.to_owned())
        .fetch_optional(database.readers())
        .await?)
}

/// Keeps where an adapter has got to.
pub(super) async fn keep_cursor(
    database: &Database,
    key: &str,
    value: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO cursor (key, value, updated_at) VALUES ($1, $2, $3) \
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
    )
    .bind(key.to_owned())
    .bind(value.to_owned())
    .bind(at.micros())
    .execute(database.writer())
    .await?;
    Ok(())
}
