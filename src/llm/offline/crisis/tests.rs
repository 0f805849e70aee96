//! One table of words of danger and one of words that only look like it.

use super::{CERTAIN, HARMLESS, TELLING, TITLE, WIDER, found_in, is_of_another, plain};
use proptest::prelude::*;

mod tables;

use tables::{DANGER, NO_DANGER};

fn wrong(table: &[(&str, &[&str])], expected: bool) -> Vec<String> {
    let each = table.iter().flat_map(|(label, texts)| texts.iter().map(move |text| (label, text)));
    each.filter(|(_, text)| found_in(text) != expected)
        .map(|(label, text)| format!("{label}: {text}"))
        .collect()
}

#[test]
fn every_pattern_compiles() {
    assert!(
        CERTAIN.is_some() && TELLING.is_some() && HARMLESS.is_some() && TITLE.is_some() && WIDER.is_some()
    );
}

#[test]
fn the_tables_are_long_enough() {
    let count = |table: &[(&str, &[&str])]| table.iter().map(|(_, texts)| texts.len()).sum::<usize>();
    assert!(count(DANGER) >= 60 && count(NO_DANGER) >= 60);
}

#[test]
fn words_of_danger_are_found() {
    assert_eq!(wrong(DANGER, true), Vec::<String>::new());
}

#[test]
fn what_only_looks_like_danger_is_not() {
    assert_eq!(wrong(NO_DANGER, false), Vec::<String>::new());
}

#[test]
fn words_of_danger_are_found_in_more_tongues() {
    let danger = [
        "ik wil dood",
        "Chcę umrzeć",
        "intihar etmek istiyorum",
        "хочу умереть",
        "消えてしまいたい",
        "不想活了",
        "죽고 싶어",
    ];
    let none =
        ["ik wil slapen", "chcę spać", "ölçmek istiyorum", "хочу спать", "眠りたい", "想吃饭", "먹고 싶어"];
    assert!(danger.iter().all(|text| found_in(text)) && !none.iter().any(|text| found_in(text)));
}

#[test]
fn whose_danger_it_is() {
    let another = [
        "my friend wants to kill himself",
        "my best friend is suicidal, what do I do",
        "she doesn't want to live anymore",
    ];
    let own = ["I want to die", "my mum hates me and I want to die", "my friend left, I will kill myself"];
    assert!(another.iter().all(|text| is_of_another(text)) && !own.iter().any(|text| is_of_another(text)));
}

#[test]
fn text_is_made_plain() {
    assert_eq!(plain("  I don’t… WANT, pleeeease!! Größe"), "i dont . want please . grosse");
}

proptest! {
    #[test]
    fn danger_is_found_behind_anything(before in "[A-Za-z ,.]{0,40}") {
        let text = format!("{before}. I want to kill myself");
        prop_assert!(found_in(&text), "{}", text);
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,80}") {
        let _ = found_in(&text);
    }
}
