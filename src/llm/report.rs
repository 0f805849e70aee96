//! What the ledger says, summed up by one of its columns.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use sqlx::{AssertSqlSafe, Row, any::AnyRow};

use super::data::{Ledger, Totals};
use crate::{model::Timestamp, store::StoreError};

/// A quarter of an hour, µs: every zone's midnight lies between two of them.
const QUARTER: i64 = 900_000_000;

/// What a row of a report stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportBy {
    /// The person a call was made for.
    User,
    /// The character that spoke.
    Character,
    /// The server.
    Guild,
    /// The model.
    Model,
    /// What for.
    Purpose,
    /// The tier, such as `main` or `cloud`.
    Tier,
    /// The day.
    Day,
}

/// One row of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportRow {
    /// Its person, character, …; a day as `2026-03-01`; `None`: calls of nobody in particular.
    pub key: Option<String>,
    /// Its sums.
    pub totals: Totals,
}

impl Ledger {
    /// Sums over the calls that began at `since` or later and before `until`: the dearest first, days in their order. Days
    /// are those of `zone`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    pub async fn report(
        &self,
        by: ReportBy,
        since: Timestamp,
        until: Timestamp,
        zone: Tz,
    ) -> Result<Vec<ReportRow>, StoreError> {
        let quarters = format!("CAST(at / {QUARTER} AS TEXT)");
        let column = match by {
            ReportBy::User => "owner",
            ReportBy::Character => "character",
            ReportBy::Guild => "guild",
            ReportBy::Model => "model",
            ReportBy::Purpose => "purpose",
            ReportBy::Tier => "tier",
            ReportBy::Day => &quarters,
        };
        // Only the names above are put into the text.
        let sql = format!(
            "SELECT {column} AS name, COUNT(*) AS calls, CAST(SUM(tokens_in) AS BIGINT) AS tokens_in, \
             CAST(SUM(tokens_out) AS BIGINT) AS tokens_out, CAST(SUM(cost_usd) AS DOUBLE PRECISION) AS cost_usd \
             FROM ledger WHERE at >= $1 AND at < $2 GROUP BY {column}"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(since.micros())
            .bind(until.micros())
            .fetch_all(self.readers())
            .await?;
        let rows = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        if by == ReportBy::Day {
            return by_day(rows, zone);
        }
        let mut rows = rows;
        rows.sort_by(|one, other| {
            let dearest = other.totals.cost_usd.total_cmp(&one.totals.cost_usd);
            dearest.then(other.totals.calls.cmp(&one.totals.calls)).then(one.key.cmp(&other.key))
        });
        Ok(rows)
    }
}

fn read(row: &AnyRow) -> Result<ReportRow, StoreError> {
    let count = |column: &str| row.try_get::<i64, _>(column).map(|n| u64::try_from(n).unwrap_or(0));
    Ok(ReportRow {
        key: row.try_get("name")?,
        totals: Totals {
            calls: count("calls")?,
            tokens_in: count("tokens_in")?,
            tokens_out: count("tokens_out")?,
            cost_usd: row.try_get("cost_usd")?,
        },
    })
}

/// Puts quarters of an hour together to days.
fn by_day(quarters: Vec<ReportRow>, zone: Tz) -> Result<Vec<ReportRow>, StoreError> {
    let mut days: BTreeMap<String, Totals> = BTreeMap::new();
    for row in quarters {
        let number = row.key.as_deref().and_then(|text| text.parse::<i64>().ok());
        let number = number.ok_or_else(|| StoreError::Corrupt("a time in the ledger".to_owned()))?;
        let at = Timestamp::from_micros(number.saturating_mul(QUARTER));
        let sum = days.entry(at.to_utc().with_timezone(&zone).date_naive().to_string()).or_default();
        sum.calls += row.totals.calls;
        sum.tokens_in += row.totals.tokens_in;
        sum.tokens_out += row.totals.tokens_out;
        sum.cost_usd += row.totals.cost_usd;
    }
    Ok(days.into_iter().map(|(day, totals)| ReportRow { key: Some(day), totals }).collect())
}
