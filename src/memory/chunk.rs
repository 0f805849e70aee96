//! Long messages are cut into pieces that overlap, so that a phrase deep inside is found (product.md, MEM).

/// Messages of up to this many characters stay whole.
const WHOLE: usize = 1_000;
/// Characters of a piece.
const PIECE: usize = 500;
/// Characters that a piece shares with the one before.
const OVERLAP: usize = 50;
/// How far before its end a piece looks for the end of a sentence to break at.
const LOOK_BACK: usize = 100;

/// The pieces of `text`, in order; one when it is short.
pub(super) fn chunks(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= WHOLE {
        return vec![text.to_owned()];
    }
    let mut pieces = Vec::new();
    let mut start = 0;
    loop {
        let limit = (start + PIECE).min(letters.len());
        let end = if limit == letters.len() { limit } else { break_before(&letters, start, limit) };
        pieces.push(letters.iter().take(end).skip(start).collect());
        if end == letters.len() {
            return pieces;
        }
        start = end.saturating_sub(OVERLAP).max(start + 1);
    }
}

/// The end of a sentence, else of a word, near `limit`.
fn break_before(letters: &[char], start: usize, limit: usize) -> usize {
    let earliest = limit.saturating_sub(LOOK_BACK).max(start + OVERLAP + 1);
    let last = |ends: fn(char) -> bool| {
        (earliest..limit).rev().find(|index| letters.get(*index).copied().is_some_and(ends)).map(|it| it + 1)
    };
    last(|letter| matches!(letter, '.' | '!' | '?' | '\n' | '。'))
        .or_else(|| last(char::is_whitespace))
        .unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_short_message_stays_whole() {
        assert_eq!(chunks("hello"), ["hello"]);
        assert_eq!(chunks(&"x".repeat(1_000)).len(), 1);
    }

    #[test]
    fn pieces_break_at_sentences() {
        let text = "This is a sentence of forty letters, yes. ".repeat(40);
        assert!(chunks(&text).iter().all(|piece| piece.trim_end().ends_with('.')));
    }

    proptest! {
        #[test]
        fn every_letter_is_in_some_piece_and_pieces_are_short(text in "[a-zé .\n]{0,4000}") {
            let pieces = chunks(&text);
            if text.chars().count() > WHOLE {
                prop_assert!(pieces.iter().all(|piece| piece.chars().count() <= PIECE));
            }
            let mut rebuilt: Vec<char> = Vec::new();
            for piece in &pieces {
                let piece: Vec<char> = piece.chars().collect();
                let shared = (0..=piece.len().min(rebuilt.len()))
                    .rev()
                    .find(|n| rebuilt.ends_with(&piece[..*n]))
                    .unwrap();
                rebuilt.extend(&piece[shared..]);
            }
            prop_assert!(rebuilt.len() <= text.chars().count());
            prop_assert!(pieces.iter().all(|piece| text.contains(piece.as_str())));
            prop_assert!(text.ends_with(pieces.last().unwrap().as_str()));
        }
    }
}
