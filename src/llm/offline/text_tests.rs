//! Words, stems and sentences.

use super::*;
use rstest::rstest;

#[rstest]
#[case("I'm Robin, and you?", "i am robin and you")]
#[case("dont u know my dog’s name", "do not you know my dog 's name")]
#[case("What's up", "what is up")]
fn words_are_opened(#[case] text: &str, #[case] expected: &str) {
    let lows: Vec<String> = words(text).into_iter().map(|word| word.low).collect();
    assert_eq!(lows.join(" "), expected);
}

#[rstest]
#[case("Hi. I am Dr. Bell! Really?", 3)]
#[case("It cost 3.50 euros", 1)]
#[case("", 0)]
#[case("I said \"no.\" Then I left.", 2)]
fn sentences_end_where_they_end(#[case] text: &str, #[case] count: usize) {
    assert_eq!(sentences(text).len(), count);
}

#[rstest]
#[case("octopuses", "octopus")]
#[case("running", "run")]
#[case("moved", "moving")]
#[case("cities", "city")]
fn forms_of_a_word_meet(#[case] one: &str, #[case] other: &str) {
    assert_eq!(stem(one), stem(other));
}
