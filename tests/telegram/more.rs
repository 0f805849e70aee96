//! What else happens on Telegram, against the simulated Bot API server: reactions, files, channels, groups that move.

use std::{fs, path::Path, time::Duration};

use dramatis::llm::simulator::{Behaviour, Simulator};
use serde_json::json;

use super::{
    GROUP, Running, answers, ask,
    program::Home,
    shown,
    wire::{self, Telegram},
};

async fn settled(telegram: &Telegram) {
    telegram.until("all updates confirmed", |it| it.unconfirmed() == 0).await;
}

async fn trust(telegram: &Telegram, chat: i64, user: i64) -> i64 {
    let text = ask(telegram, chat, user, "/trust@wire_bot").await.text;
    let number =
        text.split(|c: char| !c.is_ascii_digit() && c != '-').find(|part| part.parse::<i64>().is_ok());
    number.unwrap_or_else(|| panic!("no trust in {text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_change_trust_and_can_be_taken_back() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let _running = Running::start(&home, &telegram, &[]);
    let answer = ask(&telegram, 7, 7, "Hello there!").await;
    let before = trust(&telegram, 7, 7).await;
    telegram.react(7, 7, answer.id, (&[], &["👍"]));
    settled(&telegram).await;
    assert_eq!(trust(&telegram, 7, 7).await, before + 5);
    telegram.react(7, 7, answer.id, (&["👍"], &["👎"]));
    settled(&telegram).await;
    assert_eq!(trust(&telegram, 7, 7).await, before - 5);
    telegram.react(7, 7, answer.id, (&["👎"], &[]));
    settled(&telegram).await;
    assert_eq!(trust(&telegram, 7, 7).await, before);
}

/// A liked answer is an example for the next message like its own, `/why` says so, and a change of mind ends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_liked_answer_is_an_example_until_the_reaction_changes() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let simulator = Simulator::start(Behaviour::answer("At noon, captain.")).await.unwrap();
    let _running = Running::start(&home, &telegram, &super::model(&simulator));
    let shows = async |text: &str| {
        let before = simulator.requests().len();
        let answer = ask(&telegram, 7, 7, text).await;
        settled(&telegram).await;
        let requests = simulator.requests();
        let seen = |text: &&str| text.contains("You answered: At noon, captain.");
        (answer, requests[before..].iter().any(|it| it.contents().iter().any(seen)))
    };
    let (answer, seen) = shows("Good morning, the tide turns in the harbour!").await;
    assert!(!seen);
    telegram.react(7, 7, answer.id, (&[], &["👍"]));
    settled(&telegram).await;
    assert!(shows("Good morning, the tide turns in our harbour!").await.1);
    // The answer is seen a moment before it is stored.
    let mut why = ask(&telegram, 7, 7, "/why").await.text;
    for _ in 0..20 {
        if why.contains("our harbour") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        why = ask(&telegram, 7, 7, "/why").await.text;
    }
    assert!(why.contains("I had 1 earlier exchange that went well"), "{why}");
    telegram.react(7, 7, answer.id, (&["👍"], &["👎"]));
    settled(&telegram).await;
    assert!(!shows("Good morning, the tide turns in this harbour!").await.1);
}

/// What a reaction reaches is said once, however often it is given, taken back and told twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_milestone_is_announced_once() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let characters = home.path().join("characters");
    let mara = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/characters/mara");
    fs::create_dir_all(characters.join("mara")).unwrap();
    for file in fs::read_dir(mara).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), characters.join("mara").join(file.file_name())).unwrap();
    }
    let evolution = characters.join("mara/evolution.yaml");
    let told = fs::read_to_string(&evolution).unwrap().replace("trust_level: 1,", "trust_level: 6,");
    fs::write(&evolution, told).unwrap();
    let more = [("CHARACTERS_DIR", characters.display().to_string()), ("CHARACTER", "mara".to_owned())];
    let _running = Running::start(&home, &telegram, &more);
    let answer = ask(&telegram, 7, 7, "Hello there!").await;
    let other = ask(&telegram, 7, 7, "Good morning!").await;
    for message in [answer.id, other.id, answer.id] {
        telegram.react(7, 7, message, (&[], &["👍"]));
        telegram.react(7, 7, message, (&[], &["👍"]));
        settled(&telegram).await;
        telegram.react(7, 7, message, (&["👍"], &[]));
        settled(&telegram).await;
        telegram.react(7, 7, message, (&[], &["👍"]));
        settled(&telegram).await;
    }
    telegram.until("the milestone", |it| answers(it, 7).iter().any(|text| text.contains("own rope"))).await;
    ask(&telegram, 7, 7, "And now?").await;
    let said = answers(&telegram, 7);
    assert_eq!(said.iter().filter(|text| text.contains("own rope")).count(), 1, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_groups_reactions_are_told_to_administrators() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let _running = Running::start(&home, &telegram, &[]);
    let answer = ask(&telegram, GROUP, 7, "@wire_bot hello!").await;
    let before = trust(&telegram, GROUP, 8).await;
    telegram.react(8, GROUP, answer.id, (&[], &["❤"]));
    settled(&telegram).await;
    assert_eq!(trust(&telegram, GROUP, 8).await, before);
    telegram.promote(GROUP);
    telegram.react(8, GROUP, answer.id, (&[], &["❤"]));
    settled(&telegram).await;
    assert_eq!(trust(&telegram, GROUP, 8).await, before + 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_stickers_are_shown_as_what_they_are() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let simulator = Simulator::start(Behaviour::answer("I see.")).await.unwrap();
    let model = [("LLM_BASE_URL", simulator.base_url()), ("LLM_MODEL", "simulated".to_owned())];
    let _running = Running::start(&home, &telegram, &model);
    let file = |id: &str, size: u64| json!({ "file_id": id, "file_unique_id": id, "file_size": size });
    let with = |mut file: serde_json::Value, more: serde_json::Value| {
        for (key, value) in more.as_object().unwrap() {
            file[key] = value.clone();
        }
        file
    };
    let sizes = json!([
        with(file("s", 10), json!({ "width": 9, "height": 9 })),
        with(file("l", 2_048), json!({ "width": 90, "height": 90 })),
    ]);
    let voice = with(file("v", 512), json!({ "duration": 4, "mime_type": "audio/ogg" }));
    let document = with(file("d", 99), json!({ "file_name": "tides.pdf", "mime_type": "application/pdf" }));
    let sticker = with(
        file("t", 9),
        json!({ "width": 9, "height": 9, "type": "regular", "is_animated": false, "is_video": false, "emoji": "🐙" }),
    );
    let location = json!({ "latitude": 54.3, "longitude": 10.1 });
    let contact = json!({ "phone_number": "123", "first_name": "Sam" });
    let cases = [
        (json!({ "photo": sizes, "caption": "The harbour." }), vec!["The harbour.", "picture", "image/jpeg"]),
        (json!({ "photo": sizes }), vec!["(sends a picture)"]),
        (json!({ "voice": voice }), vec!["(sends a voice note)", "voice note of 4 s", "audio/ogg"]),
        (json!({ "document": document }), vec!["(sends a file)", "tides.pdf", "application/pdf"]),
        (json!({ "sticker": sticker }), vec!["(sends a sticker)", "🐙"]),
        (json!({ "location": location }), vec!["(shares a place on the map)"]),
        (json!({ "contact": contact }), vec!["(shares the contact of Sam)"]),
    ];
    for (number, (sent, parts)) in cases.iter().enumerate() {
        telegram.send_in(7, 7, sent);
        telegram.until("an answer", |it| shown(it, 7).len() == number + 1).await;
        let asked = simulator.requests().last().unwrap().contents().join("\n");
        for part in parts {
            assert!(asked.contains(part), "{part} is missing in {asked}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_are_left_alone() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let _running = Running::start(&home, &telegram, &[]);
    telegram.until("it polls", |it| it.polls() > 0).await;
    let channel = json!({ "id": -1_009, "type": "channel", "title": "News" });
    let post = json!({ "message_id": 3, "date": 1_700_000_000, "chat": channel, "text": "@wire_bot news!" });
    telegram.anything("channel_post", post.clone());
    assert_eq!(telegram.unconfirmed(), 0, "posts of channels are not asked for");
    telegram.send_in(
        GROUP,
        777_000,
        &json!({
            "text": "@wire_bot news!", "is_automatic_forward": true, "sender_chat": channel,
            "forward_origin": { "type": "channel", "chat": channel, "message_id": 3, "date": 1_700_000_000 },
            "entities": [{ "type": "mention", "offset": 0, "length": 9 }],
        }),
    );
    ask(&telegram, 7, 7, "Hello?").await;
    settled(&telegram).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(shown(&telegram, GROUP).is_empty() && shown(&telegram, -1_009).is_empty());
}

/// The description is the character's, and is set once.
#[tokio::test(flavor = "multi_thread")]
async fn people_see_who_it_is_before_they_talk() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    telegram.fail("getMyShortDescription", wire::Fault::Status(400, "Bad Request: not today".to_owned()));
    let running = Running::start(&home, &telegram, &[]);
    telegram.until("a description", |it| it.description("setmydescription").is_some()).await;
    assert!(telegram.description("setmydescription").unwrap().contains("biologist"));
    ask(&telegram, 7, 7, "Hello?").await;
    drop(running);
    let _running = Running::start(&home, &telegram, &[]);
    telegram.until("the short one", |it| it.description("setmyshortdescription").is_some()).await;
    assert_eq!(telegram.calls("setMyDescription").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_becomes_a_supergroup_is_still_known() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let _running = Running::start(&home, &telegram, &[]);
    ask(&telegram, -5, 7, "@wire_bot I sail a boat called Tern.").await;
    telegram.migrate_and_tell(-5, -1_005);
    let found = ask(&telegram, -1_005, 8, "/memory@wire_bot search boat").await;
    let own = ask(&telegram, -1_005, 7, "/memory@wire_bot search boat").await;
    assert!(own.text.contains("Tern"), "{own:?} {found:?}");
}

/// In the general topic of a forum an answer has no topic; in another it stays there, and neither knows of the other.
#[tokio::test(flavor = "multi_thread")]
async fn topics_are_talks_of_their_own() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let _running = Running::start(&home, &telegram, &[]);
    ask(&telegram, GROUP, 7, "@wire_bot I sail a boat called Tern.").await;
    telegram.say_in(GROUP, 7, "/memory@wire_bot search boat", Some(55), None);
    telegram
        .until("an answer in the topic", |it| shown(it, GROUP).iter().any(|it| it.thread == Some(55)))
        .await;
    let there = shown(&telegram, GROUP).into_iter().find(|it| it.thread == Some(55)).unwrap();
    assert!(!there.text.contains("Tern"), "{there:?}");
    telegram.say_in(GROUP, 7, "/memory@wire_bot search boat", Some(1), None);
    telegram.until("an answer in the general topic", |it| shown(it, GROUP).len() == 3).await;
    let here = shown(&telegram, GROUP)[2].clone();
    assert!(here.text.contains("Tern") && here.thread.is_none(), "{here:?}");
    // Where the bot began a topic, every message there replies to that.
    let before = shown(&telegram, GROUP).len();
    let begun = json!({
        "message_id": 77, "date": 1_700_000_000, "chat": { "id": GROUP, "type": "supergroup", "title": "A group" },
        "from": { "id": wire::BOT, "is_bot": true, "first_name": "Wire", "username": wire::BOT_NAME },
        "message_thread_id": 77, "is_topic_message": true,
        "forum_topic_created": { "name": "Boats", "icon_color": 7_322_096 },
    });
    let more = json!({
        "text": "just us here", "message_thread_id": 77, "is_topic_message": true, "reply_to_message": begun,
    });
    telegram.send_in(GROUP, 7, &more);
    ask(&telegram, 7, 7, "Hello?").await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(shown(&telegram, GROUP).len(), before);
}

/// A long answer keeps to the limits by itself: Telegram never has to say so.
#[tokio::test(flavor = "multi_thread")]
async fn answers_keep_to_the_pace_of_a_private_chat() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let text = "One sentence after the other. ".repeat(700);
    let simulator = Simulator::start(Behaviour::answer(&text)).await.unwrap();
    let settings = [
        ("LLM_BASE_URL", simulator.base_url()),
        ("LLM_MODEL", "simulated".to_owned()),
        ("TELEGRAM_PACE", "on".to_owned()),
    ];
    let _running = Running::start(&home, &telegram, &settings);
    telegram.say(7, "Everything, please.");
    let length = |it: &Telegram| it.shown(7).iter().map(|it| it.text.matches("One").count()).sum::<usize>();
    telegram.until("all of it", |it| length(it) >= 700).await;
    let mut times: Vec<_> = [telegram.calls("sendMessage"), telegram.calls("editMessageText")].concat();
    times.sort_by_key(|(_, at)| *at);
    for four in times.windows(4) {
        let span = four[3].1 - four[0].1;
        assert!(span >= Duration::from_millis(2_900), "four in {span:?}");
    }
}
