//! Commands and buttons on Telegram, against the simulated Bot API server: what people see, press, and are told.

use std::time::Duration;

use super::{
    GROUP, Running, ask,
    program::Home,
    shown,
    wire::{Fault, Seen, Telegram},
};

const BOSS: i64 = 99;

fn boss() -> [(&'static str, String); 1] {
    [("ADMINS", format!("telegram:{BOSS}"))]
}

fn now(telegram: &Telegram, seen: &Seen) -> Seen {
    telegram.shown(seen.chat).into_iter().find(|it| it.id == seen.id).unwrap()
}

async fn settled(telegram: &Telegram) {
    telegram.until("all updates confirmed", |it| it.unconfirmed() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn menus_are_there_in_every_language() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let _running = Running::start(&home, &telegram, &boss());
    telegram.until("all menus", |it| it.calls("setMyCommands").len() == 8).await;
    assert!(telegram.commands_in(&format!("fr@{BOSS}")).to_string().contains("admin"), "that is for them");
    for (language, about) in
        [("", "Who there is"), ("de", "Wer da ist"), ("es", "Quiénes están"), ("fr", "Qui est là")]
    {
        let menu = telegram.commands_in(language);
        let cast = menu.as_array().unwrap().iter().find(|it| it["command"] == "cast").unwrap();
        assert_eq!(cast["description"], about);
        assert!(!menu.to_string().contains("admin"), "that is not for everybody");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_goes_by_buttons() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let mut running = Running::start(&home, &telegram, &boss());
    ask(&telegram, 7, 7, "I have a dog named Luna.").await;
    let asked = ask(&telegram, 7, 7, "/forget luna").await;
    assert!(asked.text.contains("dog named Luna") && asked.html, "{asked:?}");
    let labels: Vec<_> = asked.buttons.iter().map(|(label, _)| label.as_str()).collect();
    assert_eq!(labels, ["Forget it", "Keep it"]);

    // Somebody who got hold of the button's data gets nowhere with it.
    let stranger = telegram.press(8, &asked, "Forget it");
    telegram.until("a notice", |it| it.notice(&stranger).is_some()).await;
    assert!(telegram.notice(&stranger).unwrap().contains("Only whoever"));

    // Buttons outlive the process.
    running.kill();
    let _running = Running::start(&home, &telegram, &boss());
    telegram.fail("editMessageText", Fault::Flood(1));
    let press = telegram.press(7, &asked, "Forget it");
    telegram.until("the end of it", |it| now(it, &asked).text.starts_with("Forgotten: ")).await;
    telegram.until("no waiting sign", |it| it.notice(&press).is_some()).await;
    assert!(now(&telegram, &asked).buttons.is_empty());
    let found = ask(&telegram, 7, 7, "/memory search luna").await;
    assert!(found.text.contains("Nothing on record"), "{found:?}");

    let kept = ask(&telegram, 7, 7, "/remember My boat is called Tern.").await;
    assert!(kept.text.contains("I will remember"), "{kept:?}");
    let asked = ask(&telegram, 7, 7, "/forget tern").await;
    telegram.press(7, &asked, "Keep it");
    telegram.until("it is kept", |it| now(it, &asked).text == "Kept.").await;
    let answer = ask(&telegram, 7, 7, "What is my boat called?").await;
    assert!(answer.text.contains("Tern"), "{answer:?}");
    let odd = telegram.press_data(7, &asked, "made-up");
    telegram.until("a notice", |it| it.notice(&odd).is_some()).await;
    assert!(telegram.notice(&odd).unwrap().contains("too old"));
    settled(&telegram).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_turn_in_place() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let _running = Running::start(&home, &telegram, &boss());
    for number in 0..10 {
        ask(&telegram, 7, 7, &format!("/remember Thing number {number}.")).await;
    }
    let page = ask(&telegram, 7, 7, "/memory recent").await;
    assert!(page.text.contains("number 9") && !page.text.contains("number 0"), "{page:?}");
    telegram.press(7, &page, "Earlier ▶");
    telegram.until("the second page", |it| now(it, &page).text.contains("number 0")).await;
    let second = now(&telegram, &page);
    telegram.press(7, &second, "◀ Later");
    telegram.until("the first again", |it| now(it, &page).text == page.text).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_changed_is_followed_by_another() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let _running = Running::start(&home, &telegram, &boss());
    ask(&telegram, 7, 7, "I have a dog named Luna.").await;
    let asked = ask(&telegram, 7, 7, "/forget luna").await;
    telegram.fail("editMessageText", Fault::Status(400, "Bad Request: chat not found".to_owned()));
    telegram.press(7, &asked, "Forget it");
    telegram
        .until("words of their own", |it| shown(it, 7).iter().any(|it| it.text.starts_with("Forgotten")))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_shows_only_what_was_said_there() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let _running = Running::start(&home, &telegram, &boss());
    ask(&telegram, 7, 7, "I have a dog named Luna.").await;
    ask(&telegram, GROUP, 7, "@wire_bot I sail a boat called Tern.").await;
    let recent = ask(&telegram, GROUP, 7, "/memory@wire_bot recent").await;
    assert!(recent.text.contains("Tern") && !recent.text.contains("Luna"), "{recent:?}");
    let why = ask(&telegram, GROUP, 7, "/why").await;
    assert!(why.text.contains("Tern"), "{why:?}");
    // Another bot's command, and one that a word is missing from.
    telegram.say_in(GROUP, 7, "/dance", None, None);
    let told = ask(&telegram, GROUP, 7, "/memory search").await;
    assert!(told.text.contains("/memory search WORDS"), "{told:?}");
    let told = ask(&telegram, 7, 7, "/memroy").await;
    assert!(told.text.contains("did you mean /memory?"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chosen_character_answers() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let mut running = Running::start(&home, &telegram, &boss());
    ask(&telegram, 7, 7, "/character set iris").await;
    running.kill();
    let _running = Running::start(&home, &telegram, &boss());
    let about = ask(&telegram, 7, 7, "/about").await;
    assert!(about.text.contains("Iris"), "{about:?}");
    ask(&telegram, 7, 7, "I have a dog named Luna.").await;
    let found = ask(&telegram, 7, 7, "/memory search dog").await;
    assert!(found.text.contains("Luna"));
    ask(&telegram, 7, 7, "/character set elena").await;
    let found = ask(&telegram, 7, 7, "/memory search dog").await;
    assert!(found.text.contains("Nothing on record"), "each remembers for itself: {found:?}");
    let told = ask(&telegram, GROUP, 7, "/character set iris").await;
    assert!(told.text.contains("people in charge"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_people_in_charge_close_and_open_doors() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let _running = Running::start(&home, &telegram, &boss());
    let told = ask(&telegram, 7, 7, "/admin status").await;
    assert!(told.text.contains("You are telegram:7"), "{told:?}");
    let status = ask(&telegram, BOSS, BOSS, "/admin status").await;
    assert!(status.text.contains("platforms: telegram"), "{status:?}");

    ask(&telegram, BOSS, BOSS, "/admin deny telegram:7").await;
    let before = shown(&telegram, 7).len();
    telegram.say(7, "Hello?");
    telegram.say(7, "/about");
    let answer = ask(&telegram, 8, 8, "Hello!").await;
    assert!(!answer.text.is_empty());
    settled(&telegram).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(shown(&telegram, 7).len(), before, "no word to whom is shut out");
    ask(&telegram, BOSS, BOSS, "/admin allow telegram:7").await;
    ask(&telegram, 7, 7, "Hello again.").await;

    ask(&telegram, GROUP, BOSS, "/admin pause").await;
    let before = shown(&telegram, GROUP).len();
    telegram.say_in(GROUP, 7, "@wire_bot are you there?", None, None);
    ask(&telegram, 7, 7, "And here?").await;
    settled(&telegram).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(shown(&telegram, GROUP).len(), before, "silent there, and only there");
    ask(&telegram, GROUP, BOSS, "/admin resume").await;
    ask(&telegram, GROUP, 7, "@wire_bot and now?").await;

    let before = shown(&telegram, GROUP).len();
    telegram.say_in(GROUP, BOSS, "/admin say-as iris Good evening, everybody.", None, None);
    telegram.until("the words and the word about them", |it| shown(it, GROUP).len() == before + 2).await;
    let said = shown(&telegram, GROUP);
    assert!(said.iter().any(|it| it.text.ends_with("Good evening, everybody.")), "{said:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn thought_can_be_asked_for() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let _running = Running::start(&home, &telegram, &boss());
    ask(&telegram, 7, 7, "/reflect What do you love about the sea?").await;
    let why = ask(&telegram, 7, 7, "/why").await;
    assert!(why.text.contains("a matter for thought"), "{why:?}");
    for (line, part) in [
        ("/settings verbosity short", "verbosity: short"),
        ("/timezone Europe/Berln", "did you mean Europe/Berlin?"),
        ("/budget", "this month"),
        ("/privacy", "What Elena keeps of you"),
        ("/help forget", "/forget WHAT"),
    ] {
        let told = ask(&telegram, 7, 7, line).await;
        assert!(told.text.contains(part), "{line}: {told:?}");
    }
}
