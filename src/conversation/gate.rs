//! Who may talk to the characters, where they are silent, and which of them answers where. Tables `access_rule`, `pause`
//! and `chosen_character`.

use std::{fmt, str::FromStr};

use sqlx::Row as _;

use crate::{
    model::{CharacterId, Place, Scope, Timestamp, UserId},
    store::{Database, StoreError},
};

/// Somebody at a place, as far as access rules look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Who.
    pub user: UserId,
    /// Their roles, by the platform's ids.
    pub roles: Vec<String>,
    /// The channel, without its server; of a thread, the channel above it.
    pub channel: Option<String>,
    /// The server, as in [`crate::model::Place`].
    pub guild: Option<String>,
    /// Whether this is a private talk.
    pub dm: bool,
}

impl Subject {
    /// Somebody at a place.
    #[must_use]
    pub fn new(user: UserId, place: &Place, roles: Vec<String>) -> Self {
        let (guild, channel) = match place {
            Place::Dm => (None, None),
            Place::Channel { guild, channel } | Place::Thread { guild, channel, .. } => {
                (Some(guild.clone()), Some(channel.clone()))
            }
        };
        Self { user, roles, channel, guild, dm: place.is_dm() }
    }
}

/// Whom or what a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A person.
    User(UserId),
    /// Everybody with a role, by the platform's id.
    Role(String),
    /// A channel of a server.
    Channel {
        /// The server.
        guild: String,
        /// The channel.
        channel: String,
    },
    /// A server.
    Guild(String),
    /// Every private talk.
    Dm,
    /// Everybody, everywhere.
    All,
}

/// What a text would have to be to name a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names nobody: write a person as telegram:1234, a channel as SERVER/CHANNEL, or guild:ID, role:ID, dm or all"
)]
pub struct TargetError(String);

impl Target {
    fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Role(_) => "role",
            Self::Channel { .. } => "channel",
            Self::Guild(_) => "guild",
            Self::Dm => "dm",
            Self::All => "all",
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::User(user) => user.to_string(),
            Self::Role(id) | Self::Guild(id) => id.clone(),
            Self::Channel { guild, channel } => format!("{guild}/{channel}"),
            Self::Dm | Self::All => String::new(),
        }
    }

    fn read(kind: &str, subject: &str) -> Option<Self> {
        Some(match kind {
            "user" => Self::User(UserId::new(subject).ok()?),
            "role" if !subject.is_empty() => Self::Role(subject.to_owned()),
            "guild" if !subject.is_empty() => Self::Guild(subject.to_owned()),
            "channel" => {
                let (guild, channel) = subject.rsplit_once('/')?;
                if guild.is_empty() || channel.is_empty() {
                    return None;
                }
                Self::Channel { guild: guild.to_owned(), channel: channel.to_owned() }
            }
            "dm" => Self::Dm,
            "all" => Self::All,
            _ => return None,
        })
    }

    fn covers(&self, subject: &Subject) -> bool {
        match self {
            Self::User(user) => *user == subject.user,
            Self::Role(id) => subject.roles.contains(id),
            Self::Channel { guild, channel } => {
                subject.guild.as_ref() == Some(guild) && subject.channel.as_ref() == Some(channel)
            }
            Self::Guild(id) => subject.guild.as_ref() == Some(id),
            Self::Dm => subject.dm,
            Self::All => true,
        }
    }

    /// The more of them, the more exactly a rule says who is meant.
    fn rank(&self) -> u8 {
        match self {
            Self::User(_) => 5,
            Self::Role(_) => 4,
            Self::Channel { .. } => 3,
            Self::Guild(_) => 2,
            Self::Dm => 1,
            Self::All => 0,
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    /// `all`, `dm`, `role:ID`, `guild:ID`, `channel:SERVER/CHANNEL`, `SERVER/CHANNEL`, or a person as `platform:id`.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        let named =
            text.split_once(':').filter(|(kind, _)| ["user", "role", "guild", "channel"].contains(kind));
        let target = match named {
            Some((kind, subject)) => Self::read(kind, subject),
            None if text == "all" || text == "dm" => Self::read(text, ""),
            None if text.contains('/') => Self::read("channel", text),
            None => Self::read("user", text),
        };
        target.ok_or_else(|| TargetError(text.to_owned()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => user.fmt(f),
            Self::Dm | Self::All => f.write_str(self.kind()),
            _ => write!(f, "{}:{}", self.kind(), self.subject()),
        }
    }
}

/// What became of somebody who wants to talk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether they may.
    pub allowed: bool,
    /// The rule that decided, such as `deny telegram:7`; `default` when there was none.
    pub rule: String,
}

/// All rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessRules(Vec<(Target, bool)>);

impl AccessRules {
    /// Rules from pairs of target and whether it is allowed.
    #[must_use]
    pub fn new(rules: Vec<(Target, bool)>) -> Self {
        Self(rules)
    }

    /// The rules.
    pub fn iter(&self) -> impl Iterator<Item = &(Target, bool)> {
        self.0.iter()
    }

    /// Whether somebody may talk here. The rule that says most exactly who is meant decides: a person before a role, a
    /// channel, a server, private talk, everybody. Of several roles a denial wins. Without a rule everybody may.
    #[must_use]
    pub fn decide(&self, subject: &Subject) -> Decision {
        let rule = self
            .0
            .iter()
            .filter(|(target, _)| target.covers(subject))
            .max_by_key(|(target, allowed)| (target.rank(), !allowed));
        match rule {
            Some((target, allowed)) => Decision {
                allowed: *allowed,
                rule: format!("{} {target}", if *allowed { "allow" } else { "deny" }),
            },
            None => Decision { allowed: true, rule: "default".to_owned() },
        }
    }
}

/// The gate before the flow of talk.
#[derive(Debug, Clone)]
pub struct Gate {
    database: Database,
}

impl Gate {
    /// The gate kept in this store.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// All access rules.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rules(&self) -> Result<AccessRules, StoreError> {
        let rows = sqlx::query("SELECT kind, subject, allowed FROM access_rule ORDER BY kind, subject")
            .fetch_all(self.database.readers())
            .await?;
        let mut rules = Vec::with_capacity(rows.len());
        for row in &rows {
            let (kind, subject): (String, String) = (row.try_get("kind")?, row.try_get("subject")?);
            let target = Target::read(&kind, &subject)
                .ok_or_else(|| StoreError::Corrupt(format!("`{kind} {subject}` is no access rule")))?;
            rules.push((target, row.try_get::<i64, _>("allowed")? != 0));
        }
        Ok(AccessRules(rules))
    }

    /// Allows or denies from now on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_rule(
        &self,
        target: &Target,
        allowed: bool,
        by: &UserId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO access_rule (kind, subject, allowed, set_by, set_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (kind, subject) DO UPDATE SET allowed = excluded.allowed, set_by = excluded.set_by, \
             set_at = excluded.set_at",
        )
        .bind(target.kind().to_owned())
        .bind(target.subject())
        .bind(i64::from(allowed))
        .bind(by.to_string())
        .bind(at.micros())
        .execute(self.database.writer())
        .await?;
        Ok(())
    }

    /// True when the characters are silent in this scope, or everywhere.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_paused(&self, scope: &Scope) -> Result<bool, StoreError> {
        let paused: Option<i64> =
            sqlx::query_scalar("SELECT CAST(1 AS BIGINT) FROM pause WHERE scope IN ('', $1) LIMIT 1")
                .bind(scope.key())
                .fetch_optional(self.database.readers())
                .await?;
        Ok(paused.is_some())
    }

    /// Makes the characters silent in a scope; `None`: everywhere.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pause(&self, scope: Option<&Scope>, by: &UserId, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO pause (scope, set_by, set_at) VALUES ($1, $2, $3) ON CONFLICT (scope) DO NOTHING",
        )
        .bind(scope.map(Scope::key).unwrap_or_default())
        .bind(by.to_string())
        .bind(at.micros())
        .execute(self.database.writer())
        .await?;
        Ok(())
    }

    /// Lets them talk again. `None` takes back the silence that holds everywhere, and leaves that of single places.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resume(&self, scope: Option<&Scope>) -> Result<bool, StoreError> {
        let ended = sqlx::query("DELETE FROM pause WHERE scope = $1")
            .bind(scope.map(Scope::key).unwrap_or_default())
            .execute(self.database.writer())
            .await?;
        Ok(ended.rows_affected() > 0)
    }

    /// The character that was chosen for a scope.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn chosen(&self, scope: &Scope) -> Result<Option<CharacterId>, StoreError> {
        let id: Option<String> =
            sqlx::query_scalar("SELECT character FROM chosen_character WHERE scope = $1")
                .bind(scope.key())
                .fetch_optional(self.database.readers())
                .await?;
        id.map(|id| CharacterId::new(id).map_err(|error| StoreError::Corrupt(error.to_string()))).transpose()
    }

    /// Chooses the character for a scope.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn choose(
        &self,
        scope: &Scope,
        character: &CharacterId,
        by: &UserId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO chosen_character (scope, character, set_by, set_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (scope) DO UPDATE SET character = excluded.character, set_by = excluded.set_by, \
             set_at = excluded.set_at",
        )
        .bind(scope.key())
        .bind(character.to_string())
        .bind(by.to_string())
        .bind(at.micros())
        .execute(self.database.writer())
        .await?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
