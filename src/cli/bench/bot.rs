//! The bot under measurement: this same program, in a process of its own, so that its memory and processor time are its own.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::{
    process::{Child, Command},
    time::Instant,
};

use super::server::Server;
use crate::config::Settings;

/// Ticks in which Linux counts processor time, a second: `USER_HZ` is 100 wherever Rust runs (`man 5 proc_pid_stat`).
const TICKS: f64 = 100.0;
/// How long a bot may take to connect.
const CONNECT: Duration = Duration::from_secs(30);

/// A running bot. It is killed when dropped.
pub(super) struct Bot {
    process: Child,
    pid: u32,
    said: PathBuf,
    /// From the start of the process until it was connected.
    pub(super) took: Duration,
}

/// What a process holds of the machine's memory, in MiB.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(super) struct Memory {
    /// All that is in memory, program and mapped files with it.
    pub(super) resident_mib: f64,
    /// What it alone has written there.
    pub(super) anonymous_mib: f64,
}

impl Bot {
    /// Starts `dramatis run` with its data in `dir` and waits until it is connected to `server`.
    ///
    /// # Errors
    /// When it does not start, or does not connect.
    pub(super) async fn start(
        settings: &Settings,
        dir: &Path,
        (server, model): (&Server, &str),
        embedding_model: &str,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let said = dir.join("stderr");
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("run")
            .current_dir(dir)
            .env_clear()
            .envs(
                ["PATH", "HOME", "TMPDIR", "LOG_LEVEL"]
                    .into_iter()
                    .filter_map(|key| Some((key, std::env::var_os(key)?))),
            )
            .env("DATA_DIR", dir.join("data"))
            .env("CHARACTERS_DIR", std::path::absolute(&settings.characters_dir)?)
            .env("CHARACTER", settings.character.as_str())
            .env("LLM_BASE_URL", model)
            .env("LLM_MODEL", crate::llm::simulator::MODEL)
            .env("EMBEDDING_MODEL", embedding_model)
            .envs(server.settings())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&said)?)
            .kill_on_drop(true);
        server.forget();
        let begun = Instant::now();
        let mut process = command.spawn().context("this program cannot be started again")?;
        let pid = process.id().context("the bot ended at once")?;
        let connected = tokio::select! {
            at = server.connected() => Ok(at),
            status = process.wait() => Err(format!("ended ({})", status?)),
            () = tokio::time::sleep(CONNECT) => Err(format!("did not connect within {} s", CONNECT.as_secs())),
        };
        match connected {
            Ok(at) => Ok(Self { process, pid, said, took: at - begun }),
            Err(what) => bail!("the bot {what}: {}", last_words(&said)),
        }
    }

    /// Why it no longer answers, as far as it said so.
    pub(super) fn complaint(&mut self) -> String {
        let state = match self.process.try_wait() {
            Ok(Some(status)) => format!("it ended ({status})"),
            Ok(None) | Err(_) => "it still runs".to_owned(),
        };
        format!("{state}: {}", last_words(&self.said))
    }

    /// Ends it without a word, and waits until it is gone.
    pub(super) async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.process.kill().await?)
    }

    /// Processor time so far, of all its threads, in milliseconds.
    ///
    /// # Errors
    /// When `/proc` does not say.
    pub(super) fn processor_ms(&self) -> anyhow::Result<f64> {
        let stat = self.read("stat")?;
        // The name, in brackets, may hold anything; utime and stime are the 12th and 13th field behind it.
        let (_, fields) = stat.rsplit_once(')').context("/proc has no processor time")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
        let ticks: u32 = ticks.sum::<Result<u32, _>>().context("/proc has no processor time")?;
        Ok(f64::from(ticks) * 1_000.0 / TICKS)
    }

    /// Its memory now.
    ///
    /// # Errors
    /// When `/proc` does not say.
    pub(super) fn memory(&self) -> anyhow::Result<Memory> {
        let rollup = self.read("smaps_rollup")?;
        let of = |name: &str| {
            let line = rollup.lines().find(|line| line.starts_with(name));
            let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
            kib.map(|kib| kib / 1_024.0).with_context(|| format!("/proc has no `{name}`"))
        };
        Ok(Memory { resident_mib: of("Rss:")?, anonymous_mib: of("Anonymous:")? })
    }

    fn read(&self, file: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{file}", self.pid);
        std::fs::read_to_string(&path).with_context(|| {
            format!("{path} cannot be read: memory and processor time are measured on Linux only, while the bot runs")
        })
    }
}

/// The end of what a bot said on standard error.
fn last_words(path: &Path) -> String {
    let said = std::fs::read_to_string(path).unwrap_or_default();
    let mut lines: Vec<&str> = said.lines().rev().take(5).collect();
    lines.reverse();
    if lines.is_empty() { "it said nothing".to_owned() } else { lines.join("\n") }
}
