//! Events as a person reads them, or as JSON.

use std::io::{self, IsTerminal, Write};

use crate::model::{Aside, TurnEvent, plain};

/// Prints the events of one turn.
pub(super) struct Renderer {
    name: String,
    json: bool,
    speaking: bool,
    /// A terminal can show a line as what it is: beside the talk.
    dims: bool,
    status: String,
}

impl Renderer {
    /// A renderer for one turn of the character called `name`.
    pub(super) fn new(name: String, json: bool) -> Self {
        Self { name, json, speaking: false, dims: io::stdout().is_terminal(), status: String::new() }
    }

    /// Prints one event.
    pub(super) fn event(&mut self, event: &TurnEvent, out: &mut impl Write) -> io::Result<()> {
        if self.json {
            let line = serde_json::to_string(event).map_err(io::Error::other)?;
            return writeln!(out, "{line}");
        }
        match event {
            TurnEvent::Routed { .. }
            | TurnEvent::Recalled { .. }
            | TurnEvent::Refused { .. }
            | TurnEvent::Tier(_)
            | TurnEvent::Tool { .. } => Ok(()),
            TurnEvent::Thinking { text, .. } => {
                // A line has been written; it is said once.
                if text.is_empty()
                    || self.speaking
                    || std::mem::replace(&mut self.status, text.clone()) == *text
                {
                    return Ok(());
                }
                let text = plain(text);
                if self.dims { writeln!(out, "\x1b[2m{text}\x1b[0m") } else { writeln!(out, "({text})") }
            }
            TurnEvent::Delta { text } => {
                if !self.speaking {
                    self.speaking = true;
                    write!(out, "{}> ", self.name)?;
                }
                // A terminal would obey what a model writes.
                out.write_all(plain(text).as_bytes())
            }
            TurnEvent::Final { text, .. } => {
                if self.speaking {
                    self.speaking = false;
                    writeln!(out)
                } else {
                    writeln!(out, "{}> {}", self.name, plain(text))
                }
            }
            TurnEvent::Aside { kind: Aside::Offline, text } => writeln!(out, "({text})"),
            TurnEvent::Aside { kind: Aside::Milestone | Aside::TrustDrop, text } => {
                writeln!(out, "{}> {text}", self.name)
            }
            TurnEvent::Error { message, .. } => {
                if self.speaking {
                    self.speaking = false;
                    writeln!(out)?;
                }
                writeln!(out, "{}> {message}", self.name)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CharacterId, ErrorKind, Level};

    fn shown(events: &[TurnEvent], json: bool) -> String {
        let mut renderer = Renderer::new("Elena".to_owned(), json);
        let mut out = Vec::new();
        for event in events {
            renderer.event(event, &mut out).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    fn delta(text: &str) -> TurnEvent {
        TurnEvent::Delta { text: text.to_owned() }
    }

    fn last(text: &str) -> TurnEvent {
        TurnEvent::Final {
            text: text.to_owned(),
            character: CharacterId::new("elena").unwrap(),
            level: Level::Simple,
            model: "m".to_owned(),
            tokens_in: 1,
            tokens_out: 1,
            cost_usd: 0.0,
            total_ms: 1.0,
            overhead_ms: 1.0,
        }
    }

    #[test]
    fn a_streamed_answer_is_one_line() {
        assert_eq!(shown(&[delta("He"), delta("llo"), last("Hello")], false), "Elena> Hello\n");
    }

    #[test]
    fn an_answer_that_was_not_streamed_is_shown_too() {
        assert_eq!(shown(&[last("Hello")], false), "Elena> Hello\n");
    }

    #[test]
    fn an_error_after_half_an_answer_has_its_own_line() {
        let error = TurnEvent::Error { kind: ErrorKind::BrokenStream, message: "Hm.".to_owned() };
        assert_eq!(shown(&[delta("He"), error], false), "Elena> He\nElena> Hm.\n");
    }

    #[test]
    fn a_thought_is_told_once_and_before_the_answer() {
        let thinking = |text: &str, step| TurnEvent::Thinking { text: text.to_owned(), step, of: 5 };
        let mut renderer = Renderer { dims: false, ..Renderer::new("Elena".to_owned(), false) };
        let mut out = Vec::new();
        for event in [thinking("Hm.", 1), thinking("Hm.", 2), thinking("", 3), delta("Yes"), last("Yes")] {
            renderer.event(&event, &mut out).unwrap();
        }
        assert_eq!(String::from_utf8(out).unwrap(), "(Hm.)\nElena> Yes\n");
    }

    #[test]
    fn json_is_one_event_a_line() {
        assert_eq!(shown(&[delta("a\nb")], true), "{\"type\":\"delta\",\"text\":\"a\\nb\"}\n");
    }
}
