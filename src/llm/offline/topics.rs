//! The topics that the responder looks for by name; `docs/characters.md` lists them for authors.

/// Every topic with a job. Any other topic of `examples.md` is found by likeness alone.
pub const NAMED: &[&str] = &[
    "greeting",
    "farewell",
    "good-night",
    "how-are-you",
    "thanks",
    "apology",
    "compliment",
    "insult",
    "who-are-you",
    "are-you-an-ai",
    "love",
    "dislike",
    "comfort",
    "celebrate",
    "teasing",
    "disagreement",
    "not-knowing",
    "remember",
    "nothing-on-record",
    "acknowledge",
    "preference-accepted",
    "small-talk",
    "bored",
    "joke",
    "story",
    "advice",
    "question-back",
    "boundary",
    "manipulation",
    "crisis",
    "unknown-skill",
];

#[cfg(test)]
mod tests {
    #[test]
    fn the_list_is_the_one_authors_read() {
        let docs = include_str!("../../../docs/characters.md");
        let (_, list) = docs.split_once("Topics that the offline responder looks for by name:").unwrap();
        let list = list.split_once("\n- ").map_or(list, |(list, _)| list);
        let named: Vec<&str> =
            list.split('`').skip(1).step_by(2).filter(|topic| !topic.contains('{')).collect();
        assert_eq!(named, super::NAMED);
    }
}
