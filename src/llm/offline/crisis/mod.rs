//! Words of somebody who may be in danger of their life, their own or of one who is dear to them. The router and the
//! offline responder both ask here. In doubt a message counts: a needless answer costs little, a missing one may cost all.

mod english;
mod other_tongues;
mod wider;

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

/// Shorthands of the pattern lists.
const SHORTHANDS: &[(&str, &str)] = &[
    ("<self>", "(?:my ?self|myslef|mysef|himself|herself|themsel(?:f|ves)|theirself|ourselves|urself)"),
    (
        "<one>",
        "(?:i|im|id|ill|ive|he|she|hes|shes|they|theyre|someone|somebody|friend|bestie|brother|sister|son|daughter|\
         mum|mom|mother|dad|father|wife|husband|partner|girlfriend|boyfriend|gf|bf|cousin|student|roommate|gonna|\
         wanna|want to|going to|about to|feel like|thinking)",
    ),
    (
        "<would>",
        "(?:want|wants|wanted|wanna|wish|going|gonna|gon|about|ready|trying|tryna|tried|try|plan|plans|planning|\
         planned|decided|hope|hoping|prefer|need|needs|deserve|deserves|like|love|rather|might|will|ill|id|could|\
         should|gotta|thinking|think|thought|considering|attempted|threatened|threatening|threatens)",
    ),
    (
        "<pills>",
        "(?:pills?|tablets?|meds|medications?|medicines?|xanax|tylenol|paracetamol|ibuprofen|aspirin|advil|\
                 valium|benzos|antidepressants|painkillers|capsules)",
    ),
    ("<gone>", "(?:dead|gone|not here|not around|not alive|no longer here|no longer around|no more)"),
];

/// What counts whatever stands around it.
static CERTAIN: LazyLock<Option<RegexSet>> = LazyLock::new(|| set(&[english::CERTAIN]));
/// What counts once the figures of speech, titles and mishaps are cut out.
static TELLING: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| set(&[english::TELLING, other_tongues::TELLING]));
/// What counts in tongues whose words these boundaries do not fit.
static WIDER: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSetBuilder::new(wider::TELLING).size_limit(SIZE).build().ok());
/// What is cut out.
static HARMLESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let all: Vec<String> =
        english::HARMLESS.iter().chain(other_tongues::HARMLESS).map(|pattern| bounded(pattern)).collect();
    RegexBuilder::new(&all.join("|")).unicode(false).size_limit(SIZE).build().ok()
});
/// The title of a song, a film or the like in quotation marks.
static TITLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let work =
        "song|film|movie|book|novel|album|band|track|episode|show|poem|game|podcast|level|quest|playlist";
    let quoted = "[\"“„«][^\"”“»]{1,60}[\"”“»]";
    Regex::new(&format!(
        "(?i)\\b(?:{work})(?: (?:is|was|called|titled|named|by|of|mine|the|a))* ?[:,]? {quoted}|{quoted} (?:is (?:a|my|the|an)(?: \\w+){{0,3}} (?:{work})\\b|by [A-Z])"
    ))
    .ok()
});

/// Compiled sizes stay far below this; the crate's default of 10 MB is for one pattern.
const SIZE: usize = 40 << 20;

/// True when the words are those of somebody who may be in danger, or who tells of another who may be.
#[must_use]
pub fn found_in(text: &str) -> bool {
    let untitled = TITLE.as_ref().map_or_else(|| text.into(), |title| title.replace_all(text, " . "));
    let plain = plain(&untitled);
    let hits = |set: &LazyLock<Option<RegexSet>>, text: &str| {
        LazyLock::force(set).as_ref().is_some_and(|set| set.is_match(text))
    };
    if hits(&CERTAIN, &plain) || hits(&WIDER, &plain) {
        return true;
    }
    let left = HARMLESS.as_ref().map_or_else(|| plain.as_str().into(), |cut| cut.replace_all(&plain, " . "));
    hits(&TELLING, &left)
}

/// True when such words are about somebody else: what helps then is to go to them.
#[must_use]
pub fn is_of_another(text: &str) -> bool {
    static OTHER: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let whom = "friend|bestie|brother|sister|son|daughter|kid|child|mum|mom|mother|dad|father|wife|husband|partner|\
                    girlfriend|boyfriend|gf|bf|cousin|student|roommate|flatmate|neighbou?r|colleague|ex|uncle|aunt|niece|nephew|grandma|grandpa";
        RegexBuilder::new(&bounded(&format!(
            "(?:my|a|our|his|her)(?: best| old| little| older| younger| close)? (?:{whom})|he|she|hes|shes|someone|somebody|mein freund|meine freundin|mi amig[oa]|mon ami"
        )))
        .unicode(false)
        .build()
        .ok()
    });
    static SELF: LazyLock<Option<Regex>> = LazyLock::new(|| {
        RegexBuilder::new(&bounded(
            "my ?self|myslef|mysef|i (?:just |really |also )?(?:want|wanna|wish|cant|took|will)|im (?:going|gonna|done|tired)|id rather|my (?:own )?life|mich|me quiero|quiero|je veux",
        ))
        .unicode(false)
        .build()
        .ok()
    });
    let plain = plain(text);
    let hits = |pattern: &LazyLock<Option<Regex>>| {
        LazyLock::force(pattern).as_ref().is_some_and(|pattern| pattern.is_match(&plain))
    };
    hits(&OTHER) && !hits(&SELF)
}

fn set(lists: &[&[&str]]) -> Option<RegexSet> {
    let patterns = lists.iter().flat_map(|list| list.iter()).map(|pattern| bounded(pattern));
    RegexSetBuilder::new(patterns).unicode(false).size_limit(SIZE).build().ok()
}

/// `~4` is at most four words in between; the rest is as in [`SHORTHANDS`].
fn bounded(pattern: &str) -> String {
    let mut text = pattern.to_owned();
    for most in 1..=6 {
        text = text.replace(&format!("~{most}"), &format!("(?: [a-z0-9]+){{0,{most}}}"));
    }
    for (short, long) in SHORTHANDS {
        text = text.replace(short, long);
    }
    format!("\\b(?:{text})(?:\\b|$)")
}

/// Lower case, Latin letters without their marks, no apostrophes, one space between words, ` . ` where a clause ends.
fn plain(text: &str) -> String {
    let mut said = String::with_capacity(text.len() + 8);
    let mut run = (' ', 0);
    for c in text.chars().flat_map(char::to_lowercase) {
        let (letter, more) = match c {
            'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => ('a', None),
            'é' | 'è' | 'ê' | 'ë' => ('e', None),
            'í' | 'ì' | 'î' | 'ï' => ('i', None),
            'ó' | 'ò' | 'ô' | 'ö' | 'õ' => ('o', None),
            'ú' | 'ù' | 'û' | 'ü' => ('u', None),
            'ñ' => ('n', None),
            'ç' => ('c', None),
            'œ' => ('o', Some('e')),
            'ß' => ('s', Some('s')),
            '\'' | '’' | '‘' | '`' | '´' | '*' | '_' => continue,
            '.' | '!' | '?' | ';' | '\n' | '…' | ':' | '(' | ')' => ('.', None),
            other if other.is_alphanumeric() => (other, None),
            _ => (' ', None),
        };
        run = if run.0 == letter { (letter, run.1 + 1) } else { (letter, 1) };
        match letter {
            ' ' | '.' if said.is_empty() => {}
            ' ' if said.ends_with(' ') => {}
            '.' if said.ends_with(". ") => {}
            '.' => said.push_str(if said.ends_with(' ') { ". " } else { " . " }),
            // `pleeease`, `dieee`
            _ if run.1 == 3 && letter.is_alphabetic() => {
                said.pop();
            }
            _ if run.1 > 3 && letter.is_alphabetic() => {}
            _ => said.push(letter),
        }
        said.extend(more);
    }
    said.truncate(said.trim_end_matches([' ', '.']).len());
    said
}

#[cfg(test)]
mod tests;
