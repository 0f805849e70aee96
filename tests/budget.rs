//! The budget on real databases: whatever happens at once, the ledger never passes a limit; and turns become cheaper before
//! they become silent.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/databases.rs"]
mod databases;
#[path = "support/program.rs"]
#[allow(dead_code)]
mod program;

use std::{io::Write, process::Stdio, sync::Arc, time::Duration};

use databases::stores;
use dramatis::{
    character::Cast,
    cognition::{Ask, Mind, Parts, StepBudget},
    embed::Embeddings,
    llm::{
        Attribution, ChatMessage, ChatRequest, Completion, Endpoint, LedgerFilter, Limit, Limits, Llm,
        LlmError, LlmSettings, PriceTable, Purpose, Retry, Role, Step, Tier,
        simulator::{Answer, Behaviour, End, Simulator},
    },
    memory::{Memory, NewMessage},
    model::{
        CharacterId, Clock, ErrorKind, ManualClock, SystemClock, Timestamp, TurnEvent, TurnPath, UserId,
        Viewer,
    },
    relationship::Relationships,
    store::{Database, Location},
    tool::Toolbox,
};
use futures::future::join_all;
use program::Home;
use rstest::rstest;
use sqlx::Row;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Twenty words, which the simulator counts as twenty tokens.
const TEXT: &str =
    "one two three four five six seven eight nine ten one two three four five six seven eight nine ten";
/// 30 November 2026, 22:00 UTC
const EVENING: Timestamp = Timestamp::from_micros(1_796_076_000_000_000);

fn prices(text: &str) -> PriceTable {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("prices.yaml");
    std::fs::write(&path, text).unwrap();
    PriceTable::load(&path).unwrap()
}

/// A call of twenty tokens costs 0.02.
fn dear() -> PriceTable {
    prices("models:\n  simulated: { in: 0, out: 1000 }\n")
}

async fn llm(simulator: &Simulator, db: &Database, limits: Limits, clock: Arc<dyn Clock>) -> Llm {
    let endpoint =
        |model: &str| Endpoint { base_url: simulator.base_url(), api_key: None, model: model.to_owned() };
    let settings = LlmSettings {
        main: Some(endpoint("simulated")),
        retry: Retry { base: Duration::from_millis(1), cap: Duration::from_millis(2), ..Retry::default() },
        prices: dear(),
        limits,
        ..LlmSettings::default()
    };
    Llm::start(settings, db.clone(), clock).await.unwrap()
}

fn a_day(usd: f64) -> Limit {
    Limit { day_usd: Some(usd), month_usd: None }
}

fn whose(user: &str) -> Attribution {
    Attribution {
        user: Some(UserId::console(user).unwrap()),
        character: Some(CharacterId::new("elena").unwrap()),
        guild: Some("lounge".to_owned()),
        turn: None,
    }
}

async fn call(llm: &Llm, attribution: Attribution, purpose: Purpose) -> Result<Completion, LlmError> {
    let messages = vec![ChatMessage::new(Role::User, "Count!")];
    let request =
        ChatRequest { max_tokens: Some(40), attribution, ..ChatRequest::new(Tier::Main, purpose, messages) };
    llm.complete(request).await
}

async fn spent(llm: &Llm) -> f64 {
    llm.ledger().totals(Timestamp::from_micros(0), &LedgerFilter::default()).await.unwrap().cost_usd
}

fn manual() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(EVENING))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_and_64_users_never_pass_the_limit() {
    for store in stores().await {
        let simulator = Simulator::start(Behaviour::answer(TEXT)).await.unwrap();
        let limits = Limits { all: a_day(1.0), ..Limits::default() };
        let one = llm(&simulator, &store.database, limits, manual()).await;
        let two = llm(&simulator, &store.database, limits, manual()).await;
        let users = (0..64).map(|number| {
            let llm = if number % 2 == 0 { one.clone() } else { two.clone() };
            async move {
                let mut answered = 0;
                loop {
                    match call(&llm, whose(&format!("user{number}")), Purpose::Answer).await {
                        Ok(_) => answered += 1,
                        Err(error) => {
                            assert_eq!(error.kind, ErrorKind::Budget, "{}", error.message);
                            return answered;
                        }
                    }
                }
            }
        });
        let answered: i32 = join_all(users).await.into_iter().sum();
        let spent = spent(&one).await;
        assert!(spent <= 1.0, "{}: {spent}", store.name);
        // 40 tokens are held for a call of 20: money for one more was left when the last one was refused.
        assert!(answered >= 48 && spent > 0.95, "{}: {answered} answers for {spent}", store.name);
        let held =
            sqlx::query("SELECT 1 FROM budget_hold").fetch_all(store.database.readers()).await.unwrap();
        assert!(held.is_empty(), "{}", store.name);
    }
}

#[rstest]
#[case::guild(Limits { guild: a_day(0.05), ..Limits::default() }, Attribution { guild: Some("other".to_owned()), ..whose("robin") })]
#[case::user(Limits { user: a_day(0.05), ..Limits::default() }, whose("kim"))]
#[case::character(
    Limits { character: a_day(0.05), ..Limits::default() },
    Attribution { character: Some(CharacterId::new("iris").unwrap()), ..whose("robin") }
)]
#[tokio::test(flavor = "multi_thread")]
async fn each_has_a_limit_of_their_own(#[case] limits: Limits, #[case] other: Attribution) {
    for store in stores().await {
        let simulator = Simulator::start(Behaviour::answer(TEXT)).await.unwrap();
        let llm = llm(&simulator, &store.database, limits, manual()).await;
        call(&llm, whose("robin"), Purpose::Answer).await.unwrap();
        let refused = call(&llm, whose("robin"), Purpose::Answer).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Budget);
        assert!(refused.message.contains("$0.05 a day"), "{}", refused.message);
        call(&llm, other.clone(), Purpose::Answer).await.unwrap();
        // Whoever is nobody in particular has no limit of this kind.
        call(&llm, Attribution::default(), Purpose::Answer).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_day_and_a_new_month_bring_new_money() {
    for store in stores().await {
        let simulator = Simulator::start(Behaviour::answer(TEXT)).await.unwrap();
        let limits =
            Limits { all: Limit { day_usd: Some(0.05), month_usd: Some(0.07) }, ..Limits::default() };
        let clock = Arc::new(ManualClock::at(EVENING.minus(Duration::from_secs(86_400))));
        let llm = llm(&simulator, &store.database, limits, clock.clone()).await;
        let ask = async || call(&llm, whose("robin"), Purpose::Answer).await.map_err(|error| error.kind);
        ask().await.unwrap();
        assert_eq!(ask().await.unwrap_err(), ErrorKind::Budget);
        assert_eq!(
            llm.budget().standing(&whose("robin")).await.renews_at.unwrap().to_string(),
            "2026-11-30T00:00:00Z"
        );
        clock.set(EVENING);
        ask().await.unwrap();
        // The day has money left for nobody, and the month neither.
        assert_eq!(ask().await.unwrap_err(), ErrorKind::Budget);
        clock.advance(Duration::from_secs(2 * 3_600));
        ask().await.unwrap();
        let purses = llm.budget().purses(&whose("robin")).await.unwrap();
        assert!((purses[0].month_usd - 0.02).abs() < 1e-9, "{purses:?}");
        assert!((spent(&llm).await - 0.06).abs() < 1e-9);
        assert!(llm.budget().daily_report().await.unwrap());
        assert!(!llm.budget().daily_report().await.unwrap(), "once a day");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn background_work_leaves_money_for_answers_and_free_models_need_none() {
    let store = stores().await.remove(0);
    let simulator = Simulator::start(Behaviour::answer(TEXT)).await.unwrap();
    let limits = Limits { all: a_day(0.043), ..Limits::default() };
    let llm = llm(&simulator, &store.database, limits, manual()).await;
    let refused = call(&llm, whose("robin"), Purpose::Extract).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Budget);
    call(&llm, whose("robin"), Purpose::Answer).await.unwrap();
    assert_eq!(call(&llm, whose("robin"), Purpose::Answer).await.unwrap_err().kind, ErrorKind::Budget);
    let free = ChatRequest {
        model: Some("nobody-knows-its-price".to_owned()),
        attribution: whose("robin"),
        ..ChatRequest::new(Tier::Main, Purpose::Answer, vec![ChatMessage::new(Role::User, "Count!")])
    };
    assert!(llm.complete(free).await.unwrap().cost_usd.abs() < f64::EPSILON);
    assert_eq!(simulator.requests().last().unwrap().body.get("max_tokens"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_is_covered_and_what_is_cut_off_is_booked() {
    let store = stores().await.remove(0);
    let simulator = Simulator::start(Behaviour::answer(TEXT)).await.unwrap();
    let half = Behaviour::Stream(Answer::new("one two three four five six seven eight").ending(End::Reset));
    simulator.script([half, Behaviour::Stream(Answer::new(TEXT).ending(End::Reset))]);
    let limits = Limits { all: a_day(0.09), ..Limits::default() };
    let llm = llm(&simulator, &store.database, limits, manual()).await;
    let error = call(&llm, whose("robin"), Purpose::Answer).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BrokenStream, "{}", error.message);
    let spent = spent(&llm).await;
    // Both answers were heard in part: estimated, and paid.
    assert!(spent > 0.02 && spent <= 0.09, "{spent}");
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::too_many_lines, reason = "one story")]
async fn turns_become_cheaper_before_they_become_silent() {
    let dir = TempDir::new().unwrap();
    let database = Database::open(&Location::in_dir(dir.path())).await.unwrap();
    let simulator = Simulator::start(Behaviour::answer(TEXT)).await.unwrap();
    let endpoint = |model: &str| {
        Some(Endpoint { base_url: simulator.base_url(), api_key: None, model: model.to_owned() })
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let settings = LlmSettings {
        main: endpoint("simulated"),
        cheap: endpoint("thrifty"),
        prices: prices("models:\n  simulated: { in: 0.8, out: 0.2 }\n  thrifty: { in: 0.2, out: 0.05 }\n"),
        limits: Limits { all: a_day(1.0), ..Limits::default() },
        ..LlmSettings::default()
    };
    let llm = Llm::start(settings, database.clone(), clock.clone()).await.unwrap();
    let embeddings = Embeddings::start(None, "none".to_owned());
    let memory = Memory::new(database.clone(), embeddings.clone(), clock.clone());
    let mind = Mind::new(Parts {
        memory: memory.clone(),
        relationships: Relationships::new(database.clone(), clock.clone()),
        llm: llm.clone(),
        embeddings,
        context: 8_192,
        clock: clock.clone(),
        toolbox: Toolbox::default(),
        steps: StepBudget::default(),
        cache_dir: dir.path().to_owned(),
    });
    let characters = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("characters");
    let (cast, _) = Cast::open(&characters).unwrap();
    let elena = CharacterId::new("elena").unwrap();
    let steps = std::sync::Mutex::new(Vec::new());
    let talk = async |number: usize| {
        let viewer = Viewer::new(
            elena.clone(),
            UserId::console(&format!("user{number}")).unwrap(),
            "dm".parse().unwrap(),
        );
        let mut seen = Vec::new();
        for turn in 0.. {
            let step = llm.budget().standing(&Attribution::default()).await.step;
            steps.lock().unwrap().push(step);
            let stored = memory
                .store_user_message(NewMessage {
                    platform: "test".to_owned(),
                    platform_id: format!("{number}-{turn}"),
                    character: elena.clone(),
                    user: viewer.user.clone(),
                    user_name: "Robin".to_owned(),
                    place: viewer.place.clone(),
                    text: "Hello there!".to_owned(),
                    at: clock.now(),
                    reply_to: None,
                    beside: Vec::new(),
                    address: None,
                    holder: None,
                })
                .await
                .unwrap();
            let ask = Ask {
                character: cast.get(&elena).unwrap(),
                viewer: viewer.clone(),
                user_name: "Robin".to_owned(),
                message: stored.message,
                also: Vec::new(),
                arrived: std::time::Instant::now(),
            };
            let (events, mut heard) = mpsc::channel(64);
            let listening = async {
                let (mut model, mut text, mut refused) = (String::new(), String::new(), false);
                while let Some(event) = heard.recv().await {
                    match event {
                        TurnEvent::Final { model: by, text: said, .. } => (model, text) = (by, said),
                        TurnEvent::Refused { rule } => refused = rule == "budget",
                        TurnEvent::Error { message, .. } => panic!("{message}"),
                        _ => {}
                    }
                }
                (model, text, refused)
            };
            let turn = async {
                mind.turn(&ask, &events).await;
                drop(events);
            };
            // The sender goes with its turn, which ends the listening.
            let ((), (model, text, refused)) = tokio::join!(turn, listening);
            assert!(!text.is_empty());
            seen.push((step, model, refused));
            if refused {
                break;
            }
        }
        seen
    };
    let seen = join_all((0..64).map(talk)).await;
    let spent = spent(&llm).await;
    assert!(spent <= 1.0 && spent > 0.97, "{spent}");
    for own in &seen {
        assert_eq!(own[0].0, Step::Full);
        let mut order: Vec<&str> = own.iter().map(|(_, model, _)| model.as_str()).collect();
        // Somebody whose turn was slow may find that nothing is left; and who finds much held, a rest to go on with.
        order.retain(|model| *model != "thrifty");
        order.dedup();
        assert_eq!(order, ["simulated", "offline"]);
    }
    let cheaper = seen.iter().flatten().filter(|(_, model, _)| model == "thrifty").count();
    assert!(cheaper > 0);
    let steps = steps.into_inner().unwrap();
    let first = |step| steps.iter().position(|at| *at == step);
    let order =
        [Step::Full, Step::NoReflection, Step::CheaperModel].map(|step| first(step).expect("it is seen"));
    assert!(order.is_sorted(), "{order:?}");
    let warnings = sqlx::query("SELECT what FROM budget_notice ORDER BY what")
        .fetch_all(database.readers())
        .await
        .unwrap();
    let warnings: Vec<String> = warnings.iter().map(|row| row.get("what")).collect();
    assert_eq!(warnings, ["100 today everybody", "80 today everybody"]);
}

/// The first thing that goes when money runs short is long thought.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_thought_about_until_money_runs_short() {
    let store = stores().await.remove(0);
    let database = store.database.clone();
    let simulator = Simulator::start(Behaviour::answer(TEXT)).await.unwrap();
    let clock: Arc<dyn Clock> = manual();
    let limits = Limits { all: a_day(10.0), ..Limits::default() };
    let llm = llm(&simulator, &database, limits, clock.clone()).await;
    let embeddings = Embeddings::start(None, "none".to_owned());
    let memory = Memory::new(database.clone(), embeddings.clone(), clock.clone());
    let relationships = Relationships::new(database.clone(), clock.clone());
    let characters = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("characters");
    let (cast, _) = Cast::open(&characters).unwrap();
    let toolbox = dramatis::tool::house(dramatis::tool::HouseParts {
        memory: memory.clone(),
        embeddings: embeddings.clone(),
        relationships: relationships.clone(),
        queue: dramatis::jobs::Queue::new(database.clone(), clock.clone()),
        cast: cast.clone(),
        search: None,
        pages: None,
    });
    let dir = TempDir::new().unwrap();
    let mind = Mind::new(Parts {
        memory: memory.clone(),
        relationships,
        llm: llm.clone(),
        embeddings,
        context: 8_192,
        clock: clock.clone(),
        toolbox,
        steps: StepBudget::default(),
        cache_dir: dir.path().to_owned(),
    });
    let elena = CharacterId::new("elena").unwrap();
    let viewer = Viewer::new(elena.clone(), UserId::console("robin").unwrap(), "dm".parse().unwrap());
    let path = async |number: i32| {
        let message = NewMessage {
            platform: "test".to_owned(),
            platform_id: number.to_string(),
            character: elena.clone(),
            user: viewer.user.clone(),
            user_name: "Robin".to_owned(),
            place: viewer.place.clone(),
            text: format!("/reflect What do you know about boat number {number}?"),
            at: clock.now(),
            reply_to: None,
            beside: Vec::new(),
            address: None,
            holder: None,
        };
        let ask = Ask {
            character: cast.get(&elena).unwrap(),
            viewer: viewer.clone(),
            user_name: "Robin".to_owned(),
            message: memory.store_user_message(message).await.unwrap().message,
            also: Vec::new(),
            arrived: std::time::Instant::now(),
        };
        let (events, mut heard) = mpsc::channel(256);
        mind.turn(&ask, &events).await;
        drop(events);
        let mut path = None;
        while let Some(event) = heard.recv().await {
            match event {
                TurnEvent::Routed { path: routed, .. } => path = Some(routed),
                TurnEvent::Error { message, .. } => panic!("{message}"),
                _ => {}
            }
        }
        (llm.budget().standing(&Attribution::default()).await.step, path.unwrap())
    };
    assert_eq!(path(0).await, (Step::Full, TurnPath::Reflective));
    for _ in 0..4 {
        simulator.script([Behaviour::answer("word ".repeat(1_950))]);
        let messages = vec![ChatMessage::new(Role::User, "Count!")];
        llm.complete(ChatRequest::new(Tier::Main, Purpose::Answer, messages)).await.unwrap();
    }
    assert_eq!(path(1).await, (Step::NoReflection, TurnPath::Fast));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_held_comes_back() {
    let home = Home::new();
    let stalled = Behaviour::Stream(Answer::new("Well").ending(End::Stall));
    let simulator = Simulator::start(stalled).await.unwrap();
    std::fs::write(home.path().join("prices.yaml"), "models:\n  simulated: { in: 1, out: 400 }\n").unwrap();
    let mut child = home
        .command(&["chat", "--json"])
        .env("LLM_BASE_URL", simulator.base_url())
        .env("LLM_MODEL", "simulated")
        .env("LLM_PRICES", "prices.yaml")
        .env("BUDGET_DAY_USD", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all(b"Hello there, Elena!\n").unwrap();
    let database = loop {
        if !simulator.requests().is_empty() {
            break Database::open(&Location::in_dir(&home.data())).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let held: f64 = sqlx::query_scalar("SELECT CAST(SUM(nano) AS REAL) / 1e9 FROM budget_hold")
        .fetch_one(database.readers())
        .await
        .unwrap();
    assert!(held > 0.5, "{held}");
    // The same amount again: it is there only because the dead process's money came back.
    let endpoint = Endpoint { base_url: simulator.base_url(), api_key: None, model: "simulated".to_owned() };
    let settings = LlmSettings {
        main: Some(endpoint),
        prices: PriceTable::load(&home.path().join("prices.yaml")).unwrap(),
        limits: Limits { all: a_day(1.0), ..Limits::default() },
        ..LlmSettings::default()
    };
    simulator.script([Behaviour::answer("Hello.")]);
    let llm = Llm::start(settings, database.clone(), Arc::new(SystemClock)).await.unwrap();
    let request = ChatRequest::new(Tier::Main, Purpose::Answer, vec![ChatMessage::new(Role::User, "Hello?")]);
    llm.complete(request).await.unwrap();
    assert_eq!(simulator.requests().last().unwrap().body["max_tokens"], 2_048);
    let rows = sqlx::query("SELECT outcome, tokens_in FROM ledger ORDER BY id")
        .fetch_all(database.readers())
        .await
        .unwrap();
    let outcomes: Vec<(String, bool)> =
        rows.iter().map(|row| (row.get("outcome"), row.get::<i64, _>("tokens_in") > 0)).collect();
    assert_eq!(outcomes, [("lost".to_owned(), true), ("ok".to_owned(), true)]);
    let report = home.run(&["cost", "report", "--by", "character", "--json"], "");
    let report = program::events(&report.stdout);
    assert!(report.iter().any(|row| row["key"] == "elena" && row["calls"] == 1), "{report:?}");
}

#[test]
fn the_report_of_nothing_says_so_and_wrong_input_is_explained() {
    let home = Home::new();
    let output = home.run(&["cost", "report"], "");
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("no model was called"), "{output:?}");
    for (arguments, told) in [
        (&["--since", "yesterday"][..], "write a day like"),
        (&["--since", "2026-03-02", "--until", "2026-03-01"], "swap them"),
        (&["--by", "planet"], "possible values"),
    ] {
        let output = home.run(&[&["cost", "report"], arguments].concat(), "");
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains(told), "{output:?}");
    }
    let mut command = home.command(&["cost", "report"]);
    command.env("BUDGET_DAY_USD", "$5").env("BUDGET_TIMEZONE", "Europe/Berlni");
    let output = program::run(command, "");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("BUDGET_DAY_USD") && told.contains("did you mean `Europe/Berlin`"), "{told}");
}
