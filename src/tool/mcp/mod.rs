//! Tools of MCP servers (Model Context Protocol, <https://modelcontextprotocol.io>), over standard input and output or over
//! streamable HTTP. What a server says is material for the model, never an instruction; docs/mcp.md tells how to add one.

mod config;
mod keeper;
mod link;
mod process;
mod remote;
mod secret;
mod text;

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Source;
pub use config::{Config, ConfigError, Pace, Reach, Server};
use keeper::{Keeper, Shelf};
pub use keeper::{Look, look};
pub use link::Trouble;

/// The servers that are kept. When it is dropped, their processes end.
#[derive(Debug)]
pub struct Servers {
    stop: CancellationToken,
    keepers: JoinSet<()>,
}

impl Servers {
    /// Starts to keep these servers, and waits for none. Their tools are in the source while they are there.
    #[must_use]
    pub fn start(config: Config) -> (Self, Arc<dyn Source>) {
        let shelf = Arc::new(Shelf::default());
        let stop = CancellationToken::new();
        let mut keepers = JoinSet::new();
        for server in config.servers {
            keepers.spawn(Keeper::new(server, shelf.clone(), config.pace, stop.clone()).run());
        }
        (Self { stop, keepers }, shelf)
    }

    /// Says good-bye to all of them, and ends their processes, at the latest after `within`.
    pub async fn stop(mut self, within: Duration) {
        self.stop.cancel();
        let all = async { while self.keepers.join_next().await.is_some() {} };
        if tokio::time::timeout(within, all).await.is_err() {
            tracing::debug!("an MCP server is ended without a good-bye");
        }
        self.keepers.shutdown().await;
    }
}
