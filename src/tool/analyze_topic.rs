//! `analyze_topic`: memories, facts, relations and summaries of one topic in one call.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Context, CostClass, Permission, Tool, ToolError, argument, explore_relationships, said, text};
use crate::{
    embed::Embeddings,
    llm::ToolSpec,
    memory::{Memory, Span},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The topic, person or question, in a few words.
    #[schemars(length(min = 1, max = 300))]
    topic: String,
}

/// Of each kind at most.
const EACH: usize = 6;

pub(super) struct AnalyzeTopic {
    pub(super) memory: Memory,
    pub(super) embeddings: Embeddings,
}

#[async_trait]
impl Tool for AnalyzeTopic {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "analyze_topic",
            "Everything on record about a topic in one call: memories, facts, relations between people, and summaries of talks. Prefer it to several searches.",
        )
    }

    fn permission(&self) -> Permission {
        Permission::Read
    }

    fn cost(&self) -> CostClass {
        CostClass::Store
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(8)
    }

    async fn call(&self, context: &Context, arguments: Value) -> Result<String, ToolError> {
        let Arguments { topic } = argument::read(arguments)?;
        let vector = said::vector(&self.embeddings, &topic).await;
        let (memories, facts, summaries) = tokio::try_join!(
            said::recall(&self.memory, context, &topic, vector.clone(), EACH),
            self.memory.find_facts(&context.viewer, true, said::FACTS),
            self.memory.find_summaries(&context.viewer, &topic, vector.as_deref(), Span::EVER, EACH),
        )?;
        let related = explore_relationships::around(context, &facts, &topic);
        let fitting = said::fitting(context, facts, &topic, EACH);
        let lines = |lines: Vec<String>| lines;
        let mut report = text::Report::default();
        report.section("Facts:", &lines(fitting.iter().map(|it| said::fact(context, it)).collect()));
        report.section("Relations:", &related);
        report.section(
            "Memories, best first:",
            &lines(memories.iter().map(|it| said::memory(context, it)).collect()),
        );
        report.section("Summaries of talks:", &lines(summaries.iter().map(said::summary).collect()));
        Ok(report.finish("There is nothing on record about this that may be told here."))
    }
}
