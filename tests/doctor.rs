//! `dramatis doctor`: each finding with its remedy, exit code 1 on errors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/program.rs"]
#[allow(dead_code)]
mod program;

use std::{fs, process::Command};

use dramatis::llm::simulator::{Behaviour, Simulator};
use program::Home;

fn examine(command: Command) -> (bool, String) {
    let output = program::run(command, "");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn with_nothing_configured_it_runs_and_says_what_is_missing() {
    let home = Home::new();
    let (ok, text) = examine(home.command(&["doctor"]));
    assert!(ok, "{text}");
    for part in ["offline responder answers", "LLM_BASE_URL", "can be written", "elena is the default"] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_an_error_and_is_not_shown() {
    let simulator =
        Simulator::start(Behaviour::Status { status: 401, retry_after: None, body: "no".to_owned() })
            .await
            .unwrap();
    let home = Home::new();
    let mut command = home.command(&["doctor"]);
    command
        .env("LLM_BASE_URL", simulator.base_url())
        .env("LLM_MODEL", "simulated")
        .env("LLM_API_KEY", "sk-very-secret-key-0123456789abcdef");
    let (ok, text) = tokio::task::spawn_blocking(move || examine(command)).await.unwrap();
    assert!(!ok && text.contains("refuses the key") && text.contains("-> set LLM_API_KEY"), "{text}");
    assert!(!text.contains("very-secret"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_working_endpoint_is_well() {
    let simulator = Simulator::answering("Aye.").await.unwrap();
    let home = Home::new();
    let mut command = home.command(&["doctor"]);
    command.env("LLM_BASE_URL", simulator.base_url()).env("LLM_MODEL", "simulated");
    let (ok, text) = tokio::task::spawn_blocking(move || examine(command)).await.unwrap();
    assert!(ok && text.contains("uses the main model (simulated)"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cloud_has_a_row_of_its_own() {
    let simulator = Simulator::answering("Aye.").await.unwrap();
    let home = Home::new();
    let mut command = home.command(&["doctor"]);
    command.env("LLM_BASE_URL", simulator.base_url()).env("LLM_MODEL", "simulated");
    // Port 9 (discard) is closed on loopback.
    command.env("CLOUD_LLM_BASE_URL", "http://127.0.0.1:9/v1").env("CLOUD_LLM_MODEL", "big");
    let (ok, text) = tokio::task::spawn_blocking(move || examine(command)).await.unwrap();
    assert!(!ok && text.contains("cloud      big at http://127.0.0.1:9/v1"), "{text}");
    assert!(text.contains("-> check CLOUD_LLM_BASE_URL"), "{text}");
}

#[test]
fn an_unreachable_endpoint_is_an_error() {
    let home = Home::new();
    let mut command = home.command(&["doctor"]);
    // Port 9 (discard) is closed on loopback.
    command.env("LLM_BASE_URL", "http://127.0.0.1:9/v1").env("LLM_MODEL", "m");
    let (ok, text) = examine(command);
    assert!(!ok && text.contains("cannot be reached") && text.contains("-> check LLM_BASE_URL"), "{text}");
}

#[test]
fn a_data_directory_that_cannot_be_written_is_an_error() {
    let home = Home::new();
    // A file in the way: even the superuser cannot make a directory below it.
    fs::write(home.path().join("file"), "x").unwrap();
    let mut command = home.command(&["doctor"]);
    command.env("DATA_DIR", home.path().join("file/data"));
    let (ok, text) = examine(command);
    assert!(
        !ok && text.contains("cannot be written") && text.contains("-> give this user the right"),
        "{text}"
    );
}

#[test]
fn settings_that_do_not_parse_are_an_error() {
    let home = Home::new();
    fs::write(home.path().join(".env"), "LOG_FORMAT=yaml\nDATA_DRI=x\n").unwrap();
    let (ok, text) = examine(home.command(&["doctor"]));
    assert!(!ok && text.contains("LOG_FORMAT") && text.contains("DATA_DIR"), "{text}");
}
