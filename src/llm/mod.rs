//! Speaking with language models: tiers, streams, retries, the ledger; and the offline responder.

mod body;
mod budget;
mod call;
mod data;
mod echo;
mod endpoint_check;
mod event;
mod fault;
mod gather;
mod join;
pub mod offline;
mod prices;
mod probe;
mod report;
mod request;
mod retry;
mod settings;
pub mod simulator;
mod tap;
pub mod tokens;
mod wire;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use self::{
    call::{Call, OFFLINE, Shared},
    retry::Backoff,
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
pub use settings::{Endpoint, LlmSettings, Retry, Timeouts};
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
    main: Option<Arc<Wire>>,
    router: Option<Arc<Wire>>,
    reflective: Option<Arc<Wire>>,
    cheap: Option<Arc<Wire>>,
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
        let open = |endpoint: Option<Endpoint>| {
            endpoint.map(|endpoint| Wire::new(&endpoint, &timeouts).map(Arc::new)).transpose()
        };
        let shared = Shared {
            ledger: Ledger::new(db.clone()),
            budget: Budget::new(db, Arc::clone(&clock), settings.limits, timeouts.total + SLOW_READER),
            clock,
            timeouts,
            backoff: Backoff::new(settings.retry),
            prices: settings.prices,
        };
        Ok(Self {
            shared: Arc::new(shared),
            main: open(main)?,
            router: open(settings.router)?,
            reflective: open(settings.reflective)?,
            cheap: open(settings.cheap)?,
            calls: TaskTracker::new(),
            unpriced: Arc::default(),
        })
    }

    fn own(&self, tier: Tier) -> Option<&Arc<Wire>> {
        match tier {
            Tier::Main => self.main.as_ref(),
            Tier::Router => self.router.as_ref(),
            Tier::Reflective => self.reflective.as_ref(),
            Tier::Cheap => self.cheap.as_ref(),
        }
    }

    fn wire(&self, tier: Tier) -> Option<&Arc<Wire>> {
        self.own(tier).or(self.main.as_ref())
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
            falls_back_to_main: tier != Tier::Main && self.own(tier).is_none(),
        };
        let cheap = self.cheap.is_some().then_some(Tier::Cheap);
        Tier::ALL.into_iter().chain(cheap).map(info).collect()
    }

    /// True when there is a cheaper model than the main one.
    #[must_use]
    pub fn has_cheaper(&self) -> bool {
        self.cheap.is_some()
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
    /// either. Dropping the stream cancels the call. However it ends, it leaves one row in the ledger; the row is there
    /// before the end is seen. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// The stream ends in an [`LlmError`] when there is no (whole) answer.
    pub fn chat(
        &self,
        mut request: ChatRequest,
    ) -> impl Stream<Item = Result<ChatEvent, LlmError>> + Send + Unpin + use<> + 'static {
        let (sender, mut receiver) = mpsc::channel(EVENTS);
        let wire = self.wire(request.tier).cloned();
        if let Some(wire) = &wire {
            let model = request.model.as_deref().unwrap_or(&wire.model);
            self.warn_of_unknown_price(wire, model);
            let price = self.shared.prices.of(model);
            self.shared.budget.cap(&mut request, price);
        }
        let call = Call { shared: Arc::clone(&self.shared), wire, request, events: sender };
        self.calls.spawn(call.run().in_current_span());
        futures::stream::poll_fn(move |context| receiver.poll_recv(context))
    }

    /// The whole answer.
    ///
    /// # Errors
    /// [`LlmError`] when there is no (whole) answer.
    pub async fn complete(&self, request: ChatRequest) -> Result<Completion, LlmError> {
        let mut events = self.chat(request);
        let mut partial = String::new();
        while let Some(event) = events.next().await {
            match event? {
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
