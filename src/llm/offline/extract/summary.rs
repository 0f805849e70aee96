//! What a session was about: its most telling sentences, in the third person.

use std::collections::BTreeMap;

use super::{lists::FEELINGS, statements};
use crate::{
    llm::offline::{
        stem::{content, is_light},
        text::{Word, capitalise, has_any, is_question, sentences, strip, words},
        verbs,
    },
    model::{SummaryDraft, TranscriptLine, UserId},
};

/// Below this many characters of people's own words there is nothing to sum up.
const LEAST_CHARACTERS: usize = 30;
/// Sentences of a summary.
const MOST_SENTENCES: usize = 4;

struct Candidate {
    order: usize,
    text: String,
    weight: f64,
}

/// The summary; `None` for fewer than two messages of people or fewer than 30 characters.
pub(super) fn summary(lines: &[TranscriptLine], facts: usize) -> Option<SummaryDraft> {
    let said: Vec<&TranscriptLine> = lines.iter().filter(|line| line.speaker.is_some()).collect();
    let characters: usize = said.iter().map(|line| line.text.trim().chars().count()).sum();
    if said.len() < 2 || characters < LEAST_CHARACTERS {
        return None;
    }
    let frequent = frequencies(&said);
    let mut candidates: Vec<Candidate> = Vec::new();
    // Whom each of them named last: `she` means nothing in a sentence that stands alone.
    let mut meant: Vec<(Option<UserId>, String)> = Vec::new();
    for line in &said {
        for sentence in sentences(&line.text) {
            let order = candidates.len();
            let about = meant.iter().rev().find(|(speaker, _)| *speaker == line.speaker);
            let clear = about.map_or_else(|| sentence.clone(), |(_, whom)| with_name(&sentence, whom));
            if let Some(whom) = statements(&sentence).iter().rev().find_map(who) {
                meant.push((line.speaker.clone(), whom));
            }
            if let Some((text, weight)) = weigh(&clear, &line.name, &frequent) {
                candidates.push(Candidate { order, text, weight });
            }
        }
    }
    candidates.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.order.cmp(&b.order)));
    candidates.truncate(MOST_SENTENCES);
    candidates.sort_by_key(|candidate| candidate.order);
    let text = candidates.into_iter().map(|candidate| candidate.text).collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return None;
    }
    let emotions = emotions(&said);
    let points = usize::from(facts > 0)
        + usize::from(facts > 3)
        + usize::from(!emotions.is_empty())
        + usize::from(characters > 600);
    let meaningfulness = u8::try_from(1 + points).unwrap_or(5).min(5);
    Some(SummaryDraft { text, meaningfulness, emotions, topics: topics(&frequent) })
}

/// The name of somebody of the speaker's, where a fact has it.
fn who(fact: &super::Found) -> Option<String> {
    (fact.predicate == "is_named" && fact.subject != super::SPEAKER && !fact.object.contains(' '))
        .then(|| capitalise(&fact.object))
}

/// `She lives in Kyiv` as `Olga lives in Kyiv`.
fn with_name(sentence: &str, whom: &str) -> String {
    let Some((first, rest)) = sentence.split_once(' ') else { return sentence.to_owned() };
    match first.to_lowercase().as_str() {
        "he" | "she" => format!("{whom} {rest}"),
        "he's" | "she's" => format!("{whom} is {rest}"),
        "his" | "her" => format!("{whom}'s {rest}"),
        _ => sentence.to_owned(),
    }
}

fn frequencies(said: &[&TranscriptLine]) -> BTreeMap<String, usize> {
    let mut frequent = BTreeMap::new();
    for line in said {
        for word in
            words(&line.text).iter().filter(|word| !is_light(&word.low) && word.low.chars().count() > 2)
        {
            *frequent.entry(word.low.clone()).or_insert(0) += 1;
        }
    }
    frequent
}

fn weigh(sentence: &str, name: &str, frequent: &BTreeMap<String, usize>) -> Option<(String, f64)> {
    let mut words = words(sentence);
    // `No` with nothing behind it takes its sentence back: `no short answers`.
    let takes_back = |words: &[Word]| words.first().is_some_and(|word| word.low == "no" && !word.pause);
    while let Some(rest) =
        ["hi|hello|hey|well|so|oh|yes|no|ok|and|but|thanks|haha|lol", "good morning|evening"]
            .iter()
            .filter(|_| !takes_back(&words))
            .find_map(|lead| strip(&words, lead))
    {
        words = rest.to_vec();
    }
    if words.len() < 3 || is_question(sentence) {
        return None;
    }
    let facts = statements(sentence).len() as f64;
    let feeling = FEELINGS.iter().any(|(_, shown)| has_any(&words, shown));
    let telling: usize = content(sentence).iter().filter_map(|stem| frequent.get(stem)).sum();
    let weight = facts * 2.0
        + if feeling { 1.0 } else { 0.0 }
        + (telling as f64).min(6.0) * 0.2
        + (words.len() as f64).min(20.0) * 0.03;
    words.truncate(40);
    let said = verbs::as_they(&words);
    // Nobody is called nothing: somebody whose name is unknown is somebody.
    let name = Some(name.trim()).filter(|name| !name.is_empty()).unwrap_or("Somebody");
    Some((format!("{} said: {said}.", capitalise(name)), weight))
}

fn emotions(said: &[&TranscriptLine]) -> Vec<String> {
    let all: Vec<_> = said.iter().flat_map(|line| words(&line.text)).collect();
    let mut counted: Vec<(usize, &str)> = FEELINGS
        .iter()
        .map(|(feeling, shown)| {
            (all.iter().filter(|word| shown.contains(&word.low.as_str())).count(), *feeling)
        })
        .filter(|(count, _)| *count > 0)
        .collect();
    counted.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    counted.into_iter().take(3).map(|(_, feeling)| feeling.to_owned()).collect()
}

fn topics(frequent: &BTreeMap<String, usize>) -> Vec<String> {
    let mut ranked: Vec<(&String, &usize)> = frequent.iter().collect();
    ranked.sort_by_key(|(word, count)| (std::cmp::Reverse(**count), std::cmp::Reverse(word.chars().count())));
    ranked.into_iter().take(5).map(|(word, _)| word.clone()).collect()
}
