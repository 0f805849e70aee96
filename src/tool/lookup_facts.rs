//! `lookup_facts`: what is known of people, now and before.

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
    /// Whom or what they are to be about, in a few words; left out: all, the newest first.
    #[serde(default)]
    #[schemars(with = "String", length(max = 200))]
    about: Option<String>,
    /// With what held once and does no longer; left out: false.
    #[serde(default)]
    include_past: bool,
    /// How many at most, 1 to 20; left out: 8.
    #[serde(default)]
    #[schemars(with = "usize", range(min = 1, max = 20))]
    limit: Option<usize>,
}

pub(super) struct LookupFacts {
    pub(super) memory: Memory,
}

#[async_trait]
impl Tool for LookupFacts {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "lookup_facts",
            "Looks up facts that people told about themselves and others: id, who said it, since when.",
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
        let Arguments { about, include_past, limit } = argument::read(arguments)?;
        let all = self.memory.find_facts(&context.viewer, include_past, said::FACTS).await?;
        let found = said::fitting(context, all, &about.unwrap_or_default(), limit.unwrap_or(8));
        let lines: Vec<String> = found.iter().map(|it| said::fact(context, it)).collect();
        let mut report = text::Report::default();
        report.section("Facts:", &lines);
        Ok(report.finish("There is no such fact on record that may be told here."))
    }
}
