//! Slash commands, buttons, forms, menus, and who is let in.

use serde_json::json;

use crate::{World, wire::Id};

/// The custom id of the button with this label.
fn button(world: &World, message: Id, label: &str) -> String {
    let components = world.discord.message(message).components;
    let rows = components.as_array().unwrap();
    let all = rows.iter().flat_map(|row| row["components"].as_array().unwrap());
    let found = all.into_iter().find(|it| it["label"].as_str().unwrap().contains(label));
    found.unwrap_or_else(|| panic!("no button {label}: {components}"))["custom_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn registered(world: &World) {
    world.discord.until("the commands", |it| it.registrations(world.bot) > 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_registered_and_answered_for_the_askers_eyes() {
    let world = World::new().await;
    let _running = world.start(&[]).await;
    registered(&world).await;
    let discord = &world.discord;
    for (command, part) in
        [("help", "/trust"), ("about", "AI character"), ("trust", "stranger"), ("cast", "Iris")]
    {
        let asked = discord.slash(world.robin, world.channel, command, &[]);
        let answer = discord.answered(asked).await;
        assert!(answer.text().contains(part), "{command}: {}", answer.text());
    }
    assert!(
        discord.shown(world.channel).iter().all(|it| !it.text.contains("stranger")),
        "trust is nobody else's business"
    );
    assert!(!discord.whispered(world.channel, world.robin).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_change_how_one_is_answered_and_values_are_offered() {
    let world = World::new().await;
    let _running = world.start(&[]).await;
    registered(&world).await;
    let discord = &world.discord;
    let dm = discord.dm(world.robin, world.bot);
    let asked = discord.slash(world.robin, dm, "settings verbosity", &[("value", json!("short"))]);
    assert!(discord.answered(asked).await.text().contains("short"));
    let typed = discord.autocomplete(world.robin, dm, "timezone", ("zone", "lisb"), &[]);
    let offered = discord.answered(typed).await.choices;
    assert!(format!("{offered:?}").contains("Europe/Lisbon"), "{offered:?}");
    let asked = discord.slash(world.robin, dm, "timezone", &[("zone", json!("Europe/Lisbon"))]);
    assert!(discord.answered(asked).await.text().contains("Europe/Lisbon"));
    let asked = discord.slash(world.robin, dm, "timezone", &[("zone", json!("Mars/Olympus"))]);
    assert!(discord.answered(asked).await.text().contains("Mars/Olympus"), "it says what is wrong");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_takes_long_words_and_buttons_forget_them() {
    let world = World::new().await;
    let _running = world.start(&[]).await;
    registered(&world).await;
    let discord = &world.discord;
    let dm = discord.dm(world.robin, world.bot);
    let asked = discord.slash(world.robin, dm, "remember", &[]);
    assert!(discord.answered(asked).await.modal.is_some(), "a form opens");
    let sent = discord.submit_modal(asked, &[("text", "My boat is called Gull.")]);
    let kept = discord.answered(sent).await;
    assert!(!kept.text().is_empty());
    discord.say(world.robin, dm, "What is my boat called?");
    let answers = world.answered(dm, 1).await;
    assert!(answers.last().unwrap().contains("Gull"), "{answers:?}");

    let asked = discord.slash(world.robin, dm, "forget", &[("what", json!("boat"))]);
    let offered = discord.answered(asked).await;
    let message = offered.message.clone().unwrap().id;
    assert!(offered.text().contains("Gull"), "{}", offered.text());
    let pressed = discord.press(world.robin, message, &button(&world, message, "Forget"));
    discord.answered(pressed).await;
    let asked = discord.slash(world.robin, dm, "memory search", &[("words", json!("boat"))]);
    let found = discord.answered(asked).await;
    assert!(!found.text().contains("Gull"), "{}", found.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_of_a_message_explains_remembers_and_forgets() {
    let world = World::new().await;
    let _running = world.start(&[]).await;
    registered(&world).await;
    let discord = &world.discord;
    let asked = world.say_to_bot(world.robin, world.channel, "Iris, I paint with a palette knife.");
    world.answered(world.channel, 1).await;
    let answer =
        discord.shown(world.channel).into_iter().find(|it| !it.text.contains("No language model")).unwrap();
    let why = discord.context_menu(world.robin, answer.id, "Why did you say this?");
    let explained = discord.answered(why).await;
    assert!(explained.ephemeral() && explained.text().contains("built-in responder"), "{}", explained.text());
    let not_theirs = discord.context_menu(world.sam, answer.id, "Why did you say this?");
    assert!(!discord.answered(not_theirs).await.text().contains("palette"));

    let told = discord.say(world.sam, world.channel, "The ferry leaves at nine.");
    let kept = discord.context_menu(world.robin, told, "Remember this");
    discord.answered(kept).await;
    let search = discord.slash(world.robin, world.channel, "memory search", &[("words", json!("ferry"))]);
    let found = discord.answered(search).await;
    assert!(found.text().contains("Sam said"), "{}", found.text());

    let forget = discord.context_menu(world.robin, asked, "Forget this");
    let offered = discord.answered(forget).await;
    assert!(offered.text().contains("palette knife"), "{}", offered.text());
    let message = offered.message.clone().unwrap().id;
    let pressed = discord.press(world.robin, message, &button(&world, message, "Forget"));
    let gone = discord.answered(pressed).await;
    assert!(!gone.text().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_can_be_chosen() {
    let world = World::new().await;
    let _running = world.start(&[]).await;
    registered(&world).await;
    let discord = &world.discord;
    let dm = discord.dm(world.robin, world.bot);
    let asked = discord.slash(world.robin, dm, "character set", &[("id", json!("iris"))]);
    assert!(discord.answered(asked).await.text().contains("Iris"));
    discord.say(world.robin, dm, "Who are you?");
    let answers = world.answered(dm, 2).await;
    assert!(answers.last().unwrap().contains("Iris"), "{answers:?}");
}

/// Rules for people, roles, channels and servers are kept, and a denial says nothing in the open.
#[tokio::test(flavor = "multi_thread")]
async fn rules_decide_who_is_heard() {
    let world = World::new().await;
    let admin = format!("discord:{}", world.robin);
    let _running = world.start(&[("ADMINS", admin)]).await;
    registered(&world).await;
    let discord = &world.discord;
    let refused = discord.slash(world.sam, world.channel, "admin status", &[]);
    assert!(discord.answered(refused).await.text().contains("people in charge"));
    let status = discord.slash(world.robin, world.channel, "admin status", &[]);
    assert!(discord.answered(status).await.text().contains("discord"));
    world.say_to_bot(world.sam, world.channel, "who are you?");
    world.answered(world.channel, 1).await;

    let denied = discord.slash(
        world.robin,
        world.channel,
        "admin deny",
        &[("what", json!(format!("discord:{}", world.sam)))],
    );
    assert!(!discord.answered(denied).await.text().is_empty());
    world.say_to_bot(world.sam, world.channel, "and now?");
    world.say_to_bot(world.robin, world.channel, "Elena, are you there?");
    world.answered(world.channel, 2).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(world.answers(world.channel).len(), 2, "Sam is not heard");
    let said = world.log();
    assert!(said.contains("denied") && said.contains("rule="), "a denial is logged with its rule");
}
