//! How many tokens a text has, estimated without a model's vocabulary: words by their length, the rest by its kind.
//! Calibrated against `o200k_base` on the texts of `tests/data/tokens` and the characters' `examples.md`. Measured error:
//! prose and chat in English, German, Spanish and French −4…+5 %, Japanese ±6 %, Chinese and Russian −2 % (one short text
//! each), code +9…+11 %; the files of the first characters −11…+9 %. Tests hold it to ±12 %. Other vocabularies differ.

use super::request::{ChatMessage, ToolSpec};

/// What the chat format adds to a message, with its role (OpenAI cookbook, "How to count tokens with tiktoken").
const PER_MESSAGE: usize = 4;
/// What it adds to the prompt, to make the model answer.
const PER_PROMPT: usize = 3;
/// What it adds to a tool, and to the list of them (OpenAI cookbook, the same page, "tool calls").
const PER_TOOL: usize = 7;
const PER_TOOLS: usize = 12;
/// From this share of accented letters on, a text in Latin letters is not English.
const FOREIGN: f64 = 0.005;

/// What a character counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Latin,
    Alphabet,
    Ideogram,
    Digit,
    Space,
    Break,
    Mark,
    Picture,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            '\n' | '\r' => Self::Break,
            c if c.is_whitespace() => Self::Space,
            c if c.is_ascii_digit() => Self::Digit,
            // Hiragana to the ideograms, Hangul, full-width forms, and the later ideograms.
            '\u{3041}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7ff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}' => Self::Ideogram,
            '\u{1f000}'..='\u{1faff}' => Self::Picture,
            c if c.is_alphabetic() && c <= '\u{24f}' => Self::Latin,
            c if c.is_alphabetic() => Self::Alphabet,
            _ => Self::Mark,
        }
    }
}

/// An estimate of the tokens in `text`.
#[must_use]
pub fn estimate(text: &str) -> usize {
    let (letters, accented) = text
        .chars()
        .filter(|c| Kind::of(*c) == Kind::Latin)
        .fold((0, 0), |(all, odd), c| (all + 1_u32, odd + u32::from(!c.is_ascii())));
    let foreign = f64::from(accented) > f64::from(letters) * FOREIGN;
    let mut sum = 0.0;
    let mut characters = text.chars().peekable();
    let mut before = Kind::Break;
    while let Some(first) = characters.next() {
        let kind = Kind::of(first);
        let mut length = 1_u32;
        while characters.next_if(|c| Kind::of(*c) == kind).is_some() {
            length += 1;
        }
        let next = characters.peek().map(|c| Kind::of(*c));
        sum += match kind {
            Kind::Latin if foreign => foreign_word(length),
            Kind::Latin => english_word(length),
            Kind::Alphabet => (f64::from(length) * 0.29).max(1.0),
            Kind::Ideogram => f64::from(length) * 0.8,
            // One space belongs to the word behind it; more of them are a token.
            Kind::Space => f64::from(u32::from(length > 1 || next == Some(Kind::Digit))),
            // A line break belongs to the mark before it.
            Kind::Break => f64::from(u32::from(before != Kind::Mark)),
            // An apostrophe belongs to its word.
            Kind::Mark if matches!(first, '\'' | '’') && length == 1 && next == Some(Kind::Latin) => 0.3,
            Kind::Digit | Kind::Mark => f64::from(length.div_ceil(3)),
            Kind::Picture => f64::from(length) * 1.5,
        };
        before = kind;
    }
    // A float of a count: never negative, and far below what it holds exactly.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    {
        sum.round() as usize
    }
}

/// Mean tokens of an English word of so many letters.
fn english_word(length: u32) -> f64 {
    match length {
        0..=5 => 1.0,
        6..=7 => 1.07,
        8..=9 => 1.2,
        10..=11 => 1.4,
        12..=16 => 1.7,
        _ => f64::from(length) / 5.0,
    }
}

/// Mean tokens of a German, Spanish or French word of so many letters.
fn foreign_word(length: u32) -> f64 {
    match length {
        0..=3 => 1.02,
        4..=5 => 1.1,
        6..=7 => 1.25,
        8..=9 => 1.75,
        10..=12 => 2.0,
        _ => f64::from(length) / 4.5,
    }
}

/// An estimate for a prompt, with what the chat format adds.
#[must_use]
pub fn estimate_messages(messages: &[ChatMessage]) -> usize {
    let message = |message: &ChatMessage| {
        let calls = message.tool_calls.iter();
        let calls = calls.map(|call| estimate(&call.name) + estimate(&call.arguments) + PER_MESSAGE);
        estimate(&message.content) + PER_MESSAGE + calls.sum::<usize>()
    };
    messages.iter().map(message).sum::<usize>() + PER_PROMPT
}

/// An estimate of what the tools on offer add to a prompt.
#[must_use]
pub fn estimate_tools(tools: &[ToolSpec]) -> usize {
    let tool = |tool: &ToolSpec| {
        estimate(&tool.name) + estimate(&tool.description) + estimate(&tool.parameters.to_string()) + PER_TOOL
    };
    let all: usize = tools.iter().map(tool).sum();
    if tools.is_empty() { 0 } else { all + PER_TOOLS }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    /// The promise of this file.
    const WITHIN: f64 = 0.12;

    fn error(text: &str) -> f64 {
        let counted = tiktoken_rs::o200k_base_singleton().encode_ordinary(text).len();
        estimate(text) as f64 / counted as f64 - 1.0
    }

    #[rstest]
    #[case::novel(include_str!("../../tests/data/tokens/novel.txt"))]
    #[case::chat(include_str!("../../tests/data/tokens/chat.txt"))]
    #[case::prompt(include_str!("../../tests/data/tokens/prompt.txt"))]
    #[case::german_novel(include_str!("../../tests/data/tokens/german_novel.txt"))]
    #[case::german_chat(include_str!("../../tests/data/tokens/german_chat.txt"))]
    #[case::spanish_novel(include_str!("../../tests/data/tokens/spanish_novel.txt"))]
    #[case::spanish_chat(include_str!("../../tests/data/tokens/spanish_chat.txt"))]
    #[case::french(include_str!("../../tests/data/tokens/french.txt"))]
    #[case::japanese_novel(include_str!("../../tests/data/tokens/japanese_novel.txt"))]
    #[case::japanese_chat(include_str!("../../tests/data/tokens/japanese_chat.txt"))]
    #[case::chinese(include_str!("../../tests/data/tokens/chinese.txt"))]
    #[case::russian(include_str!("../../tests/data/tokens/russian.txt"))]
    #[case::rust(include_str!("../../tests/data/tokens/rust.txt"))]
    #[case::python(include_str!("../../tests/data/tokens/python.txt"))]
    fn texts_are_estimated_closely(#[case] text: &str) {
        assert!(error(text).abs() <= WITHIN, "{:+.3}", error(text));
    }

    #[test]
    fn character_files_are_estimated_closely() {
        let mut files = 0;
        for entry in std::fs::read_dir("characters").unwrap() {
            for name in ["character.md", "examples.md", "core.yaml", "evolution.yaml"] {
                let path = entry.as_ref().unwrap().path().join(name);
                let Ok(text) = std::fs::read_to_string(&path) else { continue };
                files += 1;
                assert!(error(&text).abs() <= WITHIN, "{}: {:+.3}", path.display(), error(&text));
            }
        }
        assert!(files > 0);
    }

    #[test]
    fn nothing_has_no_tokens() {
        assert_eq!((estimate(""), estimate_messages(&[])), (0, PER_PROMPT));
    }

    proptest! {
        #[test]
        fn any_text_has_an_estimate_no_longer_than_its_bytes(text in "\\PC{0,200}") {
            prop_assert!(estimate(&text) <= text.len() + 1);
        }
    }
}
