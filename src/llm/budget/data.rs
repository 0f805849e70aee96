//! The budget's tables: what was spent a day, what calls under way hold, and what was told.

use std::fmt::Write;

use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};

use super::{Account, calendar::Period};
use crate::{
    llm::request::Attribution,
    model::Timestamp,
    store::{Database, StoreError, Tx},
};

/// Money that a call may still take.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HoldRow {
    pub(super) id: String,
    pub(super) holder: String,
    pub(super) at: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) day: i64,
    pub(super) nano: i64,
    pub(super) tokens_in: i64,
    pub(super) cost_usd: f64,
    pub(super) tier: String,
    pub(super) model: String,
    pub(super) purpose: String,
    pub(super) character: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) guild: Option<String>,
    pub(super) turn: Option<String>,
}

impl HoldRow {
    fn read(row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.try_get("id")?,
            holder: row.try_get("holder")?,
            at: Timestamp::from_micros(row.try_get("at")?),
            ends_at: Timestamp::from_micros(row.try_get("ends_at")?),
            day: row.try_get("day")?,
            nano: row.try_get("nano")?,
            tokens_in: row.try_get("tokens_in")?,
            cost_usd: row.try_get("cost_usd")?,
            tier: row.try_get("tier")?,
            model: row.try_get("model")?,
            purpose: row.try_get("purpose")?,
            character: row.try_get("character")?,
            owner: row.try_get("owner")?,
            guild: row.try_get("guild")?,
            turn: row.try_get("turn")?,
        })
    }

    /// The accounts that it weighs on.
    pub(super) fn accounts(&self) -> Vec<Account> {
        Account::all(self.guild.as_deref(), self.owner.as_deref(), self.character.as_deref())
    }
}

/// Takes the lock that changes of the budget are made under.
pub(super) async fn begin(db: &Database) -> Result<Tx, StoreError> {
    let mut tx = db.begin().await?;
    db.lock(&mut tx, "budget").await?;
    Ok(tx)
}

/// What each of the accounts has spent on the day and in the month of `period`, in this order.
pub(super) async fn spent(
    connection: &mut AnyConnection,
    accounts: &[Account],
    period: &Period,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let mut sql =
        "SELECT kind, subject, CAST(SUM(CASE WHEN day = $1 THEN nano ELSE 0 END) AS BIGINT) AS today, \
        CAST(SUM(nano) AS BIGINT) AS month FROM budget_spent WHERE day >= $2 AND day <= $3 AND (1 = 0"
            .to_owned();
    for index in 0..accounts.len() {
        // Writing to a String cannot fail.
        let _ = write!(sql, " OR (kind = ${} AND subject = ${})", 2 * index + 4, 2 * index + 5);
    }
    sql.push_str(") GROUP BY kind, subject");
    let mut query = sqlx::query(AssertSqlSafe(sql))
        .bind(period.day)
        .bind(*period.month.start())
        .bind(*period.month.end());
    for account in accounts {
        query = query.bind(account.kind.as_str().to_owned()).bind(account.subject.clone());
    }
    let rows = query.fetch_all(connection).await?;
    let mut sums = vec![(0, 0); accounts.len()];
    for row in &rows {
        let (kind, subject): (String, String) = (row.try_get("kind")?, row.try_get("subject")?);
        let place = accounts.iter().position(|it| it.kind.as_str() == kind && it.subject == subject);
        if let Some(sum) = place.and_then(|place| sums.get_mut(place)) {
            *sum = (row.try_get("today")?, row.try_get("month")?);
        }
    }
    Ok(sums)
}

/// Everything that is held, by all processes.
pub(super) async fn holds(connection: &mut AnyConnection) -> Result<Vec<HoldRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, holder, at, ends_at, day, nano, tokens_in, cost_usd, tier, model, purpose, character, owner, guild, \
         turn FROM budget_hold",
    )
    .fetch_all(connection)
    .await?;
    rows.iter().map(HoldRow::read).collect()
}

/// What of `holds` weighs on `account`, today and this month.
pub(super) fn held<'a>(
    holds: impl Iterator<Item = &'a HoldRow>,
    account: &Account,
    period: &Period,
) -> (i64, i64) {
    let own = holds.filter(|it| period.month.contains(&it.day) && it.accounts().contains(account));
    own.fold((0, 0), |(day, month), it| {
        (day + if it.day == period.day { it.nano } else { 0 }, month + it.nano)
    })
}

/// Holds money, or more of it.
pub(super) async fn hold(connection: &mut AnyConnection, row: HoldRow) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO budget_hold (id, holder, at, ends_at, day, nano, tokens_in, cost_usd, tier, model, purpose, \
         character, owner, guild, turn) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
         ON CONFLICT (id) DO UPDATE SET nano = excluded.nano, tokens_in = excluded.tokens_in, \
         cost_usd = excluded.cost_usd, model = excluded.model",
    )
    .bind(row.id)
    .bind(row.holder)
    .bind(row.at.micros())
    .bind(row.ends_at.micros())
    .bind(row.day)
    .bind(row.nano)
    .bind(row.tokens_in)
    .bind(row.cost_usd)
    .bind(row.tier)
    .bind(row.model)
    .bind(row.purpose)
    .bind(row.character)
    .bind(row.owner)
    .bind(row.guild)
    .bind(row.turn)
    .execute(connection)
    .await?;
    Ok(())
}

/// Lets go of what the call `id` held.
pub(super) async fn release(connection: &mut AnyConnection, id: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM budget_hold WHERE id = $1").bind(id.to_owned()).execute(connection).await?;
    Ok(())
}

/// Books what a call cost on its accounts.
pub(super) async fn book(
    connection: &mut AnyConnection,
    accounts: &[Account],
    day: i64,
    nano: i64,
) -> Result<(), StoreError> {
    for account in accounts {
        sqlx::query(
            "INSERT INTO budget_spent (kind, subject, day, nano) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (kind, subject, day) DO UPDATE SET nano = budget_spent.nano + excluded.nano",
        )
        .bind(account.kind.as_str().to_owned())
        .bind(account.subject.clone())
        .bind(day)
        .bind(nano)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Writes a call that was never settled into the ledger: its prompt was read, so much is known.
pub(super) async fn lost(connection: &mut AnyConnection, row: &HoldRow) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ledger (id, at, tier, model, purpose, character, owner, guild, turn, tokens_in, tokens_out, \
         cost_usd, ms, attempts, outcome, error) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, 0, 1, 'lost', $12) ON CONFLICT (id) DO NOTHING",
    )
    .bind(row.id.clone())
    .bind(row.at.micros())
    .bind(row.tier.clone())
    .bind(row.model.clone())
    .bind(row.purpose.clone())
    .bind(row.character.clone())
    .bind(row.owner.clone())
    .bind(row.guild.clone())
    .bind(row.turn.clone())
    .bind(row.tokens_in)
    .bind(row.cost_usd)
    .bind("the process ended during the call".to_owned())
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that the operator is told of `what` on `day`. False when it was told before.
pub(super) async fn note(
    to: impl sqlx::Executor<'_, Database = sqlx::Any>,
    day: i64,
    what: String,
) -> Result<bool, StoreError> {
    let noted = sqlx::query(
        "INSERT INTO budget_notice (day, what) VALUES ($1, $2) ON CONFLICT (day, what) DO NOTHING",
    )
    .bind(day)
    .bind(what)
    .execute(to)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// The accounts of a call.
pub(super) fn accounts(attribution: &Attribution) -> Vec<Account> {
    Account::all(
        attribution.guild.as_deref(),
        attribution.user.as_ref().map(crate::model::UserId::as_str),
        attribution.character.as_ref().map(crate::model::CharacterId::as_str),
    )
}
