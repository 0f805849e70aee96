//! Tools: what a character can look up and do while it thinks, one file a tool. Each works through the eyes of the person who
//! asks, and what it brings is material for the model, never an instruction.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    character::Character,
    llm::{ToolCall, ToolSpec},
    model::{MessageId, Timestamp, Viewer},
};

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

/// The tools that there are.
#[derive(Clone, Default)]
pub struct Toolbox {
    tools: BTreeMap<String, Arc<dyn Tool>>,
}

impl Toolbox {
    /// These tools; of two with one name, the last.
    #[must_use]
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        Self { tools: tools.into_iter().map(|tool| (tool.spec().name, tool)).collect() }
    }

    /// What the character may call, by name.
    #[must_use]
    pub fn specs(&self, character: &Character) -> Vec<ToolSpec> {
        let may = |tool: &&Arc<dyn Tool>| Self::may(character, tool.as_ref());
        self.tools.values().filter(may).map(|tool| tool.spec()).collect()
    }

    /// Calls one tool, within its time limit.
    pub async fn call(&self, context: &Context, call: &ToolCall) -> Outcome {
        let began = Instant::now();
        let result = self.attempt(context, call).await;
        Outcome { result, took: began.elapsed() }
    }

    async fn attempt(&self, context: &Context, call: &ToolCall) -> Result<String, ToolError> {
        let tool = self
            .tools
            .get(&call.name)
            .filter(|tool| Self::may(&context.character, tool.as_ref()))
            .ok_or_else(|| ToolError::Unknown(call.name.clone()))?;
        let text = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
        let arguments: Value =
            serde_json::from_str(text).map_err(|error| ToolError::Arguments(error.to_string()))?;
        let limit = tool.limit();
        tokio::time::timeout(limit, tool.call(context, arguments))
            .await
            .unwrap_or(Err(ToolError::Late(limit)))
    }

    /// `core.yaml: skills` names what a character may use; where it names nothing, that is whatever stays in the house.
    fn may(character: &Character, tool: &dyn Tool) -> bool {
        let skills = &character.core.skills;
        if skills.is_empty() {
            tool.permission() != Permission::Network
        } else {
            skills.contains(&tool.spec().name)
        }
    }
}
