//! A Discord without Discord: REST and gateway v10 on one loopback port, with people, guilds and faults on demand. Its state
//! outlives the program under test, as Discord's would: only a resumed session is told what it missed.
//!
//! `people` and `invoke` are what persons do, `seen` what they see, `control` what a test changes about the service; the other
//! files are the service. Where the documentation is silent or a test would take long, `world::Settings` says what is assumed.

#![allow(dead_code, unreachable_pub)]
#![allow(clippy::string_slice, clippy::needless_pass_by_value, clippy::missing_panics_doc)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod commands;
mod control;
mod elsewhere;
mod events;
mod faults;
mod form;
mod gateway;
mod interactions;
mod invoke;
mod limits;
mod messages;
mod moderation;
mod people;
mod places;
mod render;
mod rest;
mod seen;
mod webhooks;
mod world;

use std::sync::{Arc, Mutex, MutexGuard};

use axum::{Router, routing::any};
use tokio::{net::TcpListener, task::JoinHandle};

#[allow(unused_imports)]
pub use self::{
    elsewhere::Elsewhere,
    faults::{Fault, Gate, Hook},
    invoke::{Answered, Outcome},
    limits::Limit,
    people::Say,
    places::mention,
    seen::Seen,
    world::{Id, Request, permission},
};
use world::World;

pub struct Shared {
    world: Mutex<World>,
}

struct Server(JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The server; clones are handles to the same one. It takes no more connections when the last is dropped.
#[derive(Clone)]
pub struct Discord {
    shared: Arc<Shared>,
    /// A hook's handle does not keep the server.
    server: Option<Arc<Server>>,
}

impl Discord {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared { world: Mutex::new(World { address, ..World::default() }) });
        let router = Router::new()
            .route("/", any(gateway::upgrade))
            .route("/gateway", any(gateway::upgrade))
            .route("/gateway/", any(gateway::upgrade))
            .fallback(rest::serve)
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { shared, server: Some(Arc::new(Server(server))) }
    }

    /// What a bot is given as its base address: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.world().address)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap()
    }
}
