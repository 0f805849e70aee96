//! Whether what was looked up covers what was asked: then the model is told to stop looking.

use super::calls::Made;

/// The share of the question's words, in per cent, that results must hold. From `dramatis bench thinking --sweep`: the least at
/// which a model that takes the word for it, whatever it misses, was right on all questions (at 60, on 50 of 60).
pub(super) const COVERED: u8 = 70;

/// Words that every question has.
const COMMON: &str = "about after again also always answer back been before being both call called came come could describe \
    did does doing done else ever find from gave give going have help here into just know know last like look made make many \
    mean more most much must need next once only other over please really recall remember said same say says should since \
    some something such sure take tell than that their them then there these they thing things think this those told until \
    very want week well went were what when where which while whom whose will with would your yours";

/// The words of a text that say what it is about, in lower case, each once.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() > 3 || word.chars().any(char::is_numeric))
        .filter(|word| !COMMON.split_whitespace().any(|common| common == word))
        .collect();
    words.sort();
    words.dedup();
    words
}

/// Whether results that brought something hold this share of the words of the question, in per cent.
pub(super) fn covers(question: &str, made: &[Made], share: u8) -> bool {
    let asked = words(question);
    let found: String = made
        .iter()
        .filter_map(|made| made.result.as_ref().ok())
        .flat_map(|text| text.lines())
        .filter(|line| !says_nothing(line))
        .map(|line| line.to_lowercase() + "\n")
        .collect();
    if asked.is_empty() {
        return !found.trim().is_empty();
    }
    let held = asked.iter().filter(|word| found.contains(stem(word))).count();
    held * 100 >= asked.len() * usize::from(share)
}

/// A line that says that nothing was found may repeat what was looked for.
pub(super) fn says_nothing(line: &str) -> bool {
    let line = line.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    if line.is_empty() {
        return true;
    }
    ["nothing", "no ", "none", "there is no", "not found"].iter().any(|begin| line.starts_with(begin))
}

/// A word without a short ending, so that `boats` finds `boat`.
fn stem(word: &str) -> &str {
    let endings = ["ing", "ed", "es", "s"];
    let cut = endings.iter().find_map(|ending| word.strip_suffix(ending));
    cut.filter(|stem| stem.chars().count() >= 4).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn brought(text: &str) -> Vec<Made> {
        vec![Made { name: "t".to_owned(), arguments: Value::Null, result: Ok(text.to_owned()) }]
    }

    #[test]
    fn results_cover_a_question_or_not() {
        let question = "When did my sister Ana repair the boat?";
        assert!(covers(question, &brought("May 3: my sister Ana repaired both boats"), COVERED));
        assert!(!covers(question, &brought("My sister likes tea."), COVERED));
        assert!(!covers(question, &brought("Nothing on record about sister Ana repair boat"), COVERED));
        assert!(!covers(question, &[], COVERED));
        assert!(covers(question, &brought("My sister likes tea."), 20));
    }
}
