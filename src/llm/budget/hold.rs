//! Holding money before a request is sent, and settling when the call is over.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::{Account, Budget, Period, Span, data, money};
use crate::{
    jobs,
    llm::{
        data::{self as books, LedgerRow},
        prices::Price,
        request::ChatRequest,
    },
    model::Timestamp,
    store::{StoreError, Tx},
};

/// The longest answer where the caller sets none and there are limits, in tokens: three messages of a platform, and room
/// for a model that thinks first.
const LONGEST_ANSWER: u32 = 2_048;
/// How much longer a prompt may turn out than estimated: `tokens.rs` is held to 12 %, and vocabularies differ.
const PROMPT_MARGIN: f64 = 1.5;
/// How long a call waits for money that others only hold.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it looks whether another process has let go of some.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How long behind the end of the longest call a hold is taken for left behind.
const LEFT_BEHIND: Duration = Duration::from_secs(60);

/// The money that one call holds.
#[derive(Debug, Clone, Default)]
pub(in crate::llm) struct Hold {
    /// When the call began: its cost belongs to that day.
    began: Option<Timestamp>,
    id: Option<String>,
    nano: i64,
}

impl Hold {
    /// Nothing yet, for a call that began at `began`.
    pub(in crate::llm) fn new(began: Timestamp) -> Self {
        Self { began: Some(began), ..Self::default() }
    }

    fn id(&mut self) -> &str {
        self.id.get_or_insert_with(|| Uuid::now_v7().to_string())
    }

    /// The same hold, to put more into it while the call goes on. What it is known by stays, so that nothing is left behind.
    pub(in crate::llm) fn widened(&mut self) -> Self {
        self.id();
        self.clone()
    }
}

/// What the next request of a call may cost.
pub(in crate::llm) struct Wanted<'a> {
    pub(in crate::llm) request: &'a ChatRequest,
    pub(in crate::llm) model: &'a str,
    pub(in crate::llm) price: Option<Price>,
    /// The tokens that are about to be sent, as estimated.
    pub(in crate::llm) prompt: usize,
    /// What earlier requests of the call have cost, US dollars.
    pub(in crate::llm) spent_usd: f64,
    /// What a request that is under way beside it costs.
    pub(in crate::llm) beside: Option<Bounds>,
}

/// What a request costs at least, once it was sent, and at most; US dollars.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::llm) struct Bounds {
    least: f64,
    most: f64,
}

impl Wanted<'_> {
    /// What the request may cost by itself.
    pub(in crate::llm) fn bounds(&self) -> Bounds {
        let Some(price) = self.price else { return Bounds::default() };
        // A count of tokens: never negative, and far below what either type holds.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let most_in = (self.prompt as f64 * PROMPT_MARGIN).ceil() as u64;
        let most_out = u64::from(self.request.max_tokens.unwrap_or(LONGEST_ANSWER));
        let read = u64::try_from(self.prompt).unwrap_or(u64::MAX);
        Bounds { least: price.cost(read, 0), most: price.cost(most_in, most_out) }
    }
}

/// Why a request may not be sent.
#[derive(Debug)]
pub(in crate::llm) enum NoMoney {
    /// A limit would be passed.
    Spent(String),
    /// The books cannot be read.
    Store(StoreError),
}

impl From<StoreError> for NoMoney {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A limit that would be passed.
struct Short {
    account: Account,
    span: Span,
    limit: i64,
    /// Only because of money that others hold and may give back.
    passing: bool,
}

impl Short {
    fn told(&self) -> String {
        let span = match self.span {
            Span::Day => "day",
            Span::Month => "month",
        };
        let limit = money::usd(self.limit + 1);
        format!("would pass the budget: ${limit:.2} a {span} for {}", self.account.shown())
    }
}

impl Budget {
    /// Puts an end to answers without one, where there are limits and the model has a price: what is held must suffice.
    pub(in crate::llm) fn cap(&self, request: &mut ChatRequest, price: Option<Price>) {
        if self.limits.any() && price.is_some() && request.max_tokens.is_none() {
            request.max_tokens = Some(LONGEST_ANSWER);
        }
    }

    /// How long a call may take that holds money; without limits, as long as it likes.
    pub(in crate::llm) fn longest(&self) -> Duration {
        if self.limits.any() { self.longest } else { Duration::MAX }
    }

    /// Holds what the next request may cost beside what the call has cost so far. Free requests need nothing.
    /// Waits a while for money that others hold.
    pub(in crate::llm) async fn cover(&self, hold: &mut Hold, wanted: &Wanted<'_>) -> Result<(), NoMoney> {
        self.cover_within(PATIENCE, hold, wanted).await
    }

    /// The same without waiting for anybody.
    pub(in crate::llm) async fn cover_at_once(
        &self,
        hold: &mut Hold,
        wanted: &Wanted<'_>,
    ) -> Result<(), NoMoney> {
        self.cover_within(Duration::ZERO, hold, wanted).await
    }

    async fn cover_within(
        &self,
        patience: Duration,
        hold: &mut Hold,
        wanted: &Wanted<'_>,
    ) -> Result<(), NoMoney> {
        if !self.limits.any() || wanted.price.is_none() {
            return Ok(());
        }
        let (own, beside) = (wanted.bounds(), wanted.beside.unwrap_or_default());
        let nano = money::nano(wanted.spent_usd + own.most + beside.most);
        if nano <= hold.nano {
            return Ok(());
        }
        let began = hold.began.unwrap_or_else(|| self.clock.now());
        let attribution = &wanted.request.attribution;
        let row = data::HoldRow {
            id: hold.id().to_owned(),
            holder: self.holder.to_string(),
            at: began,
            ends_at: self.clock.now().plus(self.longest + LEFT_BEHIND),
            day: Period::of(began, self.limits.zone).day,
            nano,
            tokens_in: i64::try_from(wanted.prompt).unwrap_or(i64::MAX),
            cost_usd: wanted.spent_usd + own.least + beside.least,
            tier: wanted.request.tier.as_str().to_owned(),
            model: wanted.model.to_owned(),
            purpose: wanted.request.purpose.as_str().to_owned(),
            character: attribution.character.clone().map(String::from),
            owner: attribution.user.clone().map(String::from),
            guild: attribution.guild.clone(),
            turn: attribution.turn.map(|turn| turn.to_string()),
        };
        let until = Instant::now() + patience;
        loop {
            let settled = self.settled.notified();
            match self.try_hold(&row, wanted).await? {
                None => {
                    hold.nano = nano;
                    return Ok(());
                }
                Some(short) if short.passing && Instant::now() < until => {
                    let _ = tokio::time::timeout(LOOK_AGAIN, settled).await;
                }
                Some(short) => {
                    if wanted.beside.is_none() {
                        self.warn_spent(&short.account, short.span, wanted).await;
                    }
                    return Err(NoMoney::Spent(short.told()));
                }
            }
        }
    }

    async fn try_hold(&self, row: &data::HoldRow, wanted: &Wanted<'_>) -> Result<Option<Short>, StoreError> {
        let mut tx = data::begin(&self.db).await?;
        let holds = self.reclaim(&mut tx).await?;
        let accounts = row.accounts();
        let period = Period::of(row.at, self.limits.zone);
        let spent = data::spent(&mut tx, &accounts, &period).await?;
        let mut short = None;
        for (account, (day, month)) in accounts.into_iter().zip(spent) {
            let others = holds.iter().filter(|it| it.id != row.id);
            let (held_day, held_month) = data::held(others, &account, &period);
            for (span, limit) in self.limits_of(&account) {
                let (spent, held) = match span {
                    Span::Day => (day, held_day),
                    Span::Month => (month, held_month),
                };
                let usable =
                    money::share_of(limit, wanted.request.tier, wanted.request.purpose, self.cheaper);
                if spent + held + row.nano > usable {
                    let passing = spent + row.nano <= usable;
                    // What will not pass decides.
                    if short.as_ref().is_none_or(|it: &Short| it.passing && !passing) {
                        short = Some(Short { account: account.clone(), span, limit, passing });
                    }
                }
            }
        }
        if short.is_none() {
            data::hold(&mut tx, row.clone()).await?;
        }
        tx.commit().await?;
        Ok(short)
    }

    /// Settles what dead processes left behind, and gives what is still held.
    async fn reclaim(&self, tx: &mut Tx) -> Result<Vec<data::HoldRow>, StoreError> {
        let now = self.clock.now();
        let gone = |row: &data::HoldRow| {
            *row.holder != *self.holder && (row.ends_at < now || jobs::process_is_gone(&row.holder))
        };
        let (gone, held): (Vec<_>, Vec<_>) = data::holds(tx).await?.into_iter().partition(gone);
        for row in gone {
            data::release(tx, &row.id).await?;
            data::lost(tx, &row).await?;
            let cost = money::nano(row.cost_usd).min(row.nano);
            data::book(tx, &row.accounts(), row.day, cost).await?;
            tracing::warn!(
                held_usd = money::usd(row.nano),
                booked_usd = row.cost_usd,
                "a call ended with its process: its \
                prompt is booked, and the rest of what it held is free again"
            );
        }
        Ok(held)
    }

    /// Writes the call's rows and lets go of what it did not use.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails; then the money stays held until the hold ends.
    pub(in crate::llm) async fn settle(&self, hold: &Hold, rows: Vec<LedgerRow>) -> Result<(), StoreError> {
        let Some(first) = rows.first() else { return Ok(()) };
        let cost_usd = rows.iter().map(|row| row.cost_usd).sum();
        let nano = money::nano(cost_usd);
        if hold.id.is_none() && nano == 0 {
            for row in rows {
                self.ledger.record(row).await?;
            }
            return Ok(());
        }
        if hold.id.is_some() && nano > hold.nano {
            tracing::warn!(
                held_usd = money::usd(hold.nano),
                cost_usd,
                "a call cost more than was held for it: \
                its endpoint counts other tokens than were asked for"
            );
        }
        let period = Period::of(first.at, self.limits.zone);
        let accounts = data::accounts(&first.attribution);
        let mut tx = data::begin(&self.db).await?;
        if let Some(id) = &hold.id {
            data::release(&mut tx, id).await?;
        }
        // The first has the hold's name.
        let mut id = hold.id.clone();
        for row in rows {
            let id = id.take().unwrap_or_else(|| Uuid::now_v7().to_string());
            books::insert(&mut *tx, &id, row).await?;
        }
        if nano > 0 {
            data::book(&mut tx, &accounts, period.day, nano).await?;
        }
        let told = self.nearly_spent(&mut tx, &accounts, &period).await?;
        tx.commit().await?;
        self.settled.notify_one();
        for warning in told {
            tracing::warn!("{warning}");
        }
        Ok(())
    }
}
