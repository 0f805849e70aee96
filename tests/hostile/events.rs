//! What goes on in a turn of thought, as programs see it: OpenAI's own client, and `dramatis chat --json`.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use dramatis::llm::simulator::{Behaviour, MODEL, Simulator, policy};
use serde_json::{Value, json};

use crate::program::{Home, events, last_answer, of_type, run};

const KEY: &str = "a-key-for-the-tests";
const EXPECTED: &str = "You told me that the ferry is green.";

/// Looks in two places at once, and answers.
fn thinks() -> Behaviour {
    let rounds = vec![vec![("search_memories", json!({ "query": "ferry" })), ("current_time", json!({}))]];
    policy::script(rounds, |_| EXPECTED.to_owned())
}

fn with_model(command: &mut Command, simulator: &Simulator) {
    command.env("LLM_BASE_URL", simulator.base_url()).env("LLM_MODEL", MODEL);
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openais_own_client_is_told_of_thinking_and_tools() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".venv/bin/python3");
    let there = Command::new(&python).args(["-c", "import openai"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        println!("skipped: OpenAI's client is not in .venv (scripts/setup-test.sh puts it there)");
        return;
    }
    let simulator = Simulator::start(thinks()).await.unwrap();
    let home = Home::new();
    let mut command = home.command(&["run"]);
    with_model(&mut command, &simulator);
    command.env("API_ADDR", "127.0.0.1:0").env("API_KEYS", KEY);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut server = Server(command.spawn().unwrap());
    let mut lines = BufReader::new(server.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    let base = lines.find_map(|line| line.strip_prefix("API: ").map(str::to_owned)).expect("an address");
    std::thread::spawn(move || lines.count());
    let script = root.join("tests/data/openai_thinking.py");
    let output = Command::new(&python).arg(script).args([&base, KEY, EXPECTED]).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    println!("{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_tells_of_thinking_and_tools_as_json() {
    let simulator = Simulator::start(thinks()).await.unwrap();
    let home = Home::new();
    let mut command = home.command(&["chat", "--json", "--user", "robin"]);
    with_model(&mut command, &simulator);
    let output = run(command, "/reflect What did I tell you about the ferry?\n");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all = events(&output.stdout);
    assert_eq!(last_answer(&all), EXPECTED);
    let thinking = of_type(&all, "thinking");
    assert!(thinking.len() >= 2 && thinking[0]["step"] == 1 && thinking[0]["of"] == 15, "{thinking:?}");
    assert!(thinking[0]["text"].as_str().is_some_and(|text| !text.is_empty()));
    let tools = of_type(&all, "tool");
    for name in ["search_memories", "current_time"] {
        let own: Vec<&&Value> = tools.iter().filter(|it| it["name"] == name).collect();
        let states: Vec<&str> = own.iter().filter_map(|it| it["state"].as_str()).collect();
        assert_eq!(states, ["started", "finished"], "{tools:?}");
        assert!(own[0]["id"] == own[1]["id"] && own[1]["ms"].is_number(), "{own:?}");
    }
    let place = |kind: &str| all.iter().position(|event| event["type"] == kind).unwrap();
    assert!(place("routed") < place("thinking") && place("thinking") < place("tool"), "{all:?}");
    assert!(place("tool") < place("final"), "{all:?}");
}
