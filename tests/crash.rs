//! Nothing is lost: a talk that is killed at any point, and background work that a kill interrupts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/program.rs"]
#[allow(dead_code)]
mod program;

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    time::Duration,
};

use program::{Home, of_type};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use sqlx::{Connection, Row, SqliteConnection, sqlite::SqliteConnectOptions};

/// A talk whose process can be killed.
struct Talk {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Talk {
    fn start(home: &Home) -> Self {
        let mut child = home
            .command(&["chat", "--json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdin, stdout }
    }

    fn say(&mut self, text: &str) {
        // A process that was killed a moment ago takes nothing more.
        let _ = writeln!(self.stdin, "{text}");
    }

    /// Reads events up to the answer; false when the process is gone before it.
    fn hear_answer(&mut self) -> bool {
        let mut line = String::new();
        loop {
            line.clear();
            if self.stdout.read_line(&mut line).unwrap_or(0) == 0 {
                return false;
            }
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["type"] == "final" || event["type"] == "error" {
                return true;
            }
        }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn finish(mut self) {
        drop(self.stdin);
        let mut rest = String::new();
        while self.stdout.read_line(&mut rest).unwrap_or(0) > 0 {}
        assert!(self.child.wait().unwrap().success());
    }
}

async fn rows(home: &Home, sql: &'static str) -> Vec<String> {
    let file = home.data().join("dramatis.db");
    let mut connection =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
    let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

const UNANSWERED: &str = "SELECT text FROM message WHERE author IS NOT NULL AND status = 'pending'";
const SPOKEN: &str = "SELECT text FROM message WHERE author IS NOT NULL ORDER BY said_at, id";

/// Ten kills at random points of a scripted talk. The one who talks behaves as a person at a terminal does: after a
/// restart they look whether their last line is there, and say it again only if it is not.
#[tokio::test]
async fn ten_kills_lose_and_double_nothing() {
    let mut random = StdRng::seed_from_u64(42);
    let home = Home::new();
    let script: Vec<String> = (0..30).map(|number| format!("line {number}: I saw {number} boats")).collect();
    let mut kills = 0;
    let mut talk = Talk::start(&home);
    let mut next = 0;
    while next < script.len() {
        let strike = kills < 10 && random.random_bool(0.5);
        talk.say(&script[next]);
        if !strike {
            assert!(talk.hear_answer());
            next += 1;
            continue;
        }
        // Anywhere between the line's arrival and well after its answer.
        std::thread::sleep(Duration::from_micros(random.random_range(0..60_000)));
        talk.kill();
        kills += 1;
        let opened = home.data().join("dramatis.db").exists();
        let unanswered = if opened { rows(&home, UNANSWERED).await.len() } else { 0 };
        let stored = if opened { rows(&home, SPOKEN).await } else { Vec::new() };
        if stored.contains(&script[next]) {
            next += 1;
        }
        talk = Talk::start(&home);
        // What was kept but not answered is answered first.
        for _ in 0..unanswered {
            assert!(talk.hear_answer());
        }
    }
    talk.finish();
    assert_eq!(kills, 10);
    assert_eq!(rows(&home, SPOKEN).await, script);
    let doubled = "SELECT CAST(count(*) AS TEXT) FROM (SELECT reply_to FROM message WHERE author IS NULL \
                   GROUP BY reply_to HAVING count(*) > 1)";
    assert_eq!(rows(&home, doubled).await, ["0"], "no message is answered twice");
    assert_eq!(
        rows(&home, UNANSWERED).await,
        Vec::<String>::new(),
        "what a kill interrupted is answered later"
    );
}

/// The session of 2020 is over as soon as somebody talks in 2026: the look back at it must survive a kill right then.
#[tokio::test]
async fn extraction_survives_a_kill() {
    let home = Home::new();
    home.talk(
        &["--at", "2020-05-01T10:00:00Z"],
        "My name is Robin.\nI live in Lisbon and I have a dog named Luna.\n",
    );
    let mut talk = Talk::start(&home);
    talk.say("hello again");
    // The first event comes after the message is kept, and with it the end of the old session.
    assert!(talk.stdout.read_line(&mut String::new()).unwrap() > 0);
    talk.kill();

    for _ in 0..3 {
        if rows(&home, "SELECT object FROM fact").await.contains(&"Lisbon".to_owned()) {
            break;
        }
        home.talk(&[], "");
    }
    let objects = rows(&home, "SELECT object FROM fact").await;
    for object in ["Robin", "Lisbon", "Luna"] {
        assert_eq!(objects.iter().filter(|found| *found == object).count(), 1, "{object}: {objects:?}");
    }
    let looked_back = rows(&home, "SELECT id FROM session WHERE extracted_at IS NOT NULL").await;
    assert_eq!(looked_back.len(), 1);
}

/// A message that was stored but not answered is answered by the next start.
#[tokio::test]
async fn an_unanswered_message_is_answered_after_a_restart() {
    let home = Home::new();
    home.talk(&[], "hello\n");
    let file = home.data().join("dramatis.db");
    let mut connection =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
    sqlx::query("DELETE FROM message WHERE author IS NULL").execute(&mut connection).await.unwrap();
    sqlx::query("UPDATE message SET status = 'pending'").execute(&mut connection).await.unwrap();
    drop(connection);
    let events = home.talk(&[], "");
    assert_eq!(of_type(&events, "final").len(), 1);
    assert!(of_type(&home.talk(&[], ""), "final").is_empty());
}
