//! The model room against the simulated endpoint: every fault ends in an answer or in an error of the right kind, and in
//! exactly one row of the ledger.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::{sync::Arc, time::Duration};

use dramatis::{
    llm::{
        ChatEvent, ChatMessage, ChatRequest, Completion, Endpoint, LedgerFilter, Llm, LlmError, LlmSettings,
        OfflineAnswer, Purpose, Retry, Role, Tier, Timeouts,
        simulator::{Answer, Behaviour, End, Simulator},
    },
    model::{ErrorKind, ManualClock, Timestamp},
    store::{Database, Location},
};
use futures::StreamExt;
use rstest::rstest;
use secrecy::SecretString;
use sqlx::Row;

const KEY: &str = "sk-open-sesame";
const TEXT: &str = "The sea was calm, and the gulls were asleep on the warm rocks.";
/// Sun, 06 Nov 1994 08:49:37 GMT
const NOW: Timestamp = Timestamp::from_micros(784_111_777_000_000);

struct World {
    simulator: Simulator,
    llm: Llm,
    db: Database,
    _dir: tempfile::TempDir,
}

#[derive(Debug)]
struct Booked {
    outcome: String,
    attempts: i64,
    tokens_in: i64,
    tokens_out: i64,
    model: String,
    // Read through `Debug`, in search of secrets.
    #[allow(dead_code)]
    error: Option<String>,
}

async fn database(dir: &tempfile::TempDir) -> Database {
    Database::open(&Location::in_dir(dir.path())).await.unwrap()
}

async fn world_with(timeouts: Timeouts, script: Vec<Behaviour>) -> World {
    let dir = tempfile::tempdir().unwrap();
    let db = database(&dir).await;
    let simulator = Simulator::start(Behaviour::answer(TEXT)).await.unwrap();
    simulator.script(script);
    let endpoint = Endpoint {
        base_url: simulator.base_url(),
        api_key: Some(SecretString::from(KEY)),
        model: "simulated".to_owned(),
    };
    let retry = Retry {
        base: Duration::from_millis(2),
        cap: Duration::from_millis(4),
        seed: Some(1),
        ..Retry::default()
    };
    let settings = LlmSettings { main: Some(endpoint), timeouts, retry, ..LlmSettings::default() };
    let llm = Llm::start(settings, db.clone(), Arc::new(ManualClock::at(NOW))).await.unwrap();
    World { simulator, llm, db, _dir: dir }
}

/// A stall lasts one second before it is noticed: long enough for a busy machine, short enough for a test.
async fn world(script: Vec<Behaviour>) -> World {
    world_with(Timeouts { idle: Duration::from_secs(1), ..Timeouts::default() }, script).await
}

fn request() -> ChatRequest {
    let messages =
        vec![ChatMessage::new(Role::System, "You are a lighthouse."), ChatMessage::new(Role::User, "Hello?")];
    ChatRequest::new(Tier::Main, Purpose::Answer, messages)
}

async fn rows(db: &Database) -> Vec<Booked> {
    let rows =
        sqlx::query("SELECT outcome, attempts, tokens_in, tokens_out, model, error FROM ledger ORDER BY id")
            .fetch_all(db.readers())
            .await
            .unwrap();
    let read = |row: &sqlx::any::AnyRow| Booked {
        outcome: row.get("outcome"),
        attempts: row.get("attempts"),
        tokens_in: row.get("tokens_in"),
        tokens_out: row.get("tokens_out"),
        model: row.get("model"),
        error: row.get("error"),
    };
    rows.iter().map(read).collect()
}

impl World {
    /// The deltas, and how it ended.
    async fn listen(&self, request: ChatRequest) -> (String, Result<Completion, LlmError>) {
        let mut events = self.llm.chat(request);
        let mut heard = String::new();
        let mut end = None;
        while let Some(event) = events.next().await {
            assert!(end.is_none(), "nothing comes behind the end");
            match event {
                Ok(ChatEvent::Logprobs(_)) => {}
                Ok(ChatEvent::Delta(text)) => heard.push_str(&text),
                Ok(ChatEvent::Done(completion)) => end = Some(Ok(completion)),
                Err(error) => end = Some(Err(error)),
            }
        }
        (heard, end.expect("a stream says how it ends"))
    }

    async fn only_row(&self) -> Booked {
        let mut rows = rows(&self.db).await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.remove(0)
    }
}

fn cut(text: &str, end: End) -> Behaviour {
    Behaviour::Stream(Answer::new(text).in_pieces(3).ending(end))
}

fn server_error(status: u16) -> Behaviour {
    Behaviour::status(status, "out of order")
}

#[rstest]
#[case::at_once(vec![], 1)]
#[case::rate_limit(vec![Behaviour::rate_limited("0")], 2)]
#[case::server_errors(vec![server_error(500), server_error(503), server_error(502)], 4)]
#[case::reset(vec![Behaviour::Reset], 2)]
#[case::reset_before_a_word(vec![cut("", End::Reset)], 2)]
#[case::cut_off_before_a_word(vec![cut("", End::CutOff)], 2)]
#[case::stall_before_a_word(vec![cut("", End::Stall)], 2)]
#[case::malformed(vec![cut("", End::Malformed)], 2)]
#[case::empty(vec![Behaviour::answer("")], 2)]
#[case::blank(vec![Behaviour::answer("  \n ")], 2)]
#[case::one_piece(vec![Behaviour::Whole(TEXT.to_owned())], 1)]
#[case::no_finish_reason(vec![cut(TEXT, End::DoneOnly)], 1)]
#[tokio::test]
async fn faults_that_pass_end_in_the_answer(#[case] script: Vec<Behaviour>, #[case] attempts: u32) {
    let world = world(script).await;
    let (heard, end) = world.listen(request()).await;
    let completion = end.unwrap();
    assert_eq!((heard.as_str(), completion.text.as_str()), (TEXT, TEXT));
    assert_eq!((completion.attempts, completion.recovered), (attempts, false));
    assert_eq!(world.simulator.requests().len(), attempts as usize);
    let row = world.only_row().await;
    assert_eq!((row.outcome.as_str(), row.attempts), ("ok", i64::from(attempts)));
    assert_eq!(row.model, "simulated");
    let booked = (row.tokens_in.cast_unsigned(), row.tokens_out.cast_unsigned());
    assert_eq!(booked, (completion.tokens_in, completion.tokens_out));
}

#[rstest]
#[case::unauthorized(vec![Behaviour::status(401, "no such key sk-open-sesame")], ErrorKind::Unauthorized, 1)]
#[case::forbidden(vec![Behaviour::status(403, "not for sk-open-sesame")], ErrorKind::Unauthorized, 1)]
#[case::context_length(vec![Behaviour::context_length()], ErrorKind::ContextLength, 1)]
#[case::unknown_model(vec![Behaviour::status(404, "no such model")], ErrorKind::Other, 1)]
#[case::long_patience(vec![Behaviour::rate_limited("31")], ErrorKind::RateLimited, 1)]
#[case::late_date(vec![Behaviour::rate_limited("Sun, 06 Nov 1994 08:50:37 GMT")], ErrorKind::RateLimited, 1)]
#[case::always_limited(vec![Behaviour::rate_limited("0"); 4], ErrorKind::RateLimited, 4)]
#[case::always_down(vec![Behaviour::status(500, "sk-open-sesame"); 4], ErrorKind::Unavailable, 4)]
#[case::always_reset(vec![Behaviour::Reset; 4], ErrorKind::Unavailable, 4)]
#[case::always_malformed(vec![cut("", End::Malformed); 4], ErrorKind::BadAnswer, 4)]
#[case::always_cut_off(vec![cut("", End::CutOff); 4], ErrorKind::BrokenStream, 4)]
#[case::always_empty(vec![Behaviour::answer(""); 4], ErrorKind::EmptyAnswer, 2)]
#[tokio::test]
async fn faults_that_stay_end_in_an_error(
    #[case] script: Vec<Behaviour>,
    #[case] kind: ErrorKind,
    #[case] attempts: u32,
) {
    let world = world(script).await;
    let (heard, end) = world.listen(request()).await;
    let error = end.unwrap_err();
    assert_eq!((error.kind, heard.as_str(), error.partial.as_str()), (kind, "", ""), "{error}");
    assert_eq!(world.simulator.requests().len(), attempts as usize);
    let row = world.only_row().await;
    assert_eq!(serde_json::to_value(kind).unwrap(), row.outcome.as_str());
    assert_eq!(row.attempts, i64::from(attempts));
    let shown = format!("{error} {error:?} {row:?} {:?}", world.llm);
    assert!(!shown.contains("sesame"), "{shown}");
}

#[rstest]
#[case(End::CutOff)]
#[case(End::Reset)]
#[case(End::Stall)]
#[case(End::Malformed)]
#[tokio::test]
async fn a_stream_that_breaks_half_way_is_continued(#[case] end: End) {
    let first = "The sea was calm, and the gu";
    let rest = "and the gulls were asleep on the warm rocks.";
    let world = world(vec![cut(first, end), Behaviour::answer(rest)]).await;
    let (heard, ended) = world.listen(request()).await;
    let completion = ended.unwrap();
    assert_eq!((heard.as_str(), completion.text.as_str()), (TEXT, TEXT));
    assert_eq!((completion.attempts, completion.recovered, completion.usage_estimated), (2, true, true));
    let requests = world.simulator.requests();
    let contents = requests[1].contents();
    assert!(first.starts_with(contents[2]) && !contents[2].is_empty(), "{contents:?}");
    assert!(contents[3].contains("connection broke"), "{contents:?}");
    let row = world.only_row().await;
    assert_eq!((row.outcome.as_str(), row.attempts), ("ok", 2));
}

#[rstest]
#[case(vec![cut("Half of", End::CutOff), cut("of it", End::CutOff)])]
#[case(vec![cut("Half of", End::CutOff), server_error(503)])]
#[case(vec![cut("Half of", End::Stall), cut("of", End::Stall)])]
#[tokio::test]
async fn a_stream_that_breaks_twice_is_an_error_with_what_there_was(#[case] script: Vec<Behaviour>) {
    let world = world(script).await;
    let (heard, end) = world.listen(request()).await;
    let error = end.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BrokenStream, "{error}");
    assert_eq!(error.partial, heard);
    assert!(heard.starts_with("Half of"));
    let row = world.only_row().await;
    assert_eq!((row.outcome.as_str(), row.attempts), ("broken_stream", 2));
    assert!(row.tokens_out > 0, "what was streamed is on the books: {row:?}");
}

#[tokio::test]
async fn an_endpoint_that_never_speaks_is_a_time_out() {
    let timeouts = Timeouts { first_token: Duration::from_millis(40), ..Timeouts::default() };
    let silence = Behaviour::Stream(Answer { delay: Duration::from_mins(1), ..Answer::new(TEXT) });
    let world = world_with(timeouts, vec![silence; 4]).await;
    let error = world.llm.complete(request()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    assert!(error.waited >= Duration::from_millis(160), "{:?}", error.waited);
    let row = world.only_row().await;
    assert_eq!((row.outcome.as_str(), row.attempts), ("timeout", 4));
}

#[tokio::test]
async fn all_waiting_together_has_an_end() {
    let timeouts = Timeouts { total: Duration::from_millis(80), ..Timeouts::default() };
    let silence = Behaviour::Stream(Answer { delay: Duration::from_mins(1), ..Answer::new(TEXT) });
    let world = world_with(timeouts, vec![silence; 4]).await;
    let error = world.llm.complete(request()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    assert_eq!(world.only_row().await.attempts, 1);
}

#[rstest]
#[case("0.3", 300)]
#[case("Sun, 06 Nov 1994 08:49:38 GMT", 1000)]
#[tokio::test]
async fn retry_after_is_waited_for(#[case] value: &str, #[case] millis: u64) {
    let world = world(vec![Behaviour::rate_limited(value)]).await;
    let completion = world.llm.complete(request()).await.unwrap();
    assert!(completion.waited >= Duration::from_millis(millis), "{:?}", completion.waited);
    assert_eq!(completion.attempts, 2);
}

#[tokio::test]
async fn the_request_says_what_was_asked_for() {
    let world = world(vec![]).await;
    let asked = ChatRequest {
        temperature: Some(0.7),
        max_tokens: Some(64),
        json: true,
        model: Some("gpt-4o-mini".to_owned()),
        ..request()
    };
    let completion = world.llm.complete(asked).await.unwrap();
    let requests = world.simulator.requests();
    assert_eq!(
        requests[0].body,
        serde_json::json!({
            "model": "gpt-4o-mini",
            "messages": [
                { "role": "system", "content": "You are a lighthouse." },
                { "role": "user", "content": "Hello?" },
            ],
            "stream": true,
            "stream_options": { "include_usage": true },
            "temperature": 0.7,
            "max_tokens": 64,
            "response_format": { "type": "json_object" },
        })
    );
    assert_eq!(requests[0].authorization.as_deref(), Some("Bearer sk-open-sesame"));
    // The simulator counts words: 5 in, 13 out; 0.15 and 0.60 dollars a million.
    assert_eq!((completion.tokens_in, completion.tokens_out, completion.usage_estimated), (5, 13, false));
    assert!((completion.cost_usd - (5.0 * 0.15 + 13.0 * 0.60) / 1e6).abs() < 1e-12);
    let totals = world.llm.ledger().totals(NOW, &LedgerFilter::default()).await.unwrap();
    assert_eq!((totals.calls, totals.tokens_in, totals.tokens_out), (1, 5, 13));
    assert!((totals.cost_usd - completion.cost_usd).abs() < 1e-12);
}

#[tokio::test]
async fn tokens_are_estimated_where_they_are_not_counted() {
    let uncounted = Behaviour::Stream(Answer { usage: false, ..Answer::new(TEXT) });
    let world = world(vec![uncounted]).await;
    let completion = world.llm.complete(request()).await.unwrap();
    assert!(completion.usage_estimated);
    assert!((10..=20).contains(&completion.tokens_out), "{}", completion.tokens_out);
}

#[tokio::test]
async fn a_reader_that_goes_away_cancels_the_call() {
    let world = world(vec![cut("Half of", End::Stall)]).await;
    let mut events = world.llm.chat(request());
    assert!(matches!(events.next().await, Some(Ok(ChatEvent::Delta(_)))));
    drop(events);
    world.llm.drain().await;
    let row = world.only_row().await;
    assert_eq!((row.outcome.as_str(), row.attempts), ("cancelled", 1));
    assert!(row.tokens_in > 0);
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_unavailable() {
    let dir = tempfile::tempdir().unwrap();
    let db = database(&dir).await;
    // Port 1 is not given to anyone.
    let main =
        Endpoint { base_url: "http://127.0.0.1:1/v1".to_owned(), api_key: None, model: "m".to_owned() };
    let retry = Retry { base: Duration::from_millis(1), ..Retry::default() };
    let settings = LlmSettings { main: Some(main), retry, ..LlmSettings::default() };
    let llm = Llm::start(settings, db.clone(), Arc::new(ManualClock::at(NOW))).await.unwrap();
    let error = llm.complete(request()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    assert!(error.message.contains("http://127.0.0.1:1/v1"), "{error}");
    let rows = rows(&db).await;
    assert_eq!((rows.len(), rows[0].outcome.as_str(), rows[0].attempts), (1, "unavailable", 4));
}

struct Parrot(&'static str);

impl OfflineAnswer for Parrot {
    fn answer(&self) -> String {
        self.0.to_owned()
    }
}

#[tokio::test]
async fn without_a_model_the_offline_responder_speaks() {
    let dir = tempfile::tempdir().unwrap();
    let db = database(&dir).await;
    let settings = LlmSettings { ollama: None, ..LlmSettings::default() };
    let llm = Llm::start(settings, db.clone(), Arc::new(ManualClock::at(NOW))).await.unwrap();
    assert!(Tier::ALL.into_iter().all(|tier| llm.is_offline(tier)));
    let spoken = ChatRequest { offline: Some(Arc::new(Parrot("Ahoy."))), ..request() };
    let completion = llm.complete(spoken).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.model.as_str()), ("Ahoy.", "offline"));
    assert_eq!((completion.attempts, completion.waited), (0, Duration::ZERO));
    let error = llm.complete(request()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    let outcomes: Vec<String> = rows(&db).await.into_iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes, ["ok", "unavailable"]);
}

#[tokio::test]
async fn an_ollama_is_found_and_tiers_fall_back_to_the_main_one() {
    let dir = tempfile::tempdir().unwrap();
    let db = database(&dir).await;
    let simulator = Simulator::answering("Found.").await.unwrap();
    let router = Endpoint { base_url: simulator.base_url(), api_key: None, model: "small".to_owned() };
    let settings =
        LlmSettings { router: Some(router), ollama: Some(simulator.ollama_host()), ..LlmSettings::default() };
    let llm = Llm::start(settings, db, Arc::new(ManualClock::at(NOW))).await.unwrap();
    let tiers: Vec<(String, bool)> =
        llm.describe().into_iter().map(|info| (info.model, info.falls_back_to_main)).collect();
    let expected = [("simulated", false), ("small", false), ("simulated", true)];
    assert_eq!(tiers, expected.map(|(model, falls_back)| (model.to_owned(), falls_back)));
    assert_eq!(llm.complete(request()).await.unwrap().text, "Found.");
}
