//! What came with a message and is not its author's own words.

use serde::{Deserialize, Serialize};

use super::plain;

/// Something beside the words of a message. It is shown to the model as what it is, and never remembered as said by the
/// author of the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Quoted {
    /// The message that is replied to.
    Reply {
        /// Who wrote it; `None`: the character itself.
        by: Option<String>,
        /// Its words.
        text: String,
    },
    /// A message that is passed on.
    Forward {
        /// Who wrote it, where that is known.
        by: Option<String>,
        /// Its words.
        text: String,
    },
    /// A message that is linked to.
    Link {
        /// Who wrote it; `None`: the character itself.
        by: Option<String>,
        /// Its words.
        text: String,
    },
    /// A sticker.
    Sticker {
        /// Its name or emoji.
        name: String,
    },
    /// A file, of which nothing but this is known yet.
    Attachment {
        /// Its name.
        name: String,
        /// Its media type, where the platform says.
        media: Option<String>,
        /// Its size in bytes.
        size: u64,
    },
}

/// Characters of a quotation that are kept.
const LONGEST: usize = 2_000;

impl Quoted {
    /// The same without control characters ([`plain`]), cut to what is worth showing.
    #[must_use]
    pub fn made_plain(self) -> Self {
        let short = |text: String| plain(&text).chars().take(LONGEST).collect::<String>();
        let name = |name: String| plain(&name).split_whitespace().collect::<Vec<_>>().join(" ");
        match self {
            Self::Reply { by, text } => Self::Reply { by: by.map(name), text: short(text) },
            Self::Forward { by, text } => Self::Forward { by: by.map(name), text: short(text) },
            Self::Link { by, text } => Self::Link { by: by.map(name), text: short(text) },
            Self::Sticker { name: it } => Self::Sticker { name: name(it) },
            Self::Attachment { name: it, media, size } => {
                Self::Attachment { name: name(it), media: media.map(name), size }
            }
        }
    }
}
