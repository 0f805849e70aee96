//! Whoever asks through a tool sees what [`Viewer::may_read`] grants, and nothing else: random people, places and characters.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use dramatis::{
    character::{Cast, Character, TOOLS},
    embed::Embeddings,
    jobs::Queue,
    llm::ToolCall,
    memory::{Memory, NewMessage, NewReply},
    model::{
        CharacterId, Clock, Extraction, FactDraft, ManualClock, MessageId, Scope, SummaryDraft, Timestamp,
        UnitScore, UserId, Viewer,
    },
    relationship::Relationships,
    tool::{Context, HouseParts, ToolError, Toolbox, house},
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use regex::Regex;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    databases::{Store, stores},
    house::user,
};

const SECRETS: usize = 160;
const CALLS: usize = 1_350;
const CAST: [&str; 2] = ["elena", "iris"];
const NAMES: [&str; 4] = ["robin", "sam", "ana", "a/b%"];
const PLACES: [&str; 9] = [
    "dm",
    "dm",
    "lounge/general",
    "lounge/staff",
    "lounge/general/plans",
    "attic/general",
    "lounge/gen%2Feral",
    "a/b",
    "a/b/c",
];

struct Secret {
    character: CharacterId,
    scope: Scope,
    by: UserId,
    id: MessageId,
}

struct World {
    tools: Toolbox,
    cast: Cast,
    clock: Arc<ManualClock>,
    secrets: Vec<Secret>,
    marks: Regex,
}

fn any_viewer(random: &mut StdRng) -> Viewer {
    Viewer::new(
        CharacterId::new(*CAST.choose(random).unwrap()).unwrap(),
        user(NAMES.choose(random).unwrap()),
        PLACES.choose(random).unwrap().parse().unwrap(),
    )
}

impl World {
    async fn random(store: &Store, random: &mut StdRng) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_773_241_200_000_000)));
        let time: Arc<dyn Clock> = clock.clone();
        let none = || Embeddings::start(None, "none".to_owned());
        let memory = Memory::new(store.database.clone(), none(), time.clone());
        let (cast, _) = Cast::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("characters")).unwrap();
        let tools = house(HouseParts {
            memory: memory.clone(),
            embeddings: none(),
            relationships: Relationships::new(store.database.clone(), time.clone()),
            queue: Queue::new(store.database.clone(), time),
            cast: cast.clone(),
            search: None,
            pages: None,
        });
        let marks = Regex::new(r"([mrfs])(\d+)x").unwrap();
        let mut world = Self { tools, cast, clock, secrets: Vec::new(), marks };
        for number in 0..SECRETS {
            let here = any_viewer(random);
            world.tell(&memory, here, number).await;
        }
        world
    }

    /// A secret as a message, the reply to it, a fact and a summary, each with a mark of its own.
    async fn tell(&mut self, memory: &Memory, here: Viewer, number: usize) {
        self.clock.advance(Duration::from_secs(7_200));
        let told = NewMessage {
            platform: "test".to_owned(),
            platform_id: Uuid::now_v7().to_string(),
            character: here.character.clone(),
            user: here.user.clone(),
            user_name: "Somebody".to_owned(),
            place: here.place.clone(),
            text: format!("my secret harbour m{number}x"),
            at: self.clock.now(),
            reply_to: None,
            beside: Vec::new(),
            address: None,
            holder: None,
        };
        let message = memory.store_user_message(told).await.unwrap().message;
        let text = format!("your secret harbour r{number}x");
        let reply = NewReply { to: &message, also: &[], text: &text, at: self.clock.now(), indexed: true };
        memory.store_reply(reply).await.unwrap();
        let fact = FactDraft {
            subject: "user".to_owned(),
            predicate: "is_friend_of".to_owned(),
            object: format!("secret harbour f{number}x"),
            confidence: UnitScore::ONE,
            owner: here.user.clone(),
            sources: vec![message.id],
        };
        let summary = SummaryDraft {
            text: format!("a secret harbour s{number}x"),
            meaningfulness: 3,
            emotions: Vec::new(),
            topics: vec![format!("harbour s{number}x")],
        };
        let found = Extraction { facts: vec![fact], preferences: Vec::new(), summary: Some(summary) };
        memory.apply(message.session, found).await.unwrap();
        let (character, scope) = (here.character.clone(), here.scope());
        self.secrets.push(Secret { character, scope, by: here.user, id: message.id });
    }

    /// One of nine looks.
    fn call(&self, case: usize, viewer: &Viewer, random: &mut StdRng) -> (&'static str, Value) {
        let number = random.random_range(0..SECRETS);
        let query = ["secret harbour".to_owned(), format!("harbour m{number}x f{number}x s{number}x")];
        let query = query.choose(random).unwrap();
        let period = ["this week", "this month", "this year", "2026"].choose(random).unwrap();
        match case % 9 {
            0 => ("search_memories", json!({ "query": query })),
            1 => ("search_summaries", json!({ "query": query })),
            2 => ("search_episodes", json!({ "query": query })),
            3 => ("lookup_facts", json!({ "about": query, "include_past": random.random_bool(0.5) })),
            4 => ("read_message_context", json!({ "id": self.secrets[number].id.to_string(), "reach": 15 })),
            5 if random.random_bool(0.5) => ("explore_relationships", json!({})),
            5 => ("explore_relationships", json!({ "person": format!("secret harbour f{number}x") })),
            6 => ("analyze_topic", json!({ "topic": query })),
            7 => ("recall_period", json!({ "period": period })),
            _ => {
                let other = CAST.iter().find(|name| **name != viewer.character.as_str()).unwrap();
                ("ask_character", json!({ "character": other, "question": query }))
            }
        }
    }

    /// Whether the rule grants what bears this mark.
    fn granted(&self, tool: &str, viewer: &Viewer, kind: &str, number: usize) -> bool {
        let secret = &self.secrets[number];
        // A summary is nobody's own words; a reply belongs to whom it was said to.
        let author = (kind != "s").then_some(&secret.by);
        if tool != "ask_character" {
            return viewer.may_read(&secret.character, &secret.scope, author);
        }
        let other = Viewer { character: secret.character.clone(), ..viewer.clone() };
        secret.character != viewer.character
            && !viewer.place.is_dm()
            && other.may_read(&secret.character, &secret.scope, author)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_shows_nobody_what_is_not_theirs() {
    for store in stores().await {
        let mut random = StdRng::seed_from_u64(11);
        let world = World::random(&store, &mut random).await;
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut refused = 0;
        for case in 0..CALLS {
            let viewer = any_viewer(&mut random);
            let (tool, arguments) = world.call(case, &viewer, &mut random);
            let mut character = Character::clone(&world.cast.get(&viewer.character).unwrap());
            character.core.skills = TOOLS.iter().map(|name| (*name).to_owned()).collect();
            let context = Context {
                viewer: viewer.clone(),
                character: Arc::new(character),
                user_name: "Asker".to_owned(),
                message: MessageId::new(),
                now: world.clock.now(),
            };
            let call =
                ToolCall { id: "1".to_owned(), name: tool.to_owned(), arguments: arguments.to_string() };
            let brought = match world.tools.call(&context, &call).await.result {
                Ok(text) => text,
                Err(ToolError::Arguments(why)) if tool == "read_message_context" => {
                    refused += 1;
                    why
                }
                Err(error) => panic!("{}: {tool} {arguments}: {error}", store.name),
            };
            // What was asked for is repeated where nothing is found.
            let asked = arguments.to_string();
            for mark in world.marks.captures_iter(&brought).filter(|mark| !asked.contains(&mark[0])) {
                let number: usize = mark[2].parse().unwrap();
                assert!(
                    world.granted(tool, &viewer, &mark[1], number),
                    "{}: {viewer:?} saw {} of {:?} by {tool} {arguments}:\n{brought}",
                    store.name,
                    &mark[0],
                    world.secrets[number].scope
                );
                *seen.entry(tool).or_default() += 1;
            }
            if tool == "read_message_context" {
                let id = arguments["id"].as_str().unwrap();
                let secret = world.secrets.iter().find(|it| it.id.to_string() == id).unwrap();
                let may = viewer.may_read(&secret.character, &secret.scope, Some(&secret.by));
                assert_eq!(brought.contains("harbour"), may, "{}: {viewer:?} {brought}", store.name);
            }
        }
        println!("{}: {CALLS} calls, {refused} refused, marks seen, all granted: {seen:?}", store.name);
        assert_eq!(seen.len(), 9, "{}: each tool showed something: {seen:?}", store.name);
    }
}
