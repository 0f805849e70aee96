//! The table `notice`: what has been said once in a conversation.

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
