//! The promise that matters most: whoever looks, from wherever, sees exactly what [`Viewer::may_read`] grants.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/databases.rs"]
mod databases;

use std::sync::Arc;

use databases::stores;
use dramatis::{
    embed::Embeddings,
    memory::{Memory, NewMessage, RecallQuery},
    model::{
        CharacterId, MessageId, Preference, PreferenceDraft, Scope, SystemClock, Timestamp, UserId, Viewer,
    },
    store::{Database, vector},
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use uuid::Uuid;

const MESSAGES: usize = 250;
const CASES: usize = 10_000;
const CAST: [&str; 2] = ["elena", "iris"];
const NAMES: [&str; 4] = ["robin", "sam", "ana", "a/b%"];
const PLACES: [&str; 8] = [
    "dm",
    "lounge/general",
    "lounge/staff",
    "lounge/general/plans",
    "attic/general",
    "lounge/gen%2Feral",
    "a/b",
    "a/b/c",
];

fn user(name: &str) -> UserId {
    UserId::console(name).unwrap()
}

fn at(seconds: usize) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + i64::try_from(seconds).unwrap() * 1_000_000)
}

/// One secret: whose it is, where it was told, and to whom. It stands in the store as a message, a vector, a fact, a
/// summary and a wish.
struct Secret {
    character: CharacterId,
    scope: Scope,
    by: UserId,
    text: String,
}

/// A world of a few people, places and characters, full of secrets.
struct World {
    memory: Memory,
    secrets: Vec<Secret>,
    /// Ids of messages and facts, and the number of their secret.
    ids: Vec<(String, usize)>,
}

impl World {
    async fn random(database: &Database, random: &mut StdRng) -> Self {
        let none = Embeddings::start(None, "none".to_owned());
        let memory = Memory::new(database.clone(), none, Arc::new(SystemClock));
        let mut world = Self { memory, secrets: Vec::new(), ids: Vec::new() };
        for number in 0..MESSAGES {
            let here = any_viewer(random);
            world.tell(database, &here, number).await;
        }
        world
    }

    async fn tell(&mut self, database: &Database, here: &Viewer, number: usize) {
        let text = format!("My secret number {number}");
        let told = NewMessage {
            platform: "test".to_owned(),
            platform_id: Uuid::now_v7().to_string(),
            character: here.character.clone(),
            user: here.user.clone(),
            user_name: here.user.to_string(),
            place: here.place.clone(),
            text: text.clone(),
            at: at(number),
            reply_to: None,
            beside: Vec::new(),
            address: None,
            holder: None,
        };
        let secret =
            Secret { character: here.character.clone(), scope: here.scope(), by: here.user.clone(), text };
        let kept = self.memory.store_user_message(told).await.unwrap().message;
        plant_vector(database, kept.id, &[1.0, 0.0, number as f32 / 1_000.0]).await;
        plant_summary(database, &secret).await;
        let fact = plant_fact(database, &secret).await;
        let avoid = Preference::AvoidTopic(secret.text.clone());
        let wish = PreferenceDraft { preference: avoid, owner: here.user.clone(), source: MessageId::new() };
        self.memory.set_preferences(here, &[wish], at(number)).await.unwrap();
        self.ids.extend([(kept.id.to_string(), number), (fact, number)]);
        self.secrets.push(secret);
    }

    /// What `viewer` may read, by the plain rule. `authored`: a person's own words open everywhere in their own DM.
    fn entitled(&self, viewer: &Viewer, authored: bool) -> Vec<&str> {
        self.secrets
            .iter()
            .filter(|it| viewer.may_read(&it.character, &it.scope, authored.then_some(&it.by)))
            .map(|it| it.text.as_str())
            .collect()
    }

    async fn recall(&self, viewer: &Viewer, text: &str, vector: Option<Vec<f32>>) -> Vec<String> {
        let query = RecallQuery { text: text.to_owned(), vector, limit: 50, exclude: Vec::new(), now: at(0) };
        self.memory.recall(viewer, &query).await.unwrap().into_iter().map(|item| item.text).collect()
    }

    /// Looks in one of eight ways. Where a look must be complete, it is held to that, too.
    async fn look(&self, case: usize, viewer: &Viewer, random: &mut StdRng) -> Vec<String> {
        let entitled = self.entitled(viewer, true);
        match case % 8 {
            0 => {
                let text = format!("secret number {}", random.random_range(0..MESSAGES));
                let found = self.recall(viewer, &text, None).await;
                assert_eq!(found.is_empty(), entitled.is_empty(), "{viewer:?}");
                found
            }
            1 => self.recall(viewer, "", Some(vec![1.0, 0.0, 0.1])).await,
            2 => self.recall(viewer, "what do you know about me?", None).await,
            3 => {
                let history = self.memory.history(viewer, MESSAGES).await.unwrap();
                history.into_iter().map(|line| line.text).collect()
            }
            4 => {
                let facts = self.memory.facts(viewer, MESSAGES).await.unwrap();
                assert_eq!(facts.len(), entitled.len(), "{viewer:?}");
                facts.into_iter().map(|fact| fact.object).collect()
            }
            5 => {
                // A summary has no single author: nobody's DM opens it elsewhere.
                let open = self.entitled(viewer, false);
                let summaries = self.memory.summaries(viewer, MESSAGES).await.unwrap();
                assert_eq!(summaries.len(), open.len(), "{viewer:?}");
                assert!(summaries.iter().all(|summary| open.contains(&summary.text.as_str())));
                summaries.into_iter().map(|summary| summary.text).collect()
            }
            6 => {
                let wishes = self.memory.preferences(viewer).await.unwrap().avoid_topics;
                let own =
                    |text: &String| self.secrets.iter().any(|it| it.text == *text && it.by == viewer.user);
                assert!(wishes.iter().all(own), "{viewer:?}");
                wishes
            }
            _ => {
                let (id, number) = self.ids.choose(random).unwrap();
                let it = &self.secrets[*number];
                let shown = self.memory.show(viewer, id).await.unwrap();
                let may = viewer.may_read(&it.character, &it.scope, Some(&it.by));
                assert_eq!(shown.is_some(), may, "{viewer:?} and `{}`", it.text);
                shown.into_iter().map(|_| it.text.clone()).collect()
            }
        }
    }
}

fn any_viewer(random: &mut StdRng) -> Viewer {
    Viewer::new(
        CharacterId::new(*CAST.choose(random).unwrap()).unwrap(),
        user(NAMES.choose(random).unwrap()),
        PLACES.choose(random).unwrap().parse().unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_ever_sees_what_is_not_theirs() {
    for store in stores().await {
        let mut random = StdRng::seed_from_u64(7);
        let world = World::random(&store.database, &mut random).await;
        let (mut seen, mut hidden) = (0_usize, 0_usize);
        for case in 0..CASES {
            let viewer = any_viewer(&mut random);
            let found = world.look(case, &viewer, &mut random).await;
            let entitled = world.entitled(&viewer, true);
            for text in &found {
                assert!(entitled.contains(&text.as_str()), "{}: {viewer:?} saw `{text}`", store.name);
            }
            seen += found.len();
            hidden += MESSAGES - entitled.len();
        }
        assert!(seen > CASES && hidden > CASES, "the world was too small: {seen} seen, {hidden} hidden");
        println!("{}: {CASES} looks, {seen} rows seen, every one entitled", store.name);
    }
}

/// A fact on record, and its id.
async fn plant_fact(database: &Database, secret: &Secret) -> String {
    let id = Uuid::now_v7().to_string();
    sqlx::query(
        "INSERT INTO fact (id, character, owner, scope, subject, predicate, object, confidence, valid_from, valid_to, \
         created_at) VALUES ($1, $2, $3, $4, 'user', 'keeps', $5, 0.9, 0, NULL, 0)",
    )
    .bind(id.clone())
    .bind(secret.character.to_string())
    .bind(secret.by.to_string())
    .bind(secret.scope.key())
    .bind(secret.text.clone())
    .execute(database.writer())
    .await
    .unwrap();
    id
}

/// The summary of a session that nobody had.
async fn plant_summary(database: &Database, secret: &Secret) {
    sqlx::query(
        "INSERT INTO summary (session, character, scope, text, meaningfulness, emotions, topics, started_at, ended_at) \
         VALUES ($1, $2, $3, $4, 3, '[]', '[]', 0, 0)",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(secret.character.to_string())
    .bind(secret.scope.key())
    .bind(secret.text.clone())
    .execute(database.writer())
    .await
    .unwrap();
}

/// Gives a message a vector without a model; a Postgres without pgvector keeps none.
async fn plant_vector(database: &Database, message: MessageId, values: &[f32]) {
    if !database.has_vectors() {
        return;
    }
    let sql = format!(
        "INSERT INTO memory_vector (memory, model, vector) SELECT id, 'none', {} FROM memory WHERE source = $2",
        vector::input(database.engine(), "$1")
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(vector::to_text(values))
        .bind(message.to_string())
        .execute(database.writer())
        .await
        .unwrap();
}
