//! Character files: parsed strictly, checked, watched, swapped whole. `docs/characters.md` describes them.

mod cast;
mod decode;
mod definition;
mod evolution;
mod examples;
mod files;
mod finding;
mod load;
mod scaffold;
mod skill;
mod yaml;

pub use cast::{Cast, CastEvent, CastWatcher, CharacterError, FindingsByFolder};
pub use definition::{
    BackgroundFact, Character, Core, EmojiUse, EmotionalKeywords, Evolution, Formality, Goal, Indicator,
    Keywords, LurkTriggers, Milestone, ModelOverride, ModelTier, MoodEffect, Reactions, ResponseLength,
    ResponseStyle, SpecialUser, Stage, ThinkingIndicators, Trait, TrustDrop, Ux, Voice,
};
pub use examples::{ExampleTurn, Examples, Exchange, NAMED_TOPICS, Speaker};
pub use finding::{Finding, Severity};
pub use load::{Loaded, load};
pub use scaffold::scaffold;
pub use skill::TOOLS;

#[cfg(test)]
mod tests;
