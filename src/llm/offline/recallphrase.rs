//! Whole sentences about what is on record, and plain words for what is not.

use chrono::Datelike;

use super::{
    Material, Recalled, extract,
    fill::touches,
    question::{Ask, Wanted},
    record::{Known, values},
    text::{and_list, capitalise, content, is_question, sentences, stem, words},
    verbs,
};

/// The longest quotation, in characters.
const LONGEST_QUOTE: usize = 240;
/// Facts told when everything is asked for.
const MOST_FACTS: usize = 6;

/// What can be said about the asks: one or more sentences, or `None` when nothing is on record about any of them.
pub(super) fn told(material: &Material, known: &[Known], asks: &[Ask], avoid: &[String]) -> Option<String> {
    let mut clauses: Vec<String> = Vec::new();
    let mut quotes: Vec<String> = Vec::new();
    let mut missing: Vec<String> = Vec::new();
    for ask in asks {
        let found = facts(material, known, ask);
        if !found.is_empty() {
            clauses.extend(found);
        } else if let Some(quote) = quoted(material, ask, avoid) {
            quotes.push(quote);
        } else {
            missing.push(ask.phrase.clone());
        }
    }
    clauses.dedup();
    if clauses.is_empty() && quotes.is_empty() {
        return None;
    }
    let mut said = in_pairs(&clauses);
    said.extend(quotes);
    if !missing.is_empty() {
        let unknown = missing.join(", or about ");
        said.push(format!("I have nothing on record about {unknown}."));
    }
    Some(said.join(" "))
}

/// Two short clauses make one sentence.
fn in_pairs(clauses: &[String]) -> Vec<String> {
    clauses
        .chunks(2)
        .map(|pair| match pair {
            [one, other] => format!("{}, and {other}.", capitalise(one)),
            rest => format!("{}.", capitalise(&rest.join(" "))),
        })
        .collect()
}

fn facts(material: &Material, known: &[Known], ask: &Ask) -> Vec<String> {
    let subject = ask.subject.as_str();
    match &ask.wanted {
        Wanted::Value(predicates) => {
            let mut told: Vec<String> =
                predicates.iter().filter_map(|predicate| clause(known, subject, predicate)).collect();
            if predicates.contains(&"has_pet") {
                told = pets(known, subject);
            }
            let platform_name = material
                .user_name
                .as_ref()
                .filter(|_| subject == extract::SPEAKER && *predicates == ["is_named"]);
            if told.is_empty()
                && let Some(name) = platform_name
            {
                told.push(format!("you are {name} to me"));
            }
            told.truncate(if predicates.len() > 2 && told.len() > 1 { 2 } else { 4 });
            told
        }
        Wanted::Favourite(thing) => known
            .iter()
            .filter(|fact| fact.subject.eq_ignore_ascii_case(subject))
            .filter_map(|fact| {
                fact.predicate.strip_prefix("favourite_").map(|kind| (kind.replace('_', " "), fact))
            })
            .filter(|(kind, _)| {
                thing.is_empty() || content(kind).iter().any(|stem| content(thing).contains(stem))
            })
            .map(|(_, fact)| one(fact))
            .take(2)
            .collect(),
        Wanted::Kin(thing) => kin(known, subject, thing),
        Wanted::Named(name) => named(known, name),
        Wanted::Everything => everything(known, subject),
        Wanted::Open => open(known, ask),
    }
}

fn clause(known: &[Known], subject: &str, predicate: &str) -> Option<String> {
    let found = values(known, subject, predicate);
    let first = *found.first()?;
    let objects: Vec<String> = found.iter().map(|fact| object(fact)).collect();
    Some(sentence(&first.subject, &first.predicate, &and_list(&objects)))
}

fn one(fact: &Known) -> String {
    sentence(&fact.subject, &fact.predicate, &object(fact))
}

fn pets(known: &[Known], subject: &str) -> Vec<String> {
    let mut told = Vec::new();
    for pet in values(known, subject, "has_pet") {
        let named = kin_named(known, subject, &pet.object);
        if named.is_empty() { told.push(one(pet)) } else { told.extend(named) }
    }
    told.dedup();
    told
}

/// Facts about `user's dog`, however the noun is inflected.
fn kin_named(known: &[Known], subject: &str, thing: &str) -> Vec<String> {
    known.iter().filter(|fact| fact.predicate == "is_named" && is_of(fact, subject, thing)).map(one).collect()
}

fn is_of(fact: &Known, subject: &str, thing: &str) -> bool {
    let owned = fact.subject.to_lowercase();
    let Some(noun) = owned.strip_prefix(&format!("{}'s ", subject.to_lowercase())) else { return false };
    let last = |text: &str| text.split(' ').next_back().map(stem).unwrap_or_default();
    // A young dog is a dog.
    let grown = |noun: String| match noun.as_str() {
        "puppy" => "dog".to_owned(),
        "kitten" | "tomcat" => "cat".to_owned(),
        "wife" | "husband" => "partner".to_owned(),
        _ => noun,
    };
    let (ours, theirs) = (last(noun), last(thing));
    if ours == theirs {
        return noun.split(' ').count() < 2 || thing.split(' ').count() < 2 || noun == thing;
    }
    grown(ours) == theirs || theirs == "pet" && extract::lists::PETS.iter().any(|pet| stem(pet) == last(noun))
}

fn kin(known: &[Known], subject: &str, thing: &str) -> Vec<String> {
    let mut told: Vec<String> =
        known.iter().filter(|fact| is_of(fact, subject, thing)).map(one).take(4).collect();
    if !told.is_empty() {
        told.sort_by_key(|clause| !clause.contains(" called "));
        return told;
    }
    let wanted = content(thing);
    let last = wanted.last().cloned().unwrap_or_default();
    let has = |fact: &&Known| {
        let about = format!("{} {}", fact.predicate.replace('_', " "), fact.object);
        fact.subject.eq_ignore_ascii_case(subject)
            && !wanted.is_empty()
            && (fact.predicate.starts_with("has_")
                || fact.predicate.starts_with("does_not_have")
                || fact.predicate == "owns"
                || fact.predicate.contains(thing.replace(' ', "_").as_str()))
            && content(&about).contains(&last)
    };
    told.extend(known.iter().filter(has).map(one).take(3));
    if told.is_empty() && matches!(last.as_str(), "sibling") {
        told.extend(["sister", "brother"].iter().flat_map(|one| kin(known, subject, one)));
    }
    told
}

fn named(known: &[Known], name: &str) -> Vec<String> {
    known
        .iter()
        .filter(|fact| {
            fact.predicate == "is_named" && fact.object.split(' ').any(|part| part.eq_ignore_ascii_case(name))
        })
        .map(|fact| {
            let whose = possessive(&fact.subject);
            if fact.subject == extract::SPEAKER {
                format!("{} is you", fact.object)
            } else {
                format!("{} is {whose}", super::text::capitalise(&fact.object))
            }
        })
        .take(2)
        .collect()
}

fn everything(known: &[Known], subject: &str) -> Vec<String> {
    const ORDER: &[&str] = &[
        "is_named",
        "is_aged",
        "lives_in",
        "comes_from",
        "works_as",
        "works_at",
        "studies",
        "has_pet",
        "likes",
        "dislikes",
    ];
    let mut told: Vec<String> = Vec::new();
    let mut add = |clauses: Vec<String>| {
        for clause in clauses {
            if !told.contains(&clause) {
                told.push(clause);
            }
        }
    };
    for predicate in ORDER {
        add(if *predicate == "has_pet" {
            pets(known, subject)
        } else {
            clause(known, subject, predicate).into_iter().collect()
        });
    }
    let owned = format!("{subject}'s ");
    let rest = known.iter().filter(|fact| {
        let own = fact.subject.eq_ignore_ascii_case(subject) && !ORDER.contains(&fact.predicate.as_str());
        let kin_with_name =
            fact.predicate.starts_with("has_") && fact.object.chars().next().is_some_and(char::is_uppercase);
        (own && !kin_with_name) || fact.subject.starts_with(&owned)
    });
    add(rest.map(one).collect());
    told.truncate(MOST_FACTS);
    told
}

/// Facts that share enough words with an open question.
fn open(known: &[Known], ask: &Ask) -> Vec<String> {
    let asked = content(&ask.said);
    if asked.is_empty() {
        return Vec::new();
    }
    let fits = |fact: &&Known| {
        let about = content(&format!(
            "{} {} {}",
            fact.subject.replace("user", ""),
            fact.predicate.replace('_', " "),
            fact.object
        ));
        let shared = asked.iter().filter(|stem| about.contains(stem)).count();
        let own = fact.subject.to_lowercase().starts_with(&ask.subject.to_lowercase());
        own && shared * 3 >= asked.len() * 2 && shared > 0
    };
    known.iter().filter(fits).map(one).take(2).collect()
}

/// The recalled words that fit the question best, quoted.
fn quoted(material: &Material, ask: &Ask, avoid: &[String]) -> Option<String> {
    let direct = matches!(ask.wanted, Wanted::Value(_) | Wanted::Favourite(_) | Wanted::Named(_));
    let thing = match &ask.wanted {
        Wanted::Kin(thing) => content(thing),
        _ => content(&ask.said)
            .into_iter()
            .filter(|stem| {
                !matches!(
                    stem.as_str(),
                    "talk"
                        | "spok"
                        | "speak"
                        | "mention"
                        | "week"
                        | "yesterday"
                        | "last"
                        | "tim"
                        | "earlier"
                        | "befor"
                        | "nam"
                        | "call"
                        | "discuss"
                        | "today"
                        | "everyth"
                        | "convers"
                )
            })
            .collect(),
    };
    if matches!(ask.wanted, Wanted::Everything) || !direct {
        let best = candidates(material, ask, avoid)
            .map(|(line, sentence)| {
                let stems = content(&sentence);
                let shared = thing.iter().filter(|stem| stems.contains(stem)).count();
                (if thing.is_empty() { 1.0 } else { shared as f64 / thing.len() as f64 }, line, sentence)
            })
            .reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        // Half of the weighty words, or all the question has.
        return (best.0 >= 0.5).then(|| quotation(material, best.1, &best.2));
    }
    None
}

fn candidates<'a>(
    material: &'a Material,
    ask: &'a Ask,
    avoid: &'a [String],
) -> impl Iterator<Item = (&'a Recalled, String)> {
    let own = ask.subject == extract::SPEAKER;
    material
        .recalled
        .iter()
        .filter(move |line| {
            if own {
                line.own_words_of_user
            } else {
                line.speaker.as_deref().is_some_and(|speaker| speaker.eq_ignore_ascii_case(&ask.subject))
            }
        })
        .filter(move |line| line.text.trim() != material.message.trim() && !touches(&line.text, avoid))
        .flat_map(|line| sentences(&line.text).into_iter().map(move |sentence| (line, sentence)))
        .filter(|(_, sentence)| !is_question(sentence) && content(sentence).len() > 1)
}

fn quotation(material: &Material, line: &Recalled, sentence: &str) -> String {
    let whole = line.text.trim().replace('\n', " ");
    let text = if whole.chars().count() <= LONGEST_QUOTE && !whole.contains('?') {
        whole
    } else {
        sentence.to_owned()
    };
    let text: String = text.chars().take(LONGEST_QUOTE).collect();
    let when = date(material, line);
    let said = if line.own_words_of_user {
        "You told me".to_owned()
    } else {
        format!("{} said", line.speaker.clone().unwrap_or_else(|| "Somebody".into()))
    };
    let text = text.trim().replace('"', "'");
    let end = if text.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{said}{when}: \"{text}{end}\"")
}

/// ` yesterday`, ` on 3 May`, in the user's time zone.
fn date(material: &Material, line: &Recalled) -> String {
    let zone: chrono_tz::Tz =
        material.preferences.timezone.as_deref().and_then(|name| name.parse().ok()).unwrap_or(chrono_tz::UTC);
    let (then, now) = (
        line.when.to_utc().with_timezone(&zone).date_naive(),
        material.now.to_utc().with_timezone(&zone).date_naive(),
    );
    match now.signed_duration_since(then).num_days() {
        ..=0 => String::new(),
        1 => " yesterday".to_owned(),
        _ if then.year() == now.year() => format!(" on {}", then.format("%-d %B")),
        _ => format!(" on {}", then.format("%-d %B %Y")),
    }
}

/// The value, from the user's point of view, names with their capital.
fn object(fact: &Known) -> String {
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
    let words = words(&raw);
    let speaks_of_self =
        words.iter().any(|word| matches!(word.low.as_str(), "my" | "i" | "me" | "mine" | "our" | "myself"));
    match (speaks_of_self, fact.subject.starts_with(extract::SPEAKER)) {
        (true, true) => verbs::as_you(&words),
        (true, false) => verbs::as_they(&words),
        _ => raw,
    }
}

fn possessive(subject: &str) -> String {
    subject.strip_prefix("user's ").map_or_else(|| subject.to_owned(), |thing| format!("your {thing}"))
}

/// A clause without its full stop: `you live in Lisbon`, `your dog is called Luna`.
fn sentence(subject: &str, predicate: &str, object: &str) -> String {
    let own = subject == extract::SPEAKER;
    let who = if own { "you".to_owned() } else { possessive(subject) };
    let whose = if own { "your".to_owned() } else { format!("{who}'s") };
    let plural = !own && who.contains(' ') && who.ends_with('s') && !who.ends_with("ss");
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

fn having(who: &str, whose: &str, have: &str, kin: &str, object: &str) -> String {
    let count = extract::lists::NUMBERS.iter().position(|number| *number == object);
    let plural = if kin == "child" { "children".to_owned() } else { format!("{kin}s") };
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
    let mut parts = predicate.split('_').filter(|part| !part.is_empty());
    let verb = parts.next().unwrap_or("is");
    let verb = if as_you { verbs::with_you(verb) } else { verb.to_owned() };
    let rest: Vec<&str> = parts.collect();
    let gap = if rest.is_empty() { "" } else { " " };
    format!("{who} {verb}{gap}{} {object}", rest.join(" ")).replace("are no longer", "no longer")
}
