//! The model that `dramatis bench thinking` plays: it looks one thing up after the other, and answers from what it was
//! brought and from nothing else.

use serde_json::{Value, json};

use crate::llm::simulator::{
    Behaviour,
    policy::{brought, last_said, offered},
};

/// What the model looks for, and knows when it has found it.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    pub(super) topic: String,
    pub(super) wants: Vec<String>,
}

/// When it stops to look things up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    /// When it has found all that it looked for.
    StopsWhenItKnows,
    /// When it is told to, or has no more tools: it never thinks that it knows enough.
    GoesOn,
}

/// Where it looks, in this order, one call a step.
const PLACES: [(&str, &str); 3] =
    [("lookup_facts", "about"), ("search_memories", "query"), ("search_summaries", "query")];
/// Where it looks first, when it may.
const AT_ONCE: (&str, &str) = ("analyze_topic", "topic");
/// What it is told when it may stop (`cognition/prompts/step.md`), and how hints begin (`system.md`).
const STOP: [&str; 3] = ["covers what was asked", "brought nothing new", "This is the last step"];
const HINT: &str = "was answered with";

/// The model.
pub(super) fn model(lookups: Vec<Lookup>, habit: Habit) -> Behaviour {
    Behaviour::policy(move |request| act(&lookups, habit, request))
}

fn act(lookups: &[Lookup], habit: Habit, request: &Value) -> Behaviour {
    let question = last_said(request).to_lowercase();
    let asked: Vec<&Lookup> = lookups.iter().filter(|it| question.contains(&it.topic)).collect();
    let found = brought(request);
    let known: String = found.iter().map(|it| it.content.as_str()).collect::<Vec<_>>().join("\n");
    let wants: Vec<&String> = asked.iter().flat_map(|it| &it.wants).collect();
    let missing = wants.iter().any(|want| !known.contains(want.as_str()));
    let answer = || {
        let told: Vec<&str> =
            wants.iter().filter(|want| known.contains(want.as_str())).map(|it| it.as_str()).collect();
        if told.is_empty() {
            Behaviour::answer("I could not find anything.")
        } else {
            Behaviour::answer(format!("You told me of {}.", told.join(", ")))
        }
    };
    let tools = offered(request);
    let told_to_stop = last_content(request).is_some_and(|last| STOP.iter().any(|stop| last.contains(stop)));
    let done = match habit {
        Habit::StopsWhenItKnows => !missing,
        Habit::GoesOn => false,
    };
    if tools.is_empty() || told_to_stop || done {
        return answer();
    }
    let call = |tool: &str, argument: &str, topic: &str| (tool.to_owned(), json!({ argument: topic }));
    if let Some(hint) = hint(request).filter(|_| found.is_empty()) {
        let hinted = PLACES.iter().chain([&AT_ONCE]).filter(|(tool, _)| hint.contains(&format!("{tool}(")));
        let calls: Vec<_> = hinted
            .flat_map(|(tool, argument)| asked.iter().map(|it| call(tool, argument, &it.topic)))
            .collect();
        if !calls.is_empty() {
            return Behaviour::calls(calls);
        }
    }
    let places: Vec<(&str, &str)> = if tools.contains(&AT_ONCE.0) { vec![AT_ONCE] } else { PLACES.to_vec() };
    let mut plan =
        asked.iter().flat_map(|it| places.iter().map(|(tool, argument)| call(tool, argument, &it.topic)));
    let made = |call: &(String, Value)| {
        found.iter().any(|it| {
            it.name == call.0 && serde_json::from_str::<Value>(&it.arguments).is_ok_and(|made| made == call.1)
        })
    };
    if let Some(next) = plan.find(|call| !made(call)) {
        return Behaviour::calls([next]);
    }
    match habit {
        Habit::StopsWhenItKnows => answer(),
        // It asks again for a little more each time.
        Habit::GoesOn => {
            let topic = asked.first().map_or("", |it| it.topic.as_str());
            let limit = found.len() % 20 + 1;
            Behaviour::calls([("search_memories", json!({ "query": topic, "limit": limit }))])
        }
    }
}

fn contents(request: &Value) -> impl DoubleEndedIterator<Item = &str> {
    let messages = request.get("messages").and_then(Value::as_array).into_iter().flatten();
    messages.filter_map(|message| message.get("content")?.as_str())
}

fn last_content(request: &Value) -> Option<&str> {
    contents(request).next_back()
}

fn hint(request: &Value) -> Option<&str> {
    contents(request).next()?.lines().find(|line| line.contains(HINT))
}
