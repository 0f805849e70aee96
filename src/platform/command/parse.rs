//! From `/memory search dog`, or from what a platform's own menus hand over, to an [`Invocation`].

use super::{
    Command,
    check::check,
    spec::{Kind, Spec},
    table::COMMANDS,
};

/// A command with its arguments, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The command.
    pub command: Command,
    /// Its sub-command.
    pub sub: Option<&'static str>,
    args: Vec<(&'static str, String)>,
}

/// Why a line is no command, in words for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No such command.
    #[error("There is no /{name}{}; /help shows what there is.", meant(.nearest.as_deref(), "/"))]
    Command {
        /// What was written.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// No such sub-command.
    #[error("/{command} has no `{name}`{}. Write {usages}.", meant(.nearest.as_deref(), ""))]
    Sub {
        /// The command.
        command: &'static str,
        /// What was written.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
        /// How it is written.
        usages: String,
    },
    /// A sub-command must be named.
    #[error("/{command} wants to know what to do: {usages}.")]
    NoSub {
        /// The command.
        command: &'static str,
        /// How it is written.
        usages: String,
    },
    /// An argument is missing.
    #[error("Something is missing: {usage}.")]
    Missing {
        /// How it is written.
        usage: String,
    },
    /// There is more than the command takes.
    #[error("`{rest}` is too much: {usage}.")]
    TooMuch {
        /// What is left over.
        rest: String,
        /// How it is written.
        usage: String,
    },
    /// An argument is not what it must be.
    #[error("`{value}` is {what}. Write {usage}.")]
    Value {
        /// What was written.
        value: String,
        /// What is wrong with it.
        what: String,
        /// How it is written.
        usage: String,
    },
}

pub(super) fn meant(nearest: Option<&str>, before: &str) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean {before}{name}?"))
}

/// The candidate closest to `text`, when it is close enough to be a slip of the hand: within a third of its letters.
pub(super) fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&text, &candidate.to_lowercase()), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .map(|(_, candidate)| candidate)
}

impl Invocation {
    /// A command without arguments.
    #[must_use]
    pub fn bare(command: Command) -> Self {
        let sub = Spec::of(command).default_sub;
        Self { command, sub, args: Vec::new() }
    }

    /// Reads a line that begins with `/`; `None` when it does not.
    ///
    /// # Errors
    /// [`ParseError`], whose text is meant for whoever wrote the line.
    pub fn parse(line: &str) -> Option<Result<Self, ParseError>> {
        let line = line.trim().strip_prefix('/')?;
        let (name, rest) = word(line);
        Some(Self::read(name, rest))
    }

    fn read(name: &str, rest: &str) -> Result<Self, ParseError> {
        let spec = Spec::named(name).ok_or_else(|| unknown(name))?;
        let (sub, rest) = sub_of(spec, rest)?;
        let mut args = Vec::new();
        let mut rest = rest;
        for arg in spec.args_of(sub) {
            let (value, left) =
                if matches!(arg.kind, Kind::Text { .. }) { (rest.trim(), "") } else { word(rest) };
            if value.is_empty() {
                break;
            }
            args.push((arg.name.to_owned(), value.to_owned()));
            rest = left;
        }
        if !rest.trim().is_empty() {
            return Err(ParseError::TooMuch { rest: rest.trim().to_owned(), usage: spec.usage(sub) });
        }
        Self::checked(spec, sub, &args)
    }

    /// What a platform's own menu hands over: the names in English, and each argument as text (`on` and `off` for a
    /// boolean, `platform:id` for a person).
    ///
    /// # Errors
    /// [`ParseError`].
    pub fn new(
        command: &str,
        sub: Option<&str>,
        args: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ParseError> {
        let spec = Spec::named(command).ok_or_else(|| unknown(command))?;
        let (sub, rest) = sub_of(spec, sub.unwrap_or_default())?;
        if !rest.is_empty() {
            return Err(ParseError::TooMuch { rest: rest.to_owned(), usage: spec.usage(sub) });
        }
        Self::checked(spec, sub, &args.into_iter().collect::<Vec<_>>())
    }

    fn checked(
        spec: &'static Spec,
        sub: Option<&'static str>,
        given: &[(String, String)],
    ) -> Result<Self, ParseError> {
        let known = spec.args_of(sub);
        let usage = || spec.usage(sub);
        if let Some((name, value)) = given.iter().find(|(name, _)| known.iter().all(|arg| arg.name != name)) {
            return Err(ParseError::TooMuch { rest: format!("{name} {value}"), usage: usage() });
        }
        let mut args = Vec::new();
        for arg in known {
            let value = given.iter().find(|(name, _)| name == arg.name).map(|(_, value)| value.trim());
            match value.filter(|value| !value.is_empty()) {
                Some(value) => {
                    let fits = check(arg, value).map_err(|what| ParseError::Value {
                        value: shortened(value),
                        what,
                        usage: usage(),
                    })?;
                    args.push((arg.name, fits));
                }
                None if arg.required => return Err(ParseError::Missing { usage: usage() }),
                None => {}
            }
        }
        Ok(Self { command: spec.command, sub, args })
    }

    /// The value of an argument, if it was given.
    #[must_use]
    pub fn arg(&self, name: &str) -> Option<&str> {
        self.args.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// What the command is.
    #[must_use]
    pub fn spec(&self) -> &'static Spec {
        Spec::of(self.command)
    }
}

/// The first word, and the rest.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(first, rest)| (first, rest.trim()))
}

fn shortened(value: &str) -> String {
    const SHOWN: usize = 60;
    let mut text: String = value.chars().take(SHOWN).collect();
    if value.chars().count() > SHOWN {
        text.push('…');
    }
    text.replace('`', "'")
}

fn unknown(name: &str) -> ParseError {
    let names = COMMANDS.iter().filter(|spec| spec.listed).map(|spec| spec.name.en);
    ParseError::Command { name: shortened(name), nearest: nearest(name, names).map(str::to_owned) }
}

fn sub_of<'a>(spec: &'static Spec, rest: &'a str) -> Result<(Option<&'static str>, &'a str), ParseError> {
    if spec.subs.is_empty() {
        return Ok((None, rest));
    }
    let (name, left) = word(rest);
    let usages = || spec.usages().join(", ");
    if name.is_empty() {
        return match spec.default_sub {
            Some(sub) => Ok((Some(sub), "")),
            None => Err(ParseError::NoSub { command: spec.name.en, usages: usages() }),
        };
    }
    match spec.subs.iter().find(|sub| sub.name.eq_ignore_ascii_case(name)) {
        Some(sub) => Ok((Some(sub.name), left)),
        None => Err(ParseError::Sub {
            command: spec.name.en,
            name: shortened(name),
            nearest: nearest(name, spec.subs.iter().map(|sub| sub.name)).map(str::to_owned),
            usages: usages(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn parsed(line: &str) -> Result<Invocation, String> {
        Invocation::parse(line).unwrap().map_err(|error| error.to_string())
    }

    #[rstest]
    #[case("/memory search my  dog", Command::Memory, Some("search"), &[("words", "my  dog")])]
    #[case("/MEMORY Recent", Command::Memory, Some("recent"), &[])]
    #[case("/memory", Command::Memory, Some("recent"), &[])]
    #[case("/settings verbosity SHORT", Command::Settings, Some("verbosity"), &[("value", "short")])]
    #[case("/settings", Command::Settings, Some("show"), &[])]
    #[case("/settings language German", Command::Settings, Some("language"), &[("value", "de")])]
    #[case("/timezone europe/berlin", Command::Timezone, None, &[("zone", "Europe/Berlin")])]
    #[case("/privacy set apart yes", Command::Privacy, Some("set"), &[("what", "apart"), ("value", "on")])]
    #[case("/admin say-as iris Good evening.", Command::Admin, Some("say-as"), &[("character", "iris"), ("text", "Good evening.")])]
    #[case("/admin pause", Command::Admin, Some("pause"), &[])]
    #[case("/char set iris", Command::Character, Some("set"), &[("id", "iris")])]
    fn lines_become_invocations(
        #[case] line: &str,
        #[case] command: Command,
        #[case] sub: Option<&str>,
        #[case] args: &[(&str, &str)],
    ) {
        let found = parsed(line).unwrap();
        assert_eq!((found.command, found.sub), (command, sub));
        let held: Vec<_> = found.args.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(held, args);
    }

    #[rstest]
    #[case("/memroy search dog", "did you mean /memory?")]
    #[case("/dance", "There is no /dance; /help")]
    #[case("/memory serach dog", "did you mean search?")]
    #[case("/memory search", "Something is missing: /memory search WORDS.")]
    #[case("/admin", "/admin allow WHAT")]
    #[case("/settings verbosity shrt", "did you mean short?")]
    #[case("/timezone Berlin", "did you mean Europe/Berlin?")]
    #[case("/timezone Europe/Berln", "did you mean Europe/Berlin?")]
    #[case("/timezone Mars", "no time zone")]
    #[case("/settings language 12", "a tag such as de")]
    #[case("/admin reset-trust robin", "telegram:1234")]
    #[case("/privacy set apart perhaps", "neither on nor off")]
    #[case("/trust me", "`me` is too much: /trust.")]
    fn what_is_wrong_is_said(#[case] line: &str, #[case] part: &str) {
        let told = parsed(line).unwrap_err();
        assert!(told.contains(part), "{told}");
    }

    #[test]
    fn menus_hand_over_the_same() {
        let by_menu = Invocation::new("timezone", None, [("zone".to_owned(), "Europe/Rome".to_owned())]);
        assert_eq!(by_menu.unwrap(), parsed("/timezone Europe/Rome").unwrap());
        let wrong = Invocation::new("trust", None, [("x".to_owned(), "y".to_owned())]);
        assert!(matches!(wrong, Err(ParseError::TooMuch { .. })));
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "/?(memory|settings|admin|timezone|x)? ?\\PC{0,40}") {
            if let Some(Err(error)) = Invocation::parse(&line) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
