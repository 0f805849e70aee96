//! What people like is an example for the next message like it, where it may be seen.

use std::time::{Duration, Instant};

use dramatis::llm::simulator::{Answer, Behaviour, Simulator};

use crate::{PATIENCE, World, model, wire::Id};

const ANSWER: &str = "The tide turns at noon, captain.";
const SHOWN: &str = "You answered: The tide turns at noon, captain.";

/// How many examples are on record.
fn patterns(world: &World) -> u64 {
    let output = world.home.command(&["memory", "stats", "--json"]).output().unwrap();
    let stats: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    stats["patterns"].as_u64().unwrap()
}

async fn until(world: &World, count: u64) {
    let deadline = Instant::now() + PATIENCE;
    while patterns(world) != count {
        assert!(Instant::now() < deadline, "waiting for {count} examples\n{}", world.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_liked_shows_the_way_until_it_is_not() {
    let world = World::new().await;
    let simulator = Simulator::start(Behaviour::Stream(Answer::new(ANSWER))).await.unwrap();
    let _running = world.start(&model(&simulator)).await;
    let discord = &world.discord;
    let (robin, sam) = (discord.dm(world.robin, world.bot), discord.dm(world.sam, world.bot));
    // Whether the model saw the example when this was answered.
    let shows = async |who: Id, dm: Id, text: &str| {
        let (before, answers) = (simulator.requests().len(), world.answers(dm).len());
        discord.say(who, dm, text);
        world.answered(dm, answers + 1).await;
        let requests = simulator.requests();
        requests[before..].iter().any(|it| it.contents().iter().any(|text| text.contains(SHOWN)))
    };

    assert!(!shows(world.robin, robin, "When does the tide turn in the harbour?").await);
    let answer = discord.shown(robin).into_iter().find(|it| it.text == ANSWER).unwrap().id;
    assert!(
        !shows(world.robin, robin, "When does the tide turn in our harbour?").await,
        "nobody has liked it"
    );

    discord.react(world.robin, answer, "❤️");
    until(&world, 1).await;
    assert!(shows(world.robin, robin, "When does the tide turn in this harbour?").await);
    assert!(
        !shows(world.sam, sam, "When does the tide turn in the harbour?").await,
        "it was said in private"
    );

    discord.unreact(world.robin, answer, "❤️");
    until(&world, 0).await;
    assert!(!shows(world.robin, robin, "When does the tide turn in that harbour?").await);

    discord.react(world.robin, answer, "❤️");
    until(&world, 1).await;
    discord.react(world.robin, answer, "👎");
    until(&world, 0).await;
    assert!(!shows(world.robin, robin, "When does the tide turn in every harbour?").await);
}
