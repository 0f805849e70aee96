//! What a test changes about the service: faults, permissions, connections.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    Discord,
    faults::{Fault, Gate, Rule},
    gateway::Out,
    limits::Limit,
    world::Id,
};

impl Discord {
    /// The next `times` requests of a method (`*` for all) whose path matches a regular expression meet this.
    pub fn fail(&self, method: &str, path: &str, times: usize, fault: Fault) {
        self.world().rules.push(Rule::new(method, path, times, fault));
    }

    /// No fault waits for requests any more.
    pub fn heal(&self) {
        self.world().rules.clear();
    }

    /// `GET /gateway` and `GET /gateway/bot` answer this status from now on.
    pub fn fail_gateway_endpoint(&self, status: u16) {
        self.fail("GET", "^/gateway(/bot)?$", usize::MAX, Fault::Status(status));
    }

    /// The next request that matches waits until the gate opens.
    pub fn gate(&self, method: &str, path: &str) -> Gate {
        let gate = Gate::new();
        self.fail(method, path, 1, Fault::Gate(gate.clone()));
        gate
    }

    /// Calls a hook when the next request that matches is done, before its answer goes out.
    pub fn after(&self, method: &str, path: &str, hook: impl Fn(&Self) + Send + Sync + 'static) {
        self.fail(method, path, 1, Fault::After(Arc::new(hook)));
    }

    /// Calls a hook before the next request that matches is done.
    pub fn before(&self, method: &str, path: &str, hook: impl Fn(&Self) + Send + Sync + 'static) {
        self.fail(method, path, 1, Fault::Before(Arc::new(hook)));
    }

    /// How long every request waits before it is done, and its answer after it is: time for a kill in between.
    pub fn latency(&self, before: Duration, after: Duration) {
        self.world().settings.latency = (before, after);
    }

    /// Whether requests above their bucket's limit get 429.
    pub fn limits(&self, strict: bool) {
        self.world().settings.limits = strict;
    }

    /// Changes a bucket: `message-create`, `message-edit`, `message-delete`, `reaction`, `typing`, `webhook`,
    /// `interaction`, `other`.
    pub fn limit(&self, bucket: &'static str, requests: u32, window: Duration) {
        self.world().buckets.set(bucket, Limit { requests, window });
    }

    /// Takes permissions from a bot, in a channel or a whole guild.
    pub fn deny(&self, bot: Id, place: Id, permissions: u64) {
        let mut world = self.world();
        *world.denied.entry((bot, place)).or_default() |= permissions;
        world.tell_permissions(place);
    }

    /// Gives back what was taken.
    pub fn allow(&self, bot: Id, place: Id) {
        let mut world = self.world();
        world.denied.remove(&(bot, place));
        world.tell_permissions(place);
    }

    /// The privileged intents switched on in the developer portal, by their bits.
    pub fn grant_intents(&self, bot: Id, privileged: u64) {
        self.world().bot_mut(bot).unwrap().privileged = privileged;
    }

    /// The token is no longer valid.
    pub fn revoke(&self, bot: Id) {
        self.world().bot_mut(bot).unwrap().gone = true;
    }

    pub fn heartbeat_interval(&self, interval: Duration) {
        self.world().settings.heartbeat_interval = interval;
    }

    /// Heartbeats are not acknowledged, or are again.
    pub fn no_acks(&self, silent: bool) {
        self.world().settings.acks = !silent;
    }

    /// How long an interaction waits for its first answer; 3 s as in life, unless a test says otherwise.
    pub fn interaction_patience(&self, patience: Duration) {
        self.world().settings.interaction_patience = patience;
    }

    /// How long a nonce is remembered.
    pub fn nonce_window(&self, window: Duration) {
        self.world().settings.nonce_window = window;
    }

    /// The shards that `GET /gateway/bot` recommends.
    pub fn shards(&self, shards: u64) {
        self.world().settings.shards = shards;
    }

    /// The identifications left today.
    pub fn session_starts(&self, left: u64) {
        self.world().settings.session_starts = left;
    }

    /// The time between two identifications of a bot; Discord wants 5 s, here it is none unless a test says otherwise.
    pub fn identify_pace(&self, pace: Duration) {
        self.world().settings.identify_pace = pace;
    }

    /// The address that `GET /gateway` gives, instead of this server's.
    pub fn gateway_url(&self, url: Option<&str>) {
        self.world().settings.gateway_url = url.map(str::to_owned);
    }

    /// The address that `READY` gives to resume at, instead of this server's.
    pub fn resume_url(&self, url: Option<&str>) {
        self.world().settings.resume_url = url.map(str::to_owned);
    }

    fn broadcast(&self, out: &Out) {
        let world = self.world();
        for wire in world.wires.values() {
            let _ = wire.send(out.clone());
        }
    }

    /// Every gateway connection goes away without a close frame. Sessions can be resumed.
    pub fn drop_connections(&self) {
        self.broadcast(&Out::Drop);
    }

    /// Every connection is told that its session is invalid; when not resumable, it is forgotten.
    pub fn invalid_session(&self, resumable: bool) {
        let invalid = Out::Send(json!({ "op": 9, "d": resumable, "s": null, "t": null }));
        let mut world = self.world();
        for wire in world.wires.values() {
            let _ = wire.send(invalid.clone());
        }
        if !resumable {
            world.sessions.clear();
        }
    }

    /// Every connection is asked to reconnect and resume.
    pub fn reconnect(&self) {
        self.broadcast(&Out::Send(json!({ "op": 7, "d": null, "s": null, "t": null })));
    }

    /// Every connection is asked for a heartbeat.
    pub fn ask_heartbeat(&self) {
        self.broadcast(&Out::Send(json!({ "op": 1, "d": null, "s": null, "t": null })));
    }

    /// Every connection is closed with this code. 4004, 4007, 4009 to 4014 end sessions, the others leave them resumable.
    pub fn close_with(&self, code: u16) {
        self.broadcast(&Out::Close(code, "Closed by the test"));
        if matches!(code, 1000 | 1001 | 4004 | 4006 | 4007 | 4009..=4014) {
            self.world().sessions.clear();
        }
    }

    /// Sends an event of the test's own making to all sessions, as in "an event the library cannot read".
    pub fn raw_event(&self, bot: Id, name: &str, data: &Value) {
        self.world().tell(bot, None, super::events::ALWAYS, name, |_, _| data.clone());
    }

    /// Sessions are forgotten, as after a long absence.
    pub fn forget_sessions(&self) {
        self.world().sessions.clear();
    }

    /// The journal starts anew, for long runs.
    pub fn forget_journal(&self) {
        self.world().journal.clear();
    }

    /// Connections opened so far.
    pub fn connections(&self) -> u64 {
        self.world().connections
    }

    /// Open connections with a session.
    pub fn online(&self) -> usize {
        self.world().sessions.iter().filter(|it| it.connection.is_some()).count()
    }

    /// `IDENTIFY`s so far.
    pub fn identifies(&self) -> u64 {
        self.world().identifies
    }

    /// `RESUME`s so far.
    pub fn resumes(&self) -> u64 {
        self.world().resumes
    }

    /// Intents and shard of each session, oldest first.
    pub fn sessions(&self) -> Vec<(Id, u64, (u64, u64))> {
        self.world().sessions.iter().map(|it| (it.bot, it.intents, it.shard)).collect()
    }

    /// Waits until this many sessions are connected.
    pub async fn until_online(&self, sessions: usize) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.online() < sessions {
            assert!(Instant::now() < deadline, "{} of {sessions} sessions in 30 s", self.online());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
