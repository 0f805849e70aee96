//! Real input: one speaker's side of a long dated conversation, spoken to a character, and then questions about it. The
//! data is not part of the project; without it this says so and is skipped. `LOCOMO=path/to/26.json` names another file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/program.rs"]
#[allow(dead_code)]
mod program;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use chrono::{NaiveDateTime, TimeDelta};
use program::{Home, of_type};
use serde_json::Value;

const QUESTIONS: usize = 10;

fn data() -> Option<PathBuf> {
    let path = std::env::var_os("LOCOMO").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/locomo-dev/26.json"),
        PathBuf::from,
    );
    path.is_file().then_some(path)
}

#[test]
fn what_was_told_over_months_comes_back() {
    let Some(path) = data() else {
        println!("skipped: the LoCoMo conversation is not there (LOCOMO names it)");
        return;
    };
    let conversation: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let speaker = conversation["speaker_a"].as_str().unwrap();
    let home = Home::with_model();
    let mut words: HashMap<String, String> = HashMap::new();
    let mut sessions = 0;
    for number in 1.. {
        let Some(lines) = conversation[format!("session_{number}")].as_array() else { break };
        let date = conversation[format!("session_{number}_date_time")].as_str().unwrap();
        let date = NaiveDateTime::parse_from_str(date, "%I:%M %p on %d %B, %Y").unwrap();
        let spoken: Vec<&Value> = lines.iter().filter(|line| line["speaker"] == speaker).collect();
        let mut input = String::new();
        for line in spoken {
            let text = line["text"].as_str().unwrap().replace('\n', " ");
            words.insert(line["dia_id"].as_str().unwrap().to_owned(), text.clone());
            input.push_str(&text);
            input.push('\n');
        }
        home.talk(&["--user", speaker, "--at", &date.and_utc().to_rfc3339()], &input);
        sessions += 1;
    }
    let last = conversation["session_19_date_time"].as_str().unwrap();
    let last = NaiveDateTime::parse_from_str(last, "%I:%M %p on %d %B, %Y").unwrap() + TimeDelta::days(1);

    // Questions whose whole evidence the speaker said themselves, in the words of the data set.
    let questions = conversation["qa"].as_array().unwrap().iter().filter(|qa| {
        qa["question"].as_str().is_some_and(|question| question.contains(speaker))
            && qa["category"].as_u64() != Some(5)
            && qa["evidence"].as_array().is_some_and(|evidence| {
                !evidence.is_empty()
                    && evidence.iter().all(|id| id.as_str().is_some_and(|id| words.contains_key(id)))
            })
    });
    let mut found = 0;
    for qa in questions.take(QUESTIONS) {
        let question = qa["question"].as_str().unwrap();
        let events =
            home.talk(&["--user", speaker, "--at", &last.and_utc().to_rfc3339(), "--message", question], "");
        let recalled: Vec<&str> = of_type(&events, "recalled")[0]["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|item| item["text"].as_str())
            .collect();
        let evidence: Vec<&str> =
            qa["evidence"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let among = evidence
            .iter()
            .any(|id| recalled.iter().any(|row| words[*id].contains(row) || row.contains(&words[*id])));
        found += usize::from(among);
        println!(
            "\nQ: {question}\n   evidence {evidence:?} {}",
            if among { "recalled" } else { "NOT recalled" }
        );
        for row in recalled {
            println!("   - {row}");
        }
    }
    println!(
        "\n{sessions} sessions, {} lines; evidence recalled for {found} of {QUESTIONS} questions",
        words.len()
    );
    assert_eq!(sessions, 19);
    assert!(found >= 5, "recall is worse than searching at random");
}
