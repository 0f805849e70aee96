//! Words for time, as people and models write them: a span to look through, a moment to be reminded at.

use std::time::Duration;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Weekday};
use chrono_tz::Tz;

use super::{Context, ToolError, text};
use crate::{
    memory::{Memory, Span},
    model::Timestamp,
};

/// What a span may be, for the model.
pub(super) const SPANS: &str = "today, yesterday, this week, last week, this month, last month, this year, last year, \
    last 3 days, 2 weeks ago, monday, march, 2026, 2026-03, 2026-03-01, or 2026-03-01 to 2026-03-07";
/// What a moment may be, for the model.
pub(super) const MOMENTS: &str = "in 20 minutes, in 2 hours, in 3 days, at 18:00, tomorrow at 9, monday 9:30, 2026-03-01 18:00, or RFC 3339";
/// The hour of a day that is named without one.
const MORNING: u32 = 9;

/// The clock that the viewer's user lives by, with a remark on whose it is.
pub(super) async fn zone_of(memory: &Memory, context: &Context) -> (Tz, String) {
    // A wish that cannot be looked up must not cost the time of day.
    let wish = memory.preferences(&context.viewer).await.ok().and_then(|wishes| wishes.timezone);
    match wish.and_then(|name| name.parse().ok()) {
        Some(zone) => (zone, " (the user's time zone)".to_owned()),
        None => {
            (context.character.core.timezone, " (your own time zone; the user's is not known)".to_owned())
        }
    }
}

/// The span that a tool is asked for, by the user's clock; `None`: none is asked for.
///
/// # Errors
/// [`ToolError::Arguments`] when the words stand for none.
pub(super) async fn wanted(
    memory: &Memory,
    context: &Context,
    period: Option<&str>,
) -> Result<Option<Span>, ToolError> {
    let Some(period) = period else { return Ok(None) };
    let (zone, _) = zone_of(memory, context).await;
    match span(period, context.now, zone) {
        Some(span) => Ok(Some(span)),
        None => Err(ToolError::Arguments(format!(
            "`period`: `{}` is no stretch of time; write one of {SPANS}",
            text::cut(period, 60)
        ))),
    }
}

/// The moment of a clock's time; where clocks jump, the earlier one, or the same an hour later.
fn moment(zone: Tz, at: NaiveDateTime) -> Option<Timestamp> {
    let found = zone.from_local_datetime(&at).earliest();
    let found = found.or_else(|| {
        zone.from_local_datetime(&at.checked_add_signed(chrono::TimeDelta::hours(1))?).earliest()
    });
    Some(found?.to_utc().into())
}

fn days(zone: Tz, from: NaiveDate, to: NaiveDate) -> Option<Span> {
    let midnight = |day: NaiveDate| moment(zone, day.and_time(NaiveTime::MIN));
    Some(Span { from: midnight(from)?, to: midnight(to)? })
}

fn weekday(text: &str) -> Option<Weekday> {
    (text.len() >= 3).then(|| text.parse().ok()).flatten()
}

fn month(text: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let found =
        MONTHS.iter().position(|name| *name == text || (text.len() == 3 && name.starts_with(text)))?;
    u32::try_from(found + 1).ok()
}

fn number(text: &str) -> Option<u32> {
    const WORDS: [&str; 11] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    match text {
        "a" | "an" => Some(1),
        _ => WORDS
            .iter()
            .position(|word| *word == text)
            .and_then(|it| u32::try_from(it).ok())
            .or_else(|| text.parse().ok().filter(|it| *it <= 100_000)),
    }
}

/// So many of a unit, before a day.
fn back(day: NaiveDate, count: u32, unit: &str) -> Option<NaiveDate> {
    match unit.trim_end_matches('s') {
        "day" => day.checked_sub_days(Days::new(u64::from(count))),
        "week" => day.checked_sub_days(Days::new(u64::from(count) * 7)),
        "month" => day.checked_sub_months(Months::new(count)),
        "year" => day.checked_sub_months(Months::new(count.checked_mul(12)?)),
        _ => None,
    }
}

/// The stretch of time that words stand for; `None`: they stand for none ([`SPANS`]).
pub(super) fn span(text: &str, now: Timestamp, zone: Tz) -> Option<Span> {
    let text = text.trim().to_lowercase();
    if let Some((from, to)) = text.split_once(" to ").or_else(|| text.split_once("..")) {
        let (from, to) = (span(from, now, zone)?, span(to, now, zone)?);
        return (from.from < to.to).then_some(Span { from: from.from, to: to.to });
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(&text.to_uppercase()) {
        let day = at.with_timezone(&zone).date_naive();
        return days(zone, day, day.succ_opt()?);
    }
    let today = now.to_utc().with_timezone(&zone).date_naive();
    let tomorrow = today.succ_opt()?;
    let monday = today.checked_sub_days(Days::new(u64::from(today.weekday().num_days_from_monday())))?;
    let first = today.with_day(1)?;
    let year = today.with_ordinal(1)?;
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|word| !matches!(*word, "the" | "in" | "on" | "during" | "past"))
        .collect();
    let past = text.split_whitespace().any(|word| word == "past");
    match words.as_slice() {
        ["today"] => days(zone, today, tomorrow),
        ["yesterday"] => days(zone, today.pred_opt()?, today),
        ["this", "week"] => days(zone, monday, tomorrow),
        ["last", "week"] => days(zone, back(monday, 1, "week")?, monday),
        ["this", "month"] => days(zone, first, tomorrow),
        ["last", "month"] => days(zone, back(first, 1, "month")?, first),
        ["this", "year"] => days(zone, year, tomorrow),
        ["last", "year"] => days(zone, back(year, 1, "year")?, year),
        [unit @ ("week" | "month" | "year")] if past => days(zone, back(today, 1, unit)?, tomorrow),
        ["last" | "previous", count, unit] => days(zone, back(today, number(count)?, unit)?, tomorrow),
        [count, unit] if past => days(zone, back(today, number(count)?, unit)?, tomorrow),
        [count, unit, "ago"] => {
            let start = back(today, number(count)?, unit)?;
            match unit.trim_end_matches('s') {
                "day" => days(zone, start, start.succ_opt()?),
                "week" => {
                    let start = back(monday, number(count)?, unit)?;
                    days(zone, start, start.checked_add_days(Days::new(7))?)
                }
                "month" => {
                    let start = start.with_day(1)?;
                    days(zone, start, start.checked_add_months(Months::new(1))?)
                }
                _ => {
                    let start = start.with_ordinal(1)?;
                    days(zone, start, start.checked_add_months(Months::new(12))?)
                }
            }
        }
        ["last", day] | [day] if weekday(day).is_some() => {
            let ago = today.weekday().days_since(weekday(day)?);
            let ago = if ago == 0 { 7 } else { ago };
            let day = today.checked_sub_days(Days::new(u64::from(ago)))?;
            days(zone, day, day.succ_opt()?)
        }
        ["last", name] | [name] if month(name).is_some() => {
            let mut start = first.with_month(month(name)?)?;
            if start > today {
                start = back(start, 1, "year")?;
            }
            days(zone, start, start.checked_add_months(Months::new(1))?)
        }
        [name, year] if month(name).is_some() => {
            let start = NaiveDate::from_ymd_opt(year.parse().ok()?, month(name)?, 1)?;
            days(zone, start, start.checked_add_months(Months::new(1))?)
        }
        [date] => dated(date, zone),
        _ => None,
    }
}

/// `2026`, `2026-03`, `2026-03-01`.
fn dated(text: &str, zone: Tz) -> Option<Span> {
    let parts: Vec<&str> = text.split('-').collect();
    let year: i32 = parts.first().filter(|year| year.len() == 4)?.parse().ok()?;
    match parts.as_slice() {
        [_] => days(zone, NaiveDate::from_ymd_opt(year, 1, 1)?, NaiveDate::from_ymd_opt(year + 1, 1, 1)?),
        [_, month] => {
            let start = NaiveDate::from_ymd_opt(year, month.parse().ok()?, 1)?;
            days(zone, start, start.checked_add_months(Months::new(1))?)
        }
        [_, month, day] => {
            let start = NaiveDate::from_ymd_opt(year, month.parse().ok()?, day.parse().ok()?)?;
            days(zone, start, start.succ_opt()?)
        }
        _ => None,
    }
}

/// The moment that words stand for; `None`: they stand for none ([`MOMENTS`]). A time of day that is over is tomorrow's.
pub(super) fn at(text: &str, now: Timestamp, zone: Tz) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc().into());
    }
    let text = text.to_lowercase().replace(',', " ");
    let words: Vec<&str> =
        text.split_whitespace().filter(|word| !matches!(*word, "at" | "on" | "next" | "this")).collect();
    if let ["in", count, unit] = words.as_slice() {
        return ahead(now, count, unit, zone);
    }
    if let ["in", "half", "an", "hour"] = words.as_slice() {
        return Some(now.plus(Duration::from_secs(30 * 60)));
    }
    let here = now.to_utc().with_timezone(&zone);
    let today = here.date_naive();
    let (day, rest) = match words.split_first()? {
        (&"tonight", []) => return moment(zone, today.and_hms_opt(20, 0, 0)?),
        (&("today" | "tonight"), rest) => (Some(today), rest),
        (&"tomorrow", rest) => (Some(today.succ_opt()?), rest),
        (name, rest) if weekday(name).is_some() => {
            let days = weekday(name)?.days_since(today.weekday());
            let days = if days == 0 { 7 } else { days };
            (Some(today.checked_add_days(Days::new(u64::from(days)))?), rest)
        }
        (date, rest) if NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok() => {
            (NaiveDate::parse_from_str(date, "%Y-%m-%d").ok(), rest)
        }
        (date, []) if date.contains('t') => {
            let local = NaiveDateTime::parse_from_str(date, "%Y-%m-%dt%H:%M:%S")
                .or_else(|_| NaiveDateTime::parse_from_str(date, "%Y-%m-%dt%H:%M"));
            return moment(zone, local.ok()?);
        }
        _ => (None, words.as_slice()),
    };
    let clock = match (rest, day) {
        ([], Some(_)) => NaiveTime::from_hms_opt(MORNING, 0, 0)?,
        (["noon"], _) => NaiveTime::from_hms_opt(12, 0, 0)?,
        ([time], _) => clock(time, day.is_some())?,
        ([time, half @ ("am" | "pm")], _) => clock(&format!("{time}{half}"), true)?,
        _ => return None,
    };
    match day {
        Some(day) => moment(zone, day.and_time(clock)),
        None => {
            let at = moment(zone, today.and_time(clock))?;
            if at > now { Some(at) } else { moment(zone, today.succ_opt()?.and_time(clock)) }
        }
    }
}

/// `18:00`, `9am`, `9:30pm`; `9` beside a day.
fn clock(text: &str, bare: bool) -> Option<NaiveTime> {
    let (digits, half) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(digits), _) => (digits, Some(0)),
        (_, Some(digits)) => (digits, Some(12)),
        _ => (text, None),
    };
    let (hour, minute) = match digits.split_once(':') {
        Some((hour, minute)) => (hour.parse::<u32>().ok()?, minute.parse().ok()?),
        None if bare || half.is_some() => (digits.parse().ok()?, 0),
        None => return None,
    };
    match half {
        Some(half) if (1..=12).contains(&hour) => NaiveTime::from_hms_opt(hour % 12 + half, minute, 0),
        Some(_) => None,
        None => NaiveTime::from_hms_opt(hour, minute, 0),
    }
}

fn ahead(now: Timestamp, count: &str, unit: &str, zone: Tz) -> Option<Timestamp> {
    let count = number(count)?;
    let seconds = match unit.trim_end_matches('s') {
        "second" | "sec" => 1,
        "minute" | "min" => 60,
        "hour" | "h" => 3_600,
        "day" | "week" | "month" | "year" => {
            // The same time of day, whatever the clocks do in between.
            let here = now.to_utc().with_timezone(&zone).naive_local();
            let then = match unit.trim_end_matches('s') {
                "day" => here.checked_add_days(Days::new(u64::from(count)))?,
                "week" => here.checked_add_days(Days::new(u64::from(count) * 7))?,
                "month" => here.checked_add_months(Months::new(count))?,
                _ => here.checked_add_months(Months::new(count.checked_mul(12)?))?,
            };
            return moment(zone, then);
        }
        _ => return None,
    };
    Some(now.plus(Duration::from_secs(u64::from(count) * seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    /// A Wednesday.
    fn now() -> Timestamp {
        DateTime::parse_from_rfc3339("2026-03-11T15:00:00Z").unwrap().to_utc().into()
    }

    #[rstest]
    #[case("today", "2026-03-11", "2026-03-12")]
    #[case("Yesterday", "2026-03-10", "2026-03-11")]
    #[case("last week", "2026-03-02", "2026-03-09")]
    #[case("this week", "2026-03-09", "2026-03-12")]
    #[case("last month", "2026-02-01", "2026-03-01")]
    #[case("last year", "2025-01-01", "2026-01-01")]
    #[case("the last 3 days", "2026-03-08", "2026-03-12")]
    #[case("past two weeks", "2026-02-25", "2026-03-12")]
    #[case("3 days ago", "2026-03-08", "2026-03-09")]
    #[case("2 weeks ago", "2026-02-23", "2026-03-02")]
    #[case("monday", "2026-03-09", "2026-03-10")]
    #[case("on Wednesday", "2026-03-04", "2026-03-05")]
    #[case("in january", "2026-01-01", "2026-02-01")]
    #[case("November", "2025-11-01", "2025-12-01")]
    #[case("march 2024", "2024-03-01", "2024-04-01")]
    #[case("2026-02", "2026-02-01", "2026-03-01")]
    #[case("2026-02-03", "2026-02-03", "2026-02-04")]
    #[case("2026-02-03 to 2026-02-05", "2026-02-03", "2026-02-06")]
    fn a_span_has_a_beginning_and_an_end(#[case] text: &str, #[case] from: &str, #[case] to: &str) {
        let day = |text: &str| -> Timestamp {
            NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap().and_time(NaiveTime::MIN).and_utc().into()
        };
        assert_eq!(span(text, now(), Tz::UTC), Some(Span { from: day(from), to: day(to) }));
    }

    #[rstest]
    #[case("in 20 minutes", "2026-03-11T15:20:00Z")]
    #[case("in an hour", "2026-03-11T16:00:00Z")]
    #[case("in 3 days", "2026-03-14T15:00:00Z")]
    #[case("at 18:00", "2026-03-11T17:00:00Z")]
    #[case("at 9:00", "2026-03-12T08:00:00Z")]
    #[case("tomorrow", "2026-03-12T08:00:00Z")]
    #[case("tomorrow at 9", "2026-03-12T08:00:00Z")]
    #[case("Monday 9:30 pm", "2026-03-16T20:30:00Z")]
    #[case("2026-04-01 18:00", "2026-04-01T16:00:00Z")]
    #[case("2026-04-01T18:00", "2026-04-01T16:00:00Z")]
    #[case("2026-04-01T18:00:00Z", "2026-04-01T18:00:00Z")]
    #[case("2026-03-29 02:30", "2026-03-29T01:30:00Z")]
    fn a_moment_is_by_the_clock_of_the_zone(#[case] text: &str, #[case] expected: &str) {
        let found = at(text, now(), chrono_tz::Europe::Berlin).map(|at| at.to_string());
        assert_eq!(found.as_deref(), Some(expected));
    }

    #[rstest]
    #[case("soon")]
    #[case("when I am home")]
    #[case("2026-13-01")]
    #[case("25:00")]
    #[case("in many hours")]
    #[case("")]
    fn what_is_no_time_is_none(#[case] text: &str) {
        assert_eq!(span(text, now(), Tz::UTC), None);
        assert_eq!(at(text, now(), Tz::UTC), None);
    }

    proptest! {
        #[test]
        fn any_words_are_read_without_harm(text in "[a-z0-9: -]{0,40}", micros in proptest::num::i64::ANY) {
            let now = Timestamp::from_micros(micros);
            let _ = (span(&text, now, Tz::UTC), at(&text, now, Tz::UTC));
        }
    }
}
