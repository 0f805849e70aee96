//! Plain exchanges for what a character's own examples leave out.

use std::sync::LazyLock;

use super::OfflineExchange;

static EXCHANGES: LazyLock<Vec<OfflineExchange>> = LazyLock::new(|| parse(include_str!("fallback.md")));

/// The built-in exchanges.
pub(super) fn exchanges() -> &'static [OfflineExchange] {
    &EXCHANGES
}

/// Reads the format of `examples.md`, as far as the built-in file uses it: topics without stages, turns of one line.
pub(super) fn parse(text: &str) -> Vec<OfflineExchange> {
    let mut topic = String::new();
    let mut found: Vec<OfflineExchange> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            heading.trim().clone_into(&mut topic);
            open = false;
        } else if let Some(said) = line.strip_prefix("{{user}}:") {
            if !open {
                found.push(OfflineExchange { topic: topic.clone(), min_trust: None, turns: Vec::new() });
                open = true;
            }
            add(&mut found, true, said);
        } else if let Some(said) = line.strip_prefix("{{char}}:") {
            add(&mut found, false, said);
        } else {
            open = false;
        }
    }
    found
}

fn add(found: &mut [OfflineExchange], by_user: bool, said: &str) {
    if let Some(last) = found.last_mut() {
        last.turns.push((by_user, said.trim().to_owned()));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_named_topic_has_an_answer() {
        for topic in crate::llm::offline::topics::NAMED {
            let answered = super::exchanges()
                .iter()
                .any(|exchange| exchange.topic == *topic && exchange.turns.len() == 2);
            assert!(answered, "{topic}");
        }
    }
}
