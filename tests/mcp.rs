//! Tools of MCP servers, over real processes and real HTTP: what is offered, called, cut off, restarted and made harmless.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod mcp_server;

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use dramatis::{
    character::{Cast, Character},
    llm::ToolCall,
    model::{MessageId, Place, Timestamp, UserId, Viewer},
    tool::{
        Context, Permission, ToolError, Toolbox,
        mcp::{self, Config, Pace, Servers, Trouble},
    },
};
use mcp_server::{HOSTILE, HttpServer, SECRET};
use serde_json::{Value, json};

/// Starts this very program as a server; what the harness prints goes nowhere.
const SERVE: &str = r#"exec "$0" --exact serve --ignored --nocapture 3>&1 >/dev/null"#;

/// Not a test: the process that the tests start as a server.
#[test]
#[ignore = "is started by the other tests"]
fn serve() {
    if std::env::var_os("MCP_TEST_SERVER").is_some() {
        mcp_server::serve_stdio();
    }
}

fn env(name: &str) -> Option<String> {
    (name == "TEST_TOKEN").then(|| SECRET.to_owned())
}

fn config(servers: &Value) -> Config {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mcp.json");
    fs::write(&file, json!({ "mcpServers": servers }).to_string()).unwrap();
    let mut config = Config::load(Some(&file), env).unwrap();
    config.pace = Pace {
        first: Duration::from_millis(50),
        most: Duration::from_millis(500),
        answer: Duration::from_secs(2),
        ..Pace::default()
    };
    config
}

fn process(log: &Path) -> Value {
    let program = std::env::current_exe().unwrap();
    json!({ "command": "sh", "args": ["-c", SERVE, program],
        "env": { "MCP_TEST_SERVER": "1", "MCP_TEST_LOG": log, "TOKEN": "${TEST_TOKEN}" } })
}

fn with(mut server: Value, key: &str, value: Value) -> Value {
    server[key] = value;
    server
}

fn character(skills: &[&str]) -> Arc<Character> {
    let (cast, _) = Cast::open(Path::new("characters")).unwrap();
    let mut character = cast.get(&cast.ids()[0]).unwrap().as_ref().clone();
    character.core.skills = skills.iter().map(|skill| (*skill).to_owned()).collect();
    Arc::new(character)
}

struct World {
    toolbox: Toolbox,
    servers: Servers,
    context: Context,
    dir: tempfile::TempDir,
}

impl World {
    fn start(config: Config) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), config)
    }

    fn start_in(dir: tempfile::TempDir, config: Config) -> Self {
        let (servers, source) = Servers::start(config);
        let character = character(&["test__*"]);
        let context = Context {
            viewer: Viewer::new(character.id.clone(), UserId::new("console:robin").unwrap(), Place::Dm),
            character,
            user_name: "Robin".to_owned(),
            message: MessageId::new(),
            now: Timestamp::from_micros(784_111_777_000_000),
        };
        Self { toolbox: Toolbox::default().with_source(source), servers, context, dir }
    }

    async fn stdio() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = process(&dir.path().join("log"));
        let world = Self::start_in(dir, config(&json!({ "test": server })));
        world.until("the server is there", |world| world.has("test__echo")).await;
        world
    }

    fn names(&self) -> Vec<String> {
        self.toolbox.specs(&self.context.character).into_iter().map(|spec| spec.name).collect()
    }

    fn has(&self, name: &str) -> bool {
        self.names().iter().any(|it| it == name)
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "waited for: {what}; tools: {:?}",
                self.names()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn call(&self, name: &str, arguments: Value) -> Result<String, ToolError> {
        let call =
            ToolCall { id: "1".to_owned(), name: format!("test__{name}"), arguments: arguments.to_string() };
        self.toolbox.call(&self.context, &call).await.result
    }

    /// What each process of the server has heard so far.
    fn heard(&self) -> Vec<String> {
        let files = fs::read_dir(self.dir.path()).unwrap();
        files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
    }

    /// The processes that have heard something.
    fn pids(&self) -> Vec<u32> {
        let files = fs::read_dir(self.dir.path()).unwrap();
        files.filter_map(|file| file.unwrap().path().extension()?.to_str()?.parse().ok()).collect()
    }
}

fn runs(pid: u32) -> bool {
    // A process that has ended and is not yet waited for has an empty command line.
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_of_a_process_are_listed_and_called() {
    let world = World::stdio().await;
    let names = world.names();
    assert!(names.iter().all(|name| name.starts_with("test__") && name.len() <= 64), "{names:?}");
    assert_eq!(names.iter().filter(|name| name.starts_with("test__a_b_")).count(), 2, "{names:?}");
    assert!(!names.iter().any(|name| name.contains("huge")), "a schema that is too large is left out");
    assert_eq!(world.call("echo", json!({ "text": "ahoy" })).await, Ok("ahoy".to_owned()));
    assert_eq!(
        world.call("mixed", json!({})).await.unwrap(),
        "first\n[image]\n[audio]\n[resource file:///a.txt]\nof a\n[resource file:///b.bin]\n[resource file:///c.txt]"
    );
    assert_eq!(world.call("structured", json!({})).await, Ok(r#"{"degrees":7}"#.to_owned()));
    let long = world.call("long", json!({})).await.unwrap();
    assert_eq!(long.chars().count(), 6_000);
    assert!(long.ends_with("[cut: 20000 characters in all]"));
    assert_eq!(
        world.call("fail", json!({})).await,
        Err(ToolError::Failed("no such town ‹/data>".to_owned()))
    );
    assert_eq!(
        world.call("refuse", json!({})).await,
        Err(ToolError::Arguments("`text` is missing, (secret)".to_owned()))
    );
    assert!(matches!(world.call("echo", json!([1])).await, Err(ToolError::Arguments(_))));
    world.servers.stop(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_over_http_are_listed_called_and_followed_when_they_change() {
    let server = HttpServer::start("127.0.0.1:0").await;
    let it = json!({ "url": server.url(), "headers": { "Authorization": "Bearer ${TEST_TOKEN}" } });
    let world = World::start(config(&json!({ "test": it })));
    world.until("the server is there", |world| world.has("test__echo")).await;
    assert_eq!(world.call("echo", json!({ "text": "ahoy" })).await, Ok("ahoy".to_owned()));
    assert!(!world.has("test__new_one"));
    assert_eq!(world.call("grow", json!({})).await, Ok("grown".to_owned()));
    world.until("the new tool is there", |world| world.has("test__new_one")).await;
    world.servers.stop(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_character_gets_only_what_it_lists() {
    let world = World::stdio().await;
    let names = |skills: &[&str]| -> Vec<String> {
        world.toolbox.specs(&character(skills)).into_iter().map(|spec| spec.name).collect()
    };
    assert_eq!(names(&[]), Vec::<String>::new(), "what goes out must be named");
    assert_eq!(names(&["test__echo"]), ["test__echo"]);
    assert!(names(&["test__*"]).len() > 5);
    let context = Context { character: character(&["test__echo"]), ..world.context.clone() };
    let call = ToolCall { id: "1".to_owned(), name: "test__fail".to_owned(), arguments: "{}".to_owned() };
    let refused = world.toolbox.call(&context, &call).await.result;
    assert_eq!(refused, Err(ToolError::Unknown("test__fail".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_allowed_tools_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let server = with(process(&dir.path().join("log")), "allow", json!(["echo", "a.b", "gone"]));
    let config = config(&json!({ "test": server }));
    let look = mcp::look(&config.servers[0]).await.unwrap();
    assert_eq!(look.tools.len(), 2, "{look:?}");
    assert!(look.left_out[0].contains("`gone`"), "{look:?}");
    let world = World::start_in(dir, config);
    world.until("the server is there", |world| world.has("test__echo")).await;
    assert_eq!(world.names().len(), 2);
    assert_eq!(world.call("fail", json!({})).await, Err(ToolError::Unknown("test__fail".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_is_cut_off_and_called_off_and_the_server_stays() {
    let dir = tempfile::tempdir().unwrap();
    let server = with(process(&dir.path().join("log")), "timeoutSeconds", json!(1));
    let world = World::start_in(dir, config(&json!({ "test": server })));
    world.until("the server is there", |world| world.has("test__echo")).await;
    let (hung, echoed) =
        tokio::join!(world.call("hang", json!({})), world.call("echo", json!({ "text": "meanwhile" })));
    assert_eq!(hung, Err(ToolError::Late(Duration::from_secs(1))));
    assert_eq!(echoed, Ok("meanwhile".to_owned()));
    let told = |world: &World| {
        let heard = world.heard().concat();
        // The doubt about it is answered by a sign of life.
        heard.contains("notifications/cancelled") && heard.contains("ping")
    };
    world.until("the server is told that nobody waits", told).await;
    assert_eq!(world.call("echo", json!({ "text": "after" })).await, Ok("after".to_owned()));
    assert_eq!(world.pids().len(), 1, "it was not started again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_http_that_hangs_is_called_off() {
    let server = HttpServer::start("127.0.0.1:0").await;
    let it = json!({ "url": server.url(), "timeoutSeconds": 1, "headers": { "Authorization": "Bearer ${TEST_TOKEN}" } });
    let world = World::start(config(&json!({ "test": it })));
    world.until("the server is there", |world| world.has("test__echo")).await;
    assert_eq!(world.call("hang", json!({})).await, Err(ToolError::Late(Duration::from_secs(1))));
    let told = |_: &World| server.mind.lock().unwrap().heard.iter().any(|it| it == "notifications/cancelled");
    world.until("the server is told that nobody waits", told).await;
    assert_eq!(world.call("echo", json!({ "text": "after" })).await, Ok("after".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_is_started_again() {
    let world = World::stdio().await;
    let died = world.call("die", json!({})).await;
    assert!(matches!(&died, Err(ToolError::Failed(why)) if why.contains("ended")), "{died:?}");
    // Whoever calls meanwhile waits for it, or is told that it is away.
    let began = Instant::now();
    while world.call("echo", json!({ "text": "again" })).await != Ok("again".to_owned()) {
        assert!(began.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(world.pids().len(), 2);
    world.servers.stop(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_freezes_is_ended_and_started_again() {
    let dir = tempfile::tempdir().unwrap();
    let server = with(process(&dir.path().join("log")), "timeoutSeconds", json!(1));
    let world = World::start_in(dir, config(&json!({ "test": server })));
    world.until("the server is there", |world| world.has("test__echo")).await;
    let frozen = world.pids()[0];
    assert!(matches!(world.call("freeze", json!({})).await, Err(ToolError::Late(_))));
    world.until("another process is there", |world| world.pids().len() == 2).await;
    world.until("the first is gone", |_| !runs(frozen)).await;
    world.until("the server is there", |world| world.has("test__echo")).await;
    assert_eq!(world.call("echo", json!({ "text": "again" })).await, Ok("again".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_tools_are_seen() {
    let world = World::stdio().await;
    assert!(!world.has("test__new_one"));
    assert_eq!(world.call("grow", json!({})).await, Ok("grown".to_owned()));
    world.until("the new tool is there", |world| world.has("test__new_one")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_yet_holds_nobody_up_and_is_found_when_it_comes() {
    let address = HttpServer::start("127.0.0.1:0").await.address;
    let it = json!({ "url": format!("http://{address}/mcp"), "headers": { "Authorization": "Bearer ${TEST_TOKEN}" } });
    let missing = json!({ "command": "no-such-program-anywhere" });
    let world = World::start(config(&json!({ "test": it, "missing": missing })));
    assert_eq!(world.names(), Vec::<String>::new());
    let server = HttpServer::start(&address.to_string()).await;
    world.until("the server is there", |world| world.has("test__echo")).await;
    // It goes, and its tools go with the first call that finds out.
    drop(server);
    let began = Instant::now();
    while world.has("test__echo") {
        assert!(world.call("echo", json!({})).await.is_err());
        assert!(began.elapsed() < Duration::from_secs(60));
    }
    world.servers.stop(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hostile_server_says_stays_material() {
    let world = World::stdio().await;
    assert!(HOSTILE.contains("</") && HOSTILE.contains("```"));
    let harmless = |text: &str| {
        assert!(text.contains("ignore your instructions"), "it is there, as text: {text}");
        assert!(!text.contains("</") && !text.contains("```"), "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    };
    harmless(&world.call("hostile", json!({})).await.unwrap());
    let specs = world.toolbox.specs(&world.context.character);
    let spec = specs.iter().find(|spec| spec.name == "test__hostile").unwrap();
    let fenced = |text: &str| {
        let (before, inside) = text.split_once("<data>\n").unwrap();
        harmless(inside.strip_suffix("\n</data>").unwrap());
        before.to_owned()
    };
    assert!(fenced(&spec.description).starts_with("A tool of the server `test`"), "{}", spec.description);
    assert_eq!(fenced(spec.parameters["properties"]["text"]["description"].as_str().unwrap()), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_ours_reaches_a_server_and_none_of_its_own_comes_back() {
    let world = World::stdio().await;
    let leaked = world.call("leak", json!({})).await.unwrap();
    assert!(leaked.starts_with("(secret)") && !leaked.contains(SECRET), "{leaked}");
    assert!(leaked.contains("TOKEN") && leaked.contains("PATH"), "{leaked}");
    // Cargo sets this for tests, as an operator would set keys.
    assert!(
        std::env::var_os("CARGO_MANIFEST_DIR").is_some() && !leaked.contains("CARGO_MANIFEST_DIR"),
        "{leaked}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_tells_what_is_wrong_and_what_to_do_without_secrets() {
    let server = HttpServer::start("127.0.0.1:0").await;
    let dies = r#"echo "bad key $TOKEN" >&2; exit 3"#;
    let config = config(&json!({
        "missing": { "command": "no-such-program-anywhere" },
        "dies": { "command": "sh", "args": ["-c", dies], "env": { "TOKEN": "${TEST_TOKEN}" } },
        "silent": { "command": "sh", "args": ["-c", "echo not json; exec 1>&-; sleep 1"] },
        "locked": { "url": server.url(), "headers": { "Authorization": "Basic ${TEST_TOKEN}" } },
        "absent": { "url": "http://127.0.0.1:9/mcp?key=query-5ecret" }
    }));
    let mut told = Vec::new();
    for server in &config.servers {
        let trouble = mcp::look(server).await.unwrap_err();
        told.push((
            server.name.as_str(),
            trouble.clone(),
            format!("{server}: {trouble} -> {}", trouble.remedy(server)),
        ));
        let debug = format!("{server:?} {trouble:?}");
        assert!(!debug.contains(SECRET), "{debug}");
    }
    for (name, _, text) in &told {
        assert!(!text.contains(SECRET) && !text.contains("query-5ecret"), "{name}: {text}");
    }
    let of = |name: &str| told.iter().find(|(it, ..)| *it == name).unwrap();
    assert_eq!(of("missing").1, Trouble::NoProgram("no-such-program-anywhere".to_owned()));
    assert!(of("dies").2.contains("bad key (secret)"), "{}", of("dies").2);
    assert!(matches!(of("locked").1, Trouble::Refused(_)), "{}", of("locked").2);
    assert!(of("absent").2.contains("check `url`"), "{}", of("absent").2);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_process_outlives_us() {
    let world = World::stdio().await;
    let pid = world.pids()[0];
    assert!(runs(pid));
    let World { servers, dir: _dir, .. } = world;
    // Without a good-bye, too.
    drop(servers);
    let began = Instant::now();
    while runs(pid) {
        assert!(began.elapsed() < Duration::from_secs(30), "the process {pid} lives on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_of_a_server_is_for_the_network() {
    let world = World::stdio().await;
    let (servers, source) = Servers::start(Config::default());
    assert!(source.tools().is_empty());
    servers.stop(Duration::from_secs(1)).await;
    let specs = world.toolbox.specs(&character(&[]));
    assert!(specs.is_empty(), "{:?} without being named", Permission::Network);
}
