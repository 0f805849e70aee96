//! Sessions: when one ends and the next begins. Table `session`.

use sqlx::Row;

use super::{Memory, MemoryError, SESSION_IDLE, data};
use crate::{
    model::{CharacterId, Scope, SessionId, Timestamp},
    store::{StoreError, Tx},
};

/// The session that a message belongs to, and those that end because of it.
pub(super) struct Joined {
    pub(super) session: SessionId,
    pub(super) ended: Vec<SessionId>,
}

/// Takes a message of `at` into the open session of its conversation; opens one when there is none, or when the pause
/// before it (or, for what is brought in late, after it) is too long.
pub(super) async fn join(
    tx: &mut Tx,
    character: &CharacterId,
    scope: &Scope,
    at: Timestamp,
    now: Timestamp,
) -> Result<Joined, StoreError> {
    let rows = sqlx::query(
        "SELECT id, started_at, last_at FROM session WHERE character = $1 AND scope = $2 AND ended_at IS NULL \
         ORDER BY last_at DESC",
    )
    .bind(character.to_string())
    .bind(scope.key())
    .fetch_all(&mut **tx)
    .await?;
    let (mut joined, mut ended) = (None, Vec::new());
    for row in rows {
        let id: SessionId = data::parsed(&row, "id")?;
        let (started, last) = (data::moment(&row, "started_at")?, data::moment(&row, "last_at")?);
        let near = at.since(last) <= SESSION_IDLE && started.since(at) <= SESSION_IDLE;
        if joined.is_none() && near {
            joined = Some(id);
        } else {
            ended.push(id);
        }
    }
    for id in &ended {
        sqlx::query("UPDATE session SET ended_at = last_at WHERE id = $1 AND ended_at IS NULL")
            .bind(id.to_string())
            .execute(&mut **tx)
            .await?;
    }
    let session = match joined {
        Some(id) => id,
        None => open(tx, character, scope, at, now).await?,
    };
    Ok(Joined { session, ended })
}

async fn open(
    tx: &mut Tx,
    character: &CharacterId,
    scope: &Scope,
    at: Timestamp,
    now: Timestamp,
) -> Result<SessionId, StoreError> {
    let id = SessionId::new();
    sqlx::query(
        "INSERT INTO session (id, character, scope, started_at, last_at, touched_at, ended_at, extracted_at, messages) \
         VALUES ($1, $2, $3, $4, $5, $6, NULL, NULL, 0)",
    )
    .bind(id.to_string())
    .bind(character.to_string())
    .bind(scope.key())
    .bind(at.micros())
    .bind(at.micros())
    .bind(now.micros())
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

/// Counts one more message.
pub(super) async fn touch(
    tx: &mut Tx,
    session: SessionId,
    at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE session SET messages = messages + 1, touched_at = $2, \
         last_at = CASE WHEN last_at < $3 THEN $3 ELSE last_at END, \
         started_at = CASE WHEN started_at > $3 THEN $3 ELSE started_at END WHERE id = $1",
    )
    .bind(session.to_string())
    .bind(now.micros())
    .bind(at.micros())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

impl Memory {
    /// Ends sessions that nobody touched for [`SESSION_IDLE`], and gives every ended session that has not been looked back
    /// at. Asking again gives the same, until they have been looked back at.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_idle(&self, now: Timestamp) -> Result<Vec<SessionId>, MemoryError> {
        sqlx::query("UPDATE session SET ended_at = last_at WHERE ended_at IS NULL AND touched_at < $1")
            .bind(now.minus(SESSION_IDLE).micros())
            .execute(self.database.writer())
            .await?;
        let rows = sqlx::query(
            "SELECT id FROM session WHERE ended_at IS NOT NULL AND extracted_at IS NULL ORDER BY ended_at",
        )
        .fetch_all(self.database.readers())
        .await?;
        rows.iter()
            .map(|row| {
                let id: String = row.try_get("id")?;
                id.parse().map_err(|error| StoreError::Corrupt(format!("{error}")).into())
            })
            .collect()
    }
}
