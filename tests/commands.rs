//! Commands as people give them, on every engine: what they do to the store, what they say, and whom they obey.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/databases.rs"]
#[allow(dead_code)]
mod databases;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use databases::{Store, stores};
use dramatis::{
    character::Cast,
    cognition::{Mind, Parts as MindParts},
    conversation::{Capabilities, Conversations, Inbound, Lost, Outbound, SendError, Subject, Unit},
    embed::Embeddings,
    jobs::Queue,
    llm::{Llm, LlmSettings},
    memory::Memory,
    model::{CharacterId, Clock, ManualClock, Place, Scope, Timestamp, UserId, Viewer},
    platform::command::{
        Asker, Commands, Invocation, Kind, LONGEST_DATA, LONGEST_REPLY, Outcome, Parts, Pressed, Reply,
    },
    relationship::{Relationships, Tone},
    store::Database,
};
use tempfile::TempDir;
use tokio::sync::mpsc;
use uuid::Uuid;

/// A platform that shows everything and numbers it.
#[derive(Default)]
struct Fake(Mutex<Vec<String>>);

#[async_trait]
impl Outbound for Fake {
    fn platform(&self) -> &'static str {
        "test"
    }

    fn room(&self, address: &str) -> String {
        address.to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            longest: 2_000,
            unit: Unit::Chars,
            edit_every: Some(Duration::from_secs(1)),
            typing_lasts: None,
        }
    }

    async fn send(&self, _: &str, text: &str, _: &str) -> Result<String, SendError> {
        let mut sent = self.0.lock().unwrap();
        sent.push(text.to_owned());
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
    /// The number of the last message but the first that holds this, once it is there and the store knows.
    async fn shows(&self, database: &Database, part: &str) -> String {
        for _ in 0..1_000 {
            let waiting: i64 =
                sqlx::query_scalar("SELECT count(*) FROM outbox WHERE status IN ('waiting', 'sending')")
                    .fetch_one(database.readers())
                    .await
                    .unwrap();
            let at = self.0.lock().unwrap().iter().rposition(|text| text.contains(part)).filter(|at| *at > 0);
            if let (0, Some(at)) = (waiting, at) {
                return (at + 1).to_string();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("`{part}` is not shown: {:?}", self.0.lock().unwrap())
    }
}

struct House {
    commands: Commands,
    conversations: Conversations,
    memory: Memory,
    relationships: Relationships,
    clock: Arc<ManualClock>,
    name: &'static str,
    _cache: TempDir,
}

fn start() -> Timestamp {
    Timestamp::from_micros(1_767_225_600_000_000)
}

async fn house(store: &Store) -> House {
    let clock = Arc::new(ManualClock::at(start()));
    let dynamic: Arc<dyn Clock> = clock.clone();
    let cache = TempDir::new().unwrap();
    let (cast, _) = Cast::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("characters")).unwrap();
    let database = store.database.clone();
    let settings = LlmSettings { ollama: None, ..LlmSettings::default() };
    let llm = Llm::start(settings, database.clone(), dynamic.clone()).await.unwrap();
    let embeddings = Embeddings::start(None, "none".to_owned());
    let memory = Memory::new(database.clone(), embeddings.clone(), dynamic.clone());
    let relationships = Relationships::new(database.clone(), dynamic.clone());
    let queue = Queue::new(database.clone(), dynamic.clone());
    let mind = Arc::new(Mind::new(MindParts {
        memory: memory.clone(),
        relationships: relationships.clone(),
        llm: llm.clone(),
        embeddings: embeddings.clone(),
        context: 8_192,
        clock: dynamic.clone(),
        toolbox: dramatis::tool::Toolbox::default(),
        steps: dramatis::cognition::StepBudget::default(),
        cache_dir: cache.path().to_owned(),
    }));
    let conversations = Conversations::new(
        database.clone(),
        cast.clone(),
        memory.clone(),
        mind,
        queue.clone(),
        dynamic.clone(),
    );
    let commands = Commands::new(Parts {
        database,
        conversations: conversations.clone(),
        cast,
        memory: memory.clone(),
        relationships: relationships.clone(),
        embeddings,
        llm,
        queue,
        clock: dynamic,
        admins: vec![UserId::new("test:boss").unwrap()],
    });
    House { commands, conversations, memory, relationships, clock, name: store.name, _cache: cache }
}

impl House {
    fn asker(&self, name: &str, place: &str) -> Asker {
        let user = UserId::new(format!("test:{name}")).unwrap();
        Asker {
            admin: self.commands.is_admin(&user),
            viewer: Viewer::new(CharacterId::new("elena").unwrap(), user, place.parse().unwrap()),
            name: name.to_owned(),
            locale: "en".to_owned(),
            platform: "test".to_owned(),
            source: Uuid::now_v7().to_string(),
            address: None,
            at: self.clock.now(),
        }
    }

    async fn outcome(&self, asker: &Asker, line: &str) -> Outcome {
        let invocation = Invocation::parse(line).unwrap().unwrap_or_else(|error| panic!("{line}: {error}"));
        self.commands.run(&invocation, asker).await.unwrap()
    }

    async fn reply(&self, asker: &Asker, line: &str) -> Reply {
        match self.outcome(asker, line).await {
            Outcome::Reply(reply) => {
                assert!(reply.text.chars().count() <= LONGEST_REPLY, "{line}: {}", reply.text);
                assert!(reply.buttons.iter().all(|button| button.data.len() <= LONGEST_DATA));
                reply
            }
            other => panic!("{line}: {other:?}"),
        }
    }

    async fn told(&self, name: &str, place: &str, line: &str) -> String {
        self.reply(&self.asker(name, place), line).await.text
    }

    async fn expect(&self, name: &str, place: &str, line: &str, parts: &[&str]) {
        let told = self.told(name, place, line).await;
        for part in parts {
            assert!(told.contains(part), "{}: {line}: no `{part}` in: {told}", self.name);
        }
    }

    /// Says something and is answered, a minute later each time.
    async fn say(&self, name: &str, place: &str, text: &str) {
        self.clock.advance(Duration::from_secs(60));
        let asker = self.asker(name, place);
        let inbound = Inbound {
            platform: "test".to_owned(),
            platform_id: asker.source,
            character: asker.viewer.character,
            user: asker.viewer.user,
            user_name: name.to_owned(),
            place: place.parse().unwrap(),
            text: text.to_owned(),
            beside: Vec::new(),
            at: self.clock.now(),
            address: None,
        };
        let (sender, mut events) = mpsc::channel(256);
        let drain = async move { while events.recv().await.is_some() {} };
        let handled = async {
            self.conversations.handle(inbound, &sender).await.unwrap();
            drop(sender);
        };
        tokio::join!(handled, drain);
    }
}

#[tokio::test]
async fn what_there_is_is_told() {
    for store in stores().await {
        let house = house(&store).await;
        house.expect("robin", "dm", "/start", &["Elena", "/help"]).await;
        house.expect("robin", "dm", "/help", &["/trust: ", "/memory: ", "/help COMMAND"]).await;
        assert!(!house.told("robin", "dm", "/help").await.contains("/admin"));
        assert!(house.told("boss", "dm", "/help").await.contains("/admin"));
        house
            .expect("robin", "dm", "/help /settings", &["`/settings verbosity short|medium|long|default`"])
            .await;
        house.expect("robin", "dm", "/help memroy", &["did you mean /memory?"]).await;
        let german = Asker { locale: "de-DE".to_owned(), ..house.asker("robin", "dm") };
        assert!(house.reply(&german, "/help").await.text.contains("/cast: Wer da ist"));
        house.expect("robin", "dm", "/about", &["AI character"]).await;
        house.expect("robin", "dm", "/cast", &["`elena` (answers here)", "`iris`"]).await;
        house.expect("robin", "dm", "/trust", &["stranger", "trust 0 of 100"]).await;
    }
}

#[tokio::test]
async fn memory_is_searched_shown_and_told() {
    for store in stores().await {
        let house = house(&store).await;
        house.say("robin", "dm", "I have a dog named Luna.").await;
        house.say("robin", "lounge/general", "I sail a boat called Tern.").await;
        house.expect("robin", "dm", "/memory search dog", &["you: “I have a dog named Luna.”"]).await;
        house
            .expect("robin", "lounge/general", "/memory search dog", &["Nothing on record", "in private"])
            .await;
        house.expect("sam", "dm", "/memory search dog", &["Nothing on record"]).await;
        house
            .expect(
                "robin",
                "dm",
                "/remember The spare key is under the *pot*.",
                &["between us", "\\*pot\\*"],
            )
            .await;
        house.expect("robin", "dm", "/memory recent", &["(to be remembered)", "Luna", "Tern"]).await;
        let here = house.told("robin", "lounge/general", "/memory").await;
        assert!(here.contains("Tern") && !here.contains("Luna") && !here.contains("key"), "{here}");
        house.expect("robin", "dm", "/memory search key", &["under the"]).await;
        let twice = house.asker("robin", "dm");
        house.reply(&twice, "/remember Only once.").await;
        house.reply(&twice, "/remember Only once.").await;
        assert_eq!(house.told("robin", "dm", "/memory recent").await.matches("Only once.").count(), 1);
    }
}

#[tokio::test]
async fn pages_are_turned_by_whoever_asked() {
    for store in stores().await {
        let house = house(&store).await;
        for number in 0..20 {
            house.reply(&house.asker("robin", "dm"), &format!("/remember Thing {number}.")).await;
            house.clock.advance(Duration::from_secs(1));
        }
        let asker = house.asker("robin", "dm");
        let first = house.reply(&asker, "/memory recent").await;
        assert_eq!(first.buttons.iter().map(|it| it.label.as_str()).collect::<Vec<_>>(), ["Earlier ▶"]);
        assert!(first.text.contains("Thing 19.") && !first.text.contains("Thing 11."), "{}", first.text);
        let data = &first.buttons[0].data;
        let Pressed::Replace(second) = house.commands.press(data, &asker).await.unwrap() else { panic!() };
        assert!(second.text.contains("Thing 11.") && second.buttons.len() == 2, "{}", second.text);
        let other = house.asker("sam", "dm");
        assert!(matches!(house.commands.press(data, &other).await.unwrap(), Pressed::Notice(_)));
        let elsewhere = house.asker("robin", "lounge/general");
        assert!(matches!(house.commands.press(data, &elsewhere).await.unwrap(), Pressed::Notice(_)));
        for wrong in ["", "/", "nothing/1", &data.replace("/1", "/x"), &data.replace("/1", "/-1")] {
            assert!(
                matches!(house.commands.press(wrong, &asker).await.unwrap(), Pressed::Notice(_)),
                "{wrong}"
            );
        }
        house.clock.advance(Duration::from_secs(16 * 60));
        assert!(matches!(house.commands.press(data, &asker).await.unwrap(), Pressed::Notice(_)), "too old");
    }
}

#[tokio::test]
async fn forgetting_asks_first_and_then_forgets() {
    for store in stores().await {
        let house = house(&store).await;
        house.say("robin", "dm", "I have a dog named Luna.").await;
        house.say("robin", "dm", "I live in Lisbon.").await;
        let asker = house.asker("robin", "dm");
        house.expect("robin", "dm", "/forget unicorn", &["Nothing of yours"]).await;
        let asked = house.reply(&asker, "/forget luna").await;
        assert!(asked.text.contains("you said: “I have a dog named Luna.”"), "{}", asked.text);
        assert!(!asked.text.contains("Lisbon"));
        let keep = house.commands.press(&asked.buttons[1].data, &asker).await.unwrap();
        assert_eq!(keep, Pressed::Replace(Reply::text("Kept.")));
        house.expect("robin", "dm", "/memory search luna", &["Luna"]).await;
        for _ in 0..2 {
            let done = house.commands.press(&asked.buttons[0].data, &asker).await.unwrap();
            assert!(
                matches!(&done, Pressed::Replace(reply) if reply.text.to_lowercase().contains("forgotten")),
                "{done:?}"
            );
        }
        house.expect("robin", "dm", "/memory search luna", &["Nothing on record"]).await;
        let last = house.reply(&asker, "/forget last").await;
        assert!(last.text.contains("Lisbon"), "{}", last.text);
        house.commands.press(&last.buttons[0].data, &asker).await.unwrap();
        house.expect("robin", "dm", "/memory recent", &["Nothing of yours"]).await;
        assert_eq!(house.memory.stats().await.unwrap().memories, 0, "{}", house.name);
    }
}

#[tokio::test]
async fn wishes_are_those_that_answers_keep_to() {
    for store in stores().await {
        let house = house(&store).await;
        for (line, part) in [
            ("/settings verbosity short", "verbosity: short"),
            ("/settings language german", "language: de"),
            ("/settings nickname Captain *R*", "Captain"),
            ("/timezone europe/lisbon", "Europe/Lisbon. It is 00:00 there."),
        ] {
            house.expect("robin", "dm", line, &[part]).await;
        }
        let parts =
            ["verbosity: short", "style: default", "language: de", "Captain", "timezone: Europe/Lisbon"];
        house.expect("robin", "dm", "/settings", &parts).await;
        let held = house.memory.preferences(&house.asker("robin", "dm").viewer).await.unwrap();
        assert_eq!(held.timezone.as_deref(), Some("Europe/Lisbon"));
        house.expect("robin", "dm", "/timezone default", &["back to the default"]).await;
        house.expect("robin", "dm", "/settings", &["timezone: default"]).await;
        house.expect("robin", "dm", "/privacy", &["0 messages", "3 wishes", "/privacy set apart on"]).await;
        house.expect("robin", "dm", "/privacy set apart on", &["nothing that you said on a server"]).await;
        house.expect("robin", "dm", "/privacy view", &["kept apart"]).await;
    }
}

#[tokio::test]
async fn an_answer_is_explained_to_whom_it_was_given() {
    for store in stores().await {
        let house = house(&store).await;
        house.expect("robin", "dm", "/why", &["have not answered you"]).await;
        house.say("robin", "dm", "I have a dog named Luna.").await;
        house.say("robin", "dm", "What is my dog called?").await;
        let parts = ["“What is my dog called?”", "built-in responder", "said by a person", "Luna"];
        house.expect("robin", "dm", "/why", &parts).await;
        house.expect("sam", "dm", "/why", &["have not answered you"]).await;
        house.expect("robin", "lounge/general", "/why", &["have not answered you"]).await;
        // An account holds no words: what is forgotten is gone from it, too.
        let asker = house.asker("robin", "dm");
        let asked = house.reply(&asker, "/forget dog named").await;
        house.commands.press(&asked.buttons[0].data, &asker).await.unwrap();
        let why = house.told("robin", "dm", "/why").await;
        assert!(!why.contains("Luna") && why.contains("is forgotten"), "{why}");
        house.say("robin", "dm", "/reflect What is a good life?").await;
        house.expect("robin", "dm", "/why", &["a matter for thought, 100 % sure"]).await;
        house
            .expect(
                "robin",
                "dm",
                "/budget",
                &["you: today $0.0000 (no limit)", "this month", "There is no limit"],
            )
            .await;
    }
}

#[tokio::test]
async fn some_commands_are_for_the_flow_of_talk() {
    for store in stores().await {
        let house = house(&store).await;
        let asker = house.asker("robin", "dm");
        assert_eq!(house.outcome(&asker, "/stop").await, Outcome::Stop);
        let expected = Outcome::Say("/reflect on  this".to_owned());
        assert_eq!(house.outcome(&asker, "/reflect on  this").await, expected);
    }
}

#[tokio::test]
async fn a_character_is_chosen_where_one_may_choose() {
    for store in stores().await {
        let house = house(&store).await;
        let gate = house.conversations.gate();
        let dm = Scope::Dm(UserId::new("test:robin").unwrap());
        house.expect("robin", "dm", "/character", &["Elena"]).await;
        house.expect("robin", "dm", "/character set iriss", &["did you mean `iris`?"]).await;
        house.expect("robin", "dm", "/character set iris", &["answers here from now on"]).await;
        assert_eq!(gate.chosen(&dm).await.unwrap().unwrap().as_str(), "iris");
        house.expect("robin", "lounge/general", "/character set iris", &["people in charge"]).await;
        let lounge = house.asker("robin", "lounge/general").viewer.scope();
        assert_eq!(gate.chosen(&lounge).await.unwrap(), None);
        let reply = house.reply(&house.asker("boss", "lounge/general"), "/character set iris").await;
        assert!(!reply.ephemeral && gate.chosen(&lounge).await.unwrap().is_some());
        assert_eq!(house.commands.complete(Kind::Character, "ir"), ["iris"]);
        assert_eq!(house.commands.complete(Kind::Timezone, "berlin"), ["Europe/Berlin"]);
        assert!(house.commands.complete(Kind::Timezone, "").len() <= 25);
    }
}

#[tokio::test]
async fn the_people_in_charge_are_obeyed_and_nobody_else() {
    for store in stores().await {
        let house = house(&store).await;
        house.expect("robin", "dm", "/admin deny all", &["You are `test:robin`"]).await;
        assert_eq!(house.conversations.gate().rules().await.unwrap().iter().count(), 0);
        let subject = |name: &str| Subject {
            user: UserId::new(format!("test:{name}")).unwrap(),
            roles: Vec::new(),
            channel: None,
            guild: None,
            dm: true,
        };
        let admits = async |name: &str| house.commands.admits(&subject(name), &Place::Dm).await.unwrap();
        assert!(admits("robin").await);
        house.expect("boss", "dm", "/admin deny robin", &["names nobody"]).await;
        house.expect("boss", "dm", "/admin deny here", &["private talk"]).await;
        house.expect("boss", "dm", "/admin deny all", &["deny `all`"]).await;
        assert!(!admits("robin").await && admits("boss").await);
        house.expect("boss", "dm", "/admin allow test:robin", &["allow `test:robin`", "deny `all`"]).await;
        assert!(admits("robin").await && !admits("sam").await);
        house.expect("boss", "lounge/general", "/admin deny here", &["deny `channel:lounge/general`"]).await;

        house.expect("boss", "dm", "/admin pause everywhere", &["Silent everywhere"]).await;
        assert!(!admits("robin").await && admits("boss").await);
        house.expect("boss", "dm", "/admin resume", &["the other kind"]).await;
        house.expect("boss", "dm", "/admin resume everywhere", &["Talking again"]).await;
        assert!(admits("robin").await);

        let (elena, robin) = (CharacterId::new("elena").unwrap(), UserId::new("test:robin").unwrap());
        house.expect("boss", "dm", "/admin reset-trust test:robin", &["never talked"]).await;
        house.relationships.record_turn(&elena, &robin, "1", Tone::Warm, house.clock.now()).await.unwrap();
        house.expect("boss", "dm", "/admin reset-trust test:robin", &["→ 0.0"]).await;
        let standing = house.relationships.standing(&elena, &robin, house.clock.now(), None).await.unwrap();
        assert!(standing.trust.get().abs() < 1e-9);

        house.expect("boss", "dm", "/admin say-as iris Good evening.", &["**Iris", "Good evening."]).await;
        house.expect("boss", "dm", "/admin reload", &["Read again: "]).await;
        house.clock.advance(Duration::from_secs(2 * 3_600 + 180));
        let parts = ["up 2 h 3 min", "main: offline", "not sent yet: 0", "access rules: 3", "in charge: 1"];
        house.expect("boss", "dm", "/admin status", &parts).await;
    }
}

#[tokio::test]
async fn what_is_opened_in_a_menu_is_explained_and_forgotten() {
    for store in stores().await {
        let (house, fake) = (house(&store).await, Arc::new(Fake::default()));
        house.conversations.connect(fake.clone()).await.unwrap();
        let asker = Asker { address: Some("room".to_owned()), ..house.asker("robin", "dm") };
        let inbound = Inbound {
            platform: "test".to_owned(),
            platform_id: "said-1".to_owned(),
            character: asker.viewer.character.clone(),
            user: asker.viewer.user.clone(),
            user_name: "robin".to_owned(),
            place: Place::Dm,
            text: "I have a dog named Luna.".to_owned(),
            beside: Vec::new(),
            at: house.clock.now(),
            address: asker.address.clone(),
        };
        house.conversations.take_in(inbound).await.unwrap();
        // The notice of the offline responder is the first.
        let answer = fake.shows(&store.database, "").await;
        let why = house.commands.why_this("room", &answer, &asker).await.unwrap();
        assert!(why.text.contains("“I have a dog named Luna.”"), "{}: {}", house.name, why.text);
        for (room, id) in [("room", "99"), ("other", answer.as_str())] {
            let none = house.commands.why_this(room, id, &asker).await.unwrap();
            assert!(none.text.contains("no answer of mine"), "{}", none.text);
        }
        let stranger = house.asker("sam", "dm");
        assert!(
            house.commands.why_this("room", &answer, &stranger).await.unwrap().text.contains("no answer")
        );
        assert!(house.commands.forget_this("said-1", &stranger).await.unwrap().buttons.is_empty());

        let held = async || -> i64 {
            sqlx::query_scalar("SELECT count(*) FROM outbox WHERE key LIKE '%/0' AND text <> ''")
                .fetch_one(store.database.readers())
                .await
                .unwrap()
        };
        assert!(held().await > 0);
        let asked = house.commands.forget_this("said-1", &asker).await.unwrap();
        house.commands.press(&asked.buttons[0].data, &asker).await.unwrap();
        assert_eq!(held().await, 0, "no word of it stays in the outbox");
        house.expect("robin", "dm", "/memory search luna", &["Nothing on record"]).await;

        let boss = Asker { address: Some("room".to_owned()), ..house.asker("boss", "lounge/general") };
        for _ in 0..2 {
            assert!(house.reply(&boss, "/admin say-as elena Good evening.").await.text.contains("Said as"));
        }
        fake.shows(&store.database, "Good evening.").await;
        assert_eq!(fake.0.lock().unwrap().iter().filter(|text| *text == "Good evening.").count(), 1);
        assert!(house.conversations.close(Duration::from_secs(5)).await);
    }
}
