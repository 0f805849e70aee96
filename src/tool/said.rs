//! What reading tools share: how a memory, a summary, a fact and a line of talk read, and the vector of a question.

use super::{Context, ToolError, text};
use crate::{
    embed::Embeddings,
    memory::{Fact, FoundFact, FoundSummary, HistoryLine, Memory, MemoryError, RecallQuery, coverage},
    model::{Author, RecalledItem, RecalledSource},
};

/// Facts that are looked through.
pub(super) const FACTS: usize = 400;

impl From<MemoryError> for ToolError {
    fn from(error: MemoryError) -> Self {
        // The words of a store's error may name what is none of the model's business.
        tracing::warn!(%error, "a tool could not read or write memory");
        Self::Failed("memory cannot be reached just now".to_owned())
    }
}

/// The vector of a question; none while the model is missing or fails, since words find much, too.
pub(super) async fn vector(embeddings: &Embeddings, query: &str) -> Option<Vec<f32>> {
    match embeddings.embed(vec![query.to_owned()]).await {
        Ok(vectors) => vectors?.into_iter().next(),
        Err(error) => {
            tracing::debug!(%error, "a tool looks by words only");
            None
        }
    }
}

/// What memory brings up for a question, without the message that is thought about.
pub(super) async fn recall(
    memory: &Memory,
    context: &Context,
    query: &str,
    vector: Option<Vec<f32>>,
    limit: usize,
) -> Result<Vec<RecalledItem>, MemoryError> {
    let query = RecallQuery {
        text: query.to_owned(),
        vector,
        limit,
        exclude: vec![context.message],
        now: context.now,
    };
    memory.recall(&context.viewer, &query).await
}

pub(super) fn memory(context: &Context, item: &RecalledItem) -> String {
    let who = match (item.source, &item.by) {
        (RecalledSource::Summary, _) => "summary of a talk".to_owned(),
        (_, Some(by)) => text::person(context, by, item.name.as_deref()),
        (_, None) => "you".to_owned(),
    };
    format!("[{}] {} {who}: {}", item.id, text::day(item.when), text::quote(&item.text))
}

pub(super) fn summary(it: &FoundSummary) -> String {
    let mut line = format!(
        "[{}] {}, weight {} of 5: {}",
        it.session,
        text::day(it.started_at),
        it.meaningfulness,
        text::quote(&it.text)
    );
    if !it.topics.is_empty() {
        line = format!("{line} (topics: {})", text::cut(&it.topics.join(", "), 120));
    }
    if !it.emotions.is_empty() {
        line = format!("{line} (feelings: {})", text::cut(&it.emotions.join(", "), 80));
    }
    line
}

pub(super) fn fact(context: &Context, it: &FoundFact) -> String {
    let who = text::person(context, &it.fact.owner, it.fact.owner_name.as_deref());
    let until =
        it.until.map(|until| format!(" until {}, no longer true", text::day(until))).unwrap_or_default();
    format!(
        "[{}] {} (said by {who}, since {}{until})",
        it.fact.id,
        text::quote(&it.fact.sentence(&who)),
        text::day(it.fact.valid_from)
    )
}

pub(super) fn line(context: &Context, it: &HistoryLine) -> String {
    let who = match &it.author {
        Author::User { id, name } => text::person(context, id, Some(name)),
        Author::Character => "you".to_owned(),
    };
    format!("[{}] {} {who}: {}", it.id, text::minute(it.at), text::quote(&it.text))
}

/// How well a fact fits words: the share of them that it holds, its owner's name among its own.
pub(super) fn fits(context: &Context, fact: &Fact, about: &str) -> f64 {
    let who = text::person(context, &fact.owner, fact.owner_name.as_deref());
    coverage(about, &format!("{} {}", fact.sentence(&who), who))
}

/// Of these facts those that fit the words, best first; all when there are no words.
pub(super) fn fitting(context: &Context, facts: Vec<FoundFact>, about: &str, limit: usize) -> Vec<FoundFact> {
    let mut scored: Vec<(f64, FoundFact)> = facts
        .into_iter()
        .map(|it| (fits(context, &it.fact, about), it))
        .filter(|(score, _)| *score > 0.0)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().map(|(_, it)| it).take(limit).collect()
}
