//! Everything on record about somebody, in two or three sentences: themself, their people and animals, the rest.

use super::{
    extract,
    recallphrase::{clause, one, pets, shared_subject},
    record::{Known, values},
    text::capitalise,
};

/// Clauses at most, so that an answer stays an answer.
const MOST_FACTS: usize = 30;

const OF_SELF: &[&str] = &[
    "is_named",
    "is_aged",
    "birthday_is",
    "born_in_year",
    "lives_in",
    "comes_from",
    "works_as",
    "works_at",
    "works_in",
    "studies",
    "studies_at",
    "speaks",
];

/// The sentences; `None` when nothing is on record. `nickname`: what the user asked to be called.
pub(super) fn told(known: &[Known], subject: &str, nickname: Option<&str>) -> Option<String> {
    let of_self: Vec<String> = OF_SELF
        .iter()
        .filter_map(|predicate| clause(known, subject, predicate))
        .chain(nickname.map(|name| format!("you asked me to call you {name}")))
        .collect();
    let mut circle = pets(known, subject);
    let mut rest: Vec<String> = Vec::new();
    let owned = format!("{subject}'s ");
    for fact in known {
        let own = fact.subject.eq_ignore_ascii_case(subject);
        if fact.subject.starts_with(&owned) || own && fact.predicate.starts_with("has_") && is_kin(fact) {
            if !(own && (fact.predicate == "has_pet" || is_named_elsewhere(known, fact, &owned))) {
                add(&mut circle, one(fact));
            }
        } else if own && !OF_SELF.contains(&fact.predicate.as_str()) && !replaced(known, fact) {
            // Several values of a kind make one clause.
            let listed = clause(known, subject, &fact.predicate).unwrap_or_else(|| one(fact));
            add(&mut rest, listed);
        }
    }
    circle.sort_by_key(|clause| first_words(clause));
    let mut groups: Vec<Vec<String>> = Vec::new();
    let mut left = MOST_FACTS;
    for mut group in [of_self, in_one_breath(&circle), rest] {
        group.truncate(left);
        left -= group.len();
        match groups.last_mut() {
            // One clause is too little for a sentence of its own.
            Some(last) if group.len() == 1 && last.len() < 3 => last.append(&mut group),
            _ if group.is_empty() => {}
            _ => groups.push(group),
        }
    }
    let said: Vec<String> = groups.iter().map(|group| format!("{}.", capitalise(&joined(group)))).collect();
    (!said.is_empty()).then(|| said.join(" "))
}

fn add(told: &mut Vec<String>, clause: String) {
    if !told.contains(&clause) {
        told.push(clause);
    }
}

/// What is said of the same one stands together, the name first.
fn first_words(clause: &str) -> (String, bool) {
    let whose: Vec<&str> = clause.split(' ').take(2).collect();
    (whose.join(" "), !clause.contains(" called "))
}

fn in_one_breath(clauses: &[String]) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for clause in clauses {
        let longer = joined
            .last()
            .and_then(|last| shared_subject(last, clause).map(|rest| format!("{last} and {rest}")));
        match (longer, joined.last_mut()) {
            (Some(longer), Some(last)) => *last = longer,
            _ => joined.push(clause.clone()),
        }
    }
    joined
}

fn joined(clauses: &[String]) -> String {
    match clauses {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{}, and {last}", most.join(", ")),
    }
}

fn is_kin(fact: &Known) -> bool {
    fact.predicate
        .strip_prefix("has_")
        .is_some_and(|kin| kin == "pet" || kin.split('_').next_back().is_some_and(extract::is_kin))
}

/// `has_sister Ana` says nothing beside `user's sister is_named Ana`.
fn is_named_elsewhere(known: &[Known], fact: &Known, owned: &str) -> bool {
    known.iter().any(|other| {
        other.predicate == "is_named"
            && other.subject.starts_with(owned)
            && other.object.eq_ignore_ascii_case(&fact.object)
    })
}

/// What was taken back is not told where its successor is.
fn replaced(known: &[Known], fact: &Known) -> bool {
    fact.predicate
        .strip_prefix("no_longer_")
        .is_some_and(|ended| !values(known, &fact.subject, ended).is_empty())
}
