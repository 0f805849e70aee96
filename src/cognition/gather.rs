//! Gathering: all that a turn needs to know, asked for side by side.

use crate::{
    memory::{Fact, HistoryLine, Memory, MemoryError, OwnGoal, Pattern, RecallQuery, Reminder},
    model::{MessageId, Preferences, RecalledItem, RecalledSource, Timestamp, UnitScore, Viewer},
};

/// Earlier messages of the conversation that are looked at.
const HISTORY: usize = 24;
/// Recalled rows asked for.
const RECALLED: usize = 8;
/// Facts asked for.
const FACTS: usize = 24;
/// Summaries asked for.
const SUMMARIES: usize = 3;

/// What memory holds for this turn.
#[derive(Debug)]
pub(super) struct Gathered {
    /// The vector of the message, when there is a model.
    pub(super) vector: Option<Vec<f32>>,
    pub(super) history: Vec<HistoryLine>,
    pub(super) recalled: Vec<RecalledItem>,
    /// Earlier exchanges like this one that went well.
    pub(super) patterns: Vec<Pattern>,
    pub(super) facts: Vec<Fact>,
    pub(super) preferences: Preferences,
    pub(super) summaries: Vec<(Timestamp, String)>,
    pub(super) known_name: Option<String>,
    pub(super) goals: Vec<OwnGoal>,
    pub(super) reminders: Vec<Reminder>,
}

/// Asks memory for everything at once; only recall and examples wait for the vector of the message.
pub(super) async fn gather(
    memory: &Memory,
    viewer: &Viewer,
    messages: &[MessageId],
    text: &str,
    vector: impl Future<Output = Option<Vec<f32>>>,
    now: Timestamp,
) -> Result<Gathered, MemoryError> {
    let history = async {
        let mut lines = memory.history(viewer, HISTORY).await?;
        lines.retain(|line| !messages.contains(&line.id));
        Ok::<_, MemoryError>(lines)
    };
    let recall = async {
        let vector = vector.await;
        let query = RecallQuery {
            text: text.to_owned(),
            vector: vector.clone(),
            limit: RECALLED,
            exclude: messages.to_vec(),
            now,
        };
        let (recalled, patterns) = tokio::try_join!(
            memory.recall(viewer, &query),
            memory.patterns(viewer, text, vector.as_deref(), now),
        )?;
        Ok::<_, MemoryError>((recalled, patterns, vector))
    };
    let (history, (recalled, patterns, vector), facts, preferences, summaries, known_name, goals, reminders) =
        tokio::try_join!(
            history,
            recall,
            memory.facts(viewer, FACTS),
            memory.preferences(viewer),
            memory.summaries(viewer, SUMMARIES),
            memory.known_name(viewer),
            memory.goals(viewer),
            memory.reminders(viewer),
        )?;
    Ok(Gathered {
        vector,
        history,
        recalled,
        patterns,
        facts,
        preferences,
        summaries: summaries.into_iter().map(|summary| (summary.ended_at, summary.text)).collect(),
        known_name,
        goals,
        reminders,
    })
}

impl Gathered {
    /// What the turn reports as recalled: rows, and the facts that share a word with the question.
    pub(super) fn reported(&self, text: &str, viewer: &Viewer, user_name: &str) -> Vec<RecalledItem> {
        let asked = text.to_lowercase();
        let facts = self.facts.iter().filter(|fact| fact_fits(fact, &asked)).map(|fact| RecalledItem {
            id: fact.id.to_string(),
            text: sentence(fact, viewer, user_name),
            score: UnitScore::new(fact.confidence.get()),
            source: RecalledSource::Fact,
            when: fact.valid_from,
            by: None,
            name: None,
        });
        self.recalled.iter().cloned().chain(facts).collect()
    }
}

/// A fact in words: everybody goes by what they are called.
pub(super) fn sentence(fact: &Fact, viewer: &Viewer, user_name: &str) -> String {
    let owner = if fact.owner == viewer.user && !user_name.is_empty() { user_name } else { owner_name(fact) };
    fact.sentence(owner)
}

/// What the person who said a fact is called; their id is nobody's business.
pub(super) fn owner_name(fact: &Fact) -> &str {
    fact.owner_name.as_deref().unwrap_or("somebody")
}

fn fact_fits(fact: &Fact, asked: &str) -> bool {
    format!("{} {} {}", fact.subject, fact.predicate.replace('_', " "), fact.object)
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .any(|word| word.chars().count() > 2 && word != "user" && asked.contains(&word))
}
