//! What tools bring, as text: bounded, and unable to close the fence that it is put into.

use super::{Context, LONGEST};
use crate::model::{Timestamp, UserId, unfenced};

/// Characters of one quotation.
const QUOTE: usize = 400;
/// Characters of the words of an error.
const SHORT: usize = 600;
/// What stands for somebody whose name is not known.
const SOMEBODY: &str = "somebody";

/// At most [`LONGEST`] characters, harmless; what is cut off is said to be.
pub(super) fn bounded(text: &str) -> String {
    const CUT: &str = "\n(cut off: there is more)";
    let text = unfenced(text);
    if text.chars().count() <= LONGEST {
        return text;
    }
    let mut kept: String = text.chars().take(LONGEST.saturating_sub(CUT.chars().count())).collect();
    kept.push_str(CUT);
    kept
}

/// The words of an error: one line, harmless.
pub(super) fn short(text: &str) -> String {
    cut(&unfenced(text), SHORT)
}

/// A quotation: one line of at most 400 characters.
pub(super) fn quote(text: &str) -> String {
    cut(text, QUOTE)
}

/// One line of at most `most` characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let mut kept: String = line.chars().take(most.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

/// The day, in UTC.
pub(super) fn day(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%d").to_string()
}

/// The minute, in UTC.
pub(super) fn minute(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%d %H:%M").to_string()
}

/// What the viewer's user is called.
pub(super) fn viewer_name(context: &Context) -> String {
    let name = cut(&context.user_name, 60);
    if name.is_empty() { "the user".to_owned() } else { name }
}

/// What the person is called for the model; nobody's id.
pub(super) fn person(context: &Context, by: &UserId, name: Option<&str>) -> String {
    if *by == context.viewer.user {
        return viewer_name(context);
    }
    let name = cut(name.unwrap_or_default(), 60);
    if name.is_empty() { SOMEBODY.to_owned() } else { name }
}

/// Lines under headings, at most as long as a tool may be; the last line says how many were left out.
#[derive(Default)]
pub(super) struct Report {
    text: String,
    length: usize,
    left_out: usize,
}

/// Characters kept free for the last line.
const RESERVED: usize = 80;

impl Report {
    /// A line of its own, whatever it holds.
    pub(super) fn line(&mut self, line: &str) {
        let length = line.chars().count() + 1;
        if self.length + length > LONGEST - RESERVED {
            self.left_out += 1;
            return;
        }
        self.length += length;
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A heading with lines below it; nothing when there are none.
    pub(super) fn section(&mut self, heading: &str, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        self.line(heading);
        for line in lines {
            self.line(&format!("- {line}"));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The report, or `none` when it is empty.
    pub(super) fn finish(mut self, none: &str) -> String {
        if self.text.is_empty() {
            return none.to_owned();
        }
        if self.left_out > 0 {
            let more = format!("({} more left out; ask for something narrower)", self.left_out);
            self.text.push_str(&more);
        }
        self.text.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_left_out_is_counted() {
        let mut report = Report::default();
        for number in 0..1_000 {
            report.line(&format!("line number {number}"));
        }
        let text = report.finish("none");
        assert!(text.chars().count() <= LONGEST);
        assert!(text.ends_with("more left out; ask for something narrower)"), "{text}");
    }

    proptest! {
        #[test]
        fn what_a_tool_brings_is_bounded(text in ".{0,9000}") {
            prop_assert!(bounded(&text).chars().count() <= LONGEST);
            prop_assert!(cut(&text, 100).chars().count() <= 100);
        }
    }
}
