//! The pets and the people of the speaker, and what is said about them.

use super::{
    Found, SPEAKER,
    clause::{name, names},
    lists::{DESCRIBING, ENDERS, NUMBERS, PETS, RELATIONS},
    statements,
};
use crate::llm::offline::{
    text::{Word, strip},
    verbs,
};

/// Something or somebody of the speaker's: how it was called, its kind, and how many.
struct Kin<'a> {
    /// `dog`, `cats`, `sister`, as in `user's dog`.
    noun: String,
    /// Singular.
    kind: String,
    is_pet: bool,
    /// What stands behind the noun.
    rest: &'a [Word],
    /// A pause stands behind the noun.
    pause: bool,
}

/// The facts of a clause about a pet or a person of the speaker; `last_named` is who `his name` and `she` mean.
pub(super) fn facts(clause: &[Word], last_named: &mut Option<String>) -> Option<Vec<Found>> {
    if let Some(found) = by_pronoun(clause, last_named.as_deref()) {
        return Some(found);
    }
    if let Some(rest) = [
        "i|we have got?",
        "i|we own",
        "there is|are",
        "i|we have? got|adopted|bought|rescued",
        "i|we have adopted|bought|rescued",
    ]
    .iter()
    .find_map(|opening| strip(clause, opening))
    {
        let (count, counted) = count(rest)?;
        let kin = noun(counted)?;
        return had(&kin, count, last_named);
    }
    if let Some(rest) = strip(clause, "my|our") {
        let (count, counted) = count(rest).unwrap_or((0, rest));
        return match noun(counted) {
            Some(kin) => described(&kin, count, last_named),
            None => called_thing(rest),
        };
    }
    // "Luna is my dog."
    let named = name(clause)?;
    let rest = clause.get(named.split(' ').count()..)?;
    let kin = noun(strip(rest, "is my|our")?).filter(|kin| kin.rest.is_empty() || kin.pause)?;
    Some(introduce(&kin, &[named], last_named))
}

fn by_pronoun(clause: &[Word], last_named: Option<&str>) -> Option<Vec<Found>> {
    let noun = last_named?;
    let openings = [
        "his|her|its|their name|names is|are",
        "he|she|it|they is|are called|named",
        "i|we named|call|called him|her|it|them",
    ];
    if let Some(rest) = openings.iter().find_map(|opening| strip(clause, opening)) {
        let names = names(rest, false);
        let known = !names.is_empty();
        return known
            .then(|| vec![Found::new(&format!("user's {noun}"), "is_named", names.join(" and "), 0.85)]);
    }
    let rest = strip(clause, "he|she")?;
    about(noun, rest)
}

pub(super) fn is_kin(low: &str) -> bool {
    let singular = singular(low);
    PETS.contains(&singular.as_str()) || RELATIONS.contains(&singular.as_str())
}

/// True for `two kids`, `a cat called Miso`: somebody who is counted at the front of `words`.
pub(super) fn counts_somebody(words: &[Word]) -> bool {
    let counted = words.first().is_some_and(|first| !matches!(first.low.as_str(), "my" | "our"));
    counted && count(words).is_some_and(|(_, rest)| noun(rest).is_some())
}

fn count(words: &[Word]) -> Option<(usize, &[Word])> {
    let first = words.first()?;
    let tail = words.get(1..)?;
    if let Some(at) = NUMBERS.iter().position(|number| *number == first.low) {
        return Some((at + 1, tail));
    }
    if let Ok(number) = first.low.parse::<usize>() {
        return (1..=99).contains(&number).then_some((number, tail));
    }
    match first.low.as_str() {
        "a" | "an" | "my" | "our" | "another" => Some((1, tail)),
        "some" | "several" | "many" => Some((0, tail)),
        _ => None,
    }
}

fn noun(words: &[Word]) -> Option<Kin<'_>> {
    let mut rest = words;
    let mut describing: Vec<&Word> = Vec::new();
    while let Some((word, tail)) = rest.split_first() {
        let singular = singular(&word.low);
        let is_pet = PETS.contains(&singular.as_str());
        let is_relation = RELATIONS.contains(&singular.as_str());
        let more_follows =
            tail.first().is_some_and(|next| PETS.contains(&self::singular(&next.low).as_str()));
        if (is_pet || is_relation) && (word.pause || !more_follows) {
            // "My ex girlfriend" is no girlfriend.
            let former = (singular == "ex").then(|| tail.first()).flatten().filter(|next| {
                ["girlfriend", "boyfriend", "wife", "husband", "partner"].contains(&next.low.as_str())
            });
            if let Some(next) = former {
                let noun = format!("ex-{}", next.low);
                let rest = tail.get(1..).unwrap_or_default();
                return Some(Kin { noun: noun.clone(), kind: noun, is_pet, rest, pause: next.pause });
            }
            let guinea = singular == "guinea";
            let rest = if guinea { tail.get(1..).unwrap_or_default() } else { tail };
            let (noun, kind) = if guinea {
                ("guinea pig".into(), "guinea pig".into())
            } else {
                (word.low.clone(), singular)
            };
            let best = kind == "friend" && describing.iter().any(|word| word.low == "best");
            let with = |noun: String| if best { format!("best {noun}") } else { noun };
            return Some(Kin { noun: with(noun), kind: with(kind), is_pet, rest, pause: word.pause });
        }
        let adjective = DESCRIBING.contains(&word.low.as_str()) || word.low.contains("-old") || is_pet;
        if !adjective || describing.len() > 3 {
            return None;
        }
        describing.push(word);
        rest = tail;
    }
    None
}

fn singular(low: &str) -> String {
    match low {
        "children" => return "child".into(),
        "mice" => return "mouse".into(),
        "wives" => return "wife".into(),
        "puppies" => return "puppy".into(),
        "babies" => return "baby".into(),
        "boss" | "fish" => return low.into(),
        _ => {}
    }
    let known = |word: &str| PETS.contains(&word) || RELATIONS.contains(&word);
    low.strip_suffix('s').filter(|root| known(root)).unwrap_or(low).to_owned()
}

/// `I have two cats, A and B`.
fn had(kin: &Kin<'_>, count: usize, last_named: &mut Option<String>) -> Option<Vec<Found>> {
    let several = kin.noun != kin.kind;
    if ENDERS.contains(&kin.rest.first().map(|word| word.low.as_str()).unwrap_or_default())
        || kin.rest.is_empty()
    {
        return Some(plainly_had(kin, count, last_named));
    }
    let called =
        ["named|called", "whose name|names is|are", "who|that|which is|are called|named", "by the name of"];
    let rest =
        called.iter().find_map(|opening| strip(kin.rest, opening)).or_else(|| kin.pause.then_some(kin.rest));
    let names = rest.map(|rest| names(rest, several)).unwrap_or_default();
    if names.is_empty() {
        // "a dog problem" is no dog.
        let goes_on = kin.pause
            || matches!(
                kin.rest.first().map(|word| word.low.as_str()),
                Some(
                    "in" | "at"
                        | "with"
                        | "from"
                        | "named"
                        | "called"
                        | "now"
                        | "too"
                        | "as"
                        | "last"
                        | "today"
                        | "yesterday"
                        | "years"
                        | "for"
                )
            );
        return goes_on.then(|| plainly_had(kin, count, last_named));
    }
    Some(introduce(kin, &names, last_named))
}

fn plainly_had(kin: &Kin<'_>, count: usize, last_named: &mut Option<String>) -> Vec<Found> {
    *last_named = Some(kin.noun.clone());
    let number = if count == 0 {
        "some".to_owned()
    } else {
        NUMBERS.get(count - 1).map_or_else(|| count.to_string(), |word| (*word).to_owned())
    };
    if kin.is_pet {
        let object = if count == 1 { kin.kind.clone() } else { format!("{number} {}", kin.noun) };
        return vec![Found::new(SPEAKER, "has_pet", object, 0.9)];
    }
    vec![Found::new(SPEAKER, &predicate(kin), number, 0.9)]
}

fn predicate(kin: &Kin<'_>) -> String {
    format!("has_{}", kin.kind.replace([' ', '-'], "_"))
}

fn introduce(kin: &Kin<'_>, names: &[String], last_named: &mut Option<String>) -> Vec<Found> {
    *last_named = Some(kin.noun.clone());
    let names = names.join(" and ");
    let subject = format!("user's {}", kin.noun);
    let had = if kin.is_pet {
        Found::new(SPEAKER, "has_pet", kin.kind.clone(), 0.9)
    } else {
        Found::new(SPEAKER, &predicate(kin), names.clone(), 0.9)
    };
    vec![had, Found::new(&subject, "is_named", names, 0.9)]
}

/// `my sister Ana lives in Porto`, `my dog's name is Luna`, `our two cats, A and B`.
fn described(kin: &Kin<'_>, count: usize, last_named: &mut Option<String>) -> Option<Vec<Found>> {
    *last_named = Some(kin.noun.clone());
    let several = kin.noun != kin.kind;
    let called = [
        "'s name is",
        "names? is|are called|named",
        "is|are named|called",
        "'s called|named",
        "name is",
        "named|called",
        "names are",
        "'s names are",
    ];
    if let Some(rest) = called.iter().find_map(|opening| strip(kin.rest, opening)) {
        let names = names(rest, several);
        return (!names.is_empty()).then(|| introduce(kin, &names, last_named));
    }
    if kin.rest.is_empty() {
        return None;
    }
    // "My dogs are Rex and Max."
    let listed = strip(kin.rest, "are").map(|rest| names(rest, several)).filter(|names| names.len() > 1);
    if let Some(names) = listed {
        return Some(introduce(kin, &names, last_named));
    }
    let first = kin
        .rest
        .first()
        .filter(|word| word.is_capitalised() && word.low != "i" || !several && reads_as_name(word, kin.rest));
    let names = first.map(|_| names(kin.rest, several)).unwrap_or_default();
    if names.is_empty() || (count > 1 && names.len() > count) {
        return about(&kin.noun, kin.rest);
    }
    let used: usize =
        names.iter().map(|name| name.split(' ').count()).sum::<usize>() + usize::from(names.len() > 1);
    let mut found = introduce(kin, &names, last_named);
    if names.len() == 1 && !kin.pause {
        found.extend(about(&kin.noun, kin.rest.get(used..).unwrap_or_default()).unwrap_or_default());
    }
    Some(found)
}

/// A name in small letters: `marek` in `my bf marek` and in `my bf marek is tall`.
fn reads_as_name(word: &Word, rest: &[Word]) -> bool {
    const VERBS: &[&str] = &[
        "died",
        "left",
        "ran",
        "came",
        "went",
        "said",
        "told",
        "got",
        "sings",
        "was",
        "did",
        "just",
        "who",
        "too",
        "and",
        "but",
        "today",
        "yesterday",
        "now",
        "here",
        "there",
        "made",
        "gave",
        "fell",
        "broke",
        "ate",
        "has",
        "had",
        "from",
        "with",
        "at",
        "in",
        "on",
        "live",
        "work",
        "have",
        "about",
        "for",
        "to",
        "as",
        "again",
        "also",
        "always",
        "never",
        "could",
        "would",
        "may",
        "can",
        "will",
        "keep",
        "kept",
        "bit",
        "won",
        "lost",
        "once",
        "tomorrow",
        "tonight",
        "alone",
        "away",
        "home",
        "back",
        "instead",
        "anymore",
        "please",
        "lol",
        "haha",
    ];
    let low = word.low.as_str();
    let common = super::lists::COMMON_NAMES.contains(&low);
    let verbal = VERBS.contains(&low)
        || super::lists::STATES.contains(&low)
        || super::lists::PETS.contains(&low)
        || ["s", "ed", "ing", "ly"].iter().any(|ending| low.ends_with(ending));
    let ends = word.pause
        || rest.get(1).is_none_or(|next| {
            matches!(
                next.low.as_str(),
                "is" | "lives" | "works" | "has" | "and" | "who" | "was" | "loves" | "likes"
            )
        });
    ends && (common || !verbal) && low.chars().all(char::is_alphabetic) && low.chars().count() > 2
}

/// What is said about one of them, read as if they said it themself.
fn about(noun: &str, rest: &[Word]) -> Option<Vec<Found>> {
    let (verb, tail) = rest.split_first()?;
    let subject = format!("user's {noun}");
    let is = verb.low == "is" || verb.low == "'s";
    let as_i = if is { "am".to_owned() } else { verbs::with_i(&verb.low) };
    let mut told: Vec<Word> = crate::llm::offline::text::words("I");
    told.push(Word { raw: as_i.clone(), low: as_i, pause: verb.pause });
    let tail = tail.iter().filter(|word| {
        !matches!(word.low.as_str(), "also" | "really" | "just" | "currently" | "now" | "still")
    });
    told.extend(tail.map(|word| Word {
        low: if word.low == "does" { "do".into() } else { word.low.clone() },
        ..word.clone()
    }));
    statements::facts(&subject, &told)
}

/// `my boat is called Paciencia`.
fn called_thing(rest: &[Word]) -> Option<Vec<Found>> {
    let at = (1..=3).find(|at| {
        rest.get(*at..).is_some_and(|tail| {
            strip(tail, "is|are called|named").is_some() || strip(tail, "'s name is").is_some()
        })
    })?;
    let thing: Vec<&str> = rest.get(..at)?.iter().map(|word| word.low.as_str()).collect();
    let tail = rest.get(at..)?;
    let named = name(strip(tail, "is|are called|named").or_else(|| strip(tail, "'s name is"))?)?;
    (thing != ["name"])
        .then(|| vec![Found::new(&format!("user's {}", thing.join(" ")), "is_named", named, 0.85)])
}
