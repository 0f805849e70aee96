//! What people decide about what is kept of them, on every engine: forgetting, what is told on purpose, wishes, places kept
//! apart, accounts of answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/databases.rs"]
#[allow(dead_code)]
mod databases;

use std::sync::Arc;

use databases::stores;
use dramatis::{
    conversation::{AccessRules, Gate, Target},
    embed::Embeddings,
    memory::{ForgetKind, Memory, NewMessage, NewReply, RecallQuery},
    model::{
        Account, AccountItem, CharacterId, Extraction, FactDraft, Level, Message, Place, Preference,
        PreferenceDraft, RecalledSource, RoutedBy, Style, SummaryDraft, SystemClock, Timestamp, TurnPath,
        UnitScore, UserId, Verbosity, Viewer,
    },
    store::{Database, Location, vector},
};
use uuid::Uuid;

fn elena() -> CharacterId {
    CharacterId::new("elena").unwrap()
}

fn user(name: &str) -> UserId {
    UserId::console(name).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + seconds * 1_000_000)
}

fn words_only(database: &Database) -> Memory {
    Memory::new(database.clone(), Embeddings::start(None, "none".to_owned()), Arc::new(SystemClock))
}

fn viewer(name: &str, place: &str) -> Viewer {
    Viewer::new(elena(), user(name), place.parse::<Place>().unwrap())
}

fn message(name: &str, place: &str, text: &str, seconds: i64) -> NewMessage {
    NewMessage {
        platform: "test".to_owned(),
        platform_id: Uuid::now_v7().to_string(),
        character: elena(),
        user: user(name),
        user_name: name.to_owned(),
        place: place.parse().unwrap(),
        text: text.to_owned(),
        at: at(seconds),
        beside: Vec::new(),
        reply_to: None,
        address: None,
        holder: None,
    }
}

/// Says something and is answered.
async fn talk(memory: &Memory, name: &str, place: &str, text: &str, answer: &str, seconds: i64) -> Message {
    let said = memory.store_user_message(message(name, place, text, seconds)).await.unwrap().message;
    let reply = NewReply { to: &said, also: &[], text: answer, at: at(seconds + 1), indexed: true };
    memory.store_reply(reply).await.unwrap();
    said
}

async fn recalled(memory: &Memory, viewer: &Viewer, text: &str) -> Vec<String> {
    let query =
        RecallQuery { text: text.to_owned(), vector: None, limit: 50, exclude: Vec::new(), now: at(0) };
    memory.recall(viewer, &query).await.unwrap().into_iter().map(|item| item.text).collect()
}

fn fact(said: &Message, object: &str) -> FactDraft {
    FactDraft {
        subject: "user".to_owned(),
        predicate: "has_dog_named".to_owned(),
        object: object.to_owned(),
        confidence: UnitScore::new(0.9),
        owner: user("robin"),
        sources: vec![said.id],
    }
}

async fn look_back(memory: &Memory, said: &Message, nickname: &str) {
    let found = Extraction {
        facts: vec![fact(said, "Luna")],
        preferences: vec![PreferenceDraft {
            preference: Preference::Nickname(nickname.to_owned()),
            owner: user("robin"),
            source: said.id,
        }],
        summary: Some(SummaryDraft {
            text: "Robin told of the dog Luna.".to_owned(),
            meaningfulness: 3,
            emotions: Vec::new(),
            topics: vec!["dogs".to_owned()],
        }),
    };
    memory.apply(said.session, found).await.unwrap();
}

#[tokio::test]
async fn what_is_forgotten_goes_with_all_that_was_made_of_it() {
    for store in stores().await {
        let memory = words_only(&store.database);
        let me = viewer("robin", "dm");
        let said = talk(&memory, "robin", "dm", "My dog is called Luna.", "Luna, how sweet.", 0).await;
        talk(&memory, "robin", "dm", "I live in Lisbon.", "A fine city.", 10).await;
        talk(&memory, "sam", "dm", "My dog is called Luna, too.", "Another Luna!", 20).await;
        look_back(&memory, &said, "Lunatic").await;

        if store.database.has_vectors() {
            let plant = format!(
                "INSERT INTO memory_vector (memory, model, vector) SELECT id, 'none', {} FROM memory",
                vector::input(store.database.engine(), "$1")
            );
            let vector = sqlx::query(sqlx::AssertSqlSafe(plant)).bind("[0.5,0.25]".to_owned());
            vector.execute(store.database.writer()).await.unwrap();
        }
        let found = memory.forgettable(&me, "luna").await.unwrap();
        let kinds: Vec<_> = found.iter().map(|item| item.kind).collect();
        assert_eq!(kinds, [ForgetKind::Reply, ForgetKind::Message, ForgetKind::Fact], "{}", store.name);
        let ids: Vec<String> = found.into_iter().map(|item| item.id).collect();
        let done = memory.forget(&me, &ids).await.unwrap();
        assert_eq!((done.messages.len(), done.facts, done.preferences, done.summaries), (2, 1, 1, 1));
        assert_eq!(done.memories, 3, "the message, the answer, and the summary");

        let left = memory.stats().await.unwrap();
        assert_eq!(left.memories, 4);
        assert_eq!(left.vectors, if store.database.has_vectors() { 4 } else { 0 });
        assert!(recalled(&memory, &me, "what is my dog Luna called?").await.is_empty(), "{}", store.name);
        assert!(memory.facts(&me, 10).await.unwrap().is_empty());
        assert!(memory.summaries(&me, 10).await.unwrap().is_empty());
        assert_eq!(memory.preferences(&me).await.unwrap().nickname, None);
        assert_eq!(memory.history(&me, 10).await.unwrap().len(), 2, "the rest stays");
        assert_eq!(recalled(&memory, &me, "where do I live?").await, ["I live in Lisbon."]);
        let sam = viewer("sam", "dm");
        assert_eq!(recalled(&memory, &sam, "my dog?").await, ["My dog is called Luna, too."]);
        assert_eq!(memory.forget(&me, &ids).await.unwrap(), dramatis::memory::Forgotten::default());
    }
}

#[tokio::test]
async fn a_fact_that_rests_on_something_else_stays() {
    for store in stores().await {
        let memory = words_only(&store.database);
        let me = viewer("robin", "dm");
        let first = talk(&memory, "robin", "dm", "Luna is my dog.", "I see.", 0).await;
        let second = talk(&memory, "robin", "dm", "Luna is at the vet's.", "Oh no.", 5).await;
        let facts = vec![FactDraft { sources: vec![first.id, second.id], ..fact(&first, "Luna") }];
        memory.apply(first.session, Extraction { facts, ..Extraction::default() }).await.unwrap();
        let done = memory.forget(&me, &[second.id.to_string()]).await.unwrap();
        assert_eq!((done.messages.len(), done.facts), (2, 0), "{}", store.name);
        assert_eq!(memory.facts(&me, 10).await.unwrap().len(), 1);
        let done = memory.forget(&me, &[first.id.to_string()]).await.unwrap();
        assert_eq!((done.messages.len(), done.facts), (2, 1));
    }
}

#[tokio::test]
async fn nobody_forgets_what_is_not_theirs_or_not_to_be_seen_here() {
    for store in stores().await {
        let memory = words_only(&store.database);
        let private = talk(&memory, "robin", "dm", "The code is 4711.", "Noted.", 0).await;
        let others = talk(&memory, "sam", "lounge/general", "The code is 1234.", "Noted.", 10).await;
        let own = talk(&memory, "robin", "lounge/general", "The code is 9999.", "Noted.", 20).await;
        let here = viewer("robin", "lounge/general");
        let found = memory.forgettable(&here, "code").await.unwrap();
        assert_eq!(found.iter().map(|item| item.id.clone()).collect::<Vec<_>>(), [own.id.to_string()]);
        let ids = [private.id.to_string(), others.id.to_string()];
        assert_eq!(memory.forget(&here, &ids).await.unwrap().messages.len(), 0, "{}", store.name);
        let in_private = memory.forgettable(&viewer("robin", "dm"), "code").await.unwrap();
        assert_eq!(in_private.len(), 2, "in private one's own words from everywhere: {in_private:?}");
        assert_eq!(memory.last_said(&here).await.unwrap().unwrap().id, own.id.to_string());
        assert!(memory.forgettable(&here, "the").await.unwrap().iter().all(|it| it.id == own.id.to_string()));
    }
}

#[tokio::test]
async fn no_byte_of_the_words_stays_in_the_index() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(&Location::in_dir(dir.path())).await.unwrap();
    let memory = words_only(&database);
    let me = viewer("robin", "dm");
    let said = talk(&memory, "robin", "dm", "The password is xyzzyplugh.", "Hm.", 0).await;
    for number in 1..50 {
        talk(&memory, "robin", "dm", &format!("I saw ship number {number}."), "Nice.", number * 10).await;
    }
    let held = async || {
        let blocks: Vec<Vec<u8>> = sqlx::query_scalar("SELECT block FROM memory_words_data")
            .fetch_all(database.readers())
            .await
            .unwrap();
        blocks.iter().filter(|block| block.windows(9).any(|part| part == b"xyzzyplug")).count()
    };
    assert_eq!(held().await, 1);
    memory.forget(&me, &[said.id.to_string()]).await.unwrap();
    assert_eq!(held().await, 0);
    assert!(!recalled(&memory, &me, "ship").await.is_empty());
}

#[tokio::test]
async fn no_byte_of_the_words_stays_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::in_dir(dir.path());
    let held = || {
        std::fs::read(dir.path().join("dramatis.db")).unwrap().windows(10).any(|part| part == b"xyzzyplugh")
    };
    let database = Database::open(&location).await.unwrap();
    let said =
        talk(&words_only(&database), "robin", "dm", "The password is xyzzyplugh.", "xyzzyplugh?", 0).await;
    database.close().await;
    assert!(held());
    let database = Database::open(&location).await.unwrap();
    words_only(&database).forget(&viewer("robin", "dm"), &[said.id.to_string()]).await.unwrap();
    database.close().await;
    assert!(!held());
}

#[tokio::test]
async fn what_is_told_on_purpose_is_kept_once_and_comes_first() {
    for store in stores().await {
        let memory = words_only(&store.database);
        let me = viewer("robin", "dm");
        talk(&memory, "robin", "dm", "The locker is green.", "Fine.", 0).await;
        let told = message("robin", "dm", "The locker has the number 12.", 5);
        let first = memory.remember(told.clone()).await.unwrap();
        assert!(!first.duplicate && memory.remember(told).await.unwrap().duplicate, "{}", store.name);
        assert_eq!(memory.pending("test", at(-100)).await.unwrap(), [], "nobody waits for an answer");
        assert_eq!(recalled(&memory, &me, "locker").await[0], "The locker has the number 12.");
        let recent = memory.recent(&me, 0, 10).await.unwrap();
        let shown: Vec<_> = recent.iter().map(|row| (row.text.as_str(), row.on_purpose)).collect();
        assert_eq!(shown, [("The locker has the number 12.", true), ("The locker is green.", false)]);
        assert_eq!(memory.recent(&me, 1, 1).await.unwrap()[0].text, "The locker is green.");
        assert!(memory.recent(&viewer("robin", "lounge/general"), 0, 10).await.unwrap().is_empty());
        assert_eq!(memory.kept_of(&me).await.unwrap().messages, 2);
    }
}

#[tokio::test]
async fn wishes_are_set_and_taken_back() {
    for store in stores().await {
        let memory = words_only(&store.database);
        let (me, here) = (viewer("robin", "dm"), viewer("robin", "lounge/general"));
        let name = Preference::Nickname("Rob".to_owned());
        for (place, wish, seconds) in [
            (&here, Preference::Verbosity(Verbosity::Long), 0),
            (&me, Preference::Verbosity(Verbosity::Short), 1),
            (&me, Preference::Style(Style::Formal), 2),
            (&me, name, 3),
        ] {
            memory.set_preference(place, &wish, at(seconds)).await.unwrap();
        }
        let held = memory.preferences(&here).await.unwrap();
        assert_eq!((held.verbosity, held.style), (Some(Verbosity::Short), Some(Style::Formal)));
        assert_eq!(held.nickname, None, "a name that was told in private: {}", store.name);
        memory.clear_preference(&here, "nickname").await.unwrap();
        assert_eq!(memory.preferences(&me).await.unwrap().nickname.as_deref(), Some("Rob"));
        memory.clear_preference(&me, "verbosity").await.unwrap();
        memory.clear_preference(&me, "nickname").await.unwrap();
        let held = memory.preferences(&me).await.unwrap();
        assert_eq!((held.verbosity, held.style, held.nickname), (None, Some(Style::Formal), None));
    }
}

#[tokio::test]
async fn places_that_are_kept_apart_stay_apart() {
    for store in stores().await {
        let memory = words_only(&store.database);
        let (me, here) = (viewer("robin", "dm"), viewer("robin", "lounge/general"));
        talk(&memory, "robin", "lounge/general", "My boat is called Tern.", "Nice.", 0).await;
        let asked = "what is my boat called?";
        assert_eq!(recalled(&memory, &me, asked).await.len(), 1);
        memory.keep_apart(&me, true, at(1)).await.unwrap();
        memory.keep_apart(&me, true, at(2)).await.unwrap();
        assert!(memory.is_apart(&here).await.unwrap());
        assert!(recalled(&memory, &me, asked).await.is_empty(), "{}", store.name);
        assert_eq!(recalled(&memory, &here, asked).await.len(), 1, "where it was said it stays");
        assert_eq!(recalled(&memory, &viewer("sam", "lounge/general"), asked).await.len(), 1);
        memory.keep_apart(&me, false, at(3)).await.unwrap();
        assert_eq!(recalled(&memory, &me, asked).await.len(), 1);
    }
}

#[tokio::test]
async fn an_answer_keeps_its_account() {
    for store in stores().await {
        let memory = words_only(&store.database);
        let me = viewer("robin", "dm");
        assert!(memory.last_account(&me).await.unwrap().is_none());
        talk(&memory, "robin", "dm", "Hello.", "Hello!", 0).await;
        assert_eq!(memory.last_account(&me).await.unwrap().unwrap().account, None, "one from before");
        let said = memory.store_user_message(message("robin", "dm", "And now?", 10)).await.unwrap().message;
        let account = Account {
            level: Level::ComplexLow,
            path: TurnPath::Fast,
            confidence: UnitScore::new(0.7),
            by: RoutedBy::Rule,
            flags: vec!["memory".to_owned()],
            recalled: vec![AccountItem {
                id: "1".to_owned(),
                source: RecalledSource::Message,
                when: at(0),
                score: UnitScore::new(0.5),
            }],
            patterns: vec!["2".to_owned()],
            tools: vec!["search_memories".to_owned()],
            model: "m".to_owned(),
            tokens_in: 1,
            tokens_out: 2,
            cost_usd: 0.25,
            total_ms: 12.5,
            tier: None,
        };
        let reply = NewReply { to: &said, also: &[], text: "Now.", at: at(11), indexed: false };
        memory.store_reply_with(reply, &account).await.unwrap();
        let last = memory.last_account(&me).await.unwrap().unwrap();
        assert_eq!((last.asked.as_str(), last.answer.as_str()), ("And now?", "Now."), "{}", store.name);
        assert_eq!(last.account, Some(account));
        assert!(memory.last_account(&viewer("sam", "dm")).await.unwrap().is_none());
        assert!(memory.last_account(&viewer("robin", "lounge/general")).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn the_gate_keeps_its_rules() {
    for store in stores().await {
        let gate = Gate::new(store.database.clone());
        let (by, scope) = (user("boss"), viewer("robin", "lounge/general").scope());
        let somebody: Target = "telegram:7".parse().unwrap();
        gate.set_rule(&somebody, false, &by, at(0)).await.unwrap();
        gate.set_rule(&Target::Dm, true, &by, at(1)).await.unwrap();
        gate.set_rule(&somebody, true, &by, at(2)).await.unwrap();
        let expected = AccessRules::new(vec![(Target::Dm, true), (somebody, true)]);
        assert_eq!(gate.rules().await.unwrap(), expected, "{}", store.name);

        assert!(!gate.is_paused(&scope).await.unwrap());
        gate.pause(Some(&scope), &by, at(0)).await.unwrap();
        gate.pause(None, &by, at(0)).await.unwrap();
        assert!(gate.resume(Some(&scope)).await.unwrap() && gate.is_paused(&scope).await.unwrap());
        assert!(gate.resume(None).await.unwrap() && !gate.is_paused(&scope).await.unwrap());
        assert!(!gate.resume(None).await.unwrap());

        assert_eq!(gate.chosen(&scope).await.unwrap(), None);
        let iris = CharacterId::new("iris").unwrap();
        gate.choose(&scope, &elena(), &by, at(0)).await.unwrap();
        gate.choose(&scope, &iris, &by, at(1)).await.unwrap();
        assert_eq!(gate.chosen(&scope).await.unwrap(), Some(iris));
    }
}
