//! What the operator is told: limits that come to their end, and a line a day.

use sqlx::AnyConnection;

use super::{Account, Budget, Period, Span, data, hold::Wanted, money};
use crate::{
    llm::{
        data::LedgerFilter,
        request::{Purpose, Tier},
    },
    store::StoreError,
};

/// The share of a limit at which the operator is warned, in percent.
const NEARLY: i64 = 80;

fn span_name(span: Span) -> &'static str {
    match span {
        Span::Day => "today",
        Span::Month => "this month",
    }
}

impl Budget {
    /// Warnings about limits of which four fifths, or all, are spent by now; each once a day.
    pub(super) async fn nearly_spent(
        &self,
        connection: &mut AnyConnection,
        accounts: &[Account],
        period: &Period,
    ) -> Result<Vec<String>, StoreError> {
        let mut told = Vec::new();
        if !self.limits.any() {
            return Ok(told);
        }
        let spent = data::spent(connection, accounts, period).await?;
        for (account, (day, month)) in accounts.iter().zip(spent) {
            for (span, limit) in self.limits_of(account) {
                let spent = if span == Span::Day { day } else { month };
                let (name, shown) = (span_name(span), account.shown());
                let share = if spent >= limit { 100 } else { NEARLY };
                if spent < limit / 100 * NEARLY {
                    continue;
                }
                let what = format!("{share} {name} {shown}");
                if data::note(&mut *connection, period.day, what).await? {
                    told.push(format!(
                        "{share} % of the budget of {shown} for {name} is spent: ${:.4} of ${:.2}",
                        money::usd(spent),
                        money::usd(limit + 1)
                    ));
                }
            }
        }
        Ok(told)
    }

    /// Warns once a day that answers are refused for want of money: that is the end of a limit, though a rest too small
    /// for a call may be left of it. Where there is a cheaper model, only its refusal is one.
    pub(super) async fn warn_spent(&self, account: &Account, span: Span, wanted: &Wanted<'_>) {
        let request = wanted.request;
        let cheaper = self.cheaper && request.tier != Tier::Cheap;
        if cheaper || !matches!(request.purpose, Purpose::Answer | Purpose::Reflect) {
            return;
        }
        let (name, shown) = (span_name(span), account.shown());
        match data::note(self.db.writer(), self.period().day, format!("100 {name} {shown}")).await {
            Ok(true) => tracing::warn!(
                "100 % of the budget of {shown} for {name} is used: `{}` is too dear for what is left",
                wanted.model
            ),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the budget's notes cannot be written"),
        }
    }

    /// Logs what yesterday cost, once a day over all processes; call it from time to time. Says whether it did.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    pub async fn daily_report(&self) -> Result<bool, StoreError> {
        let today = self.today();
        let day = self.period().day;
        if !data::note(self.db.writer(), day, "report".to_owned()).await? {
            return Ok(false);
        }
        let Some(yesterday) = today.pred_opt() else { return Ok(false) };
        let filter = LedgerFilter { until: Some(self.begins(today)), ..LedgerFilter::default() };
        let sums = self.ledger.totals(self.begins(yesterday), &filter).await?;
        tracing::info!(
            "daily report: on {yesterday} {} calls of models read {} tokens, wrote {}, and cost ${:.4}",
            sums.calls,
            sums.tokens_in,
            sums.tokens_out,
            sums.cost_usd
        );
        Ok(true)
    }
}
