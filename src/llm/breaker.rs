//! The circuit breaker of an endpoint (Nygard, "Release It!", 2007): one that keeps failing is left alone for a while, and then
//! tried with one call.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::model::{ErrorKind, Timestamp};

/// Calls that fail in a row until the endpoint is left alone. Each has been tried again already, so that five are no accident.
pub(super) const FAILURES: u32 = 5;
/// For how long it is left alone: about what a server takes to start anew, and short enough for somebody who waits.
pub(super) const PAUSE: Duration = Duration::from_secs(30);

/// Whether an endpoint is worth asking.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Until when it is left alone.
    until: Option<Timestamp>,
    /// One call tries whether it works again.
    trying: bool,
}

/// The leave to ask once. Dropped without a word, it says nothing about the endpoint.
#[derive(Debug)]
pub(super) struct Permit {
    breaker: Arc<Breaker>,
    trial: bool,
}

impl Breaker {
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leave to ask, or for how long there is none.
    pub(super) fn admit(self: &Arc<Self>, now: Timestamp) -> Result<Permit, Duration> {
        let mut state = self.locked();
        let trial = match state.until {
            None => false,
            Some(until) if now < until => return Err(until.since(now)),
            Some(_) if state.trying => return Err(Duration::ZERO),
            Some(_) => true,
        };
        state.trying = trial;
        Ok(Permit { breaker: Arc::clone(self), trial })
    }
}

impl Permit {
    /// Says that the endpoint answered, be it that it understood nothing.
    pub(super) fn answered(self) {
        let mut state = self.breaker.locked();
        *state = State::default();
    }

    /// Says how the endpoint failed.
    pub(super) fn failed(self, kind: ErrorKind, now: Timestamp) {
        let broken = matches!(
            kind,
            ErrorKind::Unavailable
                | ErrorKind::Timeout
                | ErrorKind::RateLimited
                | ErrorKind::BrokenStream
                | ErrorKind::Unauthorized
        );
        if !broken {
            return self.answered();
        }
        let mut state = self.breaker.locked();
        state.failures = state.failures.saturating_add(1);
        if self.trial || state.failures >= FAILURES {
            state.until = Some(now.plus(PAUSE));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.trial {
            self.breaker.locked().trying = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(0);

    fn fail(breaker: &Arc<Breaker>, now: Timestamp) {
        breaker.admit(now).unwrap().failed(ErrorKind::Unavailable, now);
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let breaker = Arc::new(Breaker::default());
        for _ in 1..FAILURES {
            fail(&breaker, NOW);
        }
        breaker.admit(NOW).unwrap().failed(ErrorKind::ContextLength, NOW);
        for _ in 0..FAILURES {
            fail(&breaker, NOW);
        }
        assert_eq!(breaker.admit(NOW).unwrap_err(), PAUSE);
    }

    #[test]
    fn one_call_tries_it_again() {
        let breaker = Arc::new(Breaker::default());
        (0..FAILURES).for_each(|_| fail(&breaker, NOW));
        let later = NOW.plus(PAUSE);
        let trial = breaker.admit(later).unwrap();
        assert!(breaker.admit(later).is_err(), "one at a time");
        drop(trial);
        fail(&breaker, later);
        assert_eq!(breaker.admit(later).unwrap_err(), PAUSE);
        let latest = later.plus(PAUSE);
        breaker.admit(latest).unwrap().answered();
        let together = (breaker.admit(latest), breaker.admit(latest));
        assert!(together.0.is_ok() && together.1.is_ok());
    }
}
