//! Keeps one server: opens the connection, offers its tools while it is there, and starts it again when it dies or hangs.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use rmcp::{RoleClient, model::Tool as Offered, service::Peer};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    config::{Pace, Server},
    link::{Link, Trouble},
    remote::{Line, Offer},
};
use crate::tool::{Source, Tool};

/// The tools of all servers that are there.
#[derive(Default)]
pub(super) struct Shelf(ArcSwap<BTreeMap<String, Arc<dyn Tool>>>);

impl Shelf {
    /// Puts these in the place of what the server offered before.
    fn put(&self, server: &str, tools: &BTreeMap<String, Arc<dyn Tool>>) {
        let prefix = format!("{server}__");
        self.0.rcu(|all| {
            let others = all.iter().filter(|(name, _)| !name.starts_with(&prefix));
            others.chain(tools).map(|(name, tool)| (name.clone(), tool.clone())).collect::<BTreeMap<_, _>>()
        });
    }
}

impl Source for Shelf {
    fn tools(&self) -> Arc<BTreeMap<String, Arc<dyn Tool>>> {
        self.0.load_full()
    }
}

/// One server and its keeper's knowledge of it.
pub(super) struct Keeper {
    server: Arc<Server>,
    shelf: Arc<Shelf>,
    pace: Pace,
    stop: CancellationToken,
    peer: watch::Sender<Option<Peer<RoleClient>>>,
    doubt: Arc<Notify>,
}

impl Keeper {
    pub(super) fn new(server: Server, shelf: Arc<Shelf>, pace: Pace, stop: CancellationToken) -> Self {
        let (peer, _) = watch::channel(None);
        Self { server: Arc::new(server), shelf, pace, stop, peer, doubt: Arc::default() }
    }

    /// Keeps the server until it is told to stop.
    pub(super) async fn run(self) {
        let mut wait = self.pace.first;
        let mut told: Option<Trouble> = None;
        loop {
            let Some(opened) = self.stop.run_until_cancelled(self.open()).await else { return };
            let trouble = match opened {
                Err(trouble) => {
                    // It did not come back: its tools are withdrawn until it does.
                    self.shelf.put(&self.server.name, &BTreeMap::new());
                    trouble
                }
                Ok((link, offered)) => {
                    let began = Instant::now();
                    told = None;
                    let Some(trouble) = self.live(link, offered).await else { return };
                    if began.elapsed() >= self.pace.steady {
                        wait = self.pace.first;
                    }
                    trouble
                }
            };
            // The same trouble again and again is told once.
            if told.as_ref() != Some(&trouble) {
                tracing::warn!(server = %self.server.name, %trouble, "an MCP server is away; it is tried again");
                told = Some(trouble);
            }
            if self.stop.run_until_cancelled(sleep(wait)).await.is_none() {
                return;
            }
            wait = (wait * 2).min(self.pace.most);
        }
    }

    async fn open(&self) -> Result<(Link, Vec<Offered>), Trouble> {
        let link = Link::open(&self.server).await?;
        let offered = link.tools(&self.server, self.pace.answer).await?;
        Ok((link, offered))
    }

    /// Until it is lost, says why; `None` when it was told to stop.
    async fn live(&self, mut link: Link, offered: Vec<Offered>) -> Option<Trouble> {
        let changed = link.changed();
        let peer = link.peer();
        // Doubts of its former life.
        self.doubt.notify_one();
        self.doubt.notified().await;
        let count = self.offer(offered);
        tracing::info!(server = %self.server.name, tools = count, "an MCP server is there");
        self.peer.send_replace(Some(peer.clone()));
        let trouble = loop {
            tokio::select! {
                () = self.stop.cancelled() => break None,
                why = link.lost() => break Some(Trouble::Broken(why)),
                () = changed.notified() => match self.stop.run_until_cancelled(self.renew(&link)).await {
                    Some(Ok(())) => {}
                    Some(Err(trouble)) => break Some(trouble),
                    None => break None,
                },
                () = self.doubt.notified() => match self.stop.run_until_cancelled(Link::lives(&peer, self.pace.answer)).await {
                    Some(true) => {}
                    Some(false) => break Some(Trouble::Broken("it does not answer any more".to_owned())),
                    None => break None,
                },
            }
        };
        self.peer.send_replace(None);
        if trouble.is_none() {
            self.shelf.put(&self.server.name, &BTreeMap::new());
        }
        link.close().await;
        trouble
    }

    /// Takes the tools as they are now. A server that changes them all the time is not followed all the time.
    async fn renew(&self, link: &Link) -> Result<(), Trouble> {
        let count = self.offer(link.tools(&self.server, self.pace.answer).await?);
        tracing::info!(server = %self.server.name, tools = count, "the tools of an MCP server have changed");
        sleep(self.pace.first.min(Duration::from_secs(1))).await;
        Ok(())
    }

    fn offer(&self, offered: Vec<Offered>) -> usize {
        let line = Line { peer: self.peer.subscribe(), doubt: self.doubt.clone() };
        let offer = Offer::new(&self.server, &line, offered);
        for reason in &offer.left_out {
            tracing::warn!(server = %self.server.name, reason, "a tool of an MCP server is left out");
        }
        self.shelf.put(&self.server.name, &offer.tools);
        offer.tools.len()
    }
}

/// What a server offers, seen once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The tools that characters may be given, by name.
    pub tools: Vec<String>,
    /// Why others are left out.
    pub left_out: Vec<String>,
}

/// Opens a connection to the server, asks for its tools, and closes it.
///
/// # Errors
/// [`Trouble`] when that does not work.
pub async fn look(server: &Server) -> Result<Look, Trouble> {
    let link = Link::open(server).await?;
    let offered = link.tools(server, Pace::default().answer).await;
    link.close().await;
    let (_, peer) = watch::channel(None);
    let offer = Offer::new(&Arc::new(server.clone()), &Line { peer, doubt: Arc::default() }, offered?);
    Ok(Look { tools: offer.tools.into_keys().collect(), left_out: offer.left_out })
}
