//! The commands of every platform: one table ([`COMMANDS`]), one parser ([`Invocation`]), one executor ([`Commands`]). An
//! adapter turns its menus into the table's words, runs what people choose, and shows the [`Reply`] with its buttons.

mod admin;
mod check;
mod choose;
mod data;
mod keep;
mod parse;
mod reply;
mod spec;
mod table;
mod tell;
mod wish;

use std::sync::Arc;

use crate::{
    character::Cast,
    conversation::{ConversationError, Conversations, Subject},
    embed::Embeddings,
    llm::Llm,
    memory::Memory,
    model::{Clock, Place, Timestamp, UserId},
    relationship::Relationships,
    store::Database,
};

pub use parse::{Invocation, ParseError};
pub use reply::{Asker, Button, LONGEST_DATA, LONGEST_REPLY, Outcome, Pressed, Reply};
pub use spec::{Arg, Kind, LANGUAGES, Spec, Sub, Who, Words};
pub use table::COMMANDS;

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// The first contact.
    Start,
    /// What there is.
    Help,
    /// Who this is.
    About,
    /// Who answers here.
    Character,
    /// How the character stands towards the asker.
    Trust,
    /// What is remembered.
    Memory,
    /// Keeps something on purpose.
    Remember,
    /// Deletes what was said.
    Forget,
    /// What is kept, and where it may surface.
    Privacy,
    /// How the asker wants to be answered.
    Settings,
    /// The asker's time zone.
    Timezone,
    /// Ends the answer that is being written.
    Stop,
    /// Asks for an answer with more thought.
    Reflect,
    /// How the last answer came about.
    Why,
    /// What it cost.
    Budget,
    /// Who there is.
    Cast,
    /// For the people in charge.
    Admin,
}

/// What the executor works with.
#[derive(Clone)]
pub struct Parts {
    /// The store.
    pub database: Database,
    /// The flow of talk.
    pub conversations: Conversations,
    /// The cast.
    pub cast: Cast,
    /// Memory.
    pub memory: Memory,
    /// Relationships.
    pub relationships: Relationships,
    /// Embeddings, for `/memory search`.
    pub embeddings: Embeddings,
    /// Models, for `/budget` and `/admin status`.
    pub llm: Llm,
    /// The queue, for `/admin status`.
    pub queue: crate::jobs::Queue,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The people in charge (`ADMINS`).
    pub admins: Vec<UserId>,
}

/// The executor. Cloning shares everything.
#[derive(Clone)]
pub struct Commands {
    parts: Parts,
    started: Timestamp,
}

impl Commands {
    /// An executor of these parts; its uptime begins now.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let started = parts.clock.now();
        Self { parts, started }
    }

    /// The people in `ADMINS`.
    #[must_use]
    pub fn admins(&self) -> &[UserId] {
        &self.parts.admins
    }

    /// True for the people in `ADMINS`.
    #[must_use]
    pub fn is_admin(&self, user: &UserId) -> bool {
        self.parts.admins.contains(user)
    }

    /// Whether somebody may talk to the characters here and now; a denial is logged with its rule. The people in charge
    /// always may, so that nobody locks themselves out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn admits(&self, subject: &Subject, place: &Place) -> Result<bool, ConversationError> {
        if self.is_admin(&subject.user) {
            return Ok(true);
        }
        let gate = self.parts.conversations.gate();
        let decision = gate.rules().await?.decide(subject);
        if !decision.allowed {
            tracing::info!(user = %subject.user, place = %place, rule = decision.rule, "denied");
            return Ok(false);
        }
        if gate.is_paused(&place.scope(&subject.user)).await? {
            tracing::info!(user = %subject.user, place = %place, rule = "pause", "denied");
            return Ok(false);
        }
        Ok(true)
    }

    /// Does what a command asks for.
    ///
    /// # Errors
    /// [`ConversationError`] when the store fails; then it can be run again. Everything else is said in the reply.
    #[tracing::instrument(skip_all, fields(command = invocation.spec().name.en, user = %asker.viewer.user))]
    pub async fn run(&self, invocation: &Invocation, asker: &Asker) -> Result<Outcome, ConversationError> {
        let spec = invocation.spec();
        if spec.who == Who::Admins && !asker.admin {
            tracing::info!(rule = "ADMINS", "denied");
            return Ok(Outcome::Reply(Self::not_admin(asker)));
        }
        let reply = match invocation.command {
            Command::Start => self.start(asker),
            Command::Help => Self::help(invocation.arg("command"), asker),
            Command::About => self.about(asker),
            Command::Cast => self.cast(asker),
            Command::Trust => self.trust(asker).await?,
            Command::Character => self.character(invocation.arg("id"), asker).await?,
            Command::Memory => match invocation.arg("words") {
                Some(words) => self.search(words, asker).await?,
                None => self.recent(asker).await?,
            },
            Command::Remember => self.remember(invocation.arg("text").unwrap_or_default(), asker).await?,
            Command::Forget => self.ask_to_forget(invocation.arg("what").unwrap_or_default(), asker).await?,
            Command::Privacy => match invocation.arg("value") {
                Some(value) => self.set_apart(value == "on", asker).await?,
                None => self.privacy(asker).await?,
            },
            Command::Settings => match (invocation.sub, invocation.arg("value")) {
                (Some(key), Some(value)) => self.set_wish(key, value, asker).await?,
                _ => self.wishes(asker).await?,
            },
            Command::Timezone => {
                self.set_wish("timezone", invocation.arg("zone").unwrap_or_default(), asker).await?
            }
            Command::Why => self.why(asker).await?,
            Command::Budget => self.budget(asker).await?,
            Command::Admin => self.admin(invocation, asker).await?,
            Command::Stop => return Ok(Outcome::Stop),
            Command::Reflect => {
                return Ok(Outcome::Say(format!("/reflect {}", invocation.arg("text").unwrap_or_default())));
            }
        };
        let reply = Reply { ephemeral: reply.ephemeral && spec.ephemeral, ..reply };
        Ok(Outcome::Reply(reply.within_limits()))
    }

    fn not_admin(asker: &Asker) -> Reply {
        Reply::text(format!(
            "That is for the people in charge, who are named in `ADMINS`. You are `{}`.",
            asker.viewer.user
        ))
    }
}
