//! The queue on SQLite: nothing lost, nothing done twice without need.

use std::sync::Mutex;

use tempfile::TempDir;

use super::*;
use crate::{model::SystemClock, store::Location};

/// Notes what it is given and does what it is told.
struct Scripted {
    seen: Mutex<Vec<i64>>,
    fail_first: Mutex<u32>,
}

#[async_trait]
impl Handler for Scripted {
    fn kind(&self) -> &'static str {
        "scripted"
    }

    async fn run(&self, payload: Value) -> Result<(), JobError> {
        let number = payload["n"].as_i64().unwrap();
        self.seen.lock().unwrap().push(number);
        match payload["do"].as_str() {
            Some("die") => Err(JobError::Dead("told to".to_owned())),
            Some("panic") => panic!("told to"),
            Some("hang") => {
                tokio::time::sleep(Duration::from_secs(3_600)).await;
                Ok(())
            }
            _ => {
                let mut left = self.fail_first.lock().unwrap();
                if *left > 0 {
                    *left -= 1;
                    return Err(JobError::Retry("not yet".to_owned()));
                }
                Ok(())
            }
        }
    }
}

struct Bench {
    _dir: TempDir,
    database: Database,
    queue: Queue,
    handler: Arc<Scripted>,
}

async fn bench() -> Bench {
    let dir = TempDir::new().unwrap();
    let database = Database::open(&Location::in_dir(dir.path())).await.unwrap();
    let queue = Queue::new(database.clone(), Arc::new(SystemClock));
    let handler = Arc::new(Scripted { seen: Mutex::default(), fail_first: Mutex::default() });
    Bench { _dir: dir, database, queue, handler }
}

impl Bench {
    fn workers(&self) -> Workers {
        Workers::start(self.queue.clone(), vec![self.handler.clone()], 1)
    }

    async fn add(&self, number: i64, what: &str) -> Enqueued {
        let job = NewJob {
            kind: "scripted",
            payload: serde_json::json!({ "n": number, "do": what }),
            dedup_key: Some(format!("job {number}")),
            run_at: None,
            priority: number,
            max_attempts: 2,
        };
        self.queue.enqueue(job).await.unwrap()
    }

    fn seen(&self) -> Vec<i64> {
        self.handler.seen.lock().unwrap().clone()
    }

    async fn wait(&self, condition: impl Fn(Counts) -> bool) -> Counts {
        for _ in 0..1_000 {
            let counts = self.queue.counts().await.unwrap();
            if condition(counts) {
                return counts;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the queue never got there: {:?}", self.queue.counts().await);
    }
}

#[tokio::test]
async fn jobs_are_done_once_the_important_first() {
    let bench = bench().await;
    for number in 1..=3 {
        assert!(matches!(bench.add(number, "work").await, Enqueued::New(_)));
        assert_eq!(bench.add(number, "work").await, Enqueued::Duplicate);
    }
    let workers = bench.workers();
    bench.queue.idle().await.unwrap();
    workers.stop(Duration::from_secs(5)).await;
    assert_eq!(bench.seen(), [3, 2, 1]);
    assert_eq!(bench.add(1, "work").await, Enqueued::Duplicate, "also after it is done");
}

#[tokio::test]
async fn what_fails_is_tried_again_and_given_up_in_the_end() {
    let bench = bench().await;
    *bench.handler.fail_first.lock().unwrap() = 1;
    bench.add(1, "work").await;
    let workers = bench.workers();
    bench.wait(|counts| counts.done == 1).await;
    assert_eq!(bench.seen(), [1, 1]);

    bench.add(2, "die").await;
    bench.add(3, "panic").await;
    let counts = bench.wait(|counts| counts.dead == 2).await;
    assert_eq!(counts.done, 1);
    assert_eq!(bench.seen().iter().filter(|n| **n == 2).count(), 1, "what is hopeless is tried once");
    assert_eq!(bench.seen().iter().filter(|n| **n == 3).count(), 2, "a panic is a failed attempt");
    workers.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_stop_puts_back_what_is_not_finished() {
    let bench = bench().await;
    bench.add(1, "hang").await;
    let workers = bench.workers();
    bench.wait(|counts| counts.running == 1).await;
    workers.stop(Duration::from_millis(50)).await;
    let counts = bench.queue.counts().await.unwrap();
    assert_eq!((counts.pending, counts.running), (1, 0));
}

#[tokio::test]
async fn what_a_dead_process_was_doing_is_taken_back() {
    let bench = bench().await;
    bench.add(1, "work").await;
    let now = SystemClock.now();
    let taken = data::take(&bench.database, "a process that was killed", &["scripted"], now).await.unwrap();
    assert!(taken.is_some());
    let workers = bench.workers();
    bench.wait(|counts| counts.done == 1).await;
    workers.stop(Duration::from_secs(5)).await;
    assert_eq!(bench.seen(), [1]);
}

#[tokio::test]
async fn a_process_that_lives_keeps_its_jobs() {
    let bench = bench().await;
    bench.add(1, "work").await;
    let now = SystemClock.now();
    data::heartbeat(&bench.database, "alive", now, Duration::from_secs(15)).await.unwrap();
    data::take(&bench.database, "alive", &["scripted"], now).await.unwrap();
    let back = data::heartbeat(&bench.database, "other", now, Duration::from_secs(15)).await.unwrap();
    assert_eq!(back, 0);
}
