//! What a person sees when the model endpoint fails: an answer, or an error in the character's words. The message is kept,
//! and the ledger has a row.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/program.rs"]
#[allow(dead_code)]
mod program;

use dramatis::{
    llm::simulator::{Answer, Behaviour, End, Simulator},
    store::{Database, Location},
};
use program::{Home, last_answer, of_type};
use rstest::rstest;
use serde_json::Value;
use sqlx::Row;

const TEXT: &str = "The ferry leaves when you are on it, and not before.";
/// Elena's own words for a turn that failed (`characters/elena/ux.yaml`).
const OWN_WORDS: [&str; 5] = ["outboard", "overboard", "tangled", "empty net", "static"];

async fn talk(home: &Home, simulator: &Simulator, lines: &str) -> Vec<Value> {
    let mut command = home.command(&["chat", "--json"]);
    command.env("LLM_BASE_URL", simulator.base_url()).env("LLM_MODEL", "simulated").env("LLM_TIMEOUT", "1");
    let lines = lines.to_owned();
    let output = tokio::task::spawn_blocking(move || program::run(command, &lines)).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program::events(&output.stdout)
}

/// The status of each message of people, and the outcomes in the ledger.
async fn kept(home: &Home) -> (Vec<(String, String)>, Vec<String>) {
    let database = Database::open(&Location::in_dir(&home.data())).await.unwrap();
    let messages = sqlx::query("SELECT text, status FROM message WHERE author IS NOT NULL ORDER BY id")
        .fetch_all(database.readers())
        .await
        .unwrap();
    let ledger =
        sqlx::query("SELECT outcome FROM ledger ORDER BY id").fetch_all(database.readers()).await.unwrap();
    let result = (
        messages.iter().map(|row| (row.get("text"), row.get("status"))).collect(),
        ledger.iter().map(|row| row.get("outcome")).collect(),
    );
    database.close().await;
    result
}

fn refusal(status: u16, retry_after: Option<&str>, body: &str) -> Behaviour {
    Behaviour::Status { status, retry_after: retry_after.map(str::to_owned), body: body.to_owned() }
}

fn too_long() -> Behaviour {
    refusal(400, None, r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#)
}

/// Faults that pass: the person gets an answer and never hears of them.
#[rstest]
#[case::too_many_requests(vec![refusal(429, Some("1"), "{}")])]
#[case::two_server_errors(vec![refusal(500, None, "oops"), refusal(503, None, "")])]
#[case::a_reset_connection(vec![Behaviour::Reset])]
#[case::malformed_json(vec![Behaviour::Stream(Answer::new("").ending(End::Malformed))])]
#[case::an_empty_answer(vec![Behaviour::Stream(Answer::new(""))])]
#[case::a_prompt_that_is_too_long(vec![too_long()])]
#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_passes_ends_in_an_answer(#[case] script: Vec<Behaviour>) {
    let home = Home::new();
    let simulator = Simulator::start(Behaviour::answer(TEXT)).await.unwrap();
    simulator.script(script);
    let events = talk(&home, &simulator, "When does the ferry leave?\n").await;
    assert_eq!(last_answer(&events), TEXT);
    assert!(of_type(&events, "error").is_empty());
    let (messages, ledger) = kept(&home).await;
    assert_eq!(messages, [("When does the ferry leave?".to_owned(), "answered".to_owned())]);
    assert_eq!(ledger.last().map(String::as_str), Some("ok"));
}

/// Faults that stay: the person hears of them in the character's words, and the next message is a new chance.
#[rstest]
#[case::always_too_many_requests(refusal(429, Some("600"), "{}"), "rate_limited")]
#[case::always_server_errors(refusal(500, None, "oops"), "unavailable")]
#[case::a_wrong_key(refusal(401, None, r#"{"error":{"message":"bad key sk-secret123456"}}"#), "unauthorized")]
#[case::never_an_answer(Behaviour::Stream(Answer::new("")), "empty_answer")]
#[case::always_too_long(too_long(), "context_length")]
#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_stays_is_told_in_character(#[case] always: Behaviour, #[case] kind: &str) {
    let home = Home::new();
    let simulator = Simulator::start(always).await.unwrap();
    let events = talk(&home, &simulator, "When does the ferry leave?\n").await;
    let errors = of_type(&events, "error");
    assert_eq!(errors.len(), 1, "{events:?}");
    assert_eq!(errors[0]["kind"], kind);
    let told = errors[0]["message"].as_str().unwrap();
    assert!(OWN_WORDS.iter().any(|words| told.contains(words)), "not in her words: {told}");
    assert!(!events.iter().any(|event| event.to_string().contains("sk-secret")));
    let (messages, ledger) = kept(&home).await;
    assert_eq!(messages, [("When does the ferry leave?".to_owned(), "failed".to_owned())]);
    assert!(!ledger.is_empty() && ledger.iter().all(|outcome| outcome != "ok"), "{ledger:?}");

    drop(simulator);
    let well = Simulator::start(Behaviour::answer(TEXT)).await.unwrap();
    let again = talk(&home, &well, "And now?\n").await;
    assert_eq!(last_answer(&again), TEXT);
    let prompt = well.requests().last().unwrap().contents().join("\n");
    assert!(prompt.contains("When does the ferry leave?"), "what failed is part of the talk");
    assert!(!prompt.contains(told), "an error is never remembered");
}

/// A stream that breaks off or stalls is finished by a second request, and the answer is whole.
#[rstest]
#[case::cut(End::Reset)]
#[case::stalled(End::Stall)]
#[case::malformed(End::Malformed)]
#[case::quiet(End::CutOff)]
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_stream_is_finished(#[case] end: End) {
    let home = Home::new();
    let simulator = Simulator::start(Behaviour::answer("and not before.")).await.unwrap();
    let broken = Answer::new("The ferry leaves when you are on it, ").in_pieces(3).ending(end);
    simulator.script([Behaviour::Stream(broken)]);
    let events = talk(&home, &simulator, "When does the ferry leave?\n").await;
    let answer = last_answer(&events);
    assert!(answer.starts_with("The ferry leaves") && answer.ends_with("and not before."), "{answer}");
    let (messages, ledger) = kept(&home).await;
    assert_eq!(messages[0].1, "answered");
    assert_eq!(ledger, ["ok"]);
    assert_eq!(simulator.requests().len(), 2, "one request, and one to finish it");
}
