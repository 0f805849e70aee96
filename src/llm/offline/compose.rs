//! The answer put together: what the message does decides which examples and memories speak.

use super::{
    Material, OfflineExchange, act, background,
    choose::{Examples, Match, asked, reply},
    crisis, extract, fill,
    question::{self, Ask, Wanted},
    recallphrase, record, somebody, stem,
    text::{self, capitalise, has_any, is_question, sentences, words},
    topics,
};
use crate::model::{Preference, Verbosity};

mod finish;
mod opening;

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
    /// Loses its point when it is cut.
    uncut: bool,
    /// Must be said as it is, whatever is wished for.
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
        .filter(|topic| !stem::content(topic).is_empty())
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
        let act = most_telling(&sentences);
        if self.flagged("crisis") || act == Some("crisis") {
            let another = crisis::is_of_another(self.message());
            let topic = if another { "crisis-another" } else { "crisis" };
            return Draft { whole: true, ..Draft::of(self.examples.answer(topic, self.message())) };
        }
        if self.flagged("manipulation") || act == Some("manipulation") {
            return Draft::of(self.refusal());
        }
        if let Some(what) = extract::forgets(self.message()) {
            return self.point_to_forgetting(&what);
        }
        if !self.wishes.is_empty() {
            return self.accept();
        }
        let stays = matches!(
            act,
            None | Some("thanks" | "farewell" | "good-night" | "comfort" | "apology" | "advice")
        );
        if let Some(danger) = self.danger().filter(|_| stays) {
            let topic = if crisis::is_of_another(danger) { "crisis-another" } else { "crisis-stay" };
            return Draft { whole: true, ..Draft::of(self.examples.answer(topic, self.message())) };
        }
        if let Some(draft) = self.recall() {
            return draft;
        }
        if let Some(who) = somebody::asked_about(self.message(), &self.material.name) {
            let who = fill::harmless(&who);
            return Draft::of(format!("I have nothing on record about {who}."));
        }
        if let Some(next) = self.examples.follow_up(self.message()) {
            return Draft::of(next);
        }
        self.converse(&sentences, act)
    }

    /// What is on record goes by a command, so that nothing is deleted by a guess.
    fn point_to_forgetting(&self, what: &str) -> Draft {
        let what = fill::harmless(what);
        let command =
            if what.trim().is_empty() { "/forget WORDS".to_owned() } else { format!("/forget {what}") };
        let body = self.examples.answer("forgetting", "").replace("{{memory}}", &command);
        Draft { whole: true, ..Draft::of(body) }
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
            self.wishes.iter().find(|wish| matches!(wish, Preference::Nickname(name) if !name.is_empty()))
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
        let known = record::known(self.material, self.avoid);
        let tell = |asks: &[Ask]| recallphrase::told(self.material, &known, asks, self.avoid);
        let of_kin = || {
            let meant = known.without_names(self.message())?;
            tell(&question::asks(&meant, self.flagged("memory"), &people))
                .filter(|told| !told.starts_with("You told me"))
        };
        let by_name = if is_question(self.message()) { of_kin() } else { None };
        if by_name.is_none() && (asks.is_empty() || self.is_about_the_character(&asks)) {
            return None;
        }
        let mut draft = match tell(&asks).or(by_name) {
            Some(memory) if is_verdict(&memory) => Draft { memory, ..Draft::of("{{memory}}".to_owned()) },
            Some(memory) => {
                let body = self
                    .examples
                    .candidates("remember", self.message())
                    .into_iter()
                    .find(|exchange| reply(exchange).contains("{{memory}}"))
                    .map_or("{{memory}}", reply);
                Draft { memory, ..Draft::of(self.without_yes(body)) }
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

    /// `Yes, I do. {{memory}}` without its first sentence, where what is asked is no yes-or-no question.
    fn without_yes(&self, body: &str) -> String {
        let asks_what = has_any(&words(self.message()), &["what|where|when|who|which|how|whose"]);
        let affirms = has_any(&words(body).into_iter().take(3).collect::<Vec<_>>(), &["yes", "no", "i do"]);
        match body.split_once("{{memory}}") {
            Some((before, after)) if asks_what && affirms && words(before).len() <= 8 => {
                format!("{{{{memory}}}}{after}")
            }
            _ => body.to_owned(),
        }
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
        if act::wants_another(self.message())
            && let Some(topic) = self.examples.last_topic().filter(|topic| {
                !matches!(*topic, "remember" | "nothing-on-record" | "acknowledge" | "greeting")
            })
        {
            return self.on(topic);
        }
        if has_any(&words(self.message()), &["do you like|love me", "do you hate me"])
            && self.material.trust >= COOL
        {
            return self.on("like-me");
        }
        if let Some(named) = self.own_name() {
            return named;
        }
        let likest = self.likest(sentences);
        let own_topic = |found: &Match<'_>| !topics::NAMED.contains(&found.exchange.topic.as_str());
        // What somebody tells of themselves is no question for the character's own taste.
        let asks = |found: &Match<'_>| asked(found.exchange).is_some_and(is_question);
        let fits = |found: &Match<'_>| own_topic(found) && (self.told.is_empty() || !asks(found));
        let close = likest.filter(|found| found.likeness >= CLOSE && fits(found));
        let weighty = matches!(act, Some("are-you-an-ai" | "boundary" | "insult"));
        let mut draft = match (close, act) {
            (Some(found), _) if !weighty => self.by_example(found),
            // Joy without a reason given is met with an open ear, not with a guess at the reason.
            (_, Some("celebrate"))
                if has_any(
                    &words(self.message()),
                    &["i am so|really|very happy|excited|proud $", "happy|excited today"],
                ) =>
            {
                Draft::of(self.examples.answer("celebrate", "i have great news"))
            }
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
        let other = otherwise(self.message()).and_then(|said| self.examples.likest(&said));
        each.chain(self.examples.likest(self.message()))
            .chain(other)
            .max_by(|a, b| a.likeness.total_cmp(&b.likeness))
    }

    fn by_example(&self, found: Match<'_>) -> Draft {
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
        let mut candidates = self.examples.candidates(topic, self.message());
        // A joke or a story that is cut short has lost its point: the shortest whole one is told.
        let whole = matches!(topic, "joke" | "story");
        if whole && self.material.preferences.verbosity == Some(Verbosity::Short) {
            candidates.sort_by_key(|exchange| reply(exchange).split_whitespace().count());
            let fits = |exchange: &&OfflineExchange| {
                fill::is_short_tale(reply(exchange)) && self.examples.staleness(reply(exchange)) == 0.0
            };
            if let Some(fresh) = candidates.iter().position(fits) {
                candidates.rotate_left(fresh);
            }
        }
        let mut candidates = candidates.into_iter();
        let body = candidates.next().map_or_else(
            || self.examples.answer(topic, self.message()),
            |exchange| reply(exchange).to_owned(),
        );
        let joins =
            matches!(topic, "love" | "dislike" | "who-are-you" | "advice" | "not-knowing" | "how-are-you");
        let more = candidates.next().filter(|_| joins).map(|exchange| reply(exchange).to_owned());
        Draft { more, uncut: whole, ..Draft::of(body) }
    }

    fn without_cue(&self, likest: Option<Match<'_>>, sentences: &[String]) -> Draft {
        if self.introduced.is_none() && act::hurts(self.message()) {
            return Draft::of(self.examples.answer("stay-with-it", self.message()));
        }
        if !self.told.is_empty() {
            let mut draft = Draft::of(self.examples.answer("acknowledge", self.message()));
            draft.opening.extend(self.echo());
            return draft;
        }
        if let Some(found) = likest.filter(|found| found.likeness >= CLOSE) {
            return self.by_example(found);
        }
        if let Some(fact) = background::answer(self.material, self.avoid) {
            return Draft::of(fact);
        }
        if let Some(found) =
            likest.filter(|found| found.likeness >= NEAR && found.exchange.topic != "greeting")
        {
            return self.by_example(found);
        }
        let all = words(self.message());
        if all.is_empty() {
            return Draft::of(self.examples.answer("go-on", "yes"));
        }
        if all.len() < 3 && has_any(&all, &["why", "how come"]) {
            return self.on("why");
        }
        let languages = extract::lists::LANGUAGES.iter().filter(|(_, tag)| *tag != "en");
        if text::find(&all, "you speak|understand|talk")
            .and_then(|rest| rest.first())
            .is_some_and(|word| languages.clone().any(|(name, _)| *name == word.low))
        {
            return Draft::of(self.examples.answer("only-english", self.message()));
        }
        if let Some(reaction) = act::brief_reaction(self.message()) {
            return Draft::of(self.examples.answer("go-on", reaction));
        }
        let about_character = has_any(&all, &["you", "your", "yours"]);
        if sentences.iter().any(|sentence| is_question(sentence)) {
            let asks_skill = has_any(&all, &["can|could you", "do you know", "explain"]);
            let asks_view = has_any(
                &all,
                &[
                    "you like|love|hate|enjoy|prefer|think|believe|want",
                    "your favourite|opinion|view|thoughts",
                ],
            );
            return self.on(match (about_character && !asks_skill, asks_view) {
                (true, true) => "no-opinion",
                (true, false) => "not-mine-to-say",
                (false, _) => "not-knowing",
            });
        }
        if has_any(&all, &["explain", "tell me about", "tell me who|what|how|why|when|where"]) {
            return self.on("not-knowing");
        }
        if act::hurts(self.message()) || self.was_sad() {
            return Draft::of(self.examples.answer("stay-with-it", self.message()));
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
        let lead =
            if all.len() < 4 { ("small-talk", "lets talk a bit") } else { ("acknowledge", self.message()) };
        Draft::of(self.examples.answer(lead.0, lead.1))
    }

    /// What the user said of danger in their last four messages: what comes after it is no small talk.
    fn danger(&self) -> Option<&str> {
        let last = self.material.history.iter().rev().filter(|(by_user, _)| *by_user).take(4);
        last.map(|(_, said)| said.as_str()).find(|said| crisis::found_in(said))
    }

    /// True when the user's last message asked for comfort.
    fn was_sad(&self) -> bool {
        let last = self.material.history.iter().rev().filter(|(by_user, _)| *by_user).take(1);
        last.into_iter().any(|(_, said)| act::of(said) == Some("comfort"))
    }
}

/// An answer that stands by itself: "I do remember. No, …" would say two things at once.
fn is_verdict(memory: &str) -> bool {
    ["Yes,", "No,", "Yes.", "As far as", "You go by"].iter().any(|opening| memory.starts_with(opening))
}

/// The most telling act of the message; the order of the cues decides.
fn most_telling(sentences: &[String]) -> Option<&'static str> {
    sentences.iter().filter_map(|sentence| act::of(sentence)).min_by_key(|topic| act::rank(topic))
}

/// `What is your favourite music` as authors are more likely to have it: `what music do you like`.
fn otherwise(message: &str) -> Option<String> {
    let all = words(message);
    let thing = text::find(&all, "your favourite")?.first()?;
    let eaten = matches!(thing.low.as_str(), "food" | "dish" | "meal" | "dinner");
    Some(if eaten { "what do you like to eat".to_owned() } else { format!("what {} do you like", thing.low) })
}
