//! What a finished session leaves on record, on every engine: facts with their time, wishes, a summary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/databases.rs"]
mod databases;

use std::sync::Arc;

use databases::stores;
use dramatis::{
    embed::Embeddings,
    memory::{Memory, NewMessage, RecallQuery},
    model::{
        CharacterId, Extraction, FactDraft, Message, MessageId, Place, Preference, PreferenceDraft,
        SummaryDraft, SystemClock, Timestamp, UnitScore, UserId, Verbosity, Viewer,
    },
    store::Database,
};
use uuid::Uuid;

fn robin() -> UserId {
    UserId::console("robin").unwrap()
}

fn viewer() -> Viewer {
    Viewer::new(CharacterId::new("elena").unwrap(), robin(), Place::Dm)
}

/// So many days after the first.
fn day(number: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + number * 86_400_000_000)
}

struct World {
    memory: Memory,
}

impl World {
    fn new(database: &Database) -> Self {
        let none = Embeddings::start(None, "none".to_owned());
        Self { memory: Memory::new(database.clone(), none, Arc::new(SystemClock)) }
    }

    /// A day's talk of one message.
    async fn talk(&self, number: i64, text: &str) -> Message {
        self.talk_as(&Uuid::now_v7().to_string(), number, text).await
    }

    /// The same, with the platform's id of the message.
    async fn talk_as(&self, platform_id: &str, number: i64, text: &str) -> Message {
        let new = NewMessage {
            platform: "test".to_owned(),
            platform_id: platform_id.to_owned(),
            character: viewer().character,
            user: robin(),
            user_name: "Robin".to_owned(),
            place: Place::Dm,
            text: text.to_owned(),
            at: day(number),
            reply_to: None,
            beside: Vec::new(),
            address: None,
            holder: None,
        };
        self.memory.store_user_message(new).await.unwrap().message
    }

    /// Learns one fact from a day's talk; says how many were new.
    async fn learn(&self, number: i64, predicate: &str, object: &str) -> usize {
        let message = self.talk(number, &format!("{predicate} {object}")).await;
        let facts = vec![fact(predicate, object, robin(), message.id)];
        let found = Extraction { facts, ..Extraction::default() };
        self.memory.apply(message.session, found).await.unwrap().facts
    }

    /// What holds, as `predicate object`, sorted.
    async fn holds(&self) -> Vec<String> {
        let facts = self.memory.facts(&viewer(), 100).await.unwrap();
        let mut facts: Vec<String> =
            facts.into_iter().map(|fact| format!("{} {}", fact.predicate, fact.object)).collect();
        facts.sort();
        facts
    }
}

fn fact(predicate: &str, object: &str, owner: UserId, source: MessageId) -> FactDraft {
    FactDraft {
        subject: "user".to_owned(),
        predicate: predicate.to_owned(),
        object: object.to_owned(),
        confidence: UnitScore::new(0.9),
        owner,
        sources: vec![source],
    }
}

#[tokio::test]
async fn a_new_home_ends_the_old_one_and_late_news_does_not() {
    for store in stores().await {
        let world = World::new(&store.database);
        assert_eq!(world.learn(10, "lives_in", "Lisbon").await, 1);
        assert_eq!(world.learn(11, "lives_in", "LISBON").await, 0, "the same again is not new");
        assert_eq!(world.learn(20, "lives_in", "Porto").await, 1);
        assert_eq!(world.holds().await, ["lives_in Porto"], "{}", store.name);
        // Said before the others, brought in after them.
        assert_eq!(world.learn(1, "lives_in", "Faro").await, 1);
        assert_eq!(world.holds().await, ["lives_in Porto"], "{}", store.name);
    }
}

#[tokio::test]
async fn likes_live_side_by_side_until_they_turn() {
    for store in stores().await {
        let world = World::new(&store.database);
        world.learn(1, "likes", "tea").await;
        world.learn(2, "likes", "Ärzte").await;
        assert_eq!(world.holds().await, ["likes tea", "likes Ärzte"]);
        world.learn(3, "dislikes", "tea").await;
        assert_eq!(world.holds().await, ["dislikes tea", "likes Ärzte"], "{}", store.name);
        world.learn(4, "no_longer_likes", "Ärzte").await;
        world.learn(5, "has_partner", "Lena").await;
        world.learn(6, "parted_with", "lena").await;
        assert!(!world.holds().await.contains(&"has_partner Lena".to_owned()), "{}", store.name);
        let holds = world.holds().await;
        assert!(!holds.contains(&"likes Ärzte".to_owned()), "{}: {holds:?}", store.name);
    }
}

#[tokio::test]
async fn nothing_is_learned_without_a_source_of_its_owner() {
    for store in stores().await {
        let world = World::new(&store.database);
        let message = world.talk(1, "I am Robin").await;
        let sam = UserId::console("sam").unwrap();
        let found = Extraction {
            facts: vec![
                fact("lives_in", "Nowhere", robin(), MessageId::new()),
                fact("lives_in", "Elsewhere", sam.clone(), message.id),
                FactDraft { sources: Vec::new(), ..fact("lives_in", "Anywhere", robin(), message.id) },
                fact("is_named", "Robin", robin(), message.id),
            ],
            preferences: vec![
                PreferenceDraft {
                    preference: Preference::Verbosity(Verbosity::Short),
                    owner: robin(),
                    source: message.id,
                },
                PreferenceDraft {
                    preference: Preference::Nickname("X".to_owned()),
                    owner: sam,
                    source: message.id,
                },
            ],
            summary: Some(SummaryDraft {
                text: "Robin said who they are.".to_owned(),
                meaningfulness: 2,
                emotions: vec!["calm".to_owned()],
                topics: vec!["names".to_owned()],
            }),
        };
        let applied = world.memory.apply(message.session, found.clone()).await.unwrap();
        assert_eq!((applied.facts, applied.preferences, applied.summary), (1, 1, true), "{}", store.name);
        let again = world.memory.apply(message.session, found).await.unwrap();
        assert_eq!((again.facts, again.preferences, again.summary), (0, 0, false), "once is enough");
        assert_eq!(world.holds().await, ["is_named Robin"]);
        assert_eq!(world.memory.known_name(&viewer()).await.unwrap().as_deref(), Some("Robin"));
        let wishes = world.memory.preferences(&viewer()).await.unwrap();
        assert_eq!((wishes.verbosity, wishes.nickname), (Some(Verbosity::Short), None));
        let summaries = world.memory.summaries(&viewer(), 5).await.unwrap();
        assert_eq!(summaries.len(), 1);
        assert_eq!(summaries[0].text, "Robin said who they are.");
    }
}

/// A wish that was said earlier, and is brought in later, does not replace the later one.
#[tokio::test]
async fn the_wish_that_was_said_last_holds() {
    for store in stores().await {
        let world = World::new(&store.database);
        let wish = |verbosity| PreferenceDraft {
            preference: Preference::Verbosity(verbosity),
            owner: robin(),
            source: MessageId::new(),
        };
        world.memory.set_preferences(&viewer(), &[wish(Verbosity::Long)], day(5)).await.unwrap();
        world.memory.set_preferences(&viewer(), &[wish(Verbosity::Short)], day(2)).await.unwrap();
        let wishes = world.memory.preferences(&viewer()).await.unwrap();
        assert_eq!(wishes.verbosity, Some(Verbosity::Long), "{}", store.name);
    }
}

/// Whoever changes or takes back what they said is not held to the old words: no fact, wish, summary or piece of them is left,
/// and what they had ended goes on.
#[tokio::test]
async fn what_rested_on_words_that_were_taken_back_is_gone() {
    for store in stores().await {
        for change in ["edit", "take back"] {
            let world = World::new(&store.database);
            let (memory, id) = (&world.memory, format!("slip of the tongue, {change}"));
            let home = format!("Lisbon {change}");
            world.learn(10, "lives_in", &home).await;
            let message = world.talk_as(&id, 20, "I moved to Porto, call me Bob").await;
            let found = Extraction {
                facts: vec![fact("lives_in", "Porto", robin(), message.id)],
                preferences: vec![PreferenceDraft {
                    preference: Preference::Nickname("Bob".to_owned()),
                    owner: robin(),
                    source: message.id,
                }],
                summary: Some(SummaryDraft {
                    text: "Robin moved to Porto.".to_owned(),
                    meaningfulness: 3,
                    emotions: Vec::new(),
                    topics: Vec::new(),
                }),
            };
            memory.apply(message.session, found).await.unwrap();
            assert!(world.holds().await.contains(&"lives_in Porto".to_owned()));
            let revised = match change {
                "edit" => memory.edit("test", &id, &viewer().character, "I like tea").await.unwrap(),
                _ => memory.take_back("test", &id, &viewer().character).await.unwrap(),
            };
            let revised = revised.unwrap();
            assert!(revised.look_again, "{}: {change}", store.name);
            let holds = world.holds().await;
            assert!(holds.contains(&format!("lives_in {home}")), "{}: {holds:?}", store.name);
            assert!(!holds.contains(&"lives_in Porto".to_owned()), "{}: {holds:?}", store.name);
            assert_eq!(memory.preferences(&viewer()).await.unwrap().nickname, None);
            assert!(memory.summaries(&viewer(), 5).await.unwrap().is_empty());
            let query = RecallQuery {
                text: "Porto".to_owned(),
                vector: None,
                limit: 50,
                exclude: Vec::new(),
                now: day(30),
            };
            let found = memory.recall(&viewer(), &query).await.unwrap();
            assert!(found.is_empty(), "{}: {found:?}", store.name);
            world.talk(30, "Good night").await;
            let again = memory.end_idle(day(30)).await.unwrap();
            assert!(again.contains(&revised.message.session), "{}: looked back at again", store.name);
            // For the next round.
            memory.apply(revised.message.session, Extraction::default()).await.unwrap();
            memory.take_back("test", &id, &viewer().character).await.unwrap();
        }
    }
}
