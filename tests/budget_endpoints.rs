//! The budget where a call may ask several endpoints, and where background work waits for money: each request is paid for at
//! its own endpoint's price, or not sent.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{sync::Arc, time::Duration};

use dramatis::{
    cognition::SessionEnded,
    embed::Embeddings,
    jobs::{Attempt, Handler, JobError},
    llm::{
        Attribution, ChatMessage, ChatRequest, Completion, Endpoint, Fallbacks, LedgerFilter, Limit, Limits,
        Llm, LlmError, LlmSettings, PriceTable, Purpose, Retry, Role, Step, Tier,
        simulator::{Answer, Behaviour, Simulator},
    },
    memory::{Memory, NewMessage},
    model::{CharacterId, ErrorKind, ManualClock, Timestamp, UserId},
    store::{Database, Location},
};
use futures::future::join_all;
use rstest::rstest;
use sqlx::Row;
use tempfile::TempDir;

/// Twenty words, which the simulator counts as twenty tokens: 0.02 of `one`, 0.2 of `dear`.
const TEXT: &str =
    "one two three four five six seven eight nine ten one two three four five six seven eight nine ten";
/// 30 November 2026, 22:00 UTC
const EVENING: Timestamp = Timestamp::from_micros(1_796_076_000_000_000);
const PRICES: &str =
    "models:\n  one: { in: 0, out: 1000 }\n  two: { in: 0, out: 1000 }\n  dear: { in: 0, out: 10000 }\n";

struct World {
    first: Simulator,
    second: Simulator,
    llm: Llm,
    clock: Arc<ManualClock>,
    db: Database,
    _dir: TempDir,
}

/// The endpoint `one`, and behind it another.
async fn world(
    first: Behaviour,
    behind: &str,
    limits: Limits,
    hedge: Option<Duration>,
    cheaper: bool,
) -> World {
    let dir = TempDir::new().unwrap();
    let db = Database::open(&Location::in_dir(dir.path())).await.unwrap();
    let first = Simulator::start(first).await.unwrap();
    let second = Simulator::start(Behaviour::answer(TEXT)).await.unwrap();
    let prices = dir.path().join("prices.yaml");
    std::fs::write(&prices, PRICES).unwrap();
    let endpoint = |simulator: &Simulator, model: &str| Endpoint {
        base_url: simulator.base_url(),
        api_key: None,
        model: model.to_owned(),
    };
    let settings = LlmSettings {
        main: Some(endpoint(&first, "one")),
        cheap: cheaper.then(|| endpoint(&second, "two")),
        fallbacks: Fallbacks { main: vec![endpoint(&second, behind)], ..Fallbacks::default() },
        hedge,
        retry: Retry { base: Duration::from_millis(1), seed: Some(1), ..Retry::default() },
        prices: PriceTable::load(&prices).unwrap(),
        limits,
        ..LlmSettings::default()
    };
    let clock = Arc::new(ManualClock::at(EVENING));
    let llm = Llm::start(settings, db.clone(), clock.clone()).await.unwrap();
    World { first, second, llm, clock, db, _dir: dir }
}

fn a_day(usd: f64) -> Limits {
    Limits { all: Limit { day_usd: Some(usd), month_usd: None }, ..Limits::default() }
}

fn slow(millis: u64) -> Behaviour {
    Behaviour::Stream(Answer { delay: Duration::from_millis(millis), ..Answer::new(TEXT) })
}

impl World {
    async fn ask(&self, tier: Tier) -> Result<Completion, LlmError> {
        let messages = vec![ChatMessage::new(Role::User, "Count!")];
        let request =
            ChatRequest { max_tokens: Some(40), ..ChatRequest::new(tier, Purpose::Answer, messages) };
        self.llm.complete(request).await
    }

    /// Model and outcome of each row.
    async fn rows(&self) -> Vec<(String, String)> {
        let rows = sqlx::query("SELECT model, outcome FROM ledger ORDER BY model, outcome");
        let rows = rows.fetch_all(self.db.readers()).await.unwrap();
        rows.iter().map(|row| (row.get("model"), row.get("outcome"))).collect()
    }

    async fn spent(&self) -> f64 {
        let ledger = self.llm.ledger();
        ledger.totals(Timestamp::from_micros(0), &LedgerFilter::default()).await.unwrap().cost_usd
    }

    async fn nothing_is_held(&self) {
        let held = sqlx::query("SELECT 1 FROM budget_hold").fetch_all(self.db.readers()).await.unwrap();
        assert!(held.is_empty());
        let booked: i64 = sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(nano), 0) AS BIGINT) FROM budget_spent WHERE kind = 'all'",
        )
        .fetch_one(self.db.readers())
        .await
        .unwrap();
        assert!((booked as f64 / 1e9 - self.spent().await).abs() < 1e-6, "the books agree");
    }
}

fn row(model: &str, outcome: &str) -> (String, String) {
    (model.to_owned(), outcome.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dearer_endpoint_is_asked_only_with_money_for_it() {
    let poor = world(Behaviour::status(503, "down"), "dear", a_day(0.3), None, false).await;
    let error = poor.ask(Tier::Main).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Budget, "only money is in the way: {error}");
    let told = ["503", "dear would pass the budget"].map(|part| error.message.contains(part));
    assert_eq!(told, [true, true], "{error}");
    assert!(poor.second.requests().is_empty());
    assert_eq!(poor.rows().await, [row("one", "unavailable")]);
    poor.nothing_is_held().await;

    let rich = world(Behaviour::status(503, "down"), "dear", a_day(0.5), None, false).await;
    assert_eq!(rich.ask(Tier::Main).await.unwrap().model, "dear");
    assert_eq!(rich.rows().await, [row("dear", "ok"), row("one", "unavailable")]);
    assert!((rich.spent().await - 0.2).abs() < 1e-9);
    rich.nothing_is_held().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cheaper_endpoint_answers_where_the_first_is_too_dear() {
    let world = world(Behaviour::answer(TEXT), "two", a_day(0.1), None, false).await;
    let messages = vec![ChatMessage::new(Role::User, "Count!")];
    let request = ChatRequest {
        max_tokens: Some(40),
        model: Some("dear".to_owned()),
        ..ChatRequest::new(Tier::Main, Purpose::Answer, messages)
    };
    assert_eq!(world.llm.complete(request).await.unwrap().model, "two");
    assert!(world.first.requests().is_empty());
    assert_eq!(world.rows().await, [row("two", "ok")]);
}

#[rstest]
#[case::for_one(0.06, 0)]
#[case::for_both(0.1, 1)]
#[tokio::test(flavor = "multi_thread")]
async fn a_second_request_is_sent_only_with_money_for_both(#[case] limit: f64, #[case] hedges: usize) {
    let world = world(slow(600), "two", a_day(limit), Some(Duration::from_millis(100)), false).await;
    let completion = world.ask(Tier::Main).await.unwrap();
    assert_eq!(world.second.requests().len(), hedges);
    assert_eq!(completion.model, if hedges == 0 { "one" } else { "two" });
    assert_eq!(world.rows().await.len(), 1 + hedges);
    assert!(world.spent().await <= limit);
    world.nothing_is_held().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fallbacks_and_second_requests_at_once_never_pass_the_limit() {
    let world = world(slow(60), "dear", a_day(2.0), Some(Duration::from_millis(30)), false).await;
    // Too few for the circuit breaker.
    world.first.script(std::iter::repeat_n(Behaviour::status(503, "down"), 4));
    let users = (0..16).map(|_| async {
        loop {
            if let Err(error) = world.ask(Tier::Main).await {
                // The endpoint that is down may have nobody behind it that can be paid.
                if error.kind == ErrorKind::Budget {
                    return;
                }
            }
        }
    });
    join_all(users).await;
    let spent = world.spent().await;
    assert!(spent <= 2.0 && spent > 1.9, "{spent}");
    assert!(world.rows().await.contains(&row("dear", "ok")));
    world.nothing_is_held().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_tenth_is_for_the_cheaper_model() {
    let world = world(slow(300), "dear", a_day(0.101), None, true).await;
    for expected in [Ok("one"), Ok("one"), Ok("one"), Err(ErrorKind::Budget)] {
        let answer = world.ask(Tier::Main).await.map(|completion| completion.model);
        assert_eq!(answer.as_deref().map_err(|error| error.kind), expected);
    }
    let spending = world.ask(Tier::Cheap);
    assert_eq!(spending.await.unwrap().model, "two");
    assert!((world.spent().await - 0.08).abs() < 1e-9);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_counts_for_the_step() {
    let world = world(slow(2_000), "dear", a_day(0.05), None, false).await;
    let step = async || world.llm.budget().standing(&Attribution::default()).await.step;
    assert_eq!(step().await, Step::Full);
    let watching = async {
        while world.first.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(step().await, Step::NoReflection, "0.04 of 0.05 is held");
    };
    let (answer, ()) = tokio::join!(world.ask(Tier::Main), watching);
    answer.unwrap();
    assert_eq!(step().await, Step::Full, "0.02 of 0.05 is spent");
}

#[rstest]
#[case::in_private("dm", Limits { user: Limit { day_usd: Some(2.0), month_usd: None }, ..Limits::default() })]
#[case::on_a_server("lounge/den", Limits { guild: Limit { day_usd: Some(2.0), month_usd: None }, ..Limits::default() })]
#[tokio::test(flavor = "multi_thread")]
async fn a_look_back_waits_for_money_of_those_it_is_for(#[case] place: &str, #[case] limits: Limits) {
    let world = world(Behaviour::answer(TEXT), "two", limits, None, false).await;
    let (elena, robin) = (CharacterId::new("elena").unwrap(), UserId::console("robin").unwrap());
    let memory =
        Memory::new(world.db.clone(), Embeddings::start(None, "none".to_owned()), world.clock.clone());
    let message = NewMessage {
        platform: "test".to_owned(),
        platform_id: "1".to_owned(),
        character: elena.clone(),
        user: robin.clone(),
        user_name: "Robin".to_owned(),
        place: place.parse().unwrap(),
        text: "I live in Lisbon.".to_owned(),
        at: EVENING,
        reply_to: None,
        beside: Vec::new(),
        address: None,
        holder: None,
    };
    let session = memory.store_user_message(message).await.unwrap().message.session;
    let ended = SessionEnded::new(memory, world.llm.clone());
    let look_back = async || ended.run(SessionEnded::job(session).payload, Attempt::Early).await;

    // 0.4 are spent, and 1.5 are wanted; of 2.0 background work leaves a tenth.
    world.first.script([Behaviour::answer("word ".repeat(400))]);
    let attribution =
        Attribution { user: Some(robin), guild: Some("lounge".to_owned()), ..Attribution::default() };
    let answer = ChatRequest {
        max_tokens: Some(500),
        attribution,
        ..ChatRequest::new(Tier::Main, Purpose::Answer, vec![ChatMessage::new(Role::User, "Talk!")])
    };
    world.llm.complete(answer).await.unwrap();
    for expected in ["2026-11-30T23:00:00Z", "2026-12-01T00:00:00Z"] {
        let Err(JobError::Later(at, told)) = look_back().await else { panic!("there is no money for it") };
        assert_eq!(at.to_string(), expected);
        assert!(told.contains("would pass the budget"), "{told}");
        world.clock.set(at);
    }
    assert_eq!(world.first.requests().len(), 1, "nobody was asked without money");
    look_back().await.unwrap();
    assert_eq!(world.first.requests().len(), 2, "the new day pays for it");
    let done = sqlx::query("SELECT 1 FROM session WHERE extracted_at IS NOT NULL");
    assert_eq!(done.fetch_all(world.db.readers()).await.unwrap().len(), 1);
}
