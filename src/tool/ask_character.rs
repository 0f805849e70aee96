//! `ask_character`: what another character of the cast knows and may tell here. Each character remembers for itself: of what
//! people said to the other one, only what stands in this very channel for everybody to read is told, and nothing that was
//! said in private, not even to the person who said it. The other one's own story is told to anybody.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Context, CostClass, Permission, Tool, ToolError, argument, said, text};
use crate::{
    character::{Cast, Character},
    embed::Embeddings,
    llm::ToolSpec,
    memory::{Memory, Span, coverage},
    model::Viewer,
};

/// Of each kind at most.
const EACH: usize = 6;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Who is asked: the name or id of another character.
    #[schemars(length(min = 1, max = 60))]
    character: String,
    /// What to ask, in a few words.
    #[schemars(length(min = 1, max = 300))]
    question: String,
}

pub(super) struct AskCharacter {
    pub(super) cast: Cast,
    pub(super) memory: Memory,
    pub(super) embeddings: Embeddings,
}

#[async_trait]
impl Tool for AskCharacter {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "ask_character",
            "Asks another character of the cast what it knows of its own story and of what was said to it in this channel. \
             What people told it in private stays with it.",
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
        let Arguments { character, question } = argument::read(arguments)?;
        let other = self.named(&character)?;
        if other.id == context.character.id {
            return Err(ToolError::Arguments(
                "`character`: that is you; search your own memories".to_owned(),
            ));
        }
        let mut report = text::Report::default();
        report.section(&format!("{} about itself:", other.name), &story(&other, &question));
        if context.viewer.place.is_dm() {
            report.line(&format!(
                "What people told {} stays with {}; in private nothing of it is passed on.",
                other.name, other.name
            ));
            return Ok(report.finish(""));
        }
        let there = Context {
            viewer: Viewer { character: other.id.clone(), ..context.viewer.clone() },
            ..context.clone()
        };
        let vector = said::vector(&self.embeddings, &question).await;
        let (memories, facts, summaries) = tokio::try_join!(
            said::recall(&self.memory, &there, &question, vector.clone(), EACH),
            self.memory.find_facts(&there.viewer, false, said::FACTS),
            self.memory.find_summaries(&there.viewer, &question, vector.as_deref(), Span::EVER, EACH),
        )?;
        let facts = said::fitting(&there, facts, &question, EACH);
        // "you" in these lines is the other character.
        let of = |line: String| line.replacen(" you: ", &format!(" {}: ", other.name), 1);
        report
            .section("Facts told here:", &facts.iter().map(|it| said::fact(&there, it)).collect::<Vec<_>>());
        report.section(
            "Said here:",
            &memories.iter().map(|it| of(said::memory(&there, it))).collect::<Vec<_>>(),
        );
        report.section("Talks here:", &summaries.iter().map(said::summary).collect::<Vec<_>>());
        Ok(report.finish(&format!("{} knows nothing of this that may be told here.", other.name)))
    }
}

impl AskCharacter {
    fn named(&self, name: &str) -> Result<Arc<Character>, ToolError> {
        let name = name.trim();
        let cast: Vec<Arc<Character>> = self.cast.ids().iter().filter_map(|id| self.cast.get(id)).collect();
        cast.iter()
            .find(|it| it.id.as_str().eq_ignore_ascii_case(name) || it.name.eq_ignore_ascii_case(name))
            .cloned()
            .ok_or_else(|| {
                let names: Vec<&str> = cast.iter().map(|it| it.name.as_str()).collect();
                ToolError::Arguments(format!(
                    "`character`: there is no `{}`; there are {}",
                    text::cut(name, 60),
                    names.join(", ")
                ))
            })
    }
}

/// What fits the question of a character's own story; without anything that fits, who it is.
fn story(other: &Character, question: &str) -> Vec<String> {
    let mut facts: Vec<String> = other
        .background
        .iter()
        .map(|fact| format!("{} {}", fact.predicate.replace('_', " "), fact.object))
        .filter(|line| coverage(question, line) > 0.0)
        .take(EACH)
        .map(|line| text::quote(&line))
        .collect();
    facts.extend(other.tagline.iter().chain(&other.core.purpose).map(|line| text::quote(line)));
    facts
}
