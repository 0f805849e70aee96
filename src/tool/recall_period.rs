//! `recall_period`: what was said and learned in a stretch of time, in one call.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Context, CostClass, Permission, Tool, ToolError, argument, said, text, when};
use crate::{llm::ToolSpec, memory::Memory};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The stretch of time: today, yesterday, last week, this month, last 3 days, 2 weeks ago, monday, march, 2026-03, 2026-03-01, or 2026-03-01 to 2026-03-07.
    #[schemars(length(min = 1, max = 60))]
    period: String,
}

/// Of summaries and facts at most.
const EACH: usize = 8;
/// Lines of talk at most.
const LINES: usize = 16;

pub(super) struct RecallPeriod {
    pub(super) memory: Memory,
}

#[async_trait]
impl Tool for RecallPeriod {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "recall_period",
            "Everything on record from a stretch of time in one call: summaries of talks, what was learned, and lines that were said.",
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
        let Arguments { period } = argument::read(arguments)?;
        let Some(span) = when::wanted(&self.memory, context, Some(&period)).await? else {
            return Err(ToolError::Arguments(format!("`period`: write one of {}", when::SPANS)));
        };
        let (summaries, facts, lines) = tokio::try_join!(
            self.memory.find_summaries(&context.viewer, "", None, span, EACH),
            self.memory.find_facts(&context.viewer, true, said::FACTS),
            self.memory.said_in(&context.viewer, span, LINES),
        )?;
        let learned = |at| span.from <= at && at < span.to;
        let facts: Vec<String> = facts
            .iter()
            .filter(|it| learned(it.fact.valid_from) || it.until.is_some_and(learned))
            .take(EACH)
            .map(|it| said::fact(context, it))
            .collect();
        let summaries: Vec<String> = summaries.iter().map(said::summary).collect();
        let lines: Vec<String> = lines
            .iter()
            .filter(|line| line.id != context.message)
            .map(|line| said::line(context, line))
            .collect();
        let mut report = text::Report::default();
        report.section("Summaries of talks:", &summaries);
        report.section("Learned or ended then:", &facts);
        report.section("Said then, oldest first (a selection), times in UTC:", &lines);
        let stretch = format!("from {} to before {} UTC", text::minute(span.from), text::minute(span.to));
        if report.is_empty() {
            return Ok(format!("There is nothing on record {stretch} that may be told here."));
        }
        Ok(format!("{stretch}\n{}", report.finish("")))
    }
}
