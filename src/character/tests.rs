//! Folders with every kind of mistake, and files that change while people talk.

use std::{fs, path::PathBuf, time::Duration};

use rstest::rstest;
use tempfile::TempDir;

use super::*;
use crate::model::CharacterId;

struct Folder {
    _dir: TempDir,
    path: PathBuf,
}

fn folder(files: &[(&str, &str)]) -> Folder {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mara");
    fs::create_dir(&path).unwrap();
    for (name, text) in files {
        fs::write(path.join(name), text).unwrap();
    }
    Folder { _dir: dir, path }
}

fn findings(folder: &Folder) -> Vec<String> {
    load(&folder.path).findings.iter().map(ToString::to_string).collect()
}

const PERSONA: (&str, &str) = ("character.md", "You are {{char}}.\n");

#[rstest]
#[case(
    "core.yaml",
    "purpose: x\nconstitutoin: []\n",
    "core.yaml:2:1: unknown key `constitutoin`; did you mean `constitution`?"
)]
#[case(
    "core.yaml",
    "drives:\n  calm: very\n",
    "core.yaml:2:9: `calm`: wrong type: found the text \"very\", expected a number"
)]
#[case("core.yaml", "drives:\n  calm: 1.5\n", "core.yaml:2:9: 1.5 is out of range: 0 to 1")]
#[case(
    "core.yaml",
    "timezone: Europe/Lisbonn\n",
    "core.yaml:1:11: there is no time zone `Europe/Lisbonn`; did you mean `Europe/Lisbon`?"
)]
#[case(
    "core.yaml",
    "skills: [calculator, weather__today, serch_memories]\n",
    "core.yaml:1:38: there is no tool `serch_memories`; did you mean `search_memories`?"
)]
#[case(
    "core.yaml",
    "drives:\n\tcalm: 1\n",
    "core.yaml:2:1: a tab in the indentation: YAML is indented with spaces only"
)]
#[case("goals.yaml", "goals:\n  - slug: a\n", "goals.yaml:2:5: there must be a `description`")]
#[case(
    "goals.yaml",
    "goals:\n  - {slug: a, description: b, priority: 11}\n",
    "goals.yaml:2:41: 11 is out of range: 1 to 10"
)]
#[case(
    "evolution.yaml",
    "evolution_stages:\n  - {name: a, trust_range: [-100, 10]}\n  - {name: b, trust_range: [10, 100]}\n",
    "evolution.yaml:3:28: the range of `b` overlaps that of `a`"
)]
#[case(
    "evolution.yaml",
    "evolution_stages:\n  - {name: a, trust_range: [-100, 10]}\n",
    "evolution.yaml:2:3: no stage holds trust from 11 to 100"
)]
#[case(
    "evolution.yaml",
    "moods:\n  - name: hapy\n",
    "evolution.yaml:2:11: there is no mood `hapy`; did you mean `happy`?"
)]
#[case("lurk_triggers.yaml", "question_patterns: ['(']\n", "lurk_triggers.yaml:1:21: no regular expression")]
#[case("ux.yaml", "reactions: {base_rate: 2}\n", "ux.yaml:1:24: 2 is out of range: 0 to 1")]
#[case("ux.yaml", "- a\n", "ux.yaml:1:1: expected keys with values")]
#[case("examples.md", "## greeting\n{{user}}: hi\n", "examples.md:2:1: an exchange without an answer")]
#[case("schedul.yaml", "x: 1\n", "schedul.yaml:1:1: warning: no such file is read")]
fn a_mistake_is_found_where_it_stands(#[case] file: &str, #[case] text: &str, #[case] expected: &str) {
    let found = findings(&folder(&[PERSONA, (file, text)]));
    assert!(found.len() == 1 && found[0].starts_with(expected), "{found:?}");
}

#[test]
fn all_mistakes_are_found_in_one_go() {
    let folder = folder(&[
        ("core.yaml", "purpos: a\ntimezone: Nowhere/Nothing\nanchors: 5\nskils: []\n"),
        (
            "goals.yaml",
            "goals:\n  - {slug: a, description: b, priority: high}\n  - {slug: c}\n  - {slug: d, description: e}\n",
        ),
        ("ux.yaml", "error_messages: [1, two]\n"),
    ]);
    let found = findings(&folder);
    for start in [
        "character.md:1:1: this file is missing",
        "core.yaml:1:1: unknown key `purpos`",
        "core.yaml:2:11: there is no time zone",
        "core.yaml:3:10:",
        "core.yaml:4:1: unknown key `skils`",
        "goals.yaml:2:41:",
        "goals.yaml:3:5:",
        "ux.yaml:1:18:",
    ] {
        assert!(found.iter().any(|line| line.starts_with(start)), "`{start}` is missing in {found:#?}");
    }
    assert_eq!(found.len(), 8, "{found:#?}");
    assert!(load(&folder.path).character.is_none());
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = folder(&[PERSONA, ("core.yaml", &"# x\n".repeat(2_600_000))]);
    assert!(findings(&folder)[0].starts_with("core.yaml:1:1: the file has 10156 KiB; 1024 KiB is the most"));
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    let found = findings(&folder(&[PERSONA, ("core.yaml", &text)]));
    assert!(
        found.len() == 1 && found[0].contains("alias bomb") && found[0].starts_with("core.yaml:"),
        "{found:?}"
    );
}

#[test]
fn bytes_that_are_no_utf_8_are_pointed_at() {
    let folder = folder(&[PERSONA]);
    fs::write(folder.path.join("visual.md"), b"fine\nna\xefve\n").unwrap();
    assert_eq!(findings(&folder), ["visual.md:2:3: not UTF-8 from here on: save the file as UTF-8"]);
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let folder = folder(&[PERSONA]);
    std::os::unix::fs::symlink("/etc/hostname", folder.path.join("visual.md")).unwrap();
    let found = findings(&folder);
    assert!(found[0].starts_with("visual.md:1:1: a symbolic link that leads out of the folder"), "{found:?}");
    let inside = folder.path.join("real.txt");
    fs::write(&inside, "tall").unwrap();
    fs::remove_file(folder.path.join("visual.md")).unwrap();
    std::os::unix::fs::symlink("real.txt", folder.path.join("visual.md")).unwrap();
    assert_eq!(load(&folder.path).character.unwrap().visual.as_deref(), Some("tall"));
}

#[test]
fn a_folder_of_the_predecessor_loads_with_warnings_only() {
    let folder = folder(&[
        (
            "character.md",
            "You are Mara. You talk to {user_name}. It is {current_datetime}. {recent_memories}\n",
        ),
        (
            "core.yaml",
            "purpose: x\ntimezone: America/Los_Angeles\ndrives: {curiosity: 0.8}\nconstitution: [a]\nsocial_battery_limit: 9\nanchors: [b]\n",
        ),
        (
            "goals.yaml",
            "goals:\n  - {slug: a, description: b, success_criteria: c, priority: 10, category: d, source: core}\n",
        ),
        (
            "evolution.yaml",
            "traits:\n  - {name: curiosity, unlock_at: 25, description: d, example: e, suppress_on_mood: [annoyed]}\nmoods:\n  - {name: happy, modifiers: {curiosity: +20%}}\nspecial_users:\n  - {discord_id: '1', name: Ann, trust_override: 100}\n",
        ),
        (
            "background.yaml",
            "facts:\n  - {predicate: a, object: b}\nposting: {base_frequency: 2, topics: [x]}\n",
        ),
        (
            "ux.yaml",
            "thinking_indicators: {reflective_mode: {icon: x, text: y}}\ncold_responses: [a]\nerror_messages: [b]\nmanipulation_responses: [c]\nemoji_sets: {love: [x]}\nreactions: {enabled: true, base_rate: 0.2, topic_boost: 0.1, happy_emojis: [x], reaction_delay_seconds: [2, 15]}\nvoice: {voice_id: v, model_id: m, intro_template: '{name} says'}\n",
        ),
        (
            "lurk_triggers.yaml",
            "keywords: {high_relevance: [a], medium_relevance: [b], low_relevance: [c]}\nquestion_patterns: ['what.*']\ntopic_sentences: [s]\nemotional_keywords: {positive: [a], negative: [b]}\nspam_warnings: [x]\n",
        ),
    ]);
    let loaded = load(&folder.path);
    let character = loaded.character.unwrap_or_else(|| panic!("{:#?}", loaded.findings));
    assert!(loaded.findings.iter().all(|finding| finding.severity == Severity::Warning));
    assert_eq!(loaded.findings.len(), 3, "posting, source, spam_warnings: {:#?}", loaded.findings);
    assert_eq!(character.evolution.moods[0].modifiers["curiosity"], 20);
    assert_eq!(character.lurk.unwrap().keywords.high, ["a"]);
}

#[test]
fn front_matter_is_read_and_its_mistakes_are_placed() {
    let good = folder(&[("character.md", "---\nname: Mara\ntagline: t\n---\nYou are {{char}}.\n")]);
    let character = load(&good.path).character.unwrap();
    assert_eq!((character.name.as_str(), character.persona.as_str()), ("Mara", "You are {{char}}."));
    let wrong = folder(&[("character.md", "---\nnam: Mara\n---\nHi {{usr}}.\n")]);
    assert_eq!(
        findings(&wrong),
        [
            "character.md:4:4: warning: nothing fills in `{{usr}}`; did you mean `{{user}}`?",
            "character.md:2:1: unknown key `nam`; did you mean `name`?",
        ]
    );
}

#[test]
fn stages_hold_the_trust_that_is_theirs() {
    let evolution = Evolution::default();
    for (trust, name) in [
        (-100.0, "hostile"),
        (-0.5, "wary"),
        (0.0, "stranger"),
        (20.9, "stranger"),
        (21.0, "acquaintance"),
        (100.0, "intimate"),
    ] {
        assert_eq!(evolution.stage_at(trust).name, name, "{trust}");
    }
    assert_eq!(evolution.trust_floor_of("Close Friend"), Some(61));
}

#[test]
fn a_scaffold_has_no_findings_and_all_topics() {
    let dir = TempDir::new().unwrap();
    let id = CharacterId::new("old-tom").unwrap();
    let made = scaffold(dir.path(), &id).unwrap();
    let loaded = load(&made);
    assert!(loaded.findings.is_empty(), "{:#?}", loaded.findings);
    let character = loaded.character.unwrap();
    assert_eq!(character.name, "Old Tom");
    for topic in NAMED_TOPICS {
        assert!(character.examples.exchanges.iter().any(|exchange| exchange.topic == topic), "{topic}");
    }
    assert!(matches!(scaffold(dir.path(), &id), Err(CharacterError::Exists(_))));
}

#[tokio::test]
async fn a_saved_file_is_swapped_in_and_a_broken_one_is_not() {
    let folder = folder(&[PERSONA, ("core.yaml", "purpose: first\n")]);
    let id = CharacterId::new("mara").unwrap();
    let (cast, wrong) = Cast::open(folder.path.parent().unwrap()).unwrap();
    assert!(wrong.is_empty());
    let mut news = cast.subscribe();
    let _watcher = cast.watch().unwrap();
    let next = async |news: &mut tokio::sync::broadcast::Receiver<CastEvent>| {
        tokio::time::timeout(Duration::from_secs(20), news.recv()).await.unwrap().unwrap()
    };

    fs::write(folder.path.join("core.yaml"), "purpose: second\n").unwrap();
    assert!(matches!(next(&mut news).await, CastEvent::Reloaded { .. }));
    assert_eq!(cast.get(&id).unwrap().core.purpose.as_deref(), Some("second"));

    fs::write(folder.path.join("core.yaml"), "purpose: third\nx: 1\n").unwrap();
    let CastEvent::Rejected { findings, .. } = next(&mut news).await else { panic!("not rejected") };
    assert!(findings[0].to_string().starts_with("core.yaml:2:1: unknown key `x`"));
    assert_eq!(cast.get(&id).unwrap().core.purpose.as_deref(), Some("second"), "the last good version stays");

    // As editors do it: a new file under another name, moved over the old one.
    fs::write(folder.path.join(".core.yaml.swp"), "purpose: fourth\n").unwrap();
    fs::rename(folder.path.join(".core.yaml.swp"), folder.path.join("core.yaml")).unwrap();
    assert!(matches!(next(&mut news).await, CastEvent::Reloaded { .. }));
    assert_eq!(cast.get(&id).unwrap().core.purpose.as_deref(), Some("fourth"));

    fs::remove_dir_all(&folder.path).unwrap();
    loop {
        if matches!(next(&mut news).await, CastEvent::Removed { .. }) {
            break;
        }
    }
    assert!(cast.is_empty());
}
