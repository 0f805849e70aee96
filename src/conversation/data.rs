//! The tables `notice`, what has been said once in a conversation, and `cursor`, where adapters left off.

use crate::{
    model::{Timestamp, Viewer},
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
