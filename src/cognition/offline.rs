//! Hands the offline responder what it may answer from.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{
    gather::{self, Gathered},
    prompt,
    route::Route,
};
use crate::{
    character::Speaker,
    llm::{OfflineAnswer, offline},
    memory::Fact,
    model::{RecalledSource, Viewer},
};

/// An answer of the offline responder, worked out when it is asked for.
pub(super) struct Prepared(offline::Material);

impl OfflineAnswer for Prepared {
    fn answer(&self) -> String {
        offline::answer(&self.0)
    }
}

/// Puts together what the responder may use; the same turn always gives the same answer.
pub(super) fn prepare(
    material: &prompt::Material,
    gathered: &Gathered,
    route: &Route,
    viewer: &Viewer,
    user_known: Option<String>,
) -> Prepared {
    let character = &material.character;
    let exchanges = character
        .examples
        .exchanges
        .iter()
        .map(|exchange| offline::OfflineExchange {
            topic: exchange.topic.clone(),
            min_trust: exchange
                .from_stage
                .as_deref()
                .and_then(|stage| character.evolution.trust_floor_of(stage)),
            turns: exchange
                .turns
                .iter()
                .map(|turn| (turn.speaker == Speaker::User, turn.text.clone()))
                .collect(),
        })
        .collect();
    let mut seed = DefaultHasher::new();
    (viewer.user.as_str(), &material.message, material.history.len()).hash(&mut seed);
    Prepared(offline::Material {
        name: character.name.clone(),
        exchanges,
        background: character
            .background
            .iter()
            .map(|fact| (fact.predicate.clone(), fact.object.clone()))
            .collect(),
        purpose: character.core.purpose.clone(),
        user_name: user_known,
        trust: material.trust,
        mood: material.mood.to_owned(),
        preferences: material.preferences.clone(),
        message: material.message.clone(),
        history: material
            .history
            .iter()
            .map(|line| (line.author.user().is_some(), line.text.clone()))
            .collect(),
        facts: gathered
            .facts
            .iter()
            .map(|fact| offline::KnownFact {
                subject: subject(fact, viewer),
                predicate: fact.predicate.clone(),
                object: fact.object.clone(),
                when: fact.valid_from,
            })
            .collect(),
        recalled: recalled(material, gathered, viewer),
        flags: route.flags.iter().map(|flag| flag.as_str().to_owned()).collect(),
        now: material.now,
        seed: seed.finish(),
        manipulation_responses: character.ux.manipulation_responses.clone(),
    })
}

/// Whom a fact is about: `user` is the person who is spoken to and nobody else.
fn subject(fact: &Fact, viewer: &Viewer) -> String {
    match fact.subject.strip_prefix("user") {
        Some(rest) if fact.owner != viewer.user && (rest.is_empty() || rest.starts_with("'s")) => {
            format!("{}{rest}", gather::owner_name(fact))
        }
        _ => fact.subject.clone(),
    }
}

/// Recalled rows, and after them what was said in this conversation just before: the responder has no other way to see it.
fn recalled(material: &prompt::Material, gathered: &Gathered, viewer: &Viewer) -> Vec<offline::Recalled> {
    let from_memory = gathered.recalled.iter().map(|item| {
        let own = item.source == RecalledSource::Message && item.by.as_ref() == Some(&viewer.user);
        offline::Recalled {
            text: item.text.clone(),
            own_words_of_user: own,
            speaker: item.name.clone(),
            when: item.when,
        }
    });
    let from_history = material.history.iter().rev().filter_map(|line| {
        let speaker = line.author.user()?;
        Some(offline::Recalled {
            text: line.text.clone(),
            own_words_of_user: *speaker == viewer.user,
            speaker: Some(line.name.clone()),
            when: line.at,
        })
    });
    let mut rows: Vec<offline::Recalled> = Vec::new();
    for row in from_memory.chain(from_history) {
        if !rows.iter().any(|held| held.text == row.text) {
            rows.push(row);
        }
    }
    rows
}
