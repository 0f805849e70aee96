//! The weights of the local router: a logistic regression over named features (`weights.txt`) and hashed grams
//! (`grams.txt`), and how its scores are settled into probabilities, without and with an embedding model.
//! `dramatis bench routing --train` writes both files.

use std::fmt::Write as _;

use super::{
    grams::PLACES,
    weigh::{Features, Likeness, names},
};
use crate::model::Level;

pub(super) const WEIGHTS: &str = include_str!("weights.txt");
pub(super) const GRAMS: &str = include_str!("grams.txt");
/// The levels in the order of the first four columns.
pub(super) const LEVELS: [Level; 4] =
    [Level::Simple, Level::ComplexLow, Level::ComplexMid, Level::ComplexHigh];
/// Columns: four levels; then memory, search, crisis, manipulation.
pub(super) const COLUMNS: usize = 8;
/// Cosines of sentences differ by some hundredths; the other features by one.
const STRETCH: f64 = 8.0;
/// Weights in `grams.txt` have this many steps on either side of nothing, closer together near it.
const STEPS: f64 = 46.0;
/// The sign for a weight of nothing; the others stand around it in ASCII.
const NOTHING: u8 = b'P';
/// Places in one line of `grams.txt`.
const IN_A_LINE: usize = 16;

/// From scores to probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Settle {
    /// What the scores are multiplied with: below 1 where the regression is too sure.
    pub(super) scale: f64,
    /// What is added for each level.
    pub(super) bias: [f64; 4],
    /// What the likeness to each level (rows) adds to each level (columns).
    pub(super) alike: [[f64; 4]; 4],
}

impl Default for Settle {
    fn default() -> Self {
        Self { scale: 1.0, bias: [0.0; 4], alike: [[0.0; 4]; 4] }
    }
}

/// Weights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Model {
    /// Of each named feature.
    pub(super) named: Vec<[f64; COLUMNS]>,
    /// Of each gram place.
    pub(super) grams: Vec<[f64; COLUMNS]>,
    /// Without an embedding model.
    pub(super) words: Settle,
    /// With one.
    pub(super) alike: Settle,
}

impl Settle {
    /// Probabilities of the levels.
    pub(super) fn probabilities(&self, scores: [f64; 4], alike: Option<[f64; 4]>) -> [f64; 4] {
        let mut settled = self.bias;
        for (place, score) in settled.iter_mut().zip(scores) {
            *place += self.scale * score;
        }
        for (like, row) in alike.into_iter().flatten().zip(&self.alike) {
            for (place, weight) in settled.iter_mut().zip(row) {
                *place += like * weight;
            }
        }
        let most = settled.into_iter().fold(f64::MIN, f64::max);
        let sum: f64 = settled.iter().map(|score| (score - most).exp()).sum();
        settled.map(|score| (score - most).exp() / sum)
    }
}

/// How much more alike to each level than on average.
pub(super) fn stretched(likeness: Likeness) -> [f64; 4] {
    let mean = f64::from(likeness.iter().sum::<f32>()) / 4.0;
    likeness.map(|level| (f64::from(level) - mean) * STRETCH)
}

impl Model {
    /// Nothing learned.
    pub(super) fn empty() -> Self {
        Self {
            named: vec![[0.0; COLUMNS]; names().len()],
            grams: vec![[0.0; COLUMNS]; PLACES],
            words: Settle::default(),
            alike: Settle::default(),
        }
    }

    /// The weights that come with Dramatis.
    pub(super) fn shipped() -> Self {
        Self::read(WEIGHTS, GRAMS)
    }

    /// Reads what [`Model::written`] and [`Model::grams_written`] wrote.
    pub(super) fn read(weights: &str, grams: &str) -> Self {
        let mut model = Self::empty();
        let names = names();
        for line in weights.lines().filter(|line| !line.starts_with('#')) {
            let mut parts = line.split_whitespace();
            let name = parts.next().unwrap_or_default();
            let numbers: Vec<f64> = parts.map(|part| part.parse().unwrap_or(0.0)).collect();
            let found = names.iter().position(|known| *known == name);
            if let Some(row) = found.and_then(|place| model.named.get_mut(place)) {
                row.iter_mut().zip(&numbers).for_each(|(weight, number)| *weight = *number);
                continue;
            }
            for (settle, named) in [(&mut model.words, "settle_words"), (&mut model.alike, "settle_alike")] {
                if name != named {
                    continue;
                }
                let places = std::iter::once(&mut settle.scale)
                    .chain(&mut settle.bias)
                    .chain(settle.alike.iter_mut().flatten());
                places.zip(&numbers).for_each(|(place, number)| *place = *number);
            }
        }
        let mut lines = grams.lines().filter(|line| !line.starts_with('#'));
        let most: f64 = lines.next().and_then(|line| line.parse().ok()).unwrap_or(0.0);
        let signs = lines.flat_map(str::bytes);
        for (weight, sign) in model.grams.iter_mut().flatten().zip(signs) {
            let step = (f64::from(sign) - f64::from(NOTHING)) / STEPS;
            *weight = step * step.abs() * most;
        }
        model
    }

    /// The text of `weights.txt`.
    pub(super) fn written(&self) -> String {
        let mut text = String::from(
            "# Weights of the local router. Written by `dramatis bench routing --train`; do not edit by hand.\n\
             # feature              SIMPLE     LOW     MID    HIGH  memory  search  crisis  manipulation\n",
        );
        let mut line = |name: &str, numbers: &mut dyn Iterator<Item = &f64>| {
            let _ = write!(text, "{name:<20}");
            for number in numbers {
                let _ = write!(text, " {number:>7.3}");
            }
            text.push('\n');
        };
        for (name, row) in names().iter().zip(&self.named) {
            line(name, &mut row.iter());
        }
        for (name, settle) in [("settle_words", &self.words), ("settle_alike", &self.alike)] {
            let numbers = std::iter::once(&settle.scale).chain(&settle.bias);
            line(name, &mut numbers.chain(settle.alike.iter().flatten()));
        }
        text
    }

    /// The text of `grams.txt`.
    pub(super) fn grams_written(&self) -> String {
        let most = self.grams.iter().flatten().fold(0.0_f64, |most, weight| most.max(weight.abs()));
        let mut text = format!(
            "# Weights of hashed grams, {COLUMNS} signs a place. Written by `dramatis bench routing --train`.\n{most:.4}\n"
        );
        for line in self.grams.chunks(IN_A_LINE) {
            for weight in line.iter().flatten() {
                let step = (weight.abs() / most.max(f64::MIN_POSITIVE)).sqrt().copysign(*weight) * STEPS;
                text.push(sign_of(step));
            }
            text.push('\n');
        }
        text
    }

    /// The scores of a message, before they are settled.
    pub(super) fn scores(&self, features: &Features) -> [f64; COLUMNS] {
        let mut scores = [0.0; COLUMNS];
        let mut add = |row: &[f64; COLUMNS], feature: f64| {
            for (score, weight) in scores.iter_mut().zip(row) {
                *score += weight * feature;
            }
        };
        for (row, feature) in self.named.iter().zip(&features.named).filter(|(_, it)| **it != 0.0) {
            add(row, *feature);
        }
        let share = features.share();
        for row in features.places.iter().filter_map(|place| self.grams.get(*place)) {
            add(row, share);
        }
        scores
    }

    /// Probabilities of the levels.
    pub(super) fn settled(&self, scores: [f64; 4], likeness: Option<Likeness>) -> [f64; 4] {
        match likeness {
            None => self.words.probabilities(scores, None),
            Some(likeness) => self.alike.probabilities(scores, Some(stretched(likeness))),
        }
    }
}

/// The sign of a step between `-STEPS` and `STEPS`.
fn sign_of(step: f64) -> char {
    (0..=46_u8)
        .min_by(|a, b| (f64::from(*a) - step.abs()).abs().total_cmp(&(f64::from(*b) - step.abs()).abs()))
        .map_or(char::from(NOTHING), |near| {
            char::from(if step < 0.0 { NOTHING - near } else { NOTHING + near })
        })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{signs::Shown, text::fold, weigh::features},
        *,
    };

    #[test]
    fn the_shipped_weights_name_every_feature_once() {
        let rows: Vec<&str> = WEIGHTS
            .lines()
            .filter(|line| !line.starts_with('#') && !line.starts_with("settle_"))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert_eq!(rows, names(), "run `dramatis bench routing --embeddings --train`");
        assert_eq!(GRAMS.lines().skip(2).map(str::len).sum::<usize>(), PLACES * COLUMNS);
    }

    #[test]
    fn weights_are_read_as_they_are_written() {
        let model = Model::shipped();
        assert_eq!(model.written(), WEIGHTS);
        assert_eq!(model.grams_written(), GRAMS);
    }

    #[test]
    fn levels_share_one_probability() {
        let folded = fold("what did i tell you about my trip?");
        let features = features(&folded, &Shown::in_folded(&folded));
        let model = Model::shipped();
        let [simple, low, mid, high, ..] = model.scores(&features);
        for likeness in [None, Some([0.1, 0.2, 0.3, 0.4])] {
            let sum: f64 = model.settled([simple, low, mid, high], likeness).iter().sum();
            assert!((sum - 1.0).abs() < 1e-9);
        }
    }
}
