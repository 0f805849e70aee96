//! Prompt assembly: everything known is packed into a budget of tokens, the stable parts first.

use std::{collections::BTreeMap, sync::Arc};

use chrono::TimeZone;
use minijinja::{Value, context};

use super::{
    example, manner,
    persona::{self, Slots},
    template,
};
use crate::{
    character::{Character, Exchange, Speaker},
    llm::{ChatMessage, Role, tokens},
    memory::{HistoryLine, OwnGoal, Pattern, Reminder},
    model::{Place, Preferences, Quoted, RecalledItem, RecalledSource, Timestamp},
};

/// The share of the model's window, in per cent, that a prompt may fill; the rest is for the answer, and for the error of
/// the estimate ([`tokens`]).
const PROMPT_SHARE: usize = 75;
/// Shares of the budget, in per cent, that a section may take at most. The persona and the rules are never cut; the
/// shares were chosen so that a full persona (about 1,500 tokens) and all sections fit together.
const EXAMPLES_SHARE: usize = 14;
const RECALLED_SHARE: usize = 18;
/// Earlier exchanges that went well; what is recalled gets the less.
const PATTERNS_SHARE: usize = 6;
const FACTS_SHARE: usize = 6;
const SUMMARIES_SHARE: usize = 8;
/// Goals, and as much again for reminders.
const PROMISES_SHARE: usize = 2;
/// Goals, and reminders, that are told at most: the most important, and the next.
const PROMISES: usize = 5;
/// The message and the talk before it; a long message leaves less for the talk.
const TALK_SHARE: usize = 30;
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
    pub(super) beside: Vec<Quoted>,
    pub(super) trust: f64,
    pub(super) mood: &'static str,
    pub(super) traits: Vec<usize>,
    pub(super) note: Option<String>,
    pub(super) preferences: Preferences,
    pub(super) facts: Vec<String>,
    pub(super) summaries: Vec<(Timestamp, String)>,
    pub(super) recalled: Vec<RecalledItem>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) history: Vec<HistoryLine>,
    /// What the character has set out to reach with the person, the most important first.
    pub(super) goals: Vec<OwnGoal>,
    /// What the person asked to be reminded of, the next first.
    pub(super) reminders: Vec<Reminder>,
    pub(super) about_past: bool,
    pub(super) guard: Option<&'static str>,
    pub(super) thinking: Option<Thinking>,
}

/// What a turn that may take several steps is told besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Thinking {
    /// The most steps.
    pub(super) steps: u32,
    /// How similar questions were answered before, a line each.
    pub(super) guidance: Vec<String>,
}

/// Said to the model when a message may come from somebody in danger (product.md, SEC).
pub(super) const CRISIS_GUARD: &str = "The last message may come from somebody in danger. Be warm and direct, take \
    them seriously, do not lecture, and encourage them to reach people near them, a local emergency number or a crisis \
    line now. Do not promise secrecy and do not play it down.";

/// The messages for the model, at most about `budget` tokens.
pub(super) fn assemble(material: &Material, budget: usize) -> Vec<ChatMessage> {
    let mut messages = vec![ChatMessage::new(Role::System, template::system(&values(material, budget)))];
    let talk = budget * TALK_SHARE / 100;
    let message = cut_to(&material.message, talk);
    let beside = cut_to(&beside(material), talk / 2);
    let taken = tokens::estimate(&message) + tokens::estimate(&beside);
    messages.extend(history(material, talk.saturating_sub(taken)));
    let spoken = spoken(material, &material.user_name, &message);
    let content = if beside.is_empty() { spoken } else { format!("<data>\n{beside}\n</data>\n{spoken}") };
    messages.push(ChatMessage::new(Role::User, content));
    messages
}

/// What came with the message, each on a line of its own that says whose it is.
fn beside(material: &Material) -> String {
    // Nobody's words can end the line or the quotation that they stand in.
    let quoted = |text: &str| template::as_data(&template::one_line(text)).replace('"', "'");
    let by = |by: &Option<String>| by.as_deref().map(template::label).filter(|name| !name.is_empty());
    let items: Vec<Value> = material
        .beside
        .iter()
        .map(|item| match item {
            Quoted::Reply { by: who, text } => {
                context! { kind => "reply", by => by(who), text => quoted(text) }
            }
            Quoted::Forward { by: who, text } => {
                context! { kind => "forward", by => by(who), text => quoted(text) }
            }
            Quoted::Link { by: who, text } => context! { kind => "link", by => by(who), text => quoted(text) },
            Quoted::Sticker { name } => context! { kind => "sticker", name => quoted(name) },
            Quoted::Attachment { name, media, size } => context! {
                kind => "attachment", name => quoted(name), media => media.as_deref().map(quoted), size => bytes(*size)
            },
        })
        .collect();
    if items.is_empty() {
        return String::new();
    }
    let user = template::label(&material.user_name);
    template::beside(&context! { items, user })
        .lines()
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// A size as people say it, in units of 1,024.
fn bytes(size: u64) -> String {
    match size {
        0..1_024 => format!("{size} bytes"),
        1_024..1_048_576 => format!("{} KB", size / 1_024),
        _ => format!("{:.1} MB", size as f64 / 1_048_576.0),
    }
}

/// Tokens a prompt may have for a model whose window holds `context` tokens.
pub(super) fn budget_of(context: usize) -> usize {
    context * PROMPT_SHARE / 100
}

fn values(material: &Material, budget: usize) -> Value {
    let character = &material.character;
    let now = local_time(material);
    let place = place_note(&material.place);
    let user = template::label(&material.user_name);
    let slots = Slots { user: &user, character: &character.name, now: &now, place: &place };
    let stage = character.evolution.stage_at(material.trust);
    let (patterns, taken) = example::within(&material.patterns, budget * PATTERNS_SHARE / 100);
    let top_goal = character.goals.iter().max_by_key(|goal| goal.priority);
    context! {
        name => character.name,
        user => template::label(&material.user_name),
        persona => persona::fill(&character.persona, &slots),
        purpose => character.core.purpose,
        drives => drives(character),
        constitution => character.core.constitution,
        manner => manner::own(character, &material.preferences),
        examples => examples(material, &slots, budget * EXAMPLES_SHARE / 100),
        place_note => place,
        stage => stage.name,
        trust => format!("{:.0}", material.trust),
        stage_behavior => persona::fill(&stage.behavior, &slots),
        traits => traits(material),
        mood => mood(material),
        note => material.note,
        preferences => manner::asked_for(&material.preferences),
        goal => top_goal.map(|goal| match &goal.success_criteria {
            Some(criteria) => format!("{} (reached when: {criteria})", goal.description),
            None => goal.description.clone(),
        }),
        guard => material.guard,
        now => now,
        their_now => their_time(material),
        background => background(material),
        patterns,
        facts => within(material.facts.iter().map(|fact| template::as_data(fact)), budget * FACTS_SHARE / 100),
        summaries => summaries(material, budget * SUMMARIES_SHARE / 100),
        recalled => recalled(material, budget * RECALLED_SHARE / 100 - taken),
        goals => within(goals(material).map(|line| template::as_data(&line)), budget * PROMISES_SHARE / 100),
        reminders => within(reminders(material).map(|line| template::as_data(&line)), budget * PROMISES_SHARE / 100),
        about_past => material.about_past,
        tools => material.thinking.is_some(),
        steps => material.thinking.as_ref().map(|thinking| thinking.steps),
        guidance => material.thinking.iter().flat_map(|it| &it.guidance).map(|it| template::as_data(it)).collect::<Vec<_>>(),
    }
}

pub(super) fn local_time(material: &Material) -> String {
    let zone = material.character.core.timezone;
    zone.from_utc_datetime(&material.now.to_utc().naive_utc()).format("%A, %-d %B %Y, %H:%M").to_string()
}

/// The time where the person is, when they have said where that is.
fn their_time(material: &Material) -> Option<String> {
    let zone: chrono_tz::Tz = material.preferences.timezone.as_deref()?.parse().ok()?;
    let now = zone.from_utc_datetime(&material.now.to_utc().naive_utc());
    Some(format!("{} ({zone})", now.format("%A, %-d %B %Y, %H:%M")))
}

fn place_note(place: &Place) -> String {
    match place {
        Place::Dm => "in private".to_owned(),
        Place::Channel { guild, channel } => {
            let (channel, guild) = (name_of(channel), name_of(guild));
            format!("in the channel {channel} of {guild}, where others read along")
        }
        Place::Thread { guild, thread, .. } => {
            let (thread, guild) = (name_of(thread), name_of(guild));
            format!("in the thread {thread} of {guild}, where others read along")
        }
    }
}

/// The name of a place. None is called like a tool: their names have underscores.
fn name_of(place: &str) -> String {
    template::label(&place.replace('_', " "))
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
            let who = match (item.source, &item.name) {
                (RecalledSource::Message, Some(name)) => format!("{} said", template::label(name)),
                (RecalledSource::Message, None) => "they said".to_owned(),
                (RecalledSource::Reply, _) => "you said".to_owned(),
                (RecalledSource::Summary, _) => "from an earlier talk".to_owned(),
                (RecalledSource::Fact, _) => "on record".to_owned(),
            };
            Some(context! { when => date(item.when), who => who, text => template::as_data(&text) })
        })
        .collect()
}

/// Goals in words, one a line.
pub(super) fn goals(material: &Material) -> impl Iterator<Item = String> {
    material.goals.iter().take(PROMISES).map(|goal| {
        let what = template::one_line(&goal.description);
        let reached = goal.success_criteria.as_deref().map(template::one_line);
        let reached = reached.map_or_else(String::new, |reached| format!(" (reached when: {reached})"));
        format!("since {}: {what}{reached}", date(goal.since))
    })
}

/// Reminders in words, one a line, in the time of the person where that is known.
pub(super) fn reminders(material: &Material) -> impl Iterator<Item = String> {
    let zone: Option<chrono_tz::Tz> = material.preferences.timezone.as_deref().and_then(|it| it.parse().ok());
    let zone = zone.unwrap_or(chrono_tz::UTC);
    material.reminders.iter().take(PROMISES).map(move |reminder| {
        let due = zone.from_utc_datetime(&reminder.due_at.to_utc().naive_utc());
        let (due, what) = (due.format("%-d %B %Y, %H:%M"), template::one_line(&reminder.text));
        format!("{due} ({zone}): {what}")
    })
}

pub(super) fn date(when: Timestamp) -> String {
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
                ChatMessage::new(Role::Assistant, text)
            } else {
                ChatMessage::new(Role::User, heard(material, &line.name, &text))
            };
            Some(message)
        })
        .collect();
    lines.reverse();
    lines
}

/// Earlier words of a person; among several people they are no more than what was said there.
fn heard(material: &Material, name: &str, text: &str) -> String {
    if material.place.is_dm() {
        return text.to_owned();
    }
    let by = template::label(name).replace('"', "'");
    format!("<data by=\"{by}\">\n{}\n</data>", template::as_data(text))
}

/// Words of a person; among several people each line says whose it is.
fn spoken(material: &Material, name: &str, text: &str) -> String {
    if material.place.is_dm() {
        return text.to_owned();
    }
    // Further lines are set in, so that nobody can write a line in another's name.
    format!("[{}] {}", template::label(name), text.replace('\n', "\n  "))
}

/// The text, or as much of its beginning and end as `budget` tokens hold.
fn cut_to(text: &str, budget: usize) -> String {
    let mut longest = text.chars().count();
    let mut cut = text.to_owned();
    while tokens::estimate(&cut) > budget && longest > 1 {
        longest = longest * 3 / 4;
        cut = cut_at(text, longest);
    }
    cut
}

fn cut_middle(text: &str) -> String {
    cut_at(text, LONGEST_LINE)
}

pub(super) fn cut_at(text: &str, longest: usize) -> String {
    let length = text.chars().count();
    if length <= longest {
        return text.to_owned();
    }
    let half = longest / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(length - half).collect();
    format!("{head} […] {tail}")
}

#[cfg(test)]
#[path = "prompt_tests.rs"]
mod tests;
