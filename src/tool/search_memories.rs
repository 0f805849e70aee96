//! `search_memories`: what people said, by words and meaning, as recall finds it.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Context, CostClass, Permission, Tool, ToolError, argument, said, text};
use crate::{embed::Embeddings, llm::ToolSpec, memory::Memory};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What to look for, in a few words.
    #[schemars(length(min = 1, max = 300))]
    query: String,
    /// How many at most, 1 to 20; left out: 8.
    #[serde(default)]
    #[schemars(with = "usize", range(min = 1, max = 20))]
    limit: Option<usize>,
}

pub(super) struct SearchMemories {
    pub(super) memory: Memory,
    pub(super) embeddings: Embeddings,
}

#[async_trait]
impl Tool for SearchMemories {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "search_memories",
            "Searches what was said in earlier talks that may be told here: who said it, when, and its id.",
        )
    }

    fn permission(&self) -> Permission {
        Permission::Read
    }

    fn cost(&self) -> CostClass {
        CostClass::Store
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(5)
    }

    async fn call(&self, context: &Context, arguments: Value) -> Result<String, ToolError> {
        let Arguments { query, limit } = argument::read(arguments)?;
        let vector = said::vector(&self.embeddings, &query).await;
        let found = said::recall(&self.memory, context, &query, vector, limit.unwrap_or(8)).await?;
        let lines: Vec<String> = found.iter().map(|item| said::memory(context, item)).collect();
        let mut report = text::Report::default();
        report.section("Memories, best first:", &lines);
        Ok(report.finish("There is nothing on record about this that may be told here."))
    }
}
