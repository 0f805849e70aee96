//! Reminders come once, where they were asked for, whatever happens to the process in between.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/databases.rs"]
#[allow(dead_code)]
mod databases;
#[path = "support/program.rs"]
#[allow(dead_code)]
mod program;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use dramatis::{
    app::App,
    config::Settings,
    conversation::{Capabilities, Lost, Outbound, SendError, Unit},
    embed::Embeddings,
    jobs::Queue,
    memory::{Memory, NewMessage, Promised},
    model::{CharacterId, Clock, Place, SystemClock, Timestamp, UserId, Viewer},
    store::{Database, Location},
};
use program::Home;
use tempfile::TempDir;
use uuid::Uuid;

/// A platform that keeps what it is sent, with where.
#[derive(Default)]
struct Fake(Mutex<Vec<(String, String)>>);

#[async_trait]
impl Outbound for Fake {
    fn platform(&self) -> &'static str {
        "test"
    }
    fn room(&self, address: &str) -> String {
        address.to_owned()
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities { longest: 2_000, unit: Unit::Chars, edit_every: None, typing_lasts: None }
    }
    async fn send(&self, address: &str, text: &str, _: &str) -> Result<String, SendError> {
        let mut sent = self.0.lock().unwrap();
        sent.push((address.to_owned(), text.to_owned()));
        Ok(sent.len().to_string())
    }
    async fn edit(&self, _: &str, _: &str, _: &str) -> Result<(), SendError> {
        Ok(())
    }
    async fn delete(&self, _: &str, _: &str) -> Result<(), SendError> {
        Ok(())
    }
    async fn typing(&self, _: &str) -> Result<(), SendError> {
        Ok(())
    }
    async fn find(&self, _: &str, _: Lost<'_>) -> Result<Option<String>, SendError> {
        Ok(None)
    }
}

impl Fake {
    fn sent(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap().clone()
    }
}

async fn app(dir: &Path, database: Option<&str>) -> App {
    let characters = Path::new(env!("CARGO_MANIFEST_DIR")).join("characters");
    let mut env = vec![
        ("DATA_DIR".to_owned(), dir.to_string_lossy().into_owned()),
        ("CHARACTERS_DIR".to_owned(), characters.to_string_lossy().into_owned()),
        ("OLLAMA_HOST".to_owned(), "off".to_owned()),
        ("EMBEDDING_MODEL".to_owned(), "none".to_owned()),
    ];
    env.extend(database.map(|url| ("DATABASE_URL".to_owned(), url.to_owned())));
    App::start(Settings::load(dir, env.into_iter()).unwrap().0).await.unwrap()
}

fn viewer() -> Viewer {
    Viewer::new(CharacterId::new("elena").unwrap(), UserId::new("test:robin").unwrap(), Place::Dm)
}

async fn promise(app: &App, text: &str, due: Timestamp) -> String {
    let viewer = viewer();
    let told = NewMessage {
        platform: "test".to_owned(),
        platform_id: Uuid::now_v7().to_string(),
        character: viewer.character.clone(),
        user: viewer.user.clone(),
        user_name: "Robin".to_owned(),
        place: viewer.place.clone(),
        text: format!("remind me: {text}"),
        beside: Vec::new(),
        at: SystemClock.now().minus(Duration::from_secs(3_600)),
        reply_to: None,
        address: Some("chat 7".to_owned()),
        holder: None,
    };
    let message = app.memory.store_user_message(told).await.unwrap().message;
    match app.memory.remind(&app.queue, &viewer, message.id, text, due).await.unwrap() {
        Promised::New(id) => id,
        other => panic!("{other:?}"),
    }
}

/// Until so many are shown and nothing is under way.
async fn until(app: &App, fake: &Fake, count: usize) {
    for _ in 0..3_000 {
        if fake.sent().len() >= count && app.conversations.unsent().await.unwrap() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", fake.sent());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_comes_once_and_outlives_restarts() {
    for database in [None, databases::postgres().await] {
        let dir = TempDir::new().unwrap();
        let first = app(dir.path(), database.as_deref()).await;
        let soon = SystemClock.now().plus(Duration::from_millis(300));
        promise(&first, "feed the otters", soon).await;
        let never = promise(&first, "burn the boats", soon).await;
        promise(&first, "call Ana", SystemClock.now().plus(Duration::from_secs(86_400))).await;
        assert!(first.memory.cancel_reminder(&viewer(), &never).await.unwrap());
        // The platform is not there when it falls due.
        for _ in 0..3_000 {
            if first.queue.counts().await.unwrap().done >= 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        first.stop().await;

        let second = app(dir.path(), database.as_deref()).await;
        let fake = Arc::new(Fake::default());
        second.conversations.connect(fake.clone()).await.unwrap();
        until(&second, &fake, 1).await;
        let told = "⏰ Robin, you asked me to remind you: feed the otters".to_owned();
        assert_eq!(fake.sent(), [("chat 7".to_owned(), told)]);
        // One that falls due while the platform is there comes by itself.
        promise(&second, "water the reeds", SystemClock.now()).await;
        until(&second, &fake, 2).await;
        second.stop().await;

        let third = app(dir.path(), database.as_deref()).await;
        let again = Arc::new(Fake::default());
        third.conversations.connect(again.clone()).await.unwrap();
        third.settle(Duration::from_secs(10)).await;
        assert!(again.sent().is_empty(), "it was told before");
        let waiting = third.memory.reminders(&viewer()).await.unwrap();
        assert_eq!(waiting.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), ["call Ana"]);
        third.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_shows_a_reminder_once_when_it_is_open() {
    let home = Home::new();
    home.talk(&["--user", "robin"], "Remind me to feed the otters\n");
    let database = Database::open(&Location::in_dir(&home.data())).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let memory = Memory::new(database.clone(), Embeddings::start(None, "none".to_owned()), clock.clone());
    let queue = Queue::new(database.clone(), clock.clone());
    let robin = Viewer::new(CharacterId::new("elena").unwrap(), UserId::console("robin").unwrap(), Place::Dm);
    let asked = memory.last_said(&robin).await.unwrap().unwrap();
    memory.remind(&queue, &robin, asked.id.parse().unwrap(), "feed the otters", clock.now()).await.unwrap();
    database.close().await;
    let open = |user: &str| {
        let output = home.run(&["chat", "--user", user], "Hello\n");
        String::from_utf8(output.stderr)
            .unwrap()
            .matches("you asked me to remind you: feed the otters")
            .count()
    };
    // The first makes it due, at the latest when it closes.
    let first = open("robin");
    assert_eq!(open("sam"), 0, "it is nobody else's");
    let second = open("robin");
    assert_eq!(first + second, 1);
    assert_eq!(open("robin"), 0);
}

#[test]
fn a_tool_can_be_tried_by_hand() {
    let home = Home::new();
    let tool = |arguments: &[&str]| {
        let output = home.run(&[&["tool"], arguments].concat(), "");
        (
            output.status.success(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (well, listed, _) = tool(&["list"]);
    assert!(
        well && listed.contains("remind_me") && listed.contains("changes what is remembered"),
        "{listed}"
    );
    let (well, sum, _) = tool(&["call", "calculator", r#"{"expression": "6*7"}"#]);
    assert!(well && sum == "6*7 = 42\n", "{sum}");
    let (well, _, told) = tool(&["call", "calculatr"]);
    assert!(!well && told.contains("there is no tool `calculatr`"), "{told}");
    let (well, _, told) = tool(&["call", "search_memories", "{}"]);
    assert!(
        !well && told.contains("\"query\" is a required property") && told.contains("What to look for"),
        "{told}"
    );
    let remind =
        ["call", "remind_me", r#"{"what": "feed the otters", "when": "in 2 hours"}"#, "--user", "robin"];
    let (well, _, told) = tool(&remind);
    assert!(!well && told.contains("say one first"), "{told}");
    home.talk(&["--user", "robin"], "Remind me to feed the otters in 2 hours\n");
    let (well, set, told) = tool(&remind);
    assert!(well && set.starts_with("Set ["), "{told}");
    let (_, list, _) = tool(&["call", "remind_me", r#"{"action": "list"}"#, "--user", "robin"]);
    assert!(list.contains("feed the otters"), "{list}");
}
