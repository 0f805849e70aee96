//! The account of a turn, which is kept with its answer and told by `/why`.

use super::route::Route;
use crate::{
    llm::Completion,
    model::{Account, AccountItem, RecalledItem, TierChoice, TurnPath},
};

/// A recalled row as the account names it: its words stay where they are.
pub(super) fn item(recalled: &RecalledItem) -> AccountItem {
    AccountItem {
        id: recalled.id.clone(),
        source: recalled.source,
        when: recalled.when,
        score: recalled.score,
    }
}

/// The account of a turn that ended with this completion, `total_ms` after its message.
pub(super) fn account(
    route: &Route,
    path: TurnPath,
    recalled: Vec<AccountItem>,
    completion: &Completion,
    tier: Option<TierChoice>,
    total_ms: f64,
) -> Account {
    Account {
        level: route.level,
        path,
        confidence: route.confidence,
        by: route.by,
        flags: route.flags.iter().map(|flag| flag.as_str().to_owned()).collect(),
        recalled,
        model: completion.model.clone(),
        tokens_in: completion.tokens_in,
        tokens_out: completion.tokens_out,
        cost_usd: completion.cost_usd,
        total_ms,
        tier,
    }
}
