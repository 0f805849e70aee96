//! What is over: partings, losses and jobs that were left. And what somebody wants to have forgotten.

use super::{Found, SPEAKER, clause::name};
use crate::llm::offline::text::{Word, find, has_any, join, sentences, strip, words};

/// Said in plain words.
const PLAIN: f64 = 0.9;

/// People one can part with.
const PARTNERS: &str = "girlfriend|boyfriend|wife|husband|partner|fiancé|fiance|fiancée|fiancee";

/// The facts of a clause that tells of an end; `None` when it tells of none.
pub(super) fn facts(clause: &[Word]) -> Option<Vec<Found>> {
    let one = |predicate: &str, object: String| vec![Found::new(SPEAKER, predicate, object, PLAIN)];
    if let Some(whom) = parted(clause) {
        let mut found = one("parted_with", whom);
        if has_any(clause, &["divorced"]) {
            found.push(Found::new(SPEAKER, "is", "divorced", PLAIN));
        }
        return Some(found);
    }
    if is_job_left(clause) {
        let mut found = one("left", "my job".to_owned());
        found.extend(super::statements::facts(SPEAKER, clause).unwrap_or_default());
        return Some(found);
    }
    if let Some(whom) = died(clause) {
        return Some(one("lost", whom));
    }
    no_longer(clause)
}

/// Whom the speaker has parted with: a name, `my girlfriend`, or `my partner` when nobody is named.
fn parted(clause: &[Word]) -> Option<String> {
    const OVER: &str = "have? just? broke|broken|split|separated up?";
    let somebody = || "my partner".to_owned();
    let whom = |words: &[Word]| match strip(words, "my|our") {
        Some(tail) => {
            let noun = strip(tail, PARTNERS).and_then(|_| tail.first())?;
            let called = tail.get(1).filter(|next| next.is_capitalised()).map(|next| next.raw.clone());
            Some(called.unwrap_or_else(|| format!("my {}", noun.low)))
        }
        None => {
            words.first().filter(|first| first.is_capitalised() && first.low != "i").and_then(|_| name(words))
        }
    };
    let over = |words: &[Word]| {
        strip(words, "have? just? broke|broken|split|separated up").is_some()
            || strip(words, "are? have? separated|divorced|finished").is_some()
            || strip(words, "are not|no together longer?").is_some()
            || strip(words, "are no longer together").is_some()
    };
    if let Some(rest) =
        strip(clause, "i have? just? broke|broken|split up with").or_else(|| strip(clause, "i dumped"))
    {
        return whom(rest);
    }
    if let Some(rest) = strip(clause, "i have? just? left").filter(|rest| strip(rest, "my").is_some()) {
        return whom(rest);
    }
    if strip(clause, "we").is_some_and(over)
        || strip(clause, "i|we have? got|am|are getting? divorced").is_some()
    {
        return Some(somebody());
    }
    let at = clause.iter().position(|word| word.low == "and");
    if let Some(at) = at {
        let (before, after) = (clause.get(..at)?, clause.get(at + 1..)?);
        if strip(after, "i").is_some_and(over) {
            return whom(before);
        }
        let behind = strip(before, "me|i").is_some_and(<[Word]>::is_empty);
        let verb = (1..after.len()).find(|at| after.get(*at..).is_some_and(over));
        if behind && verb.is_some() {
            return whom(after);
        }
    }
    // "Lena left me", "my boyfriend broke up with me".
    let left = (1..=3.min(clause.len())).find(|at| {
        clause.get(*at..).is_some_and(|tail| {
            strip(tail, "has? just? left|dumped me").is_some()
                || strip(tail, &format!("{OVER} with me")).is_some()
        })
    })?;
    whom(clause.get(..left)?)
}

fn is_job_left(clause: &[Word]) -> bool {
    let left = strip(clause, "i have? just? quit|left|lost my|the old? job")
        .is_some_and(|rest| strip(rest, "at|with|in").is_none());
    left || strip(clause, "i have? just? got|been|was fired|sacked|let").is_some()
        || strip(clause, "i have? got|been|was laid off").is_some()
        || strip(clause, "i am unemployed|jobless").is_some()
        || strip(clause, "i have? just? retired").is_some()
        || strip(clause, "i am retired").is_some()
}

/// Who of the speaker's has died: `my dog`, or a name.
fn died(clause: &[Word]) -> Option<String> {
    let at = (1..=4).find(|at| {
        clause.get(*at..).is_some_and(|tail| {
            strip(tail, "has? just? sadly? died").is_some()
                || strip(tail, "has? just? sadly? passed away|on").is_some()
                || strip(tail, "is dead|gone").is_some_and(<[Word]>::is_empty)
                || strip(tail, "was put down").is_some()
                || strip(tail, "was put to sleep").is_some()
        })
    });
    if let Some(at) = at {
        let who = clause.get(..at)?;
        return match strip(who, "my|our") {
            Some(kin) => {
                let known = kin.iter().rposition(|word| super::is_kin(&word.low))?;
                let named = kin.get(known + 1).map(|word| word.raw.clone());
                named.or_else(|| kin.get(known).map(|word| format!("my {}", word.low)))
            }
            None => name(who)
                .filter(|named| named.split(' ').count() == at && who.iter().all(Word::is_capitalised)),
        };
    }
    // "I lost my dog last week."
    let kin = strip(clause, "i|we have? just? lost|buried my|our")?.first()?;
    super::is_kin(&kin.low).then(|| format!("my {}", kin.low))
}

/// `I no longer collect stamps`, `I stopped collecting stamps`.
fn no_longer(clause: &[Word]) -> Option<Vec<Found>> {
    const STOPPED: &[(&str, &str)] = &[
        ("eating", "does_not_eat"),
        ("drinking", "does_not_drink"),
        ("learning", "no_longer_learns"),
        ("studying", "no_longer_studies"),
        ("collecting", "no_longer_collects"),
        ("supporting", "no_longer_supports"),
    ];
    if let Some(rest) = strip(clause, "i have? stopped|quit") {
        let (verb, tail) = rest.split_first()?;
        let (_, predicate) = STOPPED.iter().find(|(stopped, _)| *stopped == verb.low)?;
        let object = super::clause::phrase(tail, 5)?;
        return Some(vec![Found::new(SPEAKER, predicate, object, PLAIN)]);
    }
    let rest = strip(clause, "i|we no longer")?;
    const VERBS: &str = "collect|study|learn|support|own|drive|speak|have";
    strip(rest, VERBS)?;
    if let Some(had) = strip(rest, "have a|an|my|any?") {
        let object = super::clause::phrase(had, 4)?;
        return Some(vec![Found::new(SPEAKER, "does_not_have", object, PLAIN)]);
    }
    let mut said: Vec<Word> = words("I");
    said.extend(rest.iter().cloned());
    let found = super::statements::facts(SPEAKER, &said)?;
    Some(
        found
            .into_iter()
            .map(|fact| Found { predicate: format!("no_longer_{}", fact.predicate), ..fact })
            .collect(),
    )
}

/// See [`super::forgets`].
pub(super) fn forgets(text: &str) -> Option<String> {
    sentences(text).iter().find_map(|sentence| {
        let all = words(sentence);
        let mut rest = all.as_slice();
        while let Some(tail) = strip(
            rest,
            "please|ok|hey|and|but|can|could|would|will|you|just|i|want|to|actually|also|now|so|no",
        ) {
            rest = tail;
        }
        let asks = [
            "forget",
            "do not remember|store|save|keep|record",
            "delete|erase|unremember",
            "stop remembering",
        ]
        .iter()
        .find_map(|lead| strip(rest, lead))?;
        let of_speaker = all.first().is_some_and(|word| word.low == "i")
            && !has_any(&all, &["want you to", "want you", "would like you"]);
        let names_what = has_any(
            asks,
            &[
                "i|we said|told|say|mentioned|wrote",
                "about",
                "that $",
                "this $",
                "it $",
                "what",
                "everything",
                "me $",
            ],
        ) || strip(asks, "that|this|it|my|him|her|them").is_some();
        let other = has_any(asks, &["to", "how to", "your instructions|rules", "instructions|prompt|rules"])
            || has_any(asks, &["answers|answer|replies|nickname|emojis|messages|formal"]);
        if of_speaker || !names_what || other {
            return None;
        }
        let about = find(asks, "about")
            .or_else(|| strip(asks, "that|everything? my|our").filter(|rest| !rest.is_empty()));
        let named = about.map(|rest| {
            let kept: Vec<Word> = rest
                .iter()
                .filter(|word| {
                    !matches!(
                        word.low.as_str(),
                        "my" | "our" | "the" | "please" | "it" | "that" | "this" | "me"
                    )
                })
                .take_while(|word| !matches!(word.low.as_str(), "is" | "are" | "and" | "was" | "called"))
                .take(3)
                .cloned()
                .collect();
            join(&kept)
        });
        Some(named.unwrap_or_default())
    })
}
