//! The promises of the job queue, on every engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use dramatis::{
    jobs::{Attempt, Counts, Enqueued, Handler, JobError, NewJob, Queue, Workers},
    model::{Clock, ManualClock, SystemClock, Timestamp},
    store::{Database, Location},
};
use serde_json::{Value, json};
use sqlx::Row;
use tokio::sync::{Notify, mpsc};

#[path = "support/databases.rs"]
mod support;

/// Far more than any step needs; a test that hangs fails instead.
const PATIENCE: Duration = Duration::from_secs(30);
const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

type Script = dyn Fn(usize, &Value) -> Result<(), JobError> + Send + Sync;

/// Notes every payload and answers by the script, which gets the number of the run (from 1).
struct Scripted {
    runs: Mutex<Vec<Value>>,
    script: Box<Script>,
}

impl Scripted {
    fn new(script: impl Fn(usize, &Value) -> Result<(), JobError> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { runs: Mutex::default(), script: Box::new(script) })
    }
    fn runs(&self) -> Vec<Value> {
        self.runs.lock().unwrap().clone()
    }
}

#[async_trait]
impl Handler for Scripted {
    fn kind(&self) -> &'static str {
        "work"
    }
    async fn run(&self, payload: Value, _: Attempt) -> Result<(), JobError> {
        let number = {
            let mut runs = self.runs.lock().unwrap();
            runs.push(payload.clone());
            runs.len()
        };
        (self.script)(number, &payload)
    }
}

/// Tells when it begins, and does not end before it is released.
struct Gate {
    begun: mpsc::Sender<()>,
    release: Arc<Notify>,
}

#[async_trait]
impl Handler for Gate {
    fn kind(&self) -> &'static str {
        "work"
    }
    async fn run(&self, _: Value, _: Attempt) -> Result<(), JobError> {
        self.begun.send(()).await.unwrap();
        self.release.notified().await;
        Ok(())
    }
}

fn gate() -> (Arc<Gate>, mpsc::Receiver<()>, Arc<Notify>) {
    let (begun, seen) = mpsc::channel(8);
    let release = Arc::new(Notify::new());
    (Arc::new(Gate { begun, release: Arc::clone(&release) }), seen, release)
}

fn queue(db: &Database) -> (Queue, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(START));
    (Queue::new(db.clone(), Arc::clone(&clock) as Arc<dyn Clock>), clock)
}

fn job(payload: Value) -> NewJob {
    NewJob::new("work", payload)
}

async fn quiet(queue: &Queue) {
    tokio::time::timeout(PATIENCE, queue.idle()).await.expect("the queue does not come to rest").unwrap();
}

async fn last_error(db: &Database) -> Option<String> {
    sqlx::query("SELECT last_error FROM job").fetch_one(db.readers()).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_once_with_its_payload() {
    for store in support::stores().await {
        let (engine, db) = (store.name, store.database.clone());
        let (queue, _) = queue(&db);
        let handler = Scripted::new(|_, _| Ok(()));
        let workers = Workers::start(queue.clone(), vec![handler.clone()], 2);
        queue.enqueue(job(json!({"session": "s1"}))).await.unwrap();
        quiet(&queue).await;
        assert_eq!(handler.runs(), [json!({"session": "s1"})], "{engine}");
        workers.stop(PATIENCE).await.unwrap();
        assert_eq!(queue.counts().await.unwrap(), Counts { done: 1, ..Counts::default() }, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dedup_key_is_taken_once_even_after_the_job_is_done() {
    for store in support::stores().await {
        let (engine, db) = (store.name, store.database.clone());
        let (queue, clock) = queue(&db);
        let keyed = || NewJob { dedup_key: Some("extract:s1".into()), ..job(json!(1)) };
        assert!(matches!(queue.enqueue(keyed()).await.unwrap(), Enqueued::New(_)), "{engine}");
        assert_eq!(queue.enqueue(keyed()).await.unwrap(), Enqueued::Duplicate, "{engine}");
        let handler = Scripted::new(|_, _| Ok(()));
        let workers = Workers::start(queue.clone(), vec![handler.clone()], 1);
        quiet(&queue).await;
        assert_eq!(queue.enqueue(keyed()).await.unwrap(), Enqueued::Duplicate, "{engine}");
        quiet(&queue).await;
        workers.stop(PATIENCE).await.unwrap();
        assert_eq!(handler.runs().len(), 1, "{engine}");
        clock.advance(Duration::from_secs(6 * 86_400));
        assert_eq!(queue.purge().await.unwrap(), 0, "{engine}");
        clock.advance(Duration::from_secs(2 * 86_400));
        assert_eq!(queue.purge().await.unwrap(), 1, "{engine}: forgotten a week after it was done");
        assert!(matches!(queue.enqueue(keyed()).await.unwrap(), Enqueued::New(_)), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_comes_and_goes_with_its_transaction() {
    for store in support::stores().await {
        let (engine, db) = (store.name, store.database.clone());
        let (queue, _) = queue(&db);
        let mut tx = db.begin().await.unwrap();
        queue.enqueue_in(&mut tx, job(json!(1))).await.unwrap();
        tx.rollback().await.unwrap();
        assert_eq!(queue.counts().await.unwrap(), Counts::default(), "{engine}");
        let mut tx = db.begin().await.unwrap();
        queue.enqueue_in(&mut tx, job(json!(2))).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(queue.counts().await.unwrap().pending, 1, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_waits_for_its_pause_and_then_succeeds() {
    for store in support::stores().await {
        let (engine, db) = (store.name, store.database.clone());
        let (queue, clock) = queue(&db);
        let handler =
            Scripted::new(|run, _| if run < 3 { Err(JobError::Retry("no".into())) } else { Ok(()) });
        let workers = Workers::start(queue.clone(), vec![handler.clone()], 1);
        queue.enqueue(job(json!(1))).await.unwrap();
        // The first pause is at most 5 s, the second at most 20 s (and at least 15 s).
        for (runs, advance) in [(1, 5), (2, 14), (2, 6)] {
            quiet(&queue).await;
            assert_eq!(handler.runs().len(), runs, "{engine}");
            assert_eq!(queue.counts().await.unwrap().failed, 1, "{engine}");
            clock.advance(Duration::from_secs(advance));
            queue.wake();
        }
        quiet(&queue).await;
        assert_eq!(handler.runs().len(), 3, "{engine}");
        assert_eq!(queue.counts().await.unwrap().done, 1, "{engine}");
        workers.stop(PATIENCE).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hopeless_job_becomes_a_dead_letter_with_its_error() {
    for store in support::stores().await {
        let (engine, db) = (store.name, store.database.clone());
        let (queue, clock) = queue(&db);
        let handler = Scripted::new(|run, _| Err(JobError::Retry(format!("failure {run}"))));
        let workers = Workers::start(queue.clone(), vec![handler.clone()], 1);
        queue.enqueue(NewJob { max_attempts: 3, ..job(json!(1)) }).await.unwrap();
        for _ in 0..6 {
            quiet(&queue).await;
            clock.advance(Duration::from_hours(1));
            queue.wake();
        }
        assert_eq!(handler.runs().len(), 3, "{engine}");
        assert_eq!(queue.counts().await.unwrap(), Counts { dead: 1, ..Counts::default() }, "{engine}");
        assert_eq!(last_error(&db).await.as_deref(), Some("failure 3"), "{engine}");
        workers.stop(PATIENCE).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_error_is_not_retried() {
    for store in support::stores().await {
        let (engine, db) = (store.name, store.database.clone());
        let (queue, _) = queue(&db);
        let workers =
            Workers::start(queue.clone(), vec![Scripted::new(|_, _| Err(JobError::Dead("never".into())))], 1);
        queue.enqueue(job(json!(1))).await.unwrap();
        quiet(&queue).await;
        assert_eq!(queue.counts().await.unwrap().dead, 1, "{engine}");
        workers.stop(PATIENCE).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_failed_attempt_and_the_worker_goes_on() {
    for store in support::stores().await {
        let (engine, db) = (store.name, store.database.clone());
        let (queue, _) = queue(&db);
        let handler = Scripted::new(|_, payload| {
            assert!(payload != &json!("bad"), "a bad payload");
            Ok(())
        });
        let workers = Workers::start(queue.clone(), vec![handler.clone()], 1);
        queue.enqueue(job(json!("bad"))).await.unwrap();
        quiet(&queue).await;
        assert_eq!(last_error(&db).await.as_deref(), Some("panicked: a bad payload"), "{engine}");
        queue.enqueue(job(json!("good"))).await.unwrap();
        quiet(&queue).await;
        assert_eq!(
            queue.counts().await.unwrap(),
            Counts { failed: 1, done: 1, ..Counts::default() },
            "{engine}"
        );
        workers.stop(PATIENCE).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_worker_without_heartbeat_is_run_again() {
    for store in support::stores().await {
        let (engine, db) = (store.name, store.database.clone());
        let (queue, clock) = queue(&db);
        let (blocked, mut begun, _) = gate();
        let crashed = Workers::start(queue.clone(), vec![blocked], 1);
        queue.enqueue(job(json!(1))).await.unwrap();
        begun.recv().await.unwrap();
        drop(crashed);

        // This process still lives, so its heartbeat decides.
        let handler = Scripted::new(|_, _| Ok(()));
        clock.advance(Duration::from_secs(14));
        let early = Workers::start(queue.clone(), vec![handler.clone()], 1);
        queue.enqueue(job(json!(2))).await.unwrap();
        while handler.runs().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        early.stop(PATIENCE).await.unwrap();
        assert_eq!((queue.counts().await.unwrap().running, handler.runs()), (1, vec![json!(2)]), "{engine}");

        clock.advance(Duration::from_secs(2));
        let late = Workers::start(queue.clone(), vec![handler.clone()], 1);
        quiet(&queue).await;
        late.stop(PATIENCE).await.unwrap();
        assert_eq!(handler.runs(), [json!(2), json!(1)], "{engine}");
        assert_eq!(queue.counts().await.unwrap().done, 2, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_brings_its_process_down_again_and_again_ends_as_a_dead_letter() {
    for store in support::stores().await {
        let (engine, db) = (store.name, store.database.clone());
        let (queue, clock) = queue(&db);
        queue.enqueue(NewJob { max_attempts: 2, ..job(json!(1)) }).await.unwrap();
        for _ in 0..2 {
            let (blocked, mut begun, _) = gate();
            let crashed = Workers::start(queue.clone(), vec![blocked], 1);
            begun.recv().await.unwrap();
            drop(crashed);
            clock.advance(Duration::from_secs(16));
        }
        let handler = Scripted::new(|_, _| Ok(()));
        let workers = Workers::start(queue.clone(), vec![handler.clone()], 1);
        quiet(&queue).await;
        workers.stop(PATIENCE).await.unwrap();
        assert!(handler.runs().is_empty(), "{engine}");
        assert_eq!(queue.counts().await.unwrap().dead, 1, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_lets_a_job_finish_or_puts_it_back_as_if_untouched() {
    for store in support::stores().await {
        let (engine, db) = (store.name, store.database.clone());
        let (queue, _) = queue(&db);
        let (finishing, mut begun, release) = gate();
        let workers = Workers::start(queue.clone(), vec![finishing], 1);
        queue.enqueue(job(json!(1))).await.unwrap();
        begun.recv().await.unwrap();
        release.notify_one();
        workers.stop(PATIENCE).await.unwrap();
        assert_eq!(queue.counts().await.unwrap(), Counts { done: 1, ..Counts::default() }, "{engine}");

        let (stuck, mut begun, _) = gate();
        let workers = Workers::start(queue.clone(), vec![stuck], 1);
        queue.enqueue(job(json!(2))).await.unwrap();
        begun.recv().await.unwrap();
        workers.stop(Duration::from_millis(50)).await.unwrap();
        let counts = queue.counts().await.unwrap();
        assert_eq!(counts, Counts { pending: 1, done: 1, ..Counts::default() }, "{engine}");
        let attempts: i64 = sqlx::query_scalar("SELECT attempts FROM job WHERE status = 'pending'")
            .fetch_one(db.readers())
            .await
            .unwrap();
        assert_eq!(attempts, 0, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn urgent_jobs_go_first_and_later_ones_wait_for_their_moment() {
    for store in support::stores().await {
        let (engine, db) = (store.name, store.database.clone());
        let (queue, clock) = queue(&db);
        for (name, priority, delay) in [("low", -1, 0), ("first", 0, 0), ("later", 9, 60), ("high", 5, 0)] {
            let run_at = Some(START.plus(Duration::from_secs(delay)));
            queue.enqueue(NewJob { priority, run_at, ..job(json!(name)) }).await.unwrap();
        }
        let handler = Scripted::new(|_, _| Ok(()));
        let workers = Workers::start(queue.clone(), vec![handler.clone()], 1);
        quiet(&queue).await;
        assert_eq!(handler.runs(), [json!("high"), json!("first"), json!("low")], "{engine}");
        clock.advance(Duration::from_secs(61));
        queue.wake();
        quiet(&queue).await;
        assert_eq!(handler.runs().last(), Some(&json!("later")), "{engine}");
        workers.stop(PATIENCE).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_and_two_workers_still_run_each_job_once() {
    for store in support::stores().await {
        let (engine, db) = (store.name, store.database.clone());
        let (queue, _) = queue(&db);
        let handler = Scripted::new(|_, _| Ok(()));
        let one = Workers::start(queue.clone(), vec![handler.clone()], 3);
        let other = Workers::start(queue.clone(), vec![handler.clone()], 3);
        for number in 0..60 {
            queue.enqueue(job(json!(number))).await.unwrap();
        }
        quiet(&queue).await;
        let mut runs: Vec<i64> = handler.runs().iter().map(|run| run.as_i64().unwrap()).collect();
        runs.sort_unstable();
        assert_eq!(runs, (0..60).collect::<Vec<_>>(), "{engine}");
        one.stop(PATIENCE).await.unwrap();
        other.stop(PATIENCE).await.unwrap();
    }
}

const CHILD: &str = "DRAMATIS_TEST_KILLED_CHILD";

/// The process that the next test kills. Does nothing when run by hand.
#[tokio::test(flavor = "multi_thread")]
async fn child_that_is_killed() {
    let Ok(dir) = std::env::var(CHILD) else { return };
    let db = Database::open(&Location::in_dir(dir.as_ref())).await.unwrap();
    let queue = Queue::new(db, Arc::new(SystemClock));
    let (blocked, mut begun, _) = gate();
    let _workers = Workers::start(queue.clone(), vec![blocked], 1);
    queue.enqueue(job(json!("survivor"))).await.unwrap();
    begun.recv().await.unwrap();
    std::fs::write(std::path::Path::new(&dir).join("running"), "").unwrap();
    std::future::pending::<()>().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_killed_process_is_run_by_the_next_start_without_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_is_killed"])
        .env(CHILD, dir.path())
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    while !dir.path().join("running").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the child ended too early");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().await.unwrap();

    let db = Database::open(&Location::in_dir(dir.path())).await.unwrap();
    // A clock that stands still just before the child's last heartbeat: only the missing process can tell.
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let queue = Queue::new(db, clock);
    assert_eq!(queue.counts().await.unwrap().running, 1);
    let handler = Scripted::new(|_, _| Ok(()));
    let workers = Workers::start(queue.clone(), vec![handler.clone()], 1);
    quiet(&queue).await;
    workers.stop(PATIENCE).await.unwrap();
    assert_eq!(handler.runs(), [json!("survivor")]);
}
