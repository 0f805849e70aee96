//! `dramatis bench thinking`: how many calls of a model a question takes, and what composites, adaptive steps and traces save.

use std::{process::ExitCode, sync::Arc, time::Instant};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    Scratch,
    thinking_model::{Habit, Lookup, model},
};
use crate::{
    character::{Cast, Character},
    cognition::{Ask, Mind, Parts, StepBudget},
    embed::Embeddings,
    jobs::Queue,
    llm::{
        Endpoint, Llm, LlmSettings,
        simulator::{MODEL, Simulator},
    },
    memory::{Memory, NewMessage},
    model::{
        Clock, Extraction, FactDraft, ManualClock, Place, SummaryDraft, Timestamp, TurnEvent, TurnPath,
        UnitScore, UserId, Viewer,
    },
    relationship::Relationships,
    store::{Database, Location},
    tool::{self, HouseParts, Tool, Toolbox},
};

/// The tools that look in several places at once.
const COMPOSITES: [&str; 2] = ["analyze_topic", "recall_period"];
/// The budget that adaptive steps are measured against (the issue: "a fixed 10-step budget").
const FIXED: u32 = 10;
/// The questions are asked from this moment on: 1 May 2026, in microseconds.
const NOW: i64 = 1_777_593_600_000_000;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Deserialize)]
struct Set {
    topics: Vec<Topic>,
    questions: Vec<Question>,
    kinds: Vec<String>,
}

/// Something that somebody has told of, in a fact, a memory and a summary; an answer about it has a word of each.
#[derive(Debug, Deserialize)]
struct Topic {
    name: String,
    fact: [String; 3],
    said: String,
    summary: String,
    wants: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Question {
    ask: String,
    topics: Vec<String>,
}

/// Calls of a model for a set of questions, once one way and once the other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(in crate::cli) struct Compared {
    questions: usize,
    calls_before: usize,
    calls_after: usize,
    right_before: usize,
    right_after: usize,
    fewer_percent: f64,
}

impl Compared {
    fn of(before: &[Asked], after: &[Asked]) -> Self {
        let calls = |asked: &[Asked]| asked.iter().map(|it| it.calls).sum::<usize>();
        let right = |asked: &[Asked]| asked.iter().filter(|it| it.right).count();
        let (was, is) = (calls(before), calls(after));
        Self {
            questions: before.len(),
            calls_before: was,
            calls_after: is,
            right_before: right(before),
            right_after: right(after),
            fewer_percent: if was == 0 { 0.0 } else { 100.0 * (1.0 - is as f64 / was as f64) },
        }
    }
}

#[derive(Debug, Serialize)]
struct Report {
    composites: Compared,
    adaptive_steps: Compared,
    traces: Compared,
}

/// What one question took.
struct Asked {
    calls: usize,
    right: bool,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let set: Set = serde_json::from_str(include_str!("thinking.json")).context("the set of questions")?;
    let settings = crate::cli::load()?;
    let (cast, _) = Cast::open(&settings.characters_dir)?;
    let character = cast.get(&settings.character).context("there is no character to ask")?;
    let asks: Vec<(String, Vec<&Topic>)> = set
        .questions
        .iter()
        .map(|it| Ok((it.ask.clone(), topics_of(&set, &it.topics)?)))
        .collect::<anyhow::Result<_>>()?;

    let plain = |name: &str| !COMPOSITES.contains(&name);
    let content = Habit::StopsWhenItKnows;
    let without = World::new(&set, &cast, &character, (content, StepBudget::Adaptive), plain)
        .await?
        .ask_all(&asks)
        .await?;
    let with = World::new(&set, &cast, &character, (content, StepBudget::Adaptive), |_| true)
        .await?
        .ask_all(&asks)
        .await?;
    let fixed = World::new(&set, &cast, &character, (Habit::GoesOn, StepBudget::Fixed(FIXED)), plain).await?;
    let fixed = fixed.ask_all(&asks).await?;
    let adaptive = World::new(&set, &cast, &character, (Habit::GoesOn, StepBudget::Adaptive), plain).await?;
    let adaptive = adaptive.ask_all(&asks).await?;
    let (first, second) = traces(&set, &cast, &character).await?;
    let report = Report {
        composites: Compared::of(&without, &with),
        adaptive_steps: Compared::of(&fixed, &adaptive),
        traces: Compared::of(&first, &second),
    };
    if arguments.json {
        say!("{}", serde_json::to_string(&report)?);
    } else {
        table(&report);
    }
    Ok(ExitCode::SUCCESS)
}

fn table(report: &Report) {
    say!("calls of a model, against an endpoint that plays one (docs/thinking.md says what it does)\n");
    say!("{:<44}{:>10}{:>8}{:>8}{:>8}{:>14}", "", "questions", "before", "after", "fewer", "right");
    for (title, it) in [
        ("tools that look in several places at once", report.composites),
        ("adaptive steps instead of ten", report.adaptive_steps),
        ("the second question of its kind", report.traces),
    ] {
        say!(
            "{title:<44}{:>10}{:>8}{:>8}{:>7.0}%{:>10}/{}",
            it.questions,
            it.calls_before,
            it.calls_after,
            it.fewer_percent,
            it.right_before.min(it.right_after),
            it.questions
        );
    }
}

/// Each kind of question twice, the second time about something else.
async fn traces(
    set: &Set,
    cast: &Cast,
    character: &Arc<Character>,
) -> anyhow::Result<(Vec<Asked>, Vec<Asked>)> {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (number, kind) in set.kinds.iter().enumerate() {
        // A mind of its own for each kind: else the first of one would profit from another.
        let habit = (Habit::StopsWhenItKnows, StepBudget::Adaptive);
        let plain = |name: &str| !COMPOSITES.contains(&name);
        let world = World::new(set, cast, character, habit, plain).await?;
        for (asked, shift) in [(&mut first, 0), (&mut second, 3)] {
            let topic = set.topics.iter().cycle().nth(number + shift).context("the set has no topics")?;
            asked.push(world.ask(&kind.replace("{}", &topic.name), &[topic]).await?);
        }
    }
    Ok((first, second))
}

fn topics_of<'a>(set: &'a Set, names: &[String]) -> anyhow::Result<Vec<&'a Topic>> {
    let topic = |name: &String| set.topics.iter().find(|topic| topic.name == *name);
    names.iter().map(|name| topic(name).with_context(|| format!("no topic {name}"))).collect()
}

/// A mind with everything told, and the model that it asks.
struct World {
    mind: Mind,
    memory: Memory,
    simulator: Simulator,
    character: Arc<Character>,
    viewer: Viewer,
    clock: Arc<ManualClock>,
    database: Database,
    _scratch: Scratch,
}

impl World {
    async fn new(
        set: &Set,
        cast: &Cast,
        character: &Arc<Character>,
        (habit, steps): (Habit, StepBudget),
        may: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Self> {
        let scratch = Scratch::new()?;
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(NOW)));
        let time: Arc<dyn Clock> = clock.clone();
        let database = Database::open(&Location::in_dir(scratch.path())).await?;
        let lookups = set.topics.iter().map(|it| Lookup { topic: it.name.clone(), wants: it.wants.clone() });
        let simulator = Simulator::start(model(lookups.collect(), habit)).await?;
        let main = Endpoint { base_url: simulator.base_url(), api_key: None, model: MODEL.to_owned() };
        let llm = LlmSettings { main: Some(main), ollama: None, ..LlmSettings::default() };
        let llm = Llm::start(llm, database.clone(), time.clone()).await?;
        let embeddings = Embeddings::start(None, "none".to_owned());
        let memory = Memory::new(database.clone(), embeddings.clone(), time.clone());
        let relationships = Relationships::new(database.clone(), time.clone());
        let house = tool::house(HouseParts {
            memory: memory.clone(),
            embeddings: embeddings.clone(),
            relationships: relationships.clone(),
            queue: Queue::new(database.clone(), time.clone()),
            cast: cast.clone(),
            search: None,
            pages: None,
        });
        let tools: Vec<Arc<dyn Tool>> =
            house.all().into_values().filter(|tool| may(&tool.spec().name)).collect();
        let mut free = (**character).clone();
        free.core.skills.clear();
        let viewer = Viewer::new(free.id.clone(), UserId::console("robin")?, Place::Dm);
        let mind = Mind::new(Parts {
            memory: memory.clone(),
            relationships,
            llm,
            embeddings,
            context: 32_768,
            clock: time,
            toolbox: Toolbox::new(tools),
            steps,
            cache_dir: scratch.path().to_owned(),
        });
        let world = Self {
            mind,
            memory,
            simulator,
            character: Arc::new(free),
            viewer,
            clock,
            database,
            _scratch: scratch,
        };
        for (number, topic) in set.topics.iter().enumerate() {
            world.tell(number, topic).await?;
        }
        Ok(world)
    }

    /// A topic is told on a day of its own, weeks before.
    async fn tell(&self, number: usize, topic: &Topic) -> anyhow::Result<()> {
        let days = u64::try_from(40 + number)?;
        let at = self.clock.now().minus(std::time::Duration::from_secs(days * 86_400));
        let message = self.memory.store_user_message(self.said(&topic.said, at)).await?.message;
        let [subject, predicate, object] = topic.fact.clone();
        let fact = FactDraft {
            subject,
            predicate,
            object,
            confidence: UnitScore::new(0.9),
            owner: self.viewer.user.clone(),
            sources: vec![message.id],
        };
        let summary = SummaryDraft {
            text: topic.summary.clone(),
            meaningfulness: 3,
            emotions: Vec::new(),
            topics: vec![topic.name.clone()],
        };
        let found = Extraction { facts: vec![fact], preferences: Vec::new(), summary: Some(summary) };
        self.memory.apply(message.session, found).await?;
        self.memory.dismiss(&[message.id]).await?;
        Ok(())
    }

    fn said(&self, text: &str, at: Timestamp) -> NewMessage {
        NewMessage {
            platform: "bench".to_owned(),
            platform_id: Uuid::now_v7().to_string(),
            character: self.character.id.clone(),
            user: self.viewer.user.clone(),
            user_name: "Robin".to_owned(),
            place: Place::Dm,
            text: text.to_owned(),
            beside: Vec::new(),
            at,
            reply_to: None,
            address: None,
            holder: None,
        }
    }

    async fn ask_all(self, asks: &[(String, Vec<&Topic>)]) -> anyhow::Result<Vec<Asked>> {
        let mut asked = Vec::new();
        for (ask, topics) in asks {
            asked.push(self.ask(ask, topics).await?);
        }
        self.database.close().await;
        Ok(asked)
    }

    async fn ask(&self, text: &str, topics: &[&Topic]) -> anyhow::Result<Asked> {
        self.clock.advance(std::time::Duration::from_secs(3_600));
        let before = self.simulator.requests().len();
        let message = self.memory.store_user_message(self.said(text, self.clock.now())).await?.message;
        let ask = Ask {
            character: self.character.clone(),
            viewer: self.viewer.clone(),
            user_name: "Robin".to_owned(),
            message,
            also: Vec::new(),
            arrived: Instant::now(),
        };
        let (sender, mut events) = mpsc::channel(256);
        let turn = async {
            self.mind.turn(&ask, &sender).await;
            drop(sender);
        };
        let read = async {
            let (mut answer, mut reflective) = (None, false);
            while let Some(event) = events.recv().await {
                match event {
                    TurnEvent::Routed { path, .. } => reflective = path == TurnPath::Reflective,
                    TurnEvent::Final { text, .. } => answer = Some(text),
                    TurnEvent::Error { message, .. } => bail!("`{text}` failed: {message}"),
                    _ => {}
                }
            }
            ensure!(reflective, "`{text}` was not thought about: it is no question for this set");
            answer.context("a turn ended without an answer")
        };
        let ((), answer) = tokio::join!(turn, read);
        let answer = answer?;
        let right = topics.iter().flat_map(|topic| &topic.wants).all(|want| answer.contains(want.as_str()));
        Ok(Asked { calls: self.simulator.requests().len() - before, right })
    }
}
