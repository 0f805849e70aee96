//! The commands of the console: `/help /character /trust /recall /cost /quit`.

use std::io::Write;

use super::{Console, ConsoleError, Flow};
use crate::{
    llm::LedgerFilter,
    memory::RecallQuery,
    model::{CharacterId, Timestamp},
};

/// A command with its argument.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Help,
    Character(Option<String>),
    Trust,
    Recall(String),
    Cost,
    Quit,
    Unknown(String),
}

/// What each command does, for `/help` and for completion.
pub(super) const COMMANDS: [(&str, &str); 6] = [
    ("/help", "shows this"),
    ("/character", "shows the cast; `/character ID` talks to another"),
    ("/trust", "how the character stands towards you, and why"),
    ("/recall", "`/recall WORDS` shows what memory would bring up"),
    ("/cost", "what the models cost so far"),
    ("/quit", "leaves"),
];

impl Command {
    /// Reads a line that starts with `/`; `/reflect …` is part of the talk, not of the console.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let command = line.strip_prefix('/')?;
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let rest = rest.trim();
        Some(match name {
            "help" => Self::Help,
            "character" => Self::Character((!rest.is_empty()).then(|| rest.to_owned())),
            "trust" => Self::Trust,
            "recall" => Self::Recall(rest.to_owned()),
            "cost" => Self::Cost,
            "quit" | "exit" => Self::Quit,
            "reflect" => return None,
            other => Self::Unknown(other.to_owned()),
        })
    }
}

impl Console {
    pub(super) async fn obey(&mut self, command: Command) -> Result<Flow, ConsoleError> {
        let lines = match command {
            Command::Quit => return Ok(Flow::Quit),
            Command::Help => COMMANDS.iter().map(|(name, what)| format!("{name:<12}{what}")).collect(),
            Command::Character(None) => self.cast(),
            Command::Character(Some(id)) => self.switch(&id),
            Command::Trust => self.trust().await,
            Command::Recall(words) if words.is_empty() => {
                vec!["Write what to look for: /recall WORDS".to_owned()]
            }
            Command::Recall(words) => self.recall(words).await,
            Command::Cost => self.cost().await,
            Command::Unknown(name) => vec![format!("There is no /{name}; /help shows what there is.")],
        };
        // With `--json`, standard output belongs to the events.
        for line in lines {
            if self.options.json {
                eprintln!("{line}");
            } else {
                writeln!(std::io::stdout(), "{line}")?;
            }
        }
        Ok(Flow::On)
    }

    fn cast(&self) -> Vec<String> {
        let cast = &self.handles.cast;
        cast.ids()
            .into_iter()
            .filter_map(|id| {
                let character = cast.get(&id)?;
                let mark = if id == self.options.character { "*" } else { " " };
                Some(format!("{mark} {id:<12}{}", character.tagline.as_deref().unwrap_or_default()))
            })
            .collect()
    }

    fn switch(&mut self, id: &str) -> Vec<String> {
        match CharacterId::new(id).ok().and_then(|id| self.handles.cast.get(&id)) {
            Some(character) => {
                self.options.character = character.id.clone();
                vec![format!("You are talking to {} now.", character.name)]
            }
            None => vec![format!("There is no character `{id}`; /character shows the cast.")],
        }
    }

    async fn trust(&self) -> Vec<String> {
        let (character, user) = (&self.options.character, &self.options.user);
        let Some(definition) = self.handles.cast.get(character) else {
            return vec![format!("There is no character `{character}` any more.")];
        };
        let special = definition.evolution.special_users.iter().find(|special| special.is(user));
        let pinned = special.and_then(|special| special.trust_override).map(f64::from);
        let standing = match self.handles.relationships.standing(character, user, self.now(), pinned).await {
            Ok(standing) => standing,
            Err(error) => return vec![format!("Trust could not be read: {error}")],
        };
        let trust = standing.trust.get();
        let stage = definition.evolution.stage_at(trust);
        let mut lines = vec![format!(
            "{}: {} (trust {trust:.1} of 100), mood {}, {} turns",
            definition.name,
            stage.name,
            standing.mood.as_str(),
            standing.turns
        )];
        if !self.options.place.is_dm() {
            // The reasons may tell of a private talk.
            lines.push("  the reasons are told in private only".to_owned());
            return lines;
        }
        match self.handles.relationships.events(character, user, 5).await {
            Ok(events) => lines.extend(
                events
                    .into_iter()
                    .map(|event| format!("  {} {:+.2} {}", event.at, event.delta, event.reason)),
            ),
            Err(error) => lines.push(format!("  the reasons could not be read: {error}")),
        }
        lines
    }

    async fn recall(&self, text: String) -> Vec<String> {
        let vector = self
            .handles
            .embeddings
            .embed(vec![text.clone()])
            .await
            .ok()
            .flatten()
            .and_then(|vectors| vectors.into_iter().next());
        let query = RecallQuery { text, vector, limit: 8, exclude: Vec::new(), now: self.now() };
        match self.handles.memory.recall(&self.viewer(), &query).await {
            Ok(items) if items.is_empty() => vec!["Nothing on record.".to_owned()],
            Ok(items) => items
                .into_iter()
                .map(|item| format!("{:.2}  {}  {}", item.score.get(), item.when, item.text))
                .collect(),
            Err(error) => vec![format!("Memory could not be searched: {error}")],
        }
    }

    async fn cost(&self) -> Vec<String> {
        match self.handles.llm.ledger().totals(Timestamp::from_micros(0), &LedgerFilter::default()).await {
            Ok(totals) => vec![format!(
                "{} calls, {} tokens in, {} tokens out, ${:.4}",
                totals.calls, totals.tokens_in, totals.tokens_out, totals.cost_usd
            )],
            Err(error) => vec![format!("The ledger could not be read: {error}")],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("hello", None)]
    #[case("/quit", Some(Command::Quit))]
    #[case("/character iris", Some(Command::Character(Some("iris".to_owned()))))]
    #[case("/recall  my dog ", Some(Command::Recall("my dog".to_owned())))]
    #[case("/reflect on this", None)]
    #[case("/dance", Some(Command::Unknown("dance".to_owned())))]
    fn lines_are_read_as_commands(#[case] line: &str, #[case] expected: Option<Command>) {
        assert_eq!(Command::parse(line), expected);
    }
}
