//! The local router on the labelled set that comes with Dramatis: what issue "Thinking" asks of it, times left out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[allow(dead_code)]
#[path = "support/program.rs"]
mod program;

use program::{model_dir, run};
use serde_json::Value;

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
    // Floors a little below what was measured. The aim for levels is 0.90 and is missed (docs/routing.md).
    assert!(report["accuracy"].as_f64().unwrap() >= 0.80, "{report}");
    assert!(report["decided"].as_f64().unwrap() >= 0.85, "{report}");
    for (flag, recall) in [("crisis", 0.60), ("manipulation", 0.57), ("memory", 0.72), ("search", 0.80)] {
        assert!(report["flags"][flag]["recall"].as_f64().unwrap() >= recall, "{flag}: {report}");
    }
    assert!(report["flags"]["manipulation"]["precision"].as_f64().unwrap() >= 0.90, "{report}");
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
