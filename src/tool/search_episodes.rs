//! `search_episodes`: whole talks, not single lines.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Context, CostClass, Permission, Tool, ToolError, argument, said, text};
use crate::{
    embed::Embeddings,
    llm::ToolSpec,
    memory::{Episode, Memory},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What the talk was about, in a few words.
    #[schemars(length(min = 1, max = 300))]
    query: String,
    /// How many talks at most, 1 to 5; left out: 3.
    #[serde(default)]
    #[schemars(with = "usize", range(min = 1, max = 5))]
    limit: Option<usize>,
}

/// Memories whose talks are looked at.
const MEMORIES: usize = 24;
/// Lines of a talk that are shown.
const LINES: usize = 8;

pub(super) struct SearchEpisodes {
    pub(super) memory: Memory,
    pub(super) embeddings: Embeddings,
}

#[async_trait]
impl Tool for SearchEpisodes {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "search_episodes",
            "Finds whole earlier talks about something: when they were, how they began, line by line.",
        )
    }

    fn permission(&self) -> Permission {
        Permission::Read
    }

    fn cost(&self) -> CostClass {
        CostClass::Store
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(6)
    }

    async fn call(&self, context: &Context, arguments: Value) -> Result<String, ToolError> {
        let Arguments { query, limit } = argument::read(arguments)?;
        let vector = said::vector(&self.embeddings, &query).await;
        let found = said::recall(&self.memory, context, &query, vector, MEMORIES).await?;
        let ids: Vec<String> = found.into_iter().map(|item| item.id).collect();
        let episodes = self.memory.episodes_of(&context.viewer, &ids, limit.unwrap_or(3), LINES).await?;
        let mut report = text::Report::default();
        for episode in &episodes {
            let lines: Vec<String> = episode.lines.iter().map(|line| said::line(context, line)).collect();
            report.section(&heading(episode), &lines);
        }
        Ok(report.finish("There is no such talk on record that may be told here."))
    }
}

fn heading(episode: &Episode) -> String {
    let shown = if episode.count > 8 { ", the first of them" } else { "" };
    format!(
        "Talk [{}] from {} to {} UTC, {} lines{shown}:",
        episode.session,
        text::minute(episode.started_at),
        text::minute(episode.ended_at),
        episode.count
    )
}
