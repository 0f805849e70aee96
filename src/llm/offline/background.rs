//! Questions about the character, answered from its background in its own voice.

use super::{
    Material,
    fill::touches,
    stem::content,
    text::{Word, capitalise, has, has_any, words},
    verbs,
};

/// Third-person verbs that open a predicate; anything else is taken for a noun ("mother", "favourite colour").
const VERBS: &[&str] = &[
    "is", "was", "has", "had", "lives", "lived", "works", "worked", "owns", "keeps", "kept", "cooks",
    "drinks", "eats", "listens", "collects", "cannot", "sails", "studies", "studied", "shares", "gives",
    "writes", "wrote", "sings", "sang", "grows", "grew", "plays", "played", "learned", "carries", "draws",
    "bakes", "ran", "runs", "left", "lost", "failed", "earns", "believes", "knows", "looks", "makes",
    "mends", "regrets", "refuses", "sees", "sleeps", "started", "stopped", "starts", "travels", "wants",
    "likes", "loves", "hates", "reads", "once", "never", "calls", "drives", "speaks", "teaches", "taught",
    "paints", "came", "comes", "prefers",
];

/// Words of a question and words of a predicate that mean the same.
const SAME: &[(&str, &[&str])] = &[
    ("where do you live", &["lives in", "lives and works in", "works at"]),
    ("where do you come from", &["grew up in", "was born in", "comes from"]),
    ("where are you from", &["grew up in", "was born in", "comes from"]),
    ("where did you grow up", &["grew up in"]),
    ("where were you born", &["was born in", "grew up in"]),
    ("where do you work", &["works at", "works in", "owns"]),
    ("your mum|mother", &["mother"]),
    ("your dad|father", &["father"]),
    ("your parents", &["father", "mother"]),
    ("your family|parents", &["father", "mother", "daughter"]),
    ("you have a family|parents", &["father", "mother", "daughter"]),
    ("your daughter|kids|children|child", &["daughter", "son"]),
    ("have kids|children|daughter", &["daughter", "son"]),
    ("are you married", &["was married to", "is married to", "was engaged"]),
    ("scared|afraid|scares", &["is afraid of"]),
    ("your biggest|worst fear", &["is afraid of"]),
    ("you cook", &["cooks"]),
    ("you drink", &["drinks"]),
    ("you listen to", &["listens to"]),
    ("you collect", &["collects"]),
    ("you sing", &["sings"]),
    ("you play", &["plays", "plays at", "plays with"]),
    ("you study|studying|research", &["studies"]),
    ("your hobbies|hobby", &["collects", "sings", "grows", "plays"]),
    ("you regret", &["regrets", "worst mistake"]),
    ("you bad at", &["is bad at", "cannot do", "cannot"]),
    ("your biggest mistake|failure|defeat", &["worst mistake", "greatest defeat"]),
    ("your greatest|biggest success|achievement", &["greatest success"]),
];

/// An answer from the background, or from the purpose when that is asked for.
pub(super) fn answer(material: &Material, avoid: &[String]) -> Option<String> {
    let asked = words(&material.message);
    if !has_any(&asked, &["you", "your", "yours"]) || has_any(&asked, &["i", "my"]) {
        return None;
    }
    if has_any(
        &asked,
        &["your purpose|goal|mission", "why are you here", "what are you here for", "what are you for"],
    ) && let Some(purpose) = material.purpose.as_deref().filter(|purpose| !touches(purpose, avoid))
    {
        let mut chars = purpose.trim().trim_end_matches('.').chars();
        let start: String = chars.next().map(|first| first.to_lowercase().collect()).unwrap_or_default();
        return Some(format!("I'm here to {start}{}.", chars.as_str()));
    }
    let best = material
        .background
        .iter()
        .map(|(predicate, object)| (fit(&asked, &material.message, predicate, object), predicate, object))
        .filter(|(fit, predicate, object)| *fit >= 1.0 && !touches(&format!("{predicate} {object}"), avoid))
        .reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    spoken(best.1, best.2)
}

fn fit(asked: &[Word], message: &str, predicate: &str, object: &str) -> f64 {
    let rank = SAME
        .iter()
        .filter(|(cue, _)| has(asked, cue))
        .find_map(|(_, predicates)| predicates.iter().position(|same| *same == predicate));
    if let Some(at) = rank {
        return 3.0 - 0.1 * at as f64;
    }
    let stems = content(message);
    let shared = |text: &str| content(text).iter().filter(|stem| stems.contains(stem)).count() as f64;
    let (by_predicate, by_object) = (shared(predicate), shared(object));
    if by_predicate < 1.0 && by_object < 2.0 {
        return 0.0;
    }
    let told = by_predicate + by_object * 0.7;
    // Most of the question's weight must be in the fact.
    if stems.is_empty() || told / (stems.len() as f64) < 0.7 { 0.0 } else { told.max(1.0) }
}

/// The fact as the character says it; `None` where the grammar is not safe.
fn spoken(predicate: &str, object: &str) -> Option<String> {
    let parts: Vec<&str> = predicate.split_whitespace().collect();
    let (first, rest) = parts.split_first()?;
    if parts.iter().any(|part| matches!(*part, "she" | "he" | "they")) {
        return None;
    }
    let own = |word: &str| match word {
        "his" | "her" | "their" => "my".to_owned(),
        "him" => "me".to_owned(),
        other => other.to_owned(),
    };
    let object = object.trim().trim_end_matches('.');
    if VERBS.contains(first) {
        let verb = if *first == "cannot" && *rest == ["do"] {
            return Some(format!("I cannot {}.", before_pronoun(object, &["she", "he", "they"], own)?));
        } else {
            verbs::with_i(first)
        };
        let rest = rest.iter().fold(String::new(), |said, word| said + " " + &own(word));
        let object = before_pronoun(object, &["she", "he"], own)?;
        return Some(format!("I {verb}{rest} {object}."));
    }
    let object = before_pronoun(object, &["she", "he", "her", "his", "him", "they"], own)?;
    let noun = predicate.trim();
    if noun.ends_with(" called") || noun.ends_with(" named") {
        return Some(format!("My {noun} {object}."));
    }
    let is = if noun.ends_with('s') && !noun.ends_with("ss") { "are" } else { "is" };
    Some(format!("My {noun} {is} {object}.")).map(|text| capitalise(&text))
}

/// The object up to the clause in which it is unclear whom a pronoun means.
fn before_pronoun(object: &str, unclear: &[&str], own: impl Fn(&str) -> String) -> Option<String> {
    let mut kept: Vec<String> = Vec::new();
    for piece in object.split_inclusive([',', ';']) {
        let has_unclear = piece.split(|c: char| !c.is_alphabetic()).any(|word| unclear.contains(&word));
        if has_unclear {
            break;
        }
        let of_another = piece.split(' ').any(|word| matches!(word, "who" | "which" | "that"));
        let mut after_and = false;
        let mut said: Vec<String> = Vec::new();
        for word in piece.split(' ') {
            let verb = after_and && !of_another && VERBS.contains(&word);
            said.push(if verb { verbs::with_i(word) } else { own(word) });
            after_and = word == "and";
        }
        kept.push(said.join(" "));
    }
    let text = kept.concat();
    let text = text.trim_end_matches([',', ';', ' ']).to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "lives in",
        "a narrow brick rowhouse in Baltimore",
        "I live in a narrow brick rowhouse in Baltimore."
    )]
    #[case("is afraid of", "horses, which she considers too tall", "I am afraid of horses.")]
    #[case("mother", "Pilar, who mended nets", "My mother is Pilar, who mended nets.")]
    #[case(
        "daughter",
        "Naomi, a public defender, who argues with him",
        "My daughter is Naomi, a public defender."
    )]
    #[case(
        "cooks",
        "crab soup, from his mother's recipe, which she never wrote down",
        "I cook crab soup, from my mother's recipe."
    )]
    #[case("listens to", "old songs, and sings along badly", "I listen to old songs, and sing along badly.")]
    #[case("cannot do", "find her way in a city", "I cannot find my way in a city.")]
    fn background_is_told_in_the_first_person(
        #[case] predicate: &str,
        #[case] object: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(spoken(predicate, object).as_deref(), Some(expected));
    }
}
