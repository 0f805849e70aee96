//! Runs the built program as a user would: in a directory of its own, on pipes, with nothing configured but what the
//! test sets.

#![allow(unreachable_pub)]

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A directory of a person who has just cloned the project.
pub struct Home {
    dir: TempDir,
    model: bool,
}

impl Home {
    /// An empty home without an embedding model, so that a test does not depend on one.
    pub fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), model: false }
    }

    /// A home that uses the embedding model of the project's own data directory, if it is set up.
    pub fn with_model() -> Self {
        Self { dir: TempDir::new().unwrap(), model: model_dir().is_some() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The program with `arguments`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dramatis"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("OLLAMA_HOST", "off")
            .env("CHARACTERS_DIR", Path::new(env!("CARGO_MANIFEST_DIR")).join("characters"));
        match model_dir().filter(|_| self.model) {
            Some(model) => command.env("EMBEDDING_MODEL", model),
            None => command.env("EMBEDDING_MODEL", "none"),
        };
        command
    }

    /// Runs to the end with `input` on standard input.
    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        run(self.command(arguments), input)
    }

    /// Talks with `--json` and gives the events of all turns.
    pub fn talk(&self, arguments: &[&str], input: &str) -> Vec<Value> {
        let arguments: Vec<&str> = ["chat", "--json"].iter().chain(arguments).copied().collect();
        let output = self.run(&arguments, input);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        events(&output.stdout)
    }
}

/// Runs a command to its end with `input` on standard input.
pub fn run(mut command: Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // The program may leave before it has read everything.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// One JSON value a line.
pub fn events(stdout: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The events of one type.
pub fn of_type<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == name).collect()
}

/// The text of the last answer.
pub fn last_answer(events: &[Value]) -> String {
    of_type(events, "final").last().unwrap()["text"].as_str().unwrap().to_owned()
}

/// Where `dramatis models pull` puts the default model in a checkout.
pub fn model_dir() -> Option<PathBuf> {
    let dir =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("data/models/sentence-transformers--all-MiniLM-L6-v2");
    dir.join("model.safetensors").is_file().then_some(dir)
}
