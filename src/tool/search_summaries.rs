//! `search_summaries`: what earlier talks were about.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Context, CostClass, Permission, Tool, ToolError, argument, said, text, when};
use crate::{
    embed::Embeddings,
    llm::ToolSpec,
    memory::{Memory, Span},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What they are to be about; left out: the newest.
    #[serde(default)]
    #[schemars(with = "String", length(max = 300))]
    query: Option<String>,
    /// Only from this time, such as `last week` or `2026-03`.
    #[serde(default)]
    #[schemars(with = "String", length(max = 60))]
    period: Option<String>,
    /// How many at most, 1 to 20; left out: 8.
    #[serde(default)]
    #[schemars(with = "usize", range(min = 1, max = 20))]
    limit: Option<usize>,
}

pub(super) struct SearchSummaries {
    pub(super) memory: Memory,
    pub(super) embeddings: Embeddings,
}

#[async_trait]
impl Tool for SearchSummaries {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "search_summaries",
            "Searches the summaries of earlier talks, with their date, weight, topics and feelings.",
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
        let Arguments { query, period, limit } = argument::read(arguments)?;
        let span = when::wanted(&self.memory, context, period.as_deref()).await?.unwrap_or(Span::EVER);
        let query = query.unwrap_or_default();
        let vector = if query.is_empty() { None } else { said::vector(&self.embeddings, &query).await };
        let found = self
            .memory
            .find_summaries(&context.viewer, &query, vector.as_deref(), span, limit.unwrap_or(8))
            .await?;
        let lines: Vec<String> = found.iter().map(said::summary).collect();
        let mut report = text::Report::default();
        report.section("Summaries:", &lines);
        Ok(report.finish("There is no summary of such a talk that may be told here."))
    }
}
