//! Questions about a third person: whoever is asked about, the character's own life is no answer.

use super::text::{Word, find, strip, words};

/// What stands before the person, and what behind.
const ASKED: &[(&str, &str)] = &[
    ("where do|does|did", "live|lives|work|works|come|study|grow|stay|go|sleep"),
    ("what do|does|did", "do|like|love|eat|work|study|play|hate|drink|want|have"),
    ("how old is", ""),
    ("how old are", ""),
    ("when is", "'s"),
    ("when was", "born"),
    ("where is", "from|living|now|working"),
    ("what is|are", "'s"),
    ("who is", "'s"),
    ("do|does", "live|work|like|have|speak|play"),
    ("what do you know|remember about", ""),
];

/// No persons.
const NOBODY: &[&str] = &[
    "i",
    "you",
    "we",
    "he",
    "she",
    "it",
    "they",
    "this",
    "that",
    "these",
    "those",
    "the",
    "a",
    "an",
    "my",
    "your",
    "our",
    "his",
    "her",
    "their",
    "its",
    "one",
    "people",
    "everyone",
    "everybody",
    "anyone",
    "anybody",
    "someone",
    "somebody",
    "who",
    "what",
    "there",
    "here",
    "all",
    "me",
    "us",
    "them",
    "him",
    "life",
    "love",
    "any",
    "some",
    "each",
    "every",
    "today",
    "tomorrow",
    "yesterday",
    "god",
    "no",
    "most",
    "many",
    "more",
    "not",
    "yourself",
    "myself",
    "in",
    "on",
    "at",
    "for",
    "earth",
    "time",
    "new",
    "christmas",
    "easter",
];

/// Who is asked about: `ff` of `where does ff live?`, `Sara's horse` of `what is Sara's horse called?`; `None` where
/// it is nobody, or `character`.
pub(super) fn asked_about(message: &str, character: &str) -> Option<String> {
    let all = words(message);
    ASKED.iter().find_map(|(before, behind)| {
        let rest = find(&all, before)?;
        let (who, tail) = rest.split_first()?;
        let open = behind.is_empty() && (tail.is_empty() || strip(tail, "now|today|again").is_some());
        let fits = open || !behind.is_empty() && strip(tail, behind).is_some();
        let own = character.split(' ').any(|part| part.eq_ignore_ascii_case(&who.raw));
        let is_person = who.low.chars().all(|c| c.is_alphabetic() || c == '-')
            && !NOBODY.contains(&who.low.as_str())
            && (who.is_capitalised() || is_small_name(who, before, behind));
        (fits && is_person && !own).then(|| with_theirs(who, tail))
    })
}

/// In small letters only where a name alone can stand.
fn is_small_name(who: &Word, before: &str, behind: &str) -> bool {
    (before.contains("does") || before.starts_with("how old is") || behind.starts_with("from"))
        && !who.low.ends_with('s')
        && !super::extract::is_kin(&who.low)
}

/// `Sara's horse`, where something of theirs is asked for.
fn with_theirs(who: &Word, tail: &[Word]) -> String {
    let thing = strip(tail, "'s")
        .and_then(<[Word]>::first)
        .filter(|thing| !matches!(thing.low.as_str(), "called" | "named" | "name" | "like" | "up"));
    match thing {
        Some(thing) => format!("{}'s {}", who.raw, thing.low),
        None => who.raw.clone(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    #[rstest]
    #[case("where does ff live?", Some("ff"))]
    #[case("Where does Tom work", Some("Tom"))]
    #[case("how old is Zoltan?", Some("Zoltan"))]
    #[case("What is Sara's horse called?", Some("Sara's horse"))]
    #[case("What is Sara's name?", Some("Sara"))]
    #[case("where does Elena live?", None)]
    #[case("where does she live?", None)]
    #[case("where do you live?", None)]
    #[case("what does love mean?", None)]
    #[case("what do octopuses eat?", None)]
    #[case("how old is the sea?", None)]
    #[case("where do I live?", None)]
    fn third_persons_are_seen(#[case] message: &str, #[case] who: Option<&str>) {
        assert_eq!(super::asked_about(message, "Elena").as_deref(), who);
    }
}
