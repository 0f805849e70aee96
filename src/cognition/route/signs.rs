//! Signs in the words: patterns in several languages, each with a name (`signs.txt`), all met in one pass.

use std::sync::LazyLock;

use regex::{RegexSet, RegexSetBuilder};

const SOURCE: &str = include_str!("signs.txt");
/// So many characters are looked at, half of them at the beginning and half at the end: what a long message asks stands
/// there, and its length must not make routing slow.
const LOOKED_AT: usize = 1_600;
/// Compiled sizes stay far below this.
const SIZE: usize = 64 << 20;

static SIGNS: LazyLock<Option<Signs>> = LazyLock::new(Signs::compiled);

struct Signs {
    names: Vec<&'static str>,
    set: RegexSet,
    /// The position in `names` of each pattern.
    of: Vec<usize>,
}

impl Signs {
    fn compiled() -> Option<Self> {
        let names = names();
        let (of, patterns): (Vec<usize>, Vec<String>) = lines()
            .filter_map(|(name, pattern)| {
                Some((names.iter().position(|known| *known == name)?, whole_words(pattern)))
            })
            .unzip();
        let set = RegexSetBuilder::new(patterns).size_limit(SIZE).dfa_size_limit(SIZE).build().ok()?;
        Some(Self { names, set, of })
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
            format!(r"(?-u:\b)(?:{bounded})(?:(?-u:\b)|$|\W)")
        }
    }
}

/// The signs that a text shows.
pub(super) struct Shown(Vec<bool>);

impl Shown {
    /// Reads a text.
    pub(super) fn in_text(text: &str) -> Self {
        let Some(signs) = SIGNS.as_ref() else { return Self(vec![false; names().len()]) };
        let mut shown = vec![false; signs.names.len()];
        for pattern in signs.set.matches(&fold(text)) {
            if let Some(seen) = signs.of.get(pattern).and_then(|sign| shown.get_mut(*sign)) {
                *seen = true;
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

/// Lower case, Latin letters without marks, no apostrophes, at most one space; the middle of a very long text left out.
fn fold(text: &str) -> String {
    let long = text.len() > LOOKED_AT * 4 && text.chars().nth(LOOKED_AT).is_some();
    let ends: Option<String> = long.then(|| {
        let tail: Vec<char> = text.chars().rev().take(LOOKED_AT / 2).collect();
        text.chars().take(LOOKED_AT / 2).chain(['\n']).chain(tail.into_iter().rev()).collect()
    });
    let text = ends.as_deref().unwrap_or(text);
    let mut folded = String::with_capacity(text.len());
    for c in text.trim().chars().flat_map(char::to_lowercase) {
        match c {
            'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => folded.push('a'),
            'é' | 'è' | 'ê' | 'ë' => folded.push('e'),
            'í' | 'ì' | 'î' | 'ï' => folded.push('i'),
            'ó' | 'ò' | 'ô' | 'ö' | 'õ' => folded.push('o'),
            'ú' | 'ù' | 'û' | 'ü' => folded.push('u'),
            'ñ' => folded.push('n'),
            'ç' => folded.push('c'),
            'œ' => folded.push_str("oe"),
            'ß' => folded.push_str("ss"),
            'ё' => folded.push('е'),
            '?' => folded.push('?'),
            '\'' | '’' | '‘' | '´' | '¿' | '¡' => {}
            '\u{a0}' | '\u{202f}' | '\t' | ' ' if folded.ends_with(' ') => {}
            '\u{a0}' | '\u{202f}' | '\t' => folded.push(' '),
            other => folded.push(other),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[test]
    fn every_pattern_compiles_and_every_sign_stands_together() {
        let signs = SIGNS.as_ref().expect("the patterns compile");
        assert_eq!(signs.of.len(), lines().count());
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
        assert!(Shown::in_text(text).has(sign));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,4000}") {
            prop_assert_eq!(Shown::in_text(&text).each().count(), names().len());
        }
    }
}
