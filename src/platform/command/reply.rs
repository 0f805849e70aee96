//! What goes in and out of the executor: who asks, what is answered, buttons and their presses.

use crate::model::{Timestamp, Viewer};

/// The longest [`Button::data`], in bytes (Telegram's Bot API, `InlineKeyboardButton`; Discord takes 100 characters).
pub const LONGEST_DATA: usize = 64;

/// The longest reply, in characters: one message on every platform (Discord takes 2,000).
pub const LONGEST_REPLY: usize = 1_900;

/// Who asks, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// Who, where, and of which character.
    pub viewer: Viewer,
    /// What the platform calls them.
    pub name: String,
    /// Their locale, such as `de` or `pt-BR`; empty when it is not known.
    pub locale: String,
    /// Whether they are in charge ([`super::Commands::is_admin`]).
    pub admin: bool,
    /// The platform's name, as in [`crate::conversation::Inbound::platform`].
    pub platform: String,
    /// The platform's id of the message or interaction. What a command does, it does once for the same id.
    pub source: String,
    /// Where something can be said in the open, in the platform's words; `None` where there is only the reply.
    pub address: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A button under a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// What a press of it brings back to [`super::Commands::press`]; at most [`LONGEST_DATA`] bytes.
    pub data: String,
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The words, in Markdown.
    pub text: String,
    /// For the asker's eyes only, where the platform can do that.
    pub ephemeral: bool,
    /// Buttons, in one row.
    pub buttons: Vec<Button>,
}

impl Reply {
    /// A reply for the asker's eyes, without buttons.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ephemeral: true, buttons: Vec::new() }
    }
}

impl Reply {
    /// The reply, cut behind a line where it is too long for one message.
    pub(super) fn within_limits(mut self) -> Self {
        const MORE: &str = "\n…";
        if self.text.chars().count() > LONGEST_REPLY {
            let cut: String = self.text.chars().take(LONGEST_REPLY - MORE.len()).collect();
            let kept = cut.rsplit_once('\n').map_or(cut.as_str(), |(kept, _)| kept);
            self.text = format!("{kept}{MORE}");
        }
        self
    }
}

/// What a command comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// This is shown.
    Reply(Reply),
    /// These words are taken in as the asker's message ([`crate::conversation::Conversations::take_in`]).
    Say(String),
    /// The asker's turn under way ends (`take_in` with `/stop`).
    Stop,
}

/// What a press of a button comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pressed {
    /// This takes the place of the message with the button.
    Replace(Reply),
    /// The message stays; whoever pressed is told this, nobody else.
    Notice(String),
}
