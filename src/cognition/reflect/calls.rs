//! The calls of one step: checked, made side by side, and handed back as data.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;
use tokio::sync::mpsc;

use super::evidence;
use crate::{
    cognition::{template, turn::send},
    llm::{ChatMessage, ToolCall, ToolSpec},
    model::{ToolState, TurnEvent},
    tool::{Context, Toolbox},
};

/// Calls that one step may make; what is beyond them is answered with a request to call again.
pub(super) const AT_ONCE: usize = 8;
/// Characters of one result that reach the model.
const LONGEST_RESULT: usize = 12_000;

/// A call that was made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Made {
    /// The tool.
    pub(super) name: String,
    /// Its arguments; not an object when the model wrote none.
    pub(super) arguments: Value,
    /// What it brought, or why nothing.
    pub(super) result: Result<String, String>,
}

/// The calls of a turn.
pub(super) struct Calls<'a> {
    toolbox: &'a Toolbox,
    context: Context,
    specs: Vec<ToolSpec>,
    seen: HashMap<(String, String), Seen>,
    /// Lines that results have brought.
    lines: HashSet<String>,
    /// Every call that was made, in order.
    pub(super) made: Vec<Made>,
    count: usize,
}

struct Seen {
    times: usize,
    content: String,
}

/// What a step of calls came to.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// What is said to the model: its calls, and a result for each.
    pub(super) messages: Vec<ChatMessage>,
    /// At least one call brought something that was not there before.
    pub(super) fruitful: bool,
    /// Every call succeeded.
    pub(super) whole: bool,
    /// The same call came a third time.
    pub(super) circles: bool,
}

impl<'a> Calls<'a> {
    pub(super) fn new(toolbox: &'a Toolbox, context: Context) -> Self {
        let specs = toolbox.specs(&context.character);
        Self {
            toolbox,
            context,
            specs,
            seen: HashMap::new(),
            lines: HashSet::new(),
            made: Vec::new(),
            count: 0,
        }
    }

    /// What may be called.
    pub(super) fn specs(&self) -> &[ToolSpec] {
        &self.specs
    }

    /// The tools that were called, each once, in their order.
    pub(super) fn used(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for made in &self.made {
            if !names.contains(&made.name) {
                names.push(made.name.clone());
            }
        }
        names
    }

    /// The names of what may be called.
    pub(super) fn names(&self) -> Vec<&str> {
        self.specs.iter().map(|spec| spec.name.as_str()).collect()
    }

    /// Makes these calls side by side. Every call gets a result, whatever is wrong with it; what was written beside them is
    /// given back to the model as `said`.
    pub(super) async fn make(
        &mut self,
        said: &str,
        calls: Vec<ToolCall>,
        events: &mpsc::Sender<TurnEvent>,
    ) -> Step {
        let mut step = Step { whole: true, ..Step::default() };
        let calls: Vec<ToolCall> = calls.into_iter().map(|call| self.with_own_id(call)).collect();
        let mut fresh: BTreeSet<(String, String)> = BTreeSet::new();
        let mut run = Vec::new();
        let mut answers: Vec<Option<String>> = Vec::new();
        for (number, call) in calls.iter().enumerate() {
            let key = (call.name.clone(), canonical(&call.arguments));
            let refusal = if number >= AT_ONCE {
                Some(Err(format!(
                    "only {AT_ONCE} calls a step are made: call this again if you still need it"
                )))
            } else if let Some(seen) = self.seen.get_mut(&key) {
                seen.times += 1;
                step.circles |= seen.times >= 3;
                Some(Ok(format!("You have called this before; it brought this:\n{}", seen.content)))
            } else if fresh.insert(key) {
                self.unfit(call).map(Err)
            } else {
                Some(Ok("The same call stands beside this one; see what it brought.".to_owned()))
            };
            answers.push(match refusal {
                Some(Ok(told)) => Some(told),
                Some(Err(told)) => {
                    step.whole = false;
                    self.made.push(made(call, Err(told.clone())));
                    self.note_as_seen(call, &failed(&call.name, &told));
                    Some(failed(&call.name, &told))
                }
                None => {
                    run.push(call);
                    None
                }
            });
        }
        let outcomes = futures::future::join_all(run.iter().map(|call| self.watched(call, events))).await;
        let mut brought = Vec::new();
        for (call, outcome) in run.into_iter().zip(outcomes) {
            let content = match &outcome {
                Ok(text) => fenced(&call.name, text),
                Err(reason) => failed(&call.name, reason),
            };
            step.fruitful |= outcome.as_ref().is_ok_and(|text| self.is_news(text));
            step.whole &= outcome.is_ok();
            self.note_as_seen(call, &content);
            self.made.push(made(call, outcome));
            brought.push(content);
        }
        let mut brought = brought.into_iter();
        let contents: Vec<String> =
            answers.into_iter().map(|told| told.or_else(|| brought.next()).unwrap_or_default()).collect();
        let results = calls.iter().zip(contents).map(|(call, text)| ChatMessage::tool(&call.id, text));
        let results: Vec<ChatMessage> = results.collect();
        step.messages.push(ChatMessage::calling(said, calls.into_iter().map(presentable).collect()));
        step.messages.extend(results);
        step
    }

    /// The call under an id that no other call of the turn has: models give none, or the same to all.
    fn with_own_id(&mut self, call: ToolCall) -> ToolCall {
        self.count += 1;
        ToolCall { id: format!("call_{}", self.count), arguments: tidy(&call.arguments), ..call }
    }

    fn note_as_seen(&mut self, call: &ToolCall, content: &str) {
        let key = (call.name.clone(), canonical(&call.arguments));
        let seen = self.seen.entry(key).or_insert_with(|| Seen { times: 1, content: String::new() });
        content.clone_into(&mut seen.content);
    }

    /// Whether a result has a line that no result had before.
    fn is_news(&mut self, text: &str) -> bool {
        let lines = text.lines().map(str::trim).filter(|line| !evidence::says_nothing(line));
        // Every line is noted, not only the first that is new.
        lines.filter(|line| self.lines.insert((*line).to_owned())).count() > 0
    }

    /// What is wrong with a call before it is made: the words are for the model. Whether the arguments fit their schema, the
    /// toolbox says.
    fn unfit(&self, call: &ToolCall) -> Option<String> {
        if !self.specs.iter().any(|spec| spec.name == call.name) {
            let name = template::label(&call.name);
            return Some(format!("there is no tool `{name}`; there are: {}", self.names().join(", ")));
        }
        match serde_json::from_str::<Value>(&call.arguments) {
            Ok(Value::Object(_)) => None,
            Ok(_) => Some("the arguments are not a JSON object".to_owned()),
            Err(error) => Some(format!("the arguments are not a JSON object: {error}")),
        }
    }

    async fn watched(&self, call: &ToolCall, events: &mpsc::Sender<TurnEvent>) -> Result<String, String> {
        let told = |state, ms| TurnEvent::Tool { id: call.id.clone(), name: call.name.clone(), state, ms };
        send(events, told(ToolState::Started, None)).await;
        let outcome = self.toolbox.call(&self.context, call).await;
        let ms = Some(outcome.took.as_secs_f64() * 1_000.0);
        let state = if outcome.result.is_ok() { ToolState::Finished } else { ToolState::Failed };
        tracing::debug!(tool = call.name, ?state, ms, "a tool was called");
        send(events, told(state, ms)).await;
        outcome.result.map_err(|error| error.to_string())
    }
}

/// A call as it is given back: endpoints refuse a thread whose arguments are no JSON.
fn presentable(call: ToolCall) -> ToolCall {
    let fits = serde_json::from_str::<Value>(&call.arguments).is_ok_and(|arguments| arguments.is_object());
    if fits { call } else { ToolCall { arguments: "{}".to_owned(), ..call } }
}

fn made(call: &ToolCall, result: Result<String, String>) -> Made {
    let arguments = serde_json::from_str(&call.arguments).unwrap_or(Value::Null);
    Made { name: call.name.clone(), arguments, result }
}

/// What a tool brought, fenced: it cannot close the fence.
pub(super) fn fenced(tool: &str, text: &str) -> String {
    let text = crate::cognition::prompt::cut_at(text.trim(), LONGEST_RESULT);
    let text = if text.is_empty() { "(nothing)" } else { &text };
    format!("<data tool=\"{}\">\n{}\n</data>", attribute(tool), template::as_data(text))
}

/// Why a tool brought nothing. The reason may quote another machine, so it is fenced, too.
fn failed(tool: &str, reason: &str) -> String {
    format!("<data tool=\"{}\" failed=\"true\">\n{}\n</data>", attribute(tool), template::as_data(reason))
}

fn attribute(name: &str) -> String {
    template::label(name).replace('"', "'")
}

/// No arguments are an empty object.
fn tidy(arguments: &str) -> String {
    if arguments.trim().is_empty() { "{}".to_owned() } else { arguments.to_owned() }
}

/// The same for arguments that say the same.
fn canonical(arguments: &str) -> String {
    // The keys of a JSON value are sorted.
    serde_json::from_str::<Value>(arguments).map_or_else(|_| arguments.trim().to_owned(), |it| it.to_string())
}
