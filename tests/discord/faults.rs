//! Kills, lost connections, closes, and servers that lead astray.

use std::time::{Duration, Instant};

use dramatis::llm::simulator::{Behaviour, Simulator};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;

use crate::{
    TOKEN, World, databases, model, to_its_end,
    wire::{Discord, Elsewhere, Fault, Id},
};

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

/// Kills the program so many times while each of twenty people says so many messages: half in private, half in a channel.
async fn kills_lose_and_double_nothing(most: usize, each: usize, database: Option<String>) {
    const PEOPLE: usize = 20;
    let world = World::new().await;
    let discord = &world.discord;
    let simulator = Simulator::start(Behaviour::Echo).await.unwrap();
    let mut settings = model(&simulator);
    settings.extend(database.map(|address| ("DATABASE_URL", address)));
    let mut running = world.start(&settings).await;
    let people: Vec<(Id, Id)> = (0..PEOPLE)
        .map(|number| {
            let user = discord.user(&format!("Person {number}"));
            discord.join(user, world.guild);
            let place = if number % 2 == 0 {
                discord.dm(user, world.bot)
            } else {
                discord.channel(world.guild, &format!("channel-{number}"))
            };
            (user, place)
        })
        .collect();
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(3);
    let mut random = StdRng::seed_from_u64(seed);
    let mut said = vec![0_usize; PEOPLE];
    let mut kills = 0;
    let deadline = Instant::now() + Duration::from_secs(300);
    loop {
        for (index, (user, place)) in people.iter().enumerate() {
            // Everybody waits for their answer before they go on.
            if said[index] < each && world.answers(*place).len() >= said[index] && random.random_bool(0.6) {
                let text = format!("Message {index}-{}.", said[index]);
                if index % 2 == 0 {
                    discord.say(*user, *place, &text);
                } else {
                    world.say_to_bot(*user, *place, &text);
                }
                said[index] += 1;
            }
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(5..150))).await;
        if kills < most && random.random_bool(0.3) {
            running.kill();
            kills += 1;
            running = crate::Running(world.command(&settings).spawn().unwrap());
        }
        let all_said = said.iter().all(|count| *count == each);
        let done = || people.iter().all(|(_, place)| world.answers(*place).len() >= each);
        if all_said && kills == most && done() {
            break;
        }
        assert!(Instant::now() < deadline, "not all were answered; {kills} kills; {said:?}");
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    for (index, (_, place)) in people.iter().enumerate() {
        let expected: Vec<String> = (0..each).map(|number| format!("Message {index}-{number}.")).collect();
        let answers = world.answers(*place);
        assert_eq!(answers.len(), each, "{answers:#?}");
        for (answer, expected) in answers.iter().zip(&expected) {
            assert!(
                answer.starts_with("You said: ") && answer.contains(expected),
                "{expected}: {answers:#?}"
            );
        }
    }
    println!("{} messages, {kills} kills, each answered once; {} resumed", each * PEOPLE, discord.resumes());
}

/// Whatever becomes of the connection, what people say is answered once.
#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_gateway_lose_and_double_nothing() {
    let world = World::new().await;
    let discord = &world.discord;
    discord.heartbeat_interval(Duration::from_millis(1_000));
    let simulator = Simulator::start(Behaviour::Echo).await.unwrap();
    let _running = world.start(&model(&simulator)).await;
    let dm = discord.dm(world.robin, world.bot);
    discord.say(world.robin, dm, "before it all");
    world.answered(dm, 1).await;
    let faults: [(&str, fn(&Discord)); 7] = [
        ("a dropped connection", |it| it.drop_connections()),
        ("a request to reconnect", |it| it.reconnect()),
        ("an invalid session that can be gone on with", |it| it.invalid_session(true)),
        ("an invalid session that cannot", |it| it.invalid_session(false)),
        ("a close after too many events", |it| it.close_with(4008)),
        ("a session that timed out", |it| it.close_with(4009)),
        ("a server that does not answer heartbeats", |it| it.no_acks(true)),
    ];
    for (number, (name, fault)) in faults.into_iter().enumerate() {
        fault(discord);
        discord.say(world.robin, dm, &format!("right after {name}"));
        tokio::time::sleep(Duration::from_millis(300)).await;
        let answers = world.answered(dm, number + 2).await;
        assert!(answers[number + 1].contains(&format!("right after {name}")), "{answers:#?}");
        if name.contains("heartbeats") {
            tokio::time::sleep(Duration::from_secs(4)).await;
            discord.no_acks(false);
        }
        discord.until_online(1).await;
    }
    discord.say(world.robin, dm, "after it all");
    let answers = world.answered(dm, faults.len() + 2).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.answers(dm), answers, "nothing is said twice");
}

/// A session that is gone for good: what was said in between is looked up.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_while_nobody_could_hear_is_answered() {
    let world = World::new().await;
    let discord = &world.discord;
    let simulator = Simulator::start(Behaviour::Echo).await.unwrap();
    let mut running = world.start(&model(&simulator)).await;
    let dm = discord.dm(world.robin, world.bot);
    discord.say(world.robin, dm, "hello");
    world.answered(dm, 1).await;
    running.kill();
    discord.say(world.robin, dm, "are you there?");
    world.say_to_bot(world.sam, world.channel, "and here?");
    discord.forget_sessions();
    let _running = world.start(&model(&simulator)).await;
    let (private, public) = (world.answered(dm, 2).await, world.answered(world.channel, 1).await);
    assert!(
        private[1].contains("are you there?") && public[0].contains("and here?"),
        "{private:?} {public:?}"
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((world.answers(dm).len(), world.answers(world.channel).len()), (2, 1));
}

/// What was said in a channel is no private talk, whatever was done there: nobody is answered who spoke to somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_said_in_a_channel_meanwhile_is_left_alone() {
    let world = World::new().await;
    let discord = &world.discord;
    let simulator = Simulator::start(Behaviour::Echo).await.unwrap();
    let mut running = world.start(&model(&simulator)).await;
    discord.until("commands are registered", |it| it.registrations(world.bot) > 0).await;
    discord.slash(world.robin, world.channel, "reflect", &[("text", json!("what is a harbour?"))]);
    world.answered(world.channel, 2).await;
    running.kill();
    discord.say(world.sam, world.channel, "lunch, anybody?");
    discord.forget_sessions();
    let _running = world.start(&model(&simulator)).await;
    world.say_to_bot(world.sam, world.channel, "and you?");
    discord
        .until("an answer", |it| it.shown(world.channel).iter().any(|shown| shown.text.contains("and you?")))
        .await;
    let answers = world.answers(world.channel);
    assert!(!answers.iter().any(|text| text.contains("lunch")), "{answers:#?}");
}

/// A request that was done although its answer got lost is not done again.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_acknowledgement_got_lost_is_sent_once() {
    let world = World::new().await;
    let discord = &world.discord;
    let simulator = Simulator::start(Behaviour::Echo).await.unwrap();
    let _running = world.start(&model(&simulator)).await;
    discord.fail("POST", r"/messages$", 1, Fault::DoneButSilent);
    let dm = discord.dm(world.robin, world.bot);
    discord.say(world.robin, dm, "once only");
    world.answered(dm, 1).await;
    // Webhooks know no nonce: there it is looked for.
    discord.fail("POST", r"/webhooks/\d+/", 1, Fault::DoneButSilent);
    world.say_to_bot(world.sam, world.channel, "once only here");
    world.answered(world.channel, 1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((world.answers(dm).len(), world.answers(world.channel).len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_keeps_the_session_for_the_next_start() {
    let world = World::new().await;
    let simulator = Simulator::start(Behaviour::Echo).await.unwrap();
    let dm = world.discord.dm(world.robin, world.bot);
    let mut running = world.start(&model(&simulator)).await;
    world.discord.say(world.robin, dm, "one");
    world.answered(dm, 1).await;
    running.terminate();
    world.discord.say(world.robin, dm, "two");
    let _running = world.start(&model(&simulator)).await;
    let answers = world.answered(dm, 2).await;
    assert!(answers[1].contains("two"), "{answers:?}");
    assert_eq!(world.discord.resumes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn closes_for_good_end_with_what_to_do() {
    for (code, part) in [(4004, "DISCORD_TOKEN"), (4014, "MESSAGE CONTENT INTENT")] {
        let world = World::new().await;
        let discord = world.discord.clone();
        let closer = tokio::spawn(async move {
            discord.until_online(1).await;
            discord.close_with(code);
        });
        let command = world.command(&[]);
        let (well, said) = tokio::task::spawn_blocking(move || to_its_end(command)).await.unwrap();
        closer.await.unwrap();
        assert!(!well && said.contains(part), "{code}: {said}");
        assert!(!said.contains(TOKEN), "a secret is shown: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_ends_with_what_to_do() {
    let world = World::new().await;
    let mut command = world.command(&[]);
    command.env("DISCORD_TOKEN", "another-token-altogether");
    let (well, said) = tokio::task::spawn_blocking(move || to_its_end(command)).await.unwrap();
    assert!(!well && said.contains("copy it again"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_for_two_ends_with_what_to_do() {
    let world = World::new().await;
    let mut command = world.command(&[]);
    command.env("DISCORD_TOKEN_IRIS", TOKEN);
    let (well, said) = tokio::task::spawn_blocking(move || to_its_end(command)).await.unwrap();
    assert!(!well && said.contains("the same token") && !said.contains(TOKEN), "{said}");
}

/// Without the Message Content intent the bot still works where it is mentioned, and says what is missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_intent_is_explained_and_not_asked_for() {
    let world = World::new().await;
    world.discord.grant_intents(world.bot, 0);
    let _running = world.start(&[]).await;
    world.say_to_bot(world.robin, world.channel, "who are you?");
    world.answered(world.channel, 1).await;
    let said = world.log();
    assert!(said.contains("the Message Content intent is off"), "{said}");
}

/// With a server of one's own configured, no request leaves for any other host, whatever that server says.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_anywhere_else() {
    let world = World::new().await;
    let elsewhere = Elsewhere::start().await;
    let trap = format!("http://{}", elsewhere.address());
    let traps = [("HTTPS_PROXY", trap.clone()), ("HTTP_PROXY", trap.clone()), ("ALL_PROXY", trap)];
    world.discord.fail_gateway_endpoint(500);
    let running = crate::Running(world.command(&traps).spawn().unwrap());
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(world.discord.requests("GET", "gateway").len() >= 2, "it asks again, at home");
    assert_eq!(world.discord.identifies(), 0);
    world.discord.heal();
    let dm = world.discord.dm(world.robin, world.bot);
    world.discord.until_online(1).await;
    // A session that is to go on elsewhere goes on at home.
    world.discord.resume_url(Some(&format!("ws://{}", elsewhere.address())));
    world.discord.invalid_session(false);
    tokio::time::sleep(Duration::from_millis(500)).await;
    world.discord.until_online(1).await;
    world.discord.drop_connections();
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.discord.until_online(1).await;
    world.discord.say(world.robin, dm, "hello");
    world.answered(dm, 1).await;
    drop(running);
    let host = world.discord.url().replace("http://", "");
    assert!(world.discord.journal().iter().all(|it| it.host == host));
    assert_eq!(elsewhere.touched(), 0, "another address was spoken to");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_elsewhere_is_refused() {
    let world = World::new().await;
    world.discord.gateway_url(Some("wss://gateway.discord.example"));
    let command = world.command(&[]);
    let (well, said) = tokio::task::spawn_blocking(move || to_its_end(command)).await.unwrap();
    assert!(!well && said.contains("nothing is sent elsewhere"), "{said}");
}

/// The doctor looks at each account.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_looks_at_every_account() {
    let world = World::new().await;
    world.discord.grant_intents(world.bot, 0);
    let mut command = world.home.command(&["doctor"]);
    command
        .env("DISCORD_TOKEN", TOKEN)
        .env("DISCORD_API_URL", world.discord.url())
        .env("DISCORD_TOKEN_IRIS", "no-such-token");
    let output = tokio::task::spawn_blocking(move || crate::program::run(command, "")).await.unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("Stage (DISCORD_TOKEN) reads only messages in private"), "{said}");
    assert!(said.contains("does not know DISCORD_TOKEN_IRIS"), "{said}");
    assert!(!said.contains(TOKEN) && !output.status.success(), "{said}");
}
