//! The words that everybody speaks: ids, places, viewers, messages, events. Plain types, no I/O.

mod account;
mod event;
mod fence;
mod id;
mod knowledge;
mod message;
mod place;
mod quoted;
mod reaction;
mod score;
mod text;
mod time;
mod viewer;

pub use account::{Account, AccountItem, AnsweringTier, EscalationBar, EscalationReason, TierChoice};
pub use event::{
    Aside, ErrorKind, Level, RecalledItem, RecalledSource, RoutedBy, ToolState, TurnEvent, TurnPath,
};
pub use fence::unfenced;
pub use id::{CharacterId, FactId, IdError, MemoryId, MessageId, SessionId, TurnId, UserId};
pub use knowledge::{
    Extraction, FactDraft, Preference, PreferenceDraft, Preferences, Style, SummaryDraft, TranscriptLine,
    Verbosity,
};
pub use message::{Author, Message, MessageStatus};
pub use place::{Place, PlaceError, Scope, ScopeError};
pub use quoted::Quoted;
pub use reaction::Feeling;
pub use score::UnitScore;
pub use text::{is_language_tag, plain};
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
pub use viewer::{Viewer, conversation};
