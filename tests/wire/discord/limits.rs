//! Rate limits: fixed windows a bucket, and the headers that tell of them.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::world::Id;

/// Requests allowed in a window.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    pub requests: u32,
    pub window: Duration,
}

struct Window {
    used: u32,
    until: Instant,
}

#[derive(Default)]
pub struct Buckets {
    windows: HashMap<(Option<Id>, &'static str, String), Window>,
    changed: HashMap<&'static str, Limit>,
}

/// What a request is told of its bucket.
pub struct Standing {
    pub bucket: &'static str,
    pub limit: u32,
    pub remaining: u32,
    pub reset_after: Duration,
    /// Too many: nothing is done.
    pub exceeded: bool,
}

/// The bucket that a request belongs to.
pub fn bucket(method: &str, segments: &[&str]) -> &'static str {
    match (method, segments) {
        ("POST", ["channels", _, "messages"]) => "message-create",
        ("PATCH", ["channels", _, "messages", _]) => "message-edit",
        ("DELETE", ["channels", _, "messages", _]) => "message-delete",
        (_, ["channels", _, "messages", _, "reactions", ..]) => "reaction",
        ("POST", ["channels", _, "typing"]) => "typing",
        (_, ["webhooks", ..]) => "webhook",
        (_, ["interactions", ..]) => "interaction",
        _ => "other",
    }
}

fn usual(bucket: &str) -> Limit {
    let (requests, milliseconds) = match bucket {
        "message-create" | "message-edit" | "typing" => (5, 5_000),
        "message-delete" => (5, 1_000),
        "reaction" => (1, 250),
        "webhook" => (5, 2_000),
        _ => (50, 1_000),
    };
    Limit { requests, window: Duration::from_millis(milliseconds) }
}

impl Buckets {
    pub fn set(&mut self, bucket: &'static str, limit: Limit) {
        self.changed.insert(bucket, limit);
    }

    /// Counts a request. `major` is the channel, guild or webhook in the path.
    pub fn take(&mut self, bot: Option<Id>, bucket: &'static str, major: &str, strict: bool) -> Standing {
        let limit = self.changed.get(bucket).copied().unwrap_or_else(|| usual(bucket));
        let now = Instant::now();
        let fresh = || Window { used: 0, until: now + limit.window };
        let window = self.windows.entry((bot, bucket, major.to_owned())).or_insert_with(fresh);
        if window.until <= now {
            *window = fresh();
        }
        let exceeded = strict && window.used >= limit.requests;
        if !exceeded {
            window.used += 1;
        }
        Standing {
            bucket,
            limit: limit.requests,
            remaining: limit.requests.saturating_sub(window.used),
            reset_after: window.until.duration_since(now),
            exceeded,
        }
    }
}
