//! Which example to answer with: the closest stage, the likest line, and not the one that was just used.

use super::{
    Material, OfflineExchange, extract, fallback, fill,
    likeness::{Likeness, Vector},
    stem::{content, stem},
    text::{find, words},
};

/// The examples of a character, ready to be compared with messages.
#[derive(Debug)]
pub(super) struct Examples<'a> {
    material: &'a Material,
    usable: Vec<&'a OfflineExchange>,
    likeness: Likeness,
    avoid: Vec<String>,
}

/// A message, read once for all comparisons.
#[derive(Debug)]
struct Said {
    vector: Vector,
    content: Vec<String>,
    /// What the favourite of is asked for.
    favourite: Option<String>,
}

/// An example that fits, and how well.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match<'a> {
    pub(super) exchange: &'a OfflineExchange,
    pub(super) likeness: f64,
}

/// Topics whose lines never win by likeness alone.
const BY_RULE_ONLY: &[&str] = &[
    "remember",
    "nothing-on-record",
    "crisis",
    "manipulation",
    "boundary",
    "preference-accepted",
    "unknown-skill",
    "not-knowing",
    "acknowledge",
    "forgetting",
];

impl<'a> Examples<'a> {
    pub(super) fn of(material: &'a Material, avoid: &[String]) -> Self {
        let usable: Vec<&OfflineExchange> =
            material.exchanges.iter().filter(|exchange| is_usable(exchange, material.trust)).collect();
        let lines = usable.iter().filter_map(|exchange| asked(exchange));
        let likeness = Likeness::of(lines);
        Self { material, usable, likeness, avoid: avoid.to_vec() }
    }

    /// The example whose line is most like `said`, of the topics that may win so.
    pub(super) fn likest(&self, said: &str) -> Option<Match<'a>> {
        let said = &self.read(said);
        self.usable
            .iter()
            .filter(|exchange| !BY_RULE_ONLY.contains(&exchange.topic.as_str()) && !self.is_avoided(exchange))
            .map(|exchange| Match { exchange, likeness: self.alike(said, exchange) })
            .max_by(|a, b| a.likeness.total_cmp(&b.likeness))
    }

    /// How alike `said` is to the line of `exchange`. Texts whose weighty words differ are alike in form only.
    fn alike(&self, said: &Said, exchange: &OfflineExchange) -> f64 {
        let Some(line) = asked(exchange) else { return 0.0 };
        let (ours, theirs) = (&said.content, content(line));
        let shared = ours.iter().filter(|stem| theirs.contains(stem)).count() as f64;
        let all = theirs.iter().all(|stem| ours.contains(stem));
        let discount = match (ours.is_empty() && theirs.is_empty(), shared > 0.0) {
            (true, _) => 1.0,
            (false, true) if all => 1.0,
            (false, true) => 0.6 + 0.4 * shared / ours.len() as f64,
            (false, false) => 0.6,
        };
        let other_favourite = said.favourite.as_ref().is_some_and(|thing| !theirs.contains(thing));
        let discount = if other_favourite { discount * 0.5 } else { discount };
        discount * self.likeness.to(&said.vector, line)
    }

    fn read(&self, said: &str) -> Said {
        let words = words(said);
        let favourite = find(&words, "your favourite").and_then(|rest| rest.first());
        Said {
            vector: self.likeness.vector(said),
            content: content(said),
            favourite: favourite.map(|thing| stem(&thing.low)),
        }
    }

    /// The answer of the best example of `topic` for `said`; from the built-in ones where the character has none.
    pub(super) fn answer(&self, topic: &str, said: &str) -> String {
        self.candidates(topic, said)
            .into_iter()
            .next()
            .map(|exchange| reply(exchange).to_owned())
            .unwrap_or_default()
    }

    /// The examples of `topic`, best first.
    pub(super) fn candidates(&self, topic: &str, said: &str) -> Vec<&'a OfflineExchange> {
        let own: Vec<&'a OfflineExchange> = self
            .usable
            .iter()
            .copied()
            .filter(|exchange| exchange.topic == topic && !self.is_avoided(exchange))
            .collect();
        let mut pool = own;
        if pool.is_empty() {
            let built_in = fallback::exchanges().iter().filter(|exchange| exchange.topic == topic);
            pool = built_in.filter(|exchange| topic == "crisis" || !self.is_avoided(exchange)).collect();
        }
        let kinds = predicates(said);
        let read = self.read(said);
        let mut ranked: Vec<(f64, u64, &'a OfflineExchange)> = pool
            .iter()
            .enumerate()
            .map(|(at, exchange)| (self.rank(exchange, said, &read, &kinds), self.dice(at), *exchange))
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked.into_iter().map(|(_, _, exchange)| exchange).collect()
    }

    fn rank(&self, exchange: &OfflineExchange, said: &str, read: &Said, kinds: &[String]) -> f64 {
        let answer = reply(exchange);
        let line = asked(exchange).unwrap_or_default();
        // Likeness in steps, so that the seed has a say among answers that fit equally well.
        let mut rank = (self.alike(read, exchange) * 10.0).round() / 5.0;
        rank += stage(exchange, self.material.trust) * 1.2;
        if kinds.iter().any(|kind| predicates(line).contains(kind)) {
            rank += 1.5;
        }
        rank -= 4.0 * self.staleness(answer);
        rank -= mismatch(line, answer, said, &exchange.topic);
        let asks_name = super::text::has_any(
            &words(answer),
            &[
                "who am i talking to",
                "state your name",
                "do i call you",
                "what you are called",
                "how do you spell yours",
            ],
        );
        if self.material.user_name.is_some() && asks_name {
            rank -= 1.5;
        }
        if self.material.user_name.is_none() && fill::needs_name(answer) {
            rank -= 2.0;
        }
        rank
    }

    /// 1 for an answer that was just given, less the longer ago it was, 0 for a fresh one.
    pub(super) fn staleness(&self, answer: &str) -> f64 {
        let mine: Vec<&String> =
            self.material.history.iter().filter(|(by_user, _)| !by_user).map(|(_, said)| said).collect();
        let plain = fill::fill(answer, self.material.user_name.as_deref(), &self.material.name, "");
        let parts: Vec<String> =
            super::text::sentences(&plain).into_iter().filter(|part| words(part).len() > 2).collect();
        let parts = if parts.is_empty() { vec![plain] } else { parts };
        let used = mine.iter().rev().position(|said| parts.iter().any(|part| said.contains(part.as_str())));
        used.map_or(0.0, |ago| 1.0 / (1.0 + ago as f64 * 0.12))
    }

    fn is_avoided(&self, exchange: &OfflineExchange) -> bool {
        exchange.turns.iter().any(|(_, said)| fill::touches(said, &self.avoid))
    }

    /// The second answer of an example whose first one was just given, when the message follows on.
    pub(super) fn follow_up(&self, said: &str) -> Option<String> {
        let (by_user, last) = self.material.history.last()?;
        if *by_user {
            return None;
        }
        self.usable.iter().filter(|exchange| !self.is_avoided(exchange)).find_map(|exchange| {
            let second = exchange.turns.get(2).map(|(_, line)| line)?;
            let first =
                fill::fill(reply(exchange), self.material.user_name.as_deref(), &self.material.name, "");
            let fits = self.likeness.between(said, second) > 0.4;
            (fits && last.contains(&first))
                .then(|| exchange.turns.get(3).map(|(_, answer)| answer.clone()))
                .flatten()
        })
    }

    /// The topic of the answer that was given last.
    pub(super) fn last_topic(&self) -> Option<&'a str> {
        let (_, last) = self.material.history.iter().rev().find(|(by_user, _)| !by_user)?;
        let first_of = |exchange: &OfflineExchange| {
            let filled =
                fill::fill(reply(exchange), self.material.user_name.as_deref(), &self.material.name, "");
            super::text::sentences(&filled).into_iter().next().unwrap_or_default()
        };
        let given = |exchange: &&&OfflineExchange| {
            words(&first_of(exchange)).len() > 2 && last.contains(&first_of(exchange))
        };
        self.usable.iter().find(given).map(|exchange| exchange.topic.as_str())
    }

    /// A number that the seed, the message and the place in the file decide.
    fn dice(&self, at: usize) -> u64 {
        let mut hash = self.material.seed ^ 0xcbf2_9ce4_8422_2325;
        let place = u64::try_from(at).unwrap_or_default();
        for byte in self.material.message.bytes().chain(place.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        hash ^ (hash >> 29)
    }

    /// One of `choices`, as the seed has it, preferably not said lately.
    pub(super) fn one_of<'b>(&self, choices: &'b [String]) -> Option<&'b String> {
        choices
            .iter()
            .enumerate()
            .min_by(|(a, one), (b, other)| {
                self.staleness(one).total_cmp(&self.staleness(other)).then(self.dice(*a).cmp(&self.dice(*b)))
            })
            .map(|(_, choice)| choice)
    }
}

/// The user's line of an example.
pub(super) fn asked(exchange: &OfflineExchange) -> Option<&str> {
    exchange.turns.iter().find(|(by_user, _)| *by_user).map(|(_, said)| said.as_str())
}

/// The character's answer to it.
pub(super) fn reply(exchange: &OfflineExchange) -> &str {
    exchange.turns.iter().find(|(by_user, _)| !by_user).map(|(_, said)| said.as_str()).unwrap_or_default()
}

fn is_usable(exchange: &OfflineExchange, trust: f64) -> bool {
    exchange.min_trust.is_none_or(|least| trust >= f64::from(least)) && !reply(exchange).trim().is_empty()
}

/// How close the example's stage is: the highest that trust has reached counts most; no stage counts as a stranger's.
fn stage(exchange: &OfflineExchange, trust: f64) -> f64 {
    match exchange.min_trust {
        Some(least) => f64::from(least) / 40.0,
        None if trust < 0.0 => -3.0,
        None => 0.0,
    }
}

fn predicates(said: &str) -> Vec<String> {
    let mut kinds: Vec<String> = extract::statements(said).into_iter().map(|fact| fact.predicate).collect();
    for kind in &mut kinds {
        if kind.starts_with("favourite_") {
            kind.truncate("favourite".len());
        } else if matches!(kind.as_str(), "learns" | "studies" | "plays") {
            "learns".clone_into(kind);
        }
    }
    kinds
}

/// How much an answer speaks of things that its own line brought up and the message did not.
fn mismatch(line: &str, answer: &str, said: &str, topic: &str) -> f64 {
    let (line_words, answer_words, said_words) = (content(line), content(answer), content(said));
    let foreign =
        line_words.iter().filter(|stem| answer_words.contains(stem) && !said_words.contains(stem)).count();
    let mut cost = (foreign as f64) * if topic == "nothing-on-record" { 1.6 } else { 0.8 };
    let lows = |text: &str| words(text).into_iter().map(|word| word.low).collect::<Vec<_>>();
    let said_lows = lows(said);
    let opening = lows(&super::text::sentences(answer).into_iter().next().unwrap_or_default());
    for time in ["morning", "evening", "afternoon", "tonight", "today"] {
        let out_of_time =
            opening.iter().any(|word| word == time) && !said_lows.iter().any(|word| word == time);
        cost +=
            if out_of_time && matches!(topic, "greeting" | "comfort" | "how-are-you") { 1.6 } else { 0.0 };
    }
    let to_am_i =
        opening.first().is_some_and(|word| word == "you") && opening.get(1).is_some_and(|word| word == "are");
    if topic == "are-you-an-ai" && to_am_i && !super::text::has(&words(said), "am i") {
        cost += 3.0;
    }
    if matches!(topic, "remember" | "nothing-on-record") {
        let wh = |lows: &[String]| {
            lows.iter()
                .any(|word| matches!(word.as_str(), "what" | "where" | "when" | "who" | "which" | "how"))
        };
        let plain_question = said_lows
            .first()
            .is_some_and(|word| matches!(word.as_str(), "do" | "did" | "have" | "can" | "you" | "remember"));
        let opens =
            |start: &[&str]| opening.iter().map(String::as_str).take(start.len()).eq(start.iter().copied());
        let yes_or_no = opens(&["yes"]) || opens(&["no"]) || (opens(&["i", "do"]) && opening.len() < 4);
        let misfits = yes_or_no && !plain_question && wh(&said_lows) && topic == "nothing-on-record";
        cost += if misfits { 1.5 } else { 0.0 };
        for asked in ["when", "who", "where"] {
            let asks_back =
                lows(answer).iter().any(|word| word == asked) && !said_lows.iter().any(|word| word == asked);
            cost += if asks_back && topic == "nothing-on-record" { 1.0 } else { 0.0 };
        }
    }
    cost
}
