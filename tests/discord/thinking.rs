//! What people see while a character thinks.

use std::{path::Path, time::Duration};

use dramatis::llm::simulator::{Answer, Behaviour, End, Simulator};
use rstest::rstest;
use serde_json::json;

use crate::{World, model};

const STATUS: &str = "🌊 Elena is reading back through her logbook";
const USING: &str = "🔬 Elena is putting it under the lens (search memories)";
const ANSWER: &str = "It is green, as far as I know.";
const QUESTION: &str = "!reflect What colour is the ferry?";

/// The cast, in which Elena shows what she thinks in this way.
fn cast(home: &Path, show: &str) -> (&'static str, String) {
    let (from, to) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("characters/elena"), home.join("cast/elena"));
    std::fs::create_dir_all(&to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        if file.file_type().unwrap().is_file() {
            let text = std::fs::read_to_string(file.path()).unwrap();
            let shown = format!("thinking_indicators:\n  show: {show}\n");
            std::fs::write(to.join(file.file_name()), text.replace("thinking_indicators:\n", &shown))
                .unwrap();
        }
    }
    ("CHARACTERS_DIR", home.join("cast").display().to_string())
}

/// A call, and then the answer; each takes its time.
fn slowly(pieces: usize) -> [Behaviour; 2] {
    let delay = Duration::from_millis(350);
    let call = Answer::new("").calling([("search_memories", json!({ "query": "ferry" }))]);
    [
        Behaviour::Stream(Answer { delay, ..call }),
        Behaviour::Stream(Answer { delay, ..Answer::new(ANSWER).in_pieces(pieces) }),
    ]
}

#[rstest]
#[case::none("none", &[])]
#[case::minimal("minimal", &[STATUS])]
#[case::detailed("detailed", &[STATUS, USING])]
#[tokio::test(flavor = "multi_thread")]
async fn the_words_that_stand_for_the_answer_become_it(#[case] show: &str, #[case] statuses: &[&str]) {
    let world = World::new().await;
    let simulator = Simulator::start(Behaviour::answer("{\"pass\": true}")).await.unwrap();
    simulator.script(slowly(1));
    let mut more = model(&simulator);
    more.push(cast(world.home.path(), show));
    let _running = world.start(&more).await;
    let dm = world.discord.dm(world.robin, world.bot);
    world.discord.say(world.robin, dm, QUESTION);
    let shown = world.discord.wait_for(dm, crate::PATIENCE, |it| it.bot && it.text == ANSWER).await;
    let of_bot: Vec<_> = world.discord.seen(dm).into_iter().filter(|it| it.bot).collect();
    assert_eq!(of_bot.len(), 1, "one message, from the first status to the answer: {of_bot:?}");
    let all: Vec<&str> = shown.edits.iter().map(|(_, text)| text.as_str()).collect();
    // The first text is no edit where a message is made with it.
    let begun = format!("{:?}", world.discord.requests("POST", "messages"));
    for status in [STATUS, USING] {
        let seen = all.contains(&status) || begun.contains(status);
        assert_eq!(seen, statuses.contains(&status), "{status}: {all:?}");
    }
    assert!(!world.discord.typing(dm).is_empty(), "it shows that it types");
}

/// The status of a thought that was cut short is no second message beside the answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_mid_thought_leaves_nothing_behind() {
    let world = World::new().await;
    let simulator = Simulator::start(Behaviour::answer("{\"pass\": true}")).await.unwrap();
    simulator.script([Behaviour::Stream(Answer::new("").ending(End::Stall))]);
    let mut running = world.start(&model(&simulator)).await;
    let dm = world.discord.dm(world.robin, world.bot);
    world.discord.say(world.robin, dm, QUESTION);
    world.discord.wait_for(dm, crate::PATIENCE, |it| it.bot && it.text == STATUS).await;
    running.kill();
    simulator.script([Behaviour::answer(ANSWER)]);
    let _running = world.start(&model(&simulator)).await;
    world.discord.wait_for(dm, crate::PATIENCE, |it| it.bot && it.text == ANSWER).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let shown: Vec<String> = world.discord.shown(dm).into_iter().map(|it| it.text).collect();
    assert_eq!(shown, [ANSWER]);
}
