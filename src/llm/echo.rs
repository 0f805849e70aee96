//! Endpoints quote the prompt in their errors. Errors go to logs and to the ledger, where nobody's words belong.

use std::collections::HashSet;

use serde_json::Value;

use super::ChatMessage;

/// So many words in a row that are in the prompt are a quotation.
const QUOTATION: usize = 3;
/// What stands for a quotation.
const HIDDEN: &str = "[…]";

/// `message` without what it quotes of the prompt: runs of [`QUOTATION`] words, and single ones that look like a number of
/// somebody's (three digits or more).
pub(super) fn without_quotations(message: &str, prompt: &[ChatMessage]) -> String {
    let mut runs: HashSet<[String; QUOTATION]> = HashSet::new();
    let mut numbers: HashSet<String> = HashSet::new();
    for said in prompt.iter().flat_map(said) {
        let words: Vec<String> = said.split_whitespace().map(bare).filter(|it| !it.is_empty()).collect();
        runs.extend(words.array_windows::<QUOTATION>().cloned());
        numbers.extend(words.into_iter().filter(|word| is_number(word)));
    }
    let words: Vec<&str> = message.split_whitespace().collect();
    let bared: Vec<String> = words.iter().map(|word| bare(word)).collect();
    let mut hidden: Vec<bool> = bared.iter().map(|word| numbers.contains(word)).collect();
    for (start, run) in bared.array_windows::<QUOTATION>().enumerate() {
        if runs.contains(run) {
            hidden.iter_mut().skip(start).take(QUOTATION).for_each(|it| *it = true);
        }
    }
    if !hidden.contains(&true) {
        return message.to_owned();
    }
    let mut out: Vec<&str> = Vec::with_capacity(words.len());
    for (word, hidden) in words.into_iter().zip(hidden) {
        if !hidden {
            out.push(word);
        } else if out.last() != Some(&HIDDEN) {
            out.push(HIDDEN);
        }
    }
    out.join(" ")
}

/// Everything that a message says: its words, and what tools were called with, as it stands and value by value.
fn said(message: &ChatMessage) -> Vec<String> {
    let mut said = vec![message.content.clone()];
    for call in &message.tool_calls {
        let arguments = serde_json::from_str::<Value>(&call.arguments);
        said.push(call.arguments.clone());
        leaves(&arguments.unwrap_or_default(), &mut said);
    }
    said
}

fn leaves(value: &Value, said: &mut Vec<String>) {
    match value {
        Value::String(text) => said.push(text.clone()),
        Value::Number(number) => said.push(number.to_string()),
        Value::Array(values) => values.iter().for_each(|value| leaves(value, said)),
        Value::Object(values) => values.values().for_each(|value| leaves(value, said)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// A word as it is compared: without the marks around it.
fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

fn is_number(word: &str) -> bool {
    word.chars().filter(char::is_ascii_digit).count() >= 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::{Role, ToolCall};
    use rstest::rstest;

    #[rstest]
    #[case("bad content: 'My locker code is 4711, keep it.' at 7", "bad content: […] at 7")]
    #[case("unexpected token 4711", "unexpected token […]")]
    #[case("is broken (status 500): overloaded", "is broken (status 500): overloaded")]
    #[case("the code is wrong", "the code is wrong")]
    fn what_people_said_is_not_quoted(#[case] message: &str, #[case] expected: &str) {
        let prompt = [ChatMessage::new(Role::User, "my locker code is 4711, keep it.")];
        assert_eq!(without_quotations(message, &prompt), expected);
    }
    #[rstest]
    #[case("bad arguments {\"query\": \"my locker code\"}", "bad arguments […]")]
    #[case("no match for locker code 4711 there", "no match for locker code […] there")]
    #[case("the tool said: the gulls are asleep", "the tool said: […]")]
    fn neither_calls_nor_their_results_are_quoted(#[case] message: &str, #[case] expected: &str) {
        let call = ToolCall {
            id: "a".to_owned(),
            name: "search_memories".to_owned(),
            arguments: "{\"query\": \"my locker code\", \"near\": 4711}".to_owned(),
        };
        let prompt = [ChatMessage::calling("", vec![call]), ChatMessage::tool("a", "The gulls are asleep.")];
        assert_eq!(without_quotations(message, &prompt), expected);
    }
}
