//! The workers: each takes a job, does it, and says how it went.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use rand::Rng;
use tokio::{sync::watch, task::JoinSet};
use uuid::Uuid;

use super::{
    Handler, JobError, POLL, Queue,
    data::{self, Taken},
};

/// How often a process says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A process that has been silent for so long is dead, and its jobs are taken back.
const SILENCE: Duration = Duration::from_secs(15);
/// The wait before the second attempt; it doubles with each, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest wait between attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// Doublings that make sense before the longest wait is reached.
const DOUBLINGS: u32 = 9;

/// Running workers. Dropping them stops them without care; [`Workers::stop`] stops them well.
pub struct Workers {
    name: String,
    queue: Queue,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

struct Shared {
    name: String,
    queue: Queue,
    handlers: HashMap<&'static str, Arc<dyn Handler>>,
}

impl Workers {
    /// Starts `concurrency` workers that do the jobs of these handlers.
    #[must_use]
    pub fn start(queue: Queue, handlers: Vec<Arc<dyn Handler>>, concurrency: usize) -> Self {
        let name = Uuid::now_v7().to_string();
        let handlers = handlers.into_iter().map(|handler| (handler.kind(), handler)).collect();
        let shared = Arc::new(Shared { name: name.clone(), queue: queue.clone(), handlers });
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(live(shared.clone(), stopped.clone()));
        for _ in 0..concurrency.max(1) {
            tasks.spawn(work(shared.clone(), stopped.clone()));
        }
        Self { name, queue, stop, tasks }
    }

    /// Takes no new jobs, lets running ones finish for at most `within`, and puts the others back.
    pub async fn stop(mut self, within: Duration) {
        // All workers may have ended already.
        let _ = self.stop.send(true);
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(within, finished).await.is_err() {
            self.tasks.shutdown().await;
        }
        if let Err(error) = data::put_back(&self.queue.database, &self.name).await {
            tracing::warn!(%error, "unfinished jobs could not be put back; they are taken back after a silence");
        }
    }
}

async fn live(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let Queue { database, clock, changed } = &shared.queue;
        match data::heartbeat(database, &shared.name, clock.now(), SILENCE).await {
            Ok(0) => {}
            Ok(back) => {
                tracing::info!(back, "jobs of a process that ended were taken back");
                changed.notify_waiters();
            }
            Err(error) => tracing::warn!(%error, "the heartbeat of the workers failed"),
        }
        tokio::select! {
            () = tokio::time::sleep(HEARTBEAT) => {}
            _ = stopped.changed() => {}
        }
    }
}

async fn work(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let kinds: Vec<&str> = shared.handlers.keys().copied().collect();
    while !*stopped.borrow() {
        let Queue { database, clock, changed } = &shared.queue;
        let woken = changed.notified();
        match data::take(database, &shared.name, &kinds, clock.now()).await {
            Ok(Some(job)) => {
                attempt(&shared, job).await;
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "no job could be taken; trying again"),
        }
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(POLL) => {}
            _ = stopped.changed() => {}
        }
    }
}

#[tracing::instrument(skip_all, fields(job = job.id, kind = job.kind, attempt = job.attempts))]
async fn attempt(shared: &Shared, job: Taken) {
    let Queue { database, clock, changed } = &shared.queue;
    let outcome = match shared.handlers.get(job.kind.as_str()) {
        // A panic is one failed attempt, not the end of the worker.
        Some(handler) => AssertUnwindSafe(handler.run(job.payload))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Err(JobError::Retry("the handler panicked".to_owned()))),
        None => Err(JobError::Dead(format!("nobody does jobs of the kind `{}`", job.kind))),
    };
    let now = clock.now();
    let kept = match outcome {
        Ok(()) => data::done(database, &job.id, now).await,
        Err(JobError::Retry(error)) if job.attempts < job.max_attempts => {
            tracing::warn!(error, "the job failed and will be tried again");
            data::retry(database, &job.id, now.plus(wait(job.attempts)), &error).await
        }
        Err(error) => {
            tracing::error!(%error, "the job failed for good");
            data::dead(database, &job.id, now, &error.to_string()).await
        }
    };
    if let Err(error) = kept {
        tracing::error!(%error, "the outcome of a job could not be kept; it will be done again");
    }
    changed.notify_waiters();
}

/// Exponential back-off with full jitter over its upper half.
fn wait(attempts: u32) -> Duration {
    let full = FIRST_WAIT.saturating_mul(1 << attempts.saturating_sub(1).min(DOUBLINGS)).min(LONGEST_WAIT);
    full.mul_f64(rand::rng().random_range(0.5..1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        for attempts in 1..40 {
            let full = FIRST_WAIT.saturating_mul(1 << (attempts - 1).min(DOUBLINGS)).min(LONGEST_WAIT);
            let waited = wait(attempts);
            assert!(waited <= full && waited * 2 >= full);
        }
    }
}
