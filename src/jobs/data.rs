//! The tables `job` and `job_worker`.

use std::time::Duration;

use serde_json::Value;
use sqlx::Row;
use uuid::Uuid;

use super::{Counts, NewJob};
use crate::{
    model::Timestamp,
    store::{Database, Engine, StoreError},
};

/// A job that a worker has taken.
pub(super) struct Taken {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) payload: Value,
    /// This attempt included.
    pub(super) attempts: u32,
    pub(super) max_attempts: u32,
}

pub(super) async fn insert(
    database: &Database,
    job: &NewJob,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let id = Uuid::now_v7().to_string();
    let added = sqlx::query(
        "INSERT INTO job (id, kind, payload, dedup_key, status, priority, attempts, max_attempts, run_at, created_at) \
         VALUES ($1, $2, $3, $4, 'pending', $5, 0, $6, $7, $8) ON CONFLICT (dedup_key) DO NOTHING",
    )
    .bind(id.clone())
    .bind(job.kind.to_owned())
    .bind(job.payload.to_string())
    .bind(job.dedup_key.clone())
    .bind(job.priority)
    .bind(i64::from(job.max_attempts.max(1)))
    .bind(job.run_at.unwrap_or(now).micros())
    .bind(now.micros())
    .execute(database.writer())
    .await?;
    Ok((added.rows_affected() > 0).then_some(id))
}

/// Takes the job that is due and first in line. Two workers never get the same one: SQLite has one writer, and Postgres
/// skips rows that somebody else is taking.
pub(super) async fn take(
    database: &Database,
    worker: &str,
    kinds: &[&str],
    now: Timestamp,
) -> Result<Option<Taken>, StoreError> {
    let lock = match database.engine() {
        Engine::Sqlite => "",
        Engine::Postgres => " FOR UPDATE SKIP LOCKED",
    };
    let marks: Vec<String> = (0..kinds.len()).map(|index| format!("${}", index + 3)).collect();
    let sql = format!(
        "UPDATE job SET status = 'running', locked_by = $1, locked_at = $2, attempts = attempts + 1 WHERE id = (\
         SELECT id FROM job WHERE status = 'pending' AND run_at <= $2 AND kind IN ({}) \
         ORDER BY priority DESC, run_at, id LIMIT 1{lock}) \
         RETURNING id, kind, payload, attempts, max_attempts",
        marks.join(", ")
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(worker.to_owned()).bind(now.micros());
    for kind in kinds {
        query = query.bind((*kind).to_owned());
    }
    let Some(row) = query.fetch_optional(database.writer()).await? else { return Ok(None) };
    let payload: String = row.try_get("payload")?;
    let small = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
    Ok(Some(Taken {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        payload: serde_json::from_str(&payload)
            .map_err(|error| StoreError::Corrupt(format!("a job's payload is no JSON: {error}")))?,
        attempts: small(row.try_get("attempts")?),
        max_attempts: small(row.try_get("max_attempts")?),
    }))
}

pub(super) async fn done(database: &Database, id: &str, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE job SET status = 'done', done_at = $2, locked_by = NULL WHERE id = $1")
        .bind(id.to_owned())
        .bind(now.micros())
        .execute(database.writer())
        .await?;
    Ok(())
}

/// Puts a job back, to be tried again at `run_at`.
pub(super) async fn retry(
    database: &Database,
    id: &str,
    run_at: Timestamp,
    error: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE job SET status = 'pending', run_at = $2, last_error = $3, locked_by = NULL WHERE id = $1",
    )
    .bind(id.to_owned())
    .bind(run_at.micros())
    .bind(error.to_owned())
    .execute(database.writer())
    .await?;
    Ok(())
}

pub(super) async fn dead(
    database: &Database,
    id: &str,
    now: Timestamp,
    error: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE job SET status = 'dead', done_at = $2, last_error = $3, locked_by = NULL WHERE id = $1",
    )
    .bind(id.to_owned())
    .bind(now.micros())
    .bind(error.to_owned())
    .execute(database.writer())
    .await?;
    Ok(())
}

/// Puts back what this worker has not finished. The attempt does not count.
pub(super) async fn put_back(database: &Database, worker: &str) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE job SET status = 'pending', locked_by = NULL, attempts = attempts - 1 \
         WHERE status = 'running' AND locked_by = $1",
    )
    .bind(worker.to_owned())
    .execute(database.writer())
    .await?;
    sqlx::query("DELETE FROM job_worker WHERE name = $1")
        .bind(worker.to_owned())
        .execute(database.writer())
        .await?;
    Ok(())
}

/// Says that this worker lives, and puts back what workers were doing that have not said so for `silence`. The attempt
/// counts, so that a job that kills its process does not do so for ever.
pub(super) async fn heartbeat(
    database: &Database,
    worker: &str,
    now: Timestamp,
    silence: Duration,
) -> Result<u64, StoreError> {
    sqlx::query(
        "INSERT INTO job_worker (name, seen_at) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at",
    )
    .bind(worker.to_owned())
    .bind(now.micros())
    .execute(database.writer())
    .await?;
    let long_ago = now.minus(silence).micros();
    let back = sqlx::query(
        "UPDATE job SET status = CASE WHEN attempts >= max_attempts THEN 'dead' ELSE 'pending' END, \
         locked_by = NULL, last_error = 'its process ended in the middle of it' \
         WHERE status = 'running' AND locked_by NOT IN (SELECT name FROM job_worker WHERE seen_at >= $1)",
    )
    .bind(long_ago)
    .execute(database.writer())
    .await?;
    sqlx::query("DELETE FROM job_worker WHERE seen_at < $1")
        .bind(long_ago)
        .execute(database.writer())
        .await?;
    Ok(back.rows_affected())
}

pub(super) async fn busy(database: &Database, now: Timestamp) -> Result<bool, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM job WHERE status = 'running' OR (status = 'pending' AND run_at <= $1)",
    )
    .bind(now.micros())
    .fetch_one(database.readers())
    .await?;
    Ok(count > 0)
}

pub(super) async fn counts(database: &Database) -> Result<Counts, StoreError> {
    let rows = sqlx::query("SELECT status, count(*) AS n FROM job GROUP BY status")
        .fetch_all(database.readers())
        .await?;
    let mut counts = Counts::default();
    for row in rows {
        let n: i64 = row.try_get("n")?;
        match row.try_get::<String, _>("status")?.as_str() {
            "pending" => counts.pending = n,
            "running" => counts.running = n,
            "done" => counts.done = n,
            _ => counts.dead = n,
        }
    }
    Ok(counts)
}
