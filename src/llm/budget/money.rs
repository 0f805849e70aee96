//! Money as whole billionths of a dollar, so that sums are exact; and what may be spent.

use chrono_tz::Tz;

use super::super::request::{Purpose, Tier};

/// Billionths of a dollar in a dollar.
const PER_DOLLAR: f64 = 1e9;
/// The share of each limit that background work leaves for answers, and dear answers leave for cheaper ones, in percent.
const LEFT: i64 = 10;

/// Billionths of a dollar, rounded up, so that no sum of many is too small.
pub(super) fn nano(usd: f64) -> i64 {
    // Far below what either holds; a negative or broken price is refused by the price table.
    #[allow(clippy::cast_possible_truncation)]
    {
        (usd * PER_DOLLAR).ceil() as i64
    }
}

/// The same in dollars.
pub(super) fn usd(nano: i64) -> f64 {
    nano as f64 / PER_DOLLAR
}

/// Limits of one kind of account, in US dollars; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limit {
    /// A day.
    pub day_usd: Option<f64>,
    /// A calendar month.
    pub month_usd: Option<f64>,
}

/// Limits on what models may cost, and the zone whose days and months count.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    /// Of everything together.
    pub all: Limit,
    /// Of each guild.
    pub guild: Limit,
    /// Of each person.
    pub user: Limit,
    /// Of each character.
    pub character: Limit,
    /// Whose midnight ends a day.
    pub zone: Tz,
}

impl Limits {
    /// True when there is any limit.
    #[must_use]
    pub fn any(&self) -> bool {
        [self.all, self.guild, self.user, self.character]
            .iter()
            .any(|limit| limit.day_usd.is_some() || limit.month_usd.is_some())
    }
}

/// What such a call may use of a limit: answers all of it; background work and the cloud leave some for them; and all leave some
/// for the answers of a `cheaper` model, where there is one.
pub(super) fn share_of(limit: i64, tier: Tier, purpose: Purpose, cheaper: bool) -> i64 {
    let background = matches!(purpose, Purpose::Route | Purpose::Extract | Purpose::Critic);
    if background || tier == Tier::Cloud || (cheaper && tier != Tier::Cheap) {
        limit - limit / 100 * LEFT
    } else {
        limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rounded_up_and_comes_back() {
        assert_eq!(nano(0.000_000_000_1), 1);
        assert_eq!(nano(1.0), 1_000_000_000);
        assert!((usd(nano(0.123)) - 0.123).abs() < 1e-9);
    }

    #[test]
    fn a_tenth_is_left_for_answers_and_for_cheaper_ones() {
        assert_eq!(share_of(1_000, Tier::Reflective, Purpose::Extract, false), 900);
        assert_eq!(share_of(1_000, Tier::Main, Purpose::Answer, false), 1_000);
        assert_eq!(share_of(1_000, Tier::Main, Purpose::Answer, true), 900);
        assert_eq!(share_of(1_000, Tier::Cloud, Purpose::Answer, false), 900);
        assert_eq!(share_of(1_000, Tier::Cheap, Purpose::Answer, true), 1_000);
    }
}
