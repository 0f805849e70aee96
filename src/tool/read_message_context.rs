//! `read_message_context`: the talk around a message.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Context, CostClass, Permission, Tool, ToolError, argument, said, text};
use crate::{llm::ToolSpec, memory::Memory};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The id of a message or memory, as other tools give it in brackets.
    #[schemars(length(min = 1, max = 64))]
    id: String,
    /// Lines before and behind it, 1 to 15; left out: 5.
    #[serde(default)]
    #[schemars(with = "usize", range(min = 1, max = 15))]
    reach: Option<usize>,
}

pub(super) struct ReadMessageContext {
    pub(super) memory: Memory,
}

#[async_trait]
impl Tool for ReadMessageContext {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "read_message_context",
            "Shows what was said just before and after a message that another tool found.",
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
        let Arguments { id, reach } = argument::read(arguments)?;
        let id = id.trim().trim_matches(['[', ']']);
        let Some(lines) = self.memory.around(&context.viewer, id, reach.unwrap_or(5)).await? else {
            return Err(ToolError::Arguments(format!(
                "`id`: there is no message `{}` that may be told here; take an id that another tool gave",
                text::cut(id, 64)
            )));
        };
        let lines: Vec<String> = lines.iter().map(|line| said::line(context, line)).collect();
        let mut report = text::Report::default();
        report.section("The talk around it, oldest first, times in UTC:", &lines);
        Ok(report.finish("There is nothing around it."))
    }
}
