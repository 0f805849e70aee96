//! The settings of the budget: limits in US dollars, and the zone whose days count.

use chrono_tz::Tz;

use super::{key::Key, value};

/// Limits of one kind of account, US dollars; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LimitSettings {
    /// A day (`BUDGET_…DAY_USD`).
    pub day_usd: Option<f64>,
    /// A calendar month (`BUDGET_…MONTH_USD`).
    pub month_usd: Option<f64>,
}

/// What models may cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BudgetSettings {
    /// Everything together (`BUDGET_DAY_USD`, `BUDGET_MONTH_USD`).
    pub all: LimitSettings,
    /// Each guild (`BUDGET_GUILD_…`).
    pub guild: LimitSettings,
    /// Each person (`BUDGET_USER_…`).
    pub user: LimitSettings,
    /// Each character (`BUDGET_CHARACTER_…`).
    pub character: LimitSettings,
    /// Whose midnight ends a day (`BUDGET_TIMEZONE`).
    pub zone: Tz,
}

const KEY: Key = Key { name: "", doc: &[], default: "", example: "", secret: false, read: |_, _| Ok(()) };

/// The keys, in the order of `.env.sample`.
pub(super) const KEYS: &[Key] = &[
    Key {
        name: "BUDGET_DAY_USD",
        doc: &[
            "What models may cost a day, in US dollars. Calls that would pass it are not made (docs/costs.md).",
        ],
        example: "1.00",
        read: |draft, text| value::dollars(text).map(|usd| draft.budget.all.day_usd = Some(usd)),
        ..KEY
    },
    Key {
        name: "BUDGET_MONTH_USD",
        doc: &["The same a calendar month."],
        example: "20.00",
        read: |draft, text| value::dollars(text).map(|usd| draft.budget.all.month_usd = Some(usd)),
        ..KEY
    },
    Key {
        name: "BUDGET_USER_DAY_USD",
        doc: &["What each person may cost, within that."],
        example: "0.10",
        read: |draft, text| value::dollars(text).map(|usd| draft.budget.user.day_usd = Some(usd)),
        ..KEY
    },
    Key {
        name: "BUDGET_USER_MONTH_USD",
        example: "1.00",
        read: |draft, text| value::dollars(text).map(|usd| draft.budget.user.month_usd = Some(usd)),
        ..KEY
    },
    Key {
        name: "BUDGET_GUILD_DAY_USD",
        doc: &["What each Discord server or Telegram group may cost."],
        example: "0.50",
        read: |draft, text| value::dollars(text).map(|usd| draft.budget.guild.day_usd = Some(usd)),
        ..KEY
    },
    Key {
        name: "BUDGET_GUILD_MONTH_USD",
        example: "10.00",
        read: |draft, text| value::dollars(text).map(|usd| draft.budget.guild.month_usd = Some(usd)),
        ..KEY
    },
    Key {
        name: "BUDGET_CHARACTER_DAY_USD",
        doc: &["What each character may cost."],
        example: "0.50",
        read: |draft, text| value::dollars(text).map(|usd| draft.budget.character.day_usd = Some(usd)),
        ..KEY
    },
    Key {
        name: "BUDGET_CHARACTER_MONTH_USD",
        example: "10.00",
        read: |draft, text| value::dollars(text).map(|usd| draft.budget.character.month_usd = Some(usd)),
        ..KEY
    },
    Key {
        name: "BUDGET_TIMEZONE",
        doc: &["The time zone whose midnight ends a day of the budget."],
        default: "UTC",
        example: "Europe/Berlin",
        read: |draft, text| value::zone(text).map(|zone| draft.budget.zone = zone),
        ..KEY
    },
    Key {
        name: "LLM_CHEAP_MODEL",
        doc: &[
            "A cheaper model, which answers when less than a tenth of a limit is left.",
            "Parts that are unset are those of LLM_…; the key only where the address is at the same host.",
        ],
        example: "cheap-model",
        read: |draft, text| {
            draft.cheap.model = Some(text.to_owned());
            Ok(())
        },
        ..KEY
    },
    Key {
        name: "LLM_CHEAP_BASE_URL",
        example: "https://api.openai.com/v1",
        read: |draft, text| value::base_url(text).map(|url| draft.cheap.base_url = Some(url)),
        ..KEY
    },
    Key {
        name: "LLM_CHEAP_API_KEY",
        example: "YOUR_KEY",
        secret: true,
        read: |draft, text| value::api_key(text).map(|key| draft.cheap.api_key = Some(key)),
        ..KEY
    },
];
