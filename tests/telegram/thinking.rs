//! What people see while a character thinks.

use std::{path::Path, time::Duration};

use dramatis::llm::simulator::{Answer, Behaviour, End, Simulator};
use rstest::rstest;
use serde_json::json;

use super::{Running, model, program::Home, shown, wire::Telegram};

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
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let simulator = Simulator::start(Behaviour::answer("{\"pass\": true}")).await.unwrap();
    simulator.script(slowly(1));
    let more: Vec<_> = model(&simulator).into_iter().chain([cast(home.path(), show)]).collect();
    let _running = Running::start(&home, &telegram, &more);
    telegram.say(7, QUESTION);
    telegram.until("the answer", |it| shown(it, 7).iter().any(|it| it.text == ANSWER)).await;
    let shown = shown(&telegram, 7);
    assert_eq!(shown.len(), 1, "one message, from the first status to the answer: {shown:?}");
    let begun = telegram.calls("sendMessage").iter().map(|(body, _)| body.to_string()).collect::<String>();
    let all: Vec<&str> = shown[0].edits.iter().map(|(_, text)| text.as_str()).collect();
    for status in [STATUS, USING] {
        // The first text is no edit where a message is made with it.
        let seen = all.contains(&status) || begun.contains(status);
        assert_eq!(seen, statuses.contains(&status), "{status}: {all:?}");
    }
    assert!(!telegram.calls("sendChatAction").is_empty(), "it shows that it types");
}

/// The status of a thought that was cut short is no second message beside the answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_mid_thought_leaves_nothing_behind() {
    let (home, telegram) = (Home::new(), Telegram::start().await);
    let simulator = Simulator::start(Behaviour::answer("{\"pass\": true}")).await.unwrap();
    simulator.script([Behaviour::Stream(Answer::new("").ending(End::Stall))]);
    let mut running = Running::start(&home, &telegram, &model(&simulator));
    telegram.say(7, QUESTION);
    telegram.until("the status", |it| shown(it, 7).iter().any(|it| it.text == STATUS)).await;
    running.kill();
    simulator.script([Behaviour::answer(ANSWER)]);
    let _running = Running::start(&home, &telegram, &model(&simulator));
    telegram.until("the answer", |it| shown(it, 7).iter().any(|it| it.text == ANSWER)).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let texts: Vec<String> = shown(&telegram, 7).into_iter().map(|it| it.text).collect();
    assert_eq!(texts, [ANSWER]);
}
