//! What is on record: the stored facts, and those that messages state. Of what cannot hold together, the newest holds;
//! the rest is kept apart as what once was.

use super::{
    Material, extract,
    fill::touches,
    life,
    stem::content,
    text::{join, words},
};
use crate::model::Timestamp;

/// A fact with its subject made plain: `user`, `user's dog`, `Sam`, `Sam's dog`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) subject: String,
    pub(super) predicate: String,
    pub(super) object: String,
    pub(super) when: Timestamp,
}

/// Everything that may be told.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// What holds.
    pub(super) held: Vec<Known>,
    /// What held once and was corrected or taken back.
    pub(super) ended: Vec<Known>,
    /// What was true until life changed, a part of `ended`: it is told in the past tense.
    pub(super) past: Vec<Known>,
}

impl Record {
    /// `How old is Lena` as `how old is my daughter`; `None` when no name of somebody of the user's is in it.
    pub(super) fn without_names(&self, message: &str) -> Option<String> {
        let words = words(message);
        let kin = self.held.iter().filter(|fact| fact.predicate == "is_named").find_map(|fact| {
            let noun = fact.subject.strip_prefix("user's ").filter(|_| !fact.object.contains(' '))?;
            let at = words.iter().position(|word| word.raw.eq_ignore_ascii_case(&fact.object))?;
            Some((at, noun))
        });
        let (at, noun) = kin?;
        let (before, after) = (words.get(..at)?, words.get(at + 1..)?);
        let after = join(after);
        let gap = if after.starts_with("'s") { "" } else { " " };
        Some(format!("{} my {noun}{gap}{after}?", join(before)))
    }
}

/// Predicates that hold one value at a time; `memory::knowledge` keeps the same rule for what is stored.
const SINGLE: &[&str] = &[
    "is_named",
    "is_aged",
    "lives_in",
    "comes_from",
    "birthday_is",
    "works_as",
    "works_at",
    "works_in",
    "born_in_year",
    "has_gender",
];
/// Pairs of which one ends the other for the same object.
const OPPOSITE: &[(&str, &str)] =
    &[("likes", "dislikes"), ("loves", "hates"), ("likes", "hates"), ("loves", "dislikes")];
/// States of which a person is in one.
const ONE_STATE: &[&str] = &["single", "engaged", "married", "divorced", "widowed"];

/// People of whom one may have several, so that another name is another person.
const MANY: &[&str] = &[
    "sister",
    "brother",
    "friend",
    "cousin",
    "aunt",
    "uncle",
    "son",
    "daughter",
    "niece",
    "nephew",
    "colleague",
    "coworker",
    "neighbour",
    "roommate",
    "flatmate",
    "housemate",
    "kid",
    "child",
    "twin",
    "teacher",
];

/// Everything that may be told, without what the user does not want to hear about.
pub(super) fn known(material: &Material, avoid: &[String]) -> Record {
    let (mut known, mut denied) = (Vec::new(), Vec::new());
    for fact in &material.facts {
        let own = material.user_name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&fact.subject));
        let subject = if own || fact.subject.eq_ignore_ascii_case("user") {
            extract::SPEAKER.to_owned()
        } else {
            fact.subject.clone()
        };
        let (predicate, object) = (fact.predicate.clone(), fact.object.clone());
        add(&mut known, Known { subject, predicate, object, when: fact.when });
    }
    for line in &material.recalled {
        let speaker = match (&line.speaker, line.own_words_of_user) {
            (_, true) => extract::SPEAKER,
            (Some(speaker), false) => speaker.as_str(),
            (None, false) => continue,
        };
        state(&mut known, &mut denied, speaker, &line.text, line.when);
    }
    state(&mut known, &mut denied, extract::SPEAKER, &material.message, material.now);
    known.retain(|fact| {
        !touches(&format!("{} {} {}", fact.subject, fact.predicate.replace('_', " "), fact.object), avoid)
    });
    settled(&known, &denied)
}

fn state(known: &mut Vec<Known>, denied: &mut Vec<Known>, speaker: &str, text: &str, when: Timestamp) {
    let denials = extract::denials(text);
    for fact in extract::statements(text) {
        let subject = fact.subject.replacen(extract::SPEAKER, speaker, 1);
        let stated = Known { subject, predicate: fact.predicate, object: fact.object, when };
        denied.extend(denials.iter().map(|object| Known { object: object.clone(), ..stated.clone() }));
        add(known, stated);
    }
}

/// Said again, a fact is as new as the last time.
fn add(known: &mut Vec<Known>, fact: Known) {
    let twin = known.iter_mut().find(|other| {
        other.subject == fact.subject
            && other.predicate == fact.predicate
            && other.object.eq_ignore_ascii_case(&fact.object)
    });
    match twin {
        Some(twin) => twin.when = twin.when.max(fact.when),
        None if fact.object.trim().is_empty() => {}
        None => known.push(fact),
    }
}

fn settled(known: &[Known], denied: &[Known]) -> Record {
    let of_one = |other: &Known, fact: &Known| other.subject.eq_ignore_ascii_case(&fact.subject);
    let ends = |fact: &Known| {
        known.iter().any(|other| of_one(other, fact) && replaces(other, fact))
            || denied.iter().any(|no| {
                of_one(no, fact)
                    && no.predicate == fact.predicate
                    && same(&no.object, &fact.object)
                    && no.when >= fact.when
            })
    };
    let (past, rest): (Vec<Known>, Vec<Known>) =
        known.iter().cloned().partition(|fact| life::over(known, fact));
    let (mut ended, held): (Vec<Known>, Vec<Known>) = rest.into_iter().partition(ends);
    ended.extend(past.iter().cloned());
    Record { held, ended, past }
}

/// True when `new` cannot hold together with `old` and is the later of the two.
fn replaces(new: &Known, old: &Known) -> bool {
    let same = same(&new.object, &old.object);
    if new.when < old.when {
        return false;
    }
    let ended_by = new.predicate.strip_prefix("no_longer_");
    if ended_by == Some(old.predicate.as_str()) {
        // "the bakery" is "a bakery in Bristol".
        let whole = content(&old.object);
        return same || content(&new.object).iter().all(|stem| whole.contains(stem));
    }
    if new.when == old.when {
        return false;
    }
    if old.predicate.strip_prefix("no_longer_") == Some(new.predicate.as_str()) {
        return same;
    }
    if new.predicate == old.predicate {
        let one_state = ONE_STATE.contains(&new.object.as_str()) && ONE_STATE.contains(&old.object.as_str());
        let one_of_many = new.predicate == "is_named" && MANY.iter().any(|kin| new.subject.ends_with(kin));
        return !same
            && (is_single(&new.predicate) && !one_of_many
                || one_state
                || recounts(&new.object, &old.object));
    }
    let opposite = OPPOSITE.iter().any(|(a, b)| {
        (*a == new.predicate && *b == old.predicate) || (*b == new.predicate && *a == old.predicate)
    });
    opposite && same || denies(new, old) || denies(old, new)
}

/// `does_not_have` against `has_pet`, `has_sister`, `owns`.
fn denies(denial: &Known, fact: &Known) -> bool {
    if denial.predicate != "does_not_have"
        || !(fact.predicate.starts_with("has_") || fact.predicate == "owns")
    {
        return false;
    }
    let had = content(&format!("{} {}", fact.predicate.replace("has_", "").replace('_', " "), fact.object));
    content(&denial.object).iter().all(|stem| had.contains(stem))
}

/// `three cats` after `two cats`.
fn recounts(new: &str, old: &str) -> bool {
    let split = |text: &str| {
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        count(first).map(|_| rest.trim_end_matches('s').to_owned())
    };
    matches!((split(new), split(old)), (Some(new), Some(old)) if new == old)
}

/// A number in words or figures.
pub(super) fn count(word: &str) -> Option<usize> {
    let low = word.to_lowercase();
    extract::lists::NUMBERS
        .iter()
        .position(|number| *number == low)
        .map(|at| at + 1)
        .or_else(|| low.parse().ok())
}

/// `Porto` and `Porto, Portugal` are one place.
pub(super) fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        let low = text.to_lowercase();
        let low = low.split(',').next().unwrap_or_default().trim();
        ["the ", "a ", "an "].iter().find_map(|article| low.strip_prefix(article)).unwrap_or(low).to_owned()
    };
    plain(one) == plain(other)
}

/// True for predicates that hold one value at a time.
pub(super) fn is_single(predicate: &str) -> bool {
    SINGLE.contains(&predicate) || predicate.starts_with("favourite_")
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
