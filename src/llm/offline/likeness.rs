//! How alike two short texts are: the cosine of their stemmed words, rare words weighing more.

use std::collections::BTreeMap;

use super::{stem::stem, text::words};

/// The words of a text with their weights.
pub(super) type Vector = BTreeMap<String, f64>;

/// The weights of words (ordered maps, so that sums come out the same every time), learned from the lines that messages are compared with.
#[derive(Debug, Default)]
pub(super) struct Likeness {
    weights: BTreeMap<String, f64>,
    unknown: f64,
}

impl Likeness {
    /// Learns the weights (inverse document frequency) from `lines`.
    pub(super) fn of<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut seen: BTreeMap<String, f64> = BTreeMap::new();
        let mut count = 0.0;
        for line in lines {
            count += 1.0;
            let mut stems = stems(line);
            stems.sort();
            stems.dedup();
            for stem in stems {
                *seen.entry(stem).or_default() += 1.0;
            }
        }
        let weigh = |times: f64| ((count + 1.0) / (times + 0.5)).ln().max(0.1);
        let weights = seen.into_iter().map(|(stem, times)| (stem, weigh(times))).collect();
        Self { weights, unknown: weigh(0.5) }
    }

    /// The likeness of two texts, in `0.0..=1.0`.
    pub(super) fn between(&self, one: &str, other: &str) -> f64 {
        self.to(&self.vector(one), other)
    }

    /// The likeness of a text that was weighed by [`Self::vector`] to another.
    pub(super) fn to(&self, one: &Vector, other: &str) -> f64 {
        let other = self.vector(other);
        let dot: f64 =
            one.iter().filter_map(|(stem, weight)| other.get(stem).map(|twin| weight * twin)).sum();
        let norm = length(one) * length(&other);
        if norm > 0.0 { (dot / norm).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The weights of the words of `text`.
    pub(super) fn vector(&self, text: &str) -> Vector {
        let mut vector = BTreeMap::new();
        for stem in stems(text) {
            let weight = self.weights.get(&stem).copied().unwrap_or(self.unknown);
            vector.insert(stem, weight);
        }
        vector
    }
}

fn stems(text: &str) -> Vec<String> {
    words(text).iter().map(|word| stem(&word.low)).collect()
}

fn length(vector: &Vector) -> f64 {
    vector.values().map(|weight| weight * weight).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_decide() {
        let lines = ["how are you", "are sharks dangerous?", "tell me about your boat", "who are you"];
        let likeness = Likeness::of(lines.into_iter());
        let to = |line| likeness.between("are those sharks very dangerous", line);
        assert!(to("are sharks dangerous?") > 0.6);
        assert!(to("how are you") < 0.2);
        assert!(likeness.between("who are you", "who are you") > 0.999);
    }
}
