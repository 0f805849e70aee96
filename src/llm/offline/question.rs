//! Questions about the past and about the user, taken apart into what each of them wants to know.

use super::extract::Found;
use super::text::{Word, find, has, has_any, is_question, join, sentences, strip, words};
use super::{verbs, whether};

/// One thing that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wanted {
    /// A value under one of these predicates.
    Value(&'static [&'static str]),
    /// A pet or a person of the user, or anything of theirs that has a name.
    Kin(String),
    /// The favourite of its kind.
    Favourite(String),
    /// Who or what a name stands for.
    Named(String),
    /// Whether this holds; `true` when it may be over.
    Whether(Vec<Found>, bool),
    /// What held before, under this predicate.
    Before(&'static str),
    /// How many of a kind there are.
    HowMany(String),
    /// When it was told.
    WhenTold,
    /// All there is.
    Everything,
    /// Whatever was said that fits the words.
    Open,
}

/// A question, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ask {
    pub(super) wanted: Wanted,
    /// Whom it is about; `user`, or a name.
    pub(super) subject: String,
    /// What is asked, as it is said back: `where you live`.
    pub(super) phrase: String,
    /// The words of the part.
    pub(super) said: String,
}

const VALUES: &[(&str, &[&str], &str)] = &[
    ("what is my name", &["is_named"], "your name"),
    ("what my name is", &["is_named"], "your name"),
    ("what am i called", &["is_named"], "your name"),
    ("do|will|should you call me", &["is_named"], "your name"),
    ("know|remember|say my name", &["is_named"], "your name"),
    ("tell|told you my name", &["is_named"], "your name"),
    ("who am i $", &["is_named"], "your name"),
    ("who i am $", &["is_named"], "your name"),
    ("where do|did i live", &["lives_in"], "where you live"),
    ("am i living in", &["lives_in"], "where you live"),
    ("where am i living", &["lives_in"], "where you live"),
    ("where i live", &["lives_in"], "where you live"),
    ("where is my home", &["lives_in"], "where you live"),
    ("city|town|country do i live in", &["lives_in"], "where you live"),
    ("where am i from", &["comes_from"], "where you come from"),
    ("where i am from", &["comes_from"], "where you come from"),
    ("where do i come from", &["comes_from"], "where you come from"),
    ("where did i grow up", &["comes_from"], "where you come from"),
    ("where was i born", &["comes_from"], "where you come from"),
    ("where do i work", &["works_at", "works_in", "works_as"], "where you work"),
    ("where i work", &["works_at", "works_in", "works_as"], "where you work"),
    ("what do i do", &["works_as", "works_at", "works_in", "studies"], "what you do"),
    ("what i do", &["works_as", "works_at", "works_in", "studies"], "what you do"),
    ("my job|work|profession|occupation", &["works_as", "works_at", "works_in"], "your work"),
    ("how old am i", &["is_aged"], "your age"),
    ("how old i am", &["is_aged"], "your age"),
    ("my age", &["is_aged"], "your age"),
    ("my birthday", &["birthday_is", "born_in_year"], "your birthday"),
    ("when was i born", &["birthday_is", "born_in_year"], "your birthday"),
    ("i allergic to", &["is_allergic_to"], "what you are allergic to"),
    ("am i allergic", &["is_allergic_to"], "what you are allergic to"),
    ("my allergies|allergy", &["is_allergic_to"], "your allergies"),
    ("do i speak", &["speaks"], "the languages that you speak"),
    ("do|did i study", &["studies", "studies_at", "studied_at"], "what you study"),
    ("am i studying", &["studies", "studies_at"], "what you study"),
    ("am i learning", &["learns"], "what you are learning"),
    ("what do i play", &["plays"], "what you play"),
    ("instrument do i play", &["plays"], "what you play"),
    ("what do|did i like|love|enjoy|say|tell i? like? $", &["likes"], "what you like"),
    ("what do i like|love|enjoy", &["likes"], "what you like"),
    ("what i like|love", &["likes"], "what you like"),
    ("what do i not like", &["dislikes"], "what you do not like"),
    ("what do i hate|dislike", &["dislikes"], "what you do not like"),
    ("am i afraid|scared of", &["is_afraid_of"], "what you are afraid of"),
    ("what pets|animals do i have", &["has_pet"], "your pets"),
    ("do i have any|a pets|animals|pet", &["has_pet"], "your pets"),
    ("my pets|animals", &["has_pet"], "your pets"),
];

/// Questions about what was before.
const BEFORE: &[(&str, &str, &str)] = &[
    ("where did i use|used to live", "lives_in", "where you lived before"),
    ("where i used to live", "lives_in", "where you lived before"),
    (
        "where did|have i live|lived before|earlier|previously|first|until",
        "lives_in",
        "where you lived before",
    ),
    ("where was i living before|earlier|previously", "lives_in", "where you lived before"),
    ("where have i lived", "lives_in", "where you lived before"),
    ("where i lived before|earlier|previously", "lives_in", "where you lived before"),
    ("where did i move from", "lives_in", "where you lived before"),
    ("my old|former|previous|last home|city|town|address|place", "lives_in", "where you lived before"),
    ("where did i work before|earlier|previously", "works_at", "where you worked before"),
    ("where did i use|used to work", "works_at", "where you worked before"),
    ("my old|former|previous|last job|profession", "works_as", "your work before"),
    ("what did i do before|earlier|previously", "works_as", "your work before"),
];

/// Questions about somebody of the user's: what stands before them, what behind, what is asked, and how it is said back.
const OF_KIN: &[(&str, &str, &[&str], &str)] = &[
    ("where do|does my|our", "live", &["lives_in"], "where your {} lives"),
    ("where is my|our", "living", &["lives_in"], "where your {} lives"),
    ("where is my|our", "from", &["comes_from"], "where your {} comes from"),
    ("where do|does my|our", "work", &["works_at", "works_in", "works_as"], "where your {} works"),
    ("what do|does my|our", "do", &["works_as", "works_at", "studies"], "what your {} does"),
    ("how old is|are my|our", "", &["is_aged"], "how old your {} is"),
    ("when is my|our", "'s birthday", &["birthday_is"], "the birthday of your {}"),
];

const EVERYTHING: &[&str] = &[
    "everything you know|remember|have",
    "everything about me",
    "all you know|remember $",
    "all you know|remember about me",
    "do you know|remember about me",
    "you know|remember about me",
    "do you remember|know me $",
    "remember me $",
    "do you still? remember|know me",
    "about me $",
    "tell me about myself",
    "what have i told you $",
    "what did i tell you $",
    "what i told you $",
    "what i have told you $",
    "what did i say $",
    "what i said $",
    "have on record|file about me",
    "learned|learnt about me",
    "do you remember $",
    "you remember $",
    "what do you remember $",
];

/// First-person questions that ask for help, not for memories.
const NOT_MEMORY: &[&str] = &[
    "should i",
    "how do|can|could|would|should|did|may i",
    "can|could|may|shall i",
    "why do|am|did|can i",
    "do i need|have to|look|sound|seem|deserve",
    "what can|should|could|would i",
    "where can|should|could i",
    "am i talking|speaking|chatting",
    "will i",
    "would i",
    "who am i talking|speaking",
    "do you like|think|love|want|see|believe|understand|hear|hate",
    "are you",
    "what if",
    "must i",
    "what do i need",
    "do i know you",
    "am i right|wrong|crazy|weird|ok|boring|annoying|ugly|stupid|being|bothering",
];

/// What `message` asks about the past; empty when it does not. `people`: others whose words are at hand.
pub(super) fn asks(message: &str, flagged: bool, people: &[String]) -> Vec<Ask> {
    let mut found = Vec::new();
    for sentence in sentences(message) {
        let all = words(&sentence);
        let asking = is_question(&sentence)
            || has_any(
                &all,
                &[
                    "remind me what|where|when|who|of|about",
                    "tell me what|where|when|who|my|everything|all",
                    "everything you know|remember",
                    "tell me about me|myself|my",
                    "do you remember|know|recall",
                    "did i tell|say|mention",
                    "what i told|said",
                ],
            )
            || has(&all, "you remember $");
        let future = has_any(&all, &["remind me to", "remember to", "remember that", "please remember"]);
        if !asking || future {
            continue;
        }
        let person =
            people.iter().find(|person| all.iter().any(|word| word.raw.eq_ignore_ascii_case(person)));
        let seen = person.map_or_else(|| all.clone(), |person| as_first_person(&all, person));
        for part in parts(&seen) {
            if let Some(mut ask) = kin_asked(part).or_else(|| of_part(part, flagged, found.is_empty())) {
                if let Some(person) = person {
                    ask.phrase = ask.phrase.replace("your", &format!("{person}'s")).replace("you", person);
                    ask.subject = ask.subject.replacen(super::extract::SPEAKER, person, 1);
                }
                if !found.contains(&ask) {
                    found.push(ask);
                }
            }
        }
    }
    found
}

/// `Where does Sam live` read as Sam would ask it.
fn as_first_person(all: &[Word], person: &str) -> Vec<Word> {
    let mut read: Vec<Word> = Vec::new();
    for (at, word) in all.iter().enumerate() {
        let next = all.get(at + 1).map(|next| next.low.as_str());
        let mut turned = word.clone();
        if word.raw.eq_ignore_ascii_case(person) {
            (if next == Some("'s") { "my" } else { "i" }).clone_into(&mut turned.low);
        } else if word.low == "'s"
            && read.last().is_some_and(|last| last.low == "my" && last.raw.eq_ignore_ascii_case(person))
        {
            continue;
        } else if word.low == "does" {
            "do".clone_into(&mut turned.low);
        } else if word.low == "is"
            && next.is_some_and(|next| next.eq_ignore_ascii_case(person))
            && all.get(at + 2).is_none_or(|after| after.low != "'s")
        {
            "am".clone_into(&mut turned.low);
        }
        read.push(turned);
    }
    read
}

/// The parts of `What is my name and where do I live`.
fn parts(words: &[Word]) -> Vec<&[Word]> {
    const OPEN: &[&str] = &["what", "where", "who", "when", "how", "which", "my", "do", "did", "am", "is"];
    let mut cuts = vec![0];
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).map(|next| next.low.as_str());
        let joins = word.low == "and" || word.low == "or" || word.pause;
        if at > 0 && joins && next.is_some_and(|next| OPEN.contains(&next)) {
            cuts.push(at + 1);
        }
    }
    cuts.push(words.len());
    cuts.iter()
        .zip(cuts.iter().skip(1))
        .filter_map(|(from, to)| words.get(*from..*to))
        .filter(|part| !part.is_empty())
        .collect()
}

fn of_part(part: &[Word], flagged: bool, first: bool) -> Option<Ask> {
    let ask = |wanted: Wanted, phrase: &str| {
        Some(Ask {
            wanted,
            subject: super::extract::SPEAKER.to_owned(),
            phrase: phrase.to_owned(),
            said: join(part),
        })
    };
    let recalls = has_any(
        part,
        &[
            "remember",
            "recall",
            "remind",
            "did i tell|say|mention",
            "i tell|told you",
            "i said|say|mention|mentioned",
            "we talk|talked|speak|spoke|discuss|discussed",
        ],
    );
    if has_any(part, NOT_MEMORY) && !recalls {
        return None;
    }
    if let Some((wanted, phrase)) = exact(part) {
        return ask(wanted, &phrase);
    }
    if has_any(part, EVERYTHING) {
        return ask(Wanted::Everything, "you");
    }
    if let Some((_, predicates, phrase)) = VALUES.iter().find(|(cue, ..)| has(part, cue)) {
        return ask(Wanted::Value(predicates), phrase);
    }
    if let Some(rest) = find(part, "my favourite") {
        let thing = noun(rest);
        return ask(Wanted::Favourite(thing.clone()), &format!("your favourite {thing}"));
    }
    let of_mine = find(part, "is|are my")
        .or_else(|| find(part, "name|names of my"))
        .or_else(|| find(part, "call my"))
        .or_else(|| strip(part, "my").filter(|_| !first));
    if let Some(rest) = of_mine.or_else(|| find(part, "what|how my")) {
        let thing = noun(rest);
        let naming = has(part, "'s name") || has_any(part, &["called|named|name|names", "who"]);
        if let Some(ask) = of_theirs(part, rest, &thing) {
            return Some(ask);
        }
        if !thing.is_empty() {
            let is = if thing.ends_with('s') && !thing.ends_with("ss") { "are" } else { "is" };
            let phrase =
                if naming { format!("what your {thing} {is} called") } else { format!("your {thing}") };
            return ask(Wanted::Kin(thing), &phrase);
        }
    }
    if let Some(rest) = strip(part, "do i have").or_else(|| strip(part, "have i got")) {
        let thing = noun(strip(rest, "a|an|any?").unwrap_or(rest));
        return ask(Wanted::Kin(thing), &format!("whether you have {}", noun(rest)));
    }
    if let Some(rest) = find(part, "about my") {
        let thing = noun(rest);
        return ask(Wanted::Kin(thing.clone()), &format!("your {thing}"));
    }
    if let Some(name) = find(part, "who is|was").filter(|rest| rest.len() == 1).and_then(|rest| rest.first())
    {
        return ask(Wanted::Named(name.raw.clone()), &name.raw);
    }
    let first_person = has_any(part, &["i", "my", "me", "we", "our", "us"]);
    let about_past = recalls
        || has_any(
            part,
            &["did i|we", "have i|we", "was|were i|we", "do|am i", "is|are|was|were my|our", "had i|we"],
        );
    let opened = opens(part);
    let asks_memory = has(part, "you still? remember|recall")
        || (first_person && about_past && opened)
        || (flagged && opened);
    asks_memory.then(|| ask(Wanted::Open, &about(part))).flatten()
}

/// `my sister's horse`: something that somebody of the user's has, `rest` being what stands behind `my`.
fn of_theirs(part: &[Word], rest: &[Word], thing: &str) -> Option<Ask> {
    let tail = strip(rest.get(thing.split(' ').count()..)?, "'s")?;
    let owned = tail.first().filter(|owned| !is_name_word(owned) && super::extract::is_kin(thing))?;
    Some(Ask {
        wanted: Wanted::Kin(owned.low.clone()),
        subject: format!("{}'s {thing}", super::extract::SPEAKER),
        phrase: format!("your {thing}'s {}", owned.low),
        said: join(part),
    })
}

/// True when the words open as questions do.
fn opens(part: &[Word]) -> bool {
    const OPENING: &[&str] = &[
        "what", "where", "when", "who", "which", "how", "did", "do", "have", "was", "were", "am", "can",
        "you", "tell", "remind", "so", "is", "are", "has", "whose",
    ];
    part.first().is_some_and(|word| OPENING.contains(&word.low.as_str()))
}

/// Asks for the owner itself: `my dog's name`.
fn is_name_word(word: &Word) -> bool {
    matches!(word.low.as_str(), "name" | "names" | "called" | "named" | "age" | "birthday" | "job" | "work")
}

/// `where does my sister live`: a value of the subject `user's sister`.
fn kin_asked(part: &[Word]) -> Option<Ask> {
    OF_KIN.iter().find_map(|(before, behind, predicates, phrase)| {
        let rest = find(part, before)?;
        let thing = noun(rest);
        let known = thing.split(' ').next_back().is_some_and(super::extract::is_kin);
        let tail = rest.get(thing.split(' ').count()..)?;
        let fits = known && (behind.is_empty() || strip(tail, behind).is_some());
        fits.then(|| Ask {
            wanted: Wanted::Value(predicates),
            subject: format!("{}'s {thing}", super::extract::SPEAKER),
            phrase: phrase.replace("{}", &thing),
            said: join(part),
        })
    })
}

/// Questions that ask for a number, a time, a yes or no, or for what was before.
fn exact(part: &[Word]) -> Option<(Wanted, String)> {
    if let Some((_, predicate, phrase)) = BEFORE.iter().find(|(cue, ..)| has(part, cue)) {
        return Some((Wanted::Before(predicate), (*phrase).to_owned()));
    }
    if has_any(part, &["when did i|we first|last? tell|say|mention|talk|speak", "when have i told|mentioned"])
    {
        return Some((Wanted::WhenTold, about(part)));
    }
    if let Some(rest) =
        find(part, "how many").filter(|_| has_any(part, &["do|did i|we have|own|got", "have i got"]))
    {
        let thing = noun(rest);
        let phrase = format!("how many {thing} you have");
        return Some((Wanted::HowMany(thing), phrase));
    }
    let stated = whether::stated(part);
    let phrase = whether::phrase(&stated);
    (!stated.is_empty()).then(|| (Wanted::Whether(stated, whether::of_past(part)), phrase))
}

/// The noun at the front: `dog` of `dog 's name`, `best friend` of `best friend called`.
fn noun(words: &[Word]) -> String {
    const ENDS: &[&str] = &[
        "'s", "called", "named", "name", "names", "is", "are", "again", "and", "from", "in", "do", "like",
        "when", "now", "please", "live", "lives", "work", "works", "have", "did",
    ];
    let end = words.iter().position(|word| ENDS.contains(&word.low.as_str())).unwrap_or(words.len());
    let paused = words.iter().position(|word| word.pause).map_or(end, |at| end.min(at + 1));
    words
        .get(..paused.min(3))
        .unwrap_or_default()
        .iter()
        .map(|word| word.low.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

/// What an open question is about, to be said back; `that` when it cannot be told.
fn about(part: &[Word]) -> String {
    find(part, "about")
        .filter(|rest| (1..=6).contains(&rest.len()))
        .map_or_else(|| "that".to_owned(), verbs::as_you)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn phrases(message: &str) -> Vec<String> {
        asks(message, false, &["Sam".to_owned()]).into_iter().map(|ask| ask.phrase).collect()
    }

    #[rstest]
    #[case("What is my dog called?", &["what your dog is called"])]
    #[case("whats my dogs name", &["what your dogs are called"])]
    #[case("what's my dog's name?", &["what your dog is called"])]
    #[case("What is my name and where do I live?", &["your name", "where you live"])]
    #[case("Do you remember what I told you about my sister?", &["your sister"])]
    #[case("tell me what you know about me", &["you"])]
    #[case("Do you remember me?", &["you"])]
    #[case("when did I go to the museum?", &["that"])]
    #[case("Where does Sam live?", &["where Sam live"])]
    #[case("What is Sam's dog called?", &["what Sam's dog is called"])]
    #[case("What should I do?", &[])]
    #[case("How do I become a biologist?", &[])]
    #[case("What do you love?", &[])]
    #[case("I remember the sea.", &[])]
    #[case("am i talking to a bot?", &[])]
    #[case("remind me to buy milk", &[])]
    fn questions_about_the_past_are_taken_apart(#[case] message: &str, #[case] expected: &[&str]) {
        assert_eq!(phrases(message), expected);
    }
}
