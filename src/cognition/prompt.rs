//! Prompt assembly: everything known is packed into a budget of tokens, the stable parts first.

use std::{collections::BTreeMap, sync::Arc};

use chrono::TimeZone;
use minijinja::{Value, context};

use super::{
    persona::{self, Slots},
    template,
};
use crate::{
    character::{Character, Exchange, Speaker},
    llm::{ChatMessage, Role, tokens},
    memory::HistoryLine,
    model::{Place, Preferences, RecalledItem, RecalledSource, Style, Timestamp, Verbosity},
};

/// Tokens a prompt may have, by the calibrated estimate of [`tokens`]; leaves room for the answer in a window of 8,192.
pub const PROMPT_BUDGET: usize = 6_000;
/// Shares of the budget, in per cent, that a section may take at most. The persona and the rules are never cut; the
/// shares were chosen so that a full persona (about 1,500 tokens) and all sections fit together.
const EXAMPLES_SHARE: usize = 14;
const RECALLED_SHARE: usize = 18;
const FACTS_SHARE: usize = 6;
const SUMMARIES_SHARE: usize = 8;
const HISTORY_SHARE: usize = 30;
/// Characters of one earlier message that are shown to the model; longer ones are cut in the middle.
const LONGEST_LINE: usize = 2_000;

/// All that a prompt rests on.
#[derive(Debug, Clone)]
pub(super) struct Material {
    pub(super) character: Arc<Character>,
    pub(super) user_name: String,
    pub(super) place: Place,
    pub(super) now: Timestamp,
    pub(super) message: String,
    pub(super) trust: f64,
    pub(super) mood: &'static str,
    pub(super) traits: Vec<usize>,
    pub(super) note: Option<String>,
    pub(super) preferences: Preferences,
    pub(super) facts: Vec<String>,
    pub(super) summaries: Vec<(Timestamp, String)>,
    pub(super) recalled: Vec<RecalledItem>,
    pub(super) history: Vec<HistoryLine>,
    pub(super) about_past: bool,
    pub(super) guard: Option<&'static str>,
}

/// Said to the model when a message may come from somebody in danger (product.md, SEC).
pub(super) const CRISIS_GUARD: &str = "The last message may come from somebody in danger. Be warm and direct, take \
    them seriously, do not lecture, and encourage them to reach people near them, a local emergency number or a crisis \
    line now. Do not promise secrecy and do not play it down.";

/// The messages for the model, at most about `budget` tokens.
pub(super) fn assemble(material: &Material, budget: usize) -> Vec<ChatMessage> {
    let mut messages =
        vec![ChatMessage { role: Role::System, content: template::system(&values(material, budget)) }];
    messages.extend(history(material, budget * HISTORY_SHARE / 100));
    messages.push(ChatMessage {
        role: Role::User,
        content: spoken(material, &material.user_name, &material.message),
    });
    messages
}

fn values(material: &Material, budget: usize) -> Value {
    let character = &material.character;
    let now = local_time(material);
    let place = place_note(&material.place);
    let slots = Slots { user: &material.user_name, character: &character.name, now: &now, place: &place };
    let stage = character.evolution.stage_at(material.trust);
    let top_goal = character.goals.iter().max_by_key(|goal| goal.priority);
    context! {
        name => character.name,
        user => template::as_data(&material.user_name),
        persona => persona::fill(&character.persona, &slots),
        purpose => character.core.purpose,
        drives => drives(character),
        constitution => character.core.constitution,
        examples => examples(material, &slots, budget * EXAMPLES_SHARE / 100),
        place_note => place,
        stage => stage.name,
        trust => material.trust.round(),
        stage_behavior => persona::fill(&stage.behavior, &slots),
        traits => traits(material),
        mood => mood(material),
        note => material.note,
        preferences => preferences(&material.preferences),
        goal => top_goal.map(|goal| goal.description.clone()),
        guard => material.guard,
        now => now,
        background => background(material),
        facts => within(material.facts.iter().map(|fact| template::as_data(fact)), budget * FACTS_SHARE / 100),
        summaries => summaries(material, budget * SUMMARIES_SHARE / 100),
        recalled => recalled(material, budget * RECALLED_SHARE / 100),
        about_past => material.about_past,
    }
}

fn local_time(material: &Material) -> String {
    let zone = material.character.core.timezone;
    zone.from_utc_datetime(&material.now.to_utc().naive_utc()).format("%A, %-d %B %Y, %H:%M").to_string()
}

fn place_note(place: &Place) -> String {
    match place {
        Place::Dm => "in private".to_owned(),
        Place::Channel { guild, channel } => {
            format!("in the channel {channel} of {guild}, where others read along")
        }
        Place::Thread { guild, thread, .. } => {
            format!("in the thread {thread} of {guild}, where others read along")
        }
    }
}

fn drives(character: &Character) -> Vec<Value> {
    let mut drives: Vec<_> = character.core.drives.iter().collect();
    drives.sort_by(|a, b| b.1.get().total_cmp(&a.1.get()));
    drives
        .into_iter()
        .map(|(name, strength)| context! { name => name, strength => format!("{:.1}", strength.get()) })
        .collect()
}

fn traits(material: &Material) -> Vec<Value> {
    material
        .traits
        .iter()
        .filter_map(|index| material.character.evolution.traits.get(*index))
        .map(|it| context! { name => it.name, description => it.description, example => it.example })
        .collect()
}

fn mood(material: &Material) -> Option<Value> {
    if material.mood == "neutral" {
        return None;
    }
    let own = material.character.evolution.moods.iter().find(|mood| mood.name == material.mood);
    let modifiers: Vec<Value> = own
        .map(|mood| {
            mood.modifiers
                .iter()
                .map(|(name, percent)| context! { name => name, percent => format!("{percent:+}") })
                .collect()
        })
        .unwrap_or_default();
    let description = own.and_then(|mood| mood.description.clone());
    Some(context! { name => material.mood, description => description, modifiers => modifiers })
}

/// Wishes as sentences for the model.
fn preferences(preferences: &Preferences) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(preferences.verbosity.map(|verbosity| {
        match verbosity {
            Verbosity::Short => "Short answers: one or two sentences.",
            Verbosity::Medium => "Answers of a short paragraph.",
            Verbosity::Long => "Long, detailed answers.",
        }
        .to_owned()
    }));
    lines.extend(preferences.style.map(|style| {
        match style {
            Style::Casual => "A casual tone.",
            Style::Formal => "A formal tone.",
            Style::Matching => "A tone that matches their own.",
        }
        .to_owned()
    }));
    lines.extend(
        preferences
            .nickname
            .as_ref()
            .map(|name| format!("They want to be called {}.", template::as_data(name))),
    );
    lines.extend(
        preferences.avoid_topics.iter().map(|topic| format!("Never bring up: {}.", template::as_data(topic))),
    );
    lines.extend(
        preferences.emojis.map(|wanted| if wanted { "Emojis are welcome." } else { "No emojis." }.to_owned()),
    );
    lines.extend(
        preferences
            .language
            .as_ref()
            .map(|tag| format!("Answer in the language `{}`.", template::as_data(tag))),
    );
    lines.extend(
        preferences.timezone.as_ref().map(|zone| format!("Their time zone is {}.", template::as_data(zone))),
    );
    lines
}

/// One example a topic, the topics that the message touches first, in the voice of the present stage.
fn examples(material: &Material, slots: &Slots<'_>, budget: usize) -> Vec<Vec<Value>> {
    let evolution = &material.character.evolution;
    let floor = |exchange: &Exchange| {
        exchange.from_stage.as_deref().and_then(|stage| evolution.trust_floor_of(stage)).unwrap_or(i32::MIN)
    };
    let mut by_topic: BTreeMap<&str, &Exchange> = BTreeMap::new();
    for exchange in &material.character.examples.exchanges {
        if f64::from(floor(exchange)) > material.trust {
            continue;
        }
        by_topic
            .entry(&exchange.topic)
            .and_modify(|held| {
                if floor(exchange) > floor(held) {
                    *held = exchange;
                }
            })
            .or_insert(exchange);
    }
    let message = material.message.to_lowercase();
    let mut chosen: Vec<&Exchange> = by_topic.into_values().collect();
    chosen.sort_by_key(|exchange| std::cmp::Reverse(shared_words(&message, exchange)));
    let mut left = budget;
    let mut out = Vec::new();
    for exchange in chosen {
        let cost: usize = exchange.turns.iter().map(|turn| tokens::estimate(&turn.text) + 4).sum();
        // `{{memory}}` is a slot of the offline responder and would only teach a model to write braces.
        if exchange.turns.iter().any(|turn| turn.text.contains("{{memory}}")) || cost > left {
            continue;
        }
        left -= cost;
        out.push(
            exchange
                .turns
                .iter()
                .map(|turn| {
                    let speaker = match turn.speaker {
                        Speaker::User => "They",
                        Speaker::Character => "You",
                    };
                    context! { speaker => speaker, text => persona::fill(&turn.text, slots) }
                })
                .collect(),
        );
    }
    out
}

fn shared_words(message: &str, exchange: &Exchange) -> usize {
    let topic = exchange.topic.replace('-', " ");
    exchange
        .turns
        .iter()
        .filter(|turn| turn.speaker == Speaker::User)
        .flat_map(|turn| turn.text.split_whitespace())
        .chain(topic.split_whitespace())
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|word| word.chars().count() > 3 && message.contains(word.as_str()))
        .count()
}

/// The character's own facts that share a word with the message.
fn background(material: &Material) -> Vec<String> {
    let message = material.message.to_lowercase();
    material
        .character
        .background
        .iter()
        .map(|fact| format!("{} {}", fact.predicate.replace('_', " "), fact.object))
        .filter(|fact| {
            fact.split_whitespace()
                .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
                .any(|word| word.chars().count() > 3 && message.contains(word.as_str()))
        })
        .take(6)
        .collect()
}

fn summaries(material: &Material, budget: usize) -> Vec<Value> {
    let mut left = budget;
    material
        .summaries
        .iter()
        .map_while(|(when, text)| {
            left = left.checked_sub(tokens::estimate(text) + 10)?;
            Some(context! { when => date(*when), text => template::as_data(text) })
        })
        .collect()
}

fn recalled(material: &Material, budget: usize) -> Vec<Value> {
    let mut left = budget;
    material
        .recalled
        .iter()
        .map_while(|item| {
            let text = cut_middle(&item.text);
            left = left.checked_sub(tokens::estimate(&text) + 12)?;
            let who = match item.source {
                RecalledSource::Message => "said here",
                RecalledSource::Reply => "you said",
                RecalledSource::Summary => "from an earlier talk",
                RecalledSource::Fact => "on record",
            };
            Some(context! { when => date(item.when), who => who, text => template::as_data(&text) })
        })
        .collect()
}

fn date(when: Timestamp) -> String {
    when.to_utc().format("%-d %B %Y").to_string()
}

fn within(lines: impl Iterator<Item = String>, budget: usize) -> Vec<String> {
    let mut left = budget;
    lines
        .map_while(|line| {
            left = left.checked_sub(tokens::estimate(&line) + 2)?;
            Some(line)
        })
        .collect()
}

/// The newest messages that fit, oldest first.
fn history(material: &Material, budget: usize) -> Vec<ChatMessage> {
    let mut left = budget;
    let mut lines: Vec<ChatMessage> = material
        .history
        .iter()
        .rev()
        .map_while(|line| {
            let text = cut_middle(&line.text);
            left = left.checked_sub(tokens::estimate(&text) + 4)?;
            let message = if line.author.user().is_none() {
                ChatMessage { role: Role::Assistant, content: text }
            } else {
                ChatMessage { role: Role::User, content: spoken(material, &line.name, &text) }
            };
            Some(message)
        })
        .collect();
    lines.reverse();
    lines
}

/// Words of a person; among several people each line says whose it is.
fn spoken(material: &Material, name: &str, text: &str) -> String {
    if material.place.is_dm() { text.to_owned() } else { format!("[{name}] {text}") }
}

fn cut_middle(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST_LINE {
        return text.to_owned();
    }
    let half = LONGEST_LINE / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(length - half).collect();
    format!("{head} […] {tail}")
}

#[cfg(test)]
#[path = "prompt_tests.rs"]
mod tests;
