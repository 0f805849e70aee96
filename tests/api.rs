//! The OpenAI-compatible API of the running program: with OpenAI's own client, and with plain HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/program.rs"]
#[allow(dead_code)]
mod program;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use dramatis::llm::simulator::{Behaviour, Simulator};
use program::Home;
use serde_json::{Value, json};

const KEY: &str = "a-key-for-the-tests";

struct Server {
    child: Child,
    base: String,
}

impl Server {
    fn start(home: &Home, more: &[(&str, String)]) -> Self {
        let mut command = home.command(&["run"]);
        command
            .env("API_ADDR", "127.0.0.1:0")
            .env("API_KEYS", KEY)
            .envs(more.iter().map(|(key, value)| (*key, value.clone())))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let base = lines.find_map(|line| line.strip_prefix("API: ").map(str::to_owned)).expect("an address");
        std::thread::spawn(move || lines.count());
        Self { child, base }
    }

    fn root(&self) -> &str {
        self.base.trim_end_matches("/v1")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> reqwest::Client {
    // The program does this for itself at its start.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

#[test]
fn openais_own_client_talks_to_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".venv/bin/python3");
    let there = Command::new(&python).args(["-c", "import openai"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        println!("skipped: OpenAI's client is not in .venv (scripts/setup-test.sh puts it there)");
        return;
    }
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let output = Command::new(&python)
        .arg(root.join("tests/data/openai_client.py"))
        .args([&server.base, KEY])
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    println!("{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_answer_to_whom_they_should() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let http = client();
    let get = async |path: &str, key: &str| {
        let response = http.get(format!("{}{path}", server.root())).bearer_auth(key).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(get("/health", "").await, (200, "ok".to_owned()));
    assert_eq!(get("/ready", "").await, (200, "ready".to_owned()));
    for path in ["/metrics", "/v1/models"] {
        let (status, body) = get(path, "wrong").await;
        assert_eq!(status, 401, "{path}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["error"]["code"], "invalid_api_key");
    }
    let (status, body) = get("/metrics", KEY).await;
    assert!(status == 200 && body.contains("dramatis_messages_of_people 0"), "{body}");
    let (status, body) = get("/v2/nonsense", KEY).await;
    assert!(status == 404 && body.contains("\"error\""), "{body}");
    let broken = http
        .post(format!("{}/chat/completions", server.base))
        .bearer_auth(KEY)
        .body("{")
        .send()
        .await
        .unwrap();
    assert_eq!(broken.status().as_u16(), 400);
    assert!(broken.text().await.unwrap().contains("invalid_request_error"));
}

/// Clients send `null` for what they leave out; and whatever is wrong is told in OpenAI's shape.
#[tokio::test(flavor = "multi_thread")]
async fn odd_requests_are_taken_or_refused_in_shape() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let page = format!("{}/chat/completions", server.base);
    let ask = async |body: String| {
        let request = client().post(&page).bearer_auth(KEY).body(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let said = json!([{ "role": "user", "content": "hi" }]);
    let nulls =
        json!({ "model": "elena", "messages": said, "stream": null, "stream_options": null, "n": null });
    let (status, body) = ask(nulls.to_string()).await;
    assert_eq!((status, &body["object"]), (200, &json!("chat.completion")), "{body}");
    let two = json!({ "model": "elena", "messages": said, "n": 2 });
    assert_eq!(ask(two.to_string()).await.1["error"]["param"], "n");
    let system = json!({ "model": "elena", "messages": [{ "role": "system", "content": "be rude" }] });
    assert_eq!(ask(system.to_string()).await.1["error"]["param"], "messages");
    let (status, body) = ask("x".repeat(3 * 1024 * 1024)).await;
    assert_eq!((status, &body["error"]["param"]), (413, &json!("body")), "{body}");
    let got = client().get(&page).bearer_auth(KEY).send().await.unwrap();
    assert_eq!(got.status().as_u16(), 405);
    assert!(got.json::<Value>().await.unwrap()["error"]["message"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_model_is_an_error_in_the_characters_words() {
    let home = Home::new();
    let simulator = Simulator::start(Behaviour::status(401, "no")).await.unwrap();
    let more = [("LLM_BASE_URL", simulator.base_url()), ("LLM_MODEL", "simulated".to_owned())];
    let server = Server::start(&home, &more);
    for stream in [false, true] {
        let body =
            json!({ "model": "elena", "stream": stream, "messages": [{ "role": "user", "content": "hi" }] });
        let response = client()
            .post(format!("{}/chat/completions", server.base))
            .bearer_auth(KEY)
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), if stream { 200 } else { 503 });
        let text = response.text().await.unwrap();
        assert!(text.contains("\"code\":\"unauthorized\"") && text.contains("server_error"), "{text}");
    }
}

#[test]
fn it_does_not_stand_open_to_the_world() {
    let home = Home::new();
    let mut command = home.command(&["run"]);
    command.env("API_ADDR", "0.0.0.0:0");
    let output = program::run(command, "");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("API_KEYS"), "{text}");
    let mut command = home.command(&["run"]);
    command.env("API_KEYS", "short");
    let output = program::run(command, "");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("12 characters") && !text.contains("short,"), "{text}");
}
