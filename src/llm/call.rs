//! One call from its first request to its row in the ledger: attempts, time-outs, a continuation where a stream broke.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use tokio::{sync::mpsc, time::timeout};

use super::{
    budget::{Budget, Hold},
    data::Ledger,
    echo,
    event::Piece,
    fault::{Again, Fault, Feature},
    join::Joint,
    prices::PriceTable,
    progress::{Leg, Progress},
    request::{ChatEvent, ChatMessage, ChatRequest, Completion, LlmError, Role},
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
/// Requests to an endpoint when another one waits behind it. Two leave the other one time: a first word may take three tenths of
/// a call's.
const BEFORE_NEXT: u32 = 2;
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
    /// How long the first word may take until a second request goes out.
    pub(super) hedge: Option<Duration>,
}

/// One call under way.
pub(super) struct Call {
    pub(super) shared: Arc<Shared>,
    /// The endpoints that may be asked, the first one first; none: the offline responder speaks.
    pub(super) chain: Vec<Arc<Wire>>,
    pub(super) request: ChatRequest,
    pub(super) events: mpsc::Sender<Result<ChatEvent, LlmError>>,
}

impl Call {
    /// Runs the call, writes its rows, and then says how it ended.
    #[tracing::instrument(name = "llm", skip_all, fields(
        tier = self.request.tier.as_str(), purpose = self.request.purpose.as_str(), model = self.model(0)
    ))]
    pub(super) async fn run(self) {
        let began = self.shared.clock.now();
        let mut progress = Progress::new(Hold::new(began));
        let ended = tokio::select! {
            ended = timeout(self.shared.budget.longest(), self.speak(&mut progress)) => {
                Some(ended.unwrap_or_else(|_| Err(held_up())).map_err(|fault| self.discreet(fault)))
            }
            () = self.events.closed() => None,
        };
        progress.close(self.shared.clock.now());
        tracing::debug!(attempts = progress.attempts(), waited = ?progress.waited(), "call ended");
        let rows = self.rows(&progress, ended.as_ref(), began);
        if let Err(error) = self.shared.budget.settle(&progress.hold, rows).await {
            tracing::warn!("a call is missing from the ledger: {error}");
        }
        let last = match ended {
            None => return,
            Some(Ok(())) => Ok(ChatEvent::Done(self.completion(progress))),
            Some(Err(fault)) => Err(self.error(fault, progress)),
        };
        // A reader that has gone in the meantime wants no end either.
        let _ = self.events.send(last).await;
    }

    fn completion(&self, progress: Progress) -> Completion {
        let legs = progress.legs.iter();
        Completion {
            model: legs.clone().next_back().map_or(OFFLINE, |leg| &leg.model).to_owned(),
            tokens_in: legs.clone().map(|leg| leg.tokens_in).sum(),
            tokens_out: legs.clone().map(|leg| leg.tokens_out).sum(),
            usage_estimated: legs.clone().any(|leg| leg.estimated),
            cost_usd: legs.map(|leg| self.cost(leg)).sum(),
            waited: progress.waited(),
            attempts: progress.attempts(),
            recovered: progress.recovered,
            confidence: progress.confidence(),
            tool_calls: progress.tool_calls,
            text: progress.text,
        }
    }

    fn error(&self, fault: Fault, progress: Progress) -> LlmError {
        let message = match self.chain.get(progress.at) {
            Some(wire) => format!("{} at {} {}", self.model(progress.at), wire.shown, fault.message),
            None => fault.message,
        };
        // Of money the budget warns once a day.
        if fault.kind != ErrorKind::Budget {
            tracing::warn!(attempts = progress.attempts(), "{message}");
        }
        LlmError { kind: fault.kind, message, waited: progress.waited(), partial: progress.text }
    }

    /// A fault that quotes nobody.
    pub(super) fn discreet(&self, mut fault: Fault) -> Fault {
        fault.message = echo::without_quotations(&fault.message, &self.request.messages);
        fault
    }

    /// The model that the endpoint at this place is asked for. The request's own choice is one of the first endpoint.
    pub(super) fn model(&self, at: usize) -> &str {
        let wire = self.chain.get(at);
        let own = self.request.model.as_deref().filter(|_| wire.is_some() && at == 0);
        own.or(wire.map(|wire| wire.model.as_str())).unwrap_or(OFFLINE)
    }

    async fn speak(&self, progress: &mut Progress) -> Result<(), Fault> {
        if self.chain.is_empty() { self.speak_offline(progress).await } else { self.converse(progress).await }
    }

    async fn speak_offline(&self, progress: &mut Progress) -> Result<(), Fault> {
        let Some(offline) = &self.request.offline else {
            let message = "there is no model for this: set LLM_BASE_URL and LLM_MODEL, or start an Ollama";
            return Err(Fault::new(ErrorKind::Unavailable, message, Again::Never));
        };
        self.emit(progress, offline.answer()).await;
        if progress.text.is_empty() { Err(empty("the offline responder")) } else { Ok(()) }
    }

    /// Asks one endpoint after the other until there is an answer or no hope of one.
    async fn converse(&self, progress: &mut Progress) -> Result<(), Fault> {
        // What the last endpoint said that was asked, and its place.
        let mut said: Option<(usize, Fault)> = None;
        // Which endpoint was not asked for want of money, and why.
        let mut short: Option<String> = None;
        loop {
            let fault = match self.enter(progress.at) {
                Ok(leg) => match self.visit(progress, leg).await {
                    Ok(()) => return Ok(()),
                    Err(fault) => fault,
                },
                Err(fault) => fault,
            };
            // A second request may have taken its place.
            let next = progress.at + 1;
            let hopeless = !self.may_pass_on(progress, &fault);
            if fault.kind == ErrorKind::Budget {
                short.get_or_insert_with(|| format!("{} {}", self.model(progress.at), fault.message));
            } else {
                said = Some((progress.at, fault.clone()));
            }
            if hopeless || next >= self.chain.len() {
                let untold = progress.text.is_empty() && !hopeless;
                return Err(match (said, short.filter(|_| untold)) {
                    (Some((at, asked)), Some(short)) => {
                        progress.at = at;
                        self.unpaid(at, &asked, &short)
                    }
                    _ => fault,
                });
            }
            tracing::info!(
                kind = name(fault.kind),
                "{} {}: asking {} instead",
                self.model(progress.at),
                fault.message,
                self.model(next)
            );
            progress.at = next;
        }
    }

    /// One endpoint failed, and another that may have done better was not asked for want of money: that is what decides, so
    /// that the turn goes on to what it can afford.
    fn unpaid(&self, at: usize, asked: &Fault, short: &str) -> Fault {
        tracing::warn!(kind = name(asked.kind), "{} {}; {short}", self.model(at), asked.message);
        let message = format!("{}; {short}", asked.message);
        Fault::new(ErrorKind::Budget, message, Again::Never)
    }

    /// Talks to the endpoint of `leg`. One that there was no money for was not asked, and no book speaks of it.
    async fn visit(&self, progress: &mut Progress, leg: Leg) -> Result<(), Fault> {
        progress.legs.push(leg);
        let result = self.talk(progress).await.map_err(|fault| self.discreet(fault));
        if progress.attempts_here() == 0 {
            progress.legs.pop();
        } else if let Some(leg) = progress.legs.last_mut() {
            leg.end(result.clone(), self.shared.clock.now());
        }
        result
    }

    /// Leave to ask the endpoint at this place.
    pub(super) fn enter(&self, at: usize) -> Result<Leg, Fault> {
        let now = self.shared.clock.now();
        let breaker = self.chain.get(at).map(|wire| wire.breaker.admit(now));
        match breaker {
            Some(Ok(permit)) => Ok(Leg::new(self.model(at), permit)),
            Some(Err(pause)) => {
                let message =
                    format!("has failed too often and is left alone for {} s", pause.as_secs().max(1));
                Err(Fault::new(ErrorKind::Unavailable, message, Again::Never))
            }
            None => Err(Fault::new(ErrorKind::Unavailable, "is not there", Again::Never)),
        }
    }

    /// Whether another endpoint may do better.
    fn may_pass_on(&self, progress: &Progress, fault: &Fault) -> bool {
        let half_a_call = progress.in_call && !progress.text.is_empty();
        let time = progress.waited < self.shared.timeouts.total;
        let hopeless = match fault.kind {
            ErrorKind::ContextLength | ErrorKind::Store => true,
            // The model itself did not come to an end.
            ErrorKind::BadAnswer => fault.again == Again::Never,
            _ => false,
        };
        time && !half_a_call && !hopeless
    }

    /// Asks an endpoint until there is an answer or no hope of one here.
    async fn talk(&self, progress: &mut Progress) -> Result<(), Fault> {
        if !progress.text.is_empty() {
            return self.go_on(progress).await;
        }
        let most = self.shared.backoff.attempts();
        let most = if progress.at + 1 < self.chain.len() { most.min(BEFORE_NEXT) } else { most };
        let mut empties = 0;
        let mut earlier: Option<Fault> = None;
        loop {
            let fault = match self.attempt(progress, &self.request.messages, None).await {
                Ok(()) if !progress.is_empty() => return Ok(()),
                Ok(()) => {
                    empties += 1;
                    empty("the endpoint")
                }
                Err(fault) => fault,
            };
            if self.does_without(progress.at, &fault) {
                continue;
            }
            if let (ErrorKind::Budget, Some(earlier)) = (fault.kind, earlier.take()) {
                let message = format!("{}; to ask again {}", earlier.message, fault.message);
                return Err(Fault { message, ..earlier });
            }
            if !progress.text.is_empty() && fault.again != Again::Never {
                return self.resume(progress, fault).await;
            }
            let spent = progress.attempts_here() >= most;
            let pause = match fault.again {
                Again::Soon => self.shared.backoff.pause(progress.attempts_here()),
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
            earlier = Some(fault);
        }
    }

    /// An endpoint that refuses what not every one knows is asked without it, now and from now on. A model without tools then
    /// answers in words, from what it has.
    fn does_without(&self, at: usize, fault: &Fault) -> bool {
        let Some(wire) = self.chain.get(at) else { return false };
        let wanted = |feature: &Feature| match feature {
            Feature::Tools => !self.request.tools.is_empty(),
            Feature::Logprobs => self.request.confidence,
        };
        let Some(feature) = fault.refused.filter(wanted) else { return false };
        let given_up = wire.give_up(self.model(at), feature);
        if given_up {
            let model = self.model(at);
            tracing::warn!("{model} at {} knows no {}: it is asked without", wire.shown, feature.as_str());
        }
        given_up
    }

    /// The stream broke off behind `progress.text`: one request to finish it.
    async fn resume(&self, progress: &mut Progress, fault: Fault) -> Result<(), Fault> {
        // Half a tool call cannot be continued, and what was said before it cannot be taken back.
        if progress.attempts_here() >= self.shared.backoff.attempts() || progress.in_call {
            return Err(broken(&fault));
        }
        let fault = self.discreet(fault);
        tracing::debug!(
            kind = name(fault.kind),
            "continuing a broken stream: the endpoint {}",
            fault.message
        );
        self.go_on(progress).await
    }

    async fn go_on(&self, progress: &mut Progress) -> Result<(), Fault> {
        let mut messages = self.request.messages.clone();
        messages.push(ChatMessage::new(Role::Assistant, progress.text.clone()));
        messages.push(ChatMessage::new(Role::System, CONTINUE.trim_end()));
        let joint = Joint::after(&progress.text);
        self.attempt(progress, &messages, Some(joint)).await.map_err(|fault| broken(&fault))?;
        progress.recovered = true;
        Ok(())
    }

    /// One request. What it brings is passed on, through the `joint` where it continues what was there before.
    async fn attempt(
        &self,
        progress: &mut Progress,
        messages: &[ChatMessage],
        mut joint: Option<Joint>,
    ) -> Result<(), Fault> {
        let prompt = tokens::estimate_messages(messages) + tokens::estimate_tools(&self.request.tools);
        self.hold(progress, prompt).await?;
        progress.ask(prompt);
        let result = self.listen(progress, messages, &mut joint).await;
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

    /// The longest answer that is listened to, in characters.
    fn longest(&self) -> usize {
        let asked = self.request.max_tokens.and_then(|tokens| usize::try_from(tokens).ok());
        asked.map_or(LONGEST, |tokens| tokens.saturating_mul(LONGEST_TOKEN).min(LONGEST))
    }

    async fn listen(
        &self,
        progress: &mut Progress,
        messages: &[ChatMessage],
        joint: &mut Option<Joint>,
    ) -> Result<(), Fault> {
        let timeouts = &self.shared.timeouts;
        let asked = progress.waited;
        let mut opening = self.open(progress, messages, joint.is_none()).await?;
        loop {
            let piece = if let Some(piece) = opening.early.pop_front() {
                piece
            } else {
                let phase = if progress.attempt.heard {
                    timeouts.idle
                } else {
                    timeouts.first_token.saturating_sub(progress.waited.saturating_sub(asked))
                };
                let limit = self.limit(progress, phase);
                let Some(piece) = progress.wait(limit, opening.pieces.next()).await else {
                    let what = if progress.attempt.heard { "no further word" } else { "no first word" };
                    return Err(late(what, limit));
                };
                let Some(piece) = piece else { return Ok(()) };
                piece?
            };
            self.take(progress, piece, joint).await?;
        }
    }

    async fn take(
        &self,
        progress: &mut Progress,
        piece: Piece,
        joint: &mut Option<Joint>,
    ) -> Result<(), Fault> {
        progress.attempt.take(&piece);
        let longest = self.longest();
        if progress.attempt.size > longest {
            return Err(endless(longest));
        }
        // Nobody waits for the calls of tools that were not on offer.
        if !self.request.tools.is_empty() {
            piece.calls.into_iter().for_each(|fragment| progress.attempt.calls.push(fragment));
        }
        if self.request.confidence && !piece.logprobs.is_empty() {
            // When the reader has gone, `run` ends the call.
            let _ = self.events.send(Ok(ChatEvent::Logprobs(piece.logprobs))).await;
        }
        let text = joint.as_mut().map_or_else(|| piece.text.clone(), |joint| joint.push(&piece.text));
        self.emit(progress, text).await;
        Ok(())
    }

    pub(super) fn limit(&self, progress: &Progress, phase: Duration) -> Duration {
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

fn broken(fault: &Fault) -> Fault {
    let message = format!("{}, and what was missing could not be had", fault.message);
    Fault::new(ErrorKind::BrokenStream, message, Again::Never)
}

pub(super) fn late(what: &str, limit: Duration) -> Fault {
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
pub(super) fn name(kind: ErrorKind) -> &'static str {
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
