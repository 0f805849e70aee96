//! What a command is: its names, arguments and rights, in words that every platform can translate into its own.

use super::Command;

/// A text in the languages that platforms ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// English, for everybody else.
    pub en: &'static str,
    /// German.
    pub de: &'static str,
    /// Spanish.
    pub es: &'static str,
    /// French.
    pub fr: &'static str,
}

/// The languages besides English, as ISO 639-1 codes.
pub const LANGUAGES: [&str; 3] = ["de", "es", "fr"];

impl Words {
    /// The text for a locale such as `de`, `de-AT` or `es_ES`; English when there is none.
    #[must_use]
    pub fn of(&self, locale: &str) -> &'static str {
        let language = locale.split(['-', '_']).next().unwrap_or_default();
        match language.to_ascii_lowercase().as_str() {
            "de" => self.de,
            "es" => self.es,
            "fr" => self.fr,
            _ => self.en,
        }
    }
}

/// Who may use a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Everybody who may talk to the characters.
    Everybody,
    /// The people in `ADMINS`.
    Admins,
}

/// What an argument holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words; behind a `/` in a message they reach to the end of it.
    Text {
        /// Characters at most.
        longest: u16,
    },
    /// One of these.
    Choice(&'static [&'static str]),
    /// A whole number in these bounds.
    Integer {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// A person, as `platform:id`. Platforms with a way to pick people offer that.
    User,
    /// `on` or `off`.
    Boolean,
    /// A character of the cast; see [`super::Commands::complete`].
    Character,
    /// An IANA time zone, or `default`; see [`super::Commands::complete`].
    Timezone,
    /// A language as a BCP 47 tag, or `default`; see [`super::Commands::complete`].
    Language,
}

impl Kind {
    /// True when platforms may ask [`super::Commands::complete`] for values while somebody types.
    #[must_use]
    pub fn completes(&self) -> bool {
        matches!(self, Self::Character | Self::Timezone | Self::Language)
    }
}

/// An argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arg {
    /// Its name: lower case.
    pub name: &'static str,
    /// What it is.
    pub about: Words,
    /// What it holds.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
}

/// A sub-command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sub {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: Words,
    /// Its arguments, required ones first.
    pub args: &'static [Arg],
}

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// Which one.
    pub command: Command,
    /// Its name: `[a-z0-9_]{1,32}`, which every platform takes. The localised ones are for platforms that know such.
    pub name: Words,
    /// Other names that are understood when they are typed.
    pub aliases: &'static [&'static str],
    /// What it does.
    pub about: Words,
    /// Who may use it.
    pub who: Who,
    /// Whether its answer is for the asker's eyes only, where the platform can do that.
    pub ephemeral: bool,
    /// Whether menus list it. What is not listed is understood all the same.
    pub listed: bool,
    /// Its arguments, required ones first; none when it has sub-commands.
    pub args: &'static [Arg],
    /// Its sub-commands.
    pub subs: &'static [Sub],
    /// The sub-command that is meant when none is written.
    pub default_sub: Option<&'static str>,
}

impl Spec {
    /// The arguments of the command itself, or of one of its sub-commands.
    #[must_use]
    pub fn args_of(&self, sub: Option<&str>) -> &'static [Arg] {
        match sub {
            None => self.args,
            Some(name) => self.subs.iter().find(|sub| sub.name == name).map_or(&[], |sub| sub.args),
        }
    }

    /// How it is written, for people: `/memory search WORDS`.
    #[must_use]
    pub fn usage(&self, sub: Option<&str>) -> String {
        let mut usage = format!("/{}", self.name.en);
        if let Some(sub) = sub {
            usage.push(' ');
            usage.push_str(sub);
        }
        for arg in self.args_of(sub) {
            let shown = match arg.kind {
                Kind::Choice(choices) => choices.join("|"),
                Kind::Boolean => "on|off".to_owned(),
                _ => arg.name.to_uppercase(),
            };
            let (before, after) = if arg.required { (" ", "") } else { (" [", "]") };
            usage.extend([before, &shown, after]);
        }
        usage
    }

    /// Every way to write it.
    #[must_use]
    pub fn usages(&self) -> Vec<String> {
        if self.subs.is_empty() {
            return vec![self.usage(None)];
        }
        self.subs.iter().map(|sub| self.usage(Some(sub.name))).collect()
    }
}
