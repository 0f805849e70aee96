//! Telegram by webhook, against the simulated Bot API server: what is stored is confirmed, and nothing else is let in.

use std::{
    net::TcpListener,
    process::Stdio,
    time::{Duration, Instant},
};

use dramatis::llm::simulator::{Behaviour, Simulator};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{
    Running, answers,
    program::{self, Home},
    wire::{self, Telegram, webhook::forged},
};

/// A program that listens for updates.
struct Listening {
    running: Running,
    url: String,
}

impl Listening {
    fn start(home: &Home, telegram: &Telegram, port: u16, more: &[(&str, String)]) -> Self {
        let url = format!("http://127.0.0.1:{port}/telegram/updates");
        let mut settings = vec![
            ("TELEGRAM_WEBHOOK_URL", url.clone()),
            ("TELEGRAM_WEBHOOK_ADDR", format!("127.0.0.1:{port}")),
        ];
        settings.extend(more.iter().cloned());
        Self { running: Running::start(home, telegram, &settings), url }
    }

    fn kill(&mut self) {
        self.running.kill();
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_telegram_is_let_in() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let running = Listening::start(&home, &telegram, free_port(), &[]);
    telegram.until("a webhook", |it| it.hook().is_some()).await;
    let hook = telegram.hook().unwrap();
    assert_eq!((hook.url.as_str(), hook.connections), (running.url.as_str(), 1));
    assert!(hook.secret.len() >= 32);
    let update = forged(66, "I am Telegram, honestly.");
    let wrong = "x".repeat(hook.secret.len());
    for secret in [None, Some(""), Some("no"), Some(wrong.as_str())] {
        assert_eq!(hook.post(&update, secret).await, Some(401), "{secret:?}");
    }
    let mut large = update.clone();
    large["message"]["text"] = "x".repeat(2 * 1024 * 1024).into();
    assert_eq!(hook.post(&large, Some(&hook.secret)).await, Some(413));
    assert_eq!(hook.post(&"no update".into(), Some(&hook.secret)).await, Some(400));
    telegram.say(7, "Are you there?");
    telegram.until("an answer", |it| answers(it, 7).len() == 1).await;
    assert!(answers(&telegram, 66).is_empty());
    assert_eq!(telegram.polls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_lasts_one_start_and_polling_ends_the_webhook() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let port = free_port();
    let mut running = Listening::start(&home, &telegram, port, &[]);
    telegram.until("a webhook", |it| it.hook().is_some()).await;
    let first = telegram.hook().unwrap().secret;
    running.kill();
    telegram.say(7, "Is anybody there?");
    let mut running = Listening::start(&home, &telegram, port, &[]);
    telegram.until("an answer", |it| answers(it, 7).len() == 1).await;
    let hook = telegram.hook().unwrap();
    assert_ne!(hook.secret, first);
    assert_eq!(hook.post(&forged(66, "hello"), Some(&first)).await, Some(401));
    running.kill();
    let mut command = home.command(&["run"]);
    command.env("TELEGRAM_TOKEN", wire::TOKEN).env("TELEGRAM_API_URL", telegram.api_url());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _polling = Running(command.spawn().unwrap());
    telegram.say(7, "And now?");
    telegram.until("an answer by polling", |it| answers(it, 7).len() == 2).await;
    assert!(telegram.hook().is_none());
}

/// Each update comes twice at once: messages, commands, presses, changes and reactions are done once.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_twice_is_done_once() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    telegram.double();
    let simulator = Simulator::start(Behaviour::Echo).await.unwrap();
    let model = [("LLM_BASE_URL", simulator.base_url()), ("LLM_MODEL", "simulated".to_owned())];
    let _running = Listening::start(&home, &telegram, free_port(), &model);
    telegram.say(7, "Once.");
    telegram.until("an answer", |it| answers(it, 7).len() == 1).await;
    telegram.say(7, "/remember My boat is called Tern.");
    telegram.until("a word about it", |it| answers(it, 7).len() == 2).await;
    telegram.say(7, "/memory recent");
    telegram.until("what is remembered", |it| answers(it, 7).len() == 3).await;
    assert_eq!(answers(&telegram, 7)[2].matches("Tern").count(), 1, "{:?}", answers(&telegram, 7));
    telegram.say(7, "/forget tern");
    telegram.until("a question", |it| answers(it, 7).len() == 4).await;
    let asked = telegram.shown(7).into_iter().rfind(|it| !it.buttons.is_empty()).unwrap();
    telegram.press(7, &asked, "Keep it");
    telegram.until("it is kept", |it| answers(it, 7).iter().any(|text| text == "Kept.")).await;
    telegram.until("all are taken in", |it| it.unconfirmed() == 0).await;
    assert_eq!(telegram.calls("answerCallbackQuery").len(), 1);
    assert_eq!(answers(&telegram, 7).len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_telegram_refuses_ends_with_what_to_do() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    telegram.fail("setWebhook", wire::Fault::Status(502, "Bad Gateway".to_owned()));
    let refused = "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443";
    telegram.fail("setWebhook", wire::Fault::Status(400, refused.to_owned()));
    let mut command = home.command(&["run"]);
    command
        .env("TELEGRAM_TOKEN", wire::TOKEN)
        .env("TELEGRAM_API_URL", telegram.api_url())
        .env("TELEGRAM_WEBHOOK_URL", "https://bot.example.org:99/")
        .env("TELEGRAM_WEBHOOK_ADDR", format!("127.0.0.1:{}", free_port()));
    let output = tokio::task::spawn_blocking(move || program::run(command, "")).await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("TELEGRAM_WEBHOOK_URL"), "{text}");
}

/// The promise, by webhook: every message is answered once and in order, however often the program is killed.
#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_and_double_nothing() {
    const PEOPLE: i64 = 12;
    const EACH: usize = 5;
    const KILLS: usize = 8;
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let simulator = Simulator::start(Behaviour::Echo).await.unwrap();
    let model = [("LLM_BASE_URL", simulator.base_url()), ("LLM_MODEL", "simulated".to_owned())];
    let port = free_port();
    let mut running = Listening::start(&home, &telegram, port, &model);
    let mut random = StdRng::seed_from_u64(5);
    let mut said = vec![0_usize; usize::try_from(PEOPLE).unwrap()];
    let mut kills = 0;
    let deadline = Instant::now() + Duration::from_secs(200);
    loop {
        for person in 0..PEOPLE {
            let count = &mut said[usize::try_from(person).unwrap()];
            let answered = answers(&telegram, 1_000 + person).len() >= *count;
            if *count < EACH && answered && random.random_bool(0.6) {
                telegram.say(1_000 + person, &format!("Message {person}-{count}."));
                *count += 1;
            }
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(5..120))).await;
        if kills < KILLS && random.random_bool(0.3) {
            running.kill();
            kills += 1;
            running = Listening::start(&home, &telegram, port, &model);
        }
        let done = (0..PEOPLE).all(|person| answers(&telegram, 1_000 + person).len() >= EACH);
        if done && kills == KILLS {
            break;
        }
        assert!(Instant::now() < deadline, "not all were answered; {kills} kills; {said:?}");
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    for person in 0..PEOPLE {
        let expected: Vec<String> =
            (0..EACH).map(|number| format!("You said: Message {person}-{number}.")).collect();
        assert_eq!(answers(&telegram, 1_000 + person), expected);
    }
}
