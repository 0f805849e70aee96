//! `explore_relationships`: who belongs to whom, by the facts that link people; and how the character and the user stand.

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Context, CostClass, Permission, Tool, ToolError, argument, said, text};
use crate::{
    llm::ToolSpec,
    memory::{FoundFact, Memory},
    relationship::Relationships,
};

/// Facts shown at most.
const MOST: usize = 24;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Whose relations: a name; left out: the user's own.
    #[serde(default)]
    #[schemars(with = "String", length(max = 100))]
    person: Option<String>,
}

pub(super) struct ExploreRelationships {
    pub(super) memory: Memory,
    pub(super) relationships: Relationships,
}

#[async_trait]
impl Tool for ExploreRelationships {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "explore_relationships",
            "Who is related to whom: family, friends, pets, colleagues, and the facts that link them, one step further, too.",
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
        let Arguments { person } = argument::read(arguments)?;
        let facts = self.memory.find_facts(&context.viewer, false, said::FACTS).await?;
        let mut report = text::Report::default();
        let whom = person.unwrap_or_else(|| text::viewer_name(context));
        report.section(
            &format!("Facts that link people around {}:", text::cut(&whom, 60)),
            &around(context, &facts, &whom),
        );
        if whom == text::viewer_name(context) {
            report.line(&self.standing(context).await?);
        }
        Ok(report.finish("There are no relations of theirs on record that may be told here."))
    }
}

impl ExploreRelationships {
    async fn standing(&self, context: &Context) -> Result<String, ToolError> {
        let viewer = &context.viewer;
        let standing =
            self.relationships.standing(&viewer.character, &viewer.user, context.now, None).await.map_err(
                |error| {
                    tracing::warn!(%error, "a tool could not read a relationship");
                    ToolError::Failed("relationships cannot be reached just now".to_owned())
                },
            )?;
        let since = standing.first_at.map(|at| format!(" since {}", text::day(at))).unwrap_or_default();
        Ok(format!("You and {}: {} turns of talk{since}.", text::viewer_name(context), standing.turns))
    }
}

/// The names in a fact: of whom it is, and whom or what it names.
fn names(context: &Context, it: &FoundFact) -> BTreeSet<String> {
    let owner = text::person(context, &it.fact.owner, it.fact.owner_name.as_deref());
    let subject = match it.fact.subject.strip_prefix("user") {
        Some("") => owner.clone(),
        Some(rest) if rest.starts_with("'s") => format!("{owner}{rest}"),
        _ => it.fact.subject.clone(),
    };
    [owner, subject, it.fact.object.clone()].map(|name| name.trim().to_lowercase()).into_iter().collect()
}

/// True for facts that name somebody or something of somebody's: a relative, a friend, a pet, a place of work.
fn links(it: &FoundFact) -> bool {
    const LINKS: [&str; 26] = [
        "sister",
        "brother",
        "sibling",
        "mother",
        "father",
        "parent",
        "son",
        "daughter",
        "child",
        "wife",
        "husband",
        "spouse",
        "partner",
        "friend",
        "boyfriend",
        "girlfriend",
        "pet",
        "dog",
        "cat",
        "aunt",
        "uncle",
        "cousin",
        "colleague",
        "neighbo",
        "knows",
        "married",
    ];
    let holds = |text: &str| LINKS.iter().any(|link| text.contains(link));
    it.fact.subject != "user" || holds(&it.fact.predicate.to_lowercase())
}

/// The linking facts that name `whom`, and those that name whoever these name.
pub(super) fn around(context: &Context, facts: &[FoundFact], whom: &str) -> Vec<String> {
    let wanted: Vec<String> = whom
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() > 1)
        .map(str::to_owned)
        .collect();
    let of = |names: &BTreeSet<String>, wanted: &[String]| {
        names.iter().any(|name| {
            name.split(|c: char| !c.is_alphanumeric()).any(|word| wanted.iter().any(|it| it == word))
        })
    };
    let linking: Vec<(&FoundFact, BTreeSet<String>)> = facts
        .iter()
        .filter(|it| it.until.is_none() && links(it))
        .map(|it| (it, names(context, it)))
        .collect();
    let (near, far): (Vec<_>, Vec<_>) = linking.into_iter().partition(|(_, names)| of(names, &wanted));
    let met: BTreeSet<&String> = near.iter().flat_map(|(_, names)| names).collect();
    let next = far.iter().filter(|(_, names)| names.iter().any(|name| met.contains(name)));
    near.iter().chain(next).take(MOST).map(|(it, _)| said::fact(context, it)).collect()
}
