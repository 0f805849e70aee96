//! `examples.md`: how the character talks, in exchanges under topics.

use super::{finding::Finding, yaml::Mark};

/// Topics that the offline responder looks for by name (`docs/characters.md`).
pub const NAMED_TOPICS: [&str; 31] = [
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

const FILE: &str = "examples.md";

/// Who speaks in an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// A person.
    User,
    /// The character.
    Character,
}

/// A line of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleTurn {
    /// Who speaks.
    pub speaker: Speaker,
    /// The words, placeholders and all.
    pub text: String,
}

/// An exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What it is about.
    pub topic: String,
    /// The stage from which it holds; `None`: from the start.
    pub from_stage: Option<String>,
    /// What is said, beginning with the person.
    pub turns: Vec<ExampleTurn>,
}

/// All exchanges of a character.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Examples {
    /// In the order of the file.
    pub exchanges: Vec<Exchange>,
}

#[derive(Default)]
struct Reader {
    topic: Option<(String, Option<String>)>,
    turns: Vec<ExampleTurn>,
    began: usize,
    exchanges: Vec<Exchange>,
    findings: Vec<Finding>,
}

/// Reads the file; `is_stage` knows the names behind `|`.
pub(super) fn parse(text: &str, is_stage: impl Fn(&str) -> bool) -> (Examples, Vec<Finding>) {
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate() {
        reader.line(line.trim_end(), index + 1, &is_stage);
    }
    reader.close();
    (Examples { exchanges: reader.exchanges }, reader.findings)
}

impl Reader {
    fn line(&mut self, line: &str, number: usize, is_stage: &impl Fn(&str) -> bool) {
        let mark = Mark { line: number, column: 1 };
        if let Some(heading) = line.strip_prefix("## ") {
            self.close();
            let (topic, stage) = match heading.split_once('|') {
                Some((topic, stage)) => (topic.trim(), Some(stage.trim().to_owned())),
                None => (heading.trim(), None),
            };
            if let Some(stage) = stage.as_deref().filter(|stage| !is_stage(stage)) {
                self.findings.push(Finding::error(FILE, mark, format!("there is no stage `{stage}`")));
            }
            self.topic = Some((topic.to_lowercase().replace(' ', "-"), stage));
        } else if let Some(said) = line.strip_prefix("{{user}}:") {
            if self.turns.last().is_some_and(|turn| turn.speaker == Speaker::Character) {
                let blank_before = self.turns.last().is_some_and(|turn| turn.text.ends_with('\n'));
                if blank_before {
                    self.close();
                }
            }
            self.turn(Speaker::User, said, mark);
        } else if let Some(said) = line.strip_prefix("{{char}}:") {
            if self.turns.is_empty() {
                self.findings.push(Finding::error(
                    FILE,
                    mark,
                    "an answer without a `{{user}}:` line before it",
                ));
                return;
            }
            self.turn(Speaker::Character, said, mark);
        } else if let Some(turn) = self.turns.last_mut() {
            turn.text.push('\n');
            turn.text.push_str(line);
        } else if !line.is_empty()
            && !line.starts_with('#')
            && !line.starts_with("<!--")
            && self.topic.is_some()
        {
            self.findings.push(Finding::error(
                FILE,
                mark,
                "text outside an exchange: begin the line with `{{user}}:` or `{{char}}:`",
            ));
        }
    }

    fn turn(&mut self, speaker: Speaker, said: &str, mark: Mark) {
        if self.topic.is_none() {
            self.findings.push(Finding::error(FILE, mark, "an exchange before the first `## topic`"));
            self.topic = Some(("small-talk".to_owned(), None));
        }
        if self.turns.is_empty() {
            self.began = mark.line;
        }
        self.turns.push(ExampleTurn { speaker, text: said.trim_start().to_owned() });
    }

    fn close(&mut self) {
        let mut turns = std::mem::take(&mut self.turns);
        for turn in &mut turns {
            turn.text = turn.text.trim().to_owned();
        }
        let Some((topic, from_stage)) = self.topic.clone().filter(|_| !turns.is_empty()) else { return };
        let mark = Mark { line: self.began, column: 1 };
        if turns.last().is_none_or(|turn| turn.speaker == Speaker::User) {
            self.findings.push(Finding::error(FILE, mark, "an exchange without an answer (`{{char}}:`)"));
        } else if turns.iter().any(|turn| turn.text.is_empty()) {
            self.findings.push(Finding::error(FILE, mark, "an exchange with an empty line in it"));
        } else {
            self.exchanges.push(Exchange { topic, from_stage, turns });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Examples, Vec<String>) {
        let (examples, findings) = parse(text, |stage| stage == "friend");
        (examples, findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn exchanges_are_read_with_topic_and_stage() {
        let text = "# Elena\n\n## Greeting\n{{user}}: hi\n{{char}}: Hello.\n\nMind the step.\n\n{{user}}: hey\n{{char}}: Yes?\n\
                    ## greeting | friend\n{{user}}: hi\n{{char}}: You!\n{{user}}: me\n{{char}}: Indeed.\n";
        let (examples, findings) = read(text);
        assert!(findings.is_empty(), "{findings:?}");
        let [first, second, third] = examples.exchanges.as_slice() else { panic!("{examples:?}") };
        assert_eq!(first.topic, "greeting");
        assert_eq!(first.turns[1].text, "Hello.\n\nMind the step.");
        assert_eq!(second.turns[0].text, "hey");
        assert_eq!(third.from_stage.as_deref(), Some("friend"));
        assert_eq!(third.turns.len(), 4);
    }

    #[test]
    fn what_is_wrong_is_found_with_its_line() {
        let (_, findings) =
            read("{{user}}: hi\n{{char}}: x\n## a | foe\n{{char}}: lonely\n\n{{user}}: asked\n## b\nwords\n");
        assert_eq!(
            findings,
            [
                "examples.md:1:1: an exchange before the first `## topic`",
                "examples.md:3:1: there is no stage `foe`",
                "examples.md:4:1: an answer without a `{{user}}:` line before it",
                "examples.md:6:1: an exchange without an answer (`{{char}}:`)",
                "examples.md:8:1: text outside an exchange: begin the line with `{{user}}:` or `{{char}}:`",
            ]
        );
    }
}
