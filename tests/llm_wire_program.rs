//! Models through the whole program: settings reach the endpoints, `dramatis doctor` shows them, and prompts begin alike from
//! turn to turn, so that a provider's cache can reuse them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[path = "support/program.rs"]
#[allow(dead_code)]
mod program;

use std::process::Command;

use dramatis::{
    config::Settings,
    llm::simulator::{Behaviour, Simulator},
};
use program::{Home, last_answer};

async fn talk(mut command: Command, simulator: &Simulator, lines: &str) -> String {
    command.env("LLM_BASE_URL", simulator.base_url()).env("LLM_MODEL", "simulated");
    let lines = lines.to_owned();
    let output = tokio::task::spawn_blocking(move || program::run(command, &lines)).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    last_answer(&program::events(&output.stdout))
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_begin_alike_from_turn_to_turn() {
    let home = Home::new();
    let simulator = Simulator::start(Behaviour::answer("The tide decides.")).await.unwrap();
    let lines = "Hello! I love the reefs, thank you.\nWhat do you think of plankton?\nGood night!\n";
    talk(home.command(&["chat", "--json"]), &simulator, lines).await;
    let prompts: Vec<String> = simulator
        .requests()
        .iter()
        .filter(|request| request.body["messages"][0]["role"] == "system")
        .map(|request| request.contents()[0].to_owned())
        .filter(|prompt| prompt.contains("# What holds in every answer"))
        .collect();
    assert!(prompts.len() >= 3, "{}", prompts.len());
    for pair in prompts.windows(2) {
        let alike = pair[0].bytes().zip(pair[1].bytes()).take_while(|(one, other)| one == other).count();
        // The first part that changes is how far they trust each other.
        let stable = pair[0].find("(trust ").unwrap();
        assert!(alike >= stable, "{alike} of {stable} bytes: {}", &pair[1][alike..alike + 80]);
        assert!(stable > 1_000, "the persona and the rules are in it: {stable}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fallbacks_are_asked_and_examined() {
    let home = Home::new();
    let broken = Simulator::start(Behaviour::status(401, "no")).await.unwrap();
    let works = Simulator::start(Behaviour::answer("I am the other one.")).await.unwrap();
    let fallbacks = format!("{} simulated sk-second", works.base_url());
    let mut command = home.command(&["chat", "--json"]);
    command.env("LLM_FALLBACKS", &fallbacks).env("LLM_HEDGE_MS", "60000");
    assert_eq!(talk(command, &broken, "Hello!\n").await, "I am the other one.");
    assert_eq!(works.requests()[0].authorization.as_deref(), Some("Bearer sk-second"));
    let mut command = home.command(&["doctor"]);
    command
        .env("LLM_BASE_URL", works.base_url())
        .env("LLM_MODEL", "simulated")
        .env("LLM_FALLBACKS", format!("{fallbacks}, {} simulated", broken.base_url()));
    let output = tokio::task::spawn_blocking(move || program::run(command, "")).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(&format!("simulated at {}", works.base_url())), "{text}");
    assert!(text.contains("refuses the key") && text.contains("set LLM_FALLBACKS to a key"), "{text}");
    assert!(!text.contains("sk-second"), "{text}");
}

#[test]
fn fallbacks_that_are_wrong_are_told_without_their_keys() {
    let dir = tempfile::tempdir().unwrap();
    let load = |env: &[(&str, &str)]| {
        let env = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Settings::load(dir.path(), env.collect::<Vec<_>>().into_iter())
    };
    let main = [("LLM_BASE_URL", "http://a/v1"), ("LLM_MODEL", "m")];
    let with = |value| load(&[main[0], main[1], ("LLM_FALLBACKS", value)]);
    let (settings, _) = with("http://b/v1/ big sk-quiet, http://c/v1 small").unwrap();
    let urls: Vec<&str> = settings.fallbacks.main.iter().map(|it| it.base_url.as_str()).collect();
    assert_eq!(urls, ["http://b/v1", "http://c/v1"]);
    assert_eq!(settings.fallbacks.main[1].model, "small");
    assert!(!format!("{settings:?} {:?}", settings.describe()).contains("sk-quiet"), "{settings:?}");
    for wrong in ["hunter2", "http://b/v1 m hunter2 more", "http://b/v1 m KEY, b hunter2"] {
        let told = with(wrong).unwrap_err().to_string();
        assert!(told.contains("LLM_FALLBACKS: number") && !told.contains("hunter2"), "{told}");
    }
    let told = load(&[main[0], main[1], ("ROUTER_LLM_FALLBACKS", "http://b/v1 m")]).unwrap_err();
    assert!(told.to_string().contains("nothing for them to stand behind"), "{told}");
}
