//! Messages cut into clauses that state something: no questions, quotations, suppositions or jokes.

use super::lists::{ADVERBS, ENDERS, POINTING, TRAILING};
use crate::llm::offline::{
    stem::is_light,
    text::{Word, begins_like_question, has_any, join, sentences, strip, words},
};

/// A clause usually starts with one of these when another stands before it.
const STARTERS: &[&str] = &[
    "i", "my", "we", "our", "he", "she", "they", "it", "you", "there", "his", "her", "their", "its", "call",
    "what", "who", "where", "how", "do", "are", "can",
];

const COORDINATORS: &[&str] =
    &["and", "but", "so", "because", "although", "though", "while", "or", "plus", "then", "if"];

/// Any of these makes a sentence something else than a statement about the present.
const SUPPOSING: &[&str] = &[
    "i wish",
    "suppose",
    "imagine",
    "let us say",
    "what if",
    "pretend",
    "i dreamed|dreamt",
    "in my dream",
    "would",
    "maybe",
    "perhaps",
    "might",
    "hypothetically",
    "role play|roleplay",
    "i dream|dreamed|dreamt",
    "i had a dream",
    "in the|my|a|this game|movie|film|book|story|dream|novel|play",
    "once upon a time",
    "if i|we had|were|was|lived|could",
    "wish i|we",
    "let us pretend",
    "he|she|they says|said i|my",
    "could be",
    "as if",
    "almost",
];

/// Said of what stands before or after it, this takes everything back.
const TAKEN_BACK: &[&str] = &[
    "just kidding|joking",
    "am kidding|joking",
    "was kidding|joking",
    "only kidding|joking",
    "jk",
    "not true i lied",
    "it is a joke",
    "that was a joke",
];

/// The stating clauses of `text`, in order.
pub(super) fn clauses(text: &str) -> Vec<Vec<Word>> {
    if has_any(&words(text), TAKEN_BACK) {
        return Vec::new();
    }
    sentences(&without_quotes(text)).iter().flat_map(|sentence| of_sentence(sentence)).collect()
}

/// True for what is only supposed, dreamt or wished.
pub(super) fn is_supposed(sentence: &str) -> bool {
    has_any(&words(sentence), SUPPOSING)
}

fn of_sentence(sentence: &str) -> Vec<Vec<Word>> {
    let words = corrected(words(sentence));
    if super::ended::forgets(sentence).is_some() {
        return Vec::new();
    }
    let words = super::joints::together(&words).unwrap_or(words);
    let once = has_any(&words, &["i used to"]) && !has_any(&words, &["i used to live in|at"]);
    if has_any(&words, SUPPOSING) || once {
        return Vec::new();
    }
    let mut parts = split(&words);
    if sentence.trim_end_matches(['"', '\'', ')', ' ']).ends_with('?') {
        parts.pop();
    }
    let supposed = parts.iter().position(|part| part.first().is_some_and(|word| word.low == "if"));
    match supposed {
        Some(0) => return Vec::new(),
        Some(at) => parts.truncate(at),
        None => {}
    }
    let asks = parts.iter().position(|part| begins_like_question(part));
    if let Some(at) = asks {
        parts.truncate(at);
    }
    parts.iter().map(|part| plain(part)).filter(|part| !part.is_empty()).collect()
}

/// `My name is not Sam, it is Robin` without what is denied: `my name is Robin`.
fn corrected(words: Vec<Word>) -> Vec<Word> {
    let denied = (1..words.len()).find_map(|at| {
        let before = words.get(at - 1)?;
        let tail = words.get(at..)?;
        let denies = matches!(before.low.as_str(), "is" | "are" | "called" | "named");
        let rest = strip(tail, "not called|named?").filter(|_| denies)?;
        let pause = rest.iter().take(4).position(|word| word.pause);
        let but = rest.iter().take(4).position(|word| word.low == "but");
        let end = match (pause, but) {
            (_, Some(but)) => but,
            (Some(pause), None) => pause + 1,
            (None, None) => return None,
        };
        let rest = rest.get(end..)?;
        let kept = ["it is called|named?", "but it is", "but"].iter().find_map(|lead| strip(rest, lead))?;
        Some((at, kept.to_vec()))
    });
    match denied {
        Some((at, kept)) => words.into_iter().take(at).chain(kept).collect(),
        None => words,
    }
}

/// What is denied at the end of a clause: `Lisbon` in `I live in Porto, not Lisbon anymore`.
pub(super) fn denied(clause: &[Word]) -> Option<String> {
    let at = clause
        .iter()
        .position(|word| word.pause)
        .or_else(|| clause.iter().position(|word| word.low == "and"))?;
    let rest = strip(clause.get(at + 1..)?, "and? not in|at|from|as|a|an|the?")?;
    phrase(rest, 4)
}

/// Text without what stands in double quotes.
fn without_quotes(text: &str) -> String {
    let even = text.chars().filter(|c| matches!(c, '"' | '“' | '”')).count() % 2 == 0;
    if !even {
        return text.replace(['"', '“', '”'], "");
    }
    let mut inside = false;
    text.chars()
        .filter(|c| {
            if matches!(c, '"' | '“' | '”') {
                inside = !inside;
                return false;
            }
            !inside
        })
        .collect()
}

fn split(words: &[Word]) -> Vec<Vec<Word>> {
    let mut parts: Vec<Vec<Word>> = vec![Vec::new()];
    let mut pause = false;
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).map(|next| next.low.as_str());
        let has_more = (word.low == "and" || pause)
            && parts.last().is_some_and(|part| strip(part, "i|we have got?").is_some())
            && words
                .get(if word.low == "and" { at + 1 } else { at }..)
                .is_some_and(super::kin::counts_somebody);
        if has_more {
            // "I have a dog and two kids" has two clauses.
            let opening = parts.last().and_then(|part| part.get(..2)).unwrap_or_default().to_vec();
            parts.push(opening);
            pause = word.pause;
            if word.low != "and"
                && let Some(part) = parts.last_mut()
            {
                part.push(word.clone());
            }
            continue;
        }
        let starts = STARTERS.contains(&word.low.as_str());
        let joins = at > 0
            && COORDINATORS.contains(&word.low.as_str())
            && next.is_some_and(|next| STARTERS.contains(&next));
        let after_joiner = parts
            .last()
            .and_then(|part| part.last())
            .is_some_and(|last| COORDINATORS.contains(&last.low.as_str()));
        let tail = words.get(at..).unwrap_or_default();
        let unmarked = parts.last().is_some_and(|part| {
            super::joints::opens(part, tail) || !part.is_empty() && super::joints::brings_company(tail)
        });
        let joins = joins && !super::joints::parts_two(tail);
        if joins || unmarked || (pause && starts && !after_joiner) {
            parts.push(Vec::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(word.clone());
        }
        pause = word.pause;
    }
    parts
}

/// What may stand in front of a clause without belonging to it.
const LEAD_INS: &[&str] = &[
    "and",
    "but",
    "so",
    "with",
    "because",
    "although",
    "though",
    "while",
    "or",
    "plus",
    "then",
    "well",
    "yes",
    "no",
    "yeah",
    "oh",
    "ok",
    "hi",
    "hello",
    "hey",
    "thanks",
    "fyi",
    "btw",
    "by the way",
    "good morning|evening|afternoon",
    "nice to meet you",
    "to be honest",
    "in fact",
    "you know",
    "as you know",
    "i think",
    "i guess",
    "i must say",
    "i have to say",
    "sorry",
    "ah",
    "hmm",
    "haha",
    "lol",
    "also",
    "actually",
    "anyway",
    "honestly",
    "first of all",
    "today",
    "remember that",
    "please remember that?",
    "remember",
    "hiya",
    "yesterday",
    "i told you",
    "did you know that?",
    "these days",
    "nowadays",
    "wow",
    "yep",
    "yup",
    "nope",
    "nah",
    "sure",
    "now",
    "right now",
    "wait",
    "no wait",
    "oops",
    "correction",
    "update",
    "i mean",
    "i meant",
    "hold on",
    "since|from last? week|month|year|yesterday|today|monday|friday",
    "last week|month|year|summer|winter",
    "that is wrong|not right|old|outdated",
    "at the moment",
    "before that?",
    "previously",
    "earlier",
    "back then",
    "in the past",
    "once",
];

/// A clause from its subject on, without adverbs in front of the verb.
fn plain(clause: &[Word]) -> Vec<Word> {
    let mut rest = clause;
    let mut greeted = false;
    while let Some((lead, tail)) = LEAD_INS.iter().find_map(|lead| strip(rest, lead).map(|tail| (lead, tail)))
    {
        greeted |= matches!(*lead, "hi" | "hello" | "hey" | "hiya" | "good morning|evening|afternoon");
        rest = tail;
    }
    if let (true, Some((_, tail))) = (greeted, rest.split_first())
        && strip(tail, "i|my").is_some()
    {
        rest = tail;
    }
    let mut kept: Vec<Word> = Vec::new();
    for (at, word) in rest.iter().enumerate() {
        if at == 0 || at > 4 || !ADVERBS.contains(&word.low.as_str()) {
            kept.push(word.clone());
        }
    }
    kept
}

/// A phrase at the front of `words`, up to a pause or a joining word; `None` when it names nothing.
pub(super) fn phrase(words: &[Word], most_words: usize) -> Option<String> {
    let taken = take(words, |word| ENDERS.contains(&word.low.as_str()));
    tidy(taken, most_words)
}

/// The phrases of a list (`a, b and c`) at the front of `words`, at most eight.
pub(super) fn list(words: &[Word], most_words: usize) -> Vec<String> {
    let stops =
        |word: &Word| ENDERS.contains(&word.low.as_str()) && !matches!(word.low.as_str(), "and" | "or");
    let mut found = Vec::new();
    let mut item: Vec<Word> = Vec::new();
    for word in words {
        let joins = matches!(word.low.as_str(), "and" | "or");
        if stops(word) {
            break;
        }
        if joins {
            found.push(std::mem::take(&mut item));
            continue;
        }
        item.push(word.clone());
        if word.pause {
            found.push(std::mem::take(&mut item));
        }
    }
    found.push(item);
    found.iter().filter_map(|item| tidy(item, most_words)).take(8).collect()
}

fn take(words: &[Word], stops: impl Fn(&Word) -> bool) -> &[Word] {
    let mut end = 0;
    for word in words {
        if stops(word) {
            break;
        }
        end += 1;
        if word.pause {
            break;
        }
    }
    words.get(..end).unwrap_or_default()
}

fn tidy(words: &[Word], most_words: usize) -> Option<String> {
    let mut words = words;
    while let Some((last, most)) =
        words.split_last().filter(|(last, _)| TRAILING.contains(&last.low.as_str()))
    {
        words = most;
        let _ = last;
    }
    let first = words.first()?;
    if POINTING.contains(&first.low.as_str()) || words.len() > most_words {
        return None;
    }
    if words.iter().all(|word| is_light(&word.low)) {
        return None;
    }
    let text = join(words);
    (2..=100).contains(&text.chars().count()).then_some(text)
}

/// A name at the front of `words`: one to three words, capitalised unless only one.
pub(super) fn name(words: &[Word]) -> Option<String> {
    let first = words.first()?;
    let fits = |word: &Word| word.low.chars().all(|c| c.is_alphabetic() || c == '-' || c == '\'');
    let unfit = is_light(&first.low)
        || ENDERS.contains(&first.low.as_str())
        || POINTING.contains(&first.low.as_str());
    if !fits(first) || unfit || first.low.chars().count() < 2 {
        return None;
    }
    let mut taken = vec![first.clone()];
    let mut pause = first.pause;
    for word in words.iter().skip(1).take(2) {
        if pause || !(word.is_capitalised() && first.is_capitalised() && fits(word)) || word.low == "i" {
            break;
        }
        taken.push(word.clone());
        pause = word.pause;
    }
    let name = join(&taken);
    (2..=60).contains(&name.chars().count()).then_some(name)
}

/// Names joined by commas and `and` at the front of `words`, at most six, and how many words they took.
/// With `several`, a last name may be in small letters as the others are.
pub(super) fn names(words: &[Word], several: bool) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = words;
    while let Some(next) = name(rest).filter(|_| found.len() < 6) {
        let used = next.split(' ').count();
        let paused = rest.get(used - 1).is_some_and(|word| word.pause);
        found.push(next);
        rest = rest.get(used..).unwrap_or_default();
        let joined = strip(rest, "and");
        let in_small = found.last().is_some_and(|last| last.to_lowercase() == *last);
        let alone = |tail: &[Word]| {
            several && in_small && (tail.len() == 1 || tail.first().is_some_and(|word| word.pause))
        };
        rest = match joined {
            Some(tail)
                if (tail.first().is_some_and(Word::is_capitalised) || alone(tail))
                    && strip(tail, "i").is_none() =>
            {
                tail
            }
            _ if paused
                && rest.first().is_some_and(Word::is_capitalised)
                && joined.is_none()
                && strip(rest, "i").is_none() =>
            {
                rest
            }
            _ => break,
        };
    }
    found
}
