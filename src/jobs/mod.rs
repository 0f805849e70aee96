//! Background work in a persistent queue: what is queued is done, also after a kill, at least once. Handlers must
//! therefore bear being run again.

mod data;
mod worker;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::Notify;

use crate::{
    model::{Clock, Timestamp},
    store::{Database, StoreError},
};

pub use worker::Workers;

/// Why the queue failed.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for JobsError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// How a handler fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// It may work later.
    #[error("{0}")]
    Retry(String),
    /// It never will; the job becomes a dead letter.
    #[error("{0}")]
    Dead(String),
}

/// Does the jobs of one kind.
#[async_trait]
pub trait Handler: Send + Sync {
    /// The kind.
    fn kind(&self) -> &'static str;

    /// Does one job. It may run more than once for the same job.
    async fn run(&self, payload: Value) -> Result<(), JobError>;
}

/// A job that is to be queued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Who does it.
    pub kind: &'static str,
    /// What it needs to know.
    pub payload: Value,
    /// A second job of the same key is not queued, ever.
    pub dedup_key: Option<String>,
    /// Not before this moment; `None`: at once.
    pub run_at: Option<Timestamp>,
    /// Higher goes first.
    pub priority: i64,
    /// Attempts before it becomes a dead letter; at least 1.
    pub max_attempts: u32,
}

/// What became of a new job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enqueued {
    /// It is queued under this id.
    New(String),
    /// A job of its key is known already.
    Duplicate,
}

/// Jobs by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Waiting, due or not.
    pub pending: i64,
    /// Being done.
    pub running: i64,
    /// Done.
    pub done: i64,
    /// Given up.
    pub dead: i64,
}

/// How often an idle queue is looked at again, for what other processes queued.
const POLL: Duration = Duration::from_secs(1);

/// The queue. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Queue {
    database: Database,
    clock: Arc<dyn Clock>,
    changed: Arc<Notify>,
}

impl Queue {
    /// The queue in this store.
    #[must_use]
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock, changed: Arc::default() }
    }

    /// Queues a job; the workers of this process see it at once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn enqueue(&self, job: NewJob) -> Result<Enqueued, JobsError> {
        let id = data::insert(&self.database, &job, self.clock.now()).await?;
        self.changed.notify_waiters();
        Ok(id.map_or(Enqueued::Duplicate, Enqueued::New))
    }

    /// Jobs by what became of them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn counts(&self) -> Result<Counts, JobsError> {
        Ok(data::counts(&self.database).await?)
    }

    /// Waits until nothing is due and nothing is being done.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn idle(&self) -> Result<(), JobsError> {
        while data::busy(&self.database, self.clock.now()).await? {
            tokio::select! {
                () = self.changed.notified() => {}
                () = tokio::time::sleep(Duration::from_millis(20)) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
