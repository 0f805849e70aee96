//! The only place that knows every part: builds, starts and stops them.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::task::JoinHandle;

use crate::{
    character::{Cast, CastWatcher, Finding},
    cognition::{Mind, Parts, SessionEnded, StepBudget},
    config::{EndpointSettings, LimitSettings, Settings},
    conversation::{Conversations, ReminderDue},
    embed::{Embeddings, catalogue},
    jobs::{Queue, Workers},
    llm::{Budget, Endpoint, Fallbacks, Limit, Limits, Llm, LlmSettings, PriceTable, Timeouts},
    memory::Memory,
    model::{Clock, SystemClock},
    platform::command::{self, Commands},
    relationship::Relationships,
    store::Database,
    tool::{self, HouseParts, Net, Toolbox, mcp},
};

/// How often idle sessions are looked for.
const SWEEP: Duration = Duration::from_secs(60);
/// The window of an Ollama that nobody has configured (its documentation, "FAQ": 4,096 tokens).
const OLLAMA_CONTEXT: usize = 4_096;
/// Jobs that may run side by side.
const WORKERS: usize = 2;
/// How long a stop waits for background work (product.md, DLV: a stop takes at most 20 s in all).
const STOP: Duration = Duration::from_secs(4);
/// How long a stop waits for the store.
const CLOSE: Duration = Duration::from_secs(2);
/// How long a stop waits for turns that are under way.
const TURNS: Duration = Duration::from_secs(8);
/// How long a stop waits for MCP servers to end by themselves.
const GOOD_BYE: Duration = Duration::from_secs(2);
/// How often what was written moves from SQLite's log into its file.
const CHECKPOINT: Duration = Duration::from_secs(5);
/// How many vectors are computed in one go when a store is caught up.
const CATCH_UP: usize = 8;
/// How often it is looked for what has no vector: summaries, changed messages, and what a failed turn left.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// A running Dramatis.
pub struct App {
    /// The settings it runs with.
    pub settings: Settings,
    /// The store.
    pub database: Database,
    /// The cast.
    pub cast: Cast,
    /// Findings in character folders, by folder.
    pub findings: Vec<(String, Vec<Finding>)>,
    /// Memory.
    pub memory: Memory,
    /// Relationships.
    pub relationships: Relationships,
    /// Models.
    pub llm: Llm,
    /// Embeddings.
    pub embeddings: Embeddings,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Conversations.
    pub conversations: Conversations,
    /// The queue.
    pub queue: Queue,
    /// Commands.
    pub commands: Commands,
    /// What characters can look up and do while they think.
    pub tools: Toolbox,
    servers: mcp::Servers,
    workers: Workers,
    watcher: Option<CastWatcher>,
    tasks: Vec<JoinHandle<()>>,
}

impl App {
    /// Opens the store, loads the cast and the model, and starts background work.
    ///
    /// # Errors
    /// With what could not be started and what to do about it.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let embeddings = embeddings(&settings);
        let (cast, findings) = open_cast(&settings.characters_dir)?;
        let servers = mcp_servers(&settings)?;
        let database = Database::open(&settings.database).await?;
        let llm = Llm::start(llm_settings(&settings)?, database.clone(), clock.clone()).await?;
        let memory = Memory::new(database.clone(), embeddings.clone(), clock.clone());
        let relationships = Relationships::new(database.clone(), clock.clone());
        let queue = Queue::new(database.clone(), clock.clone());
        let (servers, source) = mcp::Servers::start(servers);
        let tools = tool::house(HouseParts {
            memory: memory.clone(),
            embeddings: embeddings.clone(),
            relationships: relationships.clone(),
            queue: queue.clone(),
            cast: cast.clone(),
            search: settings.search.clone(),
            pages: settings.web_pages.then(Net::default),
        })
        .with_source(source);
        let mind = Arc::new(Mind::new(Parts {
            memory: memory.clone(),
            relationships: relationships.clone(),
            llm: llm.clone(),
            embeddings: embeddings.clone(),
            context: window(&settings),
            clock: clock.clone(),
            toolbox: tools.clone(),
            steps: StepBudget::default(),
            cache_dir: settings.data_dir.join("cache"),
        }));
        let conversations = Conversations::new(
            database.clone(),
            cast.clone(),
            memory.clone(),
            mind.clone(),
            queue.clone(),
            clock.clone(),
        );
        let commands = Commands::new(command::Parts {
            database: database.clone(),
            conversations: conversations.clone(),
            cast: cast.clone(),
            memory: memory.clone(),
            relationships: relationships.clone(),
            embeddings: embeddings.clone(),
            llm: llm.clone(),
            queue: queue.clone(),
            clock: clock.clone(),
            admins: settings.admins.clone(),
        });
        let handlers: Vec<Arc<dyn crate::jobs::Handler>> = vec![
            SessionEnded::new(memory.clone(), llm.clone()),
            ReminderDue::new(memory.clone(), conversations.clone()),
        ];
        let workers = Workers::start(queue.clone(), handlers, WORKERS);
        let watcher = match cast.watch() {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                tracing::warn!(%error, "changes of character files are not seen until the next start");
                None
            }
        };
        let tasks = vec![
            tokio::spawn(async move { mind.warm().await }),
            tokio::spawn(sweep(conversations.clone(), queue.clone(), llm.budget().clone())),
            tokio::spawn(catch_up(memory.clone())),
            tokio::spawn(checkpoints(database.clone())),
        ];
        Ok(Self {
            settings,
            database,
            cast,
            findings,
            memory,
            relationships,
            llm,
            embeddings,
            clock,
            conversations,
            queue,
            commands,
            tools,
            servers,
            workers,
            watcher,
            tasks,
        })
    }

    /// Waits until no background work is due, at most `within`. Says whether it got there.
    pub async fn settle(&self, within: Duration) -> bool {
        tokio::time::timeout(within, self.queue.idle()).await.is_ok_and(|idle| idle.is_ok())
    }

    /// Stops in order: no new work, background work finishes or is put back, the store closes.
    pub async fn stop(self) {
        drop(self.watcher);
        if !self.conversations.close(TURNS).await {
            tracing::warn!("a turn did not end in time; the next start takes it up");
        }
        self.servers.stop(GOOD_BYE).await;
        for task in &self.tasks {
            task.abort();
        }
        for task in self.tasks {
            // An aborted task ends with an error; that is what was asked for.
            let _ = task.await;
        }
        if let Err(error) = self.workers.stop(STOP).await {
            tracing::warn!(%error, "unfinished jobs could not be put back; the next start takes them");
        }
        if tokio::time::timeout(STOP, self.llm.drain()).await.is_err() {
            tracing::warn!("a call of a model did not end in time: it is missing in the ledger");
        }
        if tokio::time::timeout(CLOSE, self.database.close()).await.is_err() {
            tracing::warn!("the store is still busy: it is left as it is, and loses nothing");
        }
    }
}

/// The cast of a folder, and what was found in its files. A cast of nobody is an error.
#[allow(clippy::type_complexity, reason = "as the cast gives it")]
fn open_cast(dir: &Path) -> anyhow::Result<(Cast, Vec<(String, Vec<Finding>)>)> {
    let (cast, findings) =
        Cast::open(dir).with_context(|| format!("cannot load characters from {}", dir.display()))?;
    if cast.is_empty() {
        for (folder, findings) in &findings {
            for finding in findings {
                eprintln!("{folder}/{finding}");
            }
        }
        anyhow::bail!(
            "there is no character in {}: `dramatis characters new ID` makes one there, or set CHARACTERS_DIR to a folder of \
             characters",
            dir.display()
        );
    }
    Ok((cast, findings))
}

/// The embeddings that the settings ask for.
#[must_use]
pub fn embeddings(settings: &Settings) -> Embeddings {
    let models = settings.data_dir.join("models");
    let directory = catalogue::locate(&models, &settings.embedding_model);
    Embeddings::start(directory, settings.embedding_model.clone())
}

/// The MCP servers that the settings name.
///
/// # Errors
/// With everything that is wrong in their file.
pub fn mcp_servers(settings: &Settings) -> Result<mcp::Config, mcp::ConfigError> {
    mcp::Config::load(settings.mcp.as_deref(), |name| std::env::var(name).ok())
}

/// The models that the settings ask for.
///
/// # Errors
/// When the price table cannot be read.
pub fn llm_settings(settings: &Settings) -> anyhow::Result<LlmSettings> {
    let endpoint = |it: &EndpointSettings| Endpoint {
        base_url: it.base_url.clone(),
        api_key: it.api_key.clone(),
        model: it.model.clone(),
    };
    let prices = match &settings.prices {
        None => PriceTable::default(),
        Some(path) => PriceTable::load(path).context("LLM_PRICES")?,
    };
    Ok(LlmSettings {
        main: settings.llm.as_ref().map(endpoint),
        router: settings.router.as_ref().map(endpoint),
        reflective: settings.reflective.as_ref().map(endpoint),
        cheap: settings.cheap.as_ref().map(endpoint),
        cloud: settings.cloud.as_ref().map(endpoint),
        limits: limits(settings),
        fallbacks: Fallbacks {
            main: settings.fallbacks.main.iter().map(endpoint).collect(),
            router: settings.fallbacks.router.iter().map(endpoint).collect(),
            reflective: settings.fallbacks.reflective.iter().map(endpoint).collect(),
            cloud: settings.fallbacks.cloud.iter().map(endpoint).collect(),
        },
        hedge: settings.hedge,
        ollama: settings.ollama.clone(),
        prices,
        timeouts: Timeouts::of(settings.timeout),
        ..LlmSettings::default()
    })
}

/// Tokens that the main model's window holds. An Ollama that was found by itself cuts off what is beyond its default window
/// without a word.
fn window(settings: &Settings) -> usize {
    if settings.llm.is_some() { settings.context } else { settings.context.min(OLLAMA_CONTEXT) }
}

/// The limits that the settings ask for.
#[must_use]
pub fn limits(settings: &Settings) -> Limits {
    let limit = |it: LimitSettings| Limit { day_usd: it.day_usd, month_usd: it.month_usd };
    let budget = settings.budget;
    Limits {
        all: limit(budget.all),
        guild: limit(budget.guild),
        user: limit(budget.user),
        character: limit(budget.character),
        zone: budget.zone,
    }
}

async fn sweep(conversations: Conversations, queue: Queue, budget: Budget) {
    let mut every = tokio::time::interval(SWEEP);
    loop {
        every.tick().await;
        match conversations.sweep().await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "sessions are over and will be looked back at"),
            Err(error) => {
                tracing::warn!(%error, "idle sessions could not be ended; trying again in a minute");
            }
        }
        if let Err(error) = budget.daily_report().await {
            tracing::warn!(%error, "yesterday's costs could not be reported; trying again in a minute");
        }
        if let Err(error) = queue.purge().await {
            tracing::warn!(%error, "old jobs could not be forgotten; trying again in a minute");
        }
    }
}

async fn checkpoints(database: Database) {
    let mut every = tokio::time::interval(CHECKPOINT);
    loop {
        every.tick().await;
        if let Err(error) = database.checkpoint().await {
            tracing::warn!(%error, "the log of the database grows: it could not be moved into the file");
        }
    }
}

/// Gives vectors to what has none, for as long as the program runs.
async fn catch_up(memory: Memory) {
    loop {
        match memory.index_missing(CATCH_UP).await {
            Ok(0) => tokio::time::sleep(LOOK_AGAIN).await,
            Ok(count) => tracing::debug!(count, "memories got their vectors"),
            Err(error) => {
                tracing::warn!(%error, "memories without a vector are found by words only for now");
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }
}
