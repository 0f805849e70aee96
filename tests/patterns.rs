//! Answers that went well become examples, on every engine: who sees them, what they are worth, and how they go.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/databases.rs"]
mod databases;

use std::{sync::Arc, time::Duration};

use databases::stores;
use dramatis::{
    embed::Embeddings,
    memory::{Memory, NewMessage, NewReply, Pattern, PatternSource, Vote},
    model::{CharacterId, Clock, Feeling, ManualClock, Message, Timestamp, UnitScore, UserId, Viewer},
    store::{Database, Location},
};
use rand::{SeedableRng, rngs::StdRng, seq::IndexedRandom};
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(86_400);
const NAMES: [&str; 3] = ["robin", "sam", "a/b%"];
const PLACES: [&str; 6] =
    ["dm", "lounge/general", "lounge/general/plans", "lounge/staff", "attic/general", "a/b"];

fn user(name: &str) -> UserId {
    UserId::console(name).unwrap()
}

fn viewer_of(character: &str, name: &str, place: &str) -> Viewer {
    Viewer::new(CharacterId::new(character).unwrap(), user(name), place.parse().unwrap())
}

fn viewer(name: &str, place: &str) -> Viewer {
    viewer_of("elena", name, place)
}

/// A memory without a model, whose time is ours.
struct World {
    memory: Memory,
    clock: Arc<ManualClock>,
    database: Database,
}

impl World {
    fn new(database: &Database) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_700_000_000_000_000)));
        let none = Embeddings::start(None, "none".to_owned());
        Self { memory: Memory::new(database.clone(), none, clock.clone()), clock, database: database.clone() }
    }

    async fn say(&self, here: &Viewer, text: &str) -> Message {
        self.clock.advance(Duration::from_secs(1));
        let new = NewMessage {
            platform: "test".to_owned(),
            platform_id: Uuid::now_v7().to_string(),
            character: here.character.clone(),
            user: here.user.clone(),
            user_name: here.user.to_string(),
            place: here.place.clone(),
            text: text.to_owned(),
            at: self.clock.now(),
            beside: Vec::new(),
            reply_to: None,
            address: None,
            holder: None,
        };
        self.memory.store_user_message(new).await.unwrap().message
    }

    /// Says something and is answered: the message and the answer.
    async fn talk(&self, here: &Viewer, text: &str, answer: &str) -> (Message, Message) {
        let said = self.say(here, text).await;
        let new = NewReply { to: &said, also: &[], text: answer, at: self.clock.now(), indexed: true };
        let reply = self.memory.store_reply(new).await.unwrap();
        (said, reply)
    }

    async fn vote(&self, asked: &Message, by: &str, feeling: Feeling, holds: bool) {
        let by = user(by);
        let vote = Vote { by: &by, source: if feeling == Feeling::Kind { "heart" } else { "down" }, feeling };
        self.memory.judge_pattern(asked.id, vote, holds).await.unwrap();
    }

    async fn examples(&self, here: &Viewer, question: &str) -> Vec<Pattern> {
        self.memory.patterns(here, question, None, self.clock.now()).await.unwrap()
    }

    async fn answers(&self, here: &Viewer, question: &str) -> Vec<String> {
        self.examples(here, question).await.into_iter().map(|it| it.answer).collect()
    }

    /// Rows of patterns, and of what people made of answers.
    async fn rows(&self) -> (i64, i64) {
        let count = async |sql: &'static str| -> i64 {
            sqlx::query_scalar(sql).fetch_one(self.database.readers()).await.unwrap()
        };
        (count("SELECT count(*) FROM pattern").await, count("SELECT count(*) FROM pattern_vote").await)
    }
}

const ASKED: &str = "When does the tide turn?";
const LIKE_IT: &str = "when does the tide turn today?";

#[tokio::test]
async fn what_people_like_is_an_example_until_they_do_not() {
    for store in stores().await {
        let world = World::new(&store.database);
        let here = viewer("robin", "lounge/general");
        let (said, _) = world.talk(&here, ASKED, "At noon.").await;
        let shown = async || world.answers(&here, LIKE_IT).await;
        assert!(shown().await.is_empty(), "{}: nobody has liked it", store.name);

        world.vote(&said, "robin", Feeling::Kind, true).await;
        world.vote(&said, "robin", Feeling::Kind, true).await;
        assert_eq!(shown().await, ["At noon."], "{}", store.name);
        let first = world.examples(&here, LIKE_IT).await.remove(0);
        assert!((first.score.get() - 0.7).abs() < 1e-9, "one reaction counts once: {first:?}");
        assert_eq!((first.source, first.question.as_str()), (PatternSource::Liked, ASKED));
        let rank = 0.6 * first.similarity.get() + 0.3 * 0.7 + 0.1 * first.recency.get();
        assert!((first.rank.get() - rank).abs() < 1e-9, "{first:?}");
        assert!(world.answers(&here, "What do you eat for breakfast?").await.is_empty());

        world.vote(&said, "sam", Feeling::Kind, true).await;
        assert!((world.examples(&here, LIKE_IT).await[0].score.get() - 0.8).abs() < 1e-9);
        world.vote(&said, "ana", Feeling::Unkind, true).await;
        assert!((world.examples(&here, LIKE_IT).await[0].score.get() - 0.7).abs() < 1e-9);
        world.vote(&said, "sam", Feeling::Kind, false).await;
        assert!(shown().await.is_empty(), "{}: as many dislike it", store.name);
        world.vote(&said, "ana", Feeling::Unkind, false).await;
        assert_eq!(shown().await, ["At noon."], "{}: a reaction taken back is undone", store.name);
        world.vote(&said, "robin", Feeling::Kind, false).await;
        assert!(shown().await.is_empty());
        assert_eq!(world.rows().await, (0, 0), "{}", store.name);
    }
}

#[tokio::test]
async fn a_long_answer_weighs_no_more_than_a_short_one() {
    for store in stores().await {
        let world = World::new(&store.database);
        let here = viewer("robin", "dm");
        let (short, _) = world.talk(&here, ASKED, "At noon.").await;
        let (long, _) = world.talk(&here, ASKED, &"At noon, as every day. ".repeat(80)).await;
        world.vote(&long, "robin", Feeling::Kind, true).await;
        world.vote(&short, "robin", Feeling::Kind, true).await;
        let found = world.examples(&here, LIKE_IT).await;
        assert_eq!(found.len(), 2, "{}", store.name);
        assert_eq!((found[0].rank, found[0].score), (found[1].rank, found[1].score));
    }
}

#[tokio::test]
async fn what_was_learned_from_a_greater_model_is_an_example_at_once() {
    for store in stores().await {
        let world = World::new(&store.database);
        let here = viewer("robin", "dm");
        let (said, reply) = world.talk(&here, ASKED, "At noon.").await;
        let (other, wrong) = world.talk(&here, "And the wind?", "It sleeps.").await;
        let learn = async |asked: &Message, reply: &Message, score: f64| {
            let score = UnitScore::new(score);
            world.memory.learn_pattern(asked.id, reply.id, score, PatternSource::Distilled).await.unwrap()
        };
        assert!(!learn(&said, &wrong, 0.6).await, "that is the answer to something else");
        assert!(learn(&said, &reply, 0.6).await);
        let found = world.examples(&here, LIKE_IT).await;
        assert_eq!((found[0].source, found[0].score), (PatternSource::Distilled, UnitScore::new(0.6)));
        world.vote(&said, "robin", Feeling::Kind, true).await;
        assert!((world.examples(&here, LIKE_IT).await[0].score.get() - 0.7).abs() < 1e-9);
        world.vote(&said, "robin", Feeling::Kind, false).await;
        world.vote(&said, "robin", Feeling::Unkind, true).await;
        assert!(world.examples(&here, LIKE_IT).await.is_empty(), "{}", store.name);
        world.vote(&said, "robin", Feeling::Unkind, false).await;
        assert_eq!(world.examples(&here, LIKE_IT).await.len(), 1, "{}: undone", store.name);

        // An answer to several messages would not go with each of them; a canned one says nothing of manner.
        let half = world.say(&here, "I saw a ship.").await;
        let rest = world.say(&here, "Was it yours?").await;
        let also = [half.id];
        let new = NewReply { to: &rest, also: &also, text: "It was.", at: world.clock.now(), indexed: true };
        let both = world.memory.store_reply(new).await.unwrap();
        assert!(!learn(&rest, &both, 0.9).await, "{}", store.name);
        let canned = world.say(&here, "Tell me your orders.").await;
        let new = NewReply { to: &canned, also: &[], text: "No.", at: world.clock.now(), indexed: false };
        let refusal = world.memory.store_reply(new).await.unwrap();
        assert!(!learn(&canned, &refusal, 0.9).await);
        world.vote(&canned, "robin", Feeling::Kind, true).await;
        assert_eq!(world.rows().await, (1, 0), "{}", store.name);
        assert!(learn(&other, &wrong, 0.9).await);
    }
}

#[tokio::test]
async fn a_pattern_ages_and_dies() {
    for store in stores().await {
        let world = World::new(&store.database);
        let here = viewer("robin", "dm");
        let (said, _) = world.talk(&here, ASKED, "At noon.").await;
        world.vote(&said, "robin", Feeling::Kind, true).await;
        let liked = world.clock.now();
        let after = async |days: u32| {
            let now = liked.plus(DAY * days);
            world.memory.patterns(&here, ASKED, None, now).await.unwrap().pop()
        };
        for (days, score) in [(0, 0.7), (29, 0.7), (30, 0.665), (60, 0.631_75)] {
            let aged = after(days).await.unwrap().score.get();
            assert!((aged - score).abs() < 1e-9, "{}: {aged} after {days} days", store.name);
        }
        assert!(after(24 * 30).await.is_some());
        assert!(after(25 * 30).await.is_none(), "{}: 0.7 x 0.95^25 is below 0.2", store.name);

        // The dead go when the next one is learned.
        world.clock.advance(DAY * 25 * 30);
        let (next, _) = world.talk(&here, "Where is the boat?", "Gone.").await;
        world.vote(&next, "robin", Feeling::Kind, true).await;
        assert_eq!(world.rows().await.0, 1, "{}", store.name);
    }
}

#[tokio::test]
async fn at_most_three_the_best_first() {
    for store in stores().await {
        let world = World::new(&store.database);
        let here = viewer("robin", "dm");
        for (number, text) in
            [ASKED, "When does the tide turn in May?", "Does the tide turn?", "When does it turn?"]
                .into_iter()
                .enumerate()
        {
            let (said, _) = world.talk(&here, text, &format!("Answer {number}.")).await;
            world.vote(&said, "robin", Feeling::Kind, true).await;
        }
        let found = world.examples(&here, ASKED).await;
        assert_eq!(found.len(), 3, "{}", store.name);
        assert_eq!(found[0].answer, "Answer 0.");
        assert!(found.windows(2).all(|pair| pair[0].rank >= pair[1].rank));
    }
}

/// Whatever goes of an exchange takes the example with it, and what people made of it.
#[tokio::test]
async fn a_pattern_goes_with_its_messages() {
    for store in stores().await {
        let world = World::new(&store.database);
        let here = viewer("robin", "dm");
        let fresh = async || {
            let (said, reply) = world.talk(&here, ASKED, "At noon.").await;
            world.vote(&said, "robin", Feeling::Kind, true).await;
            assert_eq!(world.rows().await, (1, 1), "{}", store.name);
            (said, reply)
        };
        let platform_id = async |said: &Message| -> String {
            sqlx::query_scalar("SELECT platform_id FROM message WHERE id = $1")
                .bind(said.id.to_string())
                .fetch_one(store.database.readers())
                .await
                .unwrap()
        };
        let (said, _) = fresh().await;
        let done = world.memory.forget(&here, &[said.id.to_string()]).await.unwrap();
        assert_eq!(
            (done.patterns, world.rows().await),
            (1, (0, 0)),
            "{}: the question is forgotten",
            store.name
        );

        let (said, reply) = fresh().await;
        world.memory.forget(&here, &[reply.id.to_string()]).await.unwrap();
        assert_eq!(world.rows().await, (0, 0), "{}: the answer is forgotten", store.name);
        // A message that has no answer left looks like a part of the next one's.
        world.memory.forget(&here, &[said.id.to_string()]).await.unwrap();

        let (said, _) = fresh().await;
        let id = platform_id(&said).await;
        world.memory.edit("test", &id, &here.character, "When do you sleep?").await.unwrap().unwrap();
        assert_eq!(world.rows().await, (0, 0), "{}: changed", store.name);

        let (said, _) = fresh().await;
        let id = platform_id(&said).await;
        world.memory.take_back("test", &id, &here.character).await.unwrap().unwrap();
        assert_eq!(world.rows().await, (0, 0), "{}: taken back", store.name);

        fresh().await;
        let id = world.examples(&here, ASKED).await.remove(0).id;
        let shown = world.memory.show(&here, &id).await.unwrap().unwrap();
        assert_eq!((shown.kind.as_str(), shown.sources.len()), ("pattern", 2));
        assert_eq!(shown.text, format!("{ASKED} → At noon."));
        assert_eq!(world.memory.stats().await.unwrap().patterns, 1);
        let other = viewer("sam", "dm");
        assert_eq!(world.memory.forget(&other, std::slice::from_ref(&id)).await.unwrap().patterns, 0);
        assert_eq!(world.memory.forget(&here, &[id]).await.unwrap().patterns, 1);
        assert_eq!(world.rows().await, (0, 0), "{}: by its own id", store.name);
    }
}

#[tokio::test]
async fn no_byte_of_it_stays_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::in_dir(dir.path());
    let held = |word: &[u8]| {
        let file = std::fs::read(dir.path().join("dramatis.db")).unwrap();
        file.windows(word.len()).any(|part| part == word)
    };
    let database = Database::open(&location).await.unwrap();
    let world = World::new(&database);
    let here = viewer("robin", "dm");
    let (said, _) = world.talk(&here, "Is it xyzzyplugh?", "It is xyzzyplugh.").await;
    world.vote(&said, "xyzzyvoter", Feeling::Kind, true).await;
    let id = world.examples(&here, "Is it xyzzyplugh?").await.remove(0).id;
    database.close().await;
    assert!(held(b"xyzzyplugh") && held(b"xyzzyvoter") && held(id.as_bytes()));
    let database = Database::open(&location).await.unwrap();
    World::new(&database).memory.forget(&here, &[said.id.to_string()]).await.unwrap();
    database.close().await;
    for word in ["xyzzyplugh", "xyzzyvoter", id.as_str()] {
        assert!(!held(word.as_bytes()), "{word} is still there");
    }
}

#[tokio::test]
async fn a_server_that_moves_keeps_its_examples() {
    for store in stores().await {
        let world = World::new(&store.database);
        let (said, _) = world.talk(&viewer("robin", "old/general"), ASKED, "At noon.").await;
        world.vote(&said, "robin", Feeling::Kind, true).await;
        let mut tx = store.database.begin().await.unwrap();
        world.memory.moved(&mut tx, "old", "new").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(world.answers(&viewer("sam", "new/general"), ASKED).await, ["At noon."], "{}", store.name);
        assert!(world.answers(&viewer("sam", "old/general"), ASKED).await.is_empty());
    }
}

/// Whoever looks, from wherever, gets examples only from where question and answer may both be read: an answer has no author,
/// so one's own words open it nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_an_example_that_is_not_theirs_to_see() {
    for store in stores().await {
        let world = World::new(&store.database);
        let mut random = StdRng::seed_from_u64(11);
        let mut any = || {
            let character = *["elena", "iris"].choose(&mut random).unwrap();
            viewer_of(character, NAMES.choose(&mut random).unwrap(), PLACES.choose(&mut random).unwrap())
        };
        let mut told = Vec::new();
        for number in 0..60 {
            let here = any();
            let answer = format!("Secret number {number}.");
            let (said, reply) = world.talk(&here, ASKED, &answer).await;
            if number % 2 == 0 {
                world.vote(&said, "robin", Feeling::Kind, true).await;
            } else {
                let learned = PatternSource::Distilled;
                assert!(
                    world.memory.learn_pattern(said.id, reply.id, UnitScore::ONE, learned).await.unwrap()
                );
            }
            told.push((here.character.clone(), here.scope(), answer));
        }
        let ids: Vec<(String, String)> =
            sqlx::query_as("SELECT p.id, r.text FROM pattern p JOIN message r ON r.id = p.reply")
                .fetch_all(store.database.readers())
                .await
                .unwrap();
        assert_eq!(ids.len(), told.len());
        let (mut seen, mut nothing) = (0, 0);
        for look in 0..400 {
            let eyes = any();
            let entitled: Vec<&String> = told
                .iter()
                .filter(|(character, scope, _)| eyes.may_read(character, scope, None))
                .map(|(_, _, answer)| answer)
                .collect();
            let found = world.answers(&eyes, LIKE_IT).await;
            assert!(
                found.iter().all(|answer| entitled.contains(&answer)),
                "{}: {eyes:?} {found:?}",
                store.name
            );
            assert_eq!(found.len(), entitled.len().min(3), "{}: {eyes:?}", store.name);
            let (id, answer) = &ids[look % ids.len()];
            let shown = world.memory.show(&eyes, id).await.unwrap();
            assert_eq!(shown.is_some(), entitled.contains(&answer), "{}: {eyes:?} {answer}", store.name);
            seen += found.len();
            nothing += usize::from(entitled.is_empty());
        }
        assert!(seen > 100 && nothing > 5, "{}: the world was too small: {seen} {nothing}", store.name);
    }
}
