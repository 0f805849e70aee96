//! Where one clause ends and the next begins when people leave the punctuation out.

use crate::llm::offline::text::{Word, has_any, strip};

/// After these a subject goes on with the clause instead of opening another.
const BOUND: &[&str] = &[
    "that", "think", "hope", "know", "says", "said", "say", "guess", "wish", "where", "when", "who", "what",
    "how", "because", "if", "and", "but", "or", "so", "like", "as", "than", "sure", "told", "which", "while",
    "since", "the", "a", "feel", "before", "after", "until", "whether", "believe", "swear", "bet", "does",
    "do", "is",
];

/// Subjects with their verbs, as they stand where a full stop is missing.
const OPENING: &[&str] = &[
    "he|she is|was|has|lives|lived|works|likes|loves|hates|studies|plays|moved|died|comes",
    "his|her|its|their name|names is|are",
    "they are|live|work|have called|named|in|at",
    "i am|live|work",
    "my name is",
];

/// True when a clause of its own begins at the front of `rest`, `part` being what stands before it.
pub(super) fn opens(part: &[Word], rest: &[Word]) -> bool {
    let told = part.len() > 1 && part.first().is_some_and(|word| STATING.contains(&word.low.as_str()));
    let bound = part.last().is_none_or(|last| BOUND.contains(&last.low.as_str()))
        || has_any(part, &["told|tells|texted|asked me $"]);
    told && !bound && OPENING.iter().any(|opening| strip(rest, opening).is_some())
}

/// Clauses that begin so are statements.
const STATING: &[&str] = &["i", "my", "we", "our", "he", "she", "they", "hi", "hey", "hello"];

/// `with my boyfriend Marek`: the company is a clause of its own, and no part of what stands before it.
pub(super) fn brings_company(rest: &[Word]) -> bool {
    strip(rest, "with my|our").is_some_and(|tail| !tail.is_empty())
}

/// `Lena and I broke up` has one subject.
pub(super) fn parts_two(rest: &[Word]) -> bool {
    strip(rest, "and i have? just? broke|broken|split|separated").is_some()
        || strip(rest, "and i are|got no? longer? together|separated|divorced|finished|over").is_some()
}

/// `me and my girlfriend live` as `we live`.
pub(super) fn together(words: &[Word]) -> Option<Vec<Word>> {
    const VERBS: &[&str] = &["live", "have", "got", "moved", "are", "adopted", "bought", "own"];
    let rest = strip(words, "me|i and my|our")?;
    let verb =
        rest.iter().take(4).position(|word| VERBS.contains(&word.low.as_str())).filter(|at| *at > 0)?;
    let (whom, tail) = (rest.get(..verb)?, rest.get(verb..)?);
    let kin = whom.first().is_some_and(|word| super::is_kin(&word.low)) && !has_any(whom, &["and", "is"]);
    let mut turned: Vec<Word> = crate::llm::offline::text::words("we");
    turned.extend(tail.iter().cloned());
    if kin && let Some(last) = turned.last_mut() {
        // Who it is stays told, in a clause of its own.
        last.pause = true;
        turned.extend(crate::llm::offline::text::words("my"));
        turned.extend(whom.iter().cloned());
    }
    kin.then_some(turned)
}
