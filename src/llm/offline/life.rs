//! Changes of life: which facts a parting, a loss or a job that was left takes with it, and how they are told then.

use super::{
    extract::{self, lists::PETS},
    grammar::{self, object},
    record::Known,
};

const PARTNERS: &[&str] =
    &["girlfriend", "boyfriend", "wife", "husband", "partner", "fiancé", "fiance", "fiancée", "fiancee"];

/// True when a later change of life among `known` ended `fact`.
pub(super) fn over(known: &[Known], fact: &Known) -> bool {
    known
        .iter()
        .filter(|change| change.when > fact.when || change.when == fact.when && change.predicate != "left")
        .any(|change| {
            let Some(rest) = strip_owner(&fact.subject, &change.subject) else { return false };
            match change.predicate.as_str() {
                "left" => {
                    rest.is_empty() && matches!(fact.predicate.as_str(), "works_as" | "works_at" | "works_in")
                }
                "parted_with" => touched(known, fact, rest, &change.object, is_partner),
                "lost" => touched(known, fact, rest, &change.object, |noun| {
                    extract::is_kin(noun) && change.object != "my partner"
                }),
                "is" if change.object == "single" => touched(known, fact, rest, "my partner", is_partner),
                predicate => {
                    predicate.starts_with("has_ex") && touched(known, fact, rest, &change.object, is_partner)
                }
            }
        })
}

/// What stands behind the owner: nothing, or the noun of `user's dog`.
fn strip_owner<'a>(subject: &'a str, owner: &str) -> Option<&'a str> {
    if subject.eq_ignore_ascii_case(owner) {
        return Some("");
    }
    let (whose, noun) = subject.split_once("'s ")?;
    whose.eq_ignore_ascii_case(owner).then_some(noun)
}

fn is_partner(noun: &str) -> bool {
    PARTNERS.contains(&noun)
}

/// True when `fact` is about whom `whom` (`my dog`, `my partner`, a name) means, of a kind that `may` end so.
fn touched(known: &[Known], fact: &Known, noun: &str, whom: &str, may: impl Fn(&str) -> bool) -> bool {
    let kind = match (noun.is_empty(), fact.predicate.strip_prefix("has_")) {
        (false, _) => noun.to_owned(),
        (true, Some("pet")) => fact.object.clone(),
        (true, Some(kin)) => kin.replace('_', " "),
        (true, None) => return false,
    };
    let last = kind.split(' ').next_back().unwrap_or_default();
    if !may(last) {
        return false;
    }
    if whom == "my partner" {
        return is_partner(last);
    }
    if let Some(meant) = whom.strip_prefix("my ") {
        return meant == last || meant == "pet" && PETS.contains(&last);
    }
    let owner = fact.subject.split("'s ").next().unwrap_or(&fact.subject);
    known.iter().any(|name| {
        name.predicate == "is_named"
            && name.object.eq_ignore_ascii_case(whom)
            && strip_owner(&name.subject, owner).is_some_and(|named| !named.is_empty() && named == kind)
    }) || fact.object.eq_ignore_ascii_case(whom)
}

/// A fact that is over, as a clause in the past tense: `your dog was called Luna`.
pub(super) fn was(fact: &Known) -> String {
    let said = object(fact);
    let told = grammar::sentence(&fact.subject, &fact.predicate, &said);
    if let Some(kin) = fact.predicate.strip_prefix("has_").filter(|kin| *kin != "pet")
        && fact.object.chars().next().is_some_and(char::is_uppercase)
    {
        return format!("{said} was {} {}", whose(&fact.subject), kin.replace('_', " "));
    }
    [
        (" is called ", " was called "),
        (" are called ", " were called "),
        (" works ", " worked "),
        (" work ", " worked "),
        (" lives ", " lived "),
        (" live ", " lived "),
        (" has ", " had "),
        (" have ", " had "),
        (" likes ", " liked "),
        (" is ", " was "),
        (" are ", " were "),
    ]
    .iter()
    .find_map(|(now, then)| told.split_once(now).map(|(who, rest)| format!("{who}{then}{rest}")))
    .unwrap_or_else(|| format!("once, {told}"))
}

/// Who somebody was: `Lena was your girlfriend`.
pub(super) fn who_was(fact: &Known) -> String {
    let is = if fact.object.contains(" and ") { "were" } else { "was" };
    format!("{} {is} {}", object(fact), grammar::possessive(&fact.subject))
}

fn whose(subject: &str) -> String {
    if subject == extract::SPEAKER { "your".to_owned() } else { format!("{subject}'s") }
}
