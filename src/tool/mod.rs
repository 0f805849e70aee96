//! Tools: what a character can look up and do while it thinks, one file a tool. Each works through the eyes of the person who
//! asks, and what it brings is material for the model, never an instruction.

mod analyze_topic;
mod argument;
mod ask_character;
mod calculator;
mod create_goal;
mod current_time;
mod explore_relationships;
mod house;
mod lookup_facts;
mod net;
mod read_message_context;
mod read_web_page;
mod recall_period;
mod remind_me;
mod said;
mod search_episodes;
mod search_memories;
mod search_summaries;
mod text;
mod update_fact;
mod update_preference;
mod web_search;
mod when;

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::FutureExt as _;
use jsonschema::Validator;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    character::Character,
    llm::{ToolCall, ToolSpec},
    model::{MessageId, Timestamp, Viewer},
};

pub use house::{HouseParts, house};
pub use net::{Lookup, Net, is_public};

/// The longest thing that a tool brings, in characters; the rest is cut off and said to be.
pub const LONGEST: usize = 6_000;

/// Why nothing is changed for a message that is not on record.
const NOT_SAID: &str =
    "the message that asks for this is not on record, or is not the user's own, so nothing was changed";

/// For whom a tool is called.
#[derive(Debug, Clone)]
pub struct Context {
    /// Through whose eyes it looks.
    pub viewer: Viewer,
    /// Who thinks.
    pub character: Arc<Character>,
    /// What the person is called.
    pub user_name: String,
    /// The message that is thought about.
    pub message: MessageId,
    /// When it was said.
    pub now: Timestamp,
}

/// What a tool needs permission for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Looks at what the viewer may see, or computes.
    Read,
    /// Changes what is remembered of the viewer.
    Write,
    /// Talks to another machine.
    Network,
}

/// What a call costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CostClass {
    /// Microseconds.
    Free,
    /// A few queries of the store.
    Store,
    /// Another machine's time.
    Network,
    /// A call of a model.
    Model,
}

/// Why a tool brought nothing. The words are for the model, so that it can do better.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// There is no such tool, or the character may not use it.
    #[error("there is no tool `{0}`")]
    Unknown(String),
    /// The arguments do not fit.
    #[error("the arguments do not fit: {0}")]
    Arguments(String),
    /// It is not allowed here.
    #[error("refused: {0}")]
    Refused(String),
    /// It took too long.
    #[error("it did not end within {} ms", .0.as_millis())]
    Late(Duration),
    /// It failed.
    #[error("it failed: {0}")]
    Failed(String),
}

/// A tool.
#[async_trait]
pub trait Tool: Send + Sync {
    /// Its name, what it does and its arguments, for the model.
    fn spec(&self) -> ToolSpec;

    /// What it needs permission for.
    fn permission(&self) -> Permission;

    /// What a call costs.
    fn cost(&self) -> CostClass;

    /// How long a call may take.
    fn limit(&self) -> Duration;

    /// Calls it.
    ///
    /// # Errors
    /// [`ToolError`], in words for the model.
    async fn call(&self, context: &Context, arguments: Value) -> Result<String, ToolError>;
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What it brought, or why nothing.
    pub result: Result<String, ToolError>,
    /// How long it took.
    pub took: Duration,
}

/// A tool with what is known of it.
#[derive(Clone)]
struct Held {
    tool: Arc<dyn Tool>,
    spec: ToolSpec,
    /// `None`: its schema is none, so its arguments are taken as they come.
    validator: Option<Arc<Validator>>,
}

impl Held {
    fn of(tool: Arc<dyn Tool>) -> Self {
        let spec = tool.spec();
        let validator = match jsonschema::validator_for(&spec.parameters) {
            Ok(validator) => Some(Arc::new(validator)),
            Err(error) => {
                tracing::warn!(tool = spec.name, %error, "the arguments of a tool are not checked: its schema is none");
                None
            }
        };
        Self { tool, spec, validator }
    }
}

/// The tools that there are.
#[derive(Clone, Default)]
pub struct Toolbox {
    tools: BTreeMap<String, Held>,
}

impl Toolbox {
    /// These tools; of two with one name, the last.
    #[must_use]
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        Self { tools: tools.into_iter().map(Held::of).map(|held| (held.spec.name.clone(), held)).collect() }
    }

    /// These and `more`; of two with one name, the one of `more`.
    #[must_use]
    pub fn with(mut self, more: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        self.tools.extend(Self::new(more).tools);
        self
    }

    /// Every tool that there is, by name.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Tool>> {
        self.tools.values().map(|held| &held.tool)
    }

    /// The tool of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.tools.get(name).map(|held| &held.tool)
    }

    /// What the character may call, by name.
    #[must_use]
    pub fn specs(&self, character: &Character) -> Vec<ToolSpec> {
        self.tools.values().filter(|held| may(character, held)).map(|held| held.spec.clone()).collect()
    }

    /// Calls one tool, within its time limit. Whatever the tool does, this comes back: a panic of the tool is a failure of
    /// the call. What it brings is at most [`LONGEST`] characters and closes no fence that the caller puts around it.
    pub async fn call(&self, context: &Context, call: &ToolCall) -> Outcome {
        let began = Instant::now();
        let result = self.attempt(context, call).await;
        Outcome { result, took: began.elapsed() }
    }

    async fn attempt(&self, context: &Context, call: &ToolCall) -> Result<String, ToolError> {
        let held = self
            .tools
            .get(&call.name)
            .filter(|held| may(&context.character, held))
            .ok_or_else(|| ToolError::Unknown(text::short(&call.name)))?;
        let arguments = argument::parse(&call.arguments, &held.spec.parameters)?;
        if let Some(validator) = &held.validator {
            argument::check(validator, &arguments)?;
        }
        let limit = held.tool.limit();
        let run = AssertUnwindSafe(held.tool.call(context, arguments)).catch_unwind();
        match tokio::time::timeout(limit, run).await {
            Ok(Ok(result)) => result.map(|text| text::bounded(&text)).map_err(harmless),
            Ok(Err(_)) => {
                tracing::error!(tool = call.name, "a tool panicked");
                Err(ToolError::Failed("the tool broke; do without it".to_owned()))
            }
            Err(_) => Err(ToolError::Late(limit)),
        }
    }
}

/// `core.yaml: skills` names what a character may use; where it names nothing, that is whatever stays in the house.
fn may(character: &Character, held: &Held) -> bool {
    let skills = &character.core.skills;
    if skills.is_empty() {
        held.tool.permission() != Permission::Network
    } else {
        skills.contains(&held.spec.name)
    }
}

/// Words of an error may quote what somebody else wrote.
fn harmless(error: ToolError) -> ToolError {
    match error {
        ToolError::Unknown(name) => ToolError::Unknown(text::short(&name)),
        ToolError::Arguments(why) => ToolError::Arguments(text::short(&why)),
        ToolError::Refused(why) => ToolError::Refused(text::short(&why)),
        ToolError::Failed(why) => ToolError::Failed(text::short(&why)),
        ToolError::Late(limit) => ToolError::Late(limit),
    }
}
