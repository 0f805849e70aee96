//! What a clause says about its subject: a table of openings, and what may follow each of them.

use super::{
    Found, SPEAKER,
    clause::{list, name, phrase},
    lists::{JOBS, LANGUAGES, NUMBERS, PEOPLES, POINTING, STATES},
    openings::{OPENINGS, Object},
};
use crate::llm::offline::text::{Word, has_any, strip};

/// Said in plain words.
const PLAIN: f64 = 0.9;
/// Follows from what was said.
const IMPLIED: f64 = 0.75;
/// A guess.
const GUESS: f64 = 0.6;

/// Conditions that are taken as such after `I have`.
const CONDITIONS: &[&str] = &[
    "asthma",
    "diabetes",
    "adhd",
    "autism",
    "epilepsy",
    "migraines",
    "insomnia",
    "arthritis",
    "anxiety",
    "depression",
    "cancer",
    "dyslexia",
    "celiac",
    "eczema",
    "tinnitus",
    "ocd",
    "ptsd",
    "anaemia",
];

/// Things worth noting after `I have a`.
const POSSESSIONS: &[&str] = &[
    "car",
    "bike",
    "bicycle",
    "boat",
    "house",
    "garden",
    "motorcycle",
    "motorbike",
    "piano",
    "guitar",
    "violin",
    "van",
    "caravan",
    "farm",
    "shop",
    "bakery",
    "restaurant",
    "company",
    "business",
    "camera",
    "telescope",
    "balcony",
    "typewriter",
    "cabin",
];

/// The facts of a clause about `subject`, written as if the subject said `I`; `None` when no rule fits.
pub(super) fn facts(subject: &str, clause: &[Word]) -> Option<Vec<Found>> {
    called(subject, clause)
        .or_else(|| moved(subject, clause))
        .or_else(|| favourite(subject, clause))
        .or_else(|| from_openings(subject, clause))
        .or_else(|| age(subject, clause))
        .or_else(|| having(subject, clause))
        .or_else(|| being(subject, clause))
        .filter(|found| !found.is_empty())
}

/// `I moved from Lisbon to Porto`, `I am moving to Porto`.
fn moved(subject: &str, clause: &[Word]) -> Option<Vec<Found>> {
    if let Some(rest) = strip(clause, "i|we am|are moving|relocating to") {
        let place = place(rest)?;
        return Some(vec![Found::new(subject, "plans_to", format!("move to {place}"), PLAIN)]);
    }
    let rest = strip(clause, "i|we have? moved|relocated away? from")?;
    let to = rest.iter().position(|word| word.low == "to")?;
    let (from, place) = (phrase(rest.get(..to)?, 6)?, place(rest.get(to + 1..)?)?);
    Some(vec![
        Found::new(subject, "no_longer_lives_in", from, PLAIN),
        Found::new(subject, "lives_in", place, PLAIN),
    ])
}

fn from_openings(subject: &str, clause: &[Word]) -> Option<Vec<Found>> {
    let (rest, predicate, object) = OPENINGS.iter().find_map(|(opening, predicate, object)| {
        strip(clause, opening).map(|rest| (rest, *predicate, *object))
    })?;
    let lived = clause.get(1).is_some_and(|word| word.low == "lived");
    if lived && has_any(clause, &["all my life", "my whole|entire life", "since", "would|could"]) {
        return None;
    }
    let predicate = if lived && predicate == "lives_in" { "no_longer_lives_in" } else { predicate };
    let one = |object: Option<String>, predicate: &str| {
        object.map(|object| vec![Found::new(subject, predicate, object, PLAIN)])
    };
    match object {
        Object::Phrase(most) if predicate == "plans_to" => {
            let place_only = rest.first().is_some_and(|word| {
                word.is_capitalised() || matches!(word.low.as_str(), "the" | "a" | "bed" | "sleep" | "go")
            });
            one(phrase(rest, most).filter(|_| !place_only), predicate)
        }
        Object::Phrase(most) => one(phrase(rest, most), predicate),
        Object::Place
            if predicate == "comes_from"
                && rest.first().is_some_and(|word| word.low.starts_with(|c: char| c.is_numeric())) =>
        {
            one(rest.first().map(|year| year.raw.clone()).filter(|year| year.len() == 4), "born_in_year")
        }
        Object::Place => one(place(rest), predicate),
        Object::Job => one(phrase(strip(rest, "a|an|the?")?, 5), predicate),
        Object::List(most) => {
            let wish =
                predicate == "likes" && rest.first().is_some_and(|word| word.low == "to" && clause.len() < 4);
            let items = if rest.first().is_some_and(|word| word.low == "to")
                && matches!(predicate, "likes" | "dislikes")
            {
                phrase(rest.get(1..)?, most).map(|what| vec![format!("to {what}")]).unwrap_or_default()
            } else {
                list(rest, most)
            };
            let apart = |item: &String| !(wish || answers_are_meant(predicate, item));
            Some(
                items
                    .into_iter()
                    .filter(apart)
                    .map(|item| Found::new(subject, predicate, item, PLAIN))
                    .collect(),
            )
        }
        Object::Languages => {
            let known = |item: &String| {
                LANGUAGES.iter().any(|(name, _)| item.to_lowercase().split(' ').any(|word| word == *name))
            };
            Some(
                list(rest, 4)
                    .into_iter()
                    .filter(known)
                    .map(|item| Found::new(subject, predicate, item, PLAIN))
                    .collect(),
            )
        }
    }
}

/// `I like short answers` is a wish, and `I like your hat` says nothing about the speaker.
fn answers_are_meant(predicate: &str, item: &str) -> bool {
    let low = item.to_lowercase();
    matches!(predicate, "likes" | "dislikes")
        && ([
            "answer",
            "replies",
            "reply",
            "emoji",
            "your ",
            "you ",
            "talking to you",
            "the way you",
            "being called",
        ]
        .iter()
        .any(|word| low.contains(word))
            || low.ends_with(" you"))
}

fn place(words: &[Word]) -> Option<String> {
    const STOPS: &[&str] = &[
        "with",
        "for",
        "as",
        "since",
        "near",
        "last",
        "this",
        "next",
        "by",
        "now",
        "from",
        "at",
        "until",
        "these",
        "two",
        "three",
        "when",
        "about",
        "yesterday",
        "today",
        "recently",
    ];
    let mut end = words.iter().position(|word| STOPS.contains(&word.low.as_str())).unwrap_or(words.len());
    // "Porto, Portugal" is one place.
    let two_part = words.iter().position(|word| word.pause).filter(|at| {
        let next = words.get(at + 1);
        at + 1 < end
            && *at < 3
            && next.is_some_and(Word::is_capitalised)
            && next.is_some_and(|next| next.low != "i")
            && words.get(at + 2).is_none_or(|after| {
                words.get(at + 1).is_some_and(|next| next.pause)
                    || super::lists::ENDERS.contains(&after.low.as_str())
            })
    });
    if let Some(at) = two_part {
        let first = phrase(words.get(..=at)?, 6)?;
        let second = words.get(at + 1)?;
        return Some(format!("{first}, {}", second.raw));
    }
    end = end.min(words.len());
    phrase(words.get(..end)?, 7)
}

fn called(subject: &str, clause: &[Word]) -> Option<Vec<Found>> {
    let plain =
        ["my name is", "my full|real|first name is", "i am called|named", "my name 's", "the name is"];
    let named = plain.iter().find_map(|opening| strip(clause, opening)).and_then(name);
    if let Some(named) = named.filter(|named| !POINTING.contains(&named.to_lowercase().as_str())) {
        return Some(vec![Found::new(subject, "is_named", named, 0.95)]);
    }
    let rest = strip(clause, "i am").or_else(|| strip(clause, "this is").filter(|_| subject == SPEAKER))?;
    let named = name(rest)?;
    let first = rest.first()?;
    let used = named.split(' ').count();
    let ends = rest.get(used - 1).is_some_and(|word| word.pause)
        || rest.len() == used
        || rest.get(used).is_some_and(|next| super::lists::ENDERS.contains(&next.low.as_str()));
    let low = first.low.as_str();
    let state = STATES.contains(&low) || PEOPLES.contains(&low) || JOBS.contains(&low);
    if !ends || state {
        return None;
    }
    if first.is_capitalised() && first.raw.chars().skip(1).any(char::is_lowercase) {
        return Some(vec![Found::new(subject, "is_named", named, 0.85)]);
    }
    let like_a_state = ["ing", "ed", "ly", "ful", "less", "ous", "ive", "ish", "able"]
        .iter()
        .any(|ending| low.ends_with(ending));
    let common = super::lists::COMMON_NAMES.contains(&low);
    (subject == SPEAKER && common && !like_a_state)
        .then(|| vec![Found::new(subject, "is_named", named, GUESS)])
}

fn favourite(subject: &str, clause: &[Word]) -> Option<Vec<Found>> {
    let rest = strip(clause, "my favourite").or_else(|| strip(clause, "my all-time|absolute favourite"));
    if let Some(rest) = rest {
        let verb = rest.iter().position(|word| matches!(word.low.as_str(), "is" | "are"))?;
        let thing: Vec<&str> = rest.get(..verb)?.iter().map(|word| word.low.as_str()).collect();
        if thing.is_empty() || thing.len() > 4 {
            return None;
        }
        let value = phrase(rest.get(verb + 1..)?, 8)?;
        return Some(vec![Found::new(subject, &format!("favourite_{}", thing.join("_")), value, PLAIN)]);
    }
    let at = (0..clause.len())
        .find(|at| clause.get(*at..).is_some_and(|tail| strip(tail, "is|are my favourite").is_some()))?;
    let thing: Vec<&str> = clause.get(at + 3..)?.iter().map(|word| word.low.as_str()).collect();
    let value = phrase(clause.get(..at)?, 6)?;
    (1..=3)
        .contains(&thing.len())
        .then(|| vec![Found::new(subject, &format!("favourite_{}", thing.join("_")), value, PLAIN)])
}

fn age(subject: &str, clause: &[Word]) -> Option<Vec<Found>> {
    let rest = ["i am", "i have? just? turned", "i turned", "my age is"]
        .iter()
        .find_map(|opening| strip(clause, opening))?;
    let number = rest.first()?;
    let years: u32 = number.low.parse().ok().or_else(|| in_words(&number.low))?;
    let ends = number.pause
        || rest.get(1).is_none_or(|next| {
            matches!(
                next.low.as_str(),
                "years" | "year" | "yo" | "y" | "and" | "now" | "today" | "from" | "living" | "with" | "but"
            )
        });
    ((1..=120).contains(&years) && ends)
        .then(|| vec![Found::new(subject, "is_aged", years.to_string(), PLAIN)])
}

fn in_words(low: &str) -> Option<u32> {
    const TENS: &[(&str, u32)] = &[
        ("twenty", 20),
        ("thirty", 30),
        ("forty", 40),
        ("fifty", 50),
        ("sixty", 60),
        ("seventy", 70),
        ("eighty", 80),
        ("ninety", 90),
    ];
    let unit = |word: &str| {
        NUMBERS.iter().position(|number| *number == word).and_then(|at| u32::try_from(at + 1).ok())
    };
    let ten = |word: &str| TENS.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    match low.split_once('-') {
        Some((tens, units)) => Some(ten(tens)? + unit(units)?),
        None => ten(low),
    }
}

fn having(subject: &str, clause: &[Word]) -> Option<Vec<Found>> {
    let rest = strip(clause, "i|we have got?")?;
    if let Some(condition) = rest.iter().take(3).find(|word| CONDITIONS.contains(&word.low.as_str())) {
        return Some(vec![Found::new(subject, "has_condition", condition.raw.clone(), PLAIN)]);
    }
    let what = strip(rest, "a|an|two|three|my")?;
    let phrase = phrase(what, 5)?;
    let owned = phrase.to_lowercase().split(' ').any(|word| POSSESSIONS.contains(&word));
    owned.then(|| vec![Found::new(subject, "owns", phrase, IMPLIED)])
}

fn being(subject: &str, clause: &[Word]) -> Option<Vec<Found>> {
    const TRAITS: &[&str] = &[
        "vegan",
        "vegetarian",
        "pescatarian",
        "married",
        "single",
        "divorced",
        "widowed",
        "engaged",
        "retired",
        "unemployed",
        "left-handed",
        "colour-blind",
        "colorblind",
        "deaf",
        "blind",
        "dyslexic",
        "diabetic",
        "autistic",
        "gay",
        "lesbian",
        "bisexual",
        "trans",
        "pregnant",
    ];
    let over = strip(clause, "i am no longer").or_else(|| strip(clause, "i am not"));
    let rest = over.or_else(|| strip(clause, "i am"))?;
    let predicate = |held: &str| if over.is_some() { format!("no_longer_{held}") } else { held.to_owned() };
    let article = strip(rest, "a|an");
    let what = phrase(article.unwrap_or(rest), 5)?;
    let last = what.to_lowercase();
    let last = last.split(' ').next_back()?.to_owned();
    let before_of = what.to_lowercase();
    let head = before_of
        .split(" of ")
        .next()
        .and_then(|part| part.split(" at ").next())
        .and_then(|part| part.split(" in ").next())
        .unwrap_or(&before_of);
    let head = head.split(' ').next_back().unwrap_or_default();
    if article.is_some() && JOBS.contains(&head) {
        return Some(vec![Found::new(subject, &predicate("works_as"), what, PLAIN)]);
    }
    if (TRAITS.contains(&last.as_str()) || PEOPLES.contains(&last.as_str())) && what.split(' ').count() <= 2 {
        return Some(vec![Found::new(subject, &predicate("is"), what, PLAIN)]);
    }
    None
}
