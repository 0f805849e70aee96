//! The settings file of MCP servers: every mistake is told with its place, and no secret with it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{fs, path::Path, time::Duration};

use dramatis::tool::mcp::{Config, ConfigError, Reach};
use rstest::rstest;
use secrecy::ExposeSecret;

fn env(name: &str) -> Option<String> {
    (name == "TEST_TOKEN").then(|| "tok-5ecret-0123456789".to_owned())
}

fn load(text: &str) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mcp.json");
    fs::write(&file, text).unwrap();
    Config::load(Some(&file), env)
}

fn server(rest: &str) -> Result<Config, ConfigError> {
    load(&format!(r#"{{"mcpServers": {{"sky": {{{rest}}}}}}}"#))
}

#[test]
fn a_file_is_read() {
    let config = load(
        r#"{ "mcpServers": {
            "sky": { "command": "npx", "args": ["-y", "weather"], "env": { "KEY": "${TEST_TOKEN}" }, "timeoutSeconds": 7 },
            "notes": { "type": "http", "url": "https://example.org/mcp", "allow": ["find"],
                       "headers": { "Authorization": "Bearer ${TEST_TOKEN}" } },
            "off": { "command": "x", "env": { "KEY": "${NOT_SET}" }, "disabled": true }
        } }"#,
    )
    .unwrap();
    let names: Vec<&str> = config.servers.iter().map(|server| server.name.as_str()).collect();
    assert_eq!(names, ["notes", "sky"]);
    let sky = &config.servers[1];
    assert_eq!(sky.limit, Duration::from_secs(7));
    let Reach::Process { command, args, env } = &sky.reach else { panic!("{sky:?}") };
    assert_eq!((command.as_str(), args.len()), ("npx", 2));
    assert_eq!(env[0].1.expose_secret(), "tok-5ecret-0123456789");
    let notes = &config.servers[0];
    assert_eq!((notes.limit, notes.allow.as_ref().unwrap().len()), (Duration::from_secs(20), 1));
    assert_eq!(notes.to_string(), "notes (https://example.org/mcp)");
    let shown = format!("{config:?}");
    assert!(!shown.contains("5ecret"), "{shown}");
}

#[test]
fn no_file_is_no_server_unless_it_is_named() {
    assert!(Config::load(None, env).unwrap().servers.is_empty(), "there is no mcp.json in this project");
    let error = Config::load(Some(Path::new("/nowhere/mcp.json")), env).unwrap_err();
    assert!(
        error.to_string().contains("/nowhere/mcp.json") && error.to_string().contains("MCP_CONFIG"),
        "{error}"
    );
}

#[rstest]
#[case("{", "is not JSON: EOF while parsing an object at line 1 column 1")]
#[case("[]", "is not an object with `mcpServers`")]
#[case("{}", "mcpServers: is missing")]
#[case(r#"{"mcpServers": []}"#, "mcpServers: is not an object")]
#[case(r#"{"mcpServer": {}}"#, "mcpServer: is not known; did you mean `mcpServers`?")]
#[case(r#"{"mcpServers": {"a__b": {"command": "x"}}}"#, "mcpServers.a__b: is no name for a server")]
#[case(r#"{"mcpServers": {"my server": {"command": "x"}}}"#, "mcpServers.my server: is no name")]
#[case(r#"{"mcpServers": {"a_": {"command": "x"}}}"#, "mcpServers.a_: is no name")]
#[case(r#"{"mcpServers": {"a": 1}}"#, "mcpServers.a: is not an object")]
fn a_file_that_is_not_right_is_told(#[case] text: &str, #[case] part: &str) {
    let told = load(text).unwrap_err().to_string();
    assert!(told.contains("mcp.json: ") && told.contains(part), "{told}");
}

#[rstest]
#[case("", "sky: has neither `command`")]
#[case(r#""command": "x", "url": "http://x/""#, "sky: has both `command` and `url`")]
#[case(r#""command": "x", "timeout": 3"#, "sky.timeout: is not known")]
#[case(r#""command": "x", "timeoutSecond": 3"#, "did you mean `timeoutSeconds`?")]
#[case(r#""command": """#, "sky.command: is empty")]
#[case(r#""command": 3"#, "sky.command: is not a text")]
#[case(r#""command": "x", "args": "y""#, "sky.args: is not a list")]
#[case(r#""command": "x", "args": ["y", 2]"#, "sky.args[1]: is not a text")]
#[case(r#""command": "x", "args": ["${TEST_TOKEN}"]"#, "sky.args[0]: names a variable")]
#[case(r#""command": "x", "env": {"KEY": 1}"#, "sky.env.KEY: is not a text")]
#[case(r#""command": "x", "env": {"KEY": "${NOT_SET}"}"#, "set NOT_SET before the start")]
#[case(r#""command": "x", "env": {"KEY": "${TEST_TOKEN"}"#, "sky.env.KEY: has `${` without `}`")]
#[case(r#""command": "x", "env": {"A=B": "1"}"#, "sky.env.A=B: is no name")]
#[case(r#""command": "x", "headers": {}"#, "sky.headers: is for a server with a `url`")]
#[case(r#""url": "http://x/", "args": []"#, "sky.args: is for a server with a `command`")]
#[case(r#""url": "ftp://x/""#, "sky.url: is neither http:// nor https://")]
#[case(r#""url": "example.org""#, "sky.url: is not an address")]
#[case(r#""url": "http://me:pw@x/""#, "sky.url: holds a user name or password")]
#[case(r#""url": "http://x/", "headers": {"a b": "1"}"#, "sky.headers.a b: is no name of a header")]
#[case(r#""url": "http://x/", "headers": {"Accept": "1"}"#, "sky.headers.Accept: belongs to the protocol")]
#[case(r#""url": "http://x/", "headers": {"Mcp-Session-Id": "1"}"#, "belongs to the protocol")]
#[case(r#""url": "http://x/", "headers": {"X-A": "a\nb${TEST_TOKEN}"}"#, "sky.headers.X-A: has a value")]
#[case(r#""url": "http://x/", "type": "sse""#, "sky.type: `sse` is the old transport")]
#[case(r#""url": "http://x/", "type": "pigeon""#, "sky.type: is neither `stdio` nor `http`")]
#[case(r#""url": "http://x/", "type": "stdio""#, "there is no `command`")]
#[case(r#""command": "x", "timeoutSeconds": 0"#, "sky.timeoutSeconds: is not a whole number from 1 to 300")]
#[case(r#""command": "x", "timeoutSeconds": "9""#, "sky.timeoutSeconds: is not a whole number")]
#[case(r#""command": "x", "allow": []"#, "sky.allow: names no tool")]
#[case(r#""command": "x", "allow": "a""#, "sky.allow: is not a list")]
#[case(r#""command": "x", "disabled": "no""#, "sky.disabled: is neither true nor false")]
fn a_server_that_is_not_right_is_told(#[case] rest: &str, #[case] part: &str) {
    let told = server(rest).unwrap_err().to_string();
    assert!(told.contains("mcp.json: ") && told.contains(part), "{told}");
    assert!(!told.contains("5ecret"), "{told}");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let told = server(r#""url": "x", "alow": ["a"], "timeoutSeconds": 900"#).unwrap_err();
    let ConfigError::Wrong(problems) = told else { panic!("{told}") };
    assert_eq!(problems.len(), 3, "{problems:?}");
}
