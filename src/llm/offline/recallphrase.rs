//! Whole sentences about what is on record, and plain words for what is not.

use chrono::Datelike;

use super::{
    Material, Recalled, extract,
    fill::touches,
    grammar::{object, possessive, sentence},
    life, overview,
    question::{Ask, Wanted},
    record::{Known, Record, values},
    stem::{content, stem},
    text::{and_list, capitalise, has_any, is_question, sentences, strip, words},
    whether,
};

/// The longest quotation, in characters.
const LONGEST_QUOTE: usize = 240;

/// What can be said about the asks: one or more sentences, or `None` when nothing is on record about any of them.
pub(super) fn told(material: &Material, record: &Record, asks: &[Ask], avoid: &[String]) -> Option<String> {
    let known = record.held.as_slice();
    let mut clauses: Vec<String> = Vec::new();
    let mut quotes: Vec<String> = Vec::new();
    let mut missing: Vec<String> = Vec::new();
    for ask in asks {
        let found = facts(material, known, ask);
        if let Some(sentence) = whole(material, record, ask) {
            quotes.push(sentence);
        } else if !found.is_empty() {
            clauses.extend(found);
        } else if let Some(past) = over(record, ask) {
            quotes.push(past);
        } else if let Some(quote) = quoted(material, record, ask, avoid) {
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

/// Answers that are sentences of their own.
fn whole(material: &Material, record: &Record, ask: &Ask) -> Option<String> {
    let subject = ask.subject.as_str();
    match &ask.wanted {
        Wanted::Whether(stated, of_past) => whether::answer(record, subject, stated, *of_past),
        Wanted::Before(predicate) => whether::before(record, subject, predicate),
        Wanted::HowMany(thing) => whether::how_many(record, subject, thing),
        Wanted::Value(["lives_in"]) if has_any(&words(&ask.said), &["where did i live"]) => {
            whether::before(record, subject, "lives_in")
        }
        Wanted::Everything => {
            let nickname = material.preferences.nickname.as_deref();
            let nickname = nickname.filter(|name| subject == extract::SPEAKER && !name.is_empty());
            overview::told(&record.held, subject, nickname)
        }
        _ => None,
    }
}

/// Two short clauses make one sentence; what is said of the same dog or sister is said in one breath.
fn in_pairs(clauses: &[String]) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for clause in clauses {
        let same = joined
            .last_mut()
            .and_then(|last| shared_subject(last, clause).map(|rest| format!("{last} and {rest}")));
        match (same, joined.last_mut()) {
            (Some(longer), Some(last)) => *last = longer,
            _ => joined.push(clause.clone()),
        }
    }
    joined
        .chunks(2)
        .map(|pair| match pair {
            [one, other] => format!("{}, and {other}.", capitalise(one)),
            rest => format!("{}.", capitalise(&rest.join(" "))),
        })
        .collect()
}

/// `lives in Porto`, where both clauses are about `your sister`; never joins a third.
pub(super) fn shared_subject<'a>(one: &str, other: &'a str) -> Option<&'a str> {
    let (subject, _) = one.split_once(" is called ").filter(|_| one.matches(" and ").count() == 0)?;
    other.strip_prefix(subject)?.strip_prefix(' ').filter(|rest| !rest.starts_with("is called"))
}

fn facts(material: &Material, known: &[Known], ask: &Ask) -> Vec<String> {
    let subject = ask.subject.as_str();
    match &ask.wanted {
        Wanted::Value(predicates) if subject.contains("'s ") => {
            let (whose, thing) = subject.split_once("'s ").unwrap_or((subject, ""));
            let of_them =
                |fact: &&Known| is_of(fact, whose, thing) && predicates.contains(&fact.predicate.as_str());
            known.iter().filter(of_them).map(one).take(3).collect()
        }
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
            let nickname = material.preferences.nickname.as_deref().filter(|name| !name.is_empty());
            if let Some(nickname) = nickname.filter(|_| platform_name.is_some() && !told.is_empty()) {
                let of_calling = has_any(&words(&ask.said), &["called", "call"]);
                let at = if of_calling { 0 } else { told.len() };
                told.insert(at, format!("you asked me to call you {nickname}"));
            }
            if told.is_empty()
                && let Some(name) = platform_name
            {
                told.push(match &material.preferences.nickname {
                    Some(nickname) => format!("you asked me to call you {nickname}"),
                    // The name of an account is what somebody goes by, not what they said they are called.
                    None => {
                        format!("you go by {} here, and you have told me no other name", capitalise(name))
                    }
                });
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
        Wanted::Kin(thing) | Wanted::HowMany(thing) => kin(known, subject, thing),
        Wanted::Named(name) => named(known, name),
        Wanted::Open => open(known, ask),
        Wanted::Whether(..) | Wanted::Before(_) | Wanted::WhenTold | Wanted::Everything => Vec::new(),
    }
}

pub(super) fn clause(known: &[Known], subject: &str, predicate: &str) -> Option<String> {
    let found = values(known, subject, predicate);
    let first = *found.first()?;
    let objects: Vec<String> = found.iter().map(|fact| object(fact)).collect();
    Some(sentence(&first.subject, &first.predicate, &and_list(&objects)))
}

pub(super) fn one(fact: &Known) -> String {
    sentence(&fact.subject, &fact.predicate, &object(fact))
}

pub(super) fn pets(known: &[Known], subject: &str) -> Vec<String> {
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
                whether::one_of(fact, name, &whose)
            }
        })
        .take(2)
        .collect()
}

/// What was so until life changed, in the past tense.
fn over(record: &Record, ask: &Ask) -> Option<String> {
    let subject = ask.subject.as_str();
    let own = |fact: &&Known| fact.subject.eq_ignore_ascii_case(subject);
    let past = record.past.iter();
    let mut told: Vec<String> = match &ask.wanted {
        Wanted::Value(["has_pet"]) => past
            .filter(|fact| fact.predicate == "is_named" && is_of(fact, subject, "pet"))
            .map(life::was)
            .collect(),
        Wanted::Value(predicates) => past
            .filter(|fact| own(fact) && predicates.contains(&fact.predicate.as_str()))
            .map(life::was)
            .collect(),
        Wanted::Kin(thing) | Wanted::HowMany(thing) => past
            .filter(|fact| is_of(fact, subject, thing) || own(fact) && has_kind(fact, thing))
            .map(life::was)
            .collect(),
        Wanted::Named(name) => past
            .filter(|fact| fact.predicate == "is_named" && fact.object.eq_ignore_ascii_case(name))
            .map(life::who_was)
            .collect(),
        _ => Vec::new(),
    };
    told.sort_by_key(|clause| !clause.contains(" called "));
    let first = told.into_iter().next()?;
    let asks_whether = strip(&words(&ask.said), "do|have i have|got").is_some();
    Some(if asks_whether {
        format!("No, not any more: {first}.")
    } else {
        format!("{}.", capitalise(&first))
    })
}

fn has_kind(fact: &Known, thing: &str) -> bool {
    let wanted = thing.split(' ').next_back().map(stem).unwrap_or_default();
    let kind = match fact.predicate.strip_prefix("has_") {
        Some("pet") => fact.object.as_str(),
        Some(kin) => kin,
        None => return false,
    };
    kind.split([' ', '_']).next_back().map(stem).unwrap_or_default() == wanted
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
fn quoted(material: &Material, record: &Record, ask: &Ask, avoid: &[String]) -> Option<String> {
    let direct = matches!(
        ask.wanted,
        Wanted::Value(_)
            | Wanted::Favourite(_)
            | Wanted::Named(_)
            | Wanted::Whether(..)
            | Wanted::Before(_)
            | Wanted::HowMany(_)
    );
    // What was corrected is quoted only to somebody who asks what they said.
    let of_saying = has_any(
        &words(&ask.said),
        &["tell|told|say|said|mention|mentioned|talk|talked|discuss|discussed|remember"],
    );
    let corrected = |sentence: &str| {
        !of_saying
            && extract::statements(sentence).iter().any(|fact| {
                let subject = fact.subject.replacen(extract::SPEAKER, &ask.subject, 1);
                record.ended.iter().any(|ended| {
                    ended.subject.eq_ignore_ascii_case(&subject)
                        && ended.predicate == fact.predicate
                        && ended.object.eq_ignore_ascii_case(&fact.object)
                })
            })
    };
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
        let of_name = matches!(ask.wanted, Wanted::WhenTold) && thing.is_empty();
        let names =
            |sentence: &str| extract::statements(sentence).iter().any(|fact| fact.predicate == "is_named");
        let supposed = |sentence: &str| !of_saying && extract::is_supposed(sentence);
        // Words that say nothing fit everything.
        if thing.is_empty() && !of_saying && matches!(ask.wanted, Wanted::Open | Wanted::Kin(_)) {
            return None;
        }
        let best = candidates(material, ask, avoid)
            .filter(|(_, sentence)| !supposed(sentence))
            .filter(|(_, sentence)| !of_name || names(sentence))
            .filter(|(_, sentence)| !corrected(sentence))
            .map(|(line, sentence)| {
                let stems = content(&sentence);
                let shared = thing.iter().filter(|stem| stems.contains(stem)).count();
                (if thing.is_empty() { 1.0 } else { shared as f64 / thing.len() as f64 }, line, sentence)
            })
            .reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        // Half of the weighty words, or all the question has.
        let dated = matches!(ask.wanted, Wanted::WhenTold);
        return (best.0 >= 0.5).then(|| quotation(material, best.1, &best.2, dated));
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
        .filter(|(_, sentence)| {
            !is_question(sentence) && content(sentence).len() > 1 && extract::forgets(sentence).is_none()
        })
}

fn quotation(material: &Material, line: &Recalled, sentence: &str, dated: bool) -> String {
    let whole = line.text.trim().replace('\n', " ");
    let text = if whole.chars().count() <= LONGEST_QUOTE && !whole.contains('?') {
        whole
    } else {
        sentence.to_owned()
    };
    let text: String = text.chars().take(LONGEST_QUOTE).collect();
    let when = match date(material, line) {
        today if today.is_empty() && dated => " earlier today".to_owned(),
        when => when,
    };
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
