//! Whose words they are: verbs and pronouns from one person to another.

use super::text::Word;

/// The form that goes with `you` (`lives` → `live`, `is` → `are`); forms of the past stay.
pub(super) fn with_you(verb: &str) -> String {
    match verb {
        "is" | "am" => "are".to_owned(),
        "was" => "were".to_owned(),
        _ => bare(verb),
    }
}

/// The form that goes with `I`.
pub(super) fn with_i(verb: &str) -> String {
    match verb {
        "is" | "are" => "am".to_owned(),
        "were" => "was".to_owned(),
        _ => bare(verb),
    }
}

/// The third person's ending taken off.
pub(super) fn bare(verb: &str) -> String {
    match verb {
        "has" => return "have".to_owned(),
        "does" => return "do".to_owned(),
        "goes" => return "go".to_owned(),
        "was" | "always" | "is" | "this" | "us" | "plus" => return verb.to_owned(),
        _ => {}
    }
    if let Some(root) = verb.strip_suffix("ies").filter(|root| root.len() > 2) {
        return format!("{root}y");
    }
    for hissing in ["sses", "shes", "ches", "xes", "zzes"] {
        if verb.ends_with(hissing) {
            return verb.strip_suffix("es").unwrap_or(verb).to_owned();
        }
    }
    verb.strip_suffix('s').filter(|root| root.len() > 1 && !root.ends_with('s')).unwrap_or(verb).to_owned()
}

/// What the speaker said of themself, as said of somebody called `they`.
pub(super) fn as_they(words: &[Word]) -> String {
    turn(
        words,
        &[("i", "they"), ("me", "them"), ("my", "their"), ("mine", "theirs"), ("myself", "themself")],
        "they",
    )
}

/// What the speaker said of themself, as said to them.
pub(super) fn as_you(words: &[Word]) -> String {
    turn(
        words,
        &[
            ("i", "you"),
            ("me", "you"),
            ("my", "your"),
            ("mine", "yours"),
            ("myself", "yourself"),
            ("our", "your"),
            ("we", "you"),
        ],
        "you",
    )
}

fn turn(words: &[Word], pronouns: &[(&str, &str)], subject: &str) -> String {
    let mut said = String::new();
    let mut after_subject = false;
    for word in words {
        let turned = pronouns.iter().find(|(from, _)| *from == word.low).map(|(_, to)| (*to).to_owned());
        let is_subject = turned.as_deref() == Some(subject) && word.low != "me";
        let text = match (turned, after_subject, word.low.as_str()) {
            (Some(text), ..) => text,
            (None, true, "am") => "are".to_owned(),
            (None, true, "was") => "were".to_owned(),
            _ => word.raw.clone(),
        };
        if !said.is_empty() && text != "'s" {
            said.push(' ');
        }
        said.push_str(&text);
        if word.pause {
            said.push(',');
        }
        after_subject = is_subject;
    }
    said.trim_end_matches(',').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::offline::text::words;
    use rstest::rstest;

    #[rstest]
    #[case("lives", "live")]
    #[case("studies", "study")]
    #[case("watches", "watch")]
    #[case("is", "are")]
    #[case("has", "have")]
    #[case("grew", "grew")]
    fn verbs_follow_the_person(#[case] third: &str, #[case] second: &str) {
        assert_eq!(with_you(third), second);
    }

    #[test]
    fn pronouns_turn() {
        assert_eq!(
            as_they(&words("I was at my sister's, she fed me")),
            "they were at their sister's, she fed them"
        );
    }
}
