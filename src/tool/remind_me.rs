//! `remind_me`: a reminder that comes by itself, where it was asked for. It is stored; a job makes it due.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Context, CostClass, NOT_SAID, Permission, Tool, ToolError, argument, text, when};
use crate::{
    jobs::Queue,
    llm::ToolSpec,
    memory::{MOST_REMINDERS, Memory, Promised, Reminder},
    model::Timestamp,
};

/// No reminder lies further ahead.
const FARTHEST: Duration = Duration::from_secs(5 * 366 * 86_400);

#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    #[default]
    Set,
    List,
    Cancel,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// set a reminder, list those that wait, or cancel one; left out: set.
    #[serde(default)]
    #[schemars(with = "Action")]
    action: Option<Action>,
    /// To set: what to remind the user of, as told to them: `call your mother`.
    #[serde(default)]
    #[schemars(with = "String", length(max = 400))]
    what: Option<String>,
    /// To set: when, such as `in 20 minutes`, `tomorrow at 9`, `monday 18:00` or `2026-03-01 18:00`, by the user's clock.
    #[serde(default)]
    #[schemars(with = "String", length(max = 60))]
    when: Option<String>,
    /// To cancel: the id that list gives.
    #[serde(default)]
    #[schemars(with = "String", length(max = 64))]
    id: Option<String>,
}

pub(super) struct RemindMe {
    pub(super) memory: Memory,
    pub(super) queue: Queue,
}

#[async_trait]
impl Tool for RemindMe {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "remind_me",
            "Sets, lists or cancels reminders for the user, when they ask for it. A reminder comes by itself at its time, in \
             this conversation.",
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
        let Arguments { action, what, when, id } = argument::read(arguments)?;
        match action.unwrap_or_default() {
            Action::Set => self.set(context, what, when).await,
            Action::List => self.list(context).await,
            Action::Cancel => self.cancel(context, id).await,
        }
    }
}

impl RemindMe {
    async fn set(
        &self,
        context: &Context,
        what: Option<String>,
        at: Option<String>,
    ) -> Result<String, ToolError> {
        let what =
            what.ok_or_else(|| ToolError::Arguments("`what` is missing: what to remind them of".to_owned()))?;
        let at = at.ok_or_else(|| {
            ToolError::Arguments(format!("`when` is missing: write one of {}", when::MOMENTS))
        })?;
        let (zone, _) = when::zone_of(&self.memory, context).await;
        let due = when::at(&at, context.now, zone).ok_or_else(|| {
            let at = text::cut(&at, 60);
            ToolError::Arguments(format!("`when`: `{at}` is no moment; write one of {}", when::MOMENTS))
        })?;
        if due <= context.now {
            return Err(ToolError::Arguments(format!("`when`: {} UTC is over", text::minute(due))));
        }
        if due > context.now.plus(FARTHEST) {
            return Err(ToolError::Arguments("`when`: a reminder lies at most 5 years ahead".to_owned()));
        }
        let what = text::cut(&what, 400);
        let shown = |at: Timestamp| at.to_utc().with_timezone(&zone).format("%A, %Y-%m-%d %H:%M").to_string();
        let kept = self.memory.remind(&self.queue, &context.viewer, context.message, &what, due).await?;
        match kept {
            Promised::New(id) => Ok(format!("Set [{id}]: {what}, on {} {}", shown(due), zone.name())),
            Promised::Known(id) => {
                Ok(format!("It was set already [{id}]: {what}, on {} {}", shown(due), zone.name()))
            }
            Promised::NotSaid => Err(ToolError::Refused(NOT_SAID.to_owned())),
            Promised::Unreachable => Err(ToolError::Refused(
                "nothing can come by itself where the user talks, so there are no reminders here".to_owned(),
            )),
            Promised::TooMany => Err(ToolError::Refused(format!(
                "{MOST_REMINDERS} reminders of the user's wait already; cancel one first"
            ))),
        }
    }

    async fn list(&self, context: &Context) -> Result<String, ToolError> {
        let waiting = self.memory.reminders(&context.viewer).await?;
        let line =
            |it: &Reminder| format!("[{}] {} UTC: {}", it.id, text::minute(it.due_at), text::quote(&it.text));
        let mut report = text::Report::default();
        report.section("Reminders that wait:", &waiting.iter().map(line).collect::<Vec<_>>());
        Ok(report.finish("No reminder waits."))
    }

    async fn cancel(&self, context: &Context, id: Option<String>) -> Result<String, ToolError> {
        let id =
            id.ok_or_else(|| ToolError::Arguments("`id` is missing; `list` gives the ids".to_owned()))?;
        let id = id.trim().trim_matches(['[', ']']).to_owned();
        if self.memory.cancel_reminder(&context.viewer, &id).await? {
            Ok(format!("Cancelled [{}].", text::cut(&id, 64)))
        } else {
            Err(ToolError::Arguments(
                "`id`: no such reminder of the user's waits; `list` gives the ids".to_owned(),
            ))
        }
    }
}
