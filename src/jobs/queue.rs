//! The queue as the rest of the house sees it: put jobs in, ask how many there are, wait for quiet.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    data::{self, Job, Outcome},
    owner,
};
use crate::{
    model::{Clock, Timestamp},
    store::{Database, StoreError, Tx},
};

/// How often [`Queue::idle`] looks again when nobody in this process tells it to.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How long a job that was done is kept.
const KEEP_DONE: Duration = Duration::from_secs(7 * 86_400);

/// A job to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Which handler does it.
    pub kind: &'static str,
    /// What the handler needs to know.
    pub payload: Value,
    /// Of all jobs with the same key, whatever their kind, only the first is taken in, until a week after it was done.
    pub dedup_key: Option<String>,
    /// Not before this moment; at once when `None`.
    pub run_at: Option<Timestamp>,
    /// Higher goes first; 0 is usual.
    pub priority: i64,
    /// After so many failed attempts (at least 1) the job is dead.
    pub max_attempts: u32,
}

impl NewJob {
    /// A job of priority 0, due at once, with five attempts and no dedup key.
    #[must_use]
    pub fn new(kind: &'static str, payload: Value) -> Self {
        Self { kind, payload, dedup_key: None, run_at: None, priority: 0, max_attempts: 5 }
    }
}

/// What became of a new job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enqueued {
    /// It is stored under this id.
    New(String),
    /// There is one with the same dedup key already; nothing was stored.
    Duplicate,
}

/// How many jobs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Never tried, or put back.
    pub pending: u64,
    /// Being worked on.
    pub running: u64,
    /// Finished well.
    pub done: u64,
    /// Failed, and waiting for the next attempt.
    pub failed: u64,
    /// Given up; `last_error` in the table says why.
    pub dead: u64,
}

/// The queue. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Queue {
    pub(super) db: Database,
    pub(super) clock: Arc<dyn Clock>,
    signals: Arc<Signals>,
    name: Arc<str>,
}

#[derive(Debug, Default)]
struct Signals {
    work: Notify,
    settled: Notify,
}

impl Queue {
    /// The queue in this database.
    #[must_use]
    pub fn new(db: Database, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock, signals: Arc::default(), name: owner::name().into() }
    }

    /// Stores a job and wakes the workers of this process.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn enqueue(&self, job: NewJob) -> Result<Enqueued, StoreError> {
        let id = Uuid::now_v7().to_string();
        let new = data::insert(self.db.writer(), &id, job, self.clock.now()).await?;
        self.wake();
        Ok(if new { Enqueued::New(id) } else { Enqueued::Duplicate })
    }

    /// Stores a job together with the other writes of a transaction: both or neither. Call [`Queue::wake`] after the
    /// commit, or the workers find it within a second.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn enqueue_in(&self, tx: &mut Tx, job: NewJob) -> Result<Enqueued, StoreError> {
        let id = Uuid::now_v7().to_string();
        let new = data::insert(&mut **tx, &id, job, self.clock.now()).await?;
        Ok(if new { Enqueued::New(id) } else { Enqueued::Duplicate })
    }

    /// Forgets jobs that were done more than a week ago; until then their dedup keys hold. Dead ones stay.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn purge(&self) -> Result<u64, StoreError> {
        data::purge(&self.db, self.clock.now().minus(KEEP_DONE)).await
    }

    /// The name under which this process holds work, in the queue and elsewhere.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// True when `holder` will never finish what it holds since `since`: it is not this process, and it has ended or has
    /// not been heard of for 15 s.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn is_gone(&self, holder: &str, since: Timestamp) -> Result<bool, StoreError> {
        if holder == self.name() {
            return Ok(false);
        }
        let seen = data::seen(&self.db, holder).await?.map_or(since, |seen| seen.max(since));
        Ok(owner::is_dead(holder, seen, self.clock.now()))
    }

    /// Makes the workers of this process look for work now.
    pub fn wake(&self) {
        self.signals.work.notify_one();
    }

    /// How many jobs there are.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        data::counts(&self.db).await
    }

    /// Waits until no job runs or is due. Jobs that wait for a later moment or attempt are not waited for; jobs that
    /// nobody works on are, so give it a deadline.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn idle(&self) -> Result<(), StoreError> {
        loop {
            let settled = self.signals.settled.notified();
            if !data::busy(&self.db, self.clock.now()).await? {
                return Ok(());
            }
            let _ = tokio::time::timeout(LOOK_AGAIN, settled).await;
        }
    }

    pub(super) async fn claim(
        &self,
        worker: &str,
        kinds: &[String],
        limit: usize,
    ) -> Result<Vec<Job>, StoreError> {
        data::claim(&self.db, worker, kinds, limit, self.clock.now()).await
    }

    pub(super) async fn settle(&self, worker: &str, job: &str, outcome: Outcome) -> Result<bool, StoreError> {
        let settled = data::settle(&self.db, worker, job, outcome, self.clock.now()).await;
        self.signals.settled.notify_waiters();
        settled
    }

    /// Notes that `worker` lives and takes the jobs of dead workers back.
    pub(super) async fn heartbeat(&self, worker: &str) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let oldest = now.minus(owner::DEAD_AFTER);
        data::heartbeat(&self.db, self.name(), now, oldest).await?;
        data::heartbeat(&self.db, worker, now, oldest).await?;
        data::take_back(&self.db, |name, seen| name != worker && owner::is_dead(name, seen, now), now).await
    }

    /// Puts back what `worker` holds and forgets it.
    pub(super) async fn retire(&self, worker: &str) -> Result<u64, StoreError> {
        let count = data::put_back(&self.db, worker).await?;
        data::retire(&self.db, worker).await?;
        data::retire(&self.db, self.name()).await?;
        self.signals.settled.notify_waiters();
        Ok(count)
    }

    /// Waits until [`Queue::wake`] is called, or was called since the last wait.
    pub(super) async fn woken(&self) {
        self.signals.work.notified().await;
    }
}
