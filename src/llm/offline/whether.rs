//! Yes-or-no questions about what is on record, what once was, and how many there are.

use super::{
    extract::{self, Found},
    grammar::{self, plural_of},
    record::{Known, Record, count, is_single, same, values},
    stem::{content, stem},
    text::{Word, and_list, capitalise, has_any, strip},
};

/// `do I live in Lisbon` read as the statement that it asks about; empty when it asks about something else.
pub(super) fn stated(part: &[Word]) -> Vec<Found> {
    const ASKED_WITH: &[&str] = &[
        "what",
        "where",
        "who",
        "whose",
        "when",
        "which",
        "how",
        "why",
        "any",
        "anything",
        "something",
        "again",
    ];
    if part.iter().any(|word| ASKED_WITH.contains(&word.low.as_str())) {
        return Vec::new();
    }
    let part = [
        "so|and|but|hey|wait|ok|then",
        "did i ever? tell|mention to? you? that?",
        "do you still? know|remember that|if|whether",
    ]
    .iter()
    .fold(part, |rest, lead| strip(rest, lead).unwrap_or(rest));
    let found = match part.split_first() {
        Some((first, rest)) if matches!(first.low.as_str(), "do" | "did" | "does" | "have") => {
            extract::of_clause(&without_still(rest))
        }
        Some((first, rest)) if matches!(first.low.as_str(), "am" | "is" | "are") => {
            turned(first, &without_still(rest))
        }
        Some((first, _)) if matches!(first.low.as_str(), "i" | "my") => extract::of_clause(part),
        _ => Vec::new(),
    };
    // Whether there is a dog at all is asked and answered in other words.
    let only_had = found.iter().all(|fact| fact.predicate.starts_with("has_") || fact.predicate == "owns");
    if only_had { Vec::new() } else { found }
}

fn without_still(words: &[Word]) -> Vec<Word> {
    words
        .iter()
        .filter(|word| !matches!(word.low.as_str(), "still" | "really" | "actually"))
        .cloned()
        .collect()
}

/// `is my dog called Luna` with its verb where a statement has it.
fn turned(verb: &Word, rest: &[Word]) -> Vec<Found> {
    let last = if verb.low == "am" { 1 } else { rest.len() };
    (1..=last)
        .filter(|at| *at < rest.len())
        .map(|at| {
            let (subject, tail) = rest.split_at(at);
            let said: Vec<Word> = subject.iter().chain(std::iter::once(verb)).chain(tail).cloned().collect();
            extract::of_clause(&said)
        })
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

/// The fact as whoever is asked about would have it.
fn about(subject: &str, fact: &Found) -> (String, String, String) {
    (fact.subject.replacen(extract::SPEAKER, subject, 1), fact.predicate.clone(), fact.object.clone())
}

/// What is asked, to be said back: `whether you live in Lisbon`.
pub(super) fn phrase(found: &[Found]) -> String {
    found.iter().find(|fact| !fact.predicate.starts_with("has_")).map_or_else(
        || "that".to_owned(),
        |fact| format!("whether {}", grammar::sentence(&fact.subject, &fact.predicate, &fact.object)),
    )
}

/// The answer, where the record has one. "No" is said only where the record excludes what is asked.
pub(super) fn answer(record: &Record, subject: &str, asked: &[Found], of_past: bool) -> Option<String> {
    asked.iter().filter(|fact| !fact.predicate.starts_with("has_")).find_map(|fact| {
        let (whose, predicate, object) = about(subject, fact);
        let of_it = |known: &&Known| known.subject.eq_ignore_ascii_case(&whose);
        let fits = |known: &&Known| fits(&object, &known.object);
        let held = record.held.iter().filter(of_it);
        if let Some(yes) = held.clone().filter(|known| known.predicate == predicate).find(fits) {
            return Some(format!(
                "Yes, {}.",
                grammar::sentence(&yes.subject, &predicate, &grammar::object(yes))
            ));
        }
        let now = values(&record.held, &whose, &predicate);
        let now = now
            .first()
            .filter(|_| is_single(&predicate))
            .map(|known| grammar::sentence(&known.subject, &predicate, &grammar::object(known)));
        let over = record
            .ended
            .iter()
            .filter(of_it)
            .filter(|known| known.predicate == predicate)
            .any(|known| fits(&known))
            || held.clone().any(|known| {
                known.predicate.strip_prefix("no_longer_") == Some(predicate.as_str()) && fits(&known)
            });
        let against = held.clone().find(|known| {
            matches!(
                (predicate.as_str(), known.predicate.as_str()),
                ("likes" | "loves", "dislikes" | "hates") | ("dislikes" | "hates", "likes" | "loves")
            ) && fits(known)
        });
        if let Some(known) = against {
            return Some(format!(
                "No, {}.",
                grammar::sentence(&known.subject, &known.predicate, &grammar::object(known))
            ));
        }
        match (now, over) {
            (Some(now), true) if of_past => Some(format!("Yes, once. Now {now}.")),
            (Some(now), true) if predicate == "is_named" => Some(format!("No, {now}.")),
            (Some(now), true) => Some(format!("No, not any more: {now}.")),
            (None, true) if of_past => Some("Yes, but no longer.".to_owned()),
            (None, true) => Some("No, not any more.".to_owned()),
            // A city lies in a country, a surgeon is a doctor: only names and numbers exclude each other.
            (Some(now), false)
                if matches!(predicate.as_str(), "is_named" | "is_aged" | "birthday_is" | "born_in_year") =>
            {
                Some(format!("No, {now}."))
            }
            (Some(now), false) => Some(format!("As far as I know, {now}.")),
            (None, false) => None,
        }
    })
}

fn fits(asked: &str, known: &str) -> bool {
    let (asked_for, said) = (content(asked), content(known));
    same(asked, known) || !asked_for.is_empty() && asked_for.iter().all(|stem| said.contains(stem))
}

/// Where somebody lived, or what they did, before: `You lived in Lisbon before.`
pub(super) fn before(record: &Record, subject: &str, predicate: &str) -> Option<String> {
    let ended = format!("no_longer_{predicate}");
    let now = values(&record.held, subject, predicate);
    let mut past: Vec<String> = Vec::new();
    let of_past = record
        .ended
        .iter()
        .filter(|known| known.predicate == predicate)
        .chain(record.held.iter().chain(&record.ended).filter(|known| known.predicate == ended));
    for known in of_past.filter(|known| known.subject.eq_ignore_ascii_case(subject)) {
        let again = now.iter().any(|held| same(&held.object, &known.object))
            || past.iter().any(|listed| same(listed, &known.object));
        if !again {
            past.push(known.object.clone());
        }
    }
    if past.is_empty() {
        return None;
    }
    let who = if subject == extract::SPEAKER { "You" } else { subject };
    let verb = match predicate {
        "lives_in" => "lived in",
        "works_as" => "worked as",
        _ => "worked at",
    };
    let now = now.first().map_or_else(String::new, |held| {
        format!(" Now {}.", grammar::sentence(&held.subject, predicate, &grammar::object(held)))
    });
    Some(format!("{who} {verb} {} before.{now}", and_list(&past)))
}

/// Nouns that are counted together.
const TOGETHER: &[(&str, &[&str])] = &[
    ("kid", &["kid", "child", "son", "daughter", "baby"]),
    ("child", &["child", "kid", "son", "daughter", "baby"]),
    ("sibling", &["sister", "brother"]),
    ("dog", &["dog", "puppy"]),
    ("cat", &["cat", "kitten"]),
];

/// How many of a kind somebody has: `You have two kids: Leo and Mia.`
pub(super) fn how_many(record: &Record, subject: &str, thing: &str) -> Option<String> {
    let wanted = singular(thing);
    let kinds: Vec<&str> = match TOGETHER.iter().find(|(noun, _)| *noun == wanted) {
        Some((_, kinds)) => kinds.to_vec(),
        None if matches!(wanted.as_str(), "pet" | "animal") => extract::lists::PETS.to_vec(),
        None => vec![wanted.as_str()],
    };
    let is_kind = |noun: &str| {
        let last = noun.split(' ').next_back().map(singular).unwrap_or_default();
        kinds.contains(&last.as_str())
    };
    let own = record.held.iter().filter(|fact| fact.subject.eq_ignore_ascii_case(subject));
    let mut told = 0;
    for fact in own.clone() {
        let number = match fact.predicate.strip_prefix("has_") {
            Some("pet") => fact
                .object
                .split_once(' ')
                .filter(|(_, noun)| is_kind(noun))
                .and_then(|(number, _)| count(number))
                .or_else(|| is_kind(&fact.object).then_some(1)),
            Some(kin) if is_kind(kin) => count(&fact.object),
            _ => None,
        };
        told += number.unwrap_or_default();
    }
    let owned = format!("{}'s ", subject.to_lowercase());
    let mut names: Vec<String> = Vec::new();
    let named = record.held.iter().filter(|fact| {
        let whose = fact.subject.to_lowercase();
        fact.predicate == "is_named" && whose.strip_prefix(owned.as_str()).is_some_and(is_kind)
            || whose == subject.to_lowercase()
                && fact.predicate.strip_prefix("has_").is_some_and(|kin| kin != "pet" && is_kind(kin))
                && count(&fact.object).is_none()
    });
    for fact in named {
        for name in fact.object.split(" and ").flat_map(|part| part.split(", ")) {
            let name = capitalise(name.trim());
            if name != "Some" && !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let has_none = own.clone().any(|fact| fact.predicate == "does_not_have" && is_kind(&fact.object));
    let who = if subject == extract::SPEAKER { "You have" } else { "I know of" };
    let number = told.max(names.len());
    if number == 0 {
        return has_none.then(|| format!("{who} no {}.", plural_of(&wanted)));
    }
    let noun = if number == 1 { wanted.clone() } else { plural_of(&wanted) };
    let written =
        extract::lists::NUMBERS.get(number - 1).map_or_else(|| number.to_string(), |word| (*word).to_owned());
    let who = if told == 0 { "I know of" } else { who };
    let listed = if names.is_empty() { String::new() } else { format!(": {}", and_list(&names)) };
    Some(format!("{who} {written} {noun}{listed}."))
}

fn singular(noun: &str) -> String {
    match noun {
        "children" => "child".to_owned(),
        "mice" => "mouse".to_owned(),
        "fish" | "boss" => noun.to_owned(),
        "puppies" => "puppy".to_owned(),
        "babies" => "baby".to_owned(),
        other => other.strip_suffix('s').filter(|root| !root.ends_with('s')).unwrap_or(other).to_owned(),
    }
}

/// Whom a name stands for among several: `Leo is one of your kids`.
pub(super) fn one_of(fact: &Known, name: &str, whose: &str) -> String {
    let several = fact.object.contains(" and ");
    let asked = fact
        .object
        .split(' ')
        .filter(|part| *part != "and")
        .any(|part| stem(&part.to_lowercase()) == stem(&name.to_lowercase()));
    if several && asked {
        let (owner, noun) = whose.rsplit_once(' ').unwrap_or(("", whose));
        let many = if singular(noun) == noun { plural_of(noun) } else { noun.to_owned() };
        return format!("{} is one of {owner} {many}", capitalise(name));
    }
    let is = if several { "are" } else { "is" };
    format!("{} {is} {whose}", capitalise(&fact.object))
}

/// True when the question is about the past.
pub(super) fn of_past(part: &[Word]) -> bool {
    has_any(part, &["did i|we", "used to", "before", "once", "was|were i"])
}
