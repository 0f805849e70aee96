//! Character files: parsed strictly, checked, watched, swapped whole. `docs/characters.md` describes them.

mod cast;
mod decode;
mod definition;
mod evolution;
mod examples;
mod files;
mod finding;
mod load;
mod lurk;
mod scaffold;
mod skill;
mod yaml;

pub use cast::{Cast, CastEvent, CastWatcher, CharacterError, FindingsByFolder};
pub use definition::{
    BackgroundFact, Character, Core, EmojiUse, Evolution, Formality, Goal, Indicator, Milestone,
    ModelOverride, ModelTier, MoodEffect, Reactions, ResponseLength, ResponseStyle, ShowThinking,
    SpecialUser, Stage, ThinkingIndicators, Trait, TrustDrop, Ux, Voice,
};
pub use examples::{ExampleTurn, Examples, Exchange, NAMED_TOPICS, Speaker};
pub use finding::{Finding, Severity};
pub use load::{Loaded, load};
pub use lurk::{EmotionalKeywords, Keywords, LurkTriggers};
pub use scaffold::scaffold;
pub use skill::TOOLS;

#[cfg(test)]
mod tests;
