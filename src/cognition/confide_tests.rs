//! The line about confidence, wherever and however it is written.

use super::*;
use proptest::prelude::*;
use rstest::rstest;

/// The text without the line, in pieces of `size` characters, and what was reported.
fn cleaned(text: &str, size: usize) -> (String, Option<f64>) {
    let mut filter = Filter::default();
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    for piece in chars.chunks(size) {
        out += &filter.push(&piece.iter().collect::<String>());
    }
    out += &filter.finish();
    (out, filter.report)
}

#[rstest]
#[case::as_asked("confidence: 0.85\nIt is green.", "It is green.", Some(0.85))]
#[case::blank_lines("\n\nConfidence: 0.9\n\n\nIt is green.", "It is green.", Some(0.9))]
#[case::in_bold("**Confidence:** 0.9\n\nIt is green.", "It is green.", Some(0.9))]
#[case::all_bold("**confidence: 0.9**\nIt is green.", "It is green.", Some(0.9))]
#[case::in_brackets("[confidence: 0.4]\nIt is green.", "It is green.", Some(0.4))]
#[case::percent("Confidence = 85 %\nIt is green.", "It is green.", Some(0.85))]
#[case::of_ten("confidence score: 8/10\nIt is green.", "It is green.", Some(0.8))]
#[case::comma("confidence: 0,7\nIt is green.", "It is green.", Some(0.7))]
#[case::no_colon("confidence 0.7\nIt is green.", "It is green.", Some(0.7))]
#[case::one_line("confidence: 0.3 It is green.", "It is green.", Some(0.3))]
#[case::one_line_with_a_dash("Confidence: 0.3 - It is green.", "It is green.", Some(0.3))]
#[case::windows("confidence: 0.3\r\nIt is green.", "It is green.", Some(0.3))]
#[case::too_much("confidence: 7\nIt is green.", "It is green.", None)]
#[case::negative("confidence: -0.5\nIt is green.", "It is green.", None)]
#[case::a_word("confidence: high\nIt is green.", "It is green.", None)]
#[case::nothing("confidence:\nIt is green.", "It is green.", None)]
#[case::a_sentence("confidence: I am rather sure of that one.", "I am rather sure of that one.", None)]
#[case::later("It is green.\nConfidence: 0.8", "It is green.", Some(0.8))]
#[case::between("It is green.\n(Confidence: 0.8)\nAnd old.", "It is green.\nAnd old.", Some(0.8))]
#[case::behind("It is green (confidence: 0.8). And old.", "It is green. And old.", Some(0.8))]
#[case::later_and_more("It is green.\nConfidence: 0.8 and so on", "It is green.\nand so on", Some(0.8))]
#[case::twice("confidence: 0.9\nIt is green.\nconfidence: 0.2", "It is green.", Some(0.9))]
#[case::half("confiden", "", None)]
#[case::half_and_more("It is green.\nConfid", "It is green.", None)]
#[case::half_a_value("confidence: 0.", "", None)]
#[case::only_the_line("confidence: 0.9", "", Some(0.9))]
#[case::none("It is green.", "It is green.", None)]
#[case::a_word_of_the_text(
    "Confidence is all you need, and confidence: that was your word.",
    "Confidence is all you need, and confidence: that was your word.",
    None
)]
#[case::in_a_word("Your self-confidence: 1, mine: 0.", "Your self-confidence: 1, mine: 0.", None)]
#[case::a_begun_word("A con", "A con", None)]
#[case::umlauts("Grün, ja. – Confidence: 0.8", "Grün, ja. –", Some(0.8))]
fn the_line_goes_and_the_text_stays(
    #[case] text: &str,
    #[case] clean: &str,
    #[case] report: Option<f64>,
    #[values(1, 3, 7, 1_000)] size: usize,
) {
    assert_eq!(cleaned(text, size), (clean.to_owned(), report));
}

fn gate(tools: bool, pieces: &[(&str, Option<f64>)]) -> (Vec<Passed>, Gate) {
    let mut gate = Gate::new(tools);
    let mut passed: Vec<Passed> = pieces
        .iter()
        .map(|(piece, likely)| gate.push(piece, &likely.map(f64::ln).into_iter().collect::<Vec<_>>()))
        .collect();
    if !passed.contains(&Passed::Doubted) {
        passed.push(gate.end(false));
    }
    (passed, gate)
}

fn last(tools: bool, pieces: &[(&str, Option<f64>)]) -> Passed {
    gate(tools, pieces).0.pop().unwrap()
}

#[test]
fn a_sure_answer_streams_as_soon_as_the_line_is_over() {
    let (passed, gate) = gate(false, &[("confidence: 0.9", None), ("\nIt is", None), (" green.", None)]);
    let shown = |text: &str| Passed::Text(text.to_owned());
    assert_eq!(passed, [Passed::Nothing, shown("It is"), shown(" green."), Passed::Nothing]);
    assert_eq!((gate.text(), gate.confidence()), ("It is green.", Some(0.9)));
}

#[test]
fn an_answer_without_the_line_streams_at_once() {
    let (passed, gate) = gate(false, &[("It is", None), (" green.", None)]);
    assert_eq!(passed[0], Passed::Text("It is".to_owned()));
    assert_eq!(gate.confidence(), None);
}

#[rstest]
#[case::by_the_line(&[("confidence: 0.6\n", None)])]
#[case::by_the_tokens(&[("It is ", Some(0.6)), ("green.", Some(0.7))])]
#[case::by_the_tokens_though_the_line_is_sure(&[("confidence: 0.9\n", Some(1.0)), ("It is green.", Some(0.6))])]
#[case::by_a_line_that_comes_late(&[("It is green.", Some(0.9)), ("\nconfidence: 0.1", Some(0.9))])]
#[case::because_there_is_no_answer(&[("confidence: 0.9\n", None)])]
fn an_unsure_answer_is_not_shown(#[case] pieces: &[(&str, Option<f64>)]) {
    let (passed, _) = gate(false, pieces);
    assert_eq!(passed.last(), Some(&Passed::Doubted));
    assert!(!passed.iter().any(|passed| matches!(passed, Passed::Text(_))));
}

#[test]
fn where_tools_are_on_offer_doubt_waits_for_the_answer() {
    assert_eq!(gate(true, &[("confidence: 0.1\n", None), ("Well.", None)]).0[1], Passed::Nothing);
    assert_eq!(last(true, &[("confidence: 0.1\n", None), ("Well.", None)]), Passed::Doubted);
    let mut calls = Gate::new(true);
    assert_eq!(calls.push("confidence: 0.1\nLet me see.", &[]), Passed::Nothing);
    assert_eq!(calls.end(true), Passed::Text("Let me see.".to_owned()));
}

#[test]
fn a_long_answer_is_judged_by_its_beginning() {
    let words = "green and ".repeat(20);
    let mut gate = Gate::new(false);
    assert_eq!(gate.push("It is ", &[(0.9_f64).ln()]), Passed::Nothing);
    assert!(matches!(gate.push(&words, &[(0.9_f64).ln()]), Passed::Text(_)));
    assert!(matches!(gate.push("old.", &[(0.01_f64).ln()]), Passed::Text(_)), "what is shown stays");
}

proptest! {
    /// Text without the word comes out as it went in, but for white space at its end.
    #[test]
    fn other_text_stays(text in "[a-zé(*\\[\n :.0-9-]{0,60}", size in 1_usize..9) {
        prop_assume!(!text.to_lowercase().contains("conf"));
        prop_assert_eq!(cleaned(&text, size), (text.trim_end().to_owned(), None));
    }
}
