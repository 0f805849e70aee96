//! Days and months of the budget, in the zone that it is kept in.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, Days, Duration, Months, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use crate::model::Timestamp;

/// A day and the month that it lies in, as days since 1970-01-01.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) day: i64,
    pub(super) month: RangeInclusive<i64>,
}

impl Period {
    /// The period of the moment `at` in `zone`.
    pub(super) fn of(at: Timestamp, zone: Tz) -> Self {
        let date = date(at, zone);
        let first = date.with_day(1).unwrap_or(date);
        let last = first.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt());
        Self { day: number(date), month: number(first)..=number(last.unwrap_or(date)) }
    }
}

/// The date that people in `zone` write at the moment `at`.
pub(super) fn date(at: Timestamp, zone: Tz) -> NaiveDate {
    at.to_utc().with_timezone(&zone).date_naive()
}

/// Days since 1970-01-01.
pub(super) fn number(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default()).num_days()
}

/// The first moment of `date` in `zone`. Where the clocks leap over midnight, the moment after the leap.
#[must_use]
pub fn begins(date: NaiveDate, zone: Tz) -> Timestamp {
    let midnight = date.and_time(NaiveTime::MIN);
    let local =
        (0..=24).find_map(|hour| zone.from_local_datetime(&(midnight + Duration::hours(hour))).earliest());
    let moment: DateTime<Utc> = local.map_or_else(|| midnight.and_utc(), |local| local.with_timezone(&Utc));
    Timestamp::from(moment)
}

/// The moment at which the day after that of `at` begins.
pub(super) fn next_day(at: Timestamp, zone: Tz) -> Timestamp {
    let today = date(at, zone);
    begins(today.checked_add_days(Days::new(1)).unwrap_or(today), zone)
}

/// The moment at which the month after that of `at` begins.
pub(super) fn next_month(at: Timestamp, zone: Tz) -> Timestamp {
    let today = date(at, zone);
    let first = today.with_day(1).and_then(|first| first.checked_add_months(Months::new(1)));
    begins(first.unwrap_or(today), zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn at(text: &str) -> Timestamp {
        Timestamp::from(text.parse::<DateTime<Utc>>().unwrap())
    }

    #[rstest]
    #[case("2026-11-30T23:30:00Z", "UTC", "2026-11-30", "2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z")]
    #[case(
        "2026-11-30T23:30:00Z",
        "Europe/Berlin",
        "2026-12-01",
        "2026-12-01T23:00:00Z",
        "2026-12-31T23:00:00Z"
    )]
    #[case("2024-02-28T12:00:00Z", "UTC", "2024-02-28", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z")]
    // In Beirut the clocks leap from midnight to one o'clock.
    #[case(
        "2022-03-26T12:00:00Z",
        "Asia/Beirut",
        "2022-03-26",
        "2022-03-26T22:00:00Z",
        "2022-03-31T21:00:00Z"
    )]
    fn days_and_months_are_those_of_the_zone(
        #[case] now: &str,
        #[case] zone: Tz,
        #[case] today: &str,
        #[case] tomorrow: &str,
        #[case] month: &str,
    ) {
        assert_eq!(date(at(now), zone).to_string(), today);
        assert_eq!(next_day(at(now), zone), at(tomorrow));
        assert_eq!(next_month(at(now), zone), at(month));
        let period = Period::of(at(now), zone);
        assert!(period.month.contains(&period.day));
        assert_eq!(Period::of(next_month(at(now), zone), zone).day, period.month.end() + 1);
    }
}
