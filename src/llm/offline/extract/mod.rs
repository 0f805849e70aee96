//! Facts, wishes and summaries found by rule in what people write, when no language model is there to find them.
//!
//! Predicates of facts, subject `user` unless said otherwise:
//! `is_named`, `is_aged`, `lives_in`, `no_longer_lives_in` (and so for the others), `comes_from`, `works_as`, `works_at`, `birthday_is`, `studies`, `studies_at`,
//! `speaks`, `learns`, `plays`, `owns`, `drives`, `has_pet`, `has_<relation>` (`has_sister`, `has_child`, …), `likes`, `dislikes`,
//! `favourite_<thing>`, `is_allergic_to`, `has_condition`, `does_not_eat`, `does_not_drink`, `does_not_have`, `is` (vegan, Portuguese,
//! married, …), `is_afraid_of`, `plans_to`, `supports`, `collects`. A pet or a person of the user has facts of its own, with the subject
//! `user's dog`, `user's sister`: `is_named` and any of the above. Changes of life end what they touch: `lost`
//! (`my dog`), `parted_with` (`Lena`, `my partner`), `left` (`my job`).

mod clause;
mod ended;
mod joints;
mod kin;
mod language;
pub(crate) mod lists;
mod openings;
mod statements;
mod summary;
mod undone;
mod wishes;
mod words;

use super::text::Word;
use crate::model::{Extraction, FactDraft, PreferenceDraft, TranscriptLine, UnitScore};

/// A fact without owner and source.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) subject: String,
    pub(crate) predicate: String,
    pub(crate) object: String,
    confidence: f64,
}

impl Found {
    fn new(subject: &str, predicate: &str, object: impl Into<String>, confidence: f64) -> Self {
        Self {
            subject: subject.to_owned(),
            predicate: predicate.to_owned(),
            object: object.into(),
            confidence,
        }
    }
}

/// The subject of facts about the speaker.
pub(crate) const SPEAKER: &str = "user";

/// The facts that `text` states about its writer.
pub(crate) fn statements(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut last_named: Option<String> = None;
    for clause in clause::clauses(text) {
        let new = ended::facts(&clause)
            .or_else(|| kin::facts(&clause, &mut last_named))
            .or_else(|| statements::facts(SPEAKER, &clause));
        for fact in new.unwrap_or_default() {
            let known = found.iter().any(|other| {
                other.subject == fact.subject
                    && other.predicate == fact.predicate
                    && other.object == fact.object
            });
            if !known {
                found.push(fact);
            }
        }
    }
    found
}

/// What `text` says is not, or no longer, the value: `Luna` in `my dog is called Nala, not Luna`.
pub(crate) fn denials(text: &str) -> Vec<String> {
    clause::clauses(text).iter().filter_map(|clause| clause::denied(clause)).collect()
}

/// True for what is only supposed, dreamt or wished.
pub(in crate::llm::offline) fn is_supposed(sentence: &str) -> bool {
    clause::is_supposed(sentence)
}

/// What `text` asks to have forgotten (empty for `that`); `None` when it asks for nothing of the kind.
pub(in crate::llm::offline) fn forgets(text: &str) -> Option<String> {
    ended::forgets(text)
}

/// True for an animal or a person that one may have, in the singular or plural.
pub(in crate::llm::offline) fn is_kin(noun: &str) -> bool {
    kin::is_kin(noun)
}

/// The facts of one clause about its speaker, as [`mod@statements`] has them.
pub(in crate::llm::offline) fn of_clause(clause: &[Word]) -> Vec<Found> {
    ended::facts(clause)
        .or_else(|| kin::facts(clause, &mut None))
        .or_else(|| statements::facts(SPEAKER, clause))
        .unwrap_or_default()
}

/// The facts that a person states about themself in one message; none for the character's own words.
#[must_use]
pub fn facts(line: &TranscriptLine) -> Vec<FactDraft> {
    let Some(owner) = &line.speaker else { return Vec::new() };
    let draft = |found: Found| FactDraft {
        subject: found.subject,
        predicate: found.predicate,
        object: found.object,
        confidence: UnitScore::new(found.confidence),
        owner: owner.clone(),
        sources: vec![line.id],
    };
    statements(&line.text).into_iter().map(draft).collect()
}

/// The wishes about answers that a person states in one message; only explicit ones.
#[must_use]
pub fn preferences(line: &TranscriptLine) -> Vec<PreferenceDraft> {
    let Some(owner) = &line.speaker else { return Vec::new() };
    wishes::wishes(&line.text)
        .into_iter()
        .map(|preference| PreferenceDraft { preference, owner: owner.clone(), source: line.id })
        .collect()
}

pub use language::language_tag;
pub(crate) use wishes::wishes;

/// Everything in a session: facts and wishes of every line, and a summary when people said enough.
#[must_use]
pub fn session(lines: &[TranscriptLine]) -> Extraction {
    let mut extraction = Extraction::default();
    for line in lines {
        for fact in facts(line) {
            let twin = extraction.facts.iter_mut().find(|known| {
                known.owner == fact.owner
                    && known.subject == fact.subject
                    && known.predicate == fact.predicate
                    && known.object.to_lowercase() == fact.object.to_lowercase()
            });
            match twin {
                Some(known) => known.sources.extend(fact.sources),
                None => extraction.facts.push(fact),
            }
        }
        extraction.preferences.extend(preferences(line));
    }
    extraction.summary = summary::summary(lines, extraction.facts.len());
    extraction
}

#[cfg(test)]
mod tests;
