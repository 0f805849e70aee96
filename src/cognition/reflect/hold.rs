//! Text of a step of thought, held back until it is clear that it is the answer: what a person has seen is never taken back.

use super::stray;

/// So many characters without a call are an answer: what models write beside a call ("Let me look that up.") is shorter.
pub(super) const PATIENCE: usize = 160;
/// Bytes of an answer at most: a model that never ends is not listened to any longer.
pub(crate) const LONGEST: usize = 24_000;

/// The text of one step.
pub(crate) struct Hold {
    text: String,
    /// Bytes of it that were passed on.
    passed: usize,
    patience: usize,
    /// Everything passes: nobody was offered a tool.
    open: bool,
}

impl Hold {
    /// Text of which everything is passed on.
    pub(crate) fn open() -> Self {
        Self { open: true, ..Self::new(0) }
    }

    /// Text of which nothing is passed on before it has `patience` characters.
    pub(crate) fn new(patience: usize) -> Self {
        Self { text: String::new(), passed: 0, patience, open: false }
    }

    /// Forgets what was not passed on: another model begins anew.
    pub(crate) fn drop_kept(&mut self) {
        self.text.truncate(self.passed);
    }

    /// Takes in a piece; gives what may be shown now.
    pub(crate) fn push(&mut self, piece: &str) -> Option<String> {
        self.text.push_str(piece);
        if self.passed == 0 && self.text.chars().count() < self.patience {
            return None;
        }
        let fresh = self.text.get(self.passed..)?;
        let clear = stray::may_begin(fresh).filter(|_| !self.open).unwrap_or(fresh.len());
        let clear = fresh.get(..clear).filter(|clear| !clear.is_empty())?.to_owned();
        self.passed += clear.len();
        Some(clear)
    }

    /// What was passed on.
    pub(crate) fn passed(&self) -> &str {
        self.text.get(..self.passed).unwrap_or_default()
    }

    /// What was not.
    pub(crate) fn kept(&self) -> &str {
        self.text.get(self.passed..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_text_waits_for_its_end() {
        let mut hold = Hold::new(20);
        assert_eq!(hold.push("Let me see."), None);
        assert_eq!((hold.passed(), hold.kept()), ("", "Let me see."));
        assert_eq!(hold.push(" It was a Tuesday.").as_deref(), Some("Let me see. It was a Tuesday."));
        assert_eq!(hold.push(" Yes.").as_deref(), Some(" Yes."));
    }

    #[test]
    fn what_may_be_a_call_is_kept() {
        let mut hold = Hold::new(0);
        assert_eq!(hold.push("Well <").as_deref(), Some("Well "));
        assert_eq!(hold.push("3 of them").as_deref(), Some("<3 of them"));
        assert_eq!(hold.push(" <tool"), Some(" ".to_owned()));
        assert_eq!(hold.push("_call>{}</tool_call>"), None);
        assert_eq!(hold.kept(), "<tool_call>{}</tool_call>");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_doubled(pieces in prop::collection::vec("[a-z<{\"`\\[ é]{0,6}", 0..30), patience in 0usize..40) {
            let mut hold = Hold::new(patience);
            let shown: String = pieces.iter().filter_map(|piece| hold.push(piece)).collect();
            prop_assert_eq!(&shown, hold.passed());
            prop_assert_eq!(shown.clone() + hold.kept(), pieces.concat());
        }
    }
}
