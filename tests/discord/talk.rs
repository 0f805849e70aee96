//! Private talks, servers, threads, edits, deletions, streaming.

use std::time::Duration;

use dramatis::llm::simulator::{Answer, Behaviour, Simulator};

use crate::{
    World, model,
    wire::{Fault, Say, mention},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_private_talk_is_remembered() {
    let world = World::new().await;
    let _running = world.start(&[]).await;
    let (robin, sam) = (world.discord.dm(world.robin, world.bot), world.discord.dm(world.sam, world.bot));
    world.discord.say(world.robin, robin, "Hi, my name is Robin and I have a dog named Luna.");
    world.answered(robin, 1).await;
    world.discord.say(world.robin, robin, "What is my dog called?");
    let answers = world.answered(robin, 2).await;
    assert!(answers[1].contains("Luna"), "{answers:?}");
    world.discord.say(world.sam, sam, "What is my dog called?");
    let answers = world.answered(sam, 1).await;
    assert!(!answers[0].contains("Luna"), "{answers:?}");
    assert!(!world.discord.typing(robin).is_empty(), "it shows that it types");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_server_it_speaks_when_it_is_spoken_to() {
    let world = World::new().await;
    let _running = world.start(&[("DISCORD_PERSONAS", "off".to_owned())]).await;
    let discord = &world.discord;
    discord.say(world.sam, world.channel, "I wonder who is around.");
    let asked = world.say_to_bot(world.robin, world.channel, "who are you?");
    let answers = world.answered(world.channel, 1).await;
    assert!(answers[0].contains("Elena"), "{answers:?}");
    let first = discord.shown(world.channel).last().unwrap().clone();
    assert_eq!(first.reply_to, Some(asked), "it shows what it answers");
    assert_eq!(first.pings, [world.robin]);

    let reply = discord.reply(world.sam, first.id, "and what do you love?");
    world.answered(world.channel, 2).await;
    assert_eq!(discord.shown(world.channel).last().unwrap().reply_to, Some(reply));

    let thread = discord.thread(world.channel, "plans");
    discord.say(world.sam, thread, "nobody asked anybody here");
    world.say_to_bot(world.sam, thread, "what do you think of plans?");
    world.answered(thread, 1).await;
    let forum = discord.forum(world.guild, "help");
    let post = discord.post(world.robin, forum, "A question", &format!("{} hello there", mention(world.bot)));
    world.answered(post, 1).await;
    assert_eq!(world.answers(world.channel).len(), 2, "it did not speak otherwise");
    assert_eq!(world.answers(thread).len(), 1);
}

/// What a thread was told stays there; the channel above it hears nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_thread_keeps_what_is_said_in_it() {
    let world = World::new().await;
    let _running = world.start(&[]).await;
    let thread = world.discord.thread(world.channel, "quiet corner");
    world.say_to_bot(world.robin, thread, "my locker code is 4711, remember it");
    world.answered(thread, 1).await;
    world.say_to_bot(world.robin, thread, "what is my locker code?");
    let answers = world.answered(thread, 2).await;
    assert!(answers[1].contains("4711"), "{answers:?}");
    world.say_to_bot(world.robin, world.channel, "what is my locker code?");
    let answers = world.answered(world.channel, 1).await;
    assert!(!answers[0].contains("4711"), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_with_a_message_reaches_the_model_as_what_it_is() {
    let world = World::new().await;
    let simulator = Simulator::start(Behaviour::Stream(Answer::new("I see."))).await.unwrap();
    let _running = world.start(&model(&simulator)).await;
    let discord = &world.discord;
    let plan = discord.say(world.sam, world.channel, "We meet at the harbour at nine.");
    let say = Say {
        reply_to: Some(plan),
        attachments: vec![("map.png".to_owned(), "image/png".to_owned(), 2_048)],
        ..Say::default()
    };
    discord.say_with(world.robin, world.channel, &format!("{} is that wise?", mention(world.bot)), &say);
    world.answered(world.channel, 1).await;
    let requests = simulator.requests();
    let last = requests.last().unwrap().contents().last().unwrap().to_string();
    assert!(last.contains(r#"Robin replies to this by Sam: "We meet at the harbour at nine.""#), "{last}");
    assert!(last.contains(r#"Robin sends the file "map.png", image/png, 2 KB"#), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_appears_while_it_is_written() {
    let world = World::new().await;
    let text =
        "One word after the other comes out of the fog, until the whole boat is there to see for everybody.";
    let slow = Answer { delay: Duration::from_millis(250), ..Answer::new(text).in_pieces(16) };
    let simulator = Simulator::start(Behaviour::Stream(slow)).await.unwrap();
    let _running = world.start(&model(&simulator)).await;
    let dm = world.discord.dm(world.robin, world.bot);
    world.discord.say(world.robin, dm, "Tell me.");
    let shown = world.discord.wait_for(dm, Duration::from_secs(20), |it| it.text == text).await;
    assert_eq!(world.discord.shown(dm).len(), 1);
    assert!(shown.edits.len() >= 2, "it grew: {:?}", shown.edits);
    for pair in shown.edits.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= Duration::from_millis(950), "more than one change a second");
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(world.discord.message(shown.id).edits.len(), shown.edits.len(), "no change after the last");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_is_asked_for_delays_and_loses_nothing() {
    let world = World::new().await;
    let text = "The tide comes in slowly. ".repeat(120);
    let slow = Answer { delay: Duration::from_millis(100), ..Answer::new(text.trim()).in_pieces(20) };
    let simulator = Simulator::start(Behaviour::Stream(slow)).await.unwrap();
    let _running = world.start(&model(&simulator)).await;
    let limited = Fault::RateLimited { retry_after: 3.0, global: false };
    world.discord.fail("PATCH", "messages", 2, limited.clone());
    world.discord.fail("POST", r"/messages$", 1, limited);
    let dm = world.discord.dm(world.robin, world.bot);
    world.discord.say(world.robin, dm, "Tell me.");
    world
        .discord
        .until("the whole answer", |it| {
            let all = it.shown(dm).into_iter().map(|it| it.text).collect::<Vec<_>>().join(" ");
            all.split_whitespace().eq(text.split_whitespace())
        })
        .await;
}

/// Thirty thousand characters with everything that can go wrong in them.
#[tokio::test(flavor = "multi_thread")]
async fn a_very_long_answer_arrives_whole_and_in_valid_pieces() {
    let world = World::new().await;
    let mut text = String::new();
    for number in 0.. {
        text += &format!("## Part {number}\n\nA line with **bold**, שלום עולם and 👩‍👩‍👧‍👦 in it.\n\n");
        text += "| a | b |\n|---|---|\n| 1 | 2 |\n\n````md\n```rust\nfn main() { println!(\"{}\", 1 < 2); }\n```\n````\n\n";
        text += &format!("{}\n\n", "x".repeat(if number % 7 == 0 { 2_500 } else { 40 }));
        if text.chars().count() > 30_000 {
            break;
        }
    }
    let simulator = Simulator::start(Behaviour::Stream(Answer::new(text.trim()))).await.unwrap();
    let _running = world.start(&model(&simulator)).await;
    let dm = world.discord.dm(world.robin, world.bot);
    world.discord.say(world.robin, dm, "Everything, please.");
    // Everything but blanks and the marks of code blocks, which a cut closes and opens again.
    let words = |text: &str| {
        let kept = text.lines().filter(|line| !line.starts_with("```"));
        kept.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect::<String>()
    };
    let wanted = words(&text);
    let all = |it: &crate::wire::Discord| it.shown(dm).into_iter().map(|it| it.text).collect::<Vec<_>>();
    let shown = |it: &crate::wire::Discord| all(it).iter().map(|text| words(text)).collect::<String>();
    world.discord.until("the whole answer", |it| shown(it).chars().count() >= wanted.chars().count()).await;
    assert!(shown(&world.discord) == wanted, "something is missing, twice there, or in another order");
    for piece in all(&world.discord) {
        assert!(piece.encode_utf16().count() <= 2_000);
        let fences = piece.lines().filter(|line| line.starts_with("```")).count();
        assert_eq!(fences % 2, 0, "a code block stays open:\n{piece}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quick_messages_of_one_person_get_one_answer_and_two_people_one_each() {
    let world = World::new().await;
    let simulator = Simulator::start(Behaviour::Echo).await.unwrap();
    let _running = world.start(&model(&simulator)).await;
    for text in ["first,", "second,", "third."] {
        world.say_to_bot(world.robin, world.channel, text);
    }
    world.say_to_bot(world.sam, world.channel, "and I?");
    let answers = world.answered(world.channel, 2).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.answers(world.channel).len(), 2);
    assert!(["first,", "second,", "third."].iter().all(|text| answers[0].contains(text)), "{answers:?}");
    assert!(answers[1].contains("and I?"), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_taken_back_in_time_gets_no_answer() {
    let world = World::new().await;
    let slow = Answer { delay: Duration::from_secs(2), ..Answer::new("Here I am.") };
    let simulator = Simulator::start(Behaviour::Stream(slow)).await.unwrap();
    let _running = world.start(&model(&simulator)).await;
    let dm = world.discord.dm(world.robin, world.bot);
    let regretted = world.discord.say(world.robin, dm, "forget it");
    world.discord.until("the turn", |_| simulator.requests().len() == 1).await;
    world.discord.delete(regretted);
    let other = world.discord.dm(world.sam, world.bot);
    world.discord.say(world.sam, other, "hello");
    world.answered(other, 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(world.answers(dm).is_empty(), "{:?}", world.answers(dm));
    let memory =
        world.home.run(&["memory", "search", "--user", &format!("discord:{}", world.robin), "forget it"], "");
    let memory = String::from_utf8_lossy(&memory.stdout).into_owned();
    assert!(memory.contains("nothing on record"), "what was taken back is forgotten: {memory}");
}

/// The first words are there, but their id is not known yet when the message goes.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_just_said_to_a_message_goes_with_it() {
    let world = World::new().await;
    let slow =
        Answer { delay: Duration::from_millis(400), ..Answer::new("Here I am, and so on.").in_pieces(20) };
    let simulator = Simulator::start(Behaviour::Stream(slow)).await.unwrap();
    let _running = world.start(&model(&simulator)).await;
    let dm = world.discord.dm(world.robin, world.bot);
    world.discord.fail("POST", &format!("^/channels/{dm}/messages$"), 1, Fault::DoneButSilent);
    let regretted = world.discord.say(world.robin, dm, "forget it");
    world.answered(dm, 1).await;
    world.discord.delete(regretted);
    world.discord.until("nothing is left of it", |_| world.answers(dm).is_empty()).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(world.answers(dm).is_empty(), "{:?}", world.answers(dm));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_changed_in_time_is_answered_as_it_reads_now() {
    let world = World::new().await;
    let slow = Answer { delay: Duration::from_secs(3), ..Answer::new("Paris it is.") };
    let simulator = Simulator::start(Behaviour::answer("London it is.")).await.unwrap();
    simulator.script([Behaviour::Stream(slow)]);
    let _running = world.start(&model(&simulator)).await;
    let dm = world.discord.dm(world.robin, world.bot);
    let message = world.discord.say(world.robin, dm, "Greetings from Paris!");
    world.discord.until("the turn", |_| simulator.requests().len() == 1).await;
    world.discord.edit(world.robin, message, "Greetings from London!");
    let answers = world.answered(dm, 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((world.answers(dm), answers[0].as_str()), (answers.clone(), "London it is."));
    assert!(simulator.requests()[1].contents().last().unwrap().contains("London"));
}
