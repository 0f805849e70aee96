//! The local router on the labelled set that comes with Dramatis, times left out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[allow(dead_code)]
#[path = "support/program.rs"]
mod program;

use program::{model_dir, run};
use serde_json::Value;

/// Flags with the least recall and precision they are held to.
const FLAGS: [(&str, f64, f64); 4] =
    [("crisis", 0.77, 0.95), ("manipulation", 0.85, 0.90), ("memory", 0.87, 0.93), ("search", 0.74, 0.89)];

fn report(embeddings: bool) -> Value {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_dramatis"));
    command.args(["bench", "routing", "--split", "test", "--json"]);
    if embeddings {
        command.arg("--embeddings").env("EMBEDDING_MODEL", model_dir().unwrap());
    }
    let output = run(command, "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn holds(report: &Value) {
    let figure = |name: &str| report[name].as_f64().unwrap();
    // Floors a little below what was measured (docs/routing.md); the aim for danger, 0.90 recall, is missed.
    for (name, floor) in [("accuracy", 0.92), ("decided", 0.93), ("accuracy_of_decided", 0.93)] {
        assert!(figure(name) >= floor, "{name}: {report}");
    }
    // How sure it says it is stays near how often it is right.
    assert!((figure("mean_confidence") - figure("accuracy")).abs() <= 0.04, "{report}");
    for (flag, recall, precision) in FLAGS {
        let found = &report["flags"][flag];
        assert!(found["recall"].as_f64().unwrap() >= recall, "recall of {flag}: {report}");
        assert!(found["precision"].as_f64().unwrap() >= precision, "precision of {flag}: {report}");
    }
}

#[test]
fn words_alone_decide_well_enough() {
    holds(&report(false));
}

#[test]
fn likeness_does_not_make_it_worse() {
    if model_dir().is_some() {
        holds(&report(true));
    }
}
