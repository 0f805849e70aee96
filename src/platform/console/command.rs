//! The console's own commands, `/character /recall /cost /quit`, and those of every platform.

use std::io::Write;

use super::{Console, ConsoleError, Flow, PLATFORM};
use crate::{
    conversation::ConversationError,
    llm::LedgerFilter,
    memory::RecallQuery,
    model::{CharacterId, Timestamp},
    platform::{
        command::{self, Asker, Invocation, Outcome, Pressed, Reply},
        telegram::plain,
    },
};

/// A command with its argument.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Help,
    Character(Option<String>),
    Recall(String),
    Cost,
    Quit,
    /// A button of the last reply, counted from 1.
    Press(usize),
    /// One that every platform has.
    Shared(String),
}

/// What the console's own commands do, for `/help` and for completion.
pub(super) const COMMANDS: [(&str, &str); 4] = [
    ("/character", "shows the cast; `/character ID` talks to another"),
    ("/recall", "`/recall WORDS` shows what memory would bring up"),
    ("/cost", "what the models cost so far"),
    ("/quit", "leaves"),
];

/// Commands of the table that the console has its own of, or no use for.
const OWN: [command::Command; 3] =
    [command::Command::Character, command::Command::Stop, command::Command::Help];

/// The commands of every platform that work here, with what they do.
pub(super) fn shared() -> impl Iterator<Item = (String, &'static str)> {
    command::COMMANDS
        .iter()
        .filter(|spec| spec.listed && !OWN.contains(&spec.command))
        .map(|spec| (format!("/{}", spec.name.en), spec.about.en))
}

impl Command {
    /// Reads a line that starts with `/`.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let command = line.strip_prefix('/')?;
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let rest = rest.trim();
        Some(match name {
            "help" if rest.is_empty() => Self::Help,
            "character" | "char" => {
                let id = rest.strip_prefix("set ").unwrap_or(rest).trim();
                Self::Character((!id.is_empty() && id != "show").then(|| id.to_owned()))
            }
            "recall" => Self::Recall(rest.to_owned()),
            "cost" => Self::Cost,
            "quit" | "exit" => Self::Quit,
            number if number.parse::<usize>().is_ok() => Self::Press(number.parse().unwrap_or_default()),
            _ => Self::Shared(line.to_owned()),
        })
    }
}

impl Console {
    pub(super) async fn obey(&mut self, command: Command) -> Result<Flow, ConsoleError> {
        let lines = match command {
            Command::Quit => return Ok(Flow::Quit),
            Command::Help => {
                let own = COMMANDS.iter().map(|(name, what)| format!("{name:<12}{what}"));
                own.chain(shared().map(|(name, what)| format!("{name:<12}{what}"))).collect()
            }
            Command::Character(None) => self.cast(),
            Command::Character(Some(id)) => self.switch(&id),
            Command::Recall(words) if words.is_empty() => {
                vec!["Write what to look for: /recall WORDS".to_owned()]
            }
            Command::Recall(words) => self.recall(words).await,
            Command::Cost => self.cost().await,
            Command::Press(number) => self.press(number).await,
            Command::Shared(line) => match self.give(&line).await {
                Ok(Outcome::Say(text)) => {
                    self.say(text).await?;
                    Vec::new()
                }
                Ok(Outcome::Stop) => vec!["Nothing is being written.".to_owned()],
                Ok(Outcome::Reply(reply)) => self.shown(reply),
                Err(told) => vec![told],
            },
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

    /// Runs a command of every platform. Whoever sits at the console runs the program, and is in charge.
    async fn give(&self, line: &str) -> Result<Outcome, String> {
        let failed = |error: ConversationError| format!("That did not work: {error}");
        match Invocation::parse(line) {
            Some(Ok(invocation)) => {
                self.handles.commands.run(&invocation, &self.asker()).await.map_err(failed)
            }
            Some(Err(error)) => Err(error.to_string()),
            None => Err("A command begins with /.".to_owned()),
        }
    }

    async fn press(&mut self, number: usize) -> Vec<String> {
        let Some(button) = number.checked_sub(1).and_then(|index| self.buttons.get(index)).cloned() else {
            return vec!["There is no such button.".to_owned()];
        };
        match self.handles.commands.press(&button.data, &self.asker()).await {
            Ok(Pressed::Replace(reply)) => self.shown(reply),
            Ok(Pressed::Notice(text)) => vec![text],
            Err(error) => vec![format!("That did not work: {error}")],
        }
    }

    fn shown(&mut self, reply: Reply) -> Vec<String> {
        let mut lines = vec![plain(&reply.text)];
        let labels: Vec<String> = (1..)
            .zip(&reply.buttons)
            .map(|(number, button): (usize, _)| format!("/{number} {}", button.label))
            .collect();
        if !labels.is_empty() {
            lines.push(format!("[{}]", labels.join("]  [")));
        }
        self.buttons = reply.buttons;
        lines
    }

    fn asker(&self) -> Asker {
        Asker {
            viewer: self.viewer(),
            name: self.options.user_name.clone(),
            locale: String::new(),
            admin: true,
            platform: PLATFORM.to_owned(),
            source: uuid::Uuid::now_v7().to_string(),
            address: None,
            at: self.now(),
        }
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
    #[case("/character set iris", Some(Command::Character(Some("iris".to_owned()))))]
    #[case("/character", Some(Command::Character(None)))]
    #[case("/reflect on this", Some(Command::Shared("/reflect on this".to_owned())))]
    #[case("/dance", Some(Command::Shared("/dance".to_owned())))]
    #[case("/help memory", Some(Command::Shared("/help memory".to_owned())))]
    #[case("/2", Some(Command::Press(2)))]
    fn lines_are_read_as_commands(#[case] line: &str, #[case] expected: Option<Command>) {
        assert_eq!(Command::parse(line), expected);
    }
}
