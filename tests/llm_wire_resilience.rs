//! Several endpoints, against several simulated ones: fallbacks, the circuit breaker, hedged requests and shared ones; and what
//! the ledger has of each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::{sync::Arc, time::Duration};

use dramatis::{
    llm::{
        Attribution, ChatMessage, ChatRequest, Endpoint, Fallbacks, Llm, LlmSettings, Purpose, Retry, Role,
        Tier, Timeouts,
        simulator::{Answer, Behaviour, End, Simulator},
    },
    model::{ErrorKind, ManualClock, Timestamp, UserId},
    store::{Database, Location},
};
use rstest::rstest;
use sqlx::Row;

const TEXT: &str = "The sea was calm, and the gulls were asleep on the warm rocks.";

struct World {
    first: Simulator,
    second: Simulator,
    llm: Llm,
    clock: Arc<ManualClock>,
    db: Database,
    _dir: tempfile::TempDir,
}

async fn world_with(first: Behaviour, second: Behaviour, hedge: Option<Duration>) -> World {
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(&Location::in_dir(dir.path())).await.unwrap();
    let (first, second) = (Simulator::start(first).await.unwrap(), Simulator::start(second).await.unwrap());
    let endpoint = |simulator: &Simulator, model: &str| Endpoint {
        base_url: simulator.base_url(),
        api_key: None,
        model: model.to_owned(),
    };
    let settings = LlmSettings {
        main: Some(endpoint(&first, "one")),
        fallbacks: Fallbacks { main: vec![endpoint(&second, "two")], ..Fallbacks::default() },
        hedge,
        timeouts: Timeouts { idle: Duration::from_secs(1), ..Timeouts::default() },
        retry: Retry { base: Duration::from_millis(2), seed: Some(1), ..Retry::default() },
        ..LlmSettings::default()
    };
    let clock = Arc::new(ManualClock::at(Timestamp::from_micros(0)));
    let llm = Llm::start(settings, db.clone(), clock.clone()).await.unwrap();
    World { first, second, llm, clock, db, _dir: dir }
}

async fn world(first: Behaviour) -> World {
    world_with(first, Behaviour::answer(TEXT), None).await
}

fn request(purpose: Purpose) -> ChatRequest {
    ChatRequest::new(Tier::Main, purpose, vec![ChatMessage::new(Role::User, "Hello?")])
}

impl World {
    /// Model, outcome and attempts of each row.
    async fn rows(&self) -> Vec<(String, String, i64)> {
        let rows = sqlx::query("SELECT model, outcome, attempts FROM ledger ORDER BY model, outcome");
        let rows = rows.fetch_all(self.db.readers()).await.unwrap();
        rows.iter().map(|row| (row.get("model"), row.get("outcome"), row.get("attempts"))).collect()
    }
}

fn row(model: &str, outcome: &str, attempts: i64) -> (String, String, i64) {
    (model.to_owned(), outcome.to_owned(), attempts)
}

#[rstest]
#[case::broken(Behaviour::status(503, "down"), "unavailable", 2)]
#[case::reset(Behaviour::Reset, "unavailable", 2)]
#[case::wrong_key(Behaviour::status(401, "no"), "unauthorized", 1)]
#[case::no_patience(Behaviour::rate_limited("90"), "rate_limited", 1)]
#[case::unknown_model(Behaviour::status(404, "no such model"), "other", 1)]
#[case::empty(Behaviour::answer(""), "empty_answer", 2)]
#[tokio::test]
async fn the_next_endpoint_answers(#[case] first: Behaviour, #[case] outcome: &str, #[case] attempts: i64) {
    let world = world(first).await;
    let completion = world.llm.complete(request(Purpose::Answer)).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.model.as_str()), (TEXT, "two"));
    assert_eq!(i64::from(completion.attempts), attempts + 1);
    assert_eq!(world.rows().await, [row("one", outcome, attempts), row("two", "ok", 1)]);
}

#[tokio::test]
async fn a_prompt_that_is_too_long_stays_with_its_endpoint() {
    let world = world(Behaviour::context_length()).await;
    let error = world.llm.complete(request(Purpose::Answer)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::ContextLength);
    assert!(world.second.requests().is_empty());
}

#[tokio::test]
async fn what_was_said_is_continued_by_the_next_endpoint() {
    let world = world(Behaviour::status(503, "down")).await;
    let half = Answer::new("The sea was calm, and the gu").in_pieces(3).ending(End::CutOff);
    world.first.script([Behaviour::Stream(half)]);
    world.second.script([Behaviour::answer("and the gulls were asleep on the warm rocks.")]);
    let completion = world.llm.complete(request(Purpose::Answer)).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.recovered), (TEXT, true));
    assert_eq!(world.rows().await, [row("one", "broken_stream", 2), row("two", "ok", 1)]);
}

#[tokio::test]
async fn when_nobody_answers_there_is_one_error() {
    let world = world_with(Behaviour::Reset, Behaviour::status(401, "no"), None).await;
    let error = world.llm.complete(request(Purpose::Answer)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.message.contains("two at"), "{error}");
    assert_eq!(world.rows().await, [row("one", "unavailable", 2), row("two", "unauthorized", 1)]);
}

#[tokio::test]
async fn an_endpoint_that_keeps_failing_is_left_alone_for_a_while() {
    let world = world(Behaviour::status(401, "no")).await;
    for _ in 0..6 {
        world.llm.complete(request(Purpose::Answer)).await.unwrap();
    }
    assert_eq!(world.first.requests().len(), 5, "the sixth call went past it");
    world.clock.advance(Duration::from_secs(30));
    world.first.script([Behaviour::answer(TEXT)]);
    assert_eq!(world.llm.complete(request(Purpose::Answer)).await.unwrap().model, "one");
    world.llm.complete(request(Purpose::Answer)).await.unwrap();
    assert_eq!(world.first.requests().len(), 7, "it is asked as before");
}

#[tokio::test]
async fn a_slow_first_word_brings_a_second_request() {
    let slow = Behaviour::Stream(Answer { delay: Duration::from_mins(1), ..Answer::new("late") });
    let world = world_with(slow, Behaviour::answer(TEXT), Some(Duration::from_millis(100))).await;
    let completion = world.llm.complete(request(Purpose::Answer)).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.model.as_str()), (TEXT, "two"));
    assert!(completion.usage_estimated && completion.tokens_in > 2, "both are paid for: {completion:?}");
    assert_eq!(world.rows().await, [row("one", "cancelled", 1), row("two", "ok", 1)]);
}

#[tokio::test]
async fn the_first_request_may_win_the_race() {
    let slow = Behaviour::Stream(Answer { delay: Duration::from_millis(300), ..Answer::new(TEXT) });
    let never = Behaviour::Stream(Answer { delay: Duration::from_mins(1), ..Answer::new("late") });
    let world = world_with(slow, never, Some(Duration::from_millis(100))).await;
    let completion = world.llm.complete(request(Purpose::Answer)).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.model.as_str()), (TEXT, "one"));
    assert_eq!(world.rows().await, [row("one", "ok", 1), row("two", "cancelled", 1)]);
}

#[tokio::test]
async fn a_race_that_nobody_waits_for_is_in_the_books() {
    let never = Behaviour::Stream(Answer { delay: Duration::from_mins(1), ..Answer::new("late") });
    let world = world_with(never.clone(), never, Some(Duration::from_millis(100))).await;
    let call = world.llm.chat(request(Purpose::Answer));
    while world.second.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(call);
    world.llm.drain().await;
    assert_eq!(world.rows().await, [row("one", "cancelled", 1), row("two", "cancelled", 1)]);
}

#[tokio::test]
async fn the_same_decision_at_the_same_time_is_made_once() {
    let slow = || Behaviour::Stream(Answer { delay: Duration::from_millis(100), ..Answer::new(TEXT) });
    let world = world(slow()).await;
    let user = |name: &str| Attribution { user: UserId::console(name).ok(), ..Attribution::default() };
    let ask =
        |purpose, name: &str| world.llm.complete(ChatRequest { attribution: user(name), ..request(purpose) });
    let (one, same, other) =
        tokio::join!(ask(Purpose::Route, "robin"), ask(Purpose::Route, "robin"), ask(Purpose::Route, "kim"));
    assert_eq!(one.unwrap(), same.unwrap());
    other.unwrap();
    assert_eq!(world.rows().await.len(), 2, "one for each person");
    let (one, same) = tokio::join!(ask(Purpose::Answer, "robin"), ask(Purpose::Answer, "robin"));
    assert!(one.is_ok() && same.is_ok());
    assert_eq!(world.rows().await.len(), 4, "answers are never shared");
    ask(Purpose::Route, "robin").await.unwrap();
    assert_eq!(world.rows().await.len(), 5, "what is over is not shared");
}
