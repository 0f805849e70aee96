//! What `lurk_triggers.yaml` holds.

use serde::Deserialize;

/// Words that call the character into a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keywords {
    /// Its very own topics.
    #[serde(alias = "high_relevance")]
    pub high: Vec<String>,
    /// Near ones.
    #[serde(alias = "medium_relevance")]
    pub medium: Vec<String>,
    /// Far ones.
    #[serde(alias = "low_relevance")]
    pub low: Vec<String>,
}

/// Words of feeling.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmotionalKeywords {
    /// Glad ones.
    pub positive: Vec<String>,
    /// Sad ones.
    pub negative: Vec<String>,
}

/// `lurk_triggers.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LurkTriggers {
    /// Words by weight.
    pub keywords: Keywords,
    /// Sentences that are like what it joins in on.
    pub topic_sentences: Vec<String>,
    /// Questions it answers (regular expressions).
    pub question_patterns: Vec<String>,
    /// Words of feeling.
    pub emotional_keywords: EmotionalKeywords,
    /// Words that keep it out.
    pub never: Vec<String>,
}
