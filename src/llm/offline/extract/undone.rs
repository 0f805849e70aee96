//! Wishes taken back: `stop with the short answers`, `you can use emojis again`, `back to English`.

use super::{language, wishes::ANSWERS};
use crate::{
    llm::offline::text::{Word, has, has_any, strip},
    model::{Preference, Style, Verbosity},
};

/// What takes a wish back.
const NEGATED: &[&str] = &[
    "stop",
    "quit",
    "no more",
    "no",
    "not so|too|that|as",
    "do not",
    "forget about? the|those|your|that",
    "enough of|with",
    "drop the|those",
    "without the",
];

/// The wishes that a sentence takes back, as wishes for what is usual.
pub(super) fn undone(words: &[Word]) -> Vec<Preference> {
    let mut rest = words;
    while let Some(tail) = strip(
        rest,
        "ok|please|hey|and|but|now|can|could|would|will|you|also|actually|thanks|so|may|let|us|go",
    ) {
        rest = tail;
    }
    // What people say of themselves and of others is no wish.
    let told = words.first().is_none_or(|first| {
        matches!(
            first.low.as_str(),
            "i" | "my" | "the" | "he" | "she" | "we" | "they" | "it" | "why" | "what" | "this"
        )
    }) && !has_any(words, &["i want|would"]);
    if told || rest.len() > 14 {
        return Vec::new();
    }
    let negated = NEGATED.iter().any(|lead| strip(rest, lead).is_some());
    let again = has_any(words, &["again|anymore|longer|back", "any more|longer"]);
    let found = [
        length(words, negated),
        style(words, negated, again),
        emojis(words),
        language(rest, negated, again),
        nickname(words, rest),
    ];
    found.into_iter().flatten().collect()
}

fn length(words: &[Word], negated: bool) -> Option<Preference> {
    let of_answers = ANSWERS.split('|').any(|noun| has(words, noun))
        || has_any(
            words,
            &["keep|keeping|make|making it|things|them", "be|being", "not so|too|that short|brief|long"],
        );
    let short = has_any(words, &["short|shorter|brief|briefer|concise|succinct|curt"]);
    let long = has_any(words, &["long|detailed|lengthy|verbose"]);
    if negated && of_answers && short && !long {
        return Some(Preference::Verbosity(Verbosity::Medium));
    }
    if negated && of_answers && long && !short {
        return Some(Preference::Verbosity(Verbosity::Short));
    }
    // `No short answers please, I love long ones`: what is refused comes first.
    if negated && of_answers && short && long {
        let brief = words.iter().position(|word| {
            matches!(
                word.low.as_str(),
                "short" | "shorter" | "brief" | "briefer" | "concise" | "succinct" | "curt"
            )
        });
        let lengthy = words
            .iter()
            .position(|word| matches!(word.low.as_str(), "long" | "detailed" | "lengthy" | "verbose"));
        let wanted = if brief < lengthy { Verbosity::Long } else { Verbosity::Short };
        return Some(Preference::Verbosity(wanted));
    }
    let usual = has_any(
        words,
        &[
            "write|answer|reply|respond normally|fully|longer|more again",
            "answer|reply|respond|write normally",
            "talk|speak longer|more again",
            "normal|usual|regular|default|full length|size $",
            "normal|usual|regular|default|full length|size again|please|now",
            "normal|usual|regular|default answers|replies|messages",
            "longer again",
            "answers|replies|messages can be longer|normal|more",
        ],
    );
    let may = strip(words, "ok|so|now? you can|may write|talk|say|answer|reply more|longer")
        .or_else(|| strip(words, "you can|may write|talk|say|answer|reply more|longer"))
        .is_some_and(|tail| {
            tail.first().is_none_or(|word| matches!(word.low.as_str(), "now" | "again" | "please"))
        });
    (usual || may).then_some(Preference::Verbosity(Verbosity::Medium))
}

fn style(words: &[Word], negated: bool, again: bool) -> Option<Preference> {
    if has_any(words, &["talk|speak normally", "be yourself again", "normal|usual tone|style again?"]) {
        return Some(Preference::Style(Style::Matching));
    }
    let formal = has_any(words, &["formal|formally|polite|stiff|professional"]);
    let casual = has_any(words, &["casual|casually|informal|chill|relaxed"]);
    match (negated, formal, casual) {
        (true, true, false) | (true, false, true) if again => Some(Preference::Style(Style::Matching)),
        (true, true, false) => Some(Preference::Style(Style::Casual)),
        (true, false, true) => Some(Preference::Style(Style::Formal)),
        _ => None,
    }
}

fn emojis(words: &[Word]) -> Option<Preference> {
    let named = has(words, "emoji|emojis|emoticons|smileys");
    let welcome = has_any(
        words,
        &[
            "emoji|emojis|emoticons|smileys again|back",
            "emoji|emojis|emoticons|smileys are|is welcome|fine|ok|allowed|great",
            "can|may use|send|add some? emoji|emojis|emoticons|smileys",
            "do not have|need to leave|avoid|skip|drop",
            "stop leaving|avoiding|skipping",
        ],
    );
    (named && welcome).then_some(Preference::Emojis(true))
}

fn language(rest: &[Word], negated: bool, again: bool) -> Option<Preference> {
    let named = |tail: &[Word]| {
        let tag = language::of_word(&tail.first()?.raw)?;
        let ends = tail.get(1).is_none_or(|next| {
            tail.first().is_some_and(|word| word.pause)
                || matches!(
                    next.low.as_str(),
                    "please" | "again" | "now" | "anymore" | "any" | "with" | "to" | "for"
                )
        });
        ends.then_some(tag)
    };
    let back = ["back to", "switch|change|return back? to", "return to"]
        .iter()
        .find_map(|lead| strip(rest, lead))
        .and_then(named);
    if let Some(tag) = back {
        return Some(Preference::Language(tag));
    }
    let stopped = [
        "stop answering|writing|speaking|talking|replying|responding|using to? me? in?",
        "no more",
        "do not answer|write|speak|talk|reply|respond|use to? me? in?",
        "enough of? the?",
    ]
    .iter()
    .find_map(|lead| strip(rest, lead).and_then(named));
    let wished =
        strip(rest, "speak|talk|write|answer|reply|use in?").and_then(named).filter(|_| again && !negated);
    stopped.filter(|tag| !tag.starts_with("en")).map(|_| "en".to_owned()).or(wished).map(Preference::Language)
}

/// An empty nickname: the name they have is enough.
fn nickname(words: &[Word], rest: &[Word]) -> Option<Preference> {
    let stopped = strip(rest, "stop calling me").is_some()
        || strip(rest, "do not call me").is_some() && has_any(words, &["again|anymore", "any more"])
        || has_any(
            words,
            &[
                "use|by my real|actual|own|normal name",
                "call me by my real|actual|own|normal? name",
                "no more? nickname|nicknames",
                "drop|forget the nickname",
            ],
        );
    let other = words.iter().enumerate().any(|(at, word)| {
        word.pause && words.get(at + 1..).is_some_and(|tail| strip(tail, "please|just? call me").is_some())
    });
    (stopped && !other).then(|| Preference::Nickname(String::new()))
}
