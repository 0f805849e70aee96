//! What the splitter promises, on examples and on anything.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn solid(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Whether every code block in `text` is closed.
fn is_balanced(text: &str) -> bool {
    text.lines().fold(None, |fence, line| behind(line, fence.as_ref())).is_none()
}

/// Everything that must hold for every text.
fn check(text: &str, max: usize, unit: Unit) {
    let parts = pieces(text, max, unit);
    let all = split(text, max, unit);
    assert_eq!(all.is_empty(), text.trim().is_empty());
    for piece in &all {
        assert!(unit.length(piece) <= max, "{} units: {piece:?}", unit.length(piece));
        assert!(!piece.trim().is_empty());
        assert!(is_balanced(piece), "an open code block: {piece:?} of {text:?}");
    }
    let bodies: String = parts.iter().map(|piece| piece.body).collect();
    assert_eq!(solid(&bodies), solid(text), "something was lost");
    for pair in parts.windows(2) {
        let cut = pair[0].body.len() + (pair[0].body.as_ptr() as usize - text.as_ptr() as usize);
        let at_boundary = text.grapheme_indices(true).any(|(at, _)| at == cut) || cut == text.len();
        let longest = text.graphemes(true).map(|it| unit.length(it)).max().unwrap_or(0);
        assert!(at_boundary || longest > max / 2, "a grapheme was cut at {cut} of {text:?}");
    }
}

#[rstest]
#[case::short("Hello.", &["Hello."])]
#[case::blank(" \n\n ", &[])]
#[case::trimmed("\n\n  a list\n", &["  a list"])]
fn small_texts(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(split(text, 128, Unit::Chars), expected);
}

#[test]
fn paragraphs_come_before_lines_lines_before_sentences_and_those_before_words() {
    let words = "word ".repeat(16);
    let text = format!("{words}end one.\n\n{words}\n{words}");
    assert_eq!(split(&text, 165, Unit::Chars)[0], format!("{words}end one."));
    let text = format!("{words}end one.\n{words} x y. {words}");
    assert_eq!(split(&text, 150, Unit::Chars)[0], format!("{words}end one."));
    let text = format!("{words}end one. {words}");
    assert_eq!(split(&text, 150, Unit::Chars)[0], format!("{words}end one."));
    let text = words.repeat(4);
    assert!(split(&text, 130, Unit::Chars).iter().all(|piece| piece.ends_with("word")));
}

#[test]
fn a_code_block_is_closed_and_opened_again_with_its_language() {
    let code = (0..30).map(|line| format!("    let x{line} = {line};\n")).collect::<Vec<_>>().concat();
    let text = format!("Look:\n\n```rust\n{code}```\nThat is all.");
    let all = split(&text, 200, Unit::Chars);
    assert!(all.len() >= 3);
    assert!(all[0].starts_with("Look:\n\n```rust\n") && all[0].ends_with("\n```"), "{}", all[0]);
    assert!(all[1].starts_with("```rust\n    let x"), "{}", all[1]);
    assert!(all.last().unwrap().ends_with("```\nThat is all."));
    let kept: String =
        all.iter().flat_map(|piece| piece.lines()).filter(|line| line.contains("let x")).collect();
    assert_eq!(kept, code.replace('\n', ""), "no line of code was changed");
}

#[test]
fn a_code_block_inside_another_stays_inside() {
    let inner = "```rust\nfn main() {}\n```\n".repeat(12);
    let text = format!("````md\n{inner}````");
    let all = split(&text, 128, Unit::Chars);
    assert!(all.iter().all(|piece| piece.starts_with("````md\n") && piece.ends_with("\n````")), "{all:#?}");
}

#[test]
fn an_empty_code_block_is_never_made() {
    let text = format!("{}\n```\ncode\n```", "word ".repeat(24).trim_end());
    for max in 128..140 {
        for piece in split(&text, max, Unit::Chars) {
            assert!(!piece.contains("```\n```"), "{piece}");
        }
    }
}

#[test]
fn a_text_that_ends_inside_a_code_block_is_closed() {
    assert_eq!(split("```\ncode", 128, Unit::Chars), ["```\ncode\n```"]);
}

#[test]
fn a_grapheme_longer_than_a_piece_is_the_only_one_that_is_cut() {
    let text = format!("a{}", "\u{301}".repeat(1_000));
    check(&text, 128, Unit::Utf16);
}

/// 30,000 characters of everything that breaks splitters.
pub(super) fn everything() -> String {
    let code = (0..40).map(|line| format!("    print({line})  # 👩‍👩‍👧‍👦 {line}\n")).collect::<Vec<_>>().concat();
    let block = format!(
        "# A heading\n\nSome prose, with **bold** words and e\u{301}clairs. {}\n\n````md\n```python\n{code}```\n````\n\n\
         | a | b |\n|---|---|\n{}\n\nשלום עולם, זה טקסט מימין לשמאל. {}\n\n{}\n\n",
        "And on it goes! ".repeat(20),
        "| cell | 👍🏽 |\n".repeat(20),
        "مرحبا بالعالم ".repeat(20),
        "x".repeat(3_000),
    );
    block.repeat(30_000 / block.chars().count() + 1)
}

#[rstest]
#[case(2_000, Unit::Chars)]
#[case(4_096, Unit::Utf16)]
#[case(128, Unit::Utf16)]
fn a_long_answer_with_everything_in_it(#[case] max: usize, #[case] unit: Unit) {
    let text = everything();
    assert!(text.chars().count() >= 30_000);
    check(&text, max, unit);
}

fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-zA-Z .,!?]{0,60}",
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n\n".to_owned()),
        Just("```".to_owned()),
        Just("```rust\n".to_owned()),
        Just("\n````md\n".to_owned()),
        Just("\n~~~\n".to_owned()),
        Just("\n  ```\n".to_owned()),
        Just("👩‍👩‍👧‍👦".to_owned()),
        Just("e\u{301}\u{302}".to_owned()),
        Just("| a | b |\n|---|---|\n".to_owned()),
        "[א-ת ]{0,40}",
        "[a-z]{100,300}",
        "\\PC{0,30}",
        any::<String>(),
    ];
    proptest::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn nothing_is_lost_and_every_piece_is_valid(text in text(), max in 128_usize..600, utf16 in any::<bool>()) {
        check(&text, max, if utf16 { Unit::Utf16 } else { Unit::Chars });
    }
}
