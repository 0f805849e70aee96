//! The model that `dramatis bench thinking` plays: it looks things up, and answers from what it was brought and from nothing
//! else.

use serde_json::{Value, json};

use crate::llm::simulator::{
    Behaviour,
    policy::{Brought, brought, last_said, offered},
};

/// What the model looks for, and knows when it has found it.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    pub(super) topic: String,
    pub(super) wants: Vec<String>,
}

/// What it calls in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// One tool, about one topic.
    OneCall,
    /// One tool, about each topic of the question.
    OnePlace,
    /// Every tool that it means to call.
    AllAtOnce,
}

impl Manner {
    pub(super) const ALL: [Self; 3] = [Self::OneCall, Self::OnePlace, Self::AllAtOnce];
}

/// When it stops to look things up. Whoever it is, it answers when it is told that the last step was in vain, and when it has
/// no tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    /// When it has found all that it looked for.
    Stops,
    /// The same, after looking twice more.
    ChecksTwice,
    /// Never by itself. Told that it may have enough, it answers if that is so.
    GoesOn,
    /// Never by itself. Told that it may have enough, it answers, whatever it misses.
    Obeys,
}

/// A model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nature {
    pub(super) manner: Manner,
    pub(super) habit: Habit,
    /// Whether it does what answered an earlier question.
    pub(super) takes_hints: bool,
}

impl Nature {
    pub(super) const fn of(manner: Manner, habit: Habit) -> Self {
        Self { manner, habit, takes_hints: true }
    }
}

/// Where it looks, in this order.
const PLACES: [(&str, &str); 3] =
    [("lookup_facts", "about"), ("search_memories", "query"), ("search_summaries", "query")];
/// Where it looks instead, when it may.
const AT_ONCE: (&str, &str) = ("analyze_topic", "topic");
/// Looks beyond what it meant to, of who checks.
const CHECKS: usize = 2;
/// What it is told between steps (`cognition/prompts/step.md`), and how hints begin (`system.md`).
const STOP: [&str; 2] = ["brought nothing new", "This is the last step"];
const ENOUGH: &str = "covers what was asked";
pub(super) const HINT: &str = "was answered with";

type Call = (&'static str, Value);

/// The model.
pub(super) fn model(lookups: Vec<Lookup>, nature: Nature) -> Behaviour {
    Behaviour::policy(move |request| act(&lookups, nature, request))
}

fn act(lookups: &[Lookup], nature: Nature, request: &Value) -> Behaviour {
    let question = last_said(request).to_lowercase();
    let asked: Vec<&Lookup> = lookups.iter().filter(|it| question.contains(&it.topic)).collect();
    let found = brought(request);
    let tools = offered(request);
    let told = contents(request).next_back().unwrap_or_default();
    let misses = asked.iter().flat_map(|it| &it.wants).any(|want| !knows(&found, want));
    let extra = found.iter().filter(|it| it.arguments.contains("limit")).count();
    let done = match nature.habit {
        Habit::Stops => !misses,
        Habit::ChecksTwice => !misses && extra >= CHECKS,
        Habit::GoesOn => !misses && told.contains(ENOUGH),
        Habit::Obeys => told.contains(ENOUGH),
    };
    if tools.is_empty() || done || STOP.iter().any(|stop| told.contains(stop)) {
        return answer(&asked, &found);
    }
    let may = if tools.contains(&AT_ONCE.0) { vec![AT_ONCE] } else { PLACES.to_vec() };
    if let Some(hint) = hint(request).filter(|_| found.is_empty() && nature.takes_hints) {
        let hinted: Vec<_> =
            may.iter().copied().filter(|(tool, _)| hint.contains(&format!("{tool}("))).collect();
        if !hinted.is_empty() {
            return Behaviour::calls(rounds(&asked, &hinted, Manner::AllAtOnce).concat());
        }
    }
    let goes_by_plan = misses || matches!(nature.habit, Habit::GoesOn | Habit::Obeys);
    let mut plan = rounds(&asked, &may, nature.manner).into_iter().map(|mut round| {
        round.retain(|call| !was_made(&found, call));
        round
    });
    if let Some(next) = plan.find(|round| goes_by_plan && !round.is_empty()) {
        return Behaviour::calls(next);
    }
    let more = match nature.habit {
        Habit::Stops => false,
        Habit::ChecksTwice => extra < CHECKS,
        Habit::GoesOn | Habit::Obeys => true,
    };
    if !more {
        return answer(&asked, &found);
    }
    // The same again, a little further.
    let topic = asked.first().map_or("", |it| it.topic.as_str());
    Behaviour::calls([("search_memories", json!({ "query": topic, "limit": 10 + extra % 10 }))])
}

fn answer(asked: &[&Lookup], found: &[Brought]) -> Behaviour {
    let wants = asked.iter().flat_map(|it| &it.wants);
    let told: Vec<&str> = wants.filter(|want| knows(found, want)).map(String::as_str).collect();
    if told.is_empty() {
        Behaviour::answer("I could not find anything.")
    } else {
        Behaviour::answer(format!("You told me of {}.", told.join(", ")))
    }
}

fn knows(found: &[Brought], want: &str) -> bool {
    found.iter().any(|it| it.content.contains(want))
}

/// What it means to call, step by step.
fn rounds(asked: &[&Lookup], places: &[(&'static str, &str)], manner: Manner) -> Vec<Vec<Call>> {
    let call =
        |(tool, argument): &(&'static str, &str), it: &&Lookup| (*tool, json!({ (*argument): it.topic }));
    match manner {
        Manner::OneCall => {
            asked.iter().flat_map(|it| places.iter().map(move |place| vec![call(place, it)])).collect()
        }
        Manner::OnePlace => {
            places.iter().map(|place| asked.iter().map(|it| call(place, it)).collect()).collect()
        }
        Manner::AllAtOnce => {
            vec![places.iter().flat_map(|place| asked.iter().map(move |it| call(place, it))).collect()]
        }
    }
}

fn was_made(found: &[Brought], (tool, arguments): &Call) -> bool {
    found.iter().any(|it| {
        it.name == *tool && serde_json::from_str::<Value>(&it.arguments).is_ok_and(|made| made == *arguments)
    })
}

fn contents(request: &Value) -> impl DoubleEndedIterator<Item = &str> {
    let messages = request.get("messages").and_then(Value::as_array).into_iter().flatten();
    messages.filter_map(|message| message.get("content")?.as_str())
}

fn hint(request: &Value) -> Option<&str> {
    contents(request).next()?.lines().find(|line| line.contains(HINT))
}
