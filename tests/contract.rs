//! One suite for every engine: what the rooms promise holds on SQLite and on Postgres alike.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/databases.rs"]
mod databases;

use std::{sync::Arc, time::Duration};

use databases::stores;
use dramatis::{
    conversation::Gate,
    embed::Embeddings,
    jobs::{Enqueued, NewJob, Queue, Workers},
    memory::{Memory, MemoryError, NewMessage, NewReply, RecallQuery},
    model::{
        CharacterId, Clock, ManualClock, Message, MessageId, Place, Preference, PreferenceDraft, SystemClock,
        Timestamp, UserId, Verbosity, Viewer,
    },
    relationship::{EventKind, Relationships, Tone, Trust},
    store::{Database, Location},
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use sqlx::{Connection, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
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

fn message(character: &CharacterId, name: &str, place: &str, text: &str, when: Timestamp) -> NewMessage {
    NewMessage {
        platform: "test".to_owned(),
        platform_id: Uuid::now_v7().to_string(),
        character: character.clone(),
        user: user(name),
        user_name: name.to_owned(),
        place: place.parse().unwrap(),
        text: text.to_owned(),
        at: when,
        reply_to: None,
        beside: Vec::new(),
        address: None,
        holder: None,
    }
}

fn reply<'a>(to: &'a Message, text: &'a str, seconds: i64) -> NewReply<'a> {
    NewReply { to, also: &[], text, at: at(seconds), indexed: true }
}

fn viewer(name: &str, place: &str) -> Viewer {
    Viewer::new(elena(), user(name), place.parse::<Place>().unwrap())
}

fn query(text: &str) -> RecallQuery {
    RecallQuery { text: text.to_owned(), vector: None, limit: 50, exclude: Vec::new(), now: at(0) }
}

async fn recalled(memory: &Memory, viewer: &Viewer, text: &str) -> Vec<String> {
    memory.recall(viewer, &query(text)).await.unwrap().into_iter().map(|item| item.text).collect()
}

#[tokio::test]
async fn a_message_is_found_as_soon_as_it_is_kept() {
    for store in stores().await {
        let memory = words_only(&store.database);
        let told = message(&elena(), "robin", "dm", "I have two boats, the Gull and the Tern.", at(0));
        memory.store_user_message(told).await.unwrap();
        let found = recalled(&memory, &viewer("robin", "dm"), "what boats do I have?").await;
        assert_eq!(found, ["I have two boats, the Gull and the Tern."], "{}", store.name);
        assert!(recalled(&memory, &viewer("robin", "dm"), "what is my cat called?").await.is_empty());
    }
}

#[tokio::test]
async fn the_same_message_is_kept_once() {
    for store in stores().await {
        let memory = words_only(&store.database);
        let told = message(&elena(), "robin", "dm", "once", at(0));
        let first = memory.store_user_message(told.clone()).await.unwrap();
        let second = memory.store_user_message(told).await.unwrap();
        assert!(!first.duplicate && second.duplicate);
        assert_eq!(first.message.id, second.message.id);
        assert_eq!(memory.stats().await.unwrap().messages_of_people, 1, "{}", store.name);
    }
}

#[tokio::test]
async fn there_is_one_answer_to_a_message() {
    for store in stores().await {
        let memory = words_only(&store.database);
        let asked =
            memory.store_user_message(message(&elena(), "robin", "dm", "hi", at(0))).await.unwrap().message;
        let long_ago = Timestamp::from_micros(0);
        assert_eq!(memory.pending("test", long_ago).await.unwrap().len(), 1);
        let first = memory.store_reply(reply(&asked, "hello", 1)).await.unwrap();
        let second = memory.store_reply(reply(&asked, "hello again", 2)).await.unwrap();
        assert_eq!(first.id, second.id);
        assert!(memory.pending("test", long_ago).await.unwrap().is_empty());
        let history = memory.history(&viewer("robin", "dm"), 10).await.unwrap();
        let texts: Vec<_> = history.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["hi", "hello"], "{}", store.name);
    }
}

/// A process that lives keeps what it holds; of those that find it left, one takes it over.
#[tokio::test]
async fn a_message_is_held_by_one_process() {
    for store in stores().await {
        let memory = words_only(&store.database);
        let held = |name: &str| NewMessage {
            holder: Some(name.to_owned()),
            ..message(&elena(), "robin", "dm", "hi", at(0))
        };
        let first = memory.store_user_message(held("one")).await.unwrap().message;
        let left = memory.pending("test", Timestamp::from_micros(0)).await.unwrap();
        assert_eq!(left[0].holder.as_deref(), Some("one"), "{}", store.name);
        assert!(memory.take_over(first.id, Some("one"), "two").await.unwrap());
        assert!(!memory.take_over(first.id, Some("one"), "three").await.unwrap());
        assert!(!memory.take_over(first.id, None, "three").await.unwrap());
        let free = memory.store_user_message(message(&elena(), "robin", "dm", "ho", at(1))).await.unwrap();
        assert!(memory.take_over(free.message.id, None, "three").await.unwrap());
        let asked = Message { address: Some("there".to_owned()), ..first };
        let answer = memory.store_reply(reply(&asked, "hello", 2)).await.unwrap();
        let undelivered = memory.undelivered("test").await.unwrap();
        assert_eq!((undelivered[0].message.id, undelivered[0].holder.as_deref()), (answer.id, Some("two")));
        memory.dismiss(&[asked.id]).await.unwrap();
        assert!(memory.undelivered("test").await.unwrap().is_empty(), "nobody wants it any more");
    }
}

/// Who is gone: nobody who has just spoken, everybody who has ended, and those of other machines after a silence.
#[tokio::test]
async fn a_process_is_gone_when_it_is_not_heard_of() {
    for store in stores().await {
        let clock = Arc::new(ManualClock::at(at(0)));
        let queue = |clock: &Arc<ManualClock>| Queue::new(store.database.clone(), clock.clone());
        let (mine, other) = (queue(&clock), queue(&clock));
        clock.advance(Duration::from_secs(60));
        assert!(!mine.is_gone(mine.name(), at(0)).await.unwrap(), "{}", store.name);
        assert!(!mine.is_gone("elsewhere 1 1 x", at(50)).await.unwrap());
        assert!(mine.is_gone("elsewhere 1 1 x", at(40)).await.unwrap());
        assert!(mine.is_gone(other.name(), at(0)).await.unwrap(), "it never had a heartbeat");
        let workers = Workers::start(other.clone(), Vec::new(), 1);
        while mine.is_gone(other.name(), at(0)).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        workers.stop(Duration::from_secs(5)).await.unwrap();
        assert!(mine.is_gone(other.name(), at(0)).await.unwrap(), "it has stopped");
    }
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused() {
    for store in stores().await {
        let memory = words_only(&store.database);
        let blank = memory.store_user_message(message(&elena(), "robin", "dm", " \n", at(0))).await;
        assert!(matches!(blank, Err(MemoryError::Empty)));
        let long =
            memory.store_user_message(message(&elena(), "robin", "dm", &"x".repeat(32_001), at(0))).await;
        assert!(matches!(long, Err(MemoryError::TooLong(32_001))), "{}", store.name);
    }
}

#[tokio::test]
async fn a_phrase_deep_in_a_long_message_is_found() {
    for store in stores().await {
        let memory = words_only(&store.database);
        let filler = "We walked along the shore and talked of nothing much. ".repeat(40);
        let text = format!("{filler}My grandmother was a cartographer. {filler}");
        memory.store_user_message(message(&elena(), "robin", "dm", &text, at(0))).await.unwrap();
        let found = recalled(&memory, &viewer("robin", "dm"), "cartographer").await;
        assert_eq!(found.len(), 1, "{}", store.name);
        assert!(found[0].contains("cartographer") && found[0].chars().count() <= 500);
    }
}

#[tokio::test]
async fn a_pause_ends_a_session_and_what_is_brought_in_late_does_not_join_it() {
    for store in stores().await {
        let memory = words_only(&store.database);
        let keep = async |seconds| {
            memory.store_user_message(message(&elena(), "robin", "dm", "hi", at(seconds))).await.unwrap()
        };
        let first = keep(0).await;
        let near = keep(29 * 60).await;
        let after = keep(29 * 60 + 31 * 60).await;
        assert_eq!(first.message.session, near.message.session);
        assert_ne!(near.message.session, after.message.session);
        assert_eq!(after.ended, [first.message.session], "{}", store.name);
        let early = keep(-86_400).await;
        assert_ne!(early.message.session, after.message.session);
    }
}

#[tokio::test]
async fn wishes_about_form_hold_everywhere_and_private_ones_do_not() {
    for store in stores().await {
        let memory = words_only(&store.database);
        let source = MessageId::new();
        let draft = |preference| PreferenceDraft { preference, owner: user("robin"), source };
        let wishes = [
            draft(Preference::Verbosity(Verbosity::Short)),
            draft(Preference::AvoidTopic("the divorce".to_owned())),
            draft(Preference::Nickname("Captain".to_owned())),
        ];
        memory.set_preferences(&viewer("robin", "dm"), &wishes, at(0)).await.unwrap();
        let private = memory.preferences(&viewer("robin", "dm")).await.unwrap();
        assert_eq!(private.nickname.as_deref(), Some("Captain"));
        assert_eq!(private.avoid_topics, ["the divorce"]);
        let public = memory.preferences(&viewer("robin", "lounge/general")).await.unwrap();
        assert_eq!(public.verbosity, Some(Verbosity::Short), "{}", store.name);
        assert!(public.nickname.is_none() && public.avoid_topics.is_empty());
        let other = memory.preferences(&viewer("sam", "dm")).await.unwrap();
        assert_eq!(other, dramatis::model::Preferences::default());
    }
}

#[tokio::test]
async fn trust_is_what_its_events_add_up_to() {
    for store in stores().await {
        let clock = Arc::new(ManualClock::at(at(0)));
        let relationships = Relationships::new(store.database.clone(), clock.clone());
        let (character, robin) = (elena(), user("robin"));
        for turn in 0..60 {
            let source = format!("message {turn}");
            relationships.record_turn(&character, &robin, &source, Tone::Warm, clock.now()).await.unwrap();
            let again = relationships
                .record_turn(&character, &robin, &source, Tone::Warm, clock.now())
                .await
                .unwrap();
            assert!((again.before.get() - again.after.get()).abs() < 1e-9, "a message counts once");
        }
        let standing = relationships.standing(&character, &robin, clock.now(), None).await.unwrap();
        assert!((standing.trust.get() - 8.0).abs() < 1e-6, "{}: the daily cap is 8", store.name);
        assert_eq!(standing.turns, 60);

        let before = standing.trust.get();
        let up = relationships
            .record(&character, &robin, EventKind::Reaction, 5.0, "a heart", "r1")
            .await
            .unwrap();
        assert!((up.after.get() - before - 5.0).abs() < 1e-6);
        let down = relationships
            .record(&character, &robin, EventKind::ReactionRemoved, 0.0, "taken back", "r1")
            .await
            .unwrap();
        assert!((down.after.get() - before).abs() < 1e-6, "a reaction taken back leaves no trace");

        clock.advance(Duration::from_secs(6 * 86_400));
        let week = relationships.standing(&character, &robin, clock.now(), None).await.unwrap();
        assert!((week.trust.get() - before).abs() < 1e-6, "a week of silence costs nothing");
        clock.advance(Duration::from_secs(100 * 86_400));
        let later = relationships.standing(&character, &robin, clock.now(), None).await.unwrap();
        assert!(later.trust.get() < before && later.trust.get() > 0.0);

        assert!(relationships.first_time(&character, &robin, "milestone:25", clock.now()).await.unwrap());
        assert!(!relationships.first_time(&character, &robin, "milestone:25", clock.now()).await.unwrap());
        let pinned = relationships.standing(&character, &robin, clock.now(), Some(100.0)).await.unwrap();
        assert!((pinned.trust.get() - 100.0).abs() < f64::EPSILON);
    }
}

/// Whatever happens, in whatever order: the stored trust is what its events fold to, each faded by the silence before the
/// next.
#[tokio::test]
async fn stored_trust_is_the_fold_of_its_events() {
    const TONES: [Tone; 6] = [Tone::Warm, Tone::Neutral, Tone::Cold, Tone::Hostile, Tone::Sad, Tone::Excited];
    for store in stores().await {
        let mut random = StdRng::seed_from_u64(11);
        for world in 0..12 {
            let clock = Arc::new(ManualClock::at(at(0)));
            let relationships = Relationships::new(store.database.clone(), clock.clone());
            let (character, person) = (elena(), user(&format!("fold-{world}")));
            for step in 0..40 {
                let source = format!("{}", random.random_range(0..30));
                // Now and then something from long ago is brought in.
                let now =
                    if random.random_bool(0.2) { at(random.random_range(0..9_000_000)) } else { clock.now() };
                match random.random_range(0..6) {
                    0 => {
                        let delta = random.random_range(-5.0..=5.0);
                        relationships
                            .record(&character, &person, EventKind::Reaction, delta, "a reaction", &source)
                            .await
                    }
                    1 => {
                        relationships
                            .record(&character, &person, EventKind::ReactionRemoved, 0.0, "back", &source)
                            .await
                    }
                    2 if step % 7 == 0 => {
                        let delta = random.random_range(-60.0..=60.0);
                        relationships
                            .record(&character, &person, EventKind::Admin, delta, "set", &source)
                            .await
                    }
                    _ => {
                        let tone = *TONES.choose(&mut random).unwrap();
                        relationships.record_turn(&character, &person, &source, tone, now).await
                    }
                }
                .unwrap();
                clock.advance(Duration::from_secs(random.random_range(1..20 * 86_400)));
            }
            let events = relationships.events(&character, &person, u32::MAX).await.unwrap();
            let mut folded = Trust::default();
            let mut last = None;
            for event in events.iter().rev() {
                let silence = last.map_or(Duration::ZERO, |last| event.at.since(last));
                folded = folded.after(silence).plus(event.delta);
                last = last.max(Some(event.at));
            }
            let now = clock.now();
            let stored = relationships.standing(&character, &person, now, None).await.unwrap().trust;
            let folded = folded.after(now.since(last.unwrap()));
            assert!((stored.get() - folded.get()).abs() < 1e-9, "{}: {stored:?} {folded:?}", store.name);
        }
    }
}

#[tokio::test]
async fn a_job_is_queued_once() {
    for store in stores().await {
        let queue = Queue::new(store.database.clone(), Arc::new(SystemClock));
        let job = NewJob {
            kind: "nobody-does-this",
            payload: serde_json::json!({}),
            dedup_key: Some("one".to_owned()),
            run_at: None,
            priority: 0,
            max_attempts: 1,
        };
        assert!(matches!(queue.enqueue(job.clone()).await.unwrap(), Enqueued::New(_)));
        assert_eq!(queue.enqueue(job).await.unwrap(), Enqueued::Duplicate);
        assert_eq!(queue.counts().await.unwrap().pending, 1, "{}", store.name);
    }
}

/// A reaction counts once, is taken back exactly, and counts again when it is given again.
#[tokio::test]
async fn a_reaction_can_be_given_taken_back_and_given_again() {
    for store in stores().await {
        let relationships = Relationships::new(store.database.clone(), Arc::new(SystemClock));
        let (elena, robin) = (elena(), user("robin"));
        let trust = async || {
            relationships.standing(&elena, &robin, SystemClock.now(), None).await.unwrap().trust.get().round()
        };
        let given = Some((5.0, "a heart"));
        for (step, (what, expected)) in
            [(None, 0.0), (given, 5.0), (given, 5.0), (None, 0.0), (None, 0.0), (given, 5.0), (None, 0.0)]
                .into_iter()
                .enumerate()
        {
            relationships.react(&elena, &robin, "test:room:1:heart", what).await.unwrap();
            assert!((trust().await - expected).abs() < 0.5, "{}: step {step}", store.name);
        }
        relationships.react(&elena, &robin, "test:room:1:star", given).await.unwrap();
        assert!((trust().await - 5.0).abs() < 0.5, "another emoji is another reaction");
    }
}

/// A group of Telegram's becomes a supergroup: it goes on under another id, and everybody knows what was said.
#[tokio::test]
async fn a_server_that_moves_takes_everything_along() {
    for store in stores().await {
        let (memory, gate) = (words_only(&store.database), Gate::new(store.database.clone()));
        let (boss, iris) = (user("boss"), CharacterId::new("iris").unwrap());
        for (place, text) in [
            ("telegram:-5/general", "I have a boat, the Tern."),
            ("telegram:-5/general/plans", "My boat needs paint."),
            ("telegram:-55/general", "My boat is called Gull."),
        ] {
            memory.store_user_message(message(&elena(), "robin", place, text, at(0))).await.unwrap();
        }
        let old = viewer("robin", "telegram:-5/general");
        let new = viewer("robin", "telegram:-1005/general");
        gate.choose(&old.scope(), &iris, &boss, at(0)).await.unwrap();
        gate.pause(Some(&old.scope()), &boss, at(0)).await.unwrap();
        gate.pause(Some(&new.scope()), &boss, at(1)).await.unwrap();
        for rule in ["guild:telegram:-5", "telegram:-5/general", "guild:telegram:-55"] {
            gate.set_rule(&rule.parse().unwrap(), false, &boss, at(0)).await.unwrap();
        }
        for _ in 0..2 {
            let mut tx = store.database.begin().await.unwrap();
            memory.moved(&mut tx, "telegram:-5", "telegram:-1005").await.unwrap();
            gate.moved(&mut tx, "telegram:-5", "telegram:-1005").await.unwrap();
            tx.commit().await.unwrap();
        }
        let known = recalled(&memory, &viewer("sam", "telegram:-1005/general"), "boat").await;
        assert!(known.iter().any(|it| it.contains("Tern")), "{}: {known:?}", store.name);
        assert!(!known.iter().any(|it| it.contains("Gull")), "{}: {known:?}", store.name);
        let known = recalled(&memory, &viewer("sam", "telegram:-1005/general/plans"), "boat").await;
        assert!(known.iter().any(|it| it.contains("paint")), "{}: {known:?}", store.name);
        let known = recalled(&memory, &viewer("sam", "telegram:-5/general"), "boat").await;
        assert!(known.is_empty(), "{}: {known:?}", store.name);
        let known = recalled(&memory, &viewer("sam", "telegram:-55/general"), "boat").await;
        assert!(known.iter().any(|it| it.contains("Gull")), "{}: {known:?}", store.name);
        assert_eq!(gate.chosen(&new.scope()).await.unwrap(), Some(iris.clone()), "{}", store.name);
        assert_eq!(gate.chosen(&old.scope()).await.unwrap(), None, "{}", store.name);
        assert!(gate.is_paused(&new.scope()).await.unwrap() && !gate.is_paused(&old.scope()).await.unwrap());
        let rules = format!("{:?}", gate.rules().await.unwrap());
        assert_eq!(rules.matches("telegram:-1005\"").count(), 2, "{}: {rules}", store.name);
        assert!(
            rules.contains("telegram:-55\"") && !rules.contains("telegram:-5\""),
            "{}: {rules}",
            store.name
        );
    }
}

/// The program of an earlier version made the file; this one finds what is in it.
#[tokio::test]
async fn what_an_earlier_version_kept_is_found() {
    let dir = TempDir::new().unwrap();
    let earlier = dir.path().join("migrations");
    std::fs::create_dir(&earlier).unwrap();
    for step in ["0001_ground", "0002_few_segments", "0003_delivery", "0004_commands"] {
        let from = format!("{}/migrations/sqlite/{step}.sql", env!("CARGO_MANIFEST_DIR"));
        std::fs::copy(from, earlier.join(format!("{step}.sql"))).unwrap();
    }
    let location = Location::in_dir(dir.path());
    let file = SqliteConnectOptions::new().filename(dir.path().join("dramatis.db")).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&file).await.unwrap();
    Migrator::new(earlier).await.unwrap().run(&mut connection).await.unwrap();
    for (seq, author, scope) in [(1, "console:ann", "dm:console:ann"), (2, "console:bob", "dm:console:bob")] {
        sqlx::query(
            "INSERT INTO memory (seq, id, character, scope, author, kind, source, chunk, text, said_at, importance) \
             VALUES ($1, $2, 'elena', $3, $4, 'message', $2, 0, 'I keep a lantern in the boat', 0, 0.5)",
        )
        .bind(seq)
        .bind(Uuid::now_v7().to_string())
        .bind(scope)
        .bind(author)
        .execute(&mut connection)
        .await
        .unwrap();
    }
    connection.close().await.unwrap();

    let database = Database::open(&location).await.unwrap();
    let memory = words_only(&database);
    assert_eq!(
        recalled(&memory, &viewer("ann", "dm"), "where is the lantern?").await,
        ["I keep a lantern in the boat"],
        "hers, and not Bob's"
    );
    sqlx::query("UPDATE memory SET author = 'console:cleo' WHERE seq = 1")
        .execute(database.writer())
        .await
        .unwrap();
    sqlx::query("UPDATE memory SET scope = 'global' WHERE seq = 2").execute(database.writer()).await.unwrap();
    assert_eq!(
        recalled(&memory, &viewer("cleo", "dm"), "lantern").await.len(),
        2,
        "the index follows the row"
    );
}
