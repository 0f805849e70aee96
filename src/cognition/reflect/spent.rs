//! What the steps of a turn took, summed.

use std::time::Duration;

use crate::llm::Completion;

/// Tokens, money and time of several calls.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Spent {
    model: String,
    tokens_in: u64,
    tokens_out: u64,
    estimated: bool,
    cost_usd: f64,
    waited: Duration,
    attempts: u32,
    recovered: bool,
    confidence: Option<f64>,
}

impl Spent {
    /// Adds a call.
    pub(crate) fn add(&mut self, call: &Completion) {
        call.model.clone_into(&mut self.model);
        self.tokens_in += call.tokens_in;
        self.tokens_out += call.tokens_out;
        self.estimated |= call.usage_estimated;
        self.cost_usd += call.cost_usd;
        self.waited += call.waited;
        self.attempts += call.attempts;
        self.recovered |= call.recovered;
        self.confidence = call.confidence;
    }

    /// Adds the time of a call that brought nothing.
    pub(crate) fn add_wait(&mut self, waited: Duration) {
        self.waited += waited;
    }

    /// `call`, with what was spent before it.
    pub(crate) fn before(mut self, call: Completion) -> Completion {
        self.add(&call);
        Completion { confidence: call.confidence, ..self.completion(call.text) }
    }

    /// The whole, as one completion with this text.
    pub(crate) fn completion(&self, text: String) -> Completion {
        Completion {
            text,
            tool_calls: Vec::new(),
            confidence: self.confidence,
            model: self.model.clone(),
            tokens_in: self.tokens_in,
            tokens_out: self.tokens_out,
            usage_estimated: self.estimated,
            cost_usd: self.cost_usd,
            waited: self.waited,
            attempts: self.attempts,
            recovered: self.recovered,
        }
    }
}
