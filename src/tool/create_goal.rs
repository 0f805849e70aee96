//! `create_goal`: something that the character sets out to reach with somebody.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Context, CostClass, NOT_SAID, Permission, Tool, ToolError, argument, text};
use crate::{
    llm::ToolSpec,
    memory::{MOST_GOALS, Memory, Promised},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What to reach with the user, in one sentence.
    #[schemars(length(min = 3, max = 300))]
    description: String,
    /// How one sees that it is reached.
    #[serde(default)]
    #[schemars(with = "String", length(max = 300))]
    success_criteria: Option<String>,
    /// 1 to 10, higher first; left out: 5.
    #[serde(default)]
    #[schemars(with = "u8", range(min = 1, max = 10))]
    priority: Option<u8>,
}

pub(super) struct CreateGoal {
    pub(super) memory: Memory,
}

#[async_trait]
impl Tool for CreateGoal {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "create_goal",
            "Keeps a goal to follow with the user in later talks, when they ask for it, such as practising a language together.",
        )
    }

    fn permission(&self) -> Permission {
        Permission::Write
    }

    fn cost(&self) -> CostClass {
        CostClass::Store
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(5)
    }

    async fn call(&self, context: &Context, arguments: Value) -> Result<String, ToolError> {
        let Arguments { description, success_criteria, priority } = argument::read(arguments)?;
        let description = text::cut(&description, 300);
        let criteria = success_criteria.map(|it| text::cut(&it, 300));
        let kept = self
            .memory
            .set_goal(
                &context.viewer,
                context.message,
                &description,
                criteria.as_deref(),
                priority.unwrap_or(5),
            )
            .await?;
        match kept {
            Promised::New(id) => Ok(format!("Kept as goal [{id}]: {description}")),
            Promised::Known(id) => Ok(format!("It was a goal already [{id}]: {description}")),
            Promised::NotSaid | Promised::Unreachable => Err(ToolError::Refused(NOT_SAID.to_owned())),
            Promised::TooMany => Err(ToolError::Refused(format!(
                "there are {MOST_GOALS} goals with this user already; they can take some back with /forget"
            ))),
        }
    }
}
