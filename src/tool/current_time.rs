//! `current_time`: the moment, by whatever clock is asked for.

use std::time::Duration;

use async_trait::async_trait;
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Context, CostClass, Permission, Tool, ToolError, argument, when};
use crate::{llm::ToolSpec, memory::Memory};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// IANA time zone such as Europe/Lisbon; left out: the user's own, where it is known.
    #[serde(default)]
    #[schemars(with = "String", length(max = 60))]
    timezone: Option<String>,
}

pub(super) struct CurrentTime {
    pub(super) memory: Memory,
}

#[async_trait]
impl Tool for CurrentTime {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "current_time",
            "The present date, day of the week and time in a time zone.",
        )
    }

    fn permission(&self) -> Permission {
        Permission::Read
    }

    fn cost(&self) -> CostClass {
        CostClass::Free
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(2)
    }

    async fn call(&self, context: &Context, arguments: Value) -> Result<String, ToolError> {
        let Arguments { timezone } = argument::read(arguments)?;
        let (zone, whose) = match timezone {
            Some(name) => (zone(&name)?, String::new()),
            None => when::zone_of(&self.memory, context).await,
        };
        let here = context.now.to_utc().with_timezone(&zone);
        Ok(format!(
            "{} in {}{whose}; in UTC {}",
            here.format("%A, %Y-%m-%d %H:%M (UTC%:z)"),
            zone.name(),
            context.now.to_utc().format("%Y-%m-%d %H:%M")
        ))
    }
}

fn zone(name: &str) -> Result<Tz, ToolError> {
    let exact = name.trim().replace(' ', "_");
    chrono_tz::TZ_VARIANTS
        .iter()
        .find(|zone| zone.name().eq_ignore_ascii_case(&exact))
        .or_else(|| {
            // People say the city alone.
            let city = |zone: &&Tz| {
                zone.name().rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&exact))
            };
            chrono_tz::TZ_VARIANTS.iter().find(city)
        })
        .copied()
        .ok_or_else(|| {
            ToolError::Arguments(format!(
                "`timezone`: there is no zone `{name}`; write an IANA name such as Europe/Lisbon"
            ))
        })
}
