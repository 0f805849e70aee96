//! Wishes about answers, when they are stated as wishes.

use super::{clause::name, language, lists::POINTING, undone::undone};
use crate::{
    llm::offline::text::{Word, find, has, has_any, join, sentences, strip, words},
    model::{Preference, Style, Verbosity},
};

/// What the character says.
pub(super) const ANSWERS: &str =
    "answer|answers|reply|replies|response|responses|message|messages|text|texts|sentences|explanations";

/// The explicit wishes in `text`.
pub(crate) fn wishes(text: &str) -> Vec<Preference> {
    let mut found = Vec::new();
    for sentence in sentences(text) {
        let words = words(&sentence);
        let waved_off = has_any(
            &words,
            &[
                "do not have to|need",
                "not need to",
                "if i asked|ask|told",
                "he|she|they said|says|told|asked",
                "used to",
                "what if",
                "why do|did|are",
            ],
        );
        let taken_back = undone(&words);
        let is_taken_back = |wish: &Preference| taken_back.iter().any(|undone| undone.key() == wish.key());
        let mut wished: Vec<Preference> = Vec::new();
        if !waved_off && words.len() <= 40 {
            let rules: [Rule; 5] = [length, tone, emojis, language, timezone];
            wished.extend(rules.iter().filter_map(|rule| rule(&words)));
            wished.extend(nickname(&words));
            wished.retain(|wish| !is_taken_back(wish));
        }
        found.extend(taken_back);
        found.extend(wished);
        if waved_off || words.len() > 40 {
            continue;
        }
        found.extend(avoided(&words).into_iter().map(Preference::AvoidTopic));
    }
    found
}

type Rule = fn(&[Word]) -> Option<Preference>;

/// A wish is an order, a request or a stated liking, not a remark.
fn is_wish(words: &[Word]) -> bool {
    const ASKING: &[&str] = &[
        "please",
        "can|could|would|will you",
        "i want|prefer|need",
        "i would like|prefer",
        "i like|love it? when",
        "keep",
        "make",
        "give",
        "use",
        "be",
        "stop",
        "no",
        "talk|write|answer|reply|respond|speak",
        "try to",
        "from now on",
        "you should",
        "you can",
        "without",
        "less|fewer|more",
        "do not",
        "short|shorter|brief|longer|long",
    ];
    ASKING.iter().any(|asking| strip(words, asking).is_some())
        || has_any(
            words,
            &[
                "please",
                "can|could|would|will you",
                "i want|prefer|like",
                "i would like|prefer",
                "from now on",
                "let us",
            ],
        )
}

fn length(words: &[Word]) -> Option<Preference> {
    let about_answers = |adjective: &str| {
        has(words, &format!("{adjective} {ANSWERS}"))
            || ANSWERS.split('|').any(|noun| has(words, noun)) && has(words, adjective)
    };
    let short = about_answers("short|shorter|brief|briefer|concise")
        || has_any(
            words,
            &[
                "keep it|them|things very? short|brief|shorter|concise",
                "be more? brief|briefer|concise|succinct",
                "less text",
                "too long please",
                "make it|them short|shorter|brief",
                "shorter please",
                "please be? short|shorter|brief",
                "in one sentence please",
                "get to the point please",
            ],
        );
    let long = about_answers("long|longer|detailed")
        || has_any(
            words,
            &[
                "more detail|details please",
                "in more|greater detail",
                "be more detailed",
                "write|talk|answer more please",
                "make it|them longer",
                "longer please",
                "please be? longer",
            ],
        );
    let too_long = has_any(
        words,
        &["answers|replies|messages are too long", "answers|replies|messages are way too long"],
    );
    let too_short = has_any(words, &["answers|replies|messages are too short"]);
    let not_asked = strip(words, "thanks|i hate|did|do|is|are|was").is_some() && !has(words, "please");
    match (short || too_long, long || too_short) {
        _ if too_long => Some(Preference::Verbosity(Verbosity::Short)),
        _ if too_short => Some(Preference::Verbosity(Verbosity::Long)),
        (true, false) if is_wish(words) && !not_asked => Some(Preference::Verbosity(Verbosity::Short)),
        (false, true) if is_wish(words) && !not_asked => {
            Some(Preference::Verbosity(if has(words, "not so long|too long") {
                Verbosity::Short
            } else {
                Verbosity::Long
            }))
        }
        _ => None,
    }
}

fn tone(words: &[Word]) -> Option<Preference> {
    let manner = |adjectives: &str| {
        let forms = [
            format!("be a? bit|little? more? {adjectives}"),
            format!("talk|speak|write|answer|reply to? me? a? bit|little? more? {adjectives}"),
            format!("more {adjectives} please"),
            format!("{adjectives} tone|style|language|answers"),
            format!("keep it|things {adjectives}"),
        ];
        forms.iter().any(|form| has(words, form))
    };
    if !is_wish(words) {
        return None;
    }
    if manner("formal|formally|polite|politely|professional|professionally")
        && !has(words, "less formal|formally")
    {
        return Some(Preference::Style(Style::Formal));
    }
    let casual =
        manner("casual|casually|relaxed|informal|informally|chill") || has(words, "less formal|formally");
    casual.then_some(Preference::Style(Style::Casual))
}

fn emojis(words: &[Word]) -> Option<Preference> {
    if !has(words, "emoji|emojis|emoticons|smileys") {
        return None;
    }
    let off = [
        "no more? emoji|emojis|emoticons|smileys",
        "without any? emoji|emojis|emoticons|smileys",
        "stop using|with|the",
        "do not use|send|like|want",
        "fewer|less emojis|emoji",
        "hate|dislike emojis|emoji",
        "leave out|off|away the? emojis|emoji",
        "drop the? emojis|emoji",
    ];
    if has_any(words, &off) {
        return Some(Preference::Emojis(false));
    }
    let on = [
        "use more|some? emoji|emojis",
        "more emojis please",
        "i like|love your? emojis",
        "emojis are welcome|fine|ok",
        "add more|some? emojis|emoji",
    ];
    has_any(words, &on).then_some(Preference::Emojis(true))
}

const NOT_NAMES: &[&str] = &[
    "later",
    "back",
    "tomorrow",
    "tonight",
    "today",
    "when",
    "if",
    "at",
    "on",
    "crazy",
    "old-fashioned",
    "old",
    "stupid",
    "names",
    "again",
    "anytime",
    "sometime",
    "now",
    "soon",
    "by",
    "whatever",
    "maybe",
    "an",
    "a",
    "the",
];

fn nickname(words: &[Word]) -> Option<Preference> {
    let openings = [
        "please? call me",
        "you can|may|could just? call me",
        "just call me",
        "but? call me",
        "i prefer|want to be called",
        "i would like|prefer to be called",
        "i like being called",
        "can|could|would you please? call me",
        "i go by",
        "and you? can? call me",
        "my nickname is",
    ];
    let start = openings.iter().find_map(|opening| strip(words, opening));
    let after_pause = || {
        let at = words.iter().position(|word| word.pause)?;
        let rest = words.get(at + 1..)?;
        openings.iter().find_map(|opening| strip(rest, opening))
    };
    let joined = || {
        find(words, "but|so|and just|please? call me")
            .or_else(|| find(words, "but|so|and you can call me"))
            .or_else(|| find(words, "but|and i go by"))
    };
    let rest = start.or_else(after_pause).or_else(joined)?;
    let first = rest.first()?;
    let low = first.low.as_str();
    if NOT_NAMES.contains(&low) || POINTING.contains(&low) {
        return None;
    }
    let named = name(rest)?;
    Some(Preference::Nickname(crate::llm::offline::text::capitalise(&named)))
}

fn avoided(words: &[Word]) -> Vec<String> {
    let openings = [
        "please? do not ever? talk|speak|ask|chat me? to? me? about",
        "please? do not ever? mention|discuss",
        "please? do not ever? bring up",
        "please? never talk|speak about",
        "please? never mention|discuss",
        "please? never bring up",
        "please? stop talking|asking me? about",
        "please? stop mentioning",
        "please? stop bringing up",
        "please? avoid talking about",
        "please? avoid mentioning",
        "please? avoid the? topic|subject of",
        "let us not talk about",
        "i do not want to talk|hear|speak about",
        "i would rather not talk about",
        "i do not want to discuss",
        "please avoid",
        "can|could|would you please? not talk about",
        "can|could|would you please? not mention",
        "can|could you please? stop talking about",
    ];
    let starts = std::iter::once(words).chain(
        words.iter().enumerate().filter(|(_, word)| word.pause).filter_map(|(at, _)| words.get(at + 1..)),
    );
    let Some(mut rest) = starts.into_iter().find_map(|from| {
        let from = strip(from, "but|and|so|also").unwrap_or(from);
        openings.iter().find_map(|opening| strip(from, opening))
    }) else {
        return Vec::new();
    };
    rest = strip(rest, "my|the|any|this|anything about?").unwrap_or(rest);
    let enders = [
        "again", "anymore", "any", "please", "to", "with", "when", "because", "ever", "right", "now",
        "today", "in", "if", "for", "at", "but", "so", "until", "ok", "and", "or",
    ];
    let end = rest.iter().position(|word| enders.contains(&word.low.as_str())).unwrap_or(rest.len());
    // Asking for silence towards others is no wish about the topic.
    if rest.get(end).is_some_and(|word| word.low == "to") {
        return Vec::new();
    }
    let paused = rest.iter().position(|word| word.pause).map_or(end, |at| end.min(at + 1));
    let topic = rest.get(..paused).unwrap_or_default();
    let points = topic.first().is_none_or(|word| POINTING.contains(&word.low.as_str()));
    let text = join(topic).to_lowercase();
    let fits = !points && topic.len() <= 5 && (2..=60).contains(&text.chars().count());
    if fits { vec![text] } else { Vec::new() }
}

fn language(words: &[Word]) -> Option<Preference> {
    let openings = [
        "answer|reply|respond|write|talk|speak to? me? only? in",
        "speak|talk",
        "can|could we speak|talk in?",
        "i prefer|want answers|replies? in",
        "switch to",
        "let us speak|talk|switch to? in?",
    ];
    let rest = openings
        .iter()
        .find_map(|opening| {
            let asked = strip(words, "please|can|could|would|will? you? please? only?").unwrap_or(words);
            strip(asked, opening)
        })
        .or_else(|| nothing_but_a_name(words))?;
    let rest = strip(rest, "in").unwrap_or(rest);
    let first = rest.first()?;
    // "Can you speak Spanish?" asks; "speak Spanish with me" wishes.
    let only_asks = has(words, "can|could|do you speak")
        && !has(words, "with|to me")
        && !has(words, "please")
        && !has(words, "speak to? me? in");
    let tag = language::of_word(&first.raw)?;
    // `answer in no time`, `in de nada style`: a code stands alone, a name need not.
    let is_code = first.low.len() < 4 || first.low.contains('-');
    let alone =
        rest.get(1).is_none_or(|next| first.pause || matches!(next.low.as_str(), "please" | "now" | "from"));
    (!only_asks && (alone || !is_code)).then_some(Preference::Language(tag))
}

/// `English please`, `in German, please`, `please in French`.
fn nothing_but_a_name(words: &[Word]) -> Option<&[Word]> {
    let rest = strip(words, "ok? please? in?")?;
    let (name, after) = rest.split_first()?;
    let alone = strip(after, "again? now? please? again?").is_some_and(<[Word]>::is_empty);
    (alone && has(words, "please") && name.low.chars().count() > 3).then_some(rest)
}

fn timezone(words: &[Word]) -> Option<Preference> {
    let openings = [
        "my time zone is",
        "my timezone is",
        "time zone is",
        "i am in time zone",
        "i am in the? timezone",
        "set my timezone to",
        "set my time zone to",
        "i am on",
    ];
    let rest = openings.iter().find_map(|opening| find(words, opening))?;
    let zone = rest.first()?.raw.trim_matches('.').to_owned();
    let parsed: chrono_tz::Tz = zone.parse().ok()?;
    Some(Preference::Timezone(parsed.name().to_owned()))
}
