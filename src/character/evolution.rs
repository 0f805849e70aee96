//! `evolution.yaml`: its form on disk and its checks.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    definition::{Evolution, Milestone, MoodEffect, SpecialUser, Stage, Trait, TrustDrop, default_stages},
    finding::meant,
    load::{Sheet, path},
};

/// The moods that there are (`relationship::Mood`).
const MOODS: [&str; 6] = ["neutral", "happy", "excited", "annoyed", "sad", "concerned"];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EvolutionFile {
    evolution_stages: Vec<StageEntry>,
    traits: Vec<Trait>,
    milestones: Vec<Milestone>,
    trust_drop_messages: Vec<TrustDrop>,
    moods: Vec<MoodEntry>,
    special_users: Vec<SpecialUser>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StageEntry {
    name: String,
    trust_range: (i32, i32),
    behavior: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MoodEntry {
    name: String,
    description: Option<String>,
    #[serde(default)]
    modifiers: BTreeMap<String, Percent>,
}

/// A change in per cent: `20`, or the predecessor's `"+20%"`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "Written")]
struct Percent(i32);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a whole number of per cent, such as 20 or \"+20%\"")]
enum Written {
    Number(i32),
    Text(String),
}

impl TryFrom<Written> for Percent {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let number = match written {
            Written::Number(number) => number,
            Written::Text(text) => text
                .trim()
                .trim_end_matches('%')
                .trim_start_matches('+')
                .parse()
                .map_err(|_| format!("`{text}` is no percentage; write 20 or \"+20%\""))?,
        };
        if (-100..=100).contains(&number) {
            Ok(Self(number))
        } else {
            Err(format!("{number} is out of range: -100 to 100"))
        }
    }
}

/// Checks the file and completes it with the defaults.
pub(super) fn check(sheet: &mut Sheet<'_>, file: EvolutionFile) -> Evolution {
    check_trust_values(sheet, &file);
    for (index, mood) in file.moods.iter().enumerate() {
        if !MOODS.contains(&mood.name.as_str()) {
            let hint = meant(&mood.name, MOODS)
                .map_or_else(|| MOODS.join(", "), |known| format!("did you mean `{known}`?"));
            sheet.error(
                &path(&[&"moods", &index, &"name"]),
                format!("there is no mood `{}`; {hint}", mood.name),
            );
        }
    }
    for (index, special) in file.special_users.iter().enumerate() {
        if special.user.is_none() && special.discord_id.is_none() {
            sheet.error(
                &path(&[&"special_users", &index]),
                "`user` (such as console:robin) or `discord_id` must say who is meant",
            );
        }
    }
    let moods = file
        .moods
        .into_iter()
        .map(|mood| MoodEffect {
            name: mood.name,
            description: mood.description,
            modifiers: mood.modifiers.into_iter().map(|(name, percent)| (name, percent.0)).collect(),
        })
        .collect();
    Evolution {
        stages: stages(sheet, file.evolution_stages),
        traits: file.traits,
        milestones: file.milestones,
        trust_drops: file.trust_drop_messages,
        moods,
        special_users: file.special_users,
    }
}

fn check_trust_values(sheet: &mut Sheet<'_>, file: &EvolutionFile) {
    let mut trust = |steps: &[&dyn super::load::ToStep], value: i32| {
        sheet.in_range(&path(steps), f64::from(value), -100.0, 100.0);
    };
    for (index, it) in file.traits.iter().enumerate() {
        trust(&[&"traits", &index, &"unlock_at"], it.unlock_at);
    }
    for (index, it) in file.milestones.iter().enumerate() {
        trust(&[&"milestones", &index, &"trust_level"], it.trust_level);
    }
    for (index, it) in file.trust_drop_messages.iter().enumerate() {
        trust(&[&"trust_drop_messages", &index, &"from_min"], it.from_min);
        trust(&[&"trust_drop_messages", &index, &"to_max"], it.to_max);
    }
    for (index, it) in file.special_users.iter().enumerate() {
        if let Some(value) = it.trust_override {
            trust(&[&"special_users", &index, &"trust_override"], value);
        }
    }
    for (index, drop) in file.trust_drop_messages.iter().enumerate() {
        if drop.to_max >= drop.from_min {
            sheet.error(
                &path(&[&"trust_drop_messages", &index, &"to_max"]),
                "a fall ends below where it begins: `to_max` must be less than `from_min`",
            );
        }
    }
}

/// Stages from the lowest, without overlaps and gaps; the default ladder when there are none.
fn stages(sheet: &mut Sheet<'_>, entries: Vec<StageEntry>) -> Vec<Stage> {
    if entries.is_empty() {
        return default_stages();
    }
    let mut order: Vec<(usize, StageEntry)> = entries.into_iter().enumerate().collect();
    for (index, stage) in &order {
        let (lo, hi) = stage.trust_range;
        let at = path(&[&"evolution_stages", index, &"trust_range"]);
        sheet.in_range(&at, f64::from(lo), -100.0, 100.0);
        sheet.in_range(&at, f64::from(hi), -100.0, 100.0);
        if lo > hi {
            sheet.error(&at, format!("the range [{lo}, {hi}] ends before it begins"));
        }
    }
    order.sort_by_key(|(_, stage)| stage.trust_range);
    let mut next = -100;
    let mut before: Option<String> = None;
    for (index, stage) in &order {
        let (lo, hi) = stage.trust_range;
        let at = path(&[&"evolution_stages", index, &"trust_range"]);
        if lo < next
            && let Some(before) = &before
        {
            sheet.error(&at, format!("the range of `{}` overlaps that of `{before}`", stage.name));
        } else if lo > next {
            let (from, to) = (next, lo - 1);
            sheet.error(&at, format!("no stage holds trust from {from} to {to}"));
        }
        next = next.max(hi + 1);
        before = Some(stage.name.clone());
    }
    if next <= 100 {
        sheet.error(&path(&[&"evolution_stages"]), format!("no stage holds trust from {next} to 100"));
    }
    let defaults = default_stages();
    order
        .into_iter()
        .map(|(_, stage)| {
            let (lo, hi) = stage.trust_range;
            let near = defaults.iter().find(|default| (default.lo..=default.hi).contains(&lo));
            let behavior =
                stage.behavior.unwrap_or_else(|| near.map(|it| it.behavior.clone()).unwrap_or_default());
            Stage { name: stage.name, lo, hi, behavior }
        })
        .collect()
}
