//! Commands that work on every platform: one definition, in the words of each.

use std::fmt::Write;

use crate::{
    character::Cast,
    model::{CharacterId, Clock, Viewer},
    relationship::{RelationshipError, Relationships},
};

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// The first contact.
    Start,
    Help,
    About,
    Trust,
    /// Ends the answer that is being written.
    Stop,
}

/// Every command with its name and what it does, as platforms list them.
pub(super) const COMMANDS: [(Command, &str, &str); 5] = [
    (Command::Start, "start", "Say hello"),
    (Command::Help, "help", "What there is"),
    (Command::About, "about", "Who this is"),
    (Command::Trust, "trust", "How the character stands towards you, and why"),
    (Command::Stop, "stop", "Stop the answer that is being written"),
];

impl Command {
    /// The command of this name, without its slash.
    pub(super) fn named(name: &str) -> Option<Self> {
        COMMANDS.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name)).map(|(command, ..)| *command)
    }
}

/// What commands need to answer.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) cast: Cast,
    pub(super) relationships: Relationships,
    pub(super) clock: std::sync::Arc<dyn Clock>,
}

impl Desk {
    /// The answer to a command, in Markdown; [`Command::Stop`] has none.
    pub(super) async fn answer(
        &self,
        command: Command,
        viewer: &Viewer,
    ) -> Result<String, RelationshipError> {
        Ok(match command {
            Command::Start => {
                format!("{}\n\nWrite to me. /help shows what else there is.", self.about(&viewer.character))
            }
            Command::Help => COMMANDS
                .iter()
                .map(|(_, name, does)| format!("/{name}: {does}"))
                .collect::<Vec<_>>()
                .join("\n"),
            Command::About => self.about(&viewer.character),
            Command::Trust => self.trust(viewer).await?,
            Command::Stop => String::new(),
        })
    }

    fn about(&self, id: &CharacterId) -> String {
        let Some(character) = self.cast.get(id) else { return format!("{id} is not in the cast any more.") };
        let tagline = character.tagline.as_deref().map(|line| format!(" {line}")).unwrap_or_default();
        format!("I am **{}**, an AI character.{tagline}", character.name)
    }

    async fn trust(&self, viewer: &Viewer) -> Result<String, RelationshipError> {
        let now = self.clock.now();
        let Some(character) = self.cast.get(&viewer.character) else { return Ok(String::new()) };
        let special = character.evolution.special_users.iter().find(|special| special.is(&viewer.user));
        let pinned = special.and_then(|special| special.trust_override).map(f64::from);
        let standing = self.relationships.standing(&viewer.character, &viewer.user, now, pinned).await?;
        let stage = character.evolution.stage_at(standing.trust.get());
        let mut text = format!(
            "{} and you: **{}**, trust {:.0} of 100, after {} turns.",
            character.name,
            stage.name,
            standing.trust.get(),
            standing.turns
        );
        if !viewer.place.is_dm() {
            // The reasons may tell of a private talk.
            text += " Ask me in private for the reasons.";
            return Ok(text);
        }
        for event in self.relationships.events(&viewer.character, &viewer.user, 5).await? {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n- {:+.1} {}", event.delta, event.reason);
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_known_by_name() {
        assert_eq!(Command::named("TRUST"), Some(Command::Trust));
        assert_eq!(Command::named("trusty"), None);
    }
}
