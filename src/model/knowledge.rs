//! What is learned about people: facts, preferences and summaries, as they travel between the extractors that find
//! them (a model or the built-in rules) and the memory that keeps them.

use serde::{Deserialize, Serialize};

use super::{MessageId, UnitScore, UserId};

/// A fact that was found, not stored yet: subject, predicate, object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactDraft {
    /// Whom or what it is about; `user` for the speaker, or a name, or `user's dog`.
    pub subject: String,
    /// Snake case, from the speaker's point of view: `lives_in`, `is_named`, `has_pet`, `likes`, `works_as`, …
    pub predicate: String,
    /// The value, as the speaker wrote it.
    pub object: String,
    /// How sure the extractor is.
    pub confidence: UnitScore,
    /// The speaker.
    pub owner: UserId,
    /// The messages it rests on; never empty.
    pub sources: Vec<MessageId>,
}

/// How long answers should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verbosity {
    /// A sentence or two.
    Short,
    /// A short paragraph.
    Medium,
    /// As long as the matter deserves.
    Long,
}

/// How answers should sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// As among friends.
    Casual,
    /// Polite and correct.
    Formal,
    /// As the person writes.
    Matching,
}

/// One thing a person wants.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "key", content = "value", rename_all = "snake_case")]
pub enum Preference {
    /// Length of answers.
    Verbosity(Verbosity),
    /// Tone of answers.
    Style(Style),
    /// What they want to be called; empty when they want no nickname any more.
    Nickname(String),
    /// A topic that must not be brought up.
    AvoidTopic(String),
    /// Whether emojis are welcome.
    Emojis(bool),
    /// BCP 47 tag of the language to answer in.
    Language(String),
    /// IANA time zone.
    Timezone(String),
}

impl Preference {
    /// The stored key. Every kind but `avoid_topic` holds one value; a new one replaces the old.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Verbosity(_) => "verbosity",
            Self::Style(_) => "style",
            Self::Nickname(_) => "nickname",
            Self::AvoidTopic(_) => "avoid_topic",
            Self::Emojis(_) => "emojis",
            Self::Language(_) => "language",
            Self::Timezone(_) => "timezone",
        }
    }

    /// True for wishes about form, which give nothing away and so hold in every place. What a person wants to be called
    /// and what they do not want to hear about may be private: such a wish holds only where it may be read.
    #[must_use]
    pub fn holds_everywhere(&self) -> bool {
        match self {
            Self::Verbosity(_) | Self::Style(_) | Self::Emojis(_) | Self::Language(_) => true,
            Self::Nickname(_) | Self::AvoidTopic(_) | Self::Timezone(_) => false,
        }
    }
}

/// A wish that was found, not stored yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreferenceDraft {
    /// The wish.
    pub preference: Preference,
    /// Whose it is.
    pub owner: UserId,
    /// Where it was said.
    pub source: MessageId,
}

/// All wishes of one person that hold in one place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Preferences {
    /// Length of answers.
    pub verbosity: Option<Verbosity>,
    /// Tone of answers.
    pub style: Option<Style>,
    /// What they want to be called.
    pub nickname: Option<String>,
    /// Topics not to bring up.
    pub avoid_topics: Vec<String>,
    /// Whether emojis are welcome.
    pub emojis: Option<bool>,
    /// Language to answer in.
    pub language: Option<String>,
    /// Time zone.
    pub timezone: Option<String>,
}

impl Preferences {
    /// Takes a wish in; a later one of the same kind wins.
    pub fn apply(&mut self, preference: Preference) {
        match preference {
            Preference::Verbosity(value) => self.verbosity = Some(value),
            Preference::Style(value) => self.style = Some(value),
            Preference::Nickname(value) => {
                self.nickname = Some(value).filter(|name| !name.trim().is_empty());
            }
            Preference::AvoidTopic(value) => {
                if !self.avoid_topics.contains(&value) {
                    self.avoid_topics.push(value);
                }
            }
            Preference::Emojis(value) => self.emojis = Some(value),
            Preference::Language(value) => self.language = Some(value),
            Preference::Timezone(value) => self.timezone = Some(value),
        }
    }
}

/// The summary of a session, not stored yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SummaryDraft {
    /// A few sentences.
    pub text: String,
    /// 1 (small talk) ..= 5 (life-changing).
    pub meaningfulness: u8,
    /// Two or three feelings that were in it.
    pub emotions: Vec<String>,
    /// One to five topics.
    pub topics: Vec<String>,
}

/// One message as an extractor sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptLine {
    /// The message.
    pub id: MessageId,
    /// The person who wrote it; `None`: the character, from whose own words nothing is ever extracted.
    pub speaker: Option<UserId>,
    /// What the speaker is called.
    pub name: String,
    /// The words.
    pub text: String,
    /// When.
    pub at: super::Timestamp,
}

/// Everything found in a session.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Extraction {
    /// Facts.
    pub facts: Vec<FactDraft>,
    /// Wishes.
    pub preferences: Vec<PreferenceDraft>,
    /// The summary, when there was enough to sum up.
    pub summary: Option<SummaryDraft>,
}
