//! Weighs what a message shows: a logistic regression whose weights stand in `weights.txt`, one readable line for each
//! feature. `dramatis bench routing --train` writes that file from the part of the labelled set that is for tuning.

use std::{fmt::Write as _, sync::LazyLock};

use super::{Guess, signs, signs::Shown};
use crate::model::{Level, UnitScore};

const WEIGHTS: &str = include_str!("weights.txt");
/// The levels in the order of the first four columns.
pub(super) const LEVELS: [Level; 4] =
    [Level::Simple, Level::ComplexLow, Level::ComplexMid, Level::ComplexHigh];
/// Columns: four levels, then the intents memory and search.
pub(super) const COLUMNS: usize = 6;
/// Of messages in the middle, the features that are no signs.
const MEASURES: [&str; 14] = [
    "always",
    "length",
    "over_25_words",
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
    "likeness_missing",
];
const LIKENESS: [&str; 4] = ["like_simple", "like_low", "like_mid", "like_high"];
/// Cosines of sentences differ by some hundredths; the other features by one.
const STRETCH: f64 = 4.0;

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::read(WEIGHTS));

/// How alike a message is to the prototype sentences of each level.
pub(super) type Likeness = [f32; 4];

/// One row of weights for each feature.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Model(pub(super) Vec<[f64; COLUMNS]>);

/// Words that name several steps.
pub(super) const STEPS: [&str; 6] = ["summary", "compare", "plan", "list_all", "several", "code_work"];
/// Words that ask for depth.
pub(super) const DEPTH: [&str; 6] = ["depth", "argue", "pattern", "big_topic", "build_big", "knows_all"];
/// Signs that one tool is wanted.
pub(super) const TOOLS: [&str; 9] =
    ["search", "live", "url", "remind", "calculate", "image", "voice", "world_clock", "ask_other"];
/// Signs of a question about the past.
pub(super) const PAST: [&str; 3] = ["asks_past", "own_question", "told"];

/// The names of the features, in order.
pub(super) fn names() -> Vec<&'static str> {
    signs::names().into_iter().chain(MEASURES).chain(LIKENESS).collect()
}

/// The features of a message, in the order of [`names`].
pub(super) fn features(text: &str, shown: &Shown, likeness: Option<Likeness>) -> Vec<f64> {
    let words = text.split_whitespace().count();
    // Japanese and Chinese are written without spaces; two of their signs count for a word.
    let wide = text.chars().filter(|c| ('\u{3040}'..='\u{9fff}').contains(c)).count();
    let words = words + wide / 2;
    let questions = text.matches(['?', '\u{ff1f}']).count();
    let (steps, depth) = (shown.count(&STEPS), shown.count(&DEPTH));
    let yes = |held: bool| if held { 1.0 } else { 0.0 };
    let measures = [
        1.0,
        (words as f64 + 1.0).ln() / 3.0,
        yes(words > 25),
        yes(questions > 0),
        yes(questions > 1),
        yes(text.trim_start().starts_with('*')),
        yes(!text.chars().any(char::is_alphabetic)),
        yes(shown.count(&TOOLS) > 0),
        yes(shown.count(&PAST) > 0),
        yes(steps > 0),
        yes(steps > 1),
        yes(depth > 0),
        yes(depth > 1),
        yes(likeness.is_none()),
    ];
    let alike = likeness.map_or([0.0; 4], |likeness| {
        let mean = f64::from(likeness.iter().sum::<f32>()) / 4.0;
        likeness.map(|level| (f64::from(level) - mean) * STRETCH)
    });
    shown.each().map(yes).chain(measures).chain(alike).collect()
}

/// What the regression finds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finding {
    /// The level.
    pub(super) level: Guess,
    /// The message asks about the past.
    pub(super) memory: bool,
    /// It wants news or facts of the world.
    pub(super) search: bool,
}

/// Weighs features with the shipped weights.
pub(super) fn weigh(features: &[f64]) -> Finding {
    MODEL.weigh(features)
}

impl Model {
    fn read(text: &str) -> Self {
        let mut rows = vec![[0.0; COLUMNS]; names().len()];
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut parts = line.split_whitespace();
            let place = parts.next().and_then(|name| names().iter().position(|known| *known == name));
            if let Some(row) = place.and_then(|place| rows.get_mut(place)) {
                for (weight, part) in row.iter_mut().zip(parts) {
                    *weight = part.parse().unwrap_or(0.0);
                }
            }
        }
        Self(rows)
    }

    /// The text of `weights.txt`.
    pub(super) fn written(&self) -> String {
        let mut text = String::from(
            "# Weights of the local router. Written by `dramatis bench routing --train`; do not edit by hand.\n\
             # feature              SIMPLE     LOW     MID    HIGH  memory  search\n",
        );
        for (name, row) in names().iter().zip(&self.0) {
            let _ = write!(text, "{name:<20}");
            for weight in row {
                let _ = write!(text, " {weight:>7.3}");
            }
            text.push('\n');
        }
        text
    }

    /// The probability of each level, and of each intent.
    pub(super) fn probabilities(&self, features: &[f64]) -> [f64; COLUMNS] {
        let mut scores = [0.0; COLUMNS];
        for (row, feature) in self.0.iter().zip(features).filter(|(_, feature)| **feature != 0.0) {
            for (score, weight) in scores.iter_mut().zip(row) {
                *score += weight * feature;
            }
        }
        let [simple, low, mid, high, memory, search] = scores;
        let levels = [simple, low, mid, high];
        let most = levels.into_iter().fold(f64::MIN, f64::max);
        let sum: f64 = levels.iter().map(|score| (score - most).exp()).sum();
        let [simple, low, mid, high] = levels.map(|score| (score - most).exp() / sum);
        let [memory, search] = [memory, search].map(|score| 1.0 / (1.0 + (-score).exp()));
        [simple, low, mid, high, memory, search]
    }

    /// The most probable level with its probability.
    pub(super) fn weigh(&self, features: &[f64]) -> Finding {
        let probabilities = self.probabilities(features);
        let [.., memory, search] = probabilities;
        let (level, confidence) = LEVELS
            .into_iter()
            .zip(probabilities)
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((Level::Simple, 0.0));
        Finding {
            level: Guess { level, confidence: UnitScore::new(confidence) },
            memory: memory >= 0.5,
            search: search >= 0.5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_weights_name_every_feature_once() {
        let rows: Vec<&str> = WEIGHTS
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert_eq!(rows, names(), "run `dramatis bench routing --train`");
    }

    #[test]
    fn weights_are_read_as_they_are_written() {
        let model = Model::read(WEIGHTS);
        assert_eq!(Model::read(&model.written()), model);
    }

    #[test]
    fn levels_share_one_probability() {
        let text = "what did i tell you about my trip?";
        let features = features(text, &Shown::in_text(text), None);
        let sum: f64 = MODEL.probabilities(&features).iter().take(4).sum();
        assert!((sum - 1.0).abs() < 1e-9);
    }
}
