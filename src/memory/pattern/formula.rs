//! What a pattern is worth.

use std::time::Duration;

use crate::{memory::recall::FADING_DAYS, model::UnitScore};

/// What makes up the rank (product.md, MEM).
const SIMILARITY: f64 = 0.6;
const SCORE: f64 = 0.3;
const RECENCY: f64 = 0.1;
/// What is left of a score after each thirty days (product.md, MEM).
const KEPT_SHARE: f64 = 0.95;
pub(super) const AGEING: Duration = Duration::from_secs(30 * 86_400);
/// The score before any reaction of an answer that was not learned otherwise, and what each person's reaction adds or takes.
const FIRST_SCORE: f64 = 0.6;
const VOTE: f64 = 0.1;

/// What an answer is worth before it ages. One that rests on reactions alone needs more people for it than against it; one
/// that was learned needs as many. Else it is worth nothing.
pub(super) fn standing(learned: Option<f64>, likes: i64, dislikes: i64) -> UnitScore {
    let for_it = likes.saturating_sub(dislikes);
    let holds = if learned.is_some() { for_it >= 0 } else { for_it > 0 };
    if !holds {
        return UnitScore::ZERO;
    }
    // Past ten people for it, it is full.
    let people = f64::from(u8::try_from(for_it.min(10)).unwrap_or_default());
    UnitScore::new(learned.unwrap_or(FIRST_SCORE) + VOTE * people)
}

/// A score after so long.
pub(super) fn aged(score: UnitScore, age: Duration) -> UnitScore {
    let periods = (age.as_secs_f64() / AGEING.as_secs_f64()).floor();
    UnitScore::new(score.get() * KEPT_SHARE.powf(periods))
}

pub(super) fn recency(age: Duration) -> UnitScore {
    UnitScore::new((-age.as_secs_f64() / 86_400.0 / FADING_DAYS).exp())
}

pub(super) fn rank(similarity: UnitScore, score: UnitScore, recency: UnitScore) -> UnitScore {
    UnitScore::new(SIMILARITY * similarity.get() + SCORE * score.get() + RECENCY * recency.get())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const DAY: u64 = 86_400;

    fn days(days: u64) -> Duration {
        Duration::from_secs(days * DAY)
    }

    #[rstest]
    #[case(None, 0, 0, 0.0)]
    #[case(None, 1, 0, 0.7)]
    #[case(None, 1, 1, 0.0)]
    #[case(None, 2, 1, 0.7)]
    #[case(None, 9, 0, 1.0)]
    #[case(Some(0.5), 0, 0, 0.5)]
    #[case(Some(0.5), 2, 0, 0.7)]
    #[case(Some(0.5), 0, 1, 0.0)]
    #[case(Some(0.5), 1, 1, 0.5)]
    fn reactions_make_the_score(
        #[case] learned: Option<f64>,
        #[case] likes: i64,
        #[case] dislikes: i64,
        #[case] expected: f64,
    ) {
        assert!((standing(learned, likes, dislikes).get() - expected).abs() < 1e-9);
    }

    #[rstest]
    #[case(29, 0.8)]
    #[case(30, 0.76)]
    #[case(59, 0.76)]
    #[case(60, 0.722)]
    fn a_score_ages_every_thirty_days(#[case] age: u64, #[case] expected: f64) {
        assert!((aged(UnitScore::new(0.8), days(age)).get() - expected).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn each_part_counts_and_none_leaves_the_range(
            a in 0.0_f64..=1.0, b in 0.0_f64..=1.0, other in 0.0_f64..=1.0, third in 0.0_f64..=1.0,
            young in 0_u64..4_000, more in 0_u64..4_000,
        ) {
            let (low, high) = (UnitScore::new(a.min(b)), UnitScore::new(a.max(b)));
            let (other, third) = (UnitScore::new(other), UnitScore::new(third));
            prop_assert!(rank(low, other, third) <= rank(high, other, third));
            prop_assert!(rank(other, low, third) <= rank(other, high, third));
            prop_assert!(rank(other, third, low) <= rank(other, third, high));
            let whole = 0.6 * a + 0.3 * b + 0.1 * third.get();
            prop_assert!((rank(UnitScore::new(a), UnitScore::new(b), third).get() - whole).abs() < 1e-9);
            let (young, old) = (days(young), days(young + more));
            prop_assert!(aged(high, old) <= aged(high, young));
            prop_assert!(aged(low, old) <= aged(high, old));
            prop_assert!(aged(high, young) <= high);
            prop_assert!(recency(old) <= recency(young));
            for score in [rank(low, high, third), aged(high, old), recency(old), recency(young)] {
                prop_assert!((0.0..=1.0).contains(&score.get()));
            }
        }

        #[test]
        fn more_people_for_it_are_never_worth_less(
            learned in proptest::option::of(0.0_f64..=1.0), likes in 0_i64..40, dislikes in 0_i64..40,
        ) {
            let score = standing(learned, likes, dislikes);
            prop_assert!((0.0..=1.0).contains(&score.get()));
            prop_assert!(standing(learned, likes + 1, dislikes) >= score);
            prop_assert!(standing(learned, likes, dislikes + 1) <= score);
        }
    }

    #[test]
    fn the_greatest_age_is_no_trouble() {
        assert!(aged(UnitScore::ONE, Duration::MAX).get().abs() < 1e-9);
        assert!(recency(Duration::MAX).get().abs() < 1e-9);
        assert!((recency(Duration::ZERO).get() - 1.0).abs() < 1e-9);
    }
}
