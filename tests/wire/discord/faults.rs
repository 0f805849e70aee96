//! What goes wrong with requests, on demand.

use std::{sync::Arc, time::Duration};

use regex::Regex;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::Discord;

/// What a test does in the middle of a request.
pub type Hook = Arc<dyn Fn(&Discord) + Send + Sync>;

/// What goes wrong with a request.
#[derive(Clone)]
pub enum Fault {
    /// 429 with these seconds; nothing is done.
    RateLimited { retry_after: f64, global: bool },
    /// This status without a sensible body; nothing is done.
    Status(u16),
    /// This status with Discord's error code and message; nothing is done.
    Refused { status: u16, code: u64, message: &'static str },
    /// The connection ends without an answer; nothing is done.
    Reset,
    /// It is done, but the answer never comes.
    DoneButSilent,
    /// It is done after this time.
    Slow(Duration),
    /// It is done when the gate opens.
    Gate(Gate),
    /// Calls this first, then does it.
    Before(Hook),
    /// Does it, then calls this, then answers.
    After(Hook),
}

/// Holds requests until it is opened.
#[derive(Clone)]
pub struct Gate {
    open: Arc<watch::Sender<bool>>,
    waiting: Arc<watch::Sender<usize>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    pub fn new() -> Self {
        Self { open: Arc::new(watch::Sender::new(false)), waiting: Arc::new(watch::Sender::new(0)) }
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Requests that came to the gate so far.
    pub fn arrived(&self) -> usize {
        *self.waiting.borrow()
    }

    pub(super) async fn pass(&self) {
        self.waiting.send_modify(|it| *it += 1);
        // The sender lives in `self`.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

/// A fault and the requests it meets.
pub struct Rule {
    method: Option<String>,
    path: Regex,
    left: usize,
    fault: Fault,
}

impl Rule {
    /// `method` may be `*`; `path` is a regular expression on the path without `/api/v10`.
    pub fn new(method: &str, path: &str, times: usize, fault: Fault) -> Self {
        let method = (method != "*").then(|| method.to_uppercase());
        Self { method, path: Regex::new(path).unwrap(), left: times, fault }
    }
}

/// The fault that meets this request, the oldest rule first.
pub fn take(rules: &mut Vec<Rule>, method: &str, path: &str) -> Option<Fault> {
    let meets =
        |rule: &Rule| rule.method.as_deref().is_none_or(|it| it == method) && rule.path.is_match(path);
    let at = rules.iter().position(meets)?;
    let rule = &mut rules[at];
    let fault = rule.fault.clone();
    rule.left -= 1;
    if rule.left == 0 {
        rules.remove(at);
    }
    Some(fault)
}

/// The body of a 429.
pub fn limited(retry_after: f64, global: bool) -> Value {
    json!({ "message": "You are being rate limited.", "retry_after": retry_after, "global": global })
}
