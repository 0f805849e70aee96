//! What a call costs: the money that is held for its requests, and its rows in the ledger.

use super::{
    budget::{Hold, NoMoney, Wanted},
    call::{Call, name},
    data::LedgerRow,
    fault::{Again, Fault},
    progress::{Leg, Progress},
};
use crate::model::{ErrorKind, Timestamp};

impl Call {
    /// A row for each endpoint that was asked; one when none was. All are of the day on which the call began, as its money is.
    pub(super) fn rows(
        &self,
        progress: &Progress,
        ended: Option<&Result<(), Fault>>,
        began: Timestamp,
    ) -> Vec<LedgerRow> {
        let row = |model: String, ended: Option<&Result<(), Fault>>| LedgerRow {
            at: began,
            tier: self.request.tier,
            model,
            purpose: self.request.purpose,
            attribution: self.request.attribution.clone(),
            tokens_in: 0,
            tokens_out: 0,
            cost_usd: 0.0,
            ms: 0.0,
            attempts: 0,
            outcome: match ended {
                Some(Ok(())) => "ok",
                Some(Err(fault)) => name(fault.kind),
                None => "cancelled",
            }
            .to_owned(),
            error: ended.and_then(|ended| ended.as_ref().err()).map(|fault| fault.message.clone()),
        };
        if progress.legs.is_empty() {
            return vec![row(self.model(0).to_owned(), ended)];
        }
        let legs = progress.legs.iter().map(|leg| LedgerRow {
            tokens_in: leg.tokens_in,
            tokens_out: leg.tokens_out,
            cost_usd: self.cost(leg),
            ms: leg.waited.as_secs_f64() * 1e3,
            attempts: leg.attempts,
            ..row(leg.model.clone(), leg.ended.as_ref())
        });
        legs.collect()
    }

    pub(super) fn cost(&self, leg: &Leg) -> f64 {
        let price = self.shared.prices.of(&leg.model);
        price.map_or(0.0, |price| price.cost(leg.tokens_in, leg.tokens_out))
    }

    fn spent(&self, progress: &Progress) -> f64 {
        progress.legs.iter().map(|leg| self.cost(leg)).sum()
    }

    fn wanted(&self, progress: &Progress, at: usize, prompt: usize) -> Wanted<'_> {
        let model = self.model(at);
        let price = self.shared.prices.of(model);
        Wanted { request: &self.request, model, price, prompt, spent_usd: self.spent(progress), beside: None }
    }

    /// Holds the money for one more request to the endpoint that is asked.
    pub(super) async fn hold(&self, progress: &mut Progress, prompt: usize) -> Result<(), Fault> {
        let wanted = self.wanted(progress, progress.at, prompt);
        self.shared.budget.cover(&mut progress.hold, &wanted).await.map_err(|refused| match refused {
            NoMoney::Spent(message) => Fault::new(ErrorKind::Budget, message, Again::Never),
            NoMoney::Store(error) => Fault::new(
                ErrorKind::Store,
                format!("was not asked, for the budget is unknown: {error}"),
                Again::Never,
            ),
        })
    }

    /// Holds the money for a second request, to the endpoint `at`, beside the one under way; `None` where it cannot be had at
    /// once. What comes back takes the place of the call's hold.
    pub(super) fn hold_beside<'a>(
        &'a self,
        progress: &mut Progress,
        at: usize,
    ) -> impl Future<Output = Option<Hold>> + use<'a> {
        let prompt = progress.attempt.prompt;
        let first = self.wanted(progress, progress.at, prompt);
        let wanted = Wanted { beside: Some(first.bounds()), ..self.wanted(progress, at, prompt) };
        let mut hold = progress.hold.widened();
        async move {
            match self.shared.budget.cover_at_once(&mut hold, &wanted).await {
                Ok(()) => Some(hold),
                Err(refused) => {
                    tracing::debug!("no second request to {}: {refused:?}", wanted.model);
                    None
                }
            }
        }
    }
}
