//! Our tables as an apalis backend: `Persisted` drives registering, heartbeats and fetching.
//!
//! Two things are done differently from apalis's own SQL backends. Outcomes are written by the worker itself before its
//! slot is free, not sent over a channel that a crash empties. And no error of the database ends the worker: it is
//! logged, and the next heartbeat or fetch tries again.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use apalis_core::{
    backend::{
        Backend, BackendConfig,
        finalize::Ephemeral,
        persistence::{Persisted, Persistence, State, TaskEvent},
    },
    task::Task,
    worker::context::WorkerContext,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tower_layer::Identity;

use super::{Queue, data::Job};
use crate::store::StoreError;

/// How often a worker says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often a worker looks for jobs that nobody told it about: due later, or put in by another process.
const POLL: Duration = Duration::from_secs(1);

/// A job with the slot it runs in.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) job: Job,
    pub(super) slot: OwnedSemaphorePermit,
}

#[derive(Debug, Clone)]
pub(super) struct Tables {
    queue: Queue,
    kinds: Vec<String>,
    slots: Arc<Semaphore>,
}

impl Tables {
    async fn beat(&self, worker: &WorkerContext) {
        match self.queue.heartbeat(worker.name()).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "took jobs of a dead worker back"),
            Err(error) => tracing::warn!(%error, "the queue's heartbeat failed; trying again soon"),
        }
    }

    /// At least one slot, and as many as are free; none when all stay busy for a while.
    async fn free_slots(&self) -> Vec<OwnedSemaphorePermit> {
        let Ok(Ok(first)) = timeout(POLL, Arc::clone(&self.slots).acquire_owned()).await else {
            return Vec::new();
        };
        let mut slots = vec![first];
        while let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            slots.push(slot);
        }
        slots
    }
}

impl Persistence for Tables {
    type Compact = Claimed;
    type Response = ();
    type Error = StoreError;

    async fn register(&mut self, worker: &WorkerContext) -> Result<(), StoreError> {
        self.beat(worker).await;
        Ok(())
    }

    async fn heartbeat(&mut self, worker: &WorkerContext) -> Result<(), StoreError> {
        self.beat(worker).await;
        Ok(())
    }

    /// Waits up to [`POLL`] for work, so that an empty answer may be asked for again at once.
    async fn fetch_next(&mut self, worker: &WorkerContext) -> Result<Vec<Task<Claimed>>, StoreError> {
        let slots = self.free_slots().await;
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        match self.queue.claim(worker.name(), &self.kinds, slots.len()).await {
            Ok(jobs) if jobs.is_empty() => {
                drop(slots);
                let _ = timeout(POLL, self.queue.woken()).await;
                Ok(Vec::new())
            }
            Ok(jobs) => {
                Ok(jobs.into_iter().zip(slots).map(|(job, slot)| Task::new(Claimed { job, slot })).collect())
            }
            Err(error) => {
                tracing::warn!(%error, "cannot fetch jobs; trying again soon");
                sleep(POLL).await;
                Ok(Vec::new())
            }
        }
    }

    /// Whatever a stopped worker still holds is put back by `Workers::stop`, in one statement.
    async fn reenqueue_abandoned(
        &mut self,
        _tasks: Vec<Task<Claimed>>,
        _worker: &WorkerContext,
    ) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// No events are sent: the worker writes outcomes itself.
    async fn handle_events(
        &mut self,
        _events: Vec<TaskEvent<()>>,
        _worker: &WorkerContext,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    /// Jobs come in through `Queue::enqueue` only; a claimed one is stored already.
    async fn push_tasks(&mut self, _tasks: Vec<Task<Claimed>>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The backend that an apalis worker polls.
#[derive(Debug)]
pub(super) struct JobBackend(Persisted<Tables>);

impl JobBackend {
    pub(super) fn new(queue: Queue, kinds: Vec<String>, concurrency: usize) -> Self {
        let slots = Arc::new(Semaphore::new(concurrency.clamp(1, Semaphore::MAX_PERMITS)));
        Self(Persisted::new(Tables { queue, kinds, slots }))
    }
}

impl Backend for JobBackend {
    type Task = Task<Claimed>;
    type Error = StoreError;

    fn poll_ready(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), StoreError>> {
        self.0.poll_ready(cx, worker, HEARTBEAT)
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Task<Claimed>, StoreError>>> {
        let polled = self.0.poll_next(cx, worker);
        // After an empty batch `Persisted` sleeps until somebody else wakes it; fetching has waited long enough already.
        if polled.is_pending() && matches!(self.0.state(), State::Ready) {
            cx.waker().wake_by_ref();
        }
        polled
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), StoreError>> {
        self.0.poll_close(cx, worker)
    }
}

impl BackendConfig for JobBackend {
    type Args = Claimed;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _worker: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
