//! Workers: they take jobs, run their handlers in tasks of their own, and write down what became of them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use apalis_core::{
    error::BoxDynError,
    worker::{builder::WorkerBuilder, context::WorkerContext},
};
use async_trait::async_trait;
use futures::FutureExt;
use serde_json::Value;
use tokio::time::{sleep, timeout};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::Instrument;

use super::{
    Queue,
    backend::{Claimed, JobBackend},
    backoff::retry_delay,
    data::{Job, Outcome},
    owner,
};
use crate::{model::Timestamp, store::StoreError};

/// How long [`Workers::stop`] waits for handlers that were told to end at once.
const LAST_WAIT: Duration = Duration::from_secs(1);
/// The pause before an outcome that could not be written is written again.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// It may go better another time.
    #[error("{0}")]
    Retry(String),
    /// It cannot be done before this moment, and this attempt does not count.
    #[error("{1}")]
    Later(Timestamp, String),
    /// It never will.
    #[error("{0}")]
    Dead(String),
}

/// Which attempt at a job this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// There may be another.
    Early,
    /// There will be none after it.
    Last,
}

/// Does the jobs of one kind.
#[async_trait]
pub trait Handler: Send + Sync {
    /// The kind of jobs that it does.
    fn kind(&self) -> &'static str;

    /// Does one job. It may be run again after a crash, and may be cut off at any `.await` by a shutdown.
    ///
    /// # Errors
    /// [`JobError`] says whether another attempt makes sense. A panic counts as [`JobError::Retry`].
    async fn run(&self, payload: Value, attempt: Attempt) -> Result<(), JobError>;
}

/// Running workers. Dropping them ends them at once, like a crash; [`Workers::stop`] ends them well.
#[derive(Debug)]
pub struct Workers {
    queue: Queue,
    context: WorkerContext,
    handlers: TaskTracker,
    worker: AbortOnDropHandle<()>,
}

struct Crew {
    queue: Queue,
    name: String,
    handlers: BTreeMap<&'static str, Arc<dyn Handler>>,
    running: TaskTracker,
}

impl Workers {
    /// Starts working on jobs of the handlers' kinds, at most `concurrency` (at least 1) at a time. Jobs that dead
    /// workers left behind are taken back first. Of two handlers for one kind, the later does the jobs.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    #[must_use]
    pub fn start(queue: Queue, handlers: Vec<Arc<dyn Handler>>, concurrency: usize) -> Self {
        let context = WorkerContext::new(&owner::name());
        let running = TaskTracker::new();
        let handlers: BTreeMap<_, _> =
            handlers.into_iter().map(|handler| (handler.kind(), handler)).collect();
        let kinds = handlers.keys().map(|kind| (*kind).to_owned()).collect();
        let backend = JobBackend::new(queue.clone(), kinds, concurrency);
        let crew = Arc::new(Crew {
            queue: queue.clone(),
            name: context.name().to_owned(),
            handlers,
            running: running.clone(),
        });
        let work = WorkerBuilder::new(context.clone()).backend(backend).build(move |claimed: Claimed| {
            let crew = Arc::clone(&crew);
            async move {
                crew.work(claimed).await;
                Ok::<(), BoxDynError>(())
            }
        });
        let work = work.run().boxed();
        let worker = tokio::spawn(async move {
            if let Err(error) = work.await {
                tracing::error!(%error, "the background worker ended; restart to go on with background work");
            }
        });
        Self { queue, context, handlers: running, worker: AbortOnDropHandle::new(worker) }
    }

    /// Takes no more jobs, waits up to `within` for those that run, then cuts them off and puts them back.
    ///
    /// # Errors
    /// [`StoreError`] when the unfinished jobs cannot be put back; they are taken back at the next start.
    pub async fn stop(self, within: Duration) -> Result<(), StoreError> {
        let Self { queue, context, handlers, mut worker } = self;
        let finished = context.stop().is_ok() && timeout(within, &mut worker).await.is_ok();
        drop(worker);
        if !finished {
            handlers.close();
            let _ = timeout(LAST_WAIT, handlers.wait()).await;
        }
        let count = queue.retire(context.name()).await?;
        if count > 0 {
            tracing::info!(count, "put unfinished jobs back");
        }
        Ok(())
    }
}

impl Crew {
    async fn work(&self, claimed: Claimed) {
        let Claimed { job, slot } = claimed;
        let span = tracing::info_span!("job", id = %job.id, kind = %job.kind, attempt = job.attempt);
        async {
            if let Some(result) = self.attempt(&job).await {
                let outcome = self.outcome(&job, result);
                self.write(&job, outcome).await;
            }
        }
        .instrument(span)
        .await;
        drop(slot);
    }

    /// None when the attempt was cut off.
    async fn attempt(&self, job: &Job) -> Option<Result<(), JobError>> {
        let Some(handler) = self.handlers.get(job.kind.as_str()).cloned() else {
            return Some(Err(JobError::Dead(format!("nobody does jobs of the kind `{}`", job.kind))));
        };
        let payload = match serde_json::from_str(&job.payload) {
            Ok(payload) => payload,
            Err(error) => return Some(Err(JobError::Dead(format!("the payload is no JSON: {error}")))),
        };
        let attempt = if job.attempt < job.max_attempts { Attempt::Early } else { Attempt::Last };
        let run = async move { handler.run(payload, attempt).await };
        match AbortOnDropHandle::new(self.running.spawn(run.in_current_span())).await {
            Ok(result) => Some(result),
            Err(error) if error.is_panic() => {
                Some(Err(JobError::Retry(format!("panicked: {}", panic_text(&*error.into_panic())))))
            }
            Err(_) => None,
        }
    }

    fn outcome(&self, job: &Job, result: Result<(), JobError>) -> Outcome {
        match result {
            Ok(()) => Outcome::Done,
            Err(JobError::Later(at, error)) => {
                tracing::info!(%at, reason = error, "a job is put off");
                Outcome::Later { at, error }
            }
            Err(JobError::Retry(error)) if job.attempt < job.max_attempts => {
                let delay = retry_delay(&job.id, job.attempt);
                tracing::warn!(%error, ?delay, "a job failed; it is tried again");
                Outcome::Retry { at: self.queue.clock.now().plus(delay), error }
            }
            Err(JobError::Retry(error) | JobError::Dead(error)) => {
                tracing::error!(%error, "a job failed for good; it stays in the table `job` as dead");
                Outcome::Dead { error }
            }
        }
    }

    async fn write(&self, job: &Job, outcome: Outcome) {
        loop {
            match self.queue.settle(&self.name, &job.id, outcome.clone()).await {
                Ok(true) => return,
                Ok(false) => {
                    tracing::warn!("the job was taken away meanwhile; its outcome is dropped");
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot write a job's outcome; trying again soon");
                    sleep(WRITE_AGAIN).await;
                }
            }
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
