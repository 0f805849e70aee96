//! The account of a turn, which is kept with its answer and told by `/why`.

use super::route::Route;
use crate::{
    llm::Completion,
    memory::Pattern,
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

/// What memory gave to a turn.
pub(super) struct Brought<'a> {
    pub(super) recalled: Vec<AccountItem>,
    /// The examples that the answer was written with.
    pub(super) patterns: &'a [Pattern],
    /// The tools that were called.
    pub(super) tools: Vec<String>,
}

/// The account of a turn that ended with this completion, `total_ms` after its message.
pub(super) fn account(
    route: &Route,
    path: TurnPath,
    brought: Brought<'_>,
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
        recalled: brought.recalled,
        patterns: brought.patterns.iter().map(|pattern| pattern.id.clone()).collect(),
        tools: brought.tools,
        model: completion.model.clone(),
        tokens_in: completion.tokens_in,
        tokens_out: completion.tokens_out,
        cost_usd: completion.cost_usd,
        total_ms,
        tier,
    }
}
