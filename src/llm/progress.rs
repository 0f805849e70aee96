//! What has happened in a call so far, request by request and endpoint by endpoint. It outlives the work when the reader goes
//! away, so that the books are always right.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

use super::{
    breaker::Permit,
    budget::Hold,
    event::{Piece, Usage},
    fault::Fault,
    gather::{Fragment, Gather},
    request::ToolCall,
    tokens,
};
use crate::model::Timestamp;

/// A call under way.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// What was passed on.
    pub(super) text: String,
    pub(super) tool_calls: Vec<ToolCall>,
    pub(super) waited: Duration,
    waiting_since: Option<Instant>,
    pub(super) recovered: bool,
    /// The last request broke off in a tool call, or behind one.
    pub(super) in_call: bool,
    /// The place of the endpoint that is asked, among those that may be.
    pub(super) at: usize,
    /// The endpoints that were asked; the last is being asked.
    pub(super) legs: Vec<Leg>,
    /// The endpoint that is asked beside it.
    pub(super) hedge: Option<Leg>,
    pub(super) attempt: Attempt,
    /// The money for it.
    pub(super) hold: Hold,
    /// The sum of the logarithms of tokens' probabilities, and how many.
    logprobs: (f64, u32),
}

/// What an endpoint did in a call: a row of the ledger.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) model: String,
    pub(super) tokens_in: u64,
    pub(super) tokens_out: u64,
    pub(super) estimated: bool,
    pub(super) attempts: u32,
    pub(super) waited: Duration,
    /// How it ended; it did not: it was cancelled.
    pub(super) ended: Option<Result<(), Fault>>,
    /// The leave to ask it.
    pub(super) permit: Option<Permit>,
}

impl Leg {
    pub(super) fn new(model: &str, permit: Permit) -> Self {
        Self {
            model: model.to_owned(),
            tokens_in: 0,
            tokens_out: 0,
            estimated: false,
            attempts: 0,
            waited: Duration::ZERO,
            ended: None,
            permit: Some(permit),
        }
    }

    /// Says how it ended.
    pub(super) fn end(&mut self, result: Result<(), Fault>, now: Timestamp) {
        if let Some(permit) = self.permit.take() {
            match &result {
                Ok(()) => permit.answered(),
                Err(fault) => permit.failed(fault.kind, now),
            }
        }
        self.ended = Some(result);
    }
}

/// A request that brought no word.
#[derive(Debug)]
pub(super) struct Unheard {
    pub(super) fault: Fault,
    /// The endpoint took it, so that its prompt may have been read.
    pub(super) sent: bool,
}

/// The request under way.
#[derive(Debug, Default)]
pub(super) struct Attempt {
    /// Nobody has said that the request was refused.
    pub(super) sent: bool,
    pub(super) heard: bool,
    /// The tokens of its prompt, estimated.
    pub(super) prompt: usize,
    pub(super) text: String,
    pub(super) calls: Gather,
    /// Why the model ended.
    pub(super) finish: Option<String>,
    /// Characters of the answer, and at least one an event.
    pub(super) size: usize,
    usage: Option<Usage>,
    logprobs: (f64, u32),
}

impl Attempt {
    pub(super) fn take(&mut self, piece: &Piece) {
        self.heard = true;
        self.usage = piece.usage.or(self.usage);
        self.text.push_str(&piece.text);
        self.finish = piece.finish.clone().or(self.finish.take());
        let calls: usize = piece.calls.iter().map(Fragment::len).sum();
        self.size += (piece.text.chars().count() + calls).max(1);
        for logprob in &piece.logprobs {
            self.logprobs.0 += logprob;
            self.logprobs.1 = self.logprobs.1.saturating_add(1);
        }
    }
}

pub(super) fn count(tokens: usize) -> u64 {
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

impl Progress {
    /// The beginning of a call, with its money.
    pub(super) fn new(hold: Hold) -> Self {
        Self { hold, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.tool_calls.is_empty()
    }

    /// All time spent waiting.
    pub(super) fn waited(&self) -> Duration {
        self.waited + self.waiting_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    pub(super) fn attempts(&self) -> u32 {
        self.legs.iter().map(|leg| leg.attempts).sum()
    }

    /// Requests to the endpoint that is asked now.
    pub(super) fn attempts_here(&self) -> u32 {
        self.legs.last().map_or(0, |leg| leg.attempts)
    }

    /// How sure the model was: the geometric mean of the tokens' probabilities.
    pub(super) fn confidence(&self) -> Option<f64> {
        let (sum, tokens) = self.logprobs;
        (tokens > 0).then(|| (sum / f64::from(tokens)).exp())
    }

    /// Awaits the endpoint, at most `limit`, and counts the time. `None` when the limit has passed.
    pub(super) async fn wait<T>(&mut self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        self.waiting_since = Some(Instant::now());
        let result = tokio::time::timeout(limit, work).await.ok();
        self.stop_waiting();
        result
    }

    fn stop_waiting(&mut self) {
        let Some(since) = self.waiting_since.take() else { return };
        let waited = since.elapsed();
        self.waited += waited;
        for leg in self.legs.last_mut().into_iter().chain(&mut self.hedge) {
            leg.waited += waited;
        }
    }

    /// Begins a request.
    pub(super) fn ask(&mut self, prompt: usize) {
        self.attempt = Attempt { prompt, sent: true, ..Attempt::default() };
        if let Some(leg) = self.legs.last_mut() {
            leg.attempts += 1;
        }
    }

    /// Books the tokens of the request that is over, and hands on what it brought. One that was refused costs nothing.
    pub(super) fn settle(&mut self) -> Attempt {
        let attempt = std::mem::take(&mut self.attempt);
        let Some(leg) = self.legs.last_mut().filter(|_| attempt.heard || attempt.sent) else {
            return attempt;
        };
        let written = || tokens::estimate(&attempt.text) + tokens::estimate(&attempt.calls.text());
        let usage = attempt.usage.filter(|usage| usage.prompt_tokens > 0);
        leg.estimated |= usage.is_none();
        leg.tokens_in += usage.map_or_else(|| count(attempt.prompt), |usage| usage.prompt_tokens);
        leg.tokens_out += usage.map_or_else(|| count(written()), |usage| usage.completion_tokens);
        self.logprobs.0 += attempt.logprobs.0;
        self.logprobs.1 += attempt.logprobs.1;
        attempt
    }

    /// Begins a second request beside the first.
    pub(super) fn hedge(&mut self, leg: Leg) {
        self.hedge = Some(Leg { attempts: 1, ..leg });
    }

    /// The first request is heard, or both failed: the other one is over, for this reason, or because it is too late.
    pub(super) fn drop_hedge(&mut self, unheard: Option<Unheard>, now: Timestamp) {
        let Some(mut leg) = self.hedge.take() else { return };
        over(&mut leg, unheard, self.attempt.prompt, now);
        let last = self.legs.len().saturating_sub(1);
        self.legs.insert(last, leg);
    }

    /// The second request is heard first: it goes on, at the endpoint `at`.
    pub(super) fn take_hedge(&mut self, at: usize, unheard: Option<Unheard>, now: Timestamp) {
        let Some(winner) = self.hedge.take() else { return };
        if let Some(leg) = self.legs.last_mut() {
            over(leg, unheard, self.attempt.prompt, now);
        }
        self.legs.push(winner);
        self.at = at;
    }

    /// The call is over, well or not: what was still open is closed.
    pub(super) fn close(&mut self, now: Timestamp) {
        self.stop_waiting();
        self.drop_hedge(None, now);
        self.settle();
    }
}

/// A request that lost a race. Its prompt was read, unless it was refused.
fn over(leg: &mut Leg, unheard: Option<Unheard>, prompt: usize, now: Timestamp) {
    if unheard.as_ref().is_none_or(|it| it.sent) {
        leg.tokens_in += count(prompt);
        leg.estimated = true;
    }
    match unheard {
        Some(unheard) => leg.end(Err(unheard.fault), now),
        None => leg.permit = None,
    }
}
