//! Joins a continued answer to its first part: what the continuation repeats is left out.

/// The shortest repetition inside a word that is taken for one, in characters: shorter ones happen by chance.
const CHANCE: usize = 8;

/// Takes a continuation piece by piece and passes on what is new.
#[derive(Debug)]
pub(super) struct Joint {
    first: String,
    held: String,
    joined: bool,
}

impl Joint {
    /// For the continuation of `first`.
    pub(super) fn after(first: &str) -> Self {
        Self { first: first.to_owned(), held: String::new(), joined: false }
    }

    /// Takes the next piece; what is known to be new comes back.
    pub(super) fn push(&mut self, piece: &str) -> String {
        if self.joined {
            return piece.to_owned();
        }
        self.held.push_str(piece);
        // As long as the first part holds all of it, the repetition may still go on.
        if self.first.contains(self.held.trim_start()) { String::new() } else { self.finish() }
    }

    /// The continuation is over: the rest of what was held back, without the repetition.
    pub(super) fn finish(&mut self) -> String {
        if self.joined {
            return String::new();
        }
        self.joined = true;
        let held = std::mem::take(&mut self.held);
        for candidate in [held.as_str(), held.trim_start()] {
            let repeated = overlap(&self.first, candidate);
            if repeated > 0 {
                return candidate.get(repeated..).unwrap_or_default().to_owned();
            }
        }
        let sentence_ended = self.first.ends_with(['.', '!', '?', ',', ';', ':']);
        if sentence_ended && held.starts_with(char::is_alphanumeric) { format!(" {held}") } else { held }
    }
}

/// How many bytes at the start of `second` repeat the end of `first`. Spaces at the end of `first` need not be repeated.
fn overlap(first: &str, second: &str) -> usize {
    let starts = second.char_indices().map(|(at, c)| at + c.len_utf8());
    let is_repetition = |length: &usize| {
        let Some(repeated) = second.get(..*length) else { return false };
        let Some(before) = first.strip_suffix(repeated) else { return false };
        let at_word = before.is_empty() || before.ends_with(char::is_whitespace);
        !repeated.trim().is_empty() && (at_word || repeated.chars().count() >= CHANCE)
    };
    starts.filter(is_repetition).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn join(first: &str, pieces: &[&str]) -> String {
        let mut joint = Joint::after(first);
        let mut whole = first.to_owned();
        for piece in pieces {
            whole.push_str(&joint.push(piece));
        }
        whole.push_str(&joint.finish());
        whole
    }

    #[rstest]
    #[case("I love the oce", &["love the ", "ocean, always."], "I love the ocean, always.")]
    #[case("I love the ocean", &["I love the ocean", " and the wind."], "I love the ocean and the wind.")]
    #[case("I like", &["even more"], "I likeeven more")]
    #[case("I like ", &["even more"], "I like even more")]
    #[case("I saw a", &[" a dog"], "I saw a dog")]
    #[case("So it is.", &["Then we went"], "So it is. Then we went")]
    #[case("All is said", &["is said"], "All is said")]
    #[case("All is said", &[], "All is said")]
    #[case("日本語が好", &["日本語が好きです"], "日本語が好きです")]
    fn what_is_repeated_is_left_out(#[case] first: &str, #[case] pieces: &[&str], #[case] whole: &str) {
        assert_eq!(join(first, pieces), whole);
    }

    proptest! {
        /// Distinct words, broken anywhere, repeated from any word on, in pieces of any size: nothing lost, nothing twice.
        #[test]
        fn a_broken_text_comes_back_whole(words in 2_usize..12, cut in any::<prop::sample::Index>(),
                                          back in 0_usize..4, size in 1_usize..9) {
            let text = (0..words).map(|n| format!("w{n}x")).collect::<Vec<_>>().join(" ");
            let cut = 1 + cut.index(text.len() - 1);
            let first = text.get(..cut).unwrap();
            let mut starts: Vec<usize> = std::iter::once(0)
                .chain(first.match_indices(' ').map(|(at, _)| at + 1))
                .filter(|at| *at < cut)
                .collect();
            starts.reverse();
            let from = starts[back.min(starts.len() - 1)];
            let again: Vec<String> =
                text.as_bytes()[from..].chunks(size).map(|c| String::from_utf8(c.to_vec()).unwrap()).collect();
            let pieces: Vec<&str> = again.iter().map(String::as_str).collect();
            prop_assert_eq!(join(first, &pieces), text);
        }
    }
}
