//! One bot, many characters: names, faces, replies, reactions.

use std::time::Duration;

use dramatis::llm::simulator::{Answer, Behaviour, Simulator};

use crate::{
    TOKEN, World, model,
    wire::{Id, mention, permission},
};

/// The trust of a character in somebody, as the program tells it.
fn trust(world: &World, character: &str, user: Id) -> f64 {
    let user = format!("discord:{user}");
    let database = world.home.data().join("dramatis.db");
    let script = format!(
        "import sqlite3; c = sqlite3.connect('file:{}?mode=ro', uri=True); \
         r = c.execute('SELECT trust FROM relationship WHERE character = ? AND owner = ?', ({character:?}, {user:?})).fetchone(); \
         print(r[0] if r else 0)",
        database.display()
    );
    let output = std::process::Command::new("python3").args(["-c", &script]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..200 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("waiting for {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_characters_answer_under_their_own_names_and_a_reaction_is_for_one() {
    let world = World::new().await;
    let _running = world.start(&[]).await;
    let discord = &world.discord;
    world.say_to_bot(world.robin, world.channel, "Iris and Nadia, hello to you both");
    world.answered(world.channel, 2).await;
    let shown = discord.shown(world.channel);
    let of = |name: &str| {
        shown.iter().find(|it| it.name == name && !it.text.contains("No language model")).cloned()
    };
    let (iris, nadia) = (of("Iris").expect("Iris speaks"), of("Nadia").expect("Nadia speaks"));
    assert!(iris.webhook.is_some() && nadia.webhook == iris.webhook, "one webhook a channel");

    // Nobody is named: whoever wrote the message that is replied to.
    discord.reply(world.robin, nadia.id, "and how are you today?");
    until("an answer of Nadia's", || {
        discord.shown(world.channel).iter().filter(|it| it.name == "Nadia").count() >= 2
    })
    .await;

    let before = (trust(&world, "iris", world.robin), trust(&world, "nadia", world.robin));
    discord.react(world.robin, iris.id, "❤️");
    until("trust of Iris", || trust(&world, "iris", world.robin) > before.0 + 4.9).await;
    assert!((trust(&world, "nadia", world.robin) - before.1).abs() < 1.5, "Nadia's is his own");
    discord.unreact(world.robin, iris.id, "❤️");
    until("the reaction reverted", || (trust(&world, "iris", world.robin) - before.0).abs() < 0.1).await;
    discord.react(world.sam, iris.id, "👎");
    until("Sam's own trust", || trust(&world, "iris", world.sam) < -4.9).await;
    assert!((trust(&world, "iris", world.robin) - before.0).abs() < 0.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_thread_a_persona_speaks_in_the_thread() {
    let world = World::new().await;
    let _running = world.start(&[]).await;
    let thread = world.discord.thread(world.channel, "plans");
    world.say_to_bot(world.robin, thread, "Iris, what are you painting?");
    world.answered(thread, 1).await;
    assert!(world.discord.shown(thread).iter().all(|it| it.name == "Iris"));
    assert!(world.discord.shown(world.channel).is_empty());
}

/// Somebody takes the webhook away while an answer grows: what was begun cannot be changed any more, so all of it comes anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_goes_away_half_way_costs_no_words() {
    let world = World::new().await;
    let text = "One word after the other comes out of the fog, until the boat is there.";
    let slow = Answer { delay: Duration::from_millis(300), ..Answer::new(text).in_pieces(12) };
    let simulator = Simulator::start(Behaviour::Stream(slow)).await.unwrap();
    let _running = world.start(&model(&simulator)).await;
    world.say_to_bot(world.robin, world.channel, "Iris, tell me.");
    world.discord.until("the first words", |it| !it.shown(world.channel).is_empty()).await;
    let webhook = world.discord.shown(world.channel)[0].webhook.expect("a webhook");
    // The program does this for itself at its start.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let gone = reqwest::Client::new()
        .delete(format!("{}/api/v10/webhooks/{webhook}", world.discord.url()))
        .header("Authorization", format!("Bot {TOKEN}"))
        .send()
        .await
        .unwrap();
    assert!(gone.status().is_success(), "{}", gone.status());
    world.discord.until("all of it", |it| it.shown(world.channel).iter().any(|it| it.text == text)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let whole = world.discord.shown(world.channel).into_iter().filter(|it| it.text == text).count();
    assert_eq!(whole, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_the_bot_speaks_as_itself() {
    let world = World::new().await;
    world.discord.deny(world.bot, world.channel, permission::MANAGE_WEBHOOKS);
    let _running = world.start(&[]).await;
    world.say_to_bot(world.robin, world.channel, "Iris, hello");
    world.answered(world.channel, 1).await;
    assert!(world.discord.shown(world.channel).iter().all(|it| it.name == "Stage" && it.webhook.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_character_can_have_a_bot_of_its_own() {
    let world = World::new().await;
    let iris = world.discord.bot("the-token-of-iris", "Iris the Painter");
    world.discord.join(iris, world.guild);
    let own = [("DISCORD_TOKEN_IRIS", "the-token-of-iris".to_owned())];
    let _running = world.start(&own).await;
    world.discord.until_online(2).await;
    world.discord.say(world.robin, world.channel, &format!("{} who are you?", mention(iris)));
    world.answered(world.channel, 1).await;
    let shown = world.discord.shown(world.channel);
    assert!(shown.iter().all(|it| it.name == "Iris the Painter" && it.webhook.is_none()), "{shown:#?}");
    assert!(shown.iter().any(|it| it.text.contains("Iris")), "{shown:#?}");
}
