//! What a message shows, as numbers, and what the shipped weights make of them.

use std::sync::LazyLock;

use super::{
    Flag, Guess, grams,
    model::{LEVELS, Model},
    signs,
    signs::Shown,
};
use crate::model::{Level, UnitScore};

/// Of messages in the middle, the features that are no signs.
const MEASURES: [&str; 18] = [
    "always",
    "length",
    "over_8_words",
    "over_25_words",
    "over_60_words",
    "sentences",
    "commas",
    "lines",
    "question_mark",
    "two_questions",
    "role_play",
    "no_word",
    "some_tool",
    "some_past",
    "one_step_word",
    "more_step_words",
    "one_depth_word",
    "more_depth_words",
];

static MODEL: LazyLock<Model> = LazyLock::new(Model::shipped);

/// How alike a message is to the prototype sentences of each level.
pub(super) type Likeness = [f32; 4];

/// Signs of several steps.
pub(super) const STEPS: [&str; 8] =
    ["summary", "compare", "plan", "list_all", "code_work", "code_shape", "procedure", "compose"];
/// Signs of synthesis.
pub(super) const DEPTH: [&str; 6] = ["depth", "argue", "pattern", "big_topic", "build_big", "whole_self"];
/// Signs that one tool does it.
pub(super) const TOOLS: [&str; 8] =
    ["search", "live", "remind", "calculate", "image", "voice", "world_clock", "ask_other"];
/// Signs of a question about the past.
pub(super) const PAST: [&str; 3] = ["asks_past", "own_question", "told"];

/// What a message shows.
#[derive(Debug, Clone)]
pub(super) struct Features {
    /// Signs and measures, in the order of [`names`].
    pub(super) named: Vec<f64>,
    /// The places of its grams.
    pub(super) places: Vec<usize>,
}

impl Features {
    /// What each gram counts: the more there are, the less.
    pub(super) fn share(&self) -> f64 {
        4.0 / (self.places.len() as f64 + 20.0).sqrt()
    }
}

/// The names of the features that have one, in order.
pub(super) fn names() -> Vec<&'static str> {
    signs::names().into_iter().chain(MEASURES).collect()
}

/// The features of a message; `folded` is its text as [`super::text::fold`] gives it.
pub(super) fn features(folded: &str, shown: &Shown) -> Features {
    // Where no spaces are written, two signs count for a word.
    let wide = folded.chars().filter(|c| grams::is_wide(*c)).count();
    let words = folded.split_whitespace().count() + wide / 2;
    let count = |of: &[char]| folded.matches(of).count();
    let questions = count(&['?', '\u{ff1f}']);
    let sentences = folded
        .split(['.', '!', '?', '\n', '\u{3002}', '\u{ff1f}', '\u{ff01}'])
        .filter(|part| part.chars().any(char::is_alphabetic))
        .count();
    let (steps, depth) = (shown.count(&STEPS), shown.count(&DEPTH));
    let yes = |held: bool| if held { 1.0 } else { 0.0 };
    let few = |count: usize| (count as f64 + 1.0).ln() / 2.0;
    let measures = [
        1.0,
        (words as f64 + 1.0).ln() / 3.0,
        yes(words > 8),
        yes(words > 25),
        yes(words > 60),
        few(sentences.saturating_sub(1)),
        few(count(&[',', ';', ':', '\u{3001}', '\u{ff0c}', '\u{ff1a}'])),
        few(count(&['\n'])),
        yes(questions > 0),
        yes(questions > 1),
        yes(folded.starts_with('*')),
        yes(!folded.chars().any(char::is_alphabetic)),
        yes(shown.count(&TOOLS) > 0),
        yes(shown.count(&PAST) > 0),
        yes(steps > 0),
        yes(steps > 1),
        yes(depth > 0),
        yes(depth > 1),
    ];
    Features { named: shown.each().map(yes).chain(measures).collect(), places: grams::places(folded) }
}

/// What the regression finds.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    /// The level.
    pub(super) level: Guess,
    /// Those of memory, search, crisis and manipulation that are probable enough.
    pub(super) flags: Vec<Flag>,
    /// Danger is probable enough for a message that shows a sign of it.
    pub(super) bears_danger: bool,
}

impl Finding {
    /// True when the flag is probable enough.
    pub(super) fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }
}

/// From this probability on a message asks about the past.
const PAST_WANTED: f64 = 0.45;
/// From this probability on it wants the world searched; few messages of the set do, so that the weights are shy.
const SEARCH_WANTED: f64 = 0.25;
/// From this probability on a message counts as danger: a needless answer costs little, a missing one may cost all.
const DANGER: f64 = 0.7;
/// The same where it shows a sign of danger: "I took my pills against the cold" shows one, too.
const SIGNED_DANGER: f64 = 0.3;
/// From this probability on a message counts as an order to drop the rules, where it shows a sign of one, too.
const ORDER: f64 = 0.3;

/// Weighs features with the shipped weights.
pub(super) fn weigh(features: &Features, likeness: Option<Likeness>) -> Finding {
    MODEL.find(features, likeness)
}

impl Model {
    /// What this model makes of a message.
    pub(super) fn find(&self, features: &Features, likeness: Option<Likeness>) -> Finding {
        let [simple, low, mid, high, marks @ ..] = self.scores(features);
        let levels = self.settled([simple, low, mid, high], likeness);
        let from = [
            (Flag::Memory, PAST_WANTED),
            (Flag::Search, SEARCH_WANTED),
            (Flag::Crisis, DANGER),
            (Flag::Manipulation, ORDER),
        ];
        let probable = |score: f64, least: f64| 1.0 / (1.0 + (-score).exp()) >= least;
        let [_, _, danger, _] = marks;
        let flags = marks
            .into_iter()
            .zip(from)
            .filter_map(|(score, (flag, least))| probable(score, least).then_some(flag))
            .collect();
        let (level, confidence) =
            LEVELS.into_iter().zip(levels).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((Level::Simple, 0.0));
        Finding {
            level: Guess { level, confidence: UnitScore::new(confidence) },
            flags,
            bears_danger: probable(danger, SIGNED_DANGER),
        }
    }
}
