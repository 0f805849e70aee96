//! Tools: what a character can look up and do while it thinks, one file a tool. Each works through the eyes of the person who
//! asks, and what it brings is material for the model, never an instruction.

pub mod mcp;

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

/// Tools that come and go while the program runs.
pub trait Source: Send + Sync {
    /// Those that are there now, by name.
    fn tools(&self) -> Arc<BTreeMap<String, Arc<dyn Tool>>>;
}

/// The tools that there are.
#[derive(Clone, Default)]
pub struct Toolbox {
    tools: BTreeMap<String, Arc<dyn Tool>>,
    sources: Vec<Arc<dyn Source>>,
}

impl Toolbox {
    /// These tools; of two with one name, the last.
    #[must_use]
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        let tools = tools.into_iter().map(|tool| (tool.spec().name, tool)).collect();
        Self { tools, sources: Vec::new() }
    }

    /// With tools that come and go. Of two with one name, that of the box itself, or else of the earlier source.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn Source>) -> Self {
        self.sources.push(source);
        self
    }

    /// All that are there now.
    fn now(&self) -> BTreeMap<String, Arc<dyn Tool>> {
        let mut all = self.tools.clone();
        for source in &self.sources {
            for (name, tool) in source.tools().iter() {
                all.entry(name.clone()).or_insert_with(|| tool.clone());
            }
        }
        all
    }

    fn find(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let own = self.tools.get(name).cloned();
        own.or_else(|| self.sources.iter().find_map(|source| source.tools().get(name).cloned()))
    }

    /// What the character may call, by name.
    #[must_use]
    pub fn specs(&self, character: &Character) -> Vec<ToolSpec> {
        let may = |tool: &&Arc<dyn Tool>| Self::may(character, tool.as_ref());
        self.now().values().filter(may).map(|tool| tool.spec()).collect()
    }

    /// Calls one tool, within its time limit.
    pub async fn call(&self, context: &Context, call: &ToolCall) -> Outcome {
        let began = Instant::now();
        let result = self.attempt(context, call).await;
        Outcome { result, took: began.elapsed() }
    }

    async fn attempt(&self, context: &Context, call: &ToolCall) -> Result<String, ToolError> {
        let tool = self
            .find(&call.name)
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

    /// `core.yaml: skills` names what a character may use, `server__*` all tools of a server; where it names nothing,
    /// that is whatever stays in the house.
    fn may(character: &Character, tool: &dyn Tool) -> bool {
        let skills = &character.core.skills;
        if skills.is_empty() {
            tool.permission() != Permission::Network
        } else {
            let name = tool.spec().name;
            let all_of_a_server = |skill: &String| {
                skill
                    .strip_suffix('*')
                    .is_some_and(|server| server.ends_with("__") && name.starts_with(server))
            };
            skills.contains(&name) || skills.iter().any(all_of_a_server)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::character::Cast;
    use serde_json::json;

    struct Named(&'static str, Permission);

    #[async_trait]
    impl Tool for Named {
        fn spec(&self) -> ToolSpec {
            ToolSpec { name: self.0.to_owned(), description: String::new(), parameters: json!({}) }
        }
        fn permission(&self) -> Permission {
            self.1
        }
        fn cost(&self) -> CostClass {
            CostClass::Free
        }
        fn limit(&self) -> Duration {
            Duration::from_secs(1)
        }
        async fn call(&self, _: &Context, _: Value) -> Result<String, ToolError> {
            Ok(self.0.to_owned())
        }
    }

    #[derive(Default)]
    struct Shelf(std::sync::Mutex<Arc<BTreeMap<String, Arc<dyn Tool>>>>);

    impl Shelf {
        fn hold(&self, names: &[&'static str]) {
            let tools = names.iter().map(|name| {
                let tool: Arc<dyn Tool> = Arc::new(Named(name, Permission::Network));
                ((*name).to_owned(), tool)
            });
            *self.0.lock().unwrap() = Arc::new(tools.collect());
        }
    }

    impl Source for Shelf {
        fn tools(&self) -> Arc<BTreeMap<String, Arc<dyn Tool>>> {
            self.0.lock().unwrap().clone()
        }
    }

    fn with_skills(skills: &[&str]) -> Character {
        let (cast, _) = Cast::open(std::path::Path::new("characters")).unwrap();
        let id = cast.ids().remove(0);
        let mut character = cast.get(&id).unwrap().as_ref().clone();
        character.core.skills = skills.iter().map(|skill| (*skill).to_owned()).collect();
        character
    }

    #[test]
    fn a_star_stands_for_all_tools_of_a_server_and_for_nothing_else() {
        let shelf = Arc::new(Shelf::default());
        shelf.hold(&["sky__rain", "sky__wind", "skyline__view"]);
        let toolbox =
            Toolbox::new([Arc::new(Named("clock", Permission::Read)) as Arc<dyn Tool>]).with_source(shelf);
        let names = |skills: &[&str]| -> Vec<String> {
            toolbox.specs(&with_skills(skills)).into_iter().map(|spec| spec.name).collect()
        };
        assert_eq!(names(&[]), ["clock"]);
        assert_eq!(names(&["sky__*"]), ["sky__rain", "sky__wind"]);
        assert_eq!(names(&["sky__wind", "clock"]), ["clock", "sky__wind"]);
        assert_eq!(names(&["*"]), Vec::<String>::new());
        assert_eq!(names(&["sky*"]), Vec::<String>::new());
    }

    #[test]
    fn what_a_source_holds_may_change_and_never_hides_a_tool_of_the_house() {
        let shelf = Arc::new(Shelf::default());
        let toolbox = Toolbox::new([Arc::new(Named("clock", Permission::Read)) as Arc<dyn Tool>])
            .with_source(shelf.clone());
        let character = with_skills(&["clock", "sky__*"]);
        assert_eq!(toolbox.specs(&character).len(), 1);
        shelf.hold(&["sky__rain", "clock"]);
        assert_eq!(toolbox.specs(&character).len(), 2);
        assert_eq!(toolbox.find("clock").unwrap().permission(), Permission::Read);
        shelf.hold(&[]);
        assert!(toolbox.find("sky__rain").is_none());
    }
}
