//! Finds the weights of the local router from labelled messages: gradient descent with steps of its own for each weight
//! (`AdaGrad`), in an order that is always the same, so that the same messages always give the same files.

use super::{
    model::{COLUMNS, LEVELS, Model, Settle, stretched},
    weigh::{Features, Likeness},
};
use crate::model::Level;

/// Passes over all messages.
const PASSES: usize = 12;
/// How far a step goes.
const RATE: f64 = 0.12;
/// How strongly large weights of named features are held back (L2).
const HELD_BACK: f64 = 0.0006;
/// The same for those of grams.
const GRAMS_HELD_BACK: f64 = 0.0012;
/// Parts of the cross-check.
const FOLDS: usize = 5;
/// Steps of the settling, and how far one goes.
const SETTLING: (usize, f64) = (600, 0.5);
/// How strongly what likeness adds is held back.
const ALIKE_HELD_BACK: f64 = 0.002;

/// What one message shows and what it is.
pub(super) struct Example {
    pub(super) features: Features,
    pub(super) likeness: Option<Likeness>,
    pub(super) level: Level,
    /// Memory, search, crisis, manipulation.
    pub(super) marks: [bool; 4],
}

impl Example {
    fn wanted(&self) -> [f64; COLUMNS] {
        let yes = |held: bool| if held { 1.0 } else { 0.0 };
        let [simple, low, mid, high] = LEVELS.map(|level| yes(level == self.level));
        let [memory, search, crisis, manipulation] = self.marks.map(yes);
        [simple, low, mid, high, memory, search, crisis, manipulation]
    }
}

/// One row of weights with the squares of its steps so far.
struct Row<'a> {
    weights: &'a mut [f64; COLUMNS],
    squares: &'a mut [f64; COLUMNS],
}

impl Row<'_> {
    fn step(&mut self, off: &[f64; COLUMNS], feature: f64, held_back: f64) {
        for ((weight, square), off) in self.weights.iter_mut().zip(self.squares.iter_mut()).zip(off) {
            let slope = off * feature + held_back * *weight;
            *square += slope * slope;
            *weight -= RATE * slope / (square.sqrt() + 1e-6);
        }
    }
}

/// The weights that fit the examples best; scores are not settled yet.
pub(super) fn fit(examples: &[&Example]) -> Model {
    let mut model = Model::empty();
    let mut named = vec![[0.0; COLUMNS]; model.named.len()];
    let mut grams = vec![[0.0; COLUMNS]; model.grams.len()];
    // A stride without a common divisor visits all, far apart from one another.
    let stride =
        (examples.len() * 618 / 1_000..examples.len()).find(|it| coprime(*it, examples.len())).unwrap_or(1);
    let mut at = 0;
    for _ in 0..PASSES * examples.len() {
        at = (at + stride) % examples.len().max(1);
        let Some(example) = examples.get(at) else { continue };
        let [simple, low, mid, high, marks @ ..] = model.scores(&example.features);
        let [simple, low, mid, high] = Settle::default().probabilities([simple, low, mid, high], None);
        let [memory, search, crisis, orders] = marks.map(|score| 1.0 / (1.0 + (-score).exp()));
        let mut off = [simple, low, mid, high, memory, search, crisis, orders];
        off.iter_mut().zip(example.wanted()).for_each(|(off, wanted)| *off -= wanted);
        for ((weights, squares), feature) in
            model.named.iter_mut().zip(&mut named).zip(&example.features.named)
        {
            if *feature != 0.0 {
                Row { weights, squares }.step(&off, *feature, HELD_BACK);
            }
        }
        let share = example.features.share();
        for place in &example.features.places {
            if let (Some(weights), Some(squares)) = (model.grams.get_mut(*place), grams.get_mut(*place)) {
                Row { weights, squares }.step(&off, share, GRAMS_HELD_BACK);
            }
        }
    }
    model
}

fn coprime(a: usize, b: usize) -> bool {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a == 1
}

/// The scores of each example by weights from the other four fifths.
pub(super) fn scores_from_others(examples: &[Example]) -> Vec<[f64; COLUMNS]> {
    let mut scores = vec![[0.0; COLUMNS]; examples.len()];
    for fold in 0..FOLDS {
        let others: Vec<&Example> =
            examples.iter().enumerate().filter(|(at, _)| at % FOLDS != fold).map(|(_, it)| it).collect();
        let model = fit(&others);
        for (place, example) in scores.iter_mut().zip(examples).skip(fold).step_by(FOLDS) {
            *place = model.scores(&example.features);
        }
    }
    scores
}

/// The scores of a message, its likeness and its level.
pub(super) type Judged = ([f64; 4], Option<Likeness>, Level);

/// What makes honest probabilities of scores.
pub(super) fn settle(of: &[Judged]) -> Settle {
    let mut settle = Settle::default();
    let share = 1.0 / of.len().max(1) as f64;
    let (steps, rate) = SETTLING;
    for _ in 0..steps {
        let mut slope = Settle { scale: 0.0, ..Settle::default() };
        for (scores, likeness, level) in of {
            let alike = likeness.map(stretched);
            let mut off = settle.probabilities(*scores, alike);
            off.iter_mut().zip(LEVELS).for_each(|(off, it)| *off -= if it == *level { 1.0 } else { 0.0 });
            for ((off, score), bias) in off.iter().zip(scores).zip(&mut slope.bias) {
                slope.scale += off * score * share;
                *bias += off * share;
            }
            for (like, row) in alike.into_iter().flatten().zip(&mut slope.alike) {
                row.iter_mut().zip(&off).for_each(|(cell, off)| *cell += off * like * share);
            }
        }
        // Scores are some times larger than the rest.
        settle.scale -= rate * 0.1 * slope.scale;
        settle.bias.iter_mut().zip(slope.bias).for_each(|(bias, slope)| *bias -= rate * slope);
        for (weight, slope) in settle.alike.iter_mut().flatten().zip(slope.alike.iter().flatten()) {
            *weight -= rate * (slope + ALIKE_HELD_BACK * *weight);
        }
    }
    settle
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Flag, signs::Shown, text::fold, weigh::features},
        *,
    };

    fn example(text: &str, level: Level) -> Example {
        let folded = fold(text);
        Example {
            features: features(&folded, &Shown::in_folded(&folded)),
            likeness: None,
            level,
            marks: [level == Level::ComplexLow, false, false, false],
        }
    }

    #[test]
    fn what_is_plain_is_learned_and_twice_the_same() {
        let kinds = [
            ("good morning friend", Level::Simple),
            ("what is my dog called", Level::ComplexLow),
            ("make a plan for my week", Level::ComplexMid),
            ("write a long essay on freedom", Level::ComplexHigh),
        ];
        let examples: Vec<Example> =
            kinds.iter().cycle().take(40).map(|(text, level)| example(text, *level)).collect();
        let every: Vec<&Example> = examples.iter().collect();
        let model = fit(&every);
        assert!(every.iter().all(|it| model.find(&it.features, None).level.level == it.level));
        assert!(every.iter().all(|it| model.find(&it.features, None).has(Flag::Memory) == it.marks[0]));
        assert_eq!(fit(&every), model);
    }

    #[test]
    fn who_is_too_sure_is_scaled_down() {
        // Half of what is scored as simple is not.
        let half = [Level::Simple, Level::ComplexLow].map(|level| ([8.0, 0.0, -8.0, -8.0], None, level));
        let settled = settle(&half);
        let [simple, low, ..] = settled.probabilities([8.0, 0.0, -8.0, -8.0], None);
        assert!((simple - 0.5).abs() < 0.1 && (low - 0.5).abs() < 0.1, "{simple} {low}");
    }
}
