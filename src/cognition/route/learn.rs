//! Finds the weights of the local router from labelled messages: plain gradient descent, no randomness, so the same
//! messages always give the same file.

use super::weigh::{COLUMNS, LEVELS, Model};
use crate::model::Level;

/// Passes over all messages.
const STEPS: usize = 1_500;
/// How far a step goes.
const RATE: f64 = 0.8;
/// How strongly large weights are held back (L2, as a share of the squared weights for each message).
const HELD_BACK: f64 = 0.003;
/// Examples of one message, which stand together: without and with a vector.
const FORMS: usize = 2;
/// Parts of the cross-check.
const FOLDS: usize = 5;

/// What one message shows and what it is.
pub(super) struct Example {
    pub(super) features: Vec<f64>,
    pub(super) level: Level,
    pub(super) memory: bool,
    pub(super) search: bool,
}

impl Example {
    fn wanted(&self) -> [f64; COLUMNS] {
        let yes = |held: bool| if held { 1.0 } else { 0.0 };
        let [simple, low, mid, high] = LEVELS.map(|level| yes(level == self.level));
        [simple, low, mid, high, yes(self.memory), yes(self.search)]
    }
}

/// The weights that fit the examples best.
pub(super) fn fit(examples: &[&Example]) -> Model {
    let width = examples.first().map_or(0, |example| example.features.len());
    let mut model = Model(vec![[0.0; COLUMNS]; width]);
    let share = 1.0 / examples.len().max(1) as f64;
    for _ in 0..STEPS {
        let mut slope = vec![[0.0; COLUMNS]; width];
        for example in examples {
            let found = model.probabilities(&example.features);
            let wanted = example.wanted();
            for (row, feature) in slope.iter_mut().zip(&example.features).filter(|(_, f)| **f != 0.0) {
                for (cell, (found, wanted)) in row.iter_mut().zip(found.iter().zip(wanted)) {
                    *cell += (found - wanted) * feature * share;
                }
            }
        }
        for (row, slope) in model.0.iter_mut().zip(&slope) {
            for (weight, slope) in row.iter_mut().zip(slope) {
                *weight -= RATE * (slope + HELD_BACK * *weight);
            }
        }
    }
    model
}

/// Each fifth is judged by weights from the other four: gives, for each example, whether the level was right and how
/// sure the weights were.
pub(super) fn cross_check(examples: &[Example]) -> Vec<(bool, f64)> {
    let mut judged = Vec::new();
    for fold in 0..FOLDS {
        let part = |inside: bool| {
            examples
                .iter()
                .enumerate()
                .filter(move |(at, _)| (at / FORMS % FOLDS == fold) == inside)
                .map(|(_, it)| it)
        };
        let model = fit(&part(false).collect::<Vec<_>>());
        judged.extend(part(true).map(|example| {
            let guess = model.weigh(&example.features).level;
            (guess.level == example.level, guess.confidence.get())
        }));
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_is_learned_and_twice_the_same() {
        let example = |at: usize| Example {
            features: LEVELS.iter().enumerate().map(|(i, _)| if i == at { 1.0 } else { 0.0 }).collect(),
            level: LEVELS[at],
            memory: at == 1,
            search: false,
        };
        let examples: Vec<Example> = (0..4).cycle().take(40).map(example).collect();
        let every: Vec<&Example> = examples.iter().collect();
        let model = fit(&every);
        assert!(every.iter().all(|it| model.weigh(&it.features).level.level == it.level));
        assert_eq!(fit(&every), model);
        assert!(cross_check(&examples).iter().all(|(right, _)| *right));
    }
}
