//! `update_fact`: a person puts right what is known of them, in their own words.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Context, CostClass, NOT_SAID, Permission, Tool, ToolError, argument, text};
use crate::{
    llm::ToolSpec,
    memory::{Fact, FactChange, FactChanged, Memory, coverage},
    model::{Author, MessageId},
};

/// The share of a new value's words that the person must have said.
const SAID: f64 = 0.5;
/// Lines of the talk that are looked through for these words.
const LOOKED_THROUGH: usize = 12;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What holds, in snake case: `lives_in`, `works_as`, `is_named`, `has_pet`, `likes`, `birthday_is`, or as `lookup_facts` shows it.
    #[schemars(length(min = 2, max = 60), regex(pattern = r"^[a-z][a-z0-9_]*$"))]
    predicate: String,
    /// The new value, in the user's own words; left out: it holds no longer, and nothing takes its place.
    #[serde(default)]
    #[schemars(with = "String", length(max = 300))]
    value: Option<String>,
    /// Whom or what it is about: `user`, a name, or such as `user's dog`; left out: `user`.
    #[serde(default)]
    #[schemars(with = "String", length(max = 100))]
    subject: Option<String>,
    /// The id of the fact that it takes the place of, from `lookup_facts`.
    #[serde(default)]
    #[schemars(with = "String", length(max = 64))]
    replaces: Option<String>,
}

pub(super) struct UpdateFact {
    pub(super) memory: Memory,
}

#[async_trait]
impl Tool for UpdateFact {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "update_fact",
            "Corrects or ends what is known of the user, when they say so in this talk. Only what they said themselves is kept.",
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
        let Arguments { predicate, value, subject, replaces } = argument::read(arguments)?;
        let replaces =
            replaces.map(|id| id.trim().trim_matches(['[', ']']).parse()).transpose().map_err(|_| {
                ToolError::Arguments("`replaces`: not the id of a fact; lookup_facts gives them".to_owned())
            })?;
        let value = value.map(|value| text::cut(&value, 300));
        let source = match &value {
            Some(value) => said_by_them(&self.memory, context, value).await?,
            None => context.message,
        };
        let subject = subject.map_or_else(|| "user".to_owned(), |it| self.subject(context, &it));
        let change = FactChange { subject, predicate, value, replaces };
        match self.memory.change_fact(&context.viewer, &change, source).await? {
            FactChanged::Done { old, new } => Ok(told(context, &change, &old, new.map(|id| id.to_string()))),
            FactChanged::NotSaid => Err(ToolError::Refused(NOT_SAID.to_owned())),
            FactChanged::NoSuchFact => Err(ToolError::Arguments(
                "the user has no such fact on record here; lookup_facts shows what there is".to_owned(),
            )),
            FactChanged::Several(facts) => Err(ToolError::Arguments(format!(
                "`replaces`: say which of these ends: {}",
                facts
                    .iter()
                    .map(|it| format!("[{}] {}", it.id, sentence(context, it)))
                    .collect::<Vec<_>>()
                    .join("; ")
            ))),
        }
    }
}

impl UpdateFact {
    /// The user by any of their names is `user`.
    fn subject(&self, context: &Context, subject: &str) -> String {
        let subject = text::cut(subject, 100);
        let own = [context.user_name.as_str(), "me", "the user", "user", "i"];
        if own.iter().any(|name| name.eq_ignore_ascii_case(&subject)) { "user".to_owned() } else { subject }
    }
}

/// The message of the user's that says this: the one that is thought about, or an earlier one of the same talk.
pub(super) async fn said_by_them(
    memory: &Memory,
    context: &Context,
    value: &str,
) -> Result<MessageId, ToolError> {
    let Some(asked) = memory.own_message(&context.viewer, context.message).await? else {
        return Err(ToolError::Refused(NOT_SAID.to_owned()));
    };
    if coverage(value, &asked.text) >= SAID {
        return Ok(asked.id);
    }
    let talk = memory.history(&context.viewer, LOOKED_THROUGH).await?;
    let own = |author: &Author| author.user() == Some(&context.viewer.user);
    talk.iter()
        .rev()
        .find(|line| own(&line.author) && coverage(value, &line.text) >= SAID)
        .map(|line| line.id)
        .ok_or_else(|| {
            ToolError::Refused(format!(
                "the user did not say `{}` in this talk; only their own words are kept, so ask them",
                text::cut(value, 80)
            ))
        })
}

fn sentence(context: &Context, fact: &Fact) -> String {
    text::quote(&fact.sentence(&text::viewer_name(context)))
}

fn told(context: &Context, change: &FactChange, old: &[Fact], new: Option<String>) -> String {
    let before: Vec<String> = old.iter().map(|it| sentence(context, it)).collect();
    let before = before.join("; ");
    match (&change.value, new, before.as_str()) {
        (Some(value), Some(id), "") => {
            format!("Kept as [{id}]: {} {value}", change.predicate.replace('_', " "))
        }
        (Some(value), Some(id), before) => {
            format!("Changed: {before} → {} {value} [{id}]", change.predicate.replace('_', " "))
        }
        (Some(_), None, _) => "It was on record already; nothing was changed.".to_owned(),
        (None, _, before) => format!("Ended: {before} → no longer true"),
    }
}
