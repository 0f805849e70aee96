//! The reflective path: the model looks things up and acts with tools, step by step, and answers when it has what it needs.
//! It never takes more steps than its level allows, and where it fails, the fast path answers.

mod calls;
mod critic;
mod english;
mod evidence;
mod hold;
mod plan;
mod spent;
mod status;
mod stray;
mod window;

use minijinja::context;
use tokio::sync::mpsc;

use self::{calls::Calls, stray::Stray};
use super::{
    escalate::Choice,
    prompt, template,
    turn::{Ask, Mind, send},
};
use crate::{
    character::ModelTier,
    llm::{
        Attribution, ChatMessage, ChatRequest, Completion, LlmError, Purpose, Role, Tier, ToolCall, tokens,
    },
    memory::{REPEATS, Trace},
    model::{ErrorKind, Level, TurnEvent},
    tool,
};

pub(super) use hold::{Hold, LONGEST};
pub(super) use plan::{Trail, corrects};
pub(super) use spent::Spent;

/// Steps by level (product.md, TRN): one step is one call of the model, the answer among them.
const STEPS: [(Level, u32); 3] = [(Level::ComplexLow, 5), (Level::ComplexMid, 10), (Level::ComplexHigh, 15)];
/// The share of the prompt's budget, in per cent, that what is known beforehand may take; the rest is for what tools bring.
const BASE_SHARE: usize = 60;
/// Characters of a piece of an answer that was held back until it had been checked.
const PIECE: usize = 80;

/// How many steps a turn may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StepBudget {
    /// 5, 10 or 15 by level; and the model is told when what it has looked up covers the question.
    #[default]
    Adaptive,
    /// As [`StepBudget::Adaptive`], where this share of the question's words, in per cent, is enough: what that share was
    /// chosen by.
    Covering(u8),
    /// So many, whatever the question, and the model is told nothing: what adaptive steps are measured against.
    Fixed(u32),
}

/// What a turn thinks about, and with what.
pub(super) struct Question<'a> {
    pub(super) ask: &'a Ask,
    pub(super) material: prompt::Material,
    pub(super) level: Level,
    /// Its vector.
    pub(super) vector: Option<&'a [f32]>,
    pub(super) attribution: &'a Attribution,
    /// Whether the local model or the cloud thinks.
    pub(super) choice: &'a Choice,
    pub(super) events: &'a mpsc::Sender<TurnEvent>,
}

/// A turn of thought that failed.
pub(super) struct Failed {
    pub(super) error: LlmError,
    pub(super) spent: Spent,
    /// Something of an answer has been shown: nobody else can answer any more.
    pub(super) shown: bool,
    /// The traces that it used.
    pub(super) used: Vec<String>,
}

/// How one step ended.
enum Ended {
    /// With this, of which a part may have been shown.
    Answer(String),
    /// With calls, and words beside them.
    Calls(String, Vec<ToolCall>),
    /// With a call that is no call.
    Stray(Stray, String),
}

/// What the next step is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Note {
    Enough,
    Fruitless,
    Stray,
    Broken,
}

impl Note {
    const fn kind(self) -> &'static str {
        match self {
            Self::Enough => "enough",
            Self::Fruitless => "fruitless",
            Self::Stray => "stray",
            Self::Broken => "broken",
        }
    }
}

/// A turn of thought under way.
struct Thought<'a> {
    mind: &'a Mind,
    question: &'a Question<'a>,
    calls: Calls<'a>,
    steps: u32,
    step: u32,
    /// What was said between the model and its tools.
    thread: Vec<ChatMessage>,
    note: Option<Note>,
    /// What people are shown while the model reads what these tools brought.
    using: Option<String>,
    /// What has been shown of the answer by steps before.
    shown: String,
    spent: Spent,
    faults: u32,
    /// No more tools are offered.
    closing: bool,
    checked: bool,
    budget: usize,
    /// An earlier plan brought what the answer needs.
    repeated: bool,
}

impl Mind {
    /// Whether a question of this level is thought about in steps, and by how many.
    pub(super) fn steps_for(&self, level: Level, ask: &Ask) -> Option<u32> {
        let most = STEPS.iter().find(|(of, _)| *of == level).map(|(_, most)| *most)?;
        let able = !self.parts.llm.is_offline(Tier::Reflective)
            && !self.parts.toolbox.specs(&ask.character).is_empty();
        able.then_some(match self.parts.steps {
            StepBudget::Adaptive | StepBudget::Covering(_) => most,
            StepBudget::Fixed(steps) => steps,
        })
    }

    /// Whether this is a call of a tool, written as text.
    pub(super) fn is_stray(&self, text: &str, ask: &Ask) -> bool {
        let specs = self.parts.toolbox.specs(&ask.character);
        let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        stray::find(text, &names).is_some()
    }

    /// Thinks about a question and answers it.
    pub(super) async fn think(
        &self,
        mut question: Question<'_>,
        steps: u32,
    ) -> Result<(Completion, Trail), Failed> {
        let ask = question.ask;
        let (guides, repeated) = self.learned(&question).await;
        let guidance = guides.iter().map(plan::hint).collect();
        question.material.thinking = Some(prompt::Thinking { steps, guidance });
        let used = guides.iter().map(|trace| trace.id.clone()).collect();
        let question = &question;
        let context = tool::Context {
            viewer: ask.viewer.clone(),
            character: ask.character.clone(),
            user_name: question.material.user_name.clone(),
            message: ask.message.id,
            now: ask.message.at,
        };
        let mut thought = Thought {
            mind: self,
            question,
            calls: Calls::new(&self.parts.toolbox, context),
            steps,
            step: 0,
            thread: Vec::new(),
            note: None,
            using: None,
            shown: String::new(),
            spent: Spent::default(),
            faults: 0,
            closing: false,
            checked: question.level != Level::ComplexHigh,
            budget: prompt::budget_of(self.parts.context),
            repeated: false,
        };
        if let Some(calls) = repeated {
            thought.repeat(calls).await;
        }
        match thought.run().await {
            Ok(text) => {
                let plan = if thought.repeated {
                    Vec::new()
                } else {
                    plan::of(&question.material.message, &thought.calls.made, thought.calls.specs())
                };
                Ok((thought.spent.completion(text), Trail { plan, used, tools: thought.calls.used() }))
            }
            Err(error) => {
                let shown = !thought.shown.is_empty();
                Err(Failed { error, spent: thought.spent, shown, used })
            }
        }
    }

    /// What earlier turns of thought give this one: traces that guide it, or calls to begin with.
    async fn learned(&self, question: &Question<'_>) -> (Vec<Trace>, Option<Vec<ToolCall>>) {
        let asked = &question.material.message;
        let found = self.parts.memory.traces_like(&question.ask.viewer, asked, question.vector).await;
        let mut traces = found.unwrap_or_else(|error| {
            tracing::warn!(%error, "what was learned from earlier questions cannot be looked up");
            Vec::new()
        });
        let mut again = traces.iter().take_while(|trace| trace.likeness >= REPEATS).enumerate();
        let again: Option<(usize, Vec<ToolCall>)> =
            again.find_map(|(at, trace)| Some((at, plan::again(trace, asked, &self.parts.toolbox)?)));
        if let Some((at, calls)) = again {
            return (traces.into_iter().skip(at).take(1).collect(), Some(calls));
        }
        traces.truncate(plan::GUIDES_AT_MOST);
        (traces, None)
    }
}

impl Thought<'_> {
    async fn run(&mut self) -> Result<String, LlmError> {
        while self.step < self.steps {
            self.step += 1;
            self.closing |= self.step == self.steps;
            let ended = match self.step().await {
                Ok(ended) => ended,
                Err(error) => {
                    self.bear(error)?;
                    continue;
                }
            };
            match ended {
                Ended::Answer(text) => {
                    if let Some(answer) = self.settle(text).await {
                        return Ok(answer);
                    }
                }
                Ended::Calls(said, calls) => self.call(&said, calls).await,
                Ended::Stray(stray, text) => {
                    if self.note_stray_once(&text) {
                        continue;
                    }
                    match stray.answer {
                        Some(answer) => {
                            if let Some(answer) = self.settle(answer).await {
                                return Ok(answer);
                            }
                        }
                        None if self.closing => break,
                        None => self.closing = true,
                    }
                }
            }
        }
        Err(self.unreadable("wrote calls instead of an answer"))
    }

    /// One call of the model.
    async fn step(&mut self) -> Result<Ended, LlmError> {
        let Question { ask, material, events, attribution, choice, .. } = self.question;
        // Tools are quick: their words would be gone before anybody reads them.
        let text = self.using.take().unwrap_or_else(|| status::thinking(&ask.character));
        send(events, TurnEvent::Thinking { text, step: self.step, of: self.steps }).await;
        let tools = if self.closing { Vec::new() } else { self.calls.specs().to_vec() };
        let mut messages = prompt::assemble(material, self.budget * BASE_SHARE / 100);
        let before = tokens::estimate_messages(&messages) + window::cost_of(&tools);
        window::fit(&mut self.thread, before, self.budget);
        messages.extend(self.thread.iter().cloned());
        messages.extend(self.told().map(|note| ChatMessage::new(Role::System, note)));
        let tier_of = self.mind.parts.llm.describe();
        let shares_main = tier_of.iter().any(|it| it.tier == Tier::Reflective && it.falls_back_to_main);
        let models = &ask.character.core.models;
        let main = models.get(&ModelTier::Main).filter(|_| shares_main);
        let overrides = models.get(&ModelTier::Reflective).or(main);
        let request = ChatRequest {
            tools,
            temperature: overrides.and_then(|model| model.temperature),
            max_tokens: overrides.and_then(|model| model.max_tokens),
            model: overrides.and_then(|model| model.model.clone()),
            attribution: (*attribution).clone(),
            ..ChatRequest::new(Tier::Reflective, Purpose::Reflect, messages)
        };
        let patience = match (self.checked, self.closing) {
            (false, _) => usize::MAX,
            (true, true) => 0,
            (true, false) => hold::PATIENCE,
        };
        let mut hold = Hold::new(patience);
        let lead = if self.shown.is_empty() { "" } else { "\n\n" };
        let heard = Box::pin(self.mind.hear_best(request, choice, &mut hold, lead, events)).await;
        if !hold.passed().is_empty() {
            self.shown.push_str(lead);
            self.shown.push_str(hold.passed());
        }
        let completion = heard.inspect_err(|error| self.spent.add_wait(error.waited))?;
        self.spent.add(&completion);
        Ok(self.understand(completion, hold.kept()))
    }

    /// What the next step is told, if anything.
    fn told(&mut self) -> Option<String> {
        let note = self.note.take();
        let kind =
            if self.closing && note != Some(Note::Stray) { Some("last") } else { note.map(Note::kind) };
        kind.map(|kind| template::step(&context! { kind }))
    }

    fn understand(&self, completion: Completion, kept: &str) -> Ended {
        let Completion { text, tool_calls, .. } = completion;
        if !tool_calls.is_empty() && !self.closing {
            return Ended::Calls(text, tool_calls);
        }
        match stray::find(kept, &self.calls.names()) {
            // What stands before it is on show, and is the answer.
            Some(_) if !self.shown.is_empty() => Ended::Answer(String::new()),
            Some(stray) => Ended::Stray(stray, text),
            None if kept.is_empty() && self.shown.is_empty() => {
                Ended::Stray(Stray { answer: None }, String::new())
            }
            None => Ended::Answer(kept.to_owned()),
        }
    }

    /// Begins with the calls of an earlier turn. When all of them bring something, the answer comes next.
    async fn repeat(&mut self, calls: Vec<ToolCall>) {
        let step = self.calls.make("", calls, self.question.events).await;
        self.thread.extend(step.messages);
        self.repeated = step.whole && step.fruitful;
        self.closing = self.repeated;
    }

    /// Makes the calls of a step.
    async fn call(&mut self, said: &str, calls: Vec<ToolCall>) {
        let Question { ask, material, events, .. } = self.question;
        let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
        let known: Vec<&str> = self.calls.names().into_iter().filter(|name| names.contains(name)).collect();
        if let Some(text) = status::using(&ask.character, &known) {
            self.using = Some(text.clone());
            send(events, TurnEvent::Thinking { text, step: self.step, of: self.steps }).await;
        }
        let step = self.calls.make(said, calls, events).await;
        self.thread.extend(step.messages);
        self.closing |= step.circles;
        let enough = match self.mind.parts.steps {
            StepBudget::Adaptive => Some(evidence::COVERED),
            StepBudget::Covering(share) => Some(share),
            StepBudget::Fixed(_) => None,
        };
        if let Some(share) = enough {
            self.note = if evidence::covers(&material.message, &self.calls.made, share) {
                Some(Note::Enough)
            } else {
                (!step.fruitful && step.whole).then_some(Note::Fruitless)
            };
        }
    }

    /// An answer: checked where that is due, and shown as far as it was not. `None`: it is to be written anew.
    async fn settle(&mut self, kept: String) -> Option<String> {
        if !self.checked {
            self.checked = true;
            let reasons = self.criticise(&kept).await;
            if !reasons.is_empty() && self.step < self.steps {
                let note = template::step(&context! { kind => "critic", reasons });
                self.thread.push(ChatMessage::new(Role::Assistant, kept));
                self.thread.push(ChatMessage::new(Role::System, note));
                self.closing = false;
                return None;
            }
        }
        self.show(&kept).await;
        Some(std::mem::take(&mut self.shown))
    }

    /// Shows text in pieces, at the ends of words.
    async fn show(&mut self, text: &str) {
        let mut piece = String::new();
        for word in text.split_inclusive(char::is_whitespace) {
            piece.push_str(word);
            if piece.len() >= PIECE {
                send(self.question.events, TurnEvent::Delta { text: std::mem::take(&mut piece) }).await;
            }
        }
        if !piece.is_empty() {
            send(self.question.events, TurnEvent::Delta { text: piece }).await;
        }
        self.shown.push_str(text);
    }

    /// The first stray call is pointed out. False: that was done before, or there is no step left for it.
    fn note_stray_once(&mut self, text: &str) -> bool {
        self.faults += 1;
        if self.faults > 1 || self.step >= self.steps {
            return false;
        }
        if !text.is_empty() {
            self.thread.push(ChatMessage::new(Role::Assistant, text));
        }
        self.note = Some(Note::Stray);
        true
    }

    /// A step that could not be read is done again, once; a prompt that is too long is cut.
    fn bear(&mut self, error: LlmError) -> Result<(), LlmError> {
        let again = match error.kind {
            ErrorKind::ContextLength => {
                self.budget /= 2;
                self.budget > prompt::budget_of(self.mind.parts.context) / 8
            }
            ErrorKind::BadAnswer | ErrorKind::BrokenStream | ErrorKind::EmptyAnswer => {
                self.faults += 1;
                self.note = Some(Note::Broken);
                self.faults == 1
            }
            _ => false,
        };
        if !again || !self.shown.is_empty() || self.step >= self.steps {
            return Err(error);
        }
        tracing::warn!(error = %error.message, "a step of thought failed: it is tried again");
        Ok(())
    }

    fn unreadable(&self, what: &str) -> LlmError {
        LlmError {
            kind: ErrorKind::BadAnswer,
            message: format!("{} {what}", self.mind.parts.llm.model_of(Tier::Reflective)),
            partial: String::new(),
            waited: std::time::Duration::ZERO,
        }
    }
}
