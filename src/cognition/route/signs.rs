//! Signs in the words: patterns in several languages, each with a name (`signs.txt`), met one by one.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

const SOURCE: &str = include_str!("signs.txt");
/// Compiled sizes stay far below this.
const SIZE: usize = 64 << 20;

static SIGNS: LazyLock<Option<Signs>> = LazyLock::new(Signs::compiled);

struct Signs {
    names: Vec<&'static str>,
    /// Each pattern with the position of its sign in `names`. Each by itself: the states of all together are too many to be
    /// kept, and making them anew costs milliseconds.
    patterns: Vec<(usize, Regex)>,
}

impl Signs {
    fn compiled() -> Option<Self> {
        let names = names();
        let patterns: Option<Vec<(usize, Regex)>> = lines()
            .map(|(name, pattern)| {
                let place = names.iter().position(|known| *known == name)?;
                let regex = RegexBuilder::new(&whole_words(pattern)).size_limit(SIZE).build().ok()?;
                Some((place, regex))
            })
            .collect();
        Some(Self { names, patterns: patterns? })
    }
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    SOURCE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '))
}

/// The names of all signs, in the order of the file.
pub(super) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = lines().map(|(name, _)| name).collect();
    names.dedup();
    names
}

fn whole_words(pattern: &str) -> String {
    match pattern.strip_prefix('=') {
        Some(raw) => raw.to_owned(),
        None => {
            let bounded = (1..=9).fold(pattern.to_owned(), |text, most| {
                text.replace(&format!("~{most}"), &format!("(?:[ ,]+[a-z0-9'-]+){{0,{most}}}"))
            });
            format!(r"(?-u:\b)(?:{bounded})(?:(?-u:\b)|$|[^a-z0-9])")
        }
    }
}

/// The signs that a text shows.
pub(super) struct Shown(Vec<bool>);

impl Shown {
    /// Reads a text as [`super::text::fold`] gives it.
    pub(super) fn in_folded(folded: &str) -> Self {
        let Some(signs) = SIGNS.as_ref() else { return Self(vec![false; names().len()]) };
        let mut shown = vec![false; signs.names.len()];
        for (place, pattern) in &signs.patterns {
            if let Some(seen) = shown.get_mut(*place).filter(|seen| !**seen) {
                *seen = pattern.is_match(folded);
            }
        }
        Self(shown)
    }

    /// True when the sign of this name is there.
    pub(super) fn has(&self, name: &str) -> bool {
        let Some(signs) = SIGNS.as_ref() else { return false };
        signs.names.iter().zip(&self.0).any(|(known, shown)| *shown && *known == name)
    }

    /// How many of these are there.
    pub(super) fn count(&self, names: &[&str]) -> usize {
        names.iter().filter(|name| self.has(name)).count()
    }

    /// Each sign in the order of [`names`].
    pub(super) fn each(&self) -> impl Iterator<Item = bool> + '_ {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::text::fold, *};
    use proptest::prelude::*;
    use rstest::rstest;

    #[test]
    fn every_pattern_compiles_and_every_sign_stands_together() {
        let signs = SIGNS.as_ref().expect("the patterns compile");
        assert_eq!(signs.patterns.len(), lines().count());
        let mut once = names();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names().len());
    }

    #[rstest]
    #[case("What’s my dog called again?", "own_question")]
    #[case("¿Te acuerdas de mi perro?", "asks_past")]
    #[case("vergleich die beiden", "compare")]
    #[case("先週話したことをまとめて", "summary")]
    #[case("set a reminder for noon", "remind")]
    #[case("(2 + 3) * 7", "calculate")]
    fn signs_are_seen(#[case] text: &str, #[case] sign: &str) {
        assert!(Shown::in_folded(&fold(text)).has(sign));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,4000}") {
            prop_assert_eq!(Shown::in_folded(&fold(&text)).each().count(), names().len());
        }
    }
}
