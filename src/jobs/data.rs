//! The queries of `job` and `job_worker`.
//!
//! `pending` and `failed` (waiting for its next attempt) jobs run when they are due; `running` ones belong to the worker
//! in `locked_by`; `done` and `dead` ones are history, and keep their dedup key.

use std::fmt::Write;

use sqlx::{Any, AnyConnection, Executor, Row, any::AnyRow};

use super::{Counts, NewJob};
use crate::{
    model::Timestamp,
    store::{Database, Engine, StoreError},
};

/// A job that a worker has taken.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) payload: String,
    pub(super) attempt: i64,
    pub(super) max_attempts: i64,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Retry {
        at: Timestamp,
        error: String,
    },
    /// Put off as if it had not been tried.
    Later {
        at: Timestamp,
        error: String,
    },
    Dead {
        error: String,
    },
}

/// False when the dedup key is taken.
pub(super) async fn insert(
    to: impl Executor<'_, Database = Any>,
    id: &str,
    job: NewJob,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO job (id, kind, payload, dedup_key, status, priority, attempts, max_attempts, run_at, created_at) \
         VALUES ($1, $2, $3, $4, 'pending', $5, 0, $6, $7, $8) ON CONFLICT (dedup_key) DO NOTHING",
    )
    .bind(id.to_owned())
    .bind(job.kind.to_owned())
    .bind(job.payload.to_string())
    .bind(job.dedup_key)
    .bind(job.priority)
    .bind(i64::from(job.max_attempts.max(1)))
    .bind(job.run_at.unwrap_or(now).micros())
    .bind(now.micros())
    .execute(to)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Takes up to `limit` due jobs of these kinds: highest priority first, then the longest due.
pub(super) async fn claim(
    db: &Database,
    worker: &str,
    kinds: &[String],
    limit: usize,
    now: Timestamp,
) -> Result<Vec<Job>, StoreError> {
    if kinds.is_empty() || limit == 0 || !any_due(db, now).await? {
        return Ok(Vec::new());
    }
    let mut places = String::new();
    for index in 0..kinds.len() {
        // Writing to a String cannot fail.
        let _ = write!(places, "{}${}", if index == 0 { "" } else { ", " }, index + 2);
    }
    let (limit_at, worker_at) = (kinds.len() + 2, kinds.len() + 3);
    let lock = match db.engine() {
        Engine::Sqlite => "",
        Engine::Postgres => " FOR UPDATE SKIP LOCKED",
    };
    let sql = format!(
        "WITH due AS MATERIALIZED (SELECT id FROM job \
           WHERE status IN ('pending', 'failed') AND run_at <= $1 AND kind IN ({places}) \
           ORDER BY priority DESC, run_at, id LIMIT ${limit_at}{lock}) \
         UPDATE job SET status = 'running', attempts = attempts + 1, locked_by = ${worker_at}, locked_at = $1 \
         WHERE id IN (SELECT id FROM due) \
         RETURNING id, kind, payload, attempts, max_attempts, priority, run_at"
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(now.micros());
    for kind in kinds {
        query = query.bind(kind.clone());
    }
    let rows = query
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(worker.to_owned())
        .fetch_all(db.writer())
        .await?;
    let mut jobs = rows.iter().map(ordered).collect::<Result<Vec<_>, _>>()?;
    jobs.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(jobs.into_iter().map(|(_, job)| job).collect())
}

/// A look without the write lock, which an idle queue would else take every second.
async fn any_due(db: &Database, now: Timestamp) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT 1 FROM job WHERE status IN ('pending', 'failed') AND run_at <= $1 LIMIT 1")
        .bind(now.micros())
        .fetch_optional(db.readers())
        .await?;
    Ok(row.is_some())
}

type Order = (std::cmp::Reverse<i64>, i64, String);

/// A claimed row with its place in the order, which RETURNING does not keep.
fn ordered(row: &AnyRow) -> Result<(Order, Job), StoreError> {
    let id: String = row.try_get("id")?;
    let order = (std::cmp::Reverse(row.try_get("priority")?), row.try_get("run_at")?, id.clone());
    let job = Job {
        id,
        kind: row.try_get("kind")?,
        payload: row.try_get("payload")?,
        attempt: row.try_get("attempts")?,
        max_attempts: row.try_get("max_attempts")?,
    };
    Ok((order, job))
}

/// Writes the outcome, unless the job was taken away from `worker` meanwhile (then: false).
pub(super) async fn settle(
    db: &Database,
    worker: &str,
    job: &str,
    outcome: Outcome,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let uncounted = i64::from(matches!(outcome, Outcome::Later { .. }));
    let (status, run_at, done_at, error) = match outcome {
        Outcome::Done => ("done", None, Some(now.micros()), None),
        Outcome::Retry { at, error } => ("failed", Some(at.micros()), None, Some(error)),
        Outcome::Later { at, error } => ("pending", Some(at.micros()), None, Some(error)),
        Outcome::Dead { error } => ("dead", None, Some(now.micros()), Some(error)),
    };
    let updated = sqlx::query(
        "UPDATE job SET status = $1, run_at = COALESCE($2, run_at), done_at = $3, last_error = $4, \
           locked_by = NULL, locked_at = NULL, attempts = attempts - $5 \
         WHERE id = $6 AND status = 'running' AND locked_by = $7",
    )
    .bind(status.to_owned())
    .bind(run_at)
    .bind(done_at)
    .bind(error)
    .bind(uncounted)
    .bind(job.to_owned())
    .bind(worker.to_owned())
    .execute(db.writer())
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Puts what `worker` did not finish back, as if it had never been taken.
pub(super) async fn put_back(db: &Database, worker: &str) -> Result<u64, StoreError> {
    let updated = sqlx::query(
        "UPDATE job SET status = 'pending', attempts = attempts - 1, locked_by = NULL, locked_at = NULL \
         WHERE status = 'running' AND locked_by = $1",
    )
    .bind(worker.to_owned())
    .execute(db.writer())
    .await?;
    Ok(updated.rows_affected())
}

/// Takes the jobs of dead workers back. The attempt counts, so that a job that brings the process down ends as a dead
/// letter and not in a loop.
pub(super) async fn take_back(
    db: &Database,
    is_dead: impl Fn(&str, Timestamp) -> bool,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let owners = sqlx::query(
        "SELECT job.locked_by AS name, MAX(COALESCE(job_worker.seen_at, job.locked_at)) AS seen_at \
         FROM job LEFT JOIN job_worker ON job_worker.name = job.locked_by \
         WHERE job.status = 'running' AND job.locked_by IS NOT NULL GROUP BY job.locked_by",
    )
    .fetch_all(db.writer())
    .await?;
    let mut taken = 0;
    for owner in &owners {
        let name: String = owner.try_get("name")?;
        if is_dead(&name, Timestamp::from_micros(owner.try_get("seen_at")?)) {
            let mut tx = db.begin().await?;
            taken += take_back_from(&mut tx, &name, now).await?;
            tx.commit().await?;
        }
    }
    Ok(taken)
}

async fn take_back_from(tx: &mut AnyConnection, worker: &str, now: Timestamp) -> Result<u64, StoreError> {
    let error = "the process ended while the job ran";
    let dead = sqlx::query(
        "UPDATE job SET status = 'dead', done_at = $1, last_error = $2, locked_by = NULL, locked_at = NULL \
         WHERE status = 'running' AND locked_by = $3 AND attempts >= max_attempts",
    )
    .bind(now.micros())
    .bind(error.to_owned())
    .bind(worker.to_owned())
    .execute(&mut *tx)
    .await?;
    let pending = sqlx::query(
        "UPDATE job SET status = 'pending', last_error = $1, locked_by = NULL, locked_at = NULL \
         WHERE status = 'running' AND locked_by = $2",
    )
    .bind(error.to_owned())
    .bind(worker.to_owned())
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM job_worker WHERE name = $1").bind(worker.to_owned()).execute(tx).await?;
    Ok(dead.rows_affected() + pending.rows_affected())
}

/// Notes that `worker` lives, and drops workers that were last seen before `oldest`.
pub(super) async fn heartbeat(
    db: &Database,
    worker: &str,
    now: Timestamp,
    oldest: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO job_worker (name, seen_at) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at",
    )
    .bind(worker.to_owned())
    .bind(now.micros())
    .execute(db.writer())
    .await?;
    sqlx::query("DELETE FROM job_worker WHERE seen_at < $1")
        .bind(oldest.micros())
        .execute(db.writer())
        .await?;
    Ok(())
}

/// When a worker or process was last heard of.
pub(super) async fn seen(db: &Database, name: &str) -> Result<Option<Timestamp>, StoreError> {
    let seen: Option<i64> = sqlx::query_scalar("SELECT seen_at FROM job_worker WHERE name = $1")
        .bind(name.to_owned())
        .fetch_optional(db.readers())
        .await?;
    Ok(seen.map(Timestamp::from_micros))
}

/// Forgets a worker that has stopped.
pub(super) async fn retire(db: &Database, worker: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM job_worker WHERE name = $1")
        .bind(worker.to_owned())
        .execute(db.writer())
        .await?;
    Ok(())
}

/// Forgets jobs that were done before `oldest`, dedup keys and all.
pub(super) async fn purge(db: &Database, oldest: Timestamp) -> Result<u64, StoreError> {
    let gone = sqlx::query("DELETE FROM job WHERE status = 'done' AND done_at < $1")
        .bind(oldest.micros())
        .execute(db.writer())
        .await?;
    Ok(gone.rows_affected())
}

pub(super) async fn counts(db: &Database) -> Result<Counts, StoreError> {
    let rows = sqlx::query("SELECT status, CAST(COUNT(*) AS BIGINT) AS n FROM job GROUP BY status")
        .fetch_all(db.readers())
        .await?;
    let mut counts = Counts::default();
    for row in &rows {
        let status: String = row.try_get("status")?;
        let number = u64::try_from(row.try_get::<i64, _>("n")?).unwrap_or(0);
        match status.as_str() {
            "pending" => counts.pending = number,
            "running" => counts.running = number,
            "done" => counts.done = number,
            "failed" => counts.failed = number,
            "dead" => counts.dead = number,
            other => return Err(StoreError::Corrupt(format!("`{other}` is no status of a job"))),
        }
    }
    Ok(counts)
}

/// True when a job runs or is due.
pub(super) async fn busy(db: &Database, now: Timestamp) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "SELECT 1 FROM job WHERE status = 'running' OR (status IN ('pending', 'failed') AND run_at <= $1) LIMIT 1",
    )
    .bind(now.micros())
    .fetch_optional(db.readers())
    .await?;
    Ok(row.is_some())
}
