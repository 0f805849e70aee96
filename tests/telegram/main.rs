//! The program on Telegram, against the simulated Bot API server: what its people see.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/databases.rs"]
#[allow(dead_code)]
mod databases;
#[path = "../support/program.rs"]
#[allow(dead_code)]
mod program;
#[path = "../wire/telegram/mod.rs"]
mod wire;

mod commands;
mod more;
mod talk;
mod thinking;
mod webhook;

use std::process::{Child, Command, Stdio};

use dramatis::llm::simulator::Simulator;
use program::Home;
use wire::{Seen, Telegram};

const GROUP: i64 = -1001;

/// The program; it is killed when this is dropped.
struct Running(Child);

impl Running {
    fn start(home: &Home, telegram: &Telegram, more: &[(&str, String)]) -> Self {
        let mut command: Command = home.command(&["run"]);
        command
            .env("TELEGRAM_TOKEN", wire::TOKEN)
            .env("TELEGRAM_API_URL", telegram.api_url())
            .envs(more.iter().map(|(key, value)| (*key, value.clone())))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn model(simulator: &Simulator) -> [(&'static str, String); 2] {
    [("LLM_BASE_URL", simulator.base_url()), ("LLM_MODEL", "simulated".to_owned())]
}

/// What the bot shows in a chat, without the notice of the offline responder.
fn shown(telegram: &Telegram, chat: i64) -> Vec<Seen> {
    let all = telegram.shown(chat).into_iter();
    all.filter(|it| !it.text.contains("No language model is configured")).collect()
}

/// The words of it.
fn answers(telegram: &Telegram, chat: i64) -> Vec<String> {
    shown(telegram, chat).into_iter().map(|it| it.text).collect()
}

/// Says something, in private or in a group, and waits for the next message in that chat.
async fn ask(telegram: &Telegram, chat: i64, user: i64, text: &str) -> Seen {
    let before = shown(telegram, chat).len();
    if chat > 0 {
        telegram.say(user, text);
    } else {
        telegram.say_in(chat, user, text, None, None);
    }
    telegram.until(text, |it| shown(it, chat).len() > before).await;
    shown(telegram, chat)[before].clone()
}
