//! What people are shown while a character thinks (`ux.yaml: thinking_indicators`).

use crate::character::{Character, Indicator, ShowThinking};

/// What is shown while a step is thought about; empty: nothing.
pub(super) fn thinking(character: &Character) -> String {
    let indicators = &character.ux.thinking_indicators;
    match indicators.show {
        ShowThinking::None => String::new(),
        ShowThinking::Minimal | ShowThinking::Detailed => {
            words(&indicators.reflective_mode).unwrap_or_default()
        }
    }
}

/// What is shown while these tools are used; `None`: what was shown before stays.
pub(super) fn using(character: &Character, tools: &[&str]) -> Option<String> {
    let indicators = &character.ux.thinking_indicators;
    if indicators.show != ShowThinking::Detailed || tools.is_empty() {
        return None;
    }
    let mut names: Vec<String> = tools.iter().map(|name| name.replace(['_', '-'], " ")).collect();
    names.dedup();
    let said = words(&indicators.tool_use).unwrap_or_default();
    Some(format!("{said} ({})", names.join(", ")).trim().to_owned())
}

fn words(indicator: &Indicator) -> Option<String> {
    let parts = [indicator.icon.as_deref(), indicator.text.as_deref()];
    let text = parts.into_iter().flatten().map(str::trim).collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}
