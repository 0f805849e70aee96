//! When to ask again, and how long to pause before.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::DateTime;
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::settings::Retry;
use crate::model::Timestamp;

/// Draws the pauses between attempts.
#[derive(Debug)]
pub(super) struct Backoff {
    retry: Retry,
    source: Mutex<StdRng>,
}

impl Backoff {
    pub(super) fn new(retry: Retry) -> Self {
        let source = StdRng::seed_from_u64(retry.seed.unwrap_or_else(rand::random));
        Self { retry, source: Mutex::new(source) }
    }

    pub(super) fn attempts(&self) -> u32 {
        self.retry.attempts.max(1)
    }

    pub(super) fn longest_retry_after(&self) -> Duration {
        self.retry.longest_retry_after
    }

    /// The pause after attempt number `attempt` (from 1) failed.
    pub(super) fn pause(&self, attempt: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let longest = self.retry.base.saturating_mul(doubled).min(self.retry.cap);
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        longest.mul_f64(source.random_range(0.0..=1.0))
    }
}

/// Reads `Retry-After`: whole (or, against the standard, broken) seconds, or an HTTP date (RFC 9110, 10.2.3).
/// `None` when it is neither; a date that has passed asks for no pause.
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = DateTime::parse_from_rfc2822(value).ok()?;
    Some(Timestamp::from(date.to_utc()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const NOW: Timestamp = Timestamp::from_micros(784_111_777_000_000); // Sun, 06 Nov 1994 08:49:37 GMT

    #[rstest]
    #[case("2", Some(2_000))]
    #[case(" 0 ", Some(0))]
    #[case("0.25", Some(250))]
    #[case("Sun, 06 Nov 1994 08:49:47 GMT", Some(10_000))]
    #[case("Sun, 06 Nov 1994 08:49:07 GMT", Some(0))]
    #[case("-3", None)]
    #[case("NaN", None)]
    #[case("soon", None)]
    fn retry_after_is_seconds_or_a_date(#[case] value: &str, #[case] millis: Option<u64>) {
        assert_eq!(retry_after(value, NOW), millis.map(Duration::from_millis));
    }

    #[test]
    fn the_same_seed_pauses_the_same() {
        let draw = || {
            let backoff = Backoff::new(Retry { seed: Some(7), ..Retry::default() });
            (1..6).map(|attempt| backoff.pause(attempt)).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
    }

    proptest! {
        #[test]
        fn pauses_stay_under_their_ceiling(seed: u64, attempt in 1_u32..80) {
            let backoff = Backoff::new(Retry { seed: Some(seed), ..Retry::default() });
            let ceiling = 500_u64.saturating_mul(2_u64.saturating_pow(attempt - 1)).min(8_000);
            prop_assert!(backoff.pause(attempt) <= Duration::from_millis(ceiling));
        }
    }
}
