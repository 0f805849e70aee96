//! How fast a bot may talk. Telegram asks for about a message a second in a chat with short bursts, 20 a minute in a group,
//! and 30 a second in all (Bots FAQ, "My bot is hitting limits"); changes of messages count.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What is about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A new message.
    Message,
    /// A change of one.
    Change,
}

/// A limit: so many in any stretch of this length.
#[derive(Debug, Clone, Copy)]
struct Limit {
    most: usize,
    within: Duration,
    /// So many are kept from changes, so that an answer that grows leaves room for the next.
    reserve: usize,
}

const PRIVATE: Limit = Limit { most: 3, within: Duration::from_secs(3), reserve: 0 };
const GROUP: Limit = Limit { most: 20, within: Duration::from_secs(60), reserve: 5 };
const ALL: Limit = Limit { most: 30, within: Duration::from_secs(1), reserve: 0 };

/// When what counts towards a limit was done.
#[derive(Debug)]
struct Window {
    limit: Limit,
    times: VecDeque<Instant>,
}

impl Window {
    fn new(limit: Limit) -> Self {
        Self { limit, times: VecDeque::new() }
    }

    fn forget(&mut self, now: Instant) {
        while self.times.front().is_some_and(|at| *at + self.limit.within <= now) {
            self.times.pop_front();
        }
    }

    /// How long until there is room.
    fn wait(&self, what: What, now: Instant) -> Duration {
        let room = self.limit.most - if what == What::Change { self.limit.reserve } else { 0 };
        let first = self.times.len().checked_sub(room).and_then(|number| self.times.get(number));
        first.map_or(Duration::ZERO, |at| (*at + self.limit.within).saturating_duration_since(now))
    }
}

/// What one bot has said lately.
#[derive(Debug, Default)]
pub(super) struct Pace {
    unlimited: bool,
    said: Mutex<Said>,
}

#[derive(Debug, Default)]
struct Said {
    all: Option<Window>,
    chats: HashMap<i64, Window>,
    /// Chats that Telegram has closed for a while.
    closed: HashMap<i64, Instant>,
}

impl Pace {
    /// Only what Telegram says counts.
    pub(super) fn unlimited() -> Self {
        Self { unlimited: true, said: Mutex::default() }
    }

    /// Takes the room for one message or change.
    ///
    /// # Errors
    /// With how long to wait when there is none; then nothing is taken.
    pub(super) fn take(&self, chat: i64, what: What, now: Instant) -> Result<(), Duration> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let said = &mut *said;
        said.closed.retain(|_, until| *until > now);
        if let Some(until) = said.closed.get(&chat) {
            return Err(*until - now);
        }
        if self.unlimited {
            return Ok(());
        }
        said.chats.retain(|_, window| {
            window.forget(now);
            !window.times.is_empty()
        });
        // The ids of groups are negative (Bot API, Chat).
        let limit = if chat < 0 { GROUP } else { PRIVATE };
        let window = said.chats.entry(chat).or_insert_with(|| Window::new(limit));
        let all = said.all.get_or_insert_with(|| Window::new(ALL));
        all.forget(now);
        let wait = window.wait(what, now).max(all.wait(what, now));
        if wait > Duration::ZERO {
            return Err(wait);
        }
        window.times.push_back(now);
        all.times.push_back(now);
        Ok(())
    }

    /// Telegram wants silence in a chat until then.
    pub(super) fn stop(&self, chat: i64, until: Instant) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let closed = said.closed.entry(chat).or_insert(until);
        *closed = until.max(*closed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// When things are let through, if each is tried again after the wait that it is told.
    fn times(pace: &Pace, chat: i64, what: What, count: usize, start: Instant) -> Vec<Duration> {
        let mut now = start;
        (0..count)
            .map(|_| {
                while let Err(wait) = pace.take(chat, what, now) {
                    now += wait;
                }
                now - start
            })
            .collect()
    }

    #[test]
    fn a_private_chat_gets_three_in_three_seconds() {
        let seconds: Vec<u64> = times(&Pace::default(), 7, What::Message, 6, Instant::now())
            .iter()
            .map(Duration::as_secs)
            .collect();
        assert_eq!(seconds, [0, 0, 0, 3, 3, 3]);
    }

    #[test]
    fn changes_in_a_group_leave_room_for_messages() {
        let (pace, now) = (Pace::default(), Instant::now());
        let changes = (0..30).filter(|_| pace.take(-5, What::Change, now).is_ok()).count();
        let messages = (0..30).filter(|_| pace.take(-5, What::Message, now).is_ok()).count();
        assert_eq!((changes, messages), (15, 5));
        assert!(pace.take(-6, What::Message, now).is_ok(), "another group is another's");
    }

    #[test]
    fn all_chats_together_keep_to_thirty_a_second() {
        let (pace, now) = (Pace::default(), Instant::now());
        assert_eq!((1..100).filter(|chat| pace.take(*chat, What::Message, now).is_ok()).count(), 30);
    }

    #[test]
    fn a_closed_chat_stays_closed_for_its_time_even_without_limits() {
        let (pace, now) = (Pace::unlimited(), Instant::now());
        pace.stop(7, now + Duration::from_secs(3));
        pace.stop(7, now + Duration::from_secs(2));
        assert_eq!(pace.take(7, What::Change, now), Err(Duration::from_secs(3)));
        assert_eq!(pace.take(8, What::Change, now), Ok(()));
        assert_eq!(pace.take(7, What::Change, now + Duration::from_secs(3)), Ok(()));
    }

    proptest! {
        #[test]
        fn a_group_never_gets_more_than_its_limit(gaps in prop::collection::vec(0_u64..4_000, 1..200)) {
            let (pace, start) = (Pace::default(), Instant::now());
            let mut now = start;
            let mut through = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                if pace.take(-5, What::Message, now).is_ok() {
                    through.push(now);
                }
            }
            for first in &through {
                let minute = through.iter().filter(|at| **at >= *first && **at - *first < Duration::from_secs(60));
                prop_assert!(minute.count() <= 20);
            }
        }
    }
}
