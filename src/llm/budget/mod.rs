//! The budget: money is held before a call is sent and settled when it is over, in the database, so that the limits hold
//! for any number of calls and processes at once.

mod calendar;
mod data;
mod hold;
mod money;
mod standing;
mod watch;

use std::{sync::Arc, time::Duration};

use chrono::NaiveDate;
use tokio::sync::Notify;

use self::calendar::Period;
use super::{data::Ledger, request::Attribution};
use crate::{
    jobs,
    model::{Clock, Timestamp},
    store::{Database, StoreError},
};

pub use calendar::begins as day_begins;
pub(super) use hold::{Hold, NoMoney, Wanted};
pub use money::{Limit, Limits};
pub use standing::{Standing, Step};

/// Whose money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// Everybody's together.
    All,
    /// A guild's.
    Guild,
    /// A person's.
    User,
    /// A character's.
    Character,
}

impl AccountKind {
    /// The name in the table and in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Guild => "guild",
            Self::User => "user",
            Self::Character => "character",
        }
    }
}

/// Somebody whose money is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Account {
    kind: AccountKind,
    subject: String,
}

impl Account {
    /// The accounts of a call, always in the same order.
    fn all(guild: Option<&str>, user: Option<&str>, character: Option<&str>) -> Vec<Self> {
        let named = [
            (AccountKind::All, Some("")),
            (AccountKind::Guild, guild),
            (AccountKind::User, user),
            (AccountKind::Character, character),
        ];
        let account = |(kind, subject): (_, Option<&str>)| Some(Self { kind, subject: subject?.to_owned() });
        named.into_iter().filter_map(account).collect()
    }

    /// For the operator: `everybody`, or `user console:robin`.
    fn shown(&self) -> String {
        match self.kind {
            AccountKind::All => "everybody".to_owned(),
            kind => format!("{} {}", kind.as_str(), self.subject),
        }
    }
}

/// The day or the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    Day,
    Month,
}

/// What an account has spent, and what it may.
#[derive(Debug, Clone, PartialEq)]
pub struct Purse {
    /// Whose.
    pub kind: AccountKind,
    /// The guild, person or character; empty for everybody.
    pub subject: String,
    /// Spent today, US dollars.
    pub day_usd: f64,
    /// Spent this month, US dollars.
    pub month_usd: f64,
    /// What may be spent.
    pub limit: Limit,
}

/// The budget. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Budget {
    db: Database,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    limits: Limits,
    holder: Arc<str>,
    /// A call takes no longer.
    longest: Duration,
    /// The last of each limit is for the cheaper model.
    cheaper: bool,
    settled: Arc<Notify>,
}

impl Budget {
    /// The budget in `db`. A call that holds money is cut off after `longest`. Where there is a `cheaper` model, the last tenth
    /// of each limit is left for its answers.
    #[must_use]
    pub fn new(
        db: Database,
        clock: Arc<dyn Clock>,
        limits: Limits,
        longest: Duration,
        cheaper: bool,
    ) -> Self {
        Self {
            ledger: Ledger::new(db.clone()),
            db,
            clock,
            limits,
            holder: jobs::process_name().into(),
            longest,
            cheaper,
            settled: Arc::default(),
        }
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The first moment of the day that `date` names in the budget's zone.
    fn begins(&self, date: NaiveDate) -> Timestamp {
        calendar::begins(date, self.limits.zone)
    }

    /// The day it is in the budget's zone.
    fn today(&self) -> NaiveDate {
        calendar::date(self.clock.now(), self.limits.zone)
    }

    /// The present moment, on the budget's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn period(&self) -> Period {
        Period::of(self.clock.now(), self.limits.zone)
    }

    fn limit_of(&self, kind: AccountKind) -> Limit {
        match kind {
            AccountKind::All => self.limits.all,
            AccountKind::Guild => self.limits.guild,
            AccountKind::User => self.limits.user,
            AccountKind::Character => self.limits.character,
        }
    }

    /// The limits of an account, in billionths of a dollar.
    fn limits_of(&self, account: &Account) -> impl Iterator<Item = (Span, i64)> + use<> {
        let limit = self.limit_of(account.kind);
        let spans = [(Span::Day, limit.day_usd), (Span::Month, limit.month_usd)];
        // Down, so that what is a breath below the limit stays below it.
        spans.into_iter().filter_map(|(span, usd)| Some((span, (money::nano(usd?) - 1).max(0))))
    }

    /// What everybody, the guild, the person and the character of `attribution` have spent today and this month, of what.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    pub async fn purses(&self, attribution: &Attribution) -> Result<Vec<Purse>, StoreError> {
        let accounts = data::accounts(attribution);
        let mut connection = self.db.readers().acquire().await?;
        let spent = data::spent(&mut connection, &accounts, &self.period()).await?;
        let purse = |(account, (day, month)): (Account, (i64, i64))| Purse {
            kind: account.kind,
            subject: account.subject,
            day_usd: money::usd(day),
            month_usd: money::usd(month),
            limit: self.limit_of(account.kind),
        };
        Ok(accounts.into_iter().zip(spent).map(purse).collect())
    }
}
