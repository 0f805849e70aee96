//! Background work in a persistent queue: a job survives `kill -9`, is retried with growing pauses, and ends as a dead
//! letter when nothing helps. Workers are apalis workers; the tables are ours, with one SQL text for both engines.
//!
//! A job runs *at least* once: a handler must do no harm when it runs again after a crash.

mod backend;
mod backoff;
mod data;
mod owner;
mod queue;
mod worker;

pub(crate) use owner::{name as process_name, process_is_gone};
pub use queue::{Counts, Enqueued, NewJob, Queue};
pub use worker::{Attempt, Handler, JobError, Workers};
