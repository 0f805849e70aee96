//! How long a failed job waits for its next attempt.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng};

/// The pause after the first failure, before jitter.
const FIRST: Duration = Duration::from_secs(5);
/// How much longer each further pause is: 5 s, 20 s, 80 s, 320 s. Five attempts thus outlast an outage of some minutes.
const FACTOR: u32 = 4;
/// No pause is longer.
const LONGEST: Duration = Duration::from_hours(1);
/// The part of a pause that chance may take away, so that jobs that failed together do not return together.
const JITTER: f64 = 0.25;

/// The pause after failed attempt number `attempt` (from 1). The same job and attempt always get the same pause.
pub(super) fn retry_delay(job: &str, attempt: i64) -> Duration {
    let exponent = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    let full =
        FACTOR.checked_pow(exponent).map_or(LONGEST, |factor| FIRST.saturating_mul(factor)).min(LONGEST);
    full.mul_f64(1.0 - JITTER * StdRng::seed_from_u64(seed(job, attempt)).random::<f64>())
}

/// FNV-1a over the job's id, then the attempt.
fn seed(job: &str, attempt: i64) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64;
    job.bytes()
        .chain(attempt.to_le_bytes())
        .fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(1, 5)]
    #[case(2, 20)]
    #[case(4, 320)]
    #[case(9, 3600)]
    #[case(i64::MAX, 3600)]
    fn pauses_grow_and_stay_within_their_jitter(#[case] attempt: i64, #[case] seconds: u64) {
        let full = Duration::from_secs(seconds);
        for job in ["a", "b", "c", "d"] {
            let pause = retry_delay(job, attempt);
            assert!(pause <= full && pause >= full.mul_f64(1.0 - JITTER), "{job}: {pause:?}");
            assert_eq!(pause, retry_delay(job, attempt));
        }
        assert_ne!(retry_delay("a", attempt), retry_delay("b", attempt));
    }
}
