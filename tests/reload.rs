//! Saving a character's file while people talk: the very next prompt has it, and a broken file changes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/program.rs"]
#[allow(dead_code)]
mod program;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use dramatis::llm::simulator::{Answer, Behaviour, Simulator};
use program::Home;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

struct Talk {
    child: Child,
    stderr: mpsc::Receiver<String>,
    stdout: mpsc::Receiver<String>,
}

fn lines(reader: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The first line with `part` in it, or everything that was said instead.
fn wait_for(lines: &mpsc::Receiver<String>, part: &str) -> String {
    let mut seen = Vec::new();
    while let Ok(line) = lines.recv_timeout(Duration::from_secs(20)) {
        if line.contains(part) {
            return line;
        }
        seen.push(line);
    }
    panic!("`{part}` was not said, but: {seen:#?}");
}

impl Talk {
    fn say(&mut self, text: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{text}").unwrap();
        wait_for(&self.stdout, "\"type\":\"final\"");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_file_is_in_the_next_prompt_and_a_broken_one_is_not() {
    let simulator = Simulator::start(Behaviour::Stream(Answer::new("Aye."))).await.unwrap();
    let home = Home::new();
    let cast = home.path().join("cast");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/characters/mara"), &cast.join("mara"));
    let mut command = home.command(&["chat", "--json", "--character", "mara"]);
    command
        .env("CHARACTERS_DIR", &cast)
        .env("CHARACTER", "mara")
        .env("LLM_BASE_URL", simulator.base_url())
        .env("LLM_MODEL", "simulated")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (stdout, stderr) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
    let mut talk = Talk { child, stderr, stdout };
    let last_prompt = || simulator.requests().last().unwrap().body.to_string();

    talk.say("hello");
    assert!(last_prompt().contains("keeps the ferry"));

    fs::write(cast.join("mara/character.md"), "You are Mara, who keeps a lighthouse now.\n").unwrap();
    let saved = Instant::now();
    wait_for(&talk.stderr, "mara was reloaded");
    println!("from the save to the notice: {} ms", saved.elapsed().as_millis());
    talk.say("hello");
    assert!(last_prompt().contains("keeps a lighthouse"));

    fs::write(cast.join("mara/core.yaml"), "purpose: drift\ntimezone: Europe/Lisbon\nconstitutoin: []\n")
        .unwrap();
    let finding = wait_for(&talk.stderr, "core.yaml:3:1");
    assert!(finding.contains("constitution"), "{finding}");
    talk.say("hello");
    assert!(last_prompt().contains("To bring people across"), "the last good version stays");

    drop(talk.child.stdin.take());
    assert!(talk.child.wait().unwrap().success());
}
