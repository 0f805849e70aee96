//! Placeholders filled, wishes about form obeyed.

use super::{
    stem::content,
    text::{capitalise, sentences, words},
};

/// Longest short answer, in words (about two spoken sentences).
const SHORT_WORDS: usize = 25;
/// Longest short story, in words.
const SHORT_TALE_WORDS: usize = 40;

/// `template` with its placeholders filled; what is put in cannot bring placeholders of its own.
pub(super) fn fill(template: &str, user: Option<&str>, character: &str, memory: &str) -> String {
    let user = user.map(harmless).filter(|name| !name.trim().is_empty());
    let template = user.map_or_else(|| without_user(template), |name| template.replace("{{user}}", &name));
    harmless(&template.replace("{{char}}", &harmless(character)).replace("{{memory}}", &harmless(memory)))
}

/// `text` without braces that a placeholder could be made of.
pub(super) fn harmless(text: &str) -> String {
    let mut text = text.replace("{{", "").replace("}}", "");
    while text.contains("{{") || text.contains("}}") {
        text = text.replace("{{", "").replace("}}", "");
    }
    text
}

/// The address left out together with its comma.
fn without_user(template: &str) -> String {
    let mut text = template.to_owned();
    for (address, left) in [
        (", {{user}},", ","),
        (", {{user}}.", "."),
        (", {{user}}!", "!"),
        (", {{user}}?", "?"),
        (", {{user}};", ";"),
        (", {{user}}:", ":"),
        (", {{user}}", ""),
    ] {
        text = text.replace(address, left);
    }
    while let Some((before, after)) = text.split_once("{{user}}") {
        let starts = before.trim_end().is_empty() || before.trim_end().ends_with(['.', '!', '?', '…']);
        let rest = after.trim_start_matches([',', '.', '!']).trim_start();
        text = if starts && rest.len() != after.len() {
            format!("{before}{}", capitalise(rest))
        } else {
            format!("{before}{}{after}", if starts { "You" } else { "you" })
        };
    }
    text
}

/// True when the name stands where it cannot be left out.
pub(super) fn needs_name(template: &str) -> bool {
    without_user(template).matches("you").count() > template.matches("you").count()
}

/// The first one or two sentences, as many as stay brief.
pub(super) fn shortened(text: &str) -> String {
    within(&first_sentences(text, 2), SHORT_WORDS)
}

/// A story or a joke, no longer than a short one may be.
pub(super) fn shortened_tale(text: &str) -> String {
    within(text, SHORT_TALE_WORDS)
}

/// True when `text` needs no shortening where a tale is told.
pub(super) fn is_short_tale(text: &str) -> bool {
    text.split_whitespace().count() <= SHORT_TALE_WORDS
}

/// The sentences that have room in `most` words; of a first one that is longer, its first clauses.
fn within(text: &str, most: usize) -> String {
    let mut kept: Vec<String> = Vec::new();
    let mut count = 0;
    for sentence in sentences(text) {
        count += sentence.split_whitespace().count();
        if count > most {
            break;
        }
        kept.push(sentence);
    }
    if !kept.is_empty() {
        return kept.join(" ");
    }
    let all: Vec<&str> = text.split_whitespace().take(most).collect();
    let pause = all.iter().rposition(|word| word.ends_with([',', ';', ':']));
    match pause.filter(|at| *at >= 3).and_then(|at| all.get(..=at)) {
        Some(clauses) => format!("{}.", clauses.join(" ").trim_end_matches([',', ';', ':'])),
        None if text.split_whitespace().count() > most => format!("{}…", all.join(" ")),
        None => text.to_owned(),
    }
}

/// The first `most` sentences.
pub(super) fn first_sentences(text: &str, most: usize) -> String {
    sentences(text).into_iter().take(most).collect::<Vec<_>>().join(" ")
}

/// The text without emoji.
pub(super) fn without_emoji(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !is_emoji(*c)).collect();
    kept.split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn is_emoji(c: char) -> bool {
    matches!(u32::from(c), 0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0x2B00..=0x2BFF | 0xFE0F | 0x200D | 0x2300..=0x23FF | 0xE0020..=0xE007F)
}

/// True when `text` touches one of `topics`: all weighty words of the topic, or its very letters.
pub(super) fn touches(text: &str, topics: &[String]) -> bool {
    if topics.is_empty() {
        return false;
    }
    let low = text.to_lowercase();
    let stems = content(text);
    topics.iter().map(|topic| topic.trim().to_lowercase()).filter(|topic| !topic.is_empty()).any(|topic| {
        let weighty = content(&topic);
        let all = !weighty.is_empty() && weighty.iter().all(|stem| stems.contains(stem));
        let letters = if topic.chars().count() < 4 {
            words(&low).iter().any(|word| word.low == topic)
        } else {
            low.contains(&topic)
        };
        all || letters
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Good, {{user}}, I was down.", "Good, I was down.")]
    #[case("Look who it is, {{user}}.", "Look who it is.")]
    #[case("{{user}}, sit down.", "Sit down.")]
    #[case("Hello, {{user}}!", "Hello!")]
    #[case("So {{user}} is here.", "So you is here.")]
    fn a_missing_name_is_left_out(#[case] template: &str, #[case] expected: &str) {
        assert_eq!(fill(template, None, "Elena", ""), expected);
    }

    #[rstest]
    #[case("One. Two. Three.", "One. Two.")]
    #[case(
        "I have been to the sea, and I saw a whale there, which was bigger than our ferry, and it looked at me for a very long time before it went.",
        "I have been to the sea, and I saw a whale there, which was bigger than our ferry."
    )]
    fn short_is_short(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(shortened(text), expected);
    }

    #[test]
    fn what_is_filled_in_brings_no_placeholders() {
        assert_eq!(
            fill("Hi {{user}}. {{memory}}", Some("{{memory}}"), "E", "{{{{user}}}}"),
            "Hi memory. user"
        );
    }

    #[test]
    fn emojis_go_and_topics_are_seen() {
        assert_eq!(without_emoji("Hello 🐙 there ❤️!"), "Hello there !");
        assert!(touches("I met two spiders.", &["spider".into()]));
        assert!(!touches("An example.", &["ex".into()]));
    }
}
