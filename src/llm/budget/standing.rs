//! How much is left, and what follows from it: a turn asks once.

use super::{Account, Budget, Span, calendar, data, money};
use crate::{llm::request::Attribution, model::Timestamp, store::StoreError};

/// Below this share of a limit, turns are not thought over in steps.
const NO_REFLECTION: f64 = 0.25;
/// Below this share, the cheaper model answers.
const CHEAPER_MODEL: f64 = 0.10;

/// What a turn can still afford (product.md, LLM: degrade in steps).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Everything.
    Full,
    /// One call: less than a quarter of a limit is left.
    NoReflection,
    /// One call of the cheaper model: less than a tenth of a limit is left.
    CheaperModel,
    /// Nothing that has a price: a limit is used up.
    Silent,
}

/// How somebody stands with the limit that is closest to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// US dollars until that limit; `None` where there is no limit.
    pub left_usd: Option<f64>,
    /// The share of it that is left, in `0.0..=1.0`; 1 where there is no limit.
    pub share_left: f64,
    /// What follows.
    pub step: Step,
    /// When that limit begins anew; `None` where there is no limit.
    pub renews_at: Option<Timestamp>,
}

impl Standing {
    const UNLIMITED: Self = Self { left_usd: None, share_left: 1.0, step: Step::Full, renews_at: None };

    fn of(spent: i64, held: i64, limit: i64, renews_at: Timestamp) -> Self {
        let left = (limit - spent - held).max(0);
        let share_left = if limit > 0 { left as f64 / limit as f64 } else { 0.0 };
        let step = match share_left {
            // Money that is only held may come back before the call wants it.
            _ if spent >= limit => Step::Silent,
            share if share < CHEAPER_MODEL => Step::CheaperModel,
            share if share < NO_REFLECTION => Step::NoReflection,
            _ => Step::Full,
        };
        Self { left_usd: Some(money::usd(left)), share_left, step, renews_at: Some(renews_at) }
    }
}

impl Budget {
    /// How the account of a turn stands: the tightest of all limits that hold for it. What calls under way hold
    /// counts as spent, except that it silences nobody. Where the store fails everything is granted here; the hold before each call is not.
    pub async fn standing(&self, attribution: &Attribution) -> Standing {
        if !self.limits.any() {
            return Standing::UNLIMITED;
        }
        match self.tightest(data::accounts(attribution)).await {
            Ok(standing) => standing,
            Err(error) => {
                tracing::warn!(%error, "the budget cannot be read");
                Standing::UNLIMITED
            }
        }
    }

    async fn tightest(&self, accounts: Vec<Account>) -> Result<Standing, StoreError> {
        let period = self.period();
        let mut connection = self.db.readers().acquire().await?;
        let spent = data::spent(&mut connection, &accounts, &period).await?;
        let holds = data::holds(&mut connection).await?;
        let (now, zone) = (self.clock.now(), self.limits.zone);
        let mut tightest = Standing::UNLIMITED;
        for (account, (day, month)) in accounts.iter().zip(spent) {
            let (held_day, held_month) = data::held(holds.iter(), account, &period);
            for (span, limit) in self.limits_of(account) {
                let standing = match span {
                    Span::Day => Standing::of(day, held_day, limit, calendar::next_day(now, zone)),
                    Span::Month => Standing::of(month, held_month, limit, calendar::next_month(now, zone)),
                };
                if tightest.left_usd.is_none() || standing.share_left < tightest.share_left {
                    tightest = standing;
                }
            }
        }
        Ok(tightest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, 0, 100, Step::Full)]
    #[case(75, 0, 100, Step::Full)]
    #[case(70, 6, 100, Step::NoReflection)]
    #[case(90, 0, 100, Step::NoReflection)]
    #[case(91, 0, 100, Step::CheaperModel)]
    #[case(50, 70, 100, Step::CheaperModel)]
    #[case(100, 0, 100, Step::Silent)]
    #[case(120, 0, 100, Step::Silent)]
    #[case(0, 0, 0, Step::Silent)]
    fn the_share_that_is_left_decides(
        #[case] spent: i64,
        #[case] held: i64,
        #[case] limit: i64,
        #[case] step: Step,
    ) {
        assert_eq!(Standing::of(spent, held, limit, Timestamp::from_micros(0)).step, step);
    }
}
