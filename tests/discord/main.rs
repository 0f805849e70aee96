//! The program on Discord, against the simulated service: what its people see.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::format_push_string, clippy::type_complexity)]

#[path = "../support/program.rs"]
#[allow(dead_code)]
mod program;
#[path = "../support/databases.rs"]
#[allow(dead_code)]
mod databases;
#[path = "../wire/discord/mod.rs"]
mod wire;

mod commands;
mod examples;
mod faults;
mod personas;
mod talk;
mod thinking;

use std::{
    io::Read,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use dramatis::llm::simulator::Simulator;
use program::Home;
use wire::{Discord, Id};

const TOKEN: &str = "simulated-discord-token";
const PATIENCE: Duration = Duration::from_secs(40);

/// A simulated service with one bot, one server and two people.
struct World {
    home: Home,
    discord: Discord,
    bot: Id,
    guild: Id,
    channel: Id,
    robin: Id,
    sam: Id,
}

impl World {
    async fn new() -> Self {
        let discord = Discord::start().await;
        let bot = discord.bot(TOKEN, "Stage");
        let guild = discord.guild("lounge");
        let channel = discord.channel(guild, "general");
        let (robin, sam) = (discord.user("Robin"), discord.user("Sam"));
        Self { home: Home::new(), discord, bot, guild, channel, robin, sam }
    }

    fn command(&self, more: &[(&str, String)]) -> Command {
        let mut command = self.home.command(&["run"]);
        command
            .env("DISCORD_TOKEN", TOKEN)
            .env("DISCORD_API_URL", self.discord.url())
            .envs(more.iter().map(|(key, value)| (*key, value.clone())))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// The program, connected.
    async fn start(&self, more: &[(&str, String)]) -> Running {
        let running = Running(self.command(more).spawn().unwrap());
        self.discord.until_online(1).await;
        running
    }

    /// What the cast said in a channel, without the notice of the offline responder.
    fn answers(&self, channel: Id) -> Vec<String> {
        let shown = self.discord.shown(channel).into_iter().map(|it| it.text);
        shown.filter(|text| !text.contains("No language model is configured")).collect()
    }

    /// Waits until there are so many answers in a channel, and gives them.
    async fn answered(&self, channel: Id, count: usize) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answers = self.answers(channel);
            if answers.len() >= count {
                return answers;
            }
            assert!(
                Instant::now() < deadline,
                "waiting for {count} answers; there are {answers:#?}\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What the program wrote to its log.
    fn log(&self) -> String {
        let Ok(files) = std::fs::read_dir(self.home.data().join("logs")) else { return String::new() };
        files.filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok()).collect()
    }

    fn say_to_bot(&self, user: Id, channel: Id, text: &str) -> Id {
        self.discord.say(user, channel, &format!("{} {text}", wire::mention(self.bot)))
    }
}

struct Running(Child);

impl Running {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn terminate(&mut self) {
        let done = Command::new("kill").arg("-TERM").arg(self.0.id().to_string()).status().unwrap();
        assert!(done.success());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn model(simulator: &Simulator) -> Vec<(&'static str, String)> {
    vec![("LLM_BASE_URL", simulator.base_url()), ("LLM_MODEL", "simulated".to_owned())]
}

/// Runs until the program ends by itself; gives how, and what it said.
fn to_its_end(mut command: Command) -> (bool, String) {
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().success(), said)
}
