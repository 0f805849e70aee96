//! What a character is: the typed form of its files (`docs/characters.md`).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::{CharacterId, UnitScore, UserId};

use super::{examples::Examples, lurk::LurkTriggers};

/// A whole character.
#[derive(Debug, Clone, PartialEq)]
pub struct Character {
    /// The folder's name.
    pub id: CharacterId,
    /// What it is called.
    pub name: String,
    /// One line about it.
    pub tagline: Option<String>,
    /// Address or relative path of a picture.
    pub avatar: Option<String>,
    /// Who wrote it.
    pub creator: Option<String>,
    /// The writer's version.
    pub version: Option<String>,
    /// The prose of `character.md`, placeholders and all.
    pub persona: String,
    /// `core.yaml`.
    pub core: Core,
    /// `goals.yaml`.
    pub goals: Vec<Goal>,
    /// `evolution.yaml`.
    pub evolution: Evolution,
    /// `background.yaml`.
    pub background: Vec<BackgroundFact>,
    /// `ux.yaml`.
    pub ux: Ux,
    /// `lurk_triggers.yaml`.
    pub lurk: Option<LurkTriggers>,
    /// `visual.md`.
    pub visual: Option<String>,
    /// `examples.md`.
    pub examples: Examples,
    /// Changes when any file does.
    pub revision: u64,
}

/// A model tier, as `core.yaml` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelTier {
    /// Answers.
    Main,
    /// Routing and extraction.
    Router,
    /// Deep thought.
    Reflective,
}

/// What a character wants of a model tier.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelOverride {
    /// The model's name at the endpoint.
    pub model: Option<String>,
    /// `0.0..=2.0`.
    pub temperature: Option<f32>,
    /// Tokens of an answer, at least 1.
    pub max_tokens: Option<u32>,
}

/// `core.yaml`, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Core {
    /// One sentence.
    pub purpose: Option<String>,
    /// The character's clock.
    pub timezone: chrono_tz::Tz,
    /// What drives it, and how much.
    pub drives: BTreeMap<String, UnitScore>,
    /// Rules it never breaks.
    pub constitution: Vec<String>,
    /// Unasked messages per 15 minutes and channel.
    pub social_battery_limit: u32,
    /// Themes close to its heart.
    pub anchors: Vec<String>,
    /// Overrides by tier.
    pub models: BTreeMap<ModelTier, ModelOverride>,
    /// Tools it may use.
    pub skills: Vec<String>,
    /// Languages it speaks (BCP 47).
    pub languages: Vec<String>,
}

impl Default for Core {
    fn default() -> Self {
        Self {
            purpose: None,
            timezone: chrono_tz::UTC,
            drives: BTreeMap::new(),
            constitution: Vec::new(),
            social_battery_limit: 5,
            anchors: Vec::new(),
            models: BTreeMap::new(),
            skills: Vec::new(),
            languages: vec!["en".to_owned()],
        }
    }
}

fn default_priority() -> u8 {
    5
}

/// A goal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Its name, unique in the file.
    pub slug: String,
    /// What it is about.
    pub description: String,
    /// How one sees that it is reached.
    pub success_criteria: Option<String>,
    /// `1..=10`, higher first.
    #[serde(default = "default_priority")]
    pub priority: u8,
    /// Free.
    pub category: Option<String>,
}

/// A stage of a relationship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// What it is called.
    pub name: String,
    /// The lowest trust of it.
    pub lo: i32,
    /// The highest trust of it.
    pub hi: i32,
    /// How the character behaves in it.
    pub behavior: String,
}

/// A trait that unlocks with trust.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trait {
    /// What it is called.
    pub name: String,
    /// The trust from which it shows, `-100..=100`.
    pub unlock_at: i32,
    /// What it is like.
    #[serde(default)]
    pub description: String,
    /// How it sounds.
    pub example: Option<String>,
    /// Moods in which it does not show.
    #[serde(default)]
    pub suppress_on_mood: Vec<String>,
}

/// Said once, when trust first reaches a level.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Milestone {
    /// The level, `-100..=100`.
    pub trust_level: i32,
    /// The words.
    pub message: String,
}

/// Said once, when trust falls.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustDrop {
    /// Trust was at least this high once.
    pub from_min: i32,
    /// And has fallen to at most this.
    pub to_max: i32,
    /// The words.
    pub message: String,
}

/// What a mood does to the character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoodEffect {
    /// `neutral`, `happy`, `excited`, `annoyed`, `sad` or `concerned`.
    pub name: String,
    /// What it is like.
    pub description: Option<String>,
    /// Traits or tones, and their change in per cent.
    pub modifiers: BTreeMap<String, i32>,
}

/// Somebody whom the character knows already.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecialUser {
    /// Their id with its platform.
    pub user: Option<UserId>,
    /// Or their id on Discord.
    pub discord_id: Option<String>,
    /// What they are called.
    pub name: Option<String>,
    /// Trust that never changes, `-100..=100`.
    pub trust_override: Option<i32>,
    /// What the character knows of them.
    pub note: Option<String>,
}

impl SpecialUser {
    /// True for the person that is meant.
    #[must_use]
    pub fn is(&self, user: &UserId) -> bool {
        self.user.as_ref() == Some(user)
            || self.discord_id.as_ref().is_some_and(|id| user.as_str() == format!("discord:{id}"))
    }
}

/// `evolution.yaml`, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Evolution {
    /// From hostile to intimate; they cover `-100..=100`.
    pub(super) stages: Vec<Stage>,
    /// Traits.
    pub traits: Vec<Trait>,
    /// Milestones.
    pub milestones: Vec<Milestone>,
    /// Messages about a fall of trust.
    pub trust_drops: Vec<TrustDrop>,
    /// Moods.
    pub moods: Vec<MoodEffect>,
    /// People it knows already.
    pub special_users: Vec<SpecialUser>,
}

/// The stages of a character that brings none (product.md, REL), with what each does to its behaviour.
const LADDER: [(&str, i32, i32, &str); 8] = [
    ("hostile", -100, -51, "You want nothing to do with them. A few cold words, no questions, no warmth."),
    ("cold", -50, -21, "You answer what is asked and nothing more. No jokes, no questions of your own."),
    ("wary", -20, -1, "You are guarded: polite, short, and slow to believe."),
    ("stranger", 0, 20, "You are courteous and keep to the surface; nothing personal yet."),
    ("acquaintance", 21, 40, "You are friendly, show some interest in their life, and joke a little."),
    ("friend", 41, 60, "You are warm and open, tease them kindly and ask how things went."),
    (
        "close friend",
        61,
        80,
        "You speak freely, share doubts and hopes, and tell them the truth even when it stings.",
    ),
    ("intimate", 81, 100, "You speak as to the one person who knows you; full trust, no masks."),
];

pub(super) fn default_stages() -> Vec<Stage> {
    LADDER
        .iter()
        .map(|(name, lo, hi, behavior)| Stage {
            name: (*name).to_owned(),
            lo: *lo,
            hi: *hi,
            behavior: (*behavior).to_owned(),
        })
        .collect()
}

impl Default for Evolution {
    fn default() -> Self {
        Self {
            stages: default_stages(),
            traits: Vec::new(),
            milestones: Vec::new(),
            trust_drops: Vec::new(),
            moods: Vec::new(),
            special_users: Vec::new(),
        }
    }
}

impl Evolution {
    /// All stages, from the lowest.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The stage that holds this trust, rounded down to a whole number.
    ///
    /// A character's stages cover the whole range (the loader sees to it), so there is always one.
    #[must_use]
    pub fn stage_at(&self, trust: f64) -> Stage {
        let floor = trust.floor();
        self.stages
            .iter()
            .rfind(|stage| floor >= f64::from(stage.lo))
            .or(self.stages.first())
            .cloned()
            .unwrap_or_else(|| Stage {
                name: "stranger".to_owned(),
                lo: -100,
                hi: 100,
                behavior: String::new(),
            })
    }

    /// The trust from which the stage of this name holds; of this character, else of the default ladder.
    #[must_use]
    pub fn trust_floor_of(&self, stage: &str) -> Option<i32> {
        let own = self.stages.iter().find(|own| own.name.eq_ignore_ascii_case(stage)).map(|own| own.lo);
        own.or_else(|| {
            LADDER.iter().find(|(name, ..)| name.eq_ignore_ascii_case(stage)).map(|(_, lo, ..)| *lo)
        })
    }
}

/// Something the character knows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackgroundFact {
    /// What holds.
    pub predicate: String,
    /// Of what.
    pub object: String,
}

/// An indicator that is shown while something goes on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    /// An emoji.
    pub icon: Option<String>,
    /// The words.
    pub text: Option<String>,
}

/// How much of its thinking is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShowThinking {
    /// Nothing.
    None,
    /// That it thinks.
    #[default]
    Minimal,
    /// That it thinks, and with which tools.
    Detailed,
}

/// What is shown while the character thinks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThinkingIndicators {
    /// How much.
    #[serde(default)]
    pub show: ShowThinking,
    /// While it thinks deeply.
    #[serde(default)]
    pub reflective_mode: Indicator,
    /// While it uses a tool.
    #[serde(default)]
    pub tool_use: Indicator,
}

/// Emoji reactions of its own accord.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct Reactions {
    /// Whether it reacts.
    #[serde(default)]
    pub enabled: bool,
    /// How often, `0.0..=1.0`.
    pub base_rate: Option<f64>,
    /// How much more about its own topics, `0.0..=1.0`.
    pub topic_boost: Option<f64>,
    /// How long it waits, seconds.
    pub reaction_delay_seconds: Option<(f64, f64)>,
    /// Lists of emoji, named `…_emojis`.
    #[serde(flatten)]
    pub emojis: BTreeMap<String, Vec<String>>,
}

/// How it sounds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// The voice at the speech service.
    pub voice_id: Option<String>,
    /// The model at the speech service.
    pub model_id: Option<String>,
    /// Said with a voice message; `{name}` is filled in.
    pub intro_template: Option<String>,
}

/// How long its answers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseLength {
    /// A sentence or two.
    Short,
    /// A short paragraph.
    Medium,
    /// As long as it takes.
    Long,
}

/// How it addresses people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Formality {
    /// As among friends.
    Casual,
    /// In between.
    Neutral,
    /// Politely.
    Formal,
}

/// How many emojis it uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmojiUse {
    /// None.
    None,
    /// Some.
    Few,
    /// Many.
    Many,
}

/// How it answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseStyle {
    /// How long.
    pub length: Option<ResponseLength>,
    /// In what tone.
    pub formality: Option<Formality>,
    /// With how many emojis.
    pub emojis: Option<EmojiUse>,
    /// Anything else.
    pub notes: Option<String>,
}

/// `ux.yaml`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ux {
    /// Shown while it thinks.
    pub thinking_indicators: ThinkingIndicators,
    /// Said in place of an answer that could not be produced.
    pub error_messages: Vec<String>,
    /// Said to somebody in a time-out.
    pub cold_responses: Vec<String>,
    /// Said to an attempt at manipulation.
    pub manipulation_responses: Vec<String>,
    /// Said in place of an answer when the budget is used up.
    pub budget_responses: Vec<String>,
    /// Its emojis by category.
    pub emoji_sets: BTreeMap<String, Vec<String>>,
    /// Reactions.
    pub reactions: Reactions,
    /// Voice.
    pub voice: Voice,
    /// Style.
    pub response_style: ResponseStyle,
}
