//! `dramatis cost report`.

use std::process::ExitCode;

use anyhow::bail;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::{
    app,
    config::Settings,
    llm::{self, Ledger, ReportBy, ReportRow, Totals},
    model::{Clock, SystemClock, Timestamp},
    store::Database,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Prints calls, tokens and money from the ledger
    #[command(after_help = "Examples:\n  \
        dramatis cost report --by user\n  \
        dramatis cost report --by day --since 2026-03-01 --until 2026-03-31\n  \
        dramatis cost report --by model --json")]
    Report {
        /// One row for each of these
        #[arg(long, value_enum, default_value_t = By::Model)]
        by: By,
        /// From this day on: YYYY-MM-DD in `BUDGET_TIMEZONE`, or a moment like 2026-03-01T12:00:00Z [default: the first of
        /// this month]
        #[arg(long, value_name = "WHEN")]
        since: Option<When>,
        /// Up to and with this day, or up to this moment [default: now]
        #[arg(long, value_name = "WHEN")]
        until: Option<When>,
        /// One JSON object a row
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum By {
    /// The person it was made for
    User,
    /// The character that spoke
    Character,
    /// The server it was made on
    Guild,
    /// The model
    Model,
    /// What it was for
    Purpose,
    /// The tier that was asked
    Tier,
    /// The day
    Day,
}

impl By {
    fn report(self) -> ReportBy {
        match self {
            Self::User => ReportBy::User,
            Self::Character => ReportBy::Character,
            Self::Guild => ReportBy::Guild,
            Self::Model => ReportBy::Model,
            Self::Purpose => ReportBy::Purpose,
            Self::Tier => ReportBy::Tier,
            Self::Day => ReportBy::Day,
        }
    }
}

/// A day or a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Day(NaiveDate),
    Moment(Timestamp),
}

impl std::str::FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(day) = text.parse() {
            return Ok(Self::Day(day));
        }
        let moment = text.parse::<DateTime<Utc>>().map(|at| Self::Moment(at.into()));
        moment.map_err(|_| "write a day like 2026-03-01, or a moment like 2026-03-01T12:00:00Z".to_owned())
    }
}

impl When {
    fn begins(self, zone: Tz) -> Timestamp {
        match self {
            Self::Day(day) => llm::day_begins(day, zone),
            Self::Moment(at) => at,
        }
    }

    fn ends(self, zone: Tz) -> Timestamp {
        match self {
            Self::Day(day) => llm::day_begins(day.succ_opt().unwrap_or(day), zone),
            Self::Moment(at) => at,
        }
    }
}

pub(super) async fn run(settings: Settings, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Report { by, since, until, json } = command;
    let zone = app::limits(&settings).zone;
    let now = SystemClock.now();
    let today = now.to_utc().with_timezone(&zone).date_naive();
    let since = since.unwrap_or(When::Day(today.with_day(1).unwrap_or(today))).begins(zone);
    // What begins in this very moment counts.
    let until = until.map_or(now.plus(std::time::Duration::from_micros(1)), |until| until.ends(zone));
    if since >= until {
        bail!("--since ({since}) is not before --until ({until}): swap them");
    }
    let database = Database::open(&settings.database).await?;
    let rows = Ledger::new(database.clone()).report(by.report(), since, until, zone).await;
    database.close().await;
    let rows = rows?;
    if json {
        for row in &rows {
            say!("{}", as_json(row));
        }
    } else if rows.is_empty() {
        say!("no model was called from {since} to {until}");
    } else {
        print(&rows, since, until);
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(row: &ReportRow) -> serde_json::Value {
    serde_json::json!({
        "key": row.key,
        "calls": row.totals.calls,
        "tokens_in": row.totals.tokens_in,
        "tokens_out": row.totals.tokens_out,
        "cost_usd": row.totals.cost_usd,
    })
}

fn print(rows: &[ReportRow], since: Timestamp, until: Timestamp) {
    const NOBODY: &str = "(none)";
    const TOTAL: &str = "total";
    let name = |row: &ReportRow| row.key.clone().unwrap_or_else(|| NOBODY.to_owned());
    let width = rows.iter().map(|row| name(row).chars().count()).max().unwrap_or_default().max(NOBODY.len());
    let line = |name: &str, it: &Totals| {
        say!(
            "{name:<width$}{:>9}{:>14}{:>14}{:>13}",
            it.calls,
            it.tokens_in,
            it.tokens_out,
            format!("${:.4}", it.cost_usd)
        );
    };
    say!("{:<width$}{:>9}{:>14}{:>14}{:>13}", "", "calls", "tokens in", "tokens out", "USD");
    let mut total = Totals::default();
    for row in rows {
        line(&name(row), &row.totals);
        total.calls += row.totals.calls;
        total.tokens_in += row.totals.tokens_in;
        total.tokens_out += row.totals.tokens_out;
        total.cost_usd += row.totals.cost_usd;
    }
    line(TOTAL, &total);
    say!("\nfrom {since} to {until}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("2026-03-01", "2026-02-28T23:00:00Z", "2026-03-01T23:00:00Z")]
    #[case("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z")]
    fn a_day_lasts_in_its_zone(#[case] text: &str, #[case] begins: &str, #[case] ends: &str) {
        let when: When = text.parse().unwrap();
        assert_eq!(when.begins(Tz::Europe__Berlin).to_string(), begins);
        assert_eq!(when.ends(Tz::Europe__Berlin).to_string(), ends);
    }

    #[rstest]
    #[case("yesterday")]
    #[case("2026-13-01")]
    #[case("")]
    fn what_is_no_day_is_refused(#[case] text: &str) {
        assert!(text.parse::<When>().unwrap_err().contains("write a day"));
    }
}
