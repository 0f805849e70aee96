//! One call from its first request to its row in the ledger: attempts, time-outs, a continuation where a stream broke.

use std::{future::Future, sync::Arc, time::Duration};

use futures::StreamExt;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use super::{
    budget::{Budget, Hold, NoMoney, Wanted},
    data::{Ledger, LedgerRow},
    echo,
    event::{Piece, Usage},
    fault::{Again, Fault, Feature},
    gather::{Fragment, Gather},
    join::Joint,
    prices::PriceTable,
    request::{ChatEvent, ChatMessage, ChatRequest, Completion, LlmError, Role, ToolCall},
    retry::Backoff,
    settings::Timeouts,
    tokens,
    wire::Wire,
};
use crate::model::{Clock, ErrorKind};

/// What the model is told when its stream broke half way.
const CONTINUE: &str = include_str!("prompts/continue.md");
/// The name of "no model" in answers and in the ledger.
pub(super) const OFFLINE: &str = "offline";
/// The longest answer, in characters: about 50,000 tokens of English, more than any model is asked to say here.
const LONGEST: usize = 200_000;
/// The longest token, in characters: a model that keeps to its limit of tokens never gets past this many times the limit.
/// Longer ones are runs of blanks (`o200k_base`), and the words around them are short.
const LONGEST_TOKEN: usize = 16;

/// What every call needs.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) ledger: Ledger,
    pub(super) budget: Budget,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) timeouts: Timeouts,
    pub(super) backoff: Backoff,
    pub(super) prices: PriceTable,
}

/// One call under way.
pub(super) struct Call {
    pub(super) shared: Arc<Shared>,
    pub(super) wire: Option<Arc<Wire>>,
    pub(super) request: ChatRequest,
    pub(super) events: mpsc::Sender<Result<ChatEvent, LlmError>>,
}

/// What has happened so far. It outlives the work when the reader goes away.
#[derive(Debug, Default)]
struct Progress {
    /// What was passed on.
    text: String,
    tool_calls: Vec<ToolCall>,
    attempts: u32,
    waited: Duration,
    waiting_since: Option<Instant>,
    tokens_in: u64,
    tokens_out: u64,
    estimated: bool,
    recovered: bool,
    /// The last request broke off in a tool call, or behind one.
    in_call: bool,
    attempt: Attempt,
    hold: Hold,
}

/// The tokens of the request under way.
#[derive(Debug, Default)]
struct Attempt {
    /// Nobody has said that the request was refused.
    sent: bool,
    heard: bool,
    prompt: usize,
    text: String,
    calls: Gather,
    /// Why the model ended.
    finish: Option<String>,
    /// Characters of the answer, and at least one an event.
    size: usize,
    usage: Option<Usage>,
}

impl Attempt {
    fn take(&mut self, piece: &Piece) {
        self.heard = true;
        self.usage = piece.usage.or(self.usage);
        self.text.push_str(&piece.text);
        self.finish = piece.finish.clone().or(self.finish.take());
        let calls: usize = piece.calls.iter().map(Fragment::len).sum();
        self.size += (piece.text.chars().count() + calls).max(1);
    }
}

impl Progress {
    fn waited(&self) -> Duration {
        self.waited + self.waiting_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Awaits the endpoint, at most `limit`, and counts the time. `None` when the limit has passed.
    async fn wait<T>(&mut self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        self.waiting_since = Some(Instant::now());
        let result = tokio::time::timeout(limit, work).await.ok();
        self.waited = self.waited();
        self.waiting_since = None;
        result
    }

    fn is_empty(&self) -> bool {
        self.text.is_empty() && self.tool_calls.is_empty()
    }

    /// Books the tokens of the request that is over, and hands on what it brought. One that was refused costs nothing.
    fn settle(&mut self) -> Attempt {
        let attempt = std::mem::take(&mut self.attempt);
        if !attempt.heard && !attempt.sent {
            return attempt;
        }
        let written = || tokens::estimate(&attempt.text) + tokens::estimate(&attempt.calls.text());
        let count = |tokens: usize| u64::try_from(tokens).unwrap_or(u64::MAX);
        let usage = attempt.usage.filter(|usage| usage.prompt_tokens > 0);
        self.estimated |= usage.is_none();
        self.tokens_in += usage.map_or_else(|| count(attempt.prompt), |usage| usage.prompt_tokens);
        self.tokens_out += usage.map_or_else(|| count(written()), |usage| usage.completion_tokens);
        attempt
    }
}

impl Call {
    /// Runs the call, writes its row, and then says how it ended.
    #[tracing::instrument(name = "llm", skip_all, fields(
        tier = self.request.tier.as_str(), purpose = self.request.purpose.as_str(), model = self.model()
    ))]
    pub(super) async fn run(self) {
        let began = self.shared.clock.now();
        let mut progress = Progress { hold: Hold::new(began), ..Progress::default() };
        let ended = tokio::select! {
            ended = timeout(self.shared.budget.longest(), self.speak(&mut progress)) => {
                Some(ended.unwrap_or_else(|_| Err(held_up())).map_err(|fault| self.discreet(fault)))
            }
            () = self.events.closed() => None,
        };
        progress.settle();
        let cost_usd = self.cost(&progress);
        let (outcome, error) = match &ended {
            Some(Ok(())) => ("ok", None),
            Some(Err(fault)) => (name(fault.kind), Some(fault.message.clone())),
            None => ("cancelled", None),
        };
        tracing::debug!(outcome, attempts = progress.attempts, waited = ?progress.waited(), "call ended");
        let row = LedgerRow {
            at: began,
            tier: self.request.tier,
            model: self.model().to_owned(),
            purpose: self.request.purpose,
            attribution: self.request.attribution.clone(),
            tokens_in: progress.tokens_in,
            tokens_out: progress.tokens_out,
            cost_usd,
            ms: progress.waited().as_secs_f64() * 1e3,
            attempts: progress.attempts,
            outcome: outcome.to_owned(),
            error,
        };
        if let Err(error) = self.shared.budget.settle(&progress.hold, row).await {
            tracing::warn!("a call is missing from the ledger: {error}");
        }
        let last = match ended {
            None => return,
            Some(Ok(())) => Ok(ChatEvent::Done(self.completion(progress, cost_usd))),
            Some(Err(fault)) => Err(self.error(fault, progress)),
        };
        // A reader that has gone in the meantime wants no end either.
        let _ = self.events.send(last).await;
    }

    fn completion(&self, progress: Progress, cost_usd: f64) -> Completion {
        Completion {
            model: self.model().to_owned(),
            tokens_in: progress.tokens_in,
            tokens_out: progress.tokens_out,
            usage_estimated: progress.estimated,
            cost_usd,
            waited: progress.waited(),
            attempts: progress.attempts,
            recovered: progress.recovered,
            tool_calls: progress.tool_calls,
            confidence: None,
            text: progress.text,
        }
    }

    fn error(&self, fault: Fault, progress: Progress) -> LlmError {
        let message = match &self.wire {
            Some(wire) => format!("{} at {} {}", self.model(), wire.shown, fault.message),
            None => fault.message,
        };
        // Of money the budget warns once a day.
        if fault.kind != ErrorKind::Budget {
            tracing::warn!(attempts = progress.attempts, "{message}");
        }
        LlmError { kind: fault.kind, message, waited: progress.waited(), partial: progress.text }
    }

    /// A fault that quotes nobody.
    fn discreet(&self, mut fault: Fault) -> Fault {
        fault.message = echo::without_quotations(&fault.message, &self.request.messages);
        fault
    }

    fn model(&self) -> &str {
        match &self.wire {
            Some(wire) => self.request.model.as_deref().unwrap_or(&wire.model),
            None => OFFLINE,
        }
    }

    fn cost(&self, progress: &Progress) -> f64 {
        let price = self.wire.as_ref().and_then(|_| self.shared.prices.of(self.model()));
        price.map_or(0.0, |price| price.cost(progress.tokens_in, progress.tokens_out))
    }

    async fn speak(&self, progress: &mut Progress) -> Result<(), Fault> {
        match &self.wire {
            Some(wire) => self.converse(wire, progress).await,
            None => self.speak_offline(progress).await,
        }
    }

    async fn speak_offline(&self, progress: &mut Progress) -> Result<(), Fault> {
        let Some(offline) = &self.request.offline else {
            let message = "there is no model for this: set LLM_BASE_URL and LLM_MODEL, or start an Ollama";
            return Err(Fault::new(ErrorKind::Unavailable, message, Again::Never));
        };
        self.emit(progress, offline.answer()).await;
        if progress.text.is_empty() { Err(empty("the offline responder")) } else { Ok(()) }
    }

    /// Asks until there is an answer or no hope of one.
    async fn converse(&self, wire: &Wire, progress: &mut Progress) -> Result<(), Fault> {
        let mut empties = 0;
        loop {
            let fault = match self.attempt(wire, progress, &self.request.messages, None).await {
                Ok(()) if !progress.is_empty() => return Ok(()),
                Ok(()) => {
                    empties += 1;
                    empty("the endpoint")
                }
                Err(fault) => fault,
            };
            if let Some(feature) = fault.refused.filter(|feature| self.wants(*feature))
                && wire.give_up(self.model(), feature)
            {
                tracing::warn!(
                    "{} at {} knows no {}: it is asked without",
                    self.model(),
                    wire.shown,
                    feature.as_str()
                );
                continue;
            }
            if !progress.text.is_empty() && fault.again != Again::Never {
                return self.resume(wire, progress, fault).await;
            }
            let spent = progress.attempts >= self.shared.backoff.attempts();
            let pause = match fault.again {
                Again::Soon => self.shared.backoff.pause(progress.attempts),
                Again::After(pause) if pause <= self.shared.backoff.longest_retry_after() => pause,
                Again::After(pause) => {
                    let message = format!("{}; it wants {} s of it", fault.message, pause.as_secs());
                    return Err(Fault { message, ..fault });
                }
                Again::Never => return Err(fault),
            };
            let left = self.shared.timeouts.total.saturating_sub(progress.waited);
            if spent || empties > 1 || pause >= left {
                return Err(fault);
            }
            let fault = self.discreet(fault);
            tracing::debug!(?pause, kind = name(fault.kind), "asking again: the endpoint {}", fault.message);
            // The sleep ends first: it is shorter than what is left.
            progress.wait(left, tokio::time::sleep(pause)).await;
        }
    }

    /// The stream broke off behind `progress.text`: one request to finish it.
    async fn resume(&self, wire: &Wire, progress: &mut Progress, fault: Fault) -> Result<(), Fault> {
        let broken = |fault: Fault| {
            let message = format!("{}, and what was missing could not be had", fault.message);
            Fault::new(ErrorKind::BrokenStream, message, Again::Never)
        };
        // Half a tool call cannot be continued, and what was said before it cannot be taken back.
        if progress.attempts >= self.shared.backoff.attempts() || progress.in_call {
            return Err(broken(fault));
        }
        let fault = self.discreet(fault);
        tracing::debug!(
            kind = name(fault.kind),
            "continuing a broken stream: the endpoint {}",
            fault.message
        );
        let mut messages = self.request.messages.clone();
        messages.push(ChatMessage::new(Role::Assistant, progress.text.clone()));
        messages.push(ChatMessage::new(Role::System, CONTINUE.trim_end()));
        let joint = Joint::after(&progress.text);
        self.attempt(wire, progress, &messages, Some(joint)).await.map_err(broken)?;
        progress.recovered = true;
        Ok(())
    }

    /// One request. What it brings is passed on, through the `joint` where it continues what was there before.
    async fn attempt(
        &self,
        wire: &Wire,
        progress: &mut Progress,
        messages: &[ChatMessage],
        mut joint: Option<Joint>,
    ) -> Result<(), Fault> {
        let prompt = tokens::estimate_messages(messages) + tokens::estimate_tools(&self.request.tools);
        self.hold(progress, prompt).await?;
        progress.attempts += 1;
        progress.attempt = Attempt { prompt, sent: true, ..Attempt::default() };
        let result = self.listen(wire, progress, messages, &mut joint).await;
        let attempt = progress.settle();
        progress.in_call = !attempt.calls.is_empty();
        result?;
        if let Some(mut joint) = joint {
            let rest = joint.finish();
            self.emit(progress, rest).await;
        }
        let before = messages.iter().map(|message| message.tool_calls.len()).sum();
        progress.tool_calls = attempt.calls.finish(attempt.finish.as_deref(), before)?;
        Ok(())
    }

    fn wants(&self, feature: Feature) -> bool {
        match feature {
            Feature::Tools => !self.request.tools.is_empty(),
        }
    }

    /// The longest answer that is listened to, in characters.
    fn longest(&self) -> usize {
        let asked = self.request.max_tokens.and_then(|tokens| usize::try_from(tokens).ok());
        asked.map_or(LONGEST, |tokens| tokens.saturating_mul(LONGEST_TOKEN).min(LONGEST))
    }

    /// Holds the money for one more request.
    async fn hold(&self, progress: &mut Progress, prompt: usize) -> Result<(), Fault> {
        let price = self.shared.prices.of(self.model());
        let spent_usd = self.cost(progress);
        let wanted = Wanted { request: &self.request, model: self.model(), price, prompt, spent_usd };
        self.shared.budget.cover(&mut progress.hold, &wanted).await.map_err(|refused| match refused {
            NoMoney::Spent(message) => Fault::new(ErrorKind::Budget, message, Again::Never),
            NoMoney::Store(error) => Fault::new(
                ErrorKind::Store,
                format!("was not asked, for the budget is unknown: {error}"),
                Again::Never,
            ),
        })
    }

    async fn listen(
        &self,
        wire: &Wire,
        progress: &mut Progress,
        messages: &[ChatMessage],
        joint: &mut Option<Joint>,
    ) -> Result<(), Fault> {
        let timeouts = &self.shared.timeouts;
        let longest = self.longest();
        let asked = progress.waited;
        let limit = self.limit(progress, timeouts.first_token);
        let ask = wire.ask(&self.request, messages, &self.shared.clock);
        let asked_for = progress.wait(limit, ask).await.ok_or_else(|| late("no first word", limit))?;
        progress.attempt.sent = asked_for.is_ok();
        let mut pieces = asked_for?;
        loop {
            let phase = if progress.attempt.heard {
                timeouts.idle
            } else {
                timeouts.first_token.saturating_sub(progress.waited.saturating_sub(asked))
            };
            let limit = self.limit(progress, phase);
            let Some(piece) = progress.wait(limit, pieces.next()).await else {
                let what = if progress.attempt.heard { "no further word" } else { "no first word" };
                return Err(late(what, limit));
            };
            let Some(piece) = piece else { return Ok(()) };
            let piece = piece?;
            progress.attempt.take(&piece);
            if progress.attempt.size > longest {
                return Err(endless(longest));
            }
            if !self.request.tools.is_empty() {
                piece.calls.into_iter().for_each(|fragment| progress.attempt.calls.push(fragment));
            }
            let text = joint.as_mut().map_or_else(|| piece.text.clone(), |joint| joint.push(&piece.text));
            self.emit(progress, text).await;
        }
    }

    fn limit(&self, progress: &Progress, phase: Duration) -> Duration {
        phase.min(self.shared.timeouts.total.saturating_sub(progress.waited))
    }

    /// Passes a piece on. White space before the first word is left out, so that an answer of nothing else is empty.
    async fn emit(&self, progress: &mut Progress, text: String) {
        let text = if progress.text.is_empty() { text.trim_start().to_owned() } else { text };
        if text.is_empty() {
            return;
        }
        progress.text.push_str(&text);
        // When the reader has gone, `run` ends the call.
        let _ = self.events.send(Ok(ChatEvent::Delta(text))).await;
    }
}

/// The reader took too long: what is held is held for so long only.
fn held_up() -> Fault {
    Fault::new(ErrorKind::Timeout, "was cut off: the answer was not read in time", Again::Never)
}

fn late(what: &str, limit: Duration) -> Fault {
    let message = format!("sent {what} in {:.1} s", limit.as_secs_f64());
    Fault::new(ErrorKind::Timeout, message, Again::Soon)
}

/// A model that says the same again and again never comes to an end by itself.
fn endless(longest: usize) -> Fault {
    let message = format!(
        "did not end its answer within {longest} characters: lower its temperature or change the model"
    );
    Fault::new(ErrorKind::BadAnswer, message, Again::Never)
}

fn empty(who: &str) -> Fault {
    Fault::new(ErrorKind::EmptyAnswer, format!("gave an empty answer ({who})"), Again::Soon)
}

/// The kind as the ledger has it: its name in the protocol of events.
fn name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::RateLimited => "rate_limited",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Timeout => "timeout",
        ErrorKind::BrokenStream => "broken_stream",
        ErrorKind::BadAnswer => "bad_answer",
        ErrorKind::EmptyAnswer => "empty_answer",
        ErrorKind::ContextLength => "context_length",
        ErrorKind::Unauthorized => "unauthorized",
        ErrorKind::Budget => "budget",
        ErrorKind::Store => "store",
        ErrorKind::Other => "other",
    }
}
