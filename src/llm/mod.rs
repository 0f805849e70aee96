//! Speaking with language models: tiers, streams, retries, the ledger; and the offline responder.

mod body;
mod books;
mod breaker;
mod budget;
mod call;
mod data;
mod echo;
mod endpoint_check;
mod event;
mod fault;
mod gather;
mod hedge;
mod join;
pub mod offline;
mod prices;
mod probe;
mod progress;
mod report;
mod request;
mod retry;
mod settings;
mod share;
pub mod simulator;
mod tap;
pub mod tokens;
mod wire;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{FutureExt, Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use self::{
    call::{Call, OFFLINE, Shared},
    retry::Backoff,
    share::Shares,
    wire::Wire,
};
use crate::{
    model::{Clock, ErrorKind},
    store::Database,
};

pub use budget::{AccountKind, Budget, Limit, Limits, Purse, Standing, Step, day_begins};
pub use data::{Ledger, LedgerFilter, LedgerRow, Totals};
pub use endpoint_check::{Probed, find_ollama, probe};
pub use prices::{Price, PriceError, PriceTable};
pub use report::{ReportBy, ReportRow};
pub use request::{
    Attribution, ChatEvent, ChatMessage, ChatRequest, Completion, LlmError, OfflineAnswer, Purpose, Role,
    Tier, ToolCall, ToolSpec,
};
pub use settings::{Endpoint, Fallbacks, LlmSettings, Retry, Timeouts};
pub(crate) use wire::install_cryptography;

/// Pieces of an answer that may wait for their reader before the endpoint is made to wait.
const EVENTS: usize = 64;
/// What a reader may hold a call up beside all waiting for the endpoint, where the call holds money.
const SLOW_READER: Duration = Duration::from_secs(60);

/// Why the room cannot open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The address of an endpoint.
    #[error(
        "`{0}` is not the address of an endpoint: LLM_BASE_URL wants http:// or https://, for example https://api.openai.com/v1"
    )]
    Address(String),
    /// The key of an endpoint.
    #[error(
        "the key of an endpoint holds characters that cannot be sent: look for a line break in LLM_API_KEY"
    )]
    Key,
    /// The HTTP client.
    #[error("HTTP cannot be set up: {0}. Install the system's certificates (ca-certificates)")]
    Http(String),
}

/// What a tier speaks with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierInfo {
    /// The tier.
    pub tier: Tier,
    /// Its model; `offline` for the built-in responder.
    pub model: String,
    /// Its endpoint, without secrets; none for the built-in responder.
    pub endpoint: Option<String>,
    /// True when the tier has no endpoint of its own.
    pub falls_back_to_main: bool,
}

/// The door to the models. Cloning shares connections and ledger.
#[derive(Debug, Clone)]
pub struct Llm {
    shared: Arc<Shared>,
    main: Vec<Arc<Wire>>,
    router: Vec<Arc<Wire>>,
    reflective: Vec<Arc<Wire>>,
    cheap: Vec<Arc<Wire>>,
    cloud: Vec<Arc<Wire>>,
    shares: Shares,
    calls: TaskTracker,
    unpriced: Arc<Mutex<HashSet<String>>>,
}

impl Llm {
    /// Opens the endpoints of `settings`. Where there is no main one, looks for an Ollama; where there is none either,
    /// the tiers without an endpoint are offline. Only that look touches the network.
    ///
    /// # Errors
    /// [`StartError`] when an address or a key cannot be used.
    #[tracing::instrument(name = "llm_start", skip_all)]
    pub async fn start(
        settings: LlmSettings,
        db: Database,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let main = match (settings.main, settings.ollama) {
            (Some(main), _) => Some(main),
            (None, Some(address)) => probe::ollama(&address).await,
            (None, None) => None,
        };
        let timeouts = settings.timeouts;
        let Fallbacks {
            main: after_main,
            router: after_router,
            reflective: after_reflective,
            cloud: after_cloud,
        } = settings.fallbacks;
        // What stands behind nothing is never asked.
        let open = |first: Option<Endpoint>, behind: Vec<Endpoint>| {
            let chain = first.into_iter().flat_map(|first| std::iter::once(first).chain(behind.clone()));
            chain.map(|endpoint| Wire::new(&endpoint, &timeouts).map(Arc::new)).collect::<Result<Vec<_>, _>>()
        };
        let shared = Shared {
            ledger: Ledger::new(db.clone()),
            budget: Budget::new(
                db,
                Arc::clone(&clock),
                settings.limits,
                timeouts.total + SLOW_READER,
                settings.cheap.is_some(),
            ),
            clock,
            timeouts,
            backoff: Backoff::new(settings.retry),
            prices: settings.prices,
            hedge: settings.hedge,
        };
        Ok(Self {
            shared: Arc::new(shared),
            main: open(main, after_main)?,
            router: open(settings.router, after_router)?,
            reflective: open(settings.reflective, after_reflective)?,
            cheap: open(settings.cheap, Vec::new())?,
            cloud: open(settings.cloud, after_cloud)?,
            shares: Shares::default(),
            calls: TaskTracker::new(),
            unpriced: Arc::default(),
        })
    }

    fn own(&self, tier: Tier) -> &[Arc<Wire>] {
        match tier {
            Tier::Main => &self.main,
            Tier::Router => &self.router,
            Tier::Reflective => &self.reflective,
            Tier::Cheap => &self.cheap,
            Tier::Cloud => &self.cloud,
        }
    }

    /// The endpoints of a tier, the first one first.
    fn chain(&self, tier: Tier) -> &[Arc<Wire>] {
        let own = self.own(tier);
        if own.is_empty() { &self.main } else { own }
    }

    fn wire(&self, tier: Tier) -> Option<&Arc<Wire>> {
        self.chain(tier).first()
    }

    /// True when the tier has no model and the built-in responder speaks.
    #[must_use]
    pub fn is_offline(&self, tier: Tier) -> bool {
        self.wire(tier).is_none()
    }

    /// The model of a tier; `offline` for the built-in responder.
    #[must_use]
    pub fn model_of(&self, tier: Tier) -> &str {
        self.wire(tier).map_or(OFFLINE, |wire| &wire.model)
    }

    /// What each tier speaks with, the main one first.
    #[must_use]
    pub fn describe(&self) -> Vec<TierInfo> {
        let info = |tier| TierInfo {
            tier,
            model: self.model_of(tier).to_owned(),
            endpoint: self.wire(tier).map(|wire| wire.shown.clone()),
            falls_back_to_main: tier != Tier::Main && self.own(tier).is_empty(),
        };
        let cheap = self.has_cheaper().then_some(Tier::Cheap);
        let cloud = self.has_cloud().then_some(Tier::Cloud);
        Tier::ALL.into_iter().chain(cheap).chain(cloud).map(info).collect()
    }

    /// True when there is a cheaper model than the main one.
    #[must_use]
    pub fn has_cheaper(&self) -> bool {
        !self.cheap.is_empty()
    }

    /// True when there is a cloud tier, and the main model is the local one.
    #[must_use]
    pub fn has_cloud(&self) -> bool {
        !self.cloud.is_empty()
    }

    /// What so many tokens of a model cost, US dollars; nothing where its price is not known.
    #[must_use]
    pub fn cost_of(&self, model: &str, tokens_in: u64, tokens_out: u64) -> f64 {
        self.shared.prices.of(model).map_or(0.0, |price| price.cost(tokens_in, tokens_out))
    }

    /// What may be spent.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.shared.budget
    }

    /// The books.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }

    /// Begins a call at once and streams its answer: deltas, then [`ChatEvent::Done`] or an error, and nothing behind
    /// either. Dropping the stream cancels the call. However it ends, it leaves a row in the ledger for each endpoint that was
    /// asked, and one where none was; the rows are there before the end is seen. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// The stream ends in an [`LlmError`] when there is no (whole) answer.
    pub fn chat(
        &self,
        mut request: ChatRequest,
    ) -> impl Stream<Item = Result<ChatEvent, LlmError>> + Send + Unpin + use<> + 'static {
        let (sender, mut receiver) = mpsc::channel(EVENTS);
        let chain = self.chain(request.tier).to_vec();
        for (at, wire) in chain.iter().enumerate() {
            let own = request.model.as_deref().filter(|_| at == 0);
            let model = own.unwrap_or(&wire.model).to_owned();
            self.warn_of_unknown_price(wire, &model);
            // One limit for all: whoever answers, the answer is as long.
            self.shared.budget.cap(&mut request, self.shared.prices.of(&model));
        }
        let call = Call { shared: Arc::clone(&self.shared), chain, request, events: sender };
        self.calls.spawn(call.run().in_current_span());
        futures::stream::poll_fn(move |context| receiver.poll_recv(context))
    }

    /// The whole answer. Of requests to decide or to extract that are the same, at the same time and for the same person and
    /// character, one is made.
    ///
    /// # Errors
    /// [`LlmError`] when there is no (whole) answer.
    pub async fn complete(&self, request: ChatRequest) -> Result<Completion, LlmError> {
        match share::key(&request) {
            None => whole(self.chat(request)).await,
            Some(key) => self.shares.answer(key, || whole(self.chat(request)).boxed()).await,
        }
    }

    /// Waits until every call under way has ended and its row is in the ledger.
    pub async fn drain(&self) {
        self.calls.close();
        self.calls.wait().await;
    }

    fn warn_of_unknown_price(&self, wire: &Wire, model: &str) {
        if wire.local || self.shared.prices.of(model).is_some() {
            return;
        }
        let mut warned = self.unpriced.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.insert(model.to_owned()) {
            tracing::warn!("the price of `{model}` is not known: its calls count as free in the ledger");
        }
    }
}

/// All of a stream.
async fn whole(
    mut events: impl Stream<Item = Result<ChatEvent, LlmError>> + Unpin,
) -> Result<Completion, LlmError> {
    let mut partial = String::new();
    while let Some(event) = events.next().await {
        match event? {
            ChatEvent::Logprobs(_) => {}
            ChatEvent::Delta(text) => partial.push_str(&text),
            ChatEvent::Done(completion) => return Ok(completion),
        }
    }
    // Only a runtime that shuts down ends a call without a word.
    Err(LlmError {
        kind: ErrorKind::Other,
        message: "the program is stopping".to_owned(),
        partial,
        waited: Duration::ZERO,
    })
}
