//! Long answers in pieces that a platform takes: cut where a reader would, code blocks closed and opened again, nothing
//! lost.

use unicode_segmentation::UnicodeSegmentation;

/// What a platform counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Unicode code points (Discord, Slack).
    Chars,
    /// UTF-16 code units (Telegram).
    Utf16,
}

/// A piece has at least this much room.
const LEAST: usize = 128;
/// A line with more marks than this opens no code block; nobody writes one, and it would leave no room for code.
const LONGEST_FENCE: usize = 16;
/// As much of a code block's language is repeated when it is opened again.
const LONGEST_INFO: usize = 24;

/// The opening line of a code block.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fence {
    mark: char,
    length: usize,
    info: String,
}

/// One piece: what stands in the text, between what was added to keep code blocks whole.
#[derive(Debug, PartialEq, Eq)]
struct Piece<'a> {
    head: String,
    body: &'a str,
    tail: String,
}

/// How good a place is for a cut, the best last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Grapheme,
    Word,
    Sentence,
    Line,
    Paragraph,
}

const PLACES: [Place; 5] = [Place::Paragraph, Place::Line, Place::Sentence, Place::Word, Place::Grapheme];

/// A possible cut: the bytes before it, their size with all that is added, and the code block that it cuts.
#[derive(Debug, Clone)]
struct Cut {
    end: usize,
    size: usize,
    inside: Option<Fence>,
    /// The line that is cut only looks like the beginning of a code block: there is nothing to be opened again.
    seeming: bool,
}

impl Unit {
    /// The length of `text`.
    #[must_use]
    pub fn length(self, text: &str) -> usize {
        match self {
            Self::Chars => text.chars().count(),
            Self::Utf16 => text.encode_utf16().count(),
        }
    }
}

/// Cuts `text` into pieces of at most `max` units (at least 128 are assumed): between paragraphs, else lines, sentences,
/// words, graphemes, in this order, and never in the first half of a piece while a later place will do. A fenced code block
/// that is cut ends with its piece and is opened again, with its language, in the next; one that the text leaves open is
/// closed. White space at a cut goes, except inside code. A grapheme is cut only when it is longer than a whole piece.
/// No piece is blank; a blank text has no pieces.
#[must_use]
pub fn split(text: &str, max: usize, unit: Unit) -> Vec<String> {
    pieces(text, max, unit)
        .into_iter()
        .map(|piece| format!("{}{}{}", piece.head, piece.body, piece.tail))
        .collect()
}

fn pieces(text: &str, max: usize, unit: Unit) -> Vec<Piece<'_>> {
    let max = max.max(LEAST);
    let (mut rest, mut open): (&str, Option<Fence>) = (text, None);
    let mut pieces = Vec::new();
    loop {
        if open.is_none() {
            rest = without_blank_lines(rest);
        }
        if rest.trim().is_empty() {
            return pieces;
        }
        let head = open.as_ref().map(Fence::opening).unwrap_or_default();
        let cut = best_cut(rest, &head, open.as_ref(), max, unit);
        let (body, after) = rest.split_at_checked(cut.end).unwrap_or((rest, ""));
        let cut = if cut.seeming {
            Cut { inside: Fence::of(body.lines().last().unwrap_or("")), ..cut }
        } else {
            cut
        };
        let body = if cut.inside.is_none() { body.trim_end() } else { body };
        let tail = cut.inside.as_ref().map(|fence| fence.closing(body)).unwrap_or_default();
        if !body.trim().is_empty() {
            pieces.push(Piece { head, body, tail });
        }
        rest = match &cut.inside {
            // One line break goes: the closing line has brought its own.
            Some(_) => after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\n')).unwrap_or(after),
            None if after.starts_with(['\r', '\n']) => after,
            None => after.trim_start_matches([' ', '\t']),
        };
        open = cut.inside.filter(|_| !cut.seeming);
    }
}

/// The text without empty lines at its beginning; the indentation of the first other line stays.
fn without_blank_lines(text: &str) -> &str {
    let content = text.trim_start();
    let indented = text.len() - content.len();
    let start =
        text.get(..indented).and_then(|blank| blank.rfind('\n')).map_or(0, |line_break| line_break + 1);
    text.get(start..).unwrap_or(content)
}

impl Fence {
    /// The code block that this line opens.
    fn of(line: &str) -> Option<Self> {
        let line = line.trim();
        let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let length = line.chars().take_while(|c| *c == mark).count();
        let info = line.trim_start_matches(mark).trim();
        let fits = (3..=LONGEST_FENCE).contains(&length) && !(mark == '`' && info.contains('`'));
        fits.then(|| Self { mark, length, info: info.to_owned() })
    }

    /// The code block that the beginning of this line would open, were the line cut.
    fn seeming(line: &str) -> Option<Self> {
        let line = line.trim_start();
        let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let length = line.chars().take_while(|c| *c == mark).count();
        (3..=LONGEST_FENCE).contains(&length).then(|| Self { mark, length, info: String::new() })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim();
        line.chars().count() >= self.length && line.chars().all(|c| c == self.mark)
    }

    fn marks(&self) -> String {
        self.mark.to_string().repeat(self.length)
    }

    fn opening(&self) -> String {
        let info: String = self.info.graphemes(true).take(LONGEST_INFO).collect();
        // A grapheme has no upper length; a language that is no word is none.
        let info = if info.chars().count() > 2 * LONGEST_INFO { String::new() } else { info };
        format!("{}{info}\n", self.marks())
    }

    fn closing(&self, body: &str) -> String {
        let line_break = if body.ends_with('\n') || body.is_empty() { "" } else { "\n" };
        format!("{line_break}{}", self.marks())
    }

    /// Room for the closing line.
    fn room(&self) -> usize {
        self.length + 1
    }
}

/// The state behind a line, given the state before it.
fn behind(line: &str, before: Option<&Fence>) -> Option<Fence> {
    match before {
        Some(fence) if fence.is_closed_by(line) => None,
        Some(fence) => Some(fence.clone()),
        None => Fence::of(line),
    }
}

fn best_cut(rest: &str, head: &str, open: Option<&Fence>, max: usize, unit: Unit) -> Cut {
    let mut scan = Scan { max, unit, size: unit.length(head), seeming: false, best: [const { None }; 5] };
    let mut fence = open.cloned();
    let mut offset = 0;
    for whole in rest.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\n', '\r']);
        let after = behind(line, fence.as_ref());
        let is_fence_line = after.is_some() != fence.is_some();
        // The marks of a code block stand on one line, whole: inside it, only a cut that cannot be avoided.
        let seeming = if fence.is_none() && after.is_none() { Fence::seeming(line) } else { None };
        scan.seeming = seeming.is_some();
        let inside = if is_fence_line { after.as_ref().or(fence.as_ref()) } else { fence.as_ref() };
        if !scan.line(line, offset, inside.or(seeming.as_ref()), is_fence_line) {
            return scan.choose(rest, head);
        }
        scan.seeming = false;
        offset += whole.len();
        let next = rest.get(offset..).unwrap_or_default();
        let next_line = next.lines().next().unwrap_or_default();
        let opens_or_empties = (after.is_some() && fence.is_none())
            || after.as_ref().is_some_and(|fence| fence.is_closed_by(next_line));
        let end = offset - (whole.len() - line.len());
        if !opens_or_empties {
            let blank = after.is_none() && next_line.trim().is_empty();
            scan.note(if blank { Place::Paragraph } else { Place::Line }, end, after.as_ref());
        }
        if next.is_empty() && scan.fits(after.as_ref()) {
            return Cut { end, size: scan.size, inside: after, seeming: false };
        }
        scan.size += unit.length(whole) - unit.length(line);
        fence = after;
    }
    scan.choose(rest, head)
}

/// Walks through the text and notes where it could be cut.
struct Scan {
    max: usize,
    unit: Unit,
    size: usize,
    seeming: bool,
    best: [Option<Cut>; 5],
}

impl Scan {
    fn fits(&self, inside: Option<&Fence>) -> bool {
        self.size + inside.map_or(0, Fence::room) <= self.max
    }

    fn note(&mut self, place: Place, end: usize, inside: Option<&Fence>) {
        if end > 0 && self.fits(inside) {
            let cut = Cut { end, size: self.size, inside: inside.cloned(), seeming: self.seeming };
            if let Some(best) = self.best.get_mut(place as usize) {
                *best = Some(cut);
            }
        }
    }

    /// Takes a line in; false when the piece is full.
    fn line(&mut self, line: &str, offset: usize, inside: Option<&Fence>, whole: bool) -> bool {
        let mut ended_sentence = false;
        for (at, grapheme) in line.grapheme_indices(true) {
            let (end, space) = (offset + at, grapheme.trim().is_empty());
            // Marks that come to stand at the beginning of a line would open a code block.
            let marks = line.get(at..).is_some_and(|rest| rest.trim_start().starts_with(['`', '~']));
            if space && !whole && !marks {
                self.note(Place::Word, end, inside);
                if ended_sentence && inside.is_none() {
                    self.note(Place::Sentence, end, inside);
                }
            }
            if !marks {
                self.note(Place::Grapheme, end, inside);
            }
            ended_sentence = matches!(grapheme, "." | "!" | "?" | "…" | "。" | "！" | "？")
                || (ended_sentence && matches!(grapheme, "\"" | "'" | ")" | "”" | "’" | "»"));
            self.size += self.unit.length(grapheme);
            if self.size > self.max {
                return false;
            }
        }
        self.note(Place::Grapheme, offset + line.len(), inside);
        true
    }

    /// The best place in the second half of the piece; else the last of any kind but a grapheme; else that.
    fn choose(self, rest: &str, head: &str) -> Cut {
        let half = self.max / 2;
        let at = |place: Place| self.best.get(place as usize).and_then(Option::as_ref);
        if let Some(cut) = PLACES.iter().filter_map(|place| at(*place)).find(|cut| cut.size >= half) {
            return cut.clone();
        }
        let last = PLACES.iter().filter_map(|place| at(*place)).max_by_key(|cut| cut.size);
        last.cloned().unwrap_or_else(|| self.cut_grapheme(rest, head))
    }

    /// As many code points as there is room for, when not even one grapheme fits.
    fn cut_grapheme(&self, rest: &str, head: &str) -> Cut {
        let room = self.max.saturating_sub(self.unit.length(head) + LONGEST_FENCE + 1);
        let (mut size, mut end) = (0, 0);
        for (at, c) in rest.char_indices() {
            let next = size + if self.unit == Unit::Utf16 { c.len_utf16() } else { 1 };
            if next > room && end > 0 {
                break;
            }
            (size, end) = (next, at + c.len_utf8());
        }
        Cut { end, size, inside: head_fence(head), seeming: false }
    }
}

/// The code block that an opening line in `head` belongs to.
fn head_fence(head: &str) -> Option<Fence> {
    if head.is_empty() { None } else { Fence::of(head.trim_end_matches('\n')) }
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
