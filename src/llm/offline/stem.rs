//! What a text is about: its weighty words, without their endings.

use super::text::words;

/// Words that say little by themselves.
const LIGHT: &[&str] = &[
    "a",
    "an",
    "the",
    "i",
    "you",
    "he",
    "she",
    "it",
    "we",
    "they",
    "me",
    "him",
    "her",
    "us",
    "them",
    "my",
    "your",
    "his",
    "its",
    "our",
    "their",
    "mine",
    "yours",
    "is",
    "am",
    "are",
    "was",
    "were",
    "be",
    "been",
    "being",
    "do",
    "does",
    "did",
    "have",
    "has",
    "had",
    "will",
    "would",
    "can",
    "could",
    "should",
    "may",
    "might",
    "must",
    "not",
    "no",
    "yes",
    "and",
    "or",
    "but",
    "if",
    "so",
    "because",
    "than",
    "then",
    "that",
    "this",
    "these",
    "those",
    "there",
    "here",
    "to",
    "of",
    "in",
    "on",
    "at",
    "by",
    "for",
    "with",
    "about",
    "from",
    "into",
    "out",
    "up",
    "down",
    "off",
    "over",
    "as",
    "what",
    "who",
    "whom",
    "whose",
    "which",
    "when",
    "where",
    "why",
    "how",
    "all",
    "any",
    "some",
    "just",
    "very",
    "really",
    "too",
    "also",
    "again",
    "now",
    "oh",
    "well",
    "ok",
    "please",
    "'s",
    "let",
    "get",
    "got",
    "go",
    "going",
    "one",
    "thing",
    "things",
    "something",
    "anything",
    "much",
    "many",
    "more",
    "most",
    "lot",
    "bit",
    "like",
    "want",
    "tell",
    "told",
    "say",
    "said",
    "know",
    "think",
    "remember",
    "remind",
    "ever",
    "still",
    "only",
    "even",
    "back",
    "hi",
    "hello",
    "hey",
];

/// True for words without weight of their own.
pub(super) fn is_light(low: &str) -> bool {
    LIGHT.contains(&low)
}

/// The weighty words of `text`, stemmed.
pub(super) fn content(text: &str) -> Vec<String> {
    words(text).iter().filter(|word| !is_light(&word.low)).map(|word| stem(&word.low)).collect()
}

/// A word without its common endings; enough for `octopuses` to meet `octopus`.
pub(super) fn stem(low: &str) -> String {
    const IRREGULAR: &[(&str, &str)] = &[
        ("went", "go"),
        ("goes", "go"),
        ("gone", "go"),
        ("bought", "buy"),
        ("lives", "live"),
        ("living", "live"),
        ("mice", "mouse"),
        ("children", "child"),
        ("kids", "child"),
        ("kid", "child"),
        ("born", "bear"),
        ("met", "meet"),
        ("ran", "run"),
        ("saw", "see"),
        ("seen", "see"),
        ("made", "make"),
        ("job", "work"),
        ("dad", "father"),
        ("mum", "mother"),
        ("took", "take"),
        ("wrote", "write"),
        ("ate", "eat"),
        ("began", "begin"),
        ("got", "get"),
        ("died", "die"),
        ("dying", "die"),
        ("pets", "pet"),
        ("color", "colour"),
        ("this", "this"),
        ("gave", "give"),
        ("taught", "teach"),
        ("learnt", "learn"),
    ];
    if let Some((_, root)) = IRREGULAR.iter().find(|(form, _)| *form == low) {
        return (*root).to_owned();
    }
    let long = low.chars().count();
    let cut = |ending: &str, least: usize| low.strip_suffix(ending).filter(|_| long >= ending.len() + least);
    if let Some(root) = cut("ies", 2) {
        return format!("{root}y");
    }
    let root = cut("ing", 3)
        .or_else(|| cut("ed", 3))
        .or_else(|| cut("es", 3))
        .or_else(|| cut("s", 3).filter(|r| !r.ends_with(['s', 'u', 'i'])))
        .unwrap_or(low);
    let root = root.strip_suffix('e').filter(|r| r.chars().count() >= 3).unwrap_or(root);
    let mut chars = root.chars().rev();
    match (chars.next(), chars.next()) {
        (Some(a), Some(b)) if a == b && root != low && !"aeiousl".contains(a) => {
            root.chars().take(root.chars().count() - 1).collect()
        }
        _ => root.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("octopuses", "octopus")]
    #[case("running", "run")]
    #[case("moved", "moving")]
    #[case("cities", "city")]
    fn forms_of_a_word_meet(#[case] one: &str, #[case] other: &str) {
        assert_eq!(stem(one), stem(other));
    }
}
