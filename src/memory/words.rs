//! The words of a question that are worth looking for.

use std::collections::HashSet;

use crate::store::Engine;

/// Words looked for at most.
const MOST: usize = 24;

/// English words that say nothing about what is asked for. Other languages lose nothing but a little precision.
const STOP: &str = "a about after again all also am an and any are as at be been before being but by can could did do does \
    doing done don for from get had has have having he her here hers him his how i if in into is it its just let like me \
    mine more most my no nor not now of off on once only or other our ours out over own please remember said say she should \
    so some something still such tell than that the their theirs them then there these they this those to told too under up \
    us very was we were what when where which while who whom whose why will with would yes you your yours";

/// The content words of a text: lower case, without stop words, each once. When nothing is left, the plain words.
pub(super) fn content(text: &str) -> Vec<String> {
    let stop: HashSet<&str> = STOP.split_whitespace().collect();
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let mut seen = HashSet::new();
    words
        .iter()
        .filter(|word| word.chars().count() > 1 && !stop.contains(word.as_str()))
        .filter(|word| seen.insert(word.as_str()))
        .take(MOST)
        .cloned()
        .collect()
}

/// True when somebody asks what is known of themselves, whatever it is: such a question has no words to look for.
pub(super) fn about_self(text: &str) -> bool {
    const ASKED: [&str; 8] = [
        " about me ",
        " about myself ",
        " know me ",
        " remember me ",
        " who am i ",
        " who i am ",
        " told you so far ",
        " told you about myself ",
    ];
    let plain: String =
        text.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    let plain = format!(" {} ", plain.split_whitespace().collect::<Vec<_>>().join(" "));
    ASKED.iter().any(|phrase| plain.contains(phrase))
}

/// True for a statement in the first person of more than two words: likely to tell something about its speaker.
pub(super) fn tells_of_self(text: &str) -> bool {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let first_person = |word: &String| {
        matches!(word.as_str(), "i" | "i'm" | "im" | "i've" | "i'd" | "my" | "mine" | "we" | "our" | "we're")
    };
    words.len() > 1 && words.iter().any(first_person)
}

/// The words as a full-text query that asks for any of them. They hold letters and digits only, so nothing needs escaping
/// but the quotes around each.
pub(super) fn any_of(engine: Engine, words: &[String]) -> String {
    match engine {
        Engine::Sqlite => words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" OR "),
        Engine::Postgres => words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" | "),
    }
}

/// The share of `words` that `text` has, by their first letters (so `boats` finds `boat`), in `0.0..=1.0`.
pub(super) fn coverage(words: &[String], text: &str) -> f64 {
    if words.is_empty() {
        return 0.0;
    }
    let held: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let found = words.iter().filter(|word| held.iter().any(|other| alike(word, other))).count();
    found as f64 / words.len() as f64
}

/// Equal, or equal but for an ending of up to three letters on a stem of at least four.
fn alike(a: &str, b: &str) -> bool {
    let shared = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count();
    let longest = a.chars().count().max(b.chars().count());
    shared == longest || (shared >= 4 && longest - shared <= 3) || (shared >= 3 && longest - shared <= 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("What is my dog called?", &["dog", "called"])]
    #[case("Where do I live?", &["live"])]
    #[case("Dog, dog; DOG!", &["dog"])]
    #[case("what is it?", &[])]
    fn what_is_worth_looking_for(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(content(text), expected);
    }

    #[rstest]
    #[case("What do you remember about me?", true)]
    #[case("who am I?", true)]
    #[case("What about the meadow?", false)]
    #[case("do you know Mexico?", false)]
    fn a_question_about_oneself_is_known(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(about_self(text), expected);
    }

    #[rstest]
    #[case("I'm Priya", true)]
    #[case("my birthday is on the 4th of March", true)]
    #[case("tell a joke", false)]
    #[case("hey", false)]
    fn a_statement_about_oneself_is_known(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(tells_of_self(text), expected);
    }

    #[test]
    fn coverage_counts_words_by_their_stem() {
        let words = content("boats and harbours");
        assert!((coverage(&words, "a boat in the harbour") - 1.0).abs() < 1e-9);
        assert!(coverage(&words, "the sea").abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn a_query_holds_no_quotes_but_its_own(text in ".{0,80}") {
            for engine in [Engine::Sqlite, Engine::Postgres] {
                let words = content(&text);
                let query = any_of(engine, &words);
                prop_assert_eq!(query.matches(['"', '\'']).count(), words.len() * 2);
            }
        }
    }
}
