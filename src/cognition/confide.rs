//! What a model says of its own confidence: the line is taken out of its text as it streams, and the text is held back until
//! it is clear whether it may be shown.

use std::sync::LazyLock;

use regex::Regex;

/// Characters of an answer that show how sure its model is by their probabilities, and behind which no call of a tool follows.
const ENOUGH: usize = 160;
/// From this confidence on, the local answer is given (product.md, LLM), in `0.0..=1.0`.
const SURE: f64 = 0.70;
/// The word that a line begins with.
const WORD: &str = "confidence";
/// Characters behind the word that decide what it is.
const AHEAD: usize = 64;
/// So much of the word is taken for all of it where a text breaks off.
const HALF: usize = 4;
/// Words of a line that says something else than a number, and is a line of that kind all the same.
const NONSENSE: usize = 3;
/// What may stand around the word.
const DECORATION: [char; 12] = ['*', '_', '`', '"', '\'', '#', '>', '(', '[', '{', ' ', '\t'];

/// `confidence:`, with what may surround it.
static LABEL: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(r#"(?i)^confidence(?:[ _](?:score|level))?[*_`"']*[ \t]*([:=])?[*_`"' \t]*"#));
/// `0.8`, `80 %` or `8/10`.
static VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(r#"^(-?(?:\d+(?:[.,]\d+)?|[.,]\d+))[ \t]*(?:(%)|/[ \t]*(\d{1,3}))?[*_`"'\)\]\}]*"#)
});

fn compiled(pattern: &str) -> Option<Regex> {
    // A pattern of this build that does not compile is a defect, which the tests find.
    Regex::new(pattern).ok()
}

/// Takes the lines out.
#[derive(Debug, Default)]
struct Filter {
    pending: String,
    /// The last character that was passed on.
    last: Option<char>,
    /// The line was taken from the beginning: so is the white space behind it.
    headless: bool,
    /// The first confidence that was named.
    report: Option<f64>,
}

/// What the word turned out to be.
struct Marker {
    /// Its bytes, from the word on.
    len: usize,
    report: Option<f64>,
}

impl Filter {
    /// Takes in a piece; gives what is surely text.
    fn push(&mut self, piece: &str) -> String {
        self.pending.push_str(piece);
        self.drain(false)
    }

    /// The text is over: the rest of it.
    fn finish(&mut self) -> String {
        let rest = self.drain(true);
        rest.trim_end().to_owned()
    }

    fn drain(&mut self, end: bool) -> String {
        if self.headless && self.last.is_none() {
            self.pending = self.pending.trim_start().to_owned();
        }
        let mut from = 0;
        while let Some(at) = find(&self.pending, from) {
            let Some((start, at_line)) = self.begins(at) else {
                from = at + WORD.len();
                continue;
            };
            let behind = self.pending.get(at..).unwrap_or_default();
            if !end && !behind.contains('\n') && behind.chars().count() < WORD.len() + AHEAD {
                let clear = self.pending.get(..start).map_or(0, |before| before.trim_end().len());
                return self.pass(clear);
            }
            let before = self.pending.get(..start).unwrap_or_default();
            let first = self.last.is_none() && before.trim().is_empty();
            let Some(marker) = marker(behind, at_line, first) else {
                from = at + WORD.len();
                continue;
            };
            self.report = self.report.or(marker.report);
            let rest = behind.get(marker.len..).unwrap_or_default();
            let (before, rest) = if first { ("", rest.trim_start()) } else { (before, rest) };
            self.headless |= first;
            from = before.len();
            self.pending = format!("{before}{rest}");
        }
        let clear = if end { self.end() } else { self.tail(from) };
        self.pass(clear)
    }

    /// Where what surrounds the word at `at` begins, and whether that is the beginning of a line. `None`: it stands in a word.
    fn begins(&self, at: usize) -> Option<(usize, bool)> {
        let before = self.pending.get(..at)?;
        let begins_line = |text: &str| match text.chars().next_back() {
            Some(last) => last == '\n',
            None => self.last.is_none_or(|last| last == '\n'),
        };
        let listed = before.trim_end_matches(|c| c == '-' || DECORATION.contains(&c));
        if begins_line(listed) {
            return Some((listed.len(), true));
        }
        let bare = before.trim_end_matches(DECORATION);
        let apart = bare.len() < at || (at == 0 && self.last.is_some_and(char::is_whitespace));
        apart.then_some((bare.len(), false))
    }

    /// Where the end of what is pending begins that may become such a line, behind `from`.
    fn tail(&self, from: usize) -> usize {
        let text = &self.pending;
        let letters = (1..WORD.len()).rev().find_map(|count| {
            let at = text.len().checked_sub(count).filter(|at| *at >= from)?;
            let begun = WORD.get(..count)?;
            text.get(at..)?.eq_ignore_ascii_case(begun).then_some(at)
        });
        let word = letters.unwrap_or(text.len());
        let before = text.get(..word).unwrap_or_default();
        let free =
            before.trim_end_matches(|c: char| c == '-' || c.is_whitespace() || DECORATION.contains(&c));
        let in_word = letters.is_some()
            && free.len() == word
            && free.chars().next_back().or(self.last).is_some_and(char::is_alphanumeric);
        if in_word { text.len() } else { free.len().max(from.min(text.len())) }
    }

    /// The end, before half a line that broke off.
    fn end(&self) -> usize {
        let text = self.pending.trim_end();
        let at = text.rfind('\n').map_or(0, |at| at + 1);
        let line = text.get(at..).unwrap_or_default();
        let begun = line.trim_start_matches(|c| c == '-' || DECORATION.contains(&c));
        let own_line = at > 0 || self.last.is_none_or(|last| last == '\n');
        let half = begun.len() >= HALF
            && WORD.get(..begun.len()).is_some_and(|word| word.eq_ignore_ascii_case(begun));
        if own_line && half { at } else { self.pending.len() }
    }

    /// Passes on what stands before `clear`; at the end, what is behind it is dropped with the filter.
    fn pass(&mut self, clear: usize) -> String {
        let rest = self.pending.get(clear..).unwrap_or_default().to_owned();
        let mut text = std::mem::replace(&mut self.pending, rest);
        text.truncate(clear);
        self.last = text.chars().next_back().or(self.last);
        text
    }
}

/// Where the word stands, in any case of letters, from `from` on.
fn find(text: &str, from: usize) -> Option<usize> {
    let lower = text.get(from..)?.to_ascii_lowercase();
    lower.find(WORD).map(|at| from + at)
}

/// What stands at the beginning of `behind`, which begins with the word: a line of that kind, or nothing of the kind.
fn marker(behind: &str, at_line: bool, first: bool) -> Option<Marker> {
    let label = LABEL.as_ref()?.captures(behind)?;
    let (len, separated) = (label.get(0)?.end(), label.get(1).is_some());
    let line = behind.get(len..)?.split('\n').next().unwrap_or_default();
    // With the line goes its end.
    let whole = || Marker { len: behind.find('\n').map_or(behind.len(), |at| at + 1), report: None };
    let Some(value) = VALUE.as_ref()?.captures(line) else {
        let words = line.split_whitespace().count();
        return match (separated && at_line, words <= NONSENSE) {
            (true, true) => Some(whole()),
            (true, false) if first => Some(Marker { len, report: None }),
            _ => None,
        };
    };
    let end = value.get(0)?.end();
    let rest = line.get(end..)?;
    // A number that breaks off at its point says nothing.
    let report = read(&value).filter(|_| rest != "." || behind.contains('\n'));
    let over = rest.trim_matches(['.', ',', ';', ' ', '\t', '\r']).is_empty();
    match (at_line, over) {
        (true, true) => Some(Marker { report, ..whole() }),
        (true, false) if separated && (first || report.is_some()) => {
            let text = rest.trim_start_matches(['.', ',', ';', ' ', '\t', '|', '-', '–', '—']);
            Some(Marker { len: len + line.len() - text.len(), report })
        }
        _ if separated && report.is_some() && (over || rest.starts_with(['.', ',', ';', '!', '?'])) => {
            Some(Marker { len: len + end, report })
        }
        _ => None,
    }
}

/// A share of one; `None` for numbers that are none.
fn read(value: &regex::Captures<'_>) -> Option<f64> {
    let number: f64 = value.get(1)?.as_str().replace(',', ".").parse().ok()?;
    let whole = match (value.get(2), value.get(3)) {
        (Some(_), _) => 100.0,
        (None, Some(of)) => of.as_str().parse().ok().filter(|of| *of > 0.0)?,
        (None, None) => 1.0,
    };
    Some(number / whole).filter(|share| (0.0..=1.0).contains(share))
}

/// What becomes of a piece.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Passed {
    /// Nothing may be shown yet.
    Nothing,
    /// This may be shown.
    Text(String),
    /// The model is not sure enough: nothing is shown.
    Doubted,
}

/// The text of one answer, held back until its model's confidence is known: by the line that it begins with, and by the
/// probabilities of its tokens. Where both are known, the lower one counts.
#[derive(Debug)]
pub(super) struct Gate {
    filter: Filter,
    /// All of the text.
    text: String,
    held: String,
    /// The sum of the logarithms of the tokens' probabilities, and how many.
    logprobs: (f64, u32),
    /// What comes may be a call of a tool rather than an answer.
    tools: bool,
    open: bool,
    confidence: Option<f64>,
}

impl Gate {
    /// For an answer; `tools`: which may turn out to be a call of one.
    pub(super) fn new(tools: bool) -> Self {
        Self {
            filter: Filter::default(),
            text: String::new(),
            held: String::new(),
            logprobs: (0.0, 0),
            tools,
            open: false,
            confidence: None,
        }
    }

    /// Takes in a piece with the logarithms of its tokens' probabilities.
    pub(super) fn push(&mut self, piece: &str, logprobs: &[f64]) -> Passed {
        let clean = self.filter.push(piece);
        // The line itself is not what is asked about.
        if !(self.text.is_empty() && clean.is_empty()) {
            for logprob in logprobs {
                self.logprobs.0 += logprob;
                self.logprobs.1 = self.logprobs.1.saturating_add(1);
            }
        }
        self.take(&clean);
        self.decide(false)
    }

    /// The answer is over; with `calls`, it was none.
    pub(super) fn end(&mut self, calls: bool) -> Passed {
        let rest = self.filter.finish();
        self.take(&rest);
        if calls { Passed::Text(self.trust()) } else { self.decide(true) }
    }

    /// Lets everything through from now on.
    pub(super) fn trust(&mut self) -> String {
        self.open = true;
        std::mem::take(&mut self.held)
    }

    /// All of the text so far, without the line.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How sure the model is, as far as it is known.
    pub(super) fn confidence(&self) -> Option<f64> {
        self.confidence
    }

    fn take(&mut self, clean: &str) {
        self.text.push_str(clean);
        self.held.push_str(clean);
    }

    fn decide(&mut self, end: bool) -> Passed {
        if self.open {
            return shown(self.trust());
        }
        let enough = end || self.held.chars().count() >= ENOUGH;
        // Whoever has yet to look something up is right to be unsure.
        if self.tools && !enough {
            return Passed::Nothing;
        }
        let (sum, tokens) = self.logprobs;
        let likely = (enough && tokens > 0).then(|| (sum / f64::from(tokens)).exp());
        // An answer without a word is none to be sure of.
        let empty = (end && self.text.trim().is_empty()).then_some(0.0);
        self.confidence = [self.filter.report, likely, empty].into_iter().flatten().reduce(f64::min);
        if self.confidence.is_some_and(|confidence| confidence < SURE) {
            return Passed::Doubted;
        }
        if !enough && (tokens > 0 || self.held.is_empty()) {
            return Passed::Nothing;
        }
        shown(self.trust())
    }
}

fn shown(text: String) -> Passed {
    if text.is_empty() { Passed::Nothing } else { Passed::Text(text) }
}

#[cfg(test)]
#[path = "confide_tests.rs"]
mod tests;
