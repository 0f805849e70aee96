//! Words, pairs of words and runs of letters of a message, each hashed to a place in a table: what the lists of signs do
//! not name, the regression can still learn.

/// Places in the table. A power of two.
pub(super) const PLACES: usize = 1 << 13;
/// Runs of letters inside a word and its bounds, of these lengths.
const RUNS: std::ops::RangeInclusive<usize> = 3..=5;
/// No more grams of one message are looked at.
const MOST: usize = 4_000;

/// The places of all grams of a folded text, each once, in order.
pub(super) fn places(folded: &str) -> Vec<usize> {
    let mut places = Vec::with_capacity(256);
    let mut before = String::from("^");
    for word in folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if places.len() >= MOST {
            break;
        }
        let letters: Vec<char> = std::iter::once(' ').chain(word.chars()).chain([' ']).collect();
        if word.chars().any(is_wide) {
            // Written without spaces: one, two and three signs.
            for length in 1..=3 {
                places.extend(letters.windows(length).take(MOST).map(|run| place('r', run.iter().copied())));
            }
            continue;
        }
        places.push(place('w', word.chars()));
        places.push(place('p', before.chars().chain([' ']).chain(word.chars())));
        for length in RUNS {
            places.extend(letters.windows(length).take(MOST).map(|run| place('r', run.iter().copied())));
        }
        word.clone_into(&mut before);
    }
    places.sort_unstable();
    places.dedup();
    places
}

/// A sign of Japanese, Chinese, Thai, or a Korean syllable.
pub(super) fn is_wide(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{e7f}' | '\u{3040}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

/// FNV-1a of the kind and the characters.
fn place(kind: char, text: impl Iterator<Item = char>) -> usize {
    let mut hash: u32 = 0x811c_9dc5;
    for c in std::iter::once(kind).chain(text) {
        for byte in u32::from(c).to_le_bytes().into_iter().take(3) {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }
    // The upper half is mixed in, for the lower bits alone are the weakest.
    let mixed = hash ^ (hash >> 15);
    usize::try_from(mixed).unwrap_or_default() % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn alike_words_share_places_and_order_matters_little() {
        let shared = |a: &str, b: &str| {
            let (a, b) = (places(a), places(b));
            a.iter().filter(|place| b.contains(place)).count()
        };
        assert!(shared("compare the flats", "comparing flats") > 10);
        assert!(shared("compare the flats", "good morning") < 3);
        assert!(shared("我的猫叫什么", "我的狗叫什么") > 5);
    }

    proptest! {
        #[test]
        fn any_text_has_bounded_places(text in "\\PC{0,3000}") {
            let places = places(&text);
            prop_assert!(places.len() <= PLACES);
            prop_assert!(places.iter().all(|place| *place < PLACES));
        }
    }
}
