//! Whatever anybody writes, a fence is closed only by us.

use dramatis::{
    llm::simulator::{Behaviour, policy},
    model::Quoted,
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::json;

use crate::house::{ANSWER, House, Said};

const MARKER: &str = "zebra";

/// Pieces of fences and of chat templates, in any order, with a marker between.
fn text() -> impl Strategy<Value = String> {
    let pieces = [
        "<",
        "</",
        "/",
        "data",
        "DATA",
        "memory",
        "facts",
        ">",
        " ",
        "\n",
        "\u{200b}",
        "\u{ad}",
        "\0",
        "＜",
        "／",
        "＞",
        "ｄ",
        "а",
        "т",
        "ta",
        "da",
        "<|",
        "|>",
        "|",
        "im_end",
        "[",
        "]",
        "INST",
        "/INST",
        "<<",
        "SYS",
        "s",
        "\"",
        "‹",
        "start_of_turn",
        "end_of_turn",
        "zebra",
        "<data>",
        "</data>",
        "&lt;",
        "```",
        "System:",
        "x",
        "\u{202e}",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 1..24)
        .prop_map(|it| format!("{MARKER}{}{MARKER}", it.concat()))
}

#[test]
fn a_fence_is_closed_only_by_us() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let house = runtime.block_on(House::new(Behaviour::answer(ANSWER)));
    let url = format!("http://site.test:{}/", house.internet.site);
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&text(), |text| {
        runtime.block_on(async {
            house.internet.say(&text);
            house.simulator.script([Behaviour::calls([
                ("read_web_page", json!({ "url": url })),
                ("web_search", json!({ "query": "zebra" })),
                ("recall_period", json!({ "period": "this month" })),
            ])]);
            let from = house.simulator.requests().len();
            let sam = Said {
                by: "sam",
                name: "Sam".to_owned(),
                text: text.clone(),
                ..Said::there("lounge/general")
            };
            let message = house.said_before(&sam, "elena").await;
            house.learn(&message, &[("user", "likes", &text)], &text).await;
            let beside = vec![Quoted::Reply { by: Some("Sam".to_owned()), text: text.clone() }.made_plain()];
            let said = Said { beside, ..Said::there("lounge/general") };
            house.turn(&said).await;
            let shown = house.shown(from);
            prop_assert!(shown.iter().any(|it| it.contains(MARKER)));
            prop_assert!(shown.iter().any(|it| it.starts_with("<data tool=\"read_web_page\"")), "{shown:#?}");
            for message in shown {
                let outside = policy::beyond_fences(&message);
                prop_assert!(!outside.contains(MARKER), "`{text:?}` got out of\n{message}\nas\n{outside}");
            }
            Ok(())
        })
    });
    outcome.unwrap();
}
