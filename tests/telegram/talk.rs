//! Talk: what is said to the character, and what comes back, whatever goes wrong.

use std::{net::TcpListener, process::Command, time::Duration};

use dramatis::llm::simulator::{Answer, Behaviour, Simulator};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{
    GROUP, Running, answers, databases, model, program,
    program::Home,
    wire,
    wire::{Fault, Telegram},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_private_talk_is_remembered() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let _running = Running::start(&home, &telegram, &[]);
    telegram.say(7, "Hi, my name is Robin and I have a dog named Luna.");
    telegram.until("an answer", |it| answers(it, 7).len() == 1).await;
    telegram.say(7, "What is my dog called?");
    telegram.until("a second answer", |it| answers(it, 7).len() == 2).await;
    assert!(answers(&telegram, 7)[1].contains("Luna"), "{:?}", answers(&telegram, 7));
    telegram.say(8, "What is my dog called?");
    telegram.until("an answer to another", |it| answers(it, 8).len() == 1).await;
    assert!(!answers(&telegram, 8)[0].contains("Luna"));
    telegram.until("all updates confirmed", |it| it.unconfirmed() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_group_it_speaks_when_it_is_spoken_to() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let _running = Running::start(&home, &telegram, &[]);
    telegram.say_in(GROUP, 7, "I wonder who is around.", None, None);
    let asked = telegram.say_in(GROUP, 7, "@wire_bot who are you?", None, None);
    telegram.until("an answer to the mention", |it| answers(it, GROUP).len() == 1).await;
    let first = telegram.shown(GROUP).last().unwrap().clone();
    assert_eq!(telegram.shown(GROUP).iter().filter_map(|it| it.reply_to).next_back(), Some(asked));
    telegram.say_in(GROUP, 8, "and what do you love?", Some(55), Some(first.id));
    telegram
        .until("an answer to the reply, in its topic", |it| {
            it.shown(GROUP).iter().any(|it| it.thread == Some(55) && it.reply_to.is_some())
        })
        .await;
    telegram.say_in(GROUP, 8, "/help@other_bot", None, None);
    telegram.say_in(GROUP, 8, "/trust@wire_bot", None, None);
    telegram.until("the trust", |it| answers(it, GROUP).iter().any(|text| text.contains("trust"))).await;
    assert!(!answers(&telegram, GROUP).iter().any(|text| text.contains("/help:")));
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_listed_and_answered() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let _running = Running::start(&home, &telegram, &[]);
    for (command, part) in [
        ("/start", "I am Elena"),
        ("/help", "/trust:"),
        ("/about", "AI character"),
        ("/trust", "stranger"),
        ("/nonsense", "/help shows"),
    ] {
        let before = telegram.shown(7).len();
        telegram.say(7, command);
        telegram.until(command, |it| it.shown(7).len() > before).await;
        assert!(
            telegram.shown(7).last().unwrap().text.contains(part),
            "{command}: {:?}",
            telegram.shown(7).last()
        );
    }
    assert!(telegram.commands().to_string().contains("trust"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_appears_while_it_is_written() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let text =
        "One word after the other comes out of the fog, until the whole boat is there to see for everybody.";
    let slow = Answer { delay: Duration::from_millis(250), ..Answer::new(text).in_pieces(16) };
    let simulator = Simulator::start(Behaviour::Stream(slow)).await.unwrap();
    let _running = Running::start(&home, &telegram, &model(&simulator));
    telegram.say(7, "Tell me.");
    telegram.until("the whole answer", |it| it.shown(7).first().is_some_and(|it| it.text == text)).await;
    let shown = telegram.shown(7);
    assert_eq!(shown.len(), 1, "one message: {shown:#?}");
    let edits = &shown[0].edits;
    assert!(edits.len() >= 2, "it grew: {edits:?}");
    for pair in edits.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= Duration::from_millis(950), "more than one change a second");
        assert!(pair[1].1.len() > pair[0].1.len());
    }
    assert!(!telegram.calls("sendChatAction").is_empty(), "it was seen typing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_arrives_whole() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let code =
        (0..600).map(|line| format!("let x{line} = \"<{line}>\"; // 👩‍👩‍👧‍👦\n")).collect::<Vec<_>>().concat();
    let text = format!(
        "# Here\n\n```rust\n{code}```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n{}\n\n{}",
        "שלום ".repeat(300),
        "w".repeat(12_000)
    );
    assert!(text.chars().count() > 30_000);
    let simulator = Simulator::start(Behaviour::Stream(Answer::new(text.as_str()))).await.unwrap();
    let _running = Running::start(&home, &telegram, &model(&simulator));
    telegram.say(7, "Everything, please.");
    telegram
        .until("the end", |it| {
            it.shown(7).iter().map(|it| it.text.matches('w').count()).sum::<usize>() >= 12_000
        })
        .await;
    let shown = telegram.shown(7);
    let all: String = shown.iter().map(|it| it.text.as_str()).collect::<Vec<_>>().join("\n");
    for line in 0..600 {
        assert!(all.contains(&format!("let x{line} = \"<{line}>\"; // 👩‍👩‍👧‍👦")), "line {line} is missing");
    }
    assert_eq!(all.matches("שלום").count(), 300);
    assert!(shown.len() >= 6 && shown.iter().all(|it| it.html), "every piece was understood");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_wait_delays_and_loses_nothing() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    telegram.fail("sendMessage", Fault::Flood(2));
    telegram.fail(
        "sendMessage",
        Fault::Status(400, "Bad Request: can't parse entities: unsupported start tag".to_owned()),
    );
    telegram.fail("getUpdates", Fault::Status(502, "Bad Gateway".to_owned()));
    let simulator = Simulator::start(Behaviour::answer("Here I am.")).await.unwrap();
    let _running = Running::start(&home, &telegram, &model(&simulator));
    telegram.say(7, "Are you there?");
    telegram.until("an answer", |it| answers(it, 7) == ["Here I am."]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(answers(&telegram, 7), ["Here I am."]);
}

/// Telegram has done what was asked, and the answer is lost: the message must not come twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_acknowledgement_doubles_nothing() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    telegram.fail("sendMessage", Fault::DoneButSilent);
    let simulator = Simulator::start(Behaviour::answer("Once.")).await.unwrap();
    let _running = Running::start(&home, &telegram, &model(&simulator));
    telegram.say(7, "Say it once.");
    telegram.until("an answer", |it| answers(it, 7).len() == 1).await;
    telegram.say(7, "And again.");
    telegram.until("the next answer", |it| answers(it, 7).len() >= 2).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(answers(&telegram, 7), ["Once.", "Once."]);
}

/// What a killed process sent may get to the platform after the next one has started.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_at_a_kill_is_not_sent_again() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let simulator = Simulator::start(Behaviour::answer("Once.")).await.unwrap();
    telegram.fail("sendMessage", Fault::Late(Duration::from_secs(1)));
    let mut running = Running::start(&home, &telegram, &model(&simulator));
    telegram.say(7, "Say it once.");
    telegram.until("the message goes out", |it| !it.calls("sendMessage").is_empty()).await;
    running.kill();
    let _running = Running::start(&home, &telegram, &model(&simulator));
    telegram.until("it is found", |it| !it.calls("editMessageReplyMarkup").is_empty()).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(answers(&telegram, 7), ["Once."]);
    assert_eq!(telegram.calls("sendMessage").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn quick_messages_of_one_person_get_one_answer() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let simulator = Simulator::start(Behaviour::answer("To all three.")).await.unwrap();
    let _running = Running::start(&home, &telegram, &model(&simulator));
    telegram.until("it polls", |it| it.polls() > 0).await;
    for text in ["@wire_bot the first", "@wire_bot the second", "@wire_bot the third"] {
        telegram.say_in(GROUP, 7, text, None, None);
    }
    telegram.say_in(GROUP, 8, "@wire_bot and I", None, None);
    telegram.until("an answer to each", |it| answers(it, GROUP).len() == 2).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(answers(&telegram, GROUP).len(), 2);
    let asked: Vec<String> =
        simulator.requests().iter().map(|it| it.contents().last().unwrap().to_string()).collect();
    assert!(asked[0].contains("the first\n  the second\n  the third"), "{asked:?}");
    assert!(asked[1].contains("and I"), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_message_begins_the_turn_again_and_stop_ends_it() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let slow = Answer { delay: Duration::from_secs(3), ..Answer::new("Paris it is.").in_pieces(1) };
    let simulator = Simulator::start(Behaviour::answer("London it is.")).await.unwrap();
    simulator.script([Behaviour::Stream(slow.clone())]);
    let _running = Running::start(&home, &telegram, &model(&simulator));
    let id = telegram.say(7, "What about Paris?");
    telegram.until("the first request", |_| simulator.requests().len() == 1).await;
    telegram.edit(7, id, "What about London?");
    telegram.until("the answer", |it| answers(it, 7) == ["London it is."]).await;
    assert!(simulator.requests()[1].contents().last().unwrap().contains("London"));

    simulator.script([Behaviour::Stream(slow)]);
    telegram.say(7, "And Paris again?");
    telegram.until("the third request", |_| simulator.requests().len() == 3).await;
    telegram.say(7, "/stop");
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(answers(&telegram, 7), ["London it is."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_moved_and_a_person_who_left_stop_nothing() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    telegram.migrate(-5, -1005);
    telegram.block(9);
    let _running = Running::start(&home, &telegram, &[]);
    telegram.say(9, "hello");
    telegram.say_in(-5, 7, "@wire_bot hello", None, None);
    telegram.until("an answer in the new group", |it| !answers(it, -1005).is_empty()).await;
    telegram.say(7, "hello");
    telegram.until("an answer to somebody else", |it| answers(it, 7).len() == 1).await;
    assert!(answers(&telegram, 9).is_empty());
}

/// What was begun in the old group cannot be changed from the new one: all of it comes there.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_moves_half_way_gets_the_whole_answer() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let text = "One word after the other comes out of the fog, until the boat is there.";
    let slow = Answer { delay: Duration::from_millis(300), ..Answer::new(text).in_pieces(12) };
    let simulator = Simulator::start(Behaviour::Stream(slow)).await.unwrap();
    let _running = Running::start(&home, &telegram, &model(&simulator));
    telegram.say_in(-5, 7, "@wire_bot tell me", None, None);
    telegram.until("the first words", |it| !answers(it, -5).is_empty()).await;
    telegram.migrate(-5, -1005);
    telegram.until("all of it", |it| answers(it, -1005) == [text]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_ends_with_what_to_do() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let mut command = home.command(&["run"]);
    command.env("TELEGRAM_TOKEN", "1:wrong").env("TELEGRAM_API_URL", telegram.api_url());
    let output = tokio::task::spawn_blocking(move || program::run(command, "")).await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("@BotFather") && !text.contains("1:wrong"), "{text}");
}

/// The token stands in every address, so none is followed to another host, whatever the server says.
#[tokio::test(flavor = "multi_thread")]
async fn no_redirect_is_followed() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let address = format!("http://{}", trap.local_addr().unwrap());
    for method in ["getMe", "getUpdates", "setMyCommands"] {
        telegram.fail(method, Fault::Elsewhere(address.clone()));
    }
    let simulator = Simulator::start(Behaviour::answer("Still at home.")).await.unwrap();
    let _running = Running::start(&home, &telegram, &model(&simulator));
    telegram.say(7, "Where are you?");
    telegram.until("an answer", |it| answers(it, 7) == ["Still at home."]).await;
    assert!(trap.accept().is_err(), "another host was spoken to");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_looks_at_the_account() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    for (token, part, fine) in [(wire::TOKEN, "@wire_bot", true), ("1:wrong", "@BotFather", false)] {
        let mut command = home.command(&["doctor"]);
        command.env("TELEGRAM_TOKEN", token).env("TELEGRAM_API_URL", telegram.api_url());
        let output = tokio::task::spawn_blocking(move || program::run(command, "")).await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() == fine && text.contains(part), "{text}");
        assert!(!text.contains(token), "a token is a secret: {text}");
    }
}

/// A stop ends the turn under way first, and says so; what comes later is answered by the next start.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_in_order() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let slow = Answer { delay: Duration::from_secs(1), ..Answer::new("I finish what I say.").in_pieces(1) };
    let simulator = Simulator::start(Behaviour::answer("And I am back.")).await.unwrap();
    simulator.script([Behaviour::Stream(slow)]);
    let mut running = Running::start(&home, &telegram, &model(&simulator));
    telegram.say(7, "Say something slow.");
    telegram.until("the request", |_| simulator.requests().len() == 1).await;
    let stop = Command::new("kill").args(["-TERM", &running.0.id().to_string()]).status().unwrap();
    assert!(stop.success());
    let status = tokio::task::spawn_blocking(move || running.0.wait().unwrap()).await.unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(answers(&telegram, 7), ["I finish what I say."]);
    telegram.say(7, "Are you back?");
    let _running = Running::start(&home, &telegram, &model(&simulator));
    telegram.until("the next answer", |it| answers(it, 7).len() == 2).await;
    assert_eq!(answers(&telegram, 7)[1], "And I am back.");
}

/// The promise: 200 messages of 20 people, 20 kills; each message is answered once, in order.
#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_and_double_nothing() {
    kills_lose_and_double_nothing(20, 10, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_and_double_nothing_on_postgres() {
    if let Some(address) = databases::postgres().await {
        kills_lose_and_double_nothing(6, 4, Some(address)).await;
    }
}

/// Kills the program so many times while each of twenty people says so many messages.
async fn kills_lose_and_double_nothing(most: usize, each: usize, database: Option<String>) {
    const PEOPLE: i64 = 20;
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let simulator = Simulator::start(Behaviour::Echo).await.unwrap();
    let mut settings = model(&simulator).to_vec();
    settings.extend(database.map(|address| ("DATABASE_URL", address)));
    let mut running = Running::start(&home, &telegram, &settings);
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(3);
    let mut random = StdRng::seed_from_u64(seed);
    let mut said = vec![0_usize; usize::try_from(PEOPLE).unwrap()];
    let mut kills = 0;
    let done = |telegram: &Telegram, said: &[usize]| {
        (0..PEOPLE)
            .all(|person| answers(telegram, 1_000 + person).len() >= said[usize::try_from(person).unwrap()])
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(240);
    loop {
        for person in 0..PEOPLE {
            let index = usize::try_from(person).unwrap();
            // Everybody waits for their answer before they go on.
            if said[index] < each
                && answers(&telegram, 1_000 + person).len() >= said[index]
                && random.random_bool(0.6)
            {
                telegram.say(1_000 + person, &format!("Message {index}-{}.", said[index]));
                said[index] += 1;
            }
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(5..120))).await;
        if kills < most && random.random_bool(0.3) {
            running.kill();
            kills += 1;
            running = Running::start(&home, &telegram, &settings);
        }
        let all_said = said.iter().all(|count| *count == each);
        if all_said && kills == most && done(&telegram, &said) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "not all were answered; {kills} kills; {said:?}");
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    for person in 0..PEOPLE {
        let expected: Vec<String> =
            (0..each).map(|number| format!("You said: Message {person}-{number}.")).collect();
        assert_eq!(answers(&telegram, 1_000 + person), expected);
    }
    let probes = telegram.calls("editMessageReplyMarkup").len();
    println!("{} messages, {kills} kills, each answered once; {probes} looks for lost messages", each * 20);
}
