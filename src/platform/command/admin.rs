//! `/admin`: who may talk, silence, trust, words in a character's name, files, and how things are.

use std::fmt::Write;

use chrono::NaiveTime;

use super::{Asker, Commands, Invocation, Reply, tell::count};
use crate::{
    conversation::{ConversationError, Inbound, Target},
    llm::LedgerFilter,
    model::{CharacterId, Place, Timestamp, UserId},
    relationship::{EventKind, RelationshipError},
};

impl Commands {
    pub(super) async fn admin(
        &self,
        invocation: &Invocation,
        asker: &Asker,
    ) -> Result<Reply, ConversationError> {
        let arg = |name| invocation.arg(name).unwrap_or_default();
        let everywhere = invocation.arg("where") == Some("everywhere");
        match invocation.sub.unwrap_or_default() {
            "allow" => self.rule(arg("what"), true, asker).await,
            "deny" => self.rule(arg("what"), false, asker).await,
            "reset-trust" => self.reset_trust(arg("user"), asker).await,
            "say-as" => self.say_as(arg("character"), arg("text"), asker).await,
            "pause" => self.pause(everywhere, asker).await,
            "resume" => self.resume(everywhere, asker).await,
            "reload" => Ok(self.reload()),
            _ => self.status(asker).await,
        }
    }

    async fn rule(&self, what: &str, allowed: bool, asker: &Asker) -> Result<Reply, ConversationError> {
        let target = match (what, &asker.viewer.place) {
            ("here", Place::Dm) => {
                return Ok(Reply::text(
                    "Here is a private talk: name a person, or `dm` for all private talk.",
                ));
            }
            ("here", Place::Channel { guild, channel } | Place::Thread { guild, channel, .. }) => {
                Ok(Target::Channel { guild: guild.clone(), channel: channel.clone() })
            }
            (what, _) => what.parse(),
        };
        let target = match target {
            Ok(target) => target,
            Err(error) => return Ok(Reply::text(error.to_string())),
        };
        let gate = self.parts.conversations.gate();
        gate.set_rule(&target, allowed, &asker.viewer.user, asker.at).await?;
        tracing::info!(%target, allowed, by = %asker.viewer.user, "an access rule is set");
        let verb = if allowed { "allow" } else { "deny" };
        let rules = gate.rules().await?;
        let all: Vec<String> = rules
            .iter()
            .map(|(target, allowed)| format!("- {} `{target}`", if *allowed { "allow" } else { "deny" }))
            .collect();
        Ok(Reply::text(format!(
            "{verb} `{target}`. The rules now; the most exact one decides, and people in charge are always let in:\n{}",
            all.join("\n")
        )))
    }

    async fn reset_trust(&self, user: &str, asker: &Asker) -> Result<Reply, ConversationError> {
        let Ok(user) = UserId::new(user) else {
            return Ok(Reply::text("A person is written like telegram:1234."));
        };
        let character = &asker.viewer.character;
        let relationships = &self.parts.relationships;
        let failed = |RelationshipError::Store(error)| ConversationError::Store(error);
        let standing =
            relationships.standing(character, &user, self.parts.clock.now(), None).await.map_err(failed)?;
        if standing.first_at.is_none() {
            return Ok(Reply::text(format!("{character} has never talked to {user}.")));
        }
        let delta = -standing.trust.get();
        let reason = "set back by somebody in charge";
        let change = relationships
            .record(character, &user, EventKind::Admin, delta, reason, &asker.source)
            .await
            .map_err(failed)?;
        Ok(Reply::text(format!(
            "{character}'s trust in {user}: {:.1} → {:.1}.",
            change.before.get(),
            change.after.get()
        )))
    }

    async fn say_as(&self, id: &str, text: &str, asker: &Asker) -> Result<Reply, ConversationError> {
        let Some(character) = CharacterId::new(id).ok().and_then(|id| self.parts.cast.get(&id)) else {
            return Ok(Reply::text(self.no_such_character(id)));
        };
        let viewer = &asker.viewer;
        let own = character.id == viewer.character;
        let words = if own { text.to_owned() } else { format!("**{}:** {text}", character.name) };
        if asker.address.is_none() {
            return Ok(Reply { ephemeral: false, ..Reply::text(words) });
        }
        let to = Inbound {
            platform: asker.platform.clone(),
            platform_id: asker.source.clone(),
            character: viewer.character.clone(),
            user: viewer.user.clone(),
            user_name: asker.name.clone(),
            place: viewer.place.clone(),
            text: String::new(),
            beside: Vec::new(),
            at: asker.at,
            address: asker.address.clone(),
        };
        self.parts.conversations.say(&to, &words).await?;
        tracing::info!(character = %character.id, by = %viewer.user, "words were said in a character's name");
        Ok(Reply::text(format!("Said as {}. It is no part of what the character remembers.", character.name)))
    }

    async fn pause(&self, everywhere: bool, asker: &Asker) -> Result<Reply, ConversationError> {
        let scope = asker.viewer.scope();
        let gate = self.parts.conversations.gate();
        gate.pause((!everywhere).then_some(&scope), &asker.viewer.user, asker.at).await?;
        let place = if everywhere { "everywhere" } else { "here" };
        Ok(Reply::text(format!(
            "Silent {place} until `/admin resume{}`. People in charge are still answered.",
            if everywhere { " everywhere" } else { "" }
        )))
    }

    async fn resume(&self, everywhere: bool, asker: &Asker) -> Result<Reply, ConversationError> {
        let scope = asker.viewer.scope();
        let gate = self.parts.conversations.gate();
        let ended = gate.resume((!everywhere).then_some(&scope)).await?;
        let still = gate.is_paused(&scope).await?;
        let text = match (ended, still) {
            (true, false) => "Talking again.",
            (true, true) => "Done, but there is another pause that holds here: try `here`, or `everywhere`.",
            (false, true) => {
                "There was no such pause; the one that holds here is the other kind: `here` or `everywhere`."
            }
            (false, false) => "There was no pause.",
        };
        Ok(Reply::text(text))
    }

    fn reload(&self) -> Reply {
        let cast = &self.parts.cast;
        let mut text = String::new();
        let mut fresh = 0;
        for id in cast.ids() {
            match cast.reload(&id) {
                Ok(()) => fresh += 1,
                Err(findings) => {
                    // Writing to a String cannot fail.
                    let _ = write!(text, "\n- {id} keeps its last good version:");
                    for finding in findings {
                        let _ = write!(text, "\n  - {finding}");
                    }
                }
            }
        }
        Reply::text(format!("Read again: {}.{text}", count(fresh, "character")))
    }

    async fn status(&self, asker: &Asker) -> Result<Reply, ConversationError> {
        let parts = &self.parts;
        let up = parts.clock.now().since(self.started).as_secs();
        let platforms = parts.conversations.platforms();
        let jobs = parts.queue.counts().await?;
        let waiting = parts.conversations.unsent().await?;
        let midnight = asker.at.to_utc().date_naive().and_time(NaiveTime::MIN).and_utc();
        let today = parts.llm.ledger().totals(Timestamp::from(midnight), &LedgerFilter::default()).await?;
        let models: Vec<String> = parts
            .llm
            .describe()
            .iter()
            .map(|info| format!("{}: {}", info.tier.as_str(), info.model))
            .collect();
        let rules = parts.conversations.gate().rules().await?;
        Ok(Reply::text(format!(
            "- up {} h {} min\n- platforms: {}\n- cast: {}\n- models: {}\n- today: ${:.4} in {} calls\n- jobs: {} waiting, {} \
             running, {} to be tried again, {} given up\n- messages not sent yet: {waiting}\n- access rules: {}\n- people in \
             charge: {}",
            up / 3_600,
            up / 60 % 60,
            if platforms.is_empty() { "none".to_owned() } else { platforms.join(", ") },
            count(parts.cast.len(), "character"),
            models.join(", "),
            today.cost_usd,
            today.calls,
            jobs.pending,
            jobs.running,
            jobs.failed,
            jobs.dead,
            rules.iter().count(),
            parts.admins.len()
        )))
    }
}
