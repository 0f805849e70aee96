//! The line editor: history across starts, completion of commands and characters.

use std::path::PathBuf;

use rustyline::{
    Completer, CompletionType, Config, Context, ExternalPrinter, Helper, Highlighter, Hinter, Validator,
    completion::Pair, error::ReadlineError, history::DefaultHistory,
};

use super::command::{COMMANDS, shared};
use crate::model::CharacterId;

/// Lines of history that are kept.
const HISTORY: usize = 1_000;

/// An open line editor.
pub(super) struct Editor {
    inner: rustyline::Editor<Assist, DefaultHistory>,
    history: PathBuf,
}

/// Completes `/` commands, and character ids behind `/character`.
#[derive(Helper, Completer, Highlighter, Hinter, Validator)]
struct Assist {
    #[rustyline(Completer)]
    words: Words,
}

struct Words {
    characters: Vec<String>,
}

impl rustyline::completion::Completer for Words {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = line.get(..pos).unwrap_or_default();
        Ok(self.candidates(typed))
    }
}

impl Words {
    fn candidates(&self, typed: &str) -> (usize, Vec<Pair>) {
        const CHARACTER: &str = "/character ";
        let pair = |word: &str| Pair { display: word.to_owned(), replacement: word.to_owned() };
        if let Some(start) = typed.strip_prefix(CHARACTER) {
            let ids = self.characters.iter().filter(|id| id.starts_with(start));
            return (CHARACTER.len(), ids.map(|id| pair(id)).collect());
        }
        if typed.starts_with('/') {
            let names = COMMANDS.iter().map(|(name, _)| (*name).to_owned());
            let names = names.chain(["/help".to_owned()]).chain(shared().map(|(name, _)| name));
            return (0, names.filter(|name| name.starts_with(typed)).map(|name| pair(&name)).collect());
        }
        (typed.len(), Vec::new())
    }
}

impl Editor {
    /// Opens the editor on the terminal; a history that cannot be read starts empty.
    pub(super) fn open(characters: Vec<CharacterId>, history: PathBuf) -> Result<Self, ReadlineError> {
        let config = Config::builder()
            .max_history_size(HISTORY)?
            .history_ignore_dups(true)?
            .completion_type(CompletionType::List)
            .build();
        let mut inner = rustyline::Editor::with_config(config)?;
        let characters = characters.into_iter().map(String::from).collect();
        inner.set_helper(Some(Assist { words: Words { characters } }));
        if let Err(error) = inner.load_history(&history) {
            tracing::debug!(%error, "no history of earlier talks yet");
        }
        Ok(Self { inner, history })
    }

    /// A way to print above the line that is being written.
    pub(super) fn printer(&mut self) -> Option<impl FnMut(String) + Send + use<>> {
        let mut printer = self.inner.create_external_printer().ok()?;
        Some(move |line: String| {
            // Nothing is left to print on when this fails.
            let _ = printer.print(format!("{line}\n"));
        })
    }

    /// Reads a line; `None` at the end of input. The editor blocks its thread, so it travels there and back.
    pub(super) async fn read(
        mut self,
        prompt: &'static str,
    ) -> Result<(Self, Option<String>), ReadlineError> {
        let read = tokio::task::spawn_blocking(move || {
            let line = loop {
                match self.inner.readline(prompt) {
                    // Ctrl-C clears the line; whoever wants to leave is told how.
                    Err(ReadlineError::Interrupted) => eprintln!("(/quit or Ctrl-D leaves)"),
                    Err(ReadlineError::Eof) => break None,
                    Err(error) => return Err(error),
                    Ok(line) => break Some(line),
                }
            };
            if let Some(line) = line.as_deref().filter(|line| !line.trim().is_empty()) {
                let kept =
                    self.inner.add_history_entry(line).and_then(|_| self.inner.append_history(&self.history));
                if let Err(error) = kept {
                    tracing::debug!(%error, "the line was not kept in the history");
                }
            }
            Ok((self, line))
        });
        read.await.map_err(|error| ReadlineError::Io(std::io::Error::other(error)))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(typed: &str) -> Vec<String> {
        let words = Words { characters: vec!["elena".to_owned(), "iris".to_owned()] };
        words.candidates(typed).1.into_iter().map(|pair| pair.replacement).collect()
    }

    #[test]
    fn commands_and_characters_are_completed() {
        assert_eq!(offered("/tr"), ["/trust"]);
        assert_eq!(offered("/character i"), ["iris"]);
        assert!(offered("hello").is_empty());
    }
}
