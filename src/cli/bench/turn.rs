//! `dramatis bench turn`: what a turn costs on this machine beside the model.

use std::{
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{LINES, Scratch, percentile};
use crate::{
    app::App,
    config::Settings,
    conversation::Inbound,
    llm::simulator::{MODEL, Simulator},
    model::{CharacterId, Place, Timestamp, TurnEvent, UserId},
};

/// Users that talk at the same time.
const USERS: [usize; 3] = [1, 8, 64];
/// Starts that are timed.
const STARTS: usize = 5;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Turns measured for each figure
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(20..=10_000))]
    turns: u16,
    /// Measures one part in this process and prints JSON; used by the command itself
    #[arg(long, hide = true)]
    part: Option<Part>,
    /// Where that part keeps its data
    #[arg(long, hide = true)]
    dir: Option<PathBuf>,
}

/// What is measured in a process of its own, so that figures do not mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Part {
    /// Offline responder, embedding model loaded
    Offline,
    /// Offline responder, no embedding model
    Words,
    /// Model endpoint on loopback that answers at once, embedding model loaded
    Endpoint,
}

#[derive(Debug, Serialize, Deserialize)]
struct Figures {
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    per_second: Vec<(usize, f64)>,
    resident_mb: f64,
    peak_mb: f64,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { turns, part, dir } = arguments;
    let turns = usize::from(turns);
    match (part, dir) {
        (Some(part), Some(dir)) => {
            say!("{}", serde_json::to_string(&measure(part, &dir, turns).await?)?);
        }
        _ => report(turns).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn report(turns: usize) -> anyhow::Result<()> {
    let scratch = Scratch::new()?;
    say!("{turns} turns a figure; overhead is all time not spent waiting on the model\n");
    say!("{:<38}{:>8}{:>8}{:>8}   turns/s at 1, 8, 64 users   resident", "", "p50", "p95", "p99");
    for (part, name, title) in [
        (Part::Offline, "offline", "offline responder"),
        (Part::Endpoint, "endpoint", "endpoint that answers at once"),
        (Part::Words, "words", "offline responder, no embedding model"),
    ] {
        let figures = child(part, name, &scratch.path().join(name), turns).await?;
        let rates: Vec<String> = figures.per_second.iter().map(|(_, rate)| format!("{rate:>8.1}")).collect();
        say!(
            "{title:<38}{:>6.1}ms{:>6.1}ms{:>6.1}ms  {}     {:>5.0} MB (peak {:.0})",
            figures.p50_ms,
            figures.p95_ms,
            figures.p99_ms,
            rates.join(""),
            figures.resident_mb,
            figures.peak_mb
        );
    }
    let starts = starts(&scratch.path().join("offline")).await?;
    say!(
        "\nstart to end of `dramatis chat` with no input (so the prompt comes sooner): median {:.0} ms of {STARTS}",
        median(starts)
    );
    Ok(())
}

async fn child(part: Part, name: &str, dir: &Path, turns: usize) -> anyhow::Result<Figures> {
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    command.args(["bench", "turn", "--part", name, "--turns", &turns.to_string(), "--dir"]).arg(dir);
    if part == Part::Words {
        command.env("EMBEDDING_MODEL", "none");
    }
    let output = command.stdin(Stdio::null()).output().await?;
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!("measuring `{name}` failed; its message stands above");
    }
    serde_json::from_slice(&output.stdout).context("the measuring process printed no figures")
}

async fn measure(part: Part, dir: &Path, turns: usize) -> anyhow::Result<Figures> {
    let mut settings = crate::cli::load()?;
    let models = settings.data_dir.join("models");
    dir_for(&mut settings, dir, &models)?;
    let endpoint = if part == Part::Endpoint {
        Some(Simulator::answering("That sounds like a good walk. What did Luna find?").await?)
    } else {
        None
    };
    settings.llm = endpoint.as_ref().map(|simulator| crate::config::EndpointSettings {
        base_url: simulator.base_url(),
        api_key: None,
        model: MODEL.to_owned(),
    });
    (settings.router, settings.reflective, settings.ollama) = (None, None, None);
    let character = settings.character.clone();
    let app = App::start(settings).await?;

    let mut overheads = Vec::new();
    // Warm-up: the model loads, statements are prepared, prototypes are embedded.
    talk(&app, &character, 0, 10).await?;
    let mut per_second = Vec::new();
    for users in USERS {
        let each = turns.div_ceil(users);
        let started = Instant::now();
        let talks = (0..users).map(|user| talk(&app, &character, users * 100 + user, each));
        let measured = futures::future::try_join_all(talks).await?;
        per_second.push((users, (each * users) as f64 / started.elapsed().as_secs_f64()));
        if users == 1 {
            overheads = measured.into_iter().flatten().collect();
        }
    }
    let figures = Figures {
        p50_ms: percentile(&mut overheads, 0.50),
        p95_ms: percentile(&mut overheads, 0.95),
        p99_ms: percentile(&mut overheads, 0.99),
        per_second,
        resident_mb: memory("VmRSS:"),
        peak_mb: memory("VmHWM:"),
    };
    app.settle(Duration::from_secs(30)).await;
    app.stop().await;
    drop(endpoint);
    Ok(figures)
}

/// Data in a scratch directory, models from where they are.
fn dir_for(settings: &mut Settings, dir: &Path, models: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir)?;
    dir.clone_into(&mut settings.data_dir);
    settings.database = crate::store::Location::in_dir(dir);
    if settings.embedding_model != "none"
        && let Some(found) = crate::embed::catalogue::locate(models, &settings.embedding_model)
    {
        settings.embedding_model = found.display().to_string();
    }
    Ok(())
}

/// One person's talk, turn after turn. Gives the overhead of each turn, in milliseconds.
async fn talk(app: &App, character: &CharacterId, user: usize, turns: usize) -> anyhow::Result<Vec<f64>> {
    let user_id = UserId::console(&format!("bench-{user}"))?;
    let began: Timestamp = chrono::Utc::now().into();
    let mut overheads = Vec::with_capacity(turns);
    for (turn, text) in LINES.iter().cycle().take(turns).enumerate() {
        let inbound = Inbound {
            platform: "bench".to_owned(),
            platform_id: Uuid::now_v7().to_string(),
            character: character.clone(),
            user: user_id.clone(),
            user_name: "Robin".to_owned(),
            place: Place::Dm,
            text: (*text).to_owned(),
            at: began.plus(Duration::from_secs(u64::try_from(turn).unwrap_or_default() * 20)),
            beside: Vec::new(),
            address: None,
        };
        let (sender, mut events) = mpsc::channel(256);
        let read = async {
            let mut overhead = None;
            while let Some(event) = events.recv().await {
                match event {
                    TurnEvent::Final { overhead_ms, .. } => overhead = Some(overhead_ms),
                    TurnEvent::Error { message, kind } => bail!("a turn failed ({kind:?}): {message}"),
                    _ => {}
                }
            }
            overhead.context("a turn ended without an answer")
        };
        let handle = async {
            let handled = app.conversations.handle(inbound, &sender).await;
            drop(sender);
            handled
        };
        let (handled, overhead) = tokio::join!(handle, read);
        handled?;
        overheads.push(overhead?);
    }
    Ok(overheads)
}

async fn starts(dir: &Path) -> anyhow::Result<Vec<f64>> {
    let settings = crate::cli::load()?;
    let models = settings.data_dir.join("models");
    let model = crate::embed::catalogue::locate(&models, &settings.embedding_model);
    let mut took = Vec::new();
    for _ in 0..STARTS {
        let mut command = tokio::process::Command::new(std::env::current_exe()?);
        command.arg("chat").env("DATA_DIR", dir).env_remove("DATABASE_URL").env("OLLAMA_HOST", "off");
        if let Some(model) = &model {
            command.env("EMBEDDING_MODEL", model);
        }
        let started = Instant::now();
        let status =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().await?;
        if !status.success() {
            bail!("`dramatis chat` did not start");
        }
        took.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(took)
}

fn median(mut values: Vec<f64>) -> f64 {
    percentile(&mut values, 0.5)
}

/// A field of `/proc/self/status`, in megabytes; 0 where there is no such file.
fn memory(field: &str) -> f64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let line = status.lines().find(|line| line.starts_with(field))?;
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        })
        .map_or(0.0, |kilobytes| kilobytes / 1_024.0)
}
