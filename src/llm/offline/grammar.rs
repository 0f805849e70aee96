//! Facts as clauses: `you live in Lisbon`, `your dog is called Luna`.

use super::{
    extract,
    record::Known,
    text::{and_list, capitalise, words},
    verbs,
};

/// The value, from the user's point of view, names with their capital.
pub(super) fn object(fact: &Known) -> String {
    let low = fact.object.to_lowercase();
    let raw = if fact.predicate == "is_named" && low == fact.object {
        fact.object
            .split(' ')
            .map(|part| if part == "and" { part.to_owned() } else { capitalise(part) })
            .collect::<Vec<_>>()
            .join(" ")
    } else {
        fact.object.clone()
    };
    let raw = if fact.predicate == "is_named" && raw.matches(" and ").count() > 1 {
        and_list(&raw.split(" and ").map(str::to_owned).collect::<Vec<_>>())
    } else {
        raw
    };
    let words = words(&raw);
    let speaks_of_self =
        words.iter().any(|word| matches!(word.low.as_str(), "my" | "i" | "me" | "mine" | "our" | "myself"));
    match (speaks_of_self, fact.subject.starts_with(extract::SPEAKER)) {
        (true, true) => verbs::as_you(&words),
        (true, false) => verbs::as_they(&words),
        _ => raw,
    }
}

pub(super) fn possessive(subject: &str) -> String {
    subject.strip_prefix("user's ").map_or_else(|| subject.to_owned(), |thing| format!("your {thing}"))
}

/// A clause without its full stop: `you live in Lisbon`, `your dog is called Luna`.
pub(super) fn sentence(subject: &str, predicate: &str, object: &str) -> String {
    let own = subject == extract::SPEAKER;
    let who = if own { "you".to_owned() } else { possessive(subject) };
    let whose = if own { "your".to_owned() } else { format!("{who}'s") };
    let plural = !own && who.contains(' ') && is_plural(&who);
    let with = |you: &str, they: &str| if own || plural { you.to_owned() } else { they.to_owned() };
    let be = with("are", "is");
    let have = with("have", "has");
    let article = |noun: &str| {
        let counted = noun.split(' ').next().is_some_and(|first| {
            extract::lists::NUMBERS.contains(&first)
                || matches!(first, "a" | "an" | "the" | "some" | "my" | "your")
                || first.ends_with("'s")
        });
        let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']);
        if counted { noun.to_owned() } else { format!("{} {noun}", if vowel { "an" } else { "a" }) }
    };
    if let Some(thing) = predicate.strip_prefix("favourite_") {
        return format!("{whose} favourite {} is {object}", thing.replace('_', " "));
    }
    match predicate {
        "is_named" if own => format!("your name is {object}"),
        "is_named" => format!("{who} {be} called {object}"),
        "is_aged" => format!("{who} {be} {object} years old"),
        "works_as" => format!("{who} {} as {}", with("work", "works"), article(object)),
        "birthday_is" => format!("{whose} birthday is {object}"),
        "born_in_year" => format!("{who} {} born in {object}", with("were", "was")),
        "has_pet" | "owns" => format!("{who} {have} {}", article(object)),
        "has_condition" => format!("{who} {have} {object}"),
        "does_not_have" => format!("{who} {have} no {object}"),
        "is" => format!("{who} {be} {object}"),
        "learns" => format!("{who} {be} learning {object}"),
        "plans_to" => format!("{who} {be} planning to {object}"),
        "dislikes" => format!("{who} {} not like {object}", with("do", "does")),
        "drives" => format!("{who} {} {}", with("drive", "drives"), article(object)),
        _ => match predicate.strip_prefix("has_") {
            Some(kin) => having(&who, &whose, &have, &kin.replace('_', " "), object),
            None => generic(&who, own || plural, predicate, object),
        },
    }
}

/// `children` of `child`.
pub(super) fn plural_of(noun: &str) -> String {
    match noun {
        "child" => "children".to_owned(),
        "wife" => "wives".to_owned(),
        "mouse" => "mice".to_owned(),
        "fish" | "sheep" | "goldfish" => noun.to_owned(),
        _ => match noun.strip_suffix('y') {
            Some(root) if !root.ends_with(['a', 'e', 'o', 'u']) => format!("{root}ies"),
            _ if noun.ends_with(['s', 'x']) || noun.ends_with("ch") => format!("{noun}es"),
            _ => format!("{noun}s"),
        },
    }
}

/// True when a phrase ends in a noun of which there are several.
pub(super) fn is_plural(phrase: &str) -> bool {
    let last = phrase.split(' ').next_back().unwrap_or_default();
    matches!(last, "children" | "mice" | "wives")
        || last.ends_with('s') && !last.ends_with("ss") && last != "boss"
}

fn having(who: &str, whose: &str, have: &str, kin: &str, object: &str) -> String {
    let count = extract::lists::NUMBERS.iter().position(|number| *number == object);
    let plural = plural_of(kin);
    if object.contains(" and ") {
        return format!("{whose} {plural} are called {object}");
    }
    match count {
        Some(0) => format!("{who} {have} a {kin}"),
        Some(_) => format!("{who} {have} {object} {plural}"),
        None if object == "some" || object.parse::<u32>().is_ok() => {
            format!("{who} {have} {object} {plural}")
        }
        None => format!("{whose} {kin} is called {object}"),
    }
}

/// A predicate of another extractor, read as a verb.
fn generic(who: &str, as_you: bool, predicate: &str, object: &str) -> String {
    if let Some(ended) = predicate.strip_prefix("no_longer_") {
        return generic(&format!("{who} no longer"), as_you, ended, object);
    }
    let mut parts = predicate.split('_').filter(|part| !part.is_empty());
    let verb = parts.next().unwrap_or("is");
    let verb = if as_you { verbs::with_you(verb) } else { verb.to_owned() };
    let rest: Vec<&str> = parts.collect();
    let gap = if rest.is_empty() { "" } else { " " };
    format!("{who} {verb}{gap}{} {object}", rest.join(" ")).replace("are no longer", "no longer")
}
