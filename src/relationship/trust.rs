//! The arithmetic of trust: gain, cap, decay. Plain functions; the numbers are ours, chosen so that a person who talks
//! twenty turns on each of three days passes from stranger to acquaintance, and that nobody is an intimate in a week.

use std::time::Duration;

use super::Tone;

/// Trust of a user in the eyes of a character, in `-100.0..=100.0`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Trust(f64);

/// The gain of one friendly turn with a stranger.
const TURN_GAIN: f64 = 1.2;
/// How fast the gain shrinks as trust grows.
const GAIN_EXPONENT: f64 = 1.5;
/// What a friendly turn is worth at least.
const LEAST_GAIN: f64 = 0.02;
/// What turns may add in one day (UTC).
pub(super) const DAILY_GAIN: f64 = 8.0;
/// What reactions may add or take in one day (UTC).
pub(super) const DAILY_REACTIONS: f64 = 15.0;
/// Silence that costs nothing (product.md, REL: "after a week of silence").
const PATIENCE: Duration = Duration::from_secs(7 * 86_400);
/// What is left of trust after each further silent day: half of it after 138 days.
const KEPT_PER_DAY: f64 = 0.995;

impl Trust {
    /// Brings `value` into the range; NaN becomes 0.
    #[must_use]
    pub fn new(value: f64) -> Self {
        if value.is_nan() { Self(0.0) } else { Self(value.clamp(-100.0, 100.0)) }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }

    /// Trust after `silence`: unchanged for a week, then fading towards 0 by half a per cent a day, never past it.
    #[must_use]
    pub fn after(self, silence: Duration) -> Self {
        let days = silence.saturating_sub(PATIENCE).as_secs_f64() / 86_400.0;
        Self(self.0 * KEPT_PER_DAY.powf(days))
    }

    /// `self + delta`, inside the range.
    #[must_use]
    pub fn plus(self, delta: f64) -> Self {
        Self::new(self.0 + delta)
    }
}

/// What one turn adds or takes: `1.2 · (1 − max(trust, 0)/100)^1.5`, half as much again for warmth, and a loss for
/// coldness and insults, which weigh more than kindness does.
#[must_use]
pub fn turn_delta(trust: Trust, tone: Tone) -> f64 {
    let room = 1.0 - trust.get().max(0.0) / 100.0;
    let gain = (TURN_GAIN * room.powf(GAIN_EXPONENT)).max(LEAST_GAIN);
    match tone {
        Tone::Warm | Tone::Excited => gain * 1.5,
        Tone::Neutral | Tone::Sad => gain,
        Tone::Cold => -1.0,
        Tone::Hostile => -4.0,
    }
}

/// Which traits show: the highest that is unlocked, and two more that change from day to day. Indexes into `traits`, whose
/// entries are name, the trust that unlocks them, and whether the mood suppresses them.
#[must_use]
pub fn active_traits(traits: &[(&str, i32, bool)], trust: f64, day: u64) -> Vec<usize> {
    let mut unlocked: Vec<usize> = traits
        .iter()
        .enumerate()
        .filter(|(_, (_, unlock_at, suppressed))| trust >= f64::from(*unlock_at) && !suppressed)
        .map(|(index, _)| index)
        .collect();
    unlocked.sort_by_key(|index| std::cmp::Reverse(traits.get(*index).map(|it| it.1)));
    let mut others = unlocked.split_off(unlocked.len().min(1));
    if !others.is_empty() {
        let turn = usize::try_from(day % others.len() as u64).unwrap_or(0);
        others.rotate_left(turn);
    }
    unlocked.extend(others.into_iter().take(2));
    unlocked
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tone() -> impl Strategy<Value = Tone> {
        prop_oneof![
            Just(Tone::Warm),
            Just(Tone::Neutral),
            Just(Tone::Cold),
            Just(Tone::Hostile),
            Just(Tone::Sad),
            Just(Tone::Excited)
        ]
    }

    proptest! {
        #[test]
        fn trust_keeps_to_its_range(start in proptest::num::f64::ANY, delta in proptest::num::f64::ANY) {
            let trust = Trust::new(start).plus(delta).get();
            prop_assert!((-100.0..=100.0).contains(&trust));
        }

        #[test]
        fn silence_only_ever_fades_and_never_turns(trust in -100.0..=100.0_f64, days in 0_u64..4_000) {
            let (now, later) = (Trust::new(trust), Duration::from_secs(days * 86_400));
            let faded = now.after(later).get();
            prop_assert!(faded.abs() <= trust.abs());
            prop_assert!(faded * trust >= 0.0);
            if days <= 7 {
                prop_assert!((faded - trust).abs() < f64::EPSILON);
            }
        }

        #[test]
        fn the_gain_shrinks_as_trust_grows(low in 0.0..=100.0_f64, high in 0.0..=100.0_f64, tone in tone()) {
            prop_assume!(low < high);
            prop_assert!(turn_delta(Trust::new(high), tone) <= turn_delta(Trust::new(low), tone));
        }
    }

    #[test]
    fn at_most_three_traits_show_and_the_highest_is_among_them() {
        let traits =
            [("a", 10, false), ("b", 20, false), ("c", 30, false), ("d", 40, false), ("e", 90, false)];
        for day in 0..10 {
            let active = active_traits(&traits, 50.0, day);
            assert_eq!((active.len(), active[0]), (3, 3));
        }
        assert_ne!(active_traits(&traits, 50.0, 0), active_traits(&traits, 50.0, 1));
        assert!(active_traits(&[("a", 10, true)], 50.0, 0).is_empty());
        assert!(active_traits(&traits, 0.0, 0).is_empty());
    }
}
