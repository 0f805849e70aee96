//! Counts in Prometheus's text format.

use std::fmt::Write;

use axum::{extract::State, http::header, response::IntoResponse};

use super::{Fault, Shared};
use crate::{llm::LedgerFilter, model::Timestamp};

/// The page.
pub(super) async fn page(State(shared): State<Shared>) -> Result<impl IntoResponse, Fault> {
    let handles = &shared.handles;
    let broken = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "metrics cannot be read");
        Fault::unavailable("the store does not answer")
    };
    let stats = handles.memory.stats().await.map_err(|error| broken(&error))?;
    let costs = handles
        .llm
        .ledger()
        .totals(Timestamp::from_micros(0), &LedgerFilter::default())
        .await
        .map_err(|error| broken(&error))?;
    let jobs = handles.queue.counts().await.map_err(|error| broken(&error))?;
    let mut out = String::new();
    let mut tell = |name: &str, help: &str, value: f64| {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "# HELP dramatis_{name} {help}\n# TYPE dramatis_{name} gauge\ndramatis_{name} {value}"
        );
    };
    tell("messages_of_people", "Messages of people that are stored.", stats.messages_of_people as f64);
    tell(
        "messages_of_characters",
        "Messages of characters that are stored.",
        stats.messages_of_characters as f64,
    );
    tell("unanswered", "Messages that wait for an answer.", stats.unanswered as f64);
    tell("memories", "Rows that recall searches.", stats.memories as f64);
    tell("facts", "Facts that hold.", stats.facts as f64);
    tell("model_calls", "Calls of models.", costs.calls as f64);
    tell("model_tokens_in", "Tokens that models read.", costs.tokens_in as f64);
    tell("model_tokens_out", "Tokens that models wrote.", costs.tokens_out as f64);
    tell("model_cost_usd", "What models cost, in US dollars.", costs.cost_usd);
    tell("jobs_pending", "Jobs that are due or wait for their time.", jobs.pending as f64);
    tell("jobs_failed", "Jobs that wait for another attempt.", jobs.failed as f64);
    tell("jobs_dead", "Jobs that were given up.", jobs.dead as f64);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], out))
}
