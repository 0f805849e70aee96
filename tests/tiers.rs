//! Local first, cloud when needed: whole turns against two simulated endpoints.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use dramatis::{
    character::Cast,
    cognition::{Ask, Mind, Outcome, Parts, StepBudget},
    embed::Embeddings,
    llm::{
        ChatMessage, ChatRequest, Endpoint, LedgerFilter, Limit, Limits, Llm, LlmSettings, PriceTable,
        Purpose, ReportBy, Role, Step, Tier, ToolSpec,
        simulator::{Answer, Behaviour, End, Simulator, policy},
    },
    memory::{Memory, NewMessage},
    model::{
        AnsweringTier, CharacterId, Clock, EscalationBar, EscalationReason, ManualClock, Place, TierChoice,
        Timestamp, TurnEvent, TurnPath, UserId, Viewer,
    },
    relationship::Relationships,
    store::{Database, Location},
    tool::{Context, CostClass, Permission, Tool, ToolError, Toolbox},
};
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Work in several steps: complexity is two thirds at most.
const QUESTION: &str = "Summarise everything I told you about the ferry.";
/// A matter for thought.
const HARD: &str = "/reflect What colour is the ferry?";
const LOCAL: &str = "It is green.";
const CLOUD: &str = "The ferry is painted green, and you like it.";
/// Nineteen words, which cost 0.019 of `priced`.
const SPENT: &str =
    "one two three four five six seven eight nine one two three four five six seven eight nine ten";
const PRICES: &str = "models:\n  cloud: { in: 10, out: 1000 }\n  priced: { in: 0, out: 1000 }\n";

struct Ferry;

#[async_trait]
impl Tool for Ferry {
    fn spec(&self) -> ToolSpec {
        let parameters = json!({
            "type": "object", "properties": { "query": { "type": "string" } }, "additionalProperties": false,
        });
        ToolSpec { name: "search_memories".to_owned(), description: "Looks.".to_owned(), parameters }
    }

    fn permission(&self) -> Permission {
        Permission::Read
    }

    fn cost(&self) -> CostClass {
        CostClass::Free
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(30)
    }

    async fn call(&self, _: &Context, _: Value) -> Result<String, ToolError> {
        Ok("1 March, Robin said: the ferry is painted green".to_owned())
    }
}

struct House {
    mind: Mind,
    llm: Llm,
    memory: Memory,
    cast: Cast,
    clock: Arc<ManualClock>,
    local: Simulator,
    cloud: Simulator,
    _dir: TempDir,
}

/// What differs between houses.
struct Plan {
    local: Behaviour,
    cloud: Behaviour,
    has_cloud: bool,
    tools: bool,
    limits: Limits,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            local: Behaviour::answer(LOCAL),
            cloud: Behaviour::answer(CLOUD),
            has_cloud: true,
            tools: true,
            limits: Limits::default(),
        }
    }
}

impl House {
    async fn new(plan: Plan) -> Self {
        let dir = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_777_593_600_000_000)));
        let time: Arc<dyn Clock> = clock.clone();
        let (cast, _) = Cast::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("characters")).unwrap();
        let database = Database::open(&Location::in_dir(dir.path())).await.unwrap();
        let local = Simulator::start(plan.local).await.unwrap();
        let cloud = Simulator::start(plan.cloud).await.unwrap();
        let endpoint = |simulator: &Simulator, model: &str| Endpoint {
            base_url: simulator.base_url(),
            api_key: None,
            model: model.to_owned(),
        };
        let prices = dir.path().join("prices.yaml");
        std::fs::write(&prices, PRICES).unwrap();
        let settings = LlmSettings {
            main: Some(endpoint(&local, "local")),
            router: Some(endpoint(&local, "priced")),
            cloud: plan.has_cloud.then(|| endpoint(&cloud, "cloud")),
            ollama: None,
            prices: PriceTable::load(&prices).unwrap(),
            limits: plan.limits,
            ..LlmSettings::default()
        };
        let llm = Llm::start(settings, database.clone(), time.clone()).await.unwrap();
        let embeddings = Embeddings::start(None, "none".to_owned());
        let memory = Memory::new(database.clone(), embeddings.clone(), time.clone());
        let mind = Mind::new(Parts {
            memory: memory.clone(),
            relationships: Relationships::new(database, time.clone()),
            llm: llm.clone(),
            embeddings,
            context: 16_384,
            clock: time,
            toolbox: Toolbox::new(plan.tools.then(|| Arc::new(Ferry) as Arc<dyn Tool>)),
            steps: StepBudget::Adaptive,
            cache_dir: dir.path().to_owned(),
        });
        Self { mind, llm, memory, cast, clock, local, cloud, _dir: dir }
    }

    fn viewer() -> Viewer {
        Viewer::new(CharacterId::new("elena").unwrap(), UserId::console("robin").unwrap(), Place::Dm)
    }

    async fn turn(&self, text: &str) -> (Outcome, Vec<TurnEvent>) {
        self.clock.advance(Duration::from_secs(60));
        let viewer = Self::viewer();
        let message = NewMessage {
            platform: "test".to_owned(),
            platform_id: Uuid::now_v7().to_string(),
            character: viewer.character.clone(),
            user: viewer.user.clone(),
            user_name: "Robin".to_owned(),
            place: Place::Dm,
            text: text.to_owned(),
            beside: Vec::new(),
            at: self.clock.now(),
            reply_to: None,
            address: None,
            holder: None,
        };
        let mut free = (*self.cast.get(&viewer.character).unwrap()).clone();
        free.core.skills.clear();
        let ask = Ask {
            character: Arc::new(free),
            viewer,
            user_name: "Robin".to_owned(),
            message: self.memory.store_user_message(message).await.unwrap().message,
            also: Vec::new(),
            arrived: Instant::now(),
        };
        let (sender, mut events) = mpsc::channel(1_024);
        let turn = async {
            let outcome = self.mind.turn(&ask, &sender).await;
            drop(sender);
            outcome
        };
        let read = async {
            let mut all = Vec::new();
            while let Some(event) = events.recv().await {
                all.push(event);
            }
            all
        };
        tokio::join!(turn, read)
    }

    /// The answer, which is what was streamed and what is stored, and the choice, which is what is kept in the account.
    async fn ask(&self, text: &str) -> (String, TierChoice) {
        let (outcome, events) = self.turn(text).await;
        assert_eq!(outcome, Outcome::Answered, "{events:?}");
        let answer = answer(&events);
        let streamed: String = events.iter().filter_map(delta).collect();
        assert_eq!(streamed, answer, "nothing is taken back");
        let choice = choice(&events).expect("there is a cloud");
        let stored = self.memory.history(&Self::viewer(), 1).await.unwrap();
        assert_eq!(stored.last().unwrap().text, answer);
        let account = self.memory.last_account(&Self::viewer()).await.unwrap().unwrap().account.unwrap();
        assert_eq!(account.tier, Some(choice));
        (answer, choice)
    }

    /// Teaches the local tier the question, so that it is not new any more.
    async fn taught(plan: Plan) -> Self {
        let house = Self::new(plan).await;
        let (_, choice) = house.ask(QUESTION).await;
        assert_eq!((choice.tier, choice.reason), (AnsweringTier::Cloud, Some(EscalationReason::Novelty)));
        assert!(house.local.requests().is_empty());
        house
    }
}

fn delta(event: &TurnEvent) -> Option<String> {
    if let TurnEvent::Delta { text } = event { Some(text.clone()) } else { None }
}

fn answer(events: &[TurnEvent]) -> String {
    let last =
        |event: &TurnEvent| if let TurnEvent::Final { text, .. } = event { Some(text.clone()) } else { None };
    events.iter().find_map(last).unwrap()
}

fn choice(events: &[TurnEvent]) -> Option<TierChoice> {
    let tier = |event: &TurnEvent| if let TurnEvent::Tier(choice) = event { Some(*choice) } else { None };
    events.iter().find_map(tier)
}

fn look() -> Behaviour {
    Behaviour::calls([("search_memories", json!({ "query": "ferry" }))])
}

fn saying(text: &str, confidence: Option<f64>) -> Behaviour {
    Behaviour::Stream(Answer { confidence, ..Answer::new(text).in_pieces(9) })
}

/// The instructions of a request.
fn instructions(request: &Value) -> &str {
    request["messages"][0]["content"].as_str().unwrap()
}

#[tokio::test]
async fn a_hard_question_goes_to_the_cloud() {
    let house = House::new(Plan::default()).await;
    let (answer, choice) = house.ask(HARD).await;
    assert_eq!(answer, CLOUD);
    assert_eq!(choice.reason, Some(EscalationReason::Complexity));
    assert!(choice.complexity.get() > 0.75 && choice.tier == AnsweringTier::Cloud, "{choice:?}");
    let asked = house.cloud.requests().remove(0).body;
    assert!(asked.get("logprobs").is_none() && !instructions(&asked).contains("confidence:"));
    assert_eq!(asked["model"], "cloud");
}

#[rstest]
#[case::looked_up(vec![look()], true, "painted green")]
#[case::known(vec![], true, "was answered without looking anything up")]
#[case::at_once(vec![], false, CLOUD)]
#[tokio::test]
async fn what_is_new_goes_to_the_cloud_once_and_the_local_model_learns(
    #[case] script: Vec<Behaviour>,
    #[case] tools: bool,
    #[case] learned: &str,
) {
    let house = House::new(Plan { tools, ..Plan::default() }).await;
    house.cloud.script(script);
    let (answer, choice) = house.ask(QUESTION).await;
    assert_eq!((answer.as_str(), choice.reason), (CLOUD, Some(EscalationReason::Novelty)));
    let asked = house.cloud.requests().len();
    let (answer, choice) = house.ask(QUESTION).await;
    assert_eq!((answer.as_str(), choice.tier, choice.reason), (LOCAL, AnsweringTier::Local, None));
    assert!(choice.novelty.unwrap().get() < 0.15, "{choice:?}");
    assert_eq!(house.cloud.requests().len(), asked);
    let told = house.local.requests().pop().unwrap();
    assert!(told.contents().iter().any(|text| text.contains(learned)), "{:?}", told.contents());
}

#[rstest]
#[case::said(saying("confidence: 0.4\nIt may be blue.", None), Some(0.4))]
#[case::measured(saying("It may be blue.", Some(0.5)), Some(0.5))]
#[case::measured_though_it_says_otherwise(saying("confidence: 0.95\nIt may be blue.", Some(0.5)), Some(0.5))]
#[case::later(saying("It may be blue.\n\nConfidence: 30%", Some(0.9)), Some(0.3))]
#[case::half_a_line(saying("confiden", None), Some(0.0))]
#[case::nothing_but_the_line(saying("confidence: 0.9", None), Some(0.0))]
#[tokio::test]
async fn an_unsure_answer_is_not_shown_and_the_cloud_answers(
    #[case] local: Behaviour,
    #[case] expected: Option<f64>,
    #[values(true, false)] tools: bool,
) {
    let house = House::taught(Plan { local, tools, ..Plan::default() }).await;
    let (answer, choice) = house.ask(QUESTION).await;
    assert_eq!((answer.as_str(), choice.reason), (CLOUD, Some(EscalationReason::Confidence)));
    assert_eq!(choice.confidence.map(|it| (it.get() * 100.0).round() / 100.0), expected);
    let asked = house.local.requests().pop().unwrap().body;
    assert_eq!(asked["logprobs"], true);
    assert!(instructions(&asked).contains("\nconfidence: 0.85\n"));
}

#[rstest]
#[case::said("confidence: 0.9\nIt is green.", None, Some(0.9))]
#[case::both("**Confidence:** 95 %\n\nIt is green.", Some(0.8), Some(0.8))]
#[case::measured("It is green.", Some(0.8), Some(0.8))]
#[case::not_known("It is green.", None, None)]
#[case::nonsense("confidence: banana\nIt is green.", None, None)]
#[case::too_much("confidence: 12\nIt is green.", None, None)]
#[case::later("It is green.\nconfidence: 0.9", None, Some(0.9))]
#[case::half("It is green.\nconfid", None, None)]
#[tokio::test]
async fn a_sure_answer_is_given_without_a_word_about_it(
    #[case] text: &str,
    #[case] measured: Option<f64>,
    #[case] expected: Option<f64>,
    #[values(true, false)] tools: bool,
) {
    let house = House::taught(Plan { local: saying(text, measured), tools, ..Plan::default() }).await;
    let asked = house.cloud.requests().len();
    let (answer, choice) = house.ask(QUESTION).await;
    assert_eq!((answer.as_str(), choice.tier), (LOCAL, AnsweringTier::Local));
    // Where nothing holds the text back, what comes late is too late to count.
    let late = text.starts_with("It") && measured.is_none() && !tools;
    let confidence = choice.confidence.map(|it| (it.get() * 100.0).round() / 100.0);
    assert_eq!(confidence, expected.filter(|_| !late));
    assert_eq!(house.cloud.requests().len(), asked);
}

/// Its prompt is the one that it has where there is no cloud, too.
#[tokio::test]
async fn a_greeting_stays_at_home() {
    let house = House::new(Plan::default()).await;
    let alone = House::new(Plan { has_cloud: false, ..Plan::default() }).await;
    let (answer, choice) = house.ask("Hello!").await;
    assert_eq!((answer.as_str(), choice.tier, choice.reason), (LOCAL, AnsweringTier::Local, None));
    assert_eq!((choice.novelty, choice.confidence), (None, None));
    assert!(house.cloud.requests().is_empty());
    alone.turn("Hello!").await;
    assert_eq!(house.local.requests()[0].body, alone.local.requests()[0].body);
}

#[tokio::test]
async fn without_a_cloud_nothing_is_asked_for_and_nothing_is_told() {
    let alone = House::new(Plan { has_cloud: false, ..Plan::default() }).await;
    for text in [QUESTION, HARD, QUESTION] {
        let (_, events) = alone.turn(text).await;
        assert_eq!(choice(&events), None);
    }
    for request in alone.local.requests() {
        assert!(request.body.get("logprobs").is_none());
        assert!(!request.contents().iter().any(|text| text.contains("Before the answer")));
    }
    // A line that nobody asked for is the model's own affair.
    alone.local.script([Behaviour::answer("confidence: 0.1\nIt is green.")]);
    assert_eq!(answer(&alone.turn("Hello!").await.1), "confidence: 0.1\nIt is green.");
}

#[rstest]
#[case::refused(Behaviour::status(401, "no"))]
#[case::broken_off(Behaviour::Stream(Answer::new("").ending(End::CutOff)))]
#[tokio::test]
async fn when_the_cloud_is_down_the_local_model_answers(
    #[case] down: Behaviour,
    #[values(true, false)] tools: bool,
) {
    let house = House::new(Plan { cloud: down, tools, ..Plan::default() }).await;
    let (answer, choice) = house.ask(QUESTION).await;
    assert_eq!((answer.as_str(), choice.tier), (LOCAL, AnsweringTier::Local));
    assert_eq!(
        (choice.reason, choice.barred),
        (Some(EscalationReason::Novelty), Some(EscalationBar::Failure))
    );
    assert!(!instructions(&house.local.requests()[0].body).contains("confidence:"), "there is nobody better");
}

#[rstest]
#[tokio::test]
async fn a_draft_is_kept_until_the_cloud_has_answered(#[values(true, false)] tools: bool) {
    let draft = "confidence: 0.4\nIt is green, I think, for that is what I have on record of the ferry.";
    let house = House::taught(Plan { local: saying(draft, None), tools, ..Plan::default() }).await;
    house.cloud.script(std::iter::repeat_n(Behaviour::status(401, "no"), 4));
    let (answer, choice) = house.ask(QUESTION).await;
    assert_eq!(answer, "It is green, I think, for that is what I have on record of the ferry.");
    assert_eq!(
        (choice.reason, choice.barred, choice.tier),
        (Some(EscalationReason::Confidence), Some(EscalationBar::Failure), AnsweringTier::Local)
    );
    assert_eq!(house.local.requests().len(), 1, "it is not written twice");
}

#[rstest]
#[tokio::test]
async fn when_the_local_model_is_down_the_cloud_answers(#[values(true, false)] tools: bool) {
    let house = House::new(Plan { local: Behaviour::status(401, "no"), tools, ..Plan::default() }).await;
    for text in ["Hello!", QUESTION, QUESTION] {
        assert_eq!(house.ask(text).await.0, CLOUD, "{text}");
    }
    assert_eq!(house.ask("Hello!").await.1.reason, Some(EscalationReason::Failure));
}

#[tokio::test]
async fn who_may_be_in_danger_is_answered_at_home() {
    let house = House::new(Plan::default()).await;
    let (_, choice) = house.ask("/reflect I want to kill myself tonight").await;
    assert_eq!((choice.tier, choice.barred), (AnsweringTier::Local, Some(EscalationBar::Crisis)));
    assert!(house.cloud.requests().is_empty());
}

#[tokio::test]
async fn when_money_is_short_nothing_goes_to_the_cloud() {
    let limits = Limits { all: Limit { day_usd: Some(0.02), month_usd: None }, ..Limits::default() };
    // The prompt alone may cost more than there is.
    let house = House::new(Plan { limits, ..Plan::default() }).await;
    let (answer, choice) = house.ask(QUESTION).await;
    assert_eq!((answer.as_str(), choice.barred), (LOCAL, Some(EscalationBar::Budget)));

    house.local.script([Behaviour::answer(SPENT)]);
    let messages = vec![ChatMessage::new(Role::User, "Count!")];
    let request =
        ChatRequest { max_tokens: Some(19), ..ChatRequest::new(Tier::Router, Purpose::Answer, messages) };
    house.llm.complete(request).await.unwrap();
    assert_eq!(
        house.llm.budget().standing(&dramatis::llm::Attribution::default()).await.step,
        Step::CheaperModel
    );
    let (answer, choice) = house.ask(HARD).await;
    assert_eq!(
        (answer.as_str(), choice.reason, choice.barred),
        (LOCAL, Some(EscalationReason::Complexity), Some(EscalationBar::Budget))
    );
    assert!(house.cloud.requests().is_empty());
}

#[tokio::test]
async fn the_books_tell_what_the_cloud_cost() {
    let limits = Limits { all: Limit { day_usd: Some(100.0), month_usd: None }, ..Limits::default() };
    let house =
        House::taught(Plan { local: saying("confidence: 0.2\nWell.", None), limits, ..Plan::default() })
            .await;
    let (_, events) = house.turn(QUESTION).await;
    let TurnEvent::Final { model, cost_usd, .. } =
        events.iter().find(|event| matches!(event, TurnEvent::Final { .. })).unwrap()
    else {
        unreachable!()
    };
    assert!(model == "cloud" && *cost_usd > 0.0, "{model} {cost_usd}");
    house.llm.drain().await;
    let ledger = house.llm.ledger();
    let (from, to) = (Timestamp::from_micros(0), house.clock.now().plus(Duration::from_secs(1)));
    let rows = ledger.report(ReportBy::Tier, from, to, house.llm.budget().limits().zone).await.unwrap();
    let tiers: Vec<&str> = rows.iter().filter_map(|row| row.key.as_deref()).collect();
    assert_eq!(tiers, ["cloud", "reflective"]);
    let all = ledger.totals(from, &LedgerFilter::default()).await.unwrap();
    assert!((rows[0].totals.cost_usd - all.cost_usd).abs() < 1e-9 && rows[0].totals.calls == 2);
}

/// Thought begins at home and ends in the cloud, with what the tools brought.
#[tokio::test]
async fn doubt_in_the_midst_of_thought_takes_what_was_found_along() {
    let unsure = Behaviour::policy(|request| {
        if policy::brought(request).is_empty() {
            Behaviour::calls([("search_memories", json!({ "query": "ferry" }))])
        } else {
            Behaviour::answer("confidence: 0.1\nNo idea.")
        }
    });
    let house = House::taught(Plan { local: unsure, ..Plan::default() }).await;
    let (outcome, events) = house.turn(QUESTION).await;
    assert_eq!((outcome, answer(&events).as_str()), (Outcome::Answered, CLOUD));
    assert!(matches!(events[0], TurnEvent::Routed { path: TurnPath::Reflective, .. }));
    let last = house.cloud.requests().pop().unwrap();
    assert!(last.contents().iter().any(|text| text.contains("painted green")));
}
