//! The table of commands: menus, help, the parser and `docs/commands.md` all come from it.

mod admin;
mod memory;
mod settings;
mod talk;

use super::{
    Command,
    spec::{Arg, Kind, Spec, Who, Words},
};

const fn words(en: &'static str, de: &'static str, es: &'static str, fr: &'static str) -> Words {
    Words { en, de, es, fr }
}

const fn same(name: &'static str) -> Words {
    words(name, name, name, name)
}

const fn needed(name: &'static str, about: Words, kind: Kind) -> Arg {
    Arg { name, about, kind, required: true }
}

/// A message that a person may write in one go on any platform.
const TEXT: Kind = Kind::Text { longest: 4_000 };
const SHORT_TEXT: Kind = Kind::Text { longest: 200 };

const BASE: Spec = Spec {
    command: Command::Help,
    name: same(""),
    aliases: &[],
    about: same(""),
    who: Who::Everybody,
    ephemeral: true,
    listed: true,
    args: &[],
    subs: &[],
    default_sub: None,
};

/// Every command.
pub const COMMANDS: &[Spec] = &[
    talk::START,
    talk::HELP,
    talk::ABOUT,
    talk::CHARACTER,
    talk::TRUST,
    memory::MEMORY,
    memory::REMEMBER,
    memory::FORGET,
    memory::PRIVACY,
    settings::SETTINGS,
    settings::TIMEZONE,
    talk::STOP,
    talk::REFLECT,
    memory::WHY,
    settings::BUDGET,
    talk::CAST,
    admin::ADMIN,
];

impl Spec {
    /// The command of this name or alias, in any case of letters.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        COMMANDS.iter().find(|spec| is(spec.name.en) || spec.aliases.iter().any(|alias| is(alias)))
    }

    /// What there is about a command.
    #[must_use]
    pub fn of(command: Command) -> &'static Self {
        // A test holds that every command has its line; help is the one that helps if it had not.
        COMMANDS.iter().find(|spec| spec.command == command).unwrap_or(&BASE)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn all(words: Words) -> [&'static str; 4] {
        [words.en, words.de, words.es, words.fr]
    }

    /// Discord: application command names and the names of options, in every language.
    fn is_discord_name(name: &str) -> bool {
        let length = name.chars().count();
        (1..=32).contains(&length)
            && name.chars().all(|c| c == '-' || c == '_' || c.is_alphabetic() || c.is_numeric())
            && name.to_lowercase() == name
    }

    fn is_telegram_name(name: &str) -> bool {
        (1..=32).contains(&name.len())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    }

    fn check_args(args: &[Arg]) {
        assert!(args.len() <= 25);
        let mut optional = false;
        for arg in args {
            assert!(is_discord_name(arg.name), "{}", arg.name);
            assert!(all(arg.about).iter().all(|it| (1..=100).contains(&it.chars().count())), "{}", arg.name);
            assert!(!(optional && arg.required), "required arguments come first: {}", arg.name);
            optional |= !arg.required;
            if let Kind::Choice(choices) = arg.kind {
                assert!((1..=25).contains(&choices.len()));
            }
        }
    }

    #[test]
    fn the_table_keeps_to_the_limits_of_both_platforms() {
        assert!(COMMANDS.len() <= 100);
        for spec in COMMANDS {
            assert!(is_telegram_name(spec.name.en), "{}", spec.name.en);
            for name in all(spec.name) {
                assert!(is_discord_name(name), "{name}");
            }
            for about in all(spec.about) {
                // Discord: 1 to 100; Telegram: 1 to 256.
                assert!((1..=100).contains(&about.chars().count()), "{about}");
            }
            assert!(spec.subs.len() <= 25);
            assert!(spec.args.is_empty() || spec.subs.is_empty(), "{}", spec.name.en);
            check_args(spec.args);
            for sub in spec.subs {
                assert!(is_discord_name(sub.name), "{}", sub.name);
                assert!(
                    all(sub.about).iter().all(|it| (1..=100).contains(&it.chars().count())),
                    "{}",
                    sub.name
                );
                check_args(sub.args);
            }
            if let Some(name) = spec.default_sub {
                let sub = spec.subs.iter().find(|sub| sub.name == name).unwrap();
                assert!(sub.args.iter().all(|arg| !arg.required), "{name} can be meant without a word");
            }
        }
    }

    #[test]
    fn names_are_told_apart_in_every_language() {
        for language in 0..4 {
            let names: HashSet<_> = COMMANDS.iter().map(|spec| all(spec.name)[language]).collect();
            assert_eq!(names.len(), COMMANDS.len());
        }
        let typed: Vec<_> =
            COMMANDS.iter().flat_map(|spec| spec.aliases.iter().copied().chain([spec.name.en])).collect();
        assert_eq!(typed.iter().collect::<HashSet<_>>().len(), typed.len());
    }

    #[test]
    fn commands_are_known_by_name_and_alias() {
        assert_eq!(Spec::named("TRUST").unwrap().command, Command::Trust);
        assert_eq!(Spec::named("char").unwrap().command, Command::Character);
        assert!(Spec::named("trusty").is_none());
        for spec in COMMANDS {
            assert_eq!(Spec::of(spec.command).name, spec.name);
        }
    }

    #[test]
    fn a_locale_finds_its_language() {
        let about = Spec::of(Command::Cast).about;
        assert_eq!([about.of("de-AT"), about.of("pt-BR"), about.of("")], [about.de, about.en, about.en]);
    }
}
