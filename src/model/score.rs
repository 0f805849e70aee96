//! Scores between nought and one.

use serde::{Deserialize, Serialize};

/// A number in `0.0..=1.0`; anything else is brought into that range, and NaN becomes 0.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(from = "f64", into = "f64")]
pub struct UnitScore(f64);

impl UnitScore {
    /// The most there is.
    pub const ONE: Self = Self(1.0);
    /// Nothing.
    pub const ZERO: Self = Self(0.0);

    /// Clamps `value` into the range.
    #[must_use]
    pub fn new(value: f64) -> Self {
        if value.is_nan() { Self::ZERO } else { Self(value.clamp(0.0, 1.0)) }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl From<f64> for UnitScore {
    fn from(value: f64) -> Self {
        Self::new(value)
    }
}

impl From<UnitScore> for f64 {
    fn from(score: UnitScore) -> f64 {
        score.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_score_is_in_range(value in proptest::num::f64::ANY) {
            let score = UnitScore::new(value).get();
            prop_assert!((0.0..=1.0).contains(&score));
        }
    }
}
