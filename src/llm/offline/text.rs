//! Words and sentences: what every rule of the offline responder looks at. English, tolerant of the way people type.

/// One word of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// As it was written, without the punctuation around it.
    pub(super) raw: String,
    /// Lower case, contractions opened (`I'm` gives `i` and `am`).
    pub(super) low: String,
    /// A comma, bracket or the like stands behind it.
    pub(super) pause: bool,
}

impl Word {
    fn new(raw: &str, low: &str) -> Self {
        Self { raw: raw.to_owned(), low: low.to_owned(), pause: false }
    }

    /// Written with a capital letter.
    pub(super) fn is_capitalised(&self) -> bool {
        self.raw.chars().next().is_some_and(char::is_uppercase)
    }
}

/// What people write, and what it stands for.
const SPELLINGS: &[(&str, &str)] = &[
    ("im", "i am"),
    ("ive", "i have"),
    ("ill", "i will"),
    ("id", "i would"),
    ("dont", "do not"),
    ("doesnt", "does not"),
    ("didnt", "did not"),
    ("cant", "can not"),
    ("can't", "can not"),
    ("cannot", "can not"),
    ("wont", "will not"),
    ("won't", "will not"),
    ("isnt", "is not"),
    ("arent", "are not"),
    ("wasnt", "was not"),
    ("whats", "what is"),
    ("hows", "how is"),
    ("whos", "who is"),
    ("wheres", "where is"),
    ("thats", "that is"),
    ("youre", "you are"),
    ("ur", "your"),
    ("u", "you"),
    ("r", "are"),
    ("thx", "thanks"),
    ("ty", "thanks"),
    ("gonna", "going to"),
    ("wanna", "want to"),
    ("gotta", "got to"),
    ("favorite", "favourite"),
    ("fav", "favourite"),
    ("lets", "let us"),
    ("let's", "let us"),
    ("pls", "please"),
    ("plz", "please"),
    ("okay", "ok"),
    ("y'all", "you"),
    ("mom", "mum"),
    ("colour", "colour"),
    ("color", "colour"),
    ("neighbor", "neighbour"),
    ("hes", "he is"),
    ("shes", "she is"),
    ("theyre", "they are"),
    ("theres", "there is"),
    ("havent", "have not"),
    ("hasnt", "has not"),
    ("couldnt", "could not"),
    ("wouldnt", "would not"),
    ("shouldnt", "should not"),
    ("werent", "were not"),
    ("weve", "we have"),
    ("dunno", "do not know"),
    ("bday", "birthday"),
    ("bf", "boyfriend"),
    ("gf", "girlfriend"),
    ("bff", "bestie"),
    ("hubby", "husband"),
    ("sis", "sister"),
    ("bro", "brother"),
    ("bc", "because"),
    ("tho", "though"),
    ("rn", "now"),
    ("abt", "about"),
    ("yrs", "years"),
    ("yr", "year"),
];

/// Single letters that stand for a word, in lower case only: a capital is an initial.
const LETTERS: &[(&str, &str)] = &[("n", "and"), ("w", "with")];

/// After these, `ill` is a state and `id` a card, and nothing is left out.
const NOT_OPENED_AFTER: &[(&str, &[&str])] = &[
    (
        "ill",
        &[
            "am",
            "is",
            "are",
            "was",
            "were",
            "be",
            "been",
            "i",
            "he",
            "she",
            "feel",
            "felt",
            "get",
            "got",
            "fell",
            "fall",
            "so",
            "very",
            "really",
            "not",
            "seriously",
            "mentally",
            "still",
            "too",
            "terminally",
            "a",
        ],
    ),
    ("id", &["my", "the", "an", "your", "his", "her", "their", "our", "no", "with", "of"]),
];

/// Endings that are words of their own.
const ENDINGS: &[(&str, &str)] =
    &[("n't", "not"), ("'m", "am"), ("'re", "are"), ("'ve", "have"), ("'ll", "will"), ("'d", "would")];

/// After these an `'s` is a verb; after any other word it may be a possessive.
const IS_AFTER: &[&str] =
    &["he", "she", "it", "that", "there", "here", "what", "who", "where", "how", "when", "this"];

/// The words of `text`.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    for piece in text.replace(['’', '‘'], "'").split(|c: char| c.is_whitespace() || c == '…' || c == '—')
    {
        let opened = piece.starts_with('(');
        if let (true, Some(last)) = (opened, found.last_mut()) {
            let last: &mut Word = last;
            last.pause = true;
        }
        if matches!(piece, "&" | "+") {
            found.push(Word::new(piece, "and"));
            continue;
        }
        let piece = match piece.strip_prefix("w/") {
            Some(rest) => {
                found.push(Word::new("w/", "with"));
                rest
            }
            None => piece,
        };
        let core = piece.trim_matches(|c: char| !c.is_alphanumeric());
        let pause = piece.ends_with([',', ';', ':', ')', '.', '!', '?', '-']);
        if core.is_empty() {
            if let Some(last) = found.last_mut() {
                let last: &mut Word = last;
                last.pause |= pause || piece.contains('-') || piece.contains('–');
            }
            continue;
        }
        push(&mut found, core);
        if let Some(last) = found.last_mut() {
            last.pause |= pause;
        }
    }
    found
}

fn push(found: &mut Vec<Word>, core: &str) {
    let low = without_runs(&core.to_lowercase());
    if let Some((_, meant)) = LETTERS.iter().find(|(letter, _)| *letter == core) {
        found.push(Word::new(core, meant));
        return;
    }
    let closed = found.last().is_some_and(|before: &Word| {
        NOT_OPENED_AFTER
            .iter()
            .any(|(written, after)| *written == low && after.contains(&before.low.as_str()))
    });
    if closed {
        found.push(Word::new(core, &low));
        return;
    }
    if let Some((_, meant)) = SPELLINGS.iter().find(|(written, _)| *written == low) {
        let mut parts = meant.split(' ');
        let first = parts.next().unwrap_or_default();
        let rest: Vec<&str> = parts.collect();
        let raw = if rest.is_empty() { core } else { first };
        found.push(Word::new(if first == "i" { "I" } else { raw }, first));
        found.extend(rest.into_iter().map(|part| Word::new(part, part)));
        return;
    }
    for (ending, meant) in ENDINGS {
        if let Some(stem) = low.strip_suffix(ending).filter(|stem| !stem.is_empty()) {
            let raw: String = core.chars().take(stem.chars().count()).collect();
            found.push(Word::new(&raw, stem));
            found.push(Word::new(meant, meant));
            return;
        }
    }
    if let Some(stem) = low.strip_suffix("'s").filter(|stem| !stem.is_empty()) {
        let raw: String = core.chars().take(stem.chars().count()).collect();
        found.push(Word::new(&raw, stem));
        let verb = IS_AFTER.contains(&stem);
        found.push(if verb { Word::new("is", "is") } else { Word::new("'s", "'s") });
        return;
    }
    found.push(Word::new(core, &low));
}

/// `hey` of `heyyy`: no English word has the same letter three times in a row.
fn without_runs(low: &str) -> String {
    let letters: Vec<char> = low.chars().collect();
    let runs =
        letters.windows(3).any(|three| three.iter().all(|c| c.is_alphabetic() && three.first() == Some(c)));
    if !runs {
        return low.to_owned();
    }
    let mut kept: Vec<char> = Vec::new();
    for (at, letter) in letters.iter().enumerate() {
        let nth = letters.iter().take(at).rev().take_while(|before| *before == letter).count();
        let length = nth + letters.iter().skip(at).take_while(|after| *after == letter).count();
        if nth == 0 || length < 3 || !letter.is_alphabetic() {
            kept.push(*letter);
        }
    }
    kept.into_iter().collect()
}

/// The words as text again.
pub(super) fn join(words: &[Word]) -> String {
    let mut text = String::new();
    for word in words {
        if !text.is_empty() && word.raw != "'s" {
            text.push(' ');
        }
        text.push_str(&word.raw);
    }
    text
}

/// What follows when `words` begin with `pattern`: words in lower case, `a|b` for either, `?` behind what may be missing.
pub(super) fn strip<'a>(words: &'a [Word], pattern: &str) -> Option<&'a [Word]> {
    let mut rest = words;
    for element in pattern.split(' ') {
        let (choices, optional) = element.strip_suffix('?').map_or((element, false), |some| (some, true));
        match rest.split_first() {
            Some((word, tail)) if choices.split('|').any(|choice| choice == word.low) => rest = tail,
            _ if optional => {}
            _ => return None,
        }
    }
    Some(rest)
}

/// True when `pattern` (see [`strip`]) occurs anywhere in `words`; `$` as its last element is the end of them.
pub(super) fn has(words: &[Word], pattern: &str) -> bool {
    find(words, pattern).is_some()
}

/// The words behind the first occurrence of `pattern`.
pub(super) fn find<'a>(words: &'a [Word], pattern: &str) -> Option<&'a [Word]> {
    let (pattern, at_end) = pattern.strip_suffix(" $").map_or((pattern, false), |rest| (rest, true));
    (0..words.len())
        .filter_map(|start| words.get(start..))
        .find_map(|tail| strip(tail, pattern).filter(|rest| !at_end || rest.is_empty()))
}

/// True when any of `patterns` occurs in `words`.
pub(super) fn has_any(words: &[Word], patterns: &[&str]) -> bool {
    patterns.iter().any(|pattern| has(words, pattern))
}

/// After these a full stop ends no sentence.
const ABBREVIATIONS: &[&str] = &["mr", "mrs", "ms", "dr", "st", "prof", "e.g", "i.e", "vs", "no"];

/// The sentences of `text`, each with its end mark.
pub(super) fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\n' {
            flush(&mut found, &mut current);
            continue;
        }
        current.push(c);
        let ends = matches!(c, '.' | '!' | '?' | '…');
        let closers = ['"', '”', '\'', ')', '*', '.', '!', '?'];
        if !ends {
            continue;
        }
        while let Some(closer) = chars.next_if(|next| closers.contains(next)) {
            current.push(closer);
        }
        let followed_by_space = chars.peek().is_none_or(|next| next.is_whitespace());
        if followed_by_space && !ends_in_abbreviation(&current) {
            flush(&mut found, &mut current);
        }
    }
    flush(&mut found, &mut current);
    found
}

fn flush(found: &mut Vec<String>, current: &mut String) {
    let sentence = current.trim();
    if sentence.chars().any(char::is_alphanumeric) {
        found.push(sentence.to_owned());
    } else if let (false, Some(last)) = (sentence.is_empty(), found.last_mut()) {
        last.push(' ');
        last.push_str(sentence);
    } else if !sentence.is_empty() {
        found.push(sentence.to_owned());
    }
    current.clear();
}

fn ends_in_abbreviation(text: &str) -> bool {
    let Some(body) = text.strip_suffix('.') else { return false };
    let last = body.rsplit(char::is_whitespace).next().unwrap_or_default().to_lowercase();
    // A lone letter is an initial, but "I." is a sentence that ends in "I".
    ABBREVIATIONS.contains(&last.as_str()) && last != "no"
        || (last.chars().count() == 1 && last != "i" && last.chars().all(char::is_alphabetic))
}

/// True when the sentence asks something, with or without its question mark.
pub(super) fn is_question(sentence: &str) -> bool {
    let trimmed = sentence.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '?');
    trimmed.ends_with('?') || begins_like_question(&words(sentence))
}

/// True when the text asks and says nothing else, a greeting of one or two words aside.
pub(super) fn only_asks(text: &str) -> bool {
    let all = sentences(text);
    all.iter().any(|sentence| is_question(sentence))
        && all.iter().all(|sentence| is_question(sentence) || words(sentence).len() < 3)
}

/// True when the words begin as questions do.
pub(super) fn begins_like_question(words: &[Word]) -> bool {
    const ASKING: &[&str] = &["what", "who", "whose", "where", "when", "why", "which", "how"];
    const AUXILIARY: &[&str] = &[
        "do", "does", "did", "is", "are", "am", "was", "were", "can", "could", "will", "would", "should",
        "have", "has", "may",
    ];
    const PERSONS: &[&str] = &[
        "i", "you", "he", "she", "it", "we", "they", "my", "your", "there", "this", "that", "the", "a",
        "any", "anyone",
    ];
    let skip = words
        .iter()
        .take_while(|word| {
            matches!(word.low.as_str(), "so" | "and" | "but" | "ok" | "well" | "hey" | "hi" | "then")
        })
        .count();
    let mut rest = words.iter().skip(skip).map(|word| word.low.as_str());
    let (Some(first), second) = (rest.next(), rest.next()) else { return false };
    if ASKING.contains(&first) {
        // "When I was young …" and "What a day" tell.
        return !(matches!(first, "when" | "what" | "how")
            && matches!(second, Some("i" | "a" | "an" | "nice" | "lovely" | "sweet")))
            || matches!(second, Some("i")) && first == "what" && words.len() < 4;
    }
    AUXILIARY.contains(&first) && second.is_some_and(|word| PERSONS.contains(&word))
}

/// The text with a capital at the front.
pub(super) fn capitalise(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// `one`, `one and two`, `one, two and three`.
pub(super) fn and_list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("I'm Robin, and you?", "i am robin and you")]
    #[case("dont u know my dog’s name", "do not you know my dog 's name")]
    #[case("What's up", "what is up")]
    #[case("im 27 n i live w/ my bf & u", "i am 27 and i live with my boyfriend and you")]
    #[case("Am I ill?", "am i ill")]
    #[case("ill call", "i will call")]
    #[case("heyyy whoooa hello 1000", "hey whoa hello 1000")]
    fn words_are_opened(#[case] text: &str, #[case] expected: &str) {
        let lows: Vec<String> = words(text).into_iter().map(|word| word.low).collect();
        assert_eq!(lows.join(" "), expected);
    }

    #[rstest]
    #[case("Hi. I am Dr. Bell! Really?", 3)]
    #[case("It cost 3.50 euros", 1)]
    #[case("", 0)]
    #[case("I said \"no.\" Then I left.", 2)]
    fn sentences_end_where_they_end(#[case] text: &str, #[case] count: usize) {
        assert_eq!(sentences(text).len(), count);
    }
}
