//! What is on record: the stored facts, and those that recalled messages state.

use super::{Material, extract, fill::touches};
use crate::model::Timestamp;

/// A fact with its subject made plain: `user`, `user's dog`, `Sam`, `Sam's dog`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) subject: String,
    pub(super) predicate: String,
    pub(super) object: String,
    when: Timestamp,
}

/// Everything that may be told, without what the user does not want to hear about.
pub(super) fn known(material: &Material, avoid: &[String]) -> Vec<Known> {
    let mut known: Vec<Known> = Vec::new();
    for fact in &material.facts {
        let own = material.user_name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&fact.subject));
        let subject = if own || fact.subject.eq_ignore_ascii_case("user") {
            extract::SPEAKER.to_owned()
        } else {
            fact.subject.clone()
        };
        add(
            &mut known,
            Known {
                subject,
                predicate: fact.predicate.clone(),
                object: fact.object.clone(),
                when: fact.when,
            },
        );
    }
    for line in &material.recalled {
        let speaker = match (&line.speaker, line.own_words_of_user) {
            (_, true) => extract::SPEAKER,
            (Some(speaker), false) => speaker.as_str(),
            (None, false) => continue,
        };
        for fact in extract::statements(&line.text) {
            let subject = fact.subject.replacen(extract::SPEAKER, speaker, 1);
            add(
                &mut known,
                Known { subject, predicate: fact.predicate, object: fact.object, when: line.when },
            );
        }
    }
    known.retain(|fact| {
        !touches(&format!("{} {} {}", fact.subject, fact.predicate.replace('_', " "), fact.object), avoid)
    });
    without_what_ended(known)
}

fn add(known: &mut Vec<Known>, fact: Known) {
    let twin = known.iter().any(|other| {
        other.subject == fact.subject
            && other.predicate == fact.predicate
            && other.object.eq_ignore_ascii_case(&fact.object)
    });
    if !twin && !fact.object.trim().is_empty() {
        known.push(fact);
    }
}

/// A home that was left is no home.
fn without_what_ended(known: Vec<Known>) -> Vec<Known> {
    let left: Vec<Known> =
        known.iter().filter(|fact| fact.predicate == "no_longer_lives_in").cloned().collect();
    let ended = |fact: &Known| {
        fact.predicate == "lives_in"
            && left.iter().any(|end| {
                end.subject == fact.subject
                    && end.object.eq_ignore_ascii_case(&fact.object)
                    && end.when >= fact.when
            })
    };
    known.into_iter().filter(|fact| !ended(fact)).collect()
}

/// True for predicates that hold one value at a time.
fn is_single(predicate: &str) -> bool {
    matches!(
        predicate,
        "is_named"
            | "is_aged"
            | "lives_in"
            | "comes_from"
            | "birthday_is"
            | "works_as"
            | "works_at"
            | "works_in"
            | "born_in_year"
    ) || predicate.starts_with("favourite_")
}

/// The values of `predicate` for `subject`: the latest where only one can hold, else at most five.
pub(super) fn values<'a>(known: &'a [Known], subject: &str, predicate: &str) -> Vec<&'a Known> {
    let mut found: Vec<&Known> = known
        .iter()
        .filter(|fact| fact.subject.eq_ignore_ascii_case(subject) && fact.predicate == predicate)
        .collect();
    if is_single(predicate) {
        return found
            .iter()
            .copied()
            .reduce(|best, fact| if fact.when > best.when { fact } else { best })
            .into_iter()
            .collect();
    }
    found.truncate(5);
    found
}
