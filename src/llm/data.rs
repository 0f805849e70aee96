//! The ledger's table: one row a call, whatever became of it.

use std::fmt::Write;

use sqlx::{AssertSqlSafe, Executor, Row};
use uuid::Uuid;

use super::request::{Attribution, Purpose, Tier};
use crate::{
    model::{CharacterId, Timestamp, UserId},
    store::{Database, StoreError},
};

/// The books: what every call took, and on whose account.
#[derive(Debug, Clone)]
pub struct Ledger {
    db: Database,
}

/// One call in the books.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerRow {
    /// When it began.
    pub at: Timestamp,
    /// Which tier was asked.
    pub tier: Tier,
    /// Which model.
    pub model: String,
    /// What for.
    pub purpose: Purpose,
    /// On whose account.
    pub attribution: Attribution,
    /// Tokens read.
    pub tokens_in: u64,
    /// Tokens written.
    pub tokens_out: u64,
    /// Money, in US dollars.
    pub cost_usd: f64,
    /// Time spent waiting on the endpoint, milliseconds.
    pub ms: f64,
    /// Requests that were made.
    pub attempts: u32,
    /// `ok`, `cancelled`, or the kind of error.
    pub outcome: String,
    /// What went wrong, without secrets.
    pub error: Option<String>,
}

/// Whose calls to count; everybody's by default.
#[derive(Debug, Clone, Default)]
pub struct LedgerFilter {
    /// Only this character's.
    pub character: Option<CharacterId>,
    /// Only those made for this person.
    pub user: Option<UserId>,
    /// Only those that began before this moment.
    pub until: Option<Timestamp>,
}

/// Sums over calls.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Totals {
    /// How many calls.
    pub calls: u64,
    /// Tokens read.
    pub tokens_in: u64,
    /// Tokens written.
    pub tokens_out: u64,
    /// Money, in US dollars.
    pub cost_usd: f64,
}

impl Ledger {
    /// The books in `db`.
    #[must_use]
    pub fn new(db: Database) -> Self {
        Self { db }
    }

    pub(super) fn readers(&self) -> &sqlx::AnyPool {
        self.db.readers()
    }

    /// Writes a row.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    pub(super) async fn record(&self, row: LedgerRow) -> Result<(), StoreError> {
        insert(self.db.writer(), &Uuid::now_v7().to_string(), row).await
    }

    /// Sums over the calls that began at `since` or later.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    pub async fn totals(&self, since: Timestamp, filter: &LedgerFilter) -> Result<Totals, StoreError> {
        let mut sql = "SELECT COUNT(*) AS calls, \
            COALESCE(CAST(SUM(tokens_in) AS BIGINT), 0) AS tokens_in, \
            COALESCE(CAST(SUM(tokens_out) AS BIGINT), 0) AS tokens_out, \
            CAST(COALESCE(SUM(cost_usd), 0) AS DOUBLE PRECISION) AS cost_usd \
            FROM ledger WHERE at >= $1"
            .to_owned();
        let wanted = [
            ("character", filter.character.as_ref().map(CharacterId::as_str)),
            ("owner", filter.user.as_ref().map(UserId::as_str)),
        ];
        let mut values = Vec::new();
        for (column, value) in wanted {
            if let Some(value) = value {
                values.push(value.to_owned());
                // Writing to a String cannot fail.
                let _ = write!(sql, " AND {column} = ${}", values.len() + 1);
            }
        }
        if filter.until.is_some() {
            let _ = write!(sql, " AND at < ${}", values.len() + 2);
        }
        // Only the two column names above are put into the text.
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(since.micros());
        for value in values {
            query = query.bind(value);
        }
        if let Some(until) = filter.until {
            query = query.bind(until.micros());
        }
        let row = query.fetch_one(self.db.readers()).await?;
        let count = |column: &str| row.try_get::<i64, _>(column).map(|n| u64::try_from(n).unwrap_or(0));
        Ok(Totals {
            calls: count("calls")?,
            tokens_in: count("tokens_in")?,
            tokens_out: count("tokens_out")?,
            cost_usd: row.try_get::<f64, _>("cost_usd")?,
        })
    }
}

/// Writes the row of a call under this id.
pub(super) async fn insert(
    to: impl Executor<'_, Database = sqlx::Any>,
    id: &str,
    row: LedgerRow,
) -> Result<(), StoreError> {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    sqlx::query(
        "INSERT INTO ledger (id, at, tier, model, purpose, character, owner, guild, turn, tokens_in, tokens_out, \
         cost_usd, ms, attempts, outcome, error) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(id.to_owned())
    .bind(row.at.micros())
    .bind(row.tier.as_str().to_owned())
    .bind(row.model)
    .bind(row.purpose.as_str().to_owned())
    .bind(row.attribution.character.map(String::from))
    .bind(row.attribution.user.map(String::from))
    .bind(row.attribution.guild)
    .bind(row.attribution.turn.map(|turn| turn.to_string()))
    .bind(count(row.tokens_in))
    .bind(count(row.tokens_out))
    .bind(row.cost_usd)
    .bind(row.ms)
    .bind(i64::from(row.attempts))
    .bind(row.outcome)
    .bind(row.error)
    .execute(to)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Location;

    async fn ledger(dir: &tempfile::TempDir) -> Ledger {
        Ledger::new(Database::open(&Location::in_dir(dir.path())).await.unwrap())
    }

    fn row(at: i64, user: &str) -> LedgerRow {
        LedgerRow {
            at: Timestamp::from_micros(at),
            tier: Tier::Main,
            model: "m".to_owned(),
            purpose: Purpose::Answer,
            attribution: Attribution {
                character: Some(CharacterId::new("elena").unwrap()),
                user: Some(UserId::console(user).unwrap()),
                ..Attribution::default()
            },
            tokens_in: 100,
            tokens_out: 10,
            cost_usd: 0.5,
            ms: 1.0,
            attempts: 1,
            outcome: "ok".to_owned(),
            error: None,
        }
    }

    #[tokio::test]
    async fn an_empty_ledger_sums_to_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let totals =
            ledger(&dir).await.totals(Timestamp::from_micros(0), &LedgerFilter::default()).await.unwrap();
        assert_eq!(totals, Totals::default());
    }

    #[tokio::test]
    async fn sums_go_by_time_and_person() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = ledger(&dir).await;
        for row in [row(1, "robin"), row(5, "robin"), row(5, "kim")] {
            ledger.record(row).await.unwrap();
        }
        let robin = LedgerFilter {
            user: Some(UserId::console("robin").unwrap()),
            character: Some(CharacterId::new("elena").unwrap()),
            until: None,
        };
        let sum = async |since, filter: &LedgerFilter| {
            ledger.totals(Timestamp::from_micros(since), filter).await.unwrap()
        };
        assert_eq!(sum(0, &LedgerFilter::default()).await.calls, 3);
        let expected = Totals { calls: 1, tokens_in: 100, tokens_out: 10, cost_usd: 0.5 };
        assert_eq!(sum(5, &robin).await, expected);
        let other =
            LedgerFilter { character: Some(CharacterId::new("ada").unwrap()), ..LedgerFilter::default() };
        assert_eq!(sum(0, &other).await.calls, 0);
    }
}
