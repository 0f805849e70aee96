//! Whether a text is English: rules that know English words keep silent about texts of other languages.

/// Words that English texts are full of and that are rare in texts of its neighbours.
const MARKERS: [&str; 26] = [
    "the", "and", "you", "your", "that", "this", "with", "are", "have", "she", "they", "from", "to", "my",
    "it", "it's", "don't", "not", "what", "who", "his", "were", "there", "their", "would", "him",
];
/// The share of such words from which on a text is English. English prose has several times as many.
const SHARE: f64 = 0.1;

/// Whether a text is English; of a very short one, that is rather denied.
pub(super) fn is_english(text: &str) -> bool {
    let lower = text.to_lowercase().replace('’', "'");
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty()).collect();
    let marked = words.iter().filter(|word| MARKERS.contains(word)).count();
    marked > 0 && marked as f64 >= words.len() as f64 * SHARE && has_english_letters(text)
}

/// Nearly all letters are of the English alphabet.
fn has_english_letters(text: &str) -> bool {
    let all = text.chars().filter(|c| c.is_alphabetic()).count();
    let foreign = text.chars().filter(|c| c.is_alphabetic() && !c.is_ascii()).count();
    foreign * 20 <= all
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Your brother Bruno did it.", true)]
    #[case("That was Tom, not me.", true)]
    #[case("She repaired the boat in the café on 3 May.", true)]
    #[case("Sie hat mir gesagt, dass sie am liebsten im Sommer mit dem Boot fahren würde.", false)]
    #[case("Das war ihr Bruder, und er hat es im Mai repariert.", false)]
    #[case("Elle m'a dit qu'elle partirait en été avec son frère Bruno.", false)]
    #[case("Ha reparado el barco en mayo con su hermano Bruno.", false)]
    #[case("彼女は2026年5月3日にボートを修理しました。", false)]
    #[case("Zij heeft het schip in mei gerepareerd met haar broer.", false)]
    #[case("Ich glaube nicht, dass das was war.", false)]
    #[case("No lo he visto.", false)]
    #[case("", false)]
    fn a_language_is_told(#[case] text: &str, #[case] english: bool) {
        assert_eq!(is_english(text), english);
    }
}
