//! Loading a folder: every file is read, every finding is kept, and only a folder without errors is a character.

use std::{
    collections::{BTreeMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    decode::{decode, is_no_map},
    definition::{BackgroundFact, Character, Core, Goal, ModelOverride, ModelTier, Ux},
    evolution, examples, files,
    finding::{Finding, Severity, meant},
    lurk::LurkTriggers,
    skill,
    yaml::{self, Mark, Node, Step},
};
use crate::model::{CharacterId, UnitScore, is_language_tag};

/// What came of a folder.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The character; `None` when there are errors.
    pub character: Option<Character>,
    /// Everything that is wrong, in the order of the files.
    pub findings: Vec<Finding>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    name: Option<String>,
    tagline: Option<String>,
    avatar: Option<String>,
    creator: Option<String>,
    version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CoreFile {
    purpose: Option<String>,
    timezone: Option<String>,
    drives: BTreeMap<String, f64>,
    constitution: Vec<String>,
    social_battery_limit: Option<u32>,
    anchors: Vec<String>,
    models: BTreeMap<ModelTier, ModelOverride>,
    skills: Vec<String>,
    languages: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GoalsFile {
    goals: Vec<Goal>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct BackgroundFile {
    facts: Vec<BackgroundFact>,
}

/// A file that has been read, for checks that need its places.
pub(super) struct Sheet<'a> {
    pub(super) file: &'static str,
    tree: Node,
    findings: &'a mut Vec<Finding>,
}

impl Sheet<'_> {
    /// Adds an error at the node at the end of `path`.
    pub(super) fn error(&mut self, path: &[Step], message: impl Into<String>) {
        let mark = self.tree.mark_of(path);
        self.findings.push(Finding::error(self.file, mark, message));
    }

    /// An error when `value` is not in `least..=most`.
    pub(super) fn in_range(&mut self, path: &[Step], value: f64, least: f64, most: f64) {
        if !(least..=most).contains(&value) {
            self.error(path, format!("{value} is out of range: {least} to {most}"));
        }
    }
}

/// A path of keys and indexes.
pub(super) fn path(steps: &[&dyn ToStep]) -> Vec<Step> {
    steps.iter().map(|step| step.to_step()).collect()
}

pub(super) trait ToStep {
    fn to_step(&self) -> Step;
}

impl ToStep for &str {
    fn to_step(&self) -> Step {
        Step::Key((*self).to_owned())
    }
}

impl ToStep for usize {
    fn to_step(&self) -> Step {
        Step::Index(*self)
    }
}

/// Loads the folder of a character.
#[must_use]
pub fn load(dir: &Path) -> Loaded {
    let mut findings = Vec::new();
    let id = dir
        .canonicalize()
        .ok()
        .and_then(|dir| dir.file_name().map(|name| name.to_string_lossy().into_owned()))
        .unwrap_or_else(|| dir.file_name().unwrap_or_default().to_string_lossy().into_owned());
    let id = match CharacterId::new(id.clone()) {
        Ok(id) => id,
        Err(error) => {
            findings.push(Finding::error(
                "character.md",
                Mark { line: 1, column: 1 },
                format!("the folder: {error}"),
            ));
            return Loaded { character: None, findings };
        }
    };
    let mut texts: BTreeMap<&'static str, String> = BTreeMap::new();
    for name in files::KNOWN {
        if let Some(text) = files::read(dir, name, &mut findings) {
            texts.insert(name, text);
        } else if name == "character.md" && findings.is_empty() {
            findings.push(Finding::error(
                name,
                Mark { line: 1, column: 1 },
                "this file is missing: it holds the persona, the only thing a character must have",
            ));
        }
    }
    let (front, persona) = character_md(texts.get("character.md").map_or("", String::as_str), &mut findings);
    if persona.is_empty() && texts.contains_key("character.md") {
        let message = "there is no persona: write below the front matter who the character is";
        findings.push(Finding::error("character.md", Mark { line: 1, column: 1 }, message));
    }
    let core = core(&texts, &mut findings);
    let goals = goals(&texts, &mut findings);
    let evolution = sheet(&texts, "evolution.yaml", &mut findings, evolution::check).unwrap_or_default();
    let background: BackgroundFile =
        sheet(&texts, "background.yaml", &mut findings, |_, file| file).unwrap_or_default();
    let ux: Ux = sheet(&texts, "ux.yaml", &mut findings, check_ux).unwrap_or_default();
    let lurk: Option<LurkTriggers> = sheet(&texts, "lurk_triggers.yaml", &mut findings, check_lurk);
    let (examples, wrong) = examples::parse(texts.get("examples.md").map_or("", String::as_str), |stage| {
        evolution.trust_floor_of(stage).is_some()
    });
    findings.extend(wrong);
    files::strangers(dir, &mut findings);
    let whole = findings.iter().all(|finding| finding.severity == Severity::Warning);
    let character = whole.then(|| Character {
        name: front.name.unwrap_or_else(|| capitalised(id.as_str())),
        tagline: front.tagline,
        avatar: front.avatar,
        creator: front.creator,
        version: front.version,
        persona,
        core,
        goals,
        evolution,
        background: background.facts,
        ux,
        lurk,
        visual: texts.get("visual.md").map(|text| text.trim().to_owned()),
        examples,
        revision: revision(&texts),
        id,
    });
    Loaded { character, findings }
}

fn revision(texts: &BTreeMap<&'static str, String>) -> u64 {
    let mut hasher = DefaultHasher::new();
    texts.hash(&mut hasher);
    hasher.finish()
}

fn capitalised(id: &str) -> String {
    let mut letters = id.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Reads a YAML file, decodes it and has it checked.
fn sheet<F: DeserializeOwned, T>(
    texts: &BTreeMap<&'static str, String>,
    file: &'static str,
    findings: &mut Vec<Finding>,
    check: impl FnOnce(&mut Sheet<'_>, F) -> T,
) -> Option<T> {
    let text = texts.get(file)?;
    let mut tree = match yaml::parse(text) {
        Ok(tree) => tree,
        Err(error) => {
            findings.push(Finding::error(file, error.mark, error.message));
            return None;
        }
    };
    if is_no_map(&tree) {
        findings.push(Finding::error(file, tree.mark, "expected keys with values, such as `key: value`"));
        return None;
    }
    let decoded = decode::<F>(file, &mut tree, findings)?;
    Some(check(&mut Sheet { file, tree, findings }, decoded))
}

/// Front matter and prose.
fn character_md(text: &str, findings: &mut Vec<Finding>) -> (FrontMatter, String) {
    const FILE: &str = "character.md";
    let Some(rest) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else {
        warn_placeholders(text, 0, findings);
        return (FrontMatter::default(), text.trim().to_owned());
    };
    let mut front = String::new();
    let mut lines = rest.split_inclusive('\n');
    let closed = lines.by_ref().any(|line| {
        let end = line.trim_end() == "---";
        if !end {
            front.push_str(line);
        }
        end
    });
    if !closed {
        let message = "the front matter is not closed: end it with a line `---`";
        findings.push(Finding::error(FILE, Mark { line: 1, column: 1 }, message));
        return (FrontMatter::default(), text.trim().to_owned());
    }
    let prose: String = lines.collect();
    warn_placeholders(&prose, front.lines().count() + 2, findings);
    // The lines of the front matter begin below the first `---`.
    let shift = |finding: Finding| Finding { line: finding.line + 1, ..finding };
    let mut inner = Vec::new();
    let matter = match yaml::parse(&front) {
        Ok(mut tree) if !is_no_map(&tree) => decode(FILE, &mut tree, &mut inner),
        Ok(tree) => {
            inner.push(Finding::error(FILE, tree.mark, "expected keys with values, such as `name: Elena`"));
            None
        }
        Err(error) => {
            inner.push(Finding::error(FILE, error.mark, error.message));
            None
        }
    };
    findings.extend(inner.into_iter().map(shift));
    (matter.unwrap_or_default(), prose.trim().to_owned())
}

/// `{{…}}` that nothing fills in is probably a slip.
fn warn_placeholders(prose: &str, lines_before: usize, findings: &mut Vec<Finding>) {
    const FILLED: [&str; 10] = [
        "user",
        "char",
        "user_name",
        "character_name",
        "current_datetime",
        "channel_name",
        "recent_memories",
        "knowledge_context",
        "past_summaries",
        "universe_context",
    ];
    for (index, line) in prose.lines().enumerate() {
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, tail)) = after.split_once("}}") else { break };
            if !FILLED.contains(&name.trim()) {
                let column = line.chars().count() - after.chars().count() - 1;
                let hint = meant(name.trim(), FILLED)
                    .map_or_else(String::new, |known| format!("; did you mean `{{{{{known}}}}}`?"));
                let mark = Mark { line: lines_before + index + 1, column };
                findings.push(Finding::warning(
                    "character.md",
                    mark,
                    format!("nothing fills in `{{{{{name}}}}}`{hint}"),
                ));
            }
            let _ = before;
            rest = tail;
        }
    }
}

fn core(texts: &BTreeMap<&'static str, String>, findings: &mut Vec<Finding>) -> Core {
    sheet(texts, "core.yaml", findings, |sheet, file: CoreFile| {
        for (name, value) in &file.drives {
            sheet.in_range(&path(&[&"drives", &name.as_str()]), *value, 0.0, 1.0);
        }
        if let Some(limit) = file.social_battery_limit {
            sheet.in_range(&path(&[&"social_battery_limit"]), f64::from(limit), 1.0, 100.0);
        }
        for (tier, model) in &file.models {
            let tier = match tier {
                ModelTier::Main => "main",
                ModelTier::Router => "router",
                ModelTier::Reflective => "reflective",
            };
            if let Some(temperature) = model.temperature {
                sheet.in_range(&path(&[&"models", &tier, &"temperature"]), f64::from(temperature), 0.0, 2.0);
            }
            if model.max_tokens == Some(0) {
                sheet.error(&path(&[&"models", &tier, &"max_tokens"]), "an answer needs at least 1 token");
            }
        }
        for (index, tag) in file.languages.iter().flatten().enumerate() {
            if !is_language_tag(tag) {
                let message = format!("`{tag}` is no language tag; write `en`, `de` or `pt-BR` (BCP 47)");
                sheet.error(&path(&[&"languages", &index]), message);
            }
        }
        for (key, lines) in [("constitution", &file.constitution), ("anchors", &file.anchors)] {
            for (index, _) in lines.iter().enumerate().filter(|(_, line)| line.trim().is_empty()) {
                sheet.error(&path(&[&key, &index]), "this line is empty: write something or take it out");
            }
        }
        for (index, skill) in file.skills.iter().enumerate() {
            if let Some(problem) = skill::problem(skill) {
                sheet.error(&path(&[&"skills", &index]), problem);
            }
        }
        let timezone = file.timezone.as_deref().map_or(chrono_tz::UTC, |name| {
            name.parse().unwrap_or_else(|_| {
                let hint = meant(name, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())).map_or_else(
                    || "write an IANA name such as Europe/Lisbon".to_owned(),
                    |zone| format!("did you mean `{zone}`?"),
                );
                sheet.error(&path(&[&"timezone"]), format!("there is no time zone `{name}`; {hint}"));
                chrono_tz::UTC
            })
        });
        let defaults = Core::default();
        Core {
            purpose: file.purpose,
            timezone,
            drives: file.drives.into_iter().map(|(name, value)| (name, UnitScore::new(value))).collect(),
            constitution: file.constitution,
            social_battery_limit: file.social_battery_limit.unwrap_or(defaults.social_battery_limit),
            anchors: file.anchors,
            models: file.models,
            skills: file.skills,
            languages: file.languages.unwrap_or(defaults.languages),
        }
    })
    .unwrap_or_default()
}

fn goals(texts: &BTreeMap<&'static str, String>, findings: &mut Vec<Finding>) -> Vec<Goal> {
    sheet(texts, "goals.yaml", findings, |sheet, file: GoalsFile| {
        let mut seen = HashSet::new();
        for (index, goal) in file.goals.iter().enumerate() {
            if !seen.insert(goal.slug.clone()) {
                sheet.error(
                    &path(&[&"goals", &index, &"slug"]),
                    format!("the slug `{}` stands twice", goal.slug),
                );
            }
            sheet.in_range(&path(&[&"goals", &index, &"priority"]), f64::from(goal.priority), 1.0, 10.0);
        }
        file.goals
    })
    .unwrap_or_default()
}

fn check_ux(sheet: &mut Sheet<'_>, ux: Ux) -> Ux {
    let reactions = &ux.reactions;
    for (key, value) in [("base_rate", reactions.base_rate), ("topic_boost", reactions.topic_boost)] {
        if let Some(value) = value {
            sheet.in_range(&path(&[&"reactions", &key]), value, 0.0, 1.0);
        }
    }
    if let Some((least, most)) = reactions.reaction_delay_seconds
        && (least < 0.0 || most < least)
    {
        sheet.error(
            &path(&[&"reactions", &"reaction_delay_seconds"]),
            "expected [min, max] with 0 <= min <= max",
        );
    }
    for key in reactions.emojis.keys().filter(|key| !key.ends_with("_emojis")) {
        let message = format!("unknown key `{key}`; lists of emoji are named `…_emojis`");
        sheet.error(&path(&[&"reactions", &key.as_str()]), message);
    }
    ux
}

fn check_lurk(sheet: &mut Sheet<'_>, lurk: LurkTriggers) -> LurkTriggers {
    for (index, pattern) in lurk.question_patterns.iter().enumerate() {
        if let Err(error) = regex::Regex::new(pattern) {
            let reason = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
            sheet.error(&path(&[&"question_patterns", &index]), format!("no regular expression: {reason}"));
        }
    }
    lurk
}
