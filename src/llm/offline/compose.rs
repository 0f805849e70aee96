//! The answer put together: what the message does decides which examples and memories speak.

use super::{
    Material, act, background,
    choose::{Examples, Match, asked, reply},
    extract, fallback, fill,
    question::{self, Ask, Wanted},
    recallphrase, record,
    text::{self, capitalise, has_any, is_question, sentences, words},
    topics,
};
use crate::model::{Preference, Verbosity};

/// At this likeness an example of the character's own wins over small talk and acknowledgements.
const CLOSE: f64 = 0.62;
/// At this likeness an example is taken when no rule knows better.
const NEAR: f64 = 0.5;
/// Below this trust answers are short and cool.
const COOL: f64 = -20.0;

/// An answer before wishes about form are obeyed.
#[derive(Debug, Default)]
struct Draft {
    /// Said first: a greeting, a word about what was told.
    opening: Vec<String>,
    /// The example.
    body: String,
    /// What is remembered; stands in the body, and stays when the body is cut.
    memory: String,
    /// May be joined by a second example when long answers are wished for.
    more: Option<String>,
    /// Must be said as it is.
    whole: bool,
}

impl Draft {
    fn of(body: String) -> Self {
        Self { body, ..Self::default() }
    }
}

/// See [`super::answer`].
pub(super) fn answer(original: &Material) -> String {
    let wishes = extract::wishes(&original.message);
    let told = extract::statements(&original.message);
    let mut material = original.clone();
    for wish in &wishes {
        material.preferences.apply(wish.clone());
    }
    let introduced = told
        .iter()
        .find(|fact| fact.subject == extract::SPEAKER && fact.predicate == "is_named")
        .map(|fact| capitalise(&fact.object));
    if let Some(name) = material.preferences.nickname.clone().or_else(|| introduced.clone()) {
        material.user_name = Some(name);
    }
    let avoid: Vec<String> = material
        .preferences
        .avoid_topics
        .iter()
        .filter(|topic| !text::content(topic).is_empty())
        .cloned()
        .collect();
    let turn = Turn {
        examples: Examples::of(&material, &avoid),
        material: &material,
        avoid: &avoid,
        told,
        wishes,
        introduced,
    };
    let draft = turn.draft();
    turn.finish(&draft)
}

struct Turn<'a> {
    material: &'a Material,
    examples: Examples<'a>,
    avoid: &'a [String],
    told: Vec<extract::Found>,
    wishes: Vec<Preference>,
    introduced: Option<String>,
}

impl Turn<'_> {
    fn flagged(&self, flag: &str) -> bool {
        self.material.flags.iter().any(|known| known == flag)
    }

    fn message(&self) -> &str {
        &self.material.message
    }

    fn draft(&self) -> Draft {
        let sentences = sentences(self.message());
        let act = Self::act(&sentences);
        if self.flagged("crisis") || act == Some("crisis") {
            return Draft { whole: true, ..Draft::of(self.examples.answer("crisis", self.message())) };
        }
        if self.flagged("manipulation") || act == Some("manipulation") {
            return Draft::of(self.refusal());
        }
        if !self.wishes.is_empty() {
            return self.accept();
        }
        if let Some(draft) = self.recall() {
            return draft;
        }
        if let Some(next) = self.examples.follow_up(self.message()) {
            return Draft::of(next);
        }
        self.converse(&sentences, act)
    }

    /// The most telling act of the message; the order of the cues decides.
    fn act(sentences: &[String]) -> Option<&'static str> {
        let order = |topic: &str| act::rank(topic);
        sentences.iter().filter_map(|sentence| act::of(sentence)).min_by_key(|topic| order(topic))
    }

    fn refusal(&self) -> String {
        let allowed: Vec<String> = self
            .material
            .manipulation_responses
            .iter()
            .filter(|line| !fill::touches(line, self.avoid) && !line.trim().is_empty())
            .cloned()
            .collect();
        self.examples
            .one_of(&allowed)
            .cloned()
            .unwrap_or_else(|| self.examples.answer("manipulation", self.message()))
    }

    fn accept(&self) -> Draft {
        let foreign = self
            .wishes
            .iter()
            .any(|wish| matches!(wish, Preference::Language(tag) if !tag.starts_with("en")));
        if foreign {
            return Draft::of(self.examples.answer("only-english", self.message()));
        }
        let mut draft = Draft::of(self.examples.answer("preference-accepted", self.message()));
        if let Some(Preference::Nickname(name)) =
            self.wishes.iter().find(|wish| matches!(wish, Preference::Nickname(_)))
        {
            draft.opening.push(format!("{name} it is."));
        }
        draft
    }

    /// An answer from memory, when the message asks for it.
    fn recall(&self) -> Option<Draft> {
        let people: Vec<String> = self
            .material
            .recalled
            .iter()
            .filter(|line| !line.own_words_of_user)
            .filter_map(|line| line.speaker.clone())
            .chain(self.material.facts.iter().map(|fact| fact.subject.clone()).filter(|subject| {
                subject.chars().next().is_some_and(char::is_uppercase) && !subject.contains('\'')
            }))
            .filter(|person| {
                self.material.user_name.as_deref() != Some(person)
                    && !person.trim().is_empty()
                    && *person != self.material.name
            })
            .collect();
        let asks = question::asks(self.message(), self.flagged("memory"), &people);
        if asks.is_empty() || self.is_about_the_character(&asks) {
            return None;
        }
        let known = record::known(self.material, self.avoid);
        let mut draft = match recallphrase::told(self.material, &known, &asks, self.avoid) {
            Some(memory) => {
                let body = self
                    .examples
                    .candidates("remember", self.message())
                    .into_iter()
                    .find(|exchange| reply(exchange).contains("{{memory}}"))
                    .map_or("{{memory}}", reply)
                    .to_owned();
                Draft { memory, ..Draft::of(body) }
            }
            None if asks.iter().all(|ask| matches!(ask.wanted, Wanted::Named(_))) => return None,
            None if fill::touches(self.message(), self.avoid) => {
                Draft::of(self.examples.answer("left-alone", ""))
            }
            None => Draft::of(self.examples.answer("nothing-on-record", self.message())),
        };
        if act::greets(self.message()) {
            draft.opening.extend(self.brief_greeting());
        }
        Some(draft)
    }

    /// "How are you" and the like, flagged as memory by mistake.
    fn is_about_the_character(&self, asks: &[Ask]) -> bool {
        let lows = words(self.message());
        let speaks_of_self = has_any(&lows, &["i", "my", "me", "we", "our", "mine", "us"])
            || has_any(&lows, &["remember", "recall"]);
        let all_open = asks.iter().all(|ask| ask.wanted == Wanted::Open);
        let close = || self.examples.likest(self.message()).is_some_and(|best| best.likeness >= CLOSE);
        all_open
            && !speaks_of_self
            && (has_any(&lows, &["you", "your"]) || self.material.recalled.is_empty() || close())
    }

    fn converse(&self, sentences: &[String], act: Option<&'static str>) -> Draft {
        let greets = act::greets(self.message());
        if act.is_none() && self.told.is_empty() && act::only_greets(self.message(), &self.material.name) {
            return Draft::of(self.examples.answer("greeting", self.message()));
        }
        let likest = self.likest(sentences);
        let own_topic = |found: &Match<'_>| !topics::NAMED.contains(&found.exchange.topic.as_str());
        let close = likest.filter(|found| found.likeness >= CLOSE && own_topic(found));
        let weighty = matches!(act, Some("are-you-an-ai" | "boundary" | "insult"));
        let mut draft = match (close, act) {
            (Some(found), _) if !weighty => self.after_example(found),
            (_, Some(topic)) => self.on(topic),
            _ => self.without_cue(likest, sentences),
        };
        let acknowledged =
            draft.opening.is_empty() && act.is_some() && close.is_none() && !self.told.is_empty();
        if acknowledged && !matches!(act, Some("comfort" | "celebrate" | "crisis")) {
            let thanks_for_telling =
                text::sentences(&self.examples.answer("acknowledge", self.message())).into_iter().next();
            draft.opening.extend(thanks_for_telling);
        }
        let mut opening = Vec::new();
        if greets && (!self.told.is_empty() || act.is_none()) {
            opening.extend(self.brief_greeting());
        }
        opening.extend(self.welcome());
        opening.append(&mut draft.opening);
        Draft { opening, ..draft }
    }

    fn likest(&self, sentences: &[String]) -> Option<Match<'_>> {
        let each = sentences
            .iter()
            .filter(|sentence| words(sentence).len() > 2)
            .filter_map(|sentence| self.examples.likest(sentence));
        each.chain(self.examples.likest(self.message())).max_by(|a, b| a.likeness.total_cmp(&b.likeness))
    }

    fn after_example(&self, found: Match<'_>) -> Draft {
        let topic = found.exchange.topic.as_str();
        if topics::NAMED.contains(&topic) {
            return self.on(topic);
        }
        // Near-exact likeness is an answer to this very question; else the topic's fresh answers may speak.
        let stale = self.examples.staleness(reply(found.exchange)) > 0.0;
        let said = if stale { self.message() } else { asked(found.exchange).unwrap_or(self.message()) };
        let mut candidates = self.examples.candidates(topic, said).into_iter();
        let body = if stale { candidates.next().map(reply) } else { Some(reply(found.exchange)) };
        let more = candidates
            .find(|exchange| Some(reply(exchange)) != body)
            .map(|exchange| reply(exchange).to_owned());
        Draft { more, ..Draft::of(body.unwrap_or_default().to_owned()) }
    }

    fn on(&self, topic: &str) -> Draft {
        let mut candidates = self.examples.candidates(topic, self.message()).into_iter();
        let body = candidates.next().map(reply).unwrap_or_default().to_owned();
        let joins =
            matches!(topic, "love" | "dislike" | "who-are-you" | "advice" | "not-knowing" | "how-are-you");
        let more = candidates.next().filter(|_| joins).map(|exchange| reply(exchange).to_owned());
        Draft { more, ..Draft::of(body) }
    }

    fn without_cue(&self, likest: Option<Match<'_>>, sentences: &[String]) -> Draft {
        if !self.told.is_empty() {
            let mut draft = Draft::of(self.examples.answer("acknowledge", self.message()));
            draft.opening.extend(self.echo());
            return draft;
        }
        if let Some(found) = likest.filter(|found| found.likeness >= CLOSE) {
            return self.after_example(found);
        }
        if let Some(fact) = background::answer(self.material, self.avoid) {
            return Draft::of(fact);
        }
        if let Some(found) =
            likest.filter(|found| found.likeness >= NEAR && found.exchange.topic != "greeting")
        {
            return self.after_example(found);
        }
        if act::is_brief_reaction(self.message()) {
            return Draft::of(self.examples.answer("go-on", self.message()));
        }
        let all = words(self.message());
        let about_character = has_any(&all, &["you", "your", "yours"]);
        if sentences.iter().any(|sentence| is_question(sentence)) {
            return self.on(
                if about_character && !has_any(&all, &["can|could you", "do you know", "explain"]) {
                    "not-mine-to-say"
                } else {
                    "not-knowing"
                },
            );
        }
        if has_any(&all, &["explain", "tell me about", "tell me who|what|how|why|when|where"]) {
            return self.on("not-knowing");
        }
        if has_any(&all, &["i", "my", "we", "our", "me"]) && all.len() > 2 {
            return Draft::of(self.examples.answer("acknowledge", self.message()));
        }
        if self
            .material
            .history
            .last()
            .is_some_and(|(by_user, said)| !by_user && said.trim_end().ends_with('?'))
        {
            return Draft::of(self.examples.answer("acknowledge", self.message()));
        }
        Draft::of(self.examples.answer("question-back", "what do you think"))
    }

    /// The first words of a greeting of the character's.
    fn brief_greeting(&self) -> Option<String> {
        self.examples
            .candidates("greeting", "hello")
            .into_iter()
            .filter_map(|exchange| sentences(reply(exchange)).into_iter().next())
            .find(|first| {
                let count = words(first).len();
                let hails = act::greets(first) || first.contains("{{user}}");
                let timely = !has_any(&words(first), &["morning|evening|afternoon"])
                    || has_any(&words(self.message()), &["morning|evening|afternoon"]);
                count <= 10 && !first.ends_with('?') && hails && timely
            })
            .or_else(|| Some("Hello.".to_owned()))
    }

    /// A word to somebody who has just said their name.
    fn welcome(&self) -> Option<String> {
        let name = self.introduced.as_ref()?;
        let known = self
            .material
            .history
            .iter()
            .any(|(_, said)| words(said).iter().any(|word| word.raw.eq_ignore_ascii_case(name)));
        if known {
            return None;
        }
        let called = self.material.user_name.as_ref().unwrap_or(name);
        let pet = self.told.iter().find(|fact| {
            fact.predicate == "is_named" && extract::lists::PETS.iter().any(|pet| fact.subject.ends_with(pet))
        });
        Some(match pet {
            Some(pet) => format!("Nice to meet you, {called}, and hello to {}.", capitalise(&pet.object)),
            None => format!("Nice to meet you, {called}."),
        })
    }

    /// What was told, in a word or two, to show that it arrived.
    fn echo(&self) -> Option<String> {
        if self.introduced.is_some() {
            return None;
        }
        let fact = self.told.iter().find(|fact| {
            fact.predicate != "has_pet" || !self.told.iter().any(|other| other.predicate == "is_named")
        })?;
        let object = fact.object.as_str();
        let own = has_any(&words(object), &["my|me|i|our|your"]);
        if own || object.split(' ').count() > 4 || text::is_light(&object.to_lowercase()) {
            return None;
        }
        let count = text::words(object)
            .first()
            .is_some_and(|first| extract::lists::NUMBERS.contains(&first.low.as_str()));
        match fact.predicate.as_str() {
            "lives_in" | "comes_from" | "likes" | "learns" | "plays" | "studies" | "is_named" => {
                Some(format!("{}, then.", capitalise(object)))
            }
            "works_as" => Some(format!(
                "{} {object}.",
                if object.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']) { "An" } else { "A" }
            )),
            "has_pet" if !count => Some(format!("A {object}!")),
            "dislikes" | "does_not_eat" | "does_not_drink" => Some(format!("No {object}, then.")),
            "has_pet" => Some(format!("{}!", capitalise(object))),
            predicate if predicate.starts_with("favourite_") => Some(format!("{}.", capitalise(object))),
            _ => None,
        }
    }

    /// Placeholders filled, wishes about form obeyed.
    fn finish(&self, draft: &Draft) -> String {
        let material = self.material;
        let filled = |template: &str, memory: &str| {
            fill::fill(template, material.user_name.as_deref(), &material.name, memory)
        };
        let body = filled(&draft.body, &draft.memory);
        if draft.whole {
            return body;
        }
        let opening = draft.opening.iter().map(|part| filled(part, "")).collect::<Vec<_>>().join(" ");
        let mut said = format!("{opening} {body}").trim().to_owned();
        let remembers = !draft.memory.is_empty();
        let short = material.preferences.verbosity == Some(Verbosity::Short);
        if remembers && (short || material.trust < COOL) {
            said = filled("{{memory}}", &draft.memory);
        } else if material.trust < COOL {
            said = fill::first_sentences(&body, 1);
        } else if short {
            said = fill::shortened(if draft.opening.is_empty() || self.introduced.is_some() {
                &said
            } else {
                &body
            });
        } else if material.mood == "annoyed" && !remembers {
            said = fill::first_sentences(&said, 2);
        } else if let (Some(Verbosity::Long), Some(more)) = (material.preferences.verbosity, &draft.more) {
            let first = without_last_question(&said);
            said = format!("{first} {}", filled(more, ""));
        }
        if material.preferences.emojis == Some(false) {
            said = fill::without_emoji(&said);
        }
        let unsaid = said.trim().is_empty() || fill::touches(&said, self.avoid);
        if unsaid { self.last_resort() } else { said.trim().to_owned() }
    }

    fn last_resort(&self) -> String {
        let mut plain =
            fallback::exchanges().iter().filter(|exchange| exchange.topic == "last-resort").map(reply);
        plain.find(|line| !fill::touches(line, self.avoid)).unwrap_or("…").to_owned()
    }
}

fn without_last_question(said: &str) -> String {
    let mut parts = sentences(said);
    if parts.len() > 1 && parts.last().is_some_and(|last| last.ends_with('?')) {
        parts.pop();
    }
    parts.join(" ")
}
