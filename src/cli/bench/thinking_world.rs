//! The world that `dramatis bench thinking` asks its questions in: a mind with everything told, and the model that it asks.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    Scratch,
    thinking::{Set, Topic},
    thinking_model::{HINT, Lookup, Nature, model},
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
        Clock, Extraction, FactDraft, Level, ManualClock, MessageId, Place, SummaryDraft, Timestamp,
        TurnEvent, TurnPath, UnitScore, UserId, Viewer,
    },
    relationship::Relationships,
    store::{Database, Location},
    tool::{self, HouseParts, Tool, Toolbox},
};

/// The tools that look in several places at once.
const COMPOSITES: [&str; 2] = ["analyze_topic", "recall_period"];
/// The questions are asked from this moment on: 1 May 2026, in microseconds.
const NOW: i64 = 1_777_593_600_000_000;

/// What one question took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) calls: usize,
    pub(super) right: bool,
    /// What was asked, to be forgotten.
    message: MessageId,
}

/// How a world is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) nature: Nature,
    pub(super) steps: StepBudget,
    pub(super) composites: bool,
}

/// A mind with everything told, and the model that it asks.
pub(super) struct World {
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
    pub(super) async fn new(
        set: &Set,
        cast: &Cast,
        character: &Arc<Character>,
        rules: Rules,
    ) -> anyhow::Result<Self> {
        let scratch = Scratch::new()?;
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(NOW)));
        let time: Arc<dyn Clock> = clock.clone();
        let database = Database::open(&Location::in_dir(scratch.path())).await?;
        let lookups = set.topics.iter().map(|it| Lookup { topic: it.name.clone(), wants: it.wants.clone() });
        let simulator = Simulator::start(model(lookups.collect(), rules.nature)).await?;
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
        let may = |tool: &Arc<dyn Tool>| rules.composites || !COMPOSITES.contains(&tool.spec().name.as_str());
        let tools: Vec<Arc<dyn Tool>> = house.all().into_values().filter(may).collect();
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
            steps: rules.steps,
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
        let at = self.clock.now().minus(Duration::from_secs(days * 86_400));
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

    /// Ends it.
    pub(super) async fn close(self) {
        self.database.close().await;
    }

    /// Asks something that nothing like was asked before, and forgets it.
    pub(super) async fn ask_afresh(
        &self,
        text: &str,
        level: Level,
        topics: &[&Topic],
    ) -> anyhow::Result<Asked> {
        let before = self.simulator.requests().len();
        let asked = self.ask(text, level, topics).await?;
        let requests = self.simulator.requests();
        let helped = requests.iter().skip(before).flat_map(|it| it.contents()).any(|it| it.contains(HINT));
        ensure!(!helped, "`{text}` was helped by an earlier question: it is no question for this set");
        self.forget(&[asked]).await?;
        Ok(asked)
    }

    /// Forgets what was asked, with its answers and what was learned of them.
    pub(super) async fn forget(&self, asked: &[Asked]) -> anyhow::Result<()> {
        let ids: Vec<String> = asked.iter().map(|it| it.message.to_string()).collect();
        let gone = self.memory.forget(&self.viewer, &ids).await?;
        ensure!(gone.messages.len() == 2 * ids.len(), "a question of the bench was not forgotten");
        Ok(())
    }

    /// Asks something and counts.
    pub(super) async fn ask(&self, text: &str, level: Level, topics: &[&Topic]) -> anyhow::Result<Asked> {
        self.clock.advance(Duration::from_secs(3_600));
        let before = self.simulator.requests().len();
        let message = self.memory.store_user_message(self.said(text, self.clock.now())).await?.message;
        let id = message.id;
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
            self.mind.turn_at(&ask, level, &sender).await;
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
        Ok(Asked { calls: self.simulator.requests().len() - before, right, message: id })
    }
}
