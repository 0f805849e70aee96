//! `dramatis bench platforms` runs anywhere and says what it measured. Nothing here depends on how fast it was.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/program.rs"]
#[allow(dead_code)]
mod program;

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use program::{Home, run};
use serde_json::Value;

fn bench(home: &Home, arguments: &[&str]) -> Command {
    let mut command = home.command(&[&["bench", "platforms"], arguments].concat());
    command.env("TMPDIR", home.path());
    command
}

/// What the command leaves in its directory for temporary things.
fn left(home: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(home).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("dramatis-bench-")).collect()
}

#[test]
fn both_adapters_are_measured() {
    let home = Home::new();
    let output =
        run(bench(&home, &["--messages", "10", "--users", "2", "--idle-after", "300", "--json"]), "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1, "one line");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["bench"], "platforms");
    let results = report["results"].as_array().unwrap();
    let platforms: Vec<&str> = results.iter().map(|it| it["platform"].as_str().unwrap()).collect();
    assert_eq!(platforms, ["telegram", "discord"]);
    for result in results {
        assert_eq!(result["recall"], "words");
        for field in [
            "/first_start_ms",
            "/start_ms",
            "/idle/resident_mib",
            "/idle/anonymous_mib",
            "/before_model/p50_ms",
            "/before_model/p95_ms",
            "/after_model/p50_ms",
            "/after_model/p95_ms",
            "/overhead/p50_ms",
            "/overhead/p95_ms",
            "/one_user/answers_per_second",
            "/many_users/answers_per_second",
            "/one_user/processor_ms_per_message",
            "/after_few/memory/resident_mib",
            "/after_users/memory/resident_mib",
            "/after_many/memory/resident_mib",
        ] {
            let value = result.pointer(field).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {field}"));
            assert!(value > 0.0, "{field}: {value}");
        }
        assert!(result["growth_percent"].is_f64() && result["growth_since_users_percent"].is_f64());
        assert_eq!(result["one_user"]["answers"], 10);
        assert_eq!(result["many_users"]["users"], 2);
        assert_eq!(result["after_few"]["messages"], 30);
    }
    assert_eq!(left(home.path()), Vec::<String>::new());
}

#[test]
fn wrong_arguments_are_explained() {
    let home = Home::new();
    for (arguments, part) in [
        (&["--platform", "irc"][..], "telegram, discord, all"),
        (&["--messages", "3"], "10"),
        (&["--users", "0"], "1"),
        (&["--idle-after", "many"], "--idle-after"),
    ] {
        let output = run(bench(&home, arguments), "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
    let output = run(bench(&home, &["--embeddings"]), "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("dramatis models pull"));
    assert_eq!(left(home.path()), Vec::<String>::new());
}

#[test]
fn a_stop_takes_everything_along() {
    let home = Home::new();
    let mut command = bench(&home, &["--platform", "telegram", "--messages", "1000000"]);
    let mut bench = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let children = || {
        let path = format!("/proc/{0}/task/{0}/children", bench.id());
        std::fs::read_to_string(path).unwrap_or_default()
    };
    let limit = Instant::now() + Duration::from_secs(60);
    while left(home.path()).is_empty() || children().trim().is_empty() {
        assert!(Instant::now() < limit, "nothing was started");
        std::thread::sleep(Duration::from_millis(20));
    }
    let bots = children();
    let stopped = Command::new("kill").args(["-INT", &bench.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert_eq!(bench.wait().unwrap().code(), Some(1));
    assert_eq!(left(home.path()), Vec::<String>::new());
    for bot in bots.split_whitespace() {
        // Who is dead may still have to be fetched by whoever inherited it.
        let runs = || {
            let stat = std::fs::read_to_string(format!("/proc/{bot}/stat")).unwrap_or_default();
            stat.contains("dramatis") && !stat.contains(") Z")
        };
        while runs() {
            assert!(Instant::now() < limit, "the bot still runs");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
