//! `dramatis bench platforms`: what each adapter costs beside the model.

use std::process::ExitCode;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::{
    Scratch,
    measure::{Figures, Plan, measure},
    server::Platform,
};
use crate::{config::Settings, embed::catalogue};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Whose adapter
    #[arg(long, value_enum, default_value_t = Which::All)]
    platform: Which,
    /// Turns measured with one user, and messages sent by all users together
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    messages: u32,
    /// Users who talk at the same time in the second run
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    users: u16,
    /// Measures recall with the embedding model, too; it has to be set up (`dramatis models pull`)
    #[arg(long)]
    embeddings: bool,
    /// Goes on until so many messages are answered, and compares memory then with memory after 300
    #[arg(long, value_parser = clap::value_parser!(u32).range(300..=10_000_000))]
    idle_after: Option<u32>,
    /// Prints one line of JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    /// Telegram
    Telegram,
    /// Discord
    Discord,
    /// Each of them
    All,
}

impl Which {
    fn platforms(self) -> &'static [Platform] {
        match self {
            Self::Telegram => &[Platform::Telegram],
            Self::Discord => &[Platform::Discord],
            Self::All => &[Platform::Telegram, Platform::Discord],
        }
    }
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    // Whatever ends it, processes and directories go with what is dropped here.
    let measured = tokio::select! {
        measured = measure_all(&arguments) => measured?,
        _ = terminate.recv() => anyhow::bail!("stopped before the end"),
        _ = interrupt.recv() => anyhow::bail!("stopped before the end"),
    };
    if arguments.json {
        let line = serde_json::json!({
            "bench": "platforms",
            "version": env!("CARGO_PKG_VERSION"),
            "optimised": !cfg!(debug_assertions),
            "cores": std::thread::available_parallelism().map_or(0, usize::from),
            "results": measured,
        });
        say!("{line}");
    } else {
        table(&measured);
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure_all(arguments: &Arguments) -> anyhow::Result<Vec<Figures>> {
    let settings = crate::cli::load()?;
    let mut recalls = vec!["none".to_owned()];
    if arguments.embeddings {
        recalls.push(embedding_model(&settings)?);
    }
    if cfg!(debug_assertions) {
        eprintln!("warning: this program was built without optimisation: the figures say little");
    }
    let scratch = Scratch::new()?;
    let mut measured = Vec::new();
    for platform in arguments.platform.platforms() {
        for (number, recall) in recalls.iter().enumerate() {
            let plan = Plan {
                platform: *platform,
                messages: usize::try_from(arguments.messages)?,
                users: u64::from(arguments.users),
                idle_after: arguments.idle_after.map(usize::try_from).transpose()?,
            };
            let how = if recall == "none" { "recall by words" } else { "with embeddings" };
            eprintln!("measuring {}, {how}", platform.as_str());
            let dir = scratch.path().join(format!("{}-{number}", platform.as_str()));
            let figures = measure(&settings, &dir, plan, recall).await;
            measured.push(figures.with_context(|| format!("measuring {}, {how}", platform.as_str()))?);
        }
    }
    Ok(measured)
}

fn embedding_model(settings: &Settings) -> anyhow::Result<String> {
    let models = settings.data_dir.join("models");
    let found =
        catalogue::locate(&models, &settings.embedding_model).filter(|_| settings.embedding_model != "none");
    let found = found.with_context(|| {
        format!(
            "--embeddings: the model `{}` is not set up in {}: `dramatis models pull` sets it up",
            settings.embedding_model,
            models.display()
        )
    })?;
    Ok(std::path::absolute(found)?.display().to_string())
}

fn table(measured: &[Figures]) {
    let row = |title: &str, cell: &dyn Fn(&Figures) -> String| {
        let cells: Vec<String> = measured.iter().map(|figures| format!("{:>22}", cell(figures))).collect();
        say!("{title:<44}{}", cells.concat());
    };
    row("", &|it| format!("{}, {}", it.platform, it.recall));
    row("start to connected (database there)", &|it| format!("{:.0} ms", it.start_ms));
    row("start to connected (first start)", &|it| format!("{:.0} ms", it.first_start_ms));
    row("resident, connected and idle", &|it| format!("{:.1} MiB", it.idle.resident_mib));
    row("  of it anonymous", &|it| format!("{:.1} MiB", it.idle.anonymous_mib));
    let spread = |it: &super::measure::Spread| format!("{:.2} / {:.2} ms", it.p50_ms, it.p95_ms);
    row("event to model, p50 / p95", &|it| spread(&it.before_model));
    row("last token to platform, p50 / p95", &|it| spread(&it.after_model));
    row("both, p50 / p95", &|it| spread(&it.overhead));
    row("answers a second, 1 user", &|it| format!("{:.1}", it.one_user.answers_per_second));
    let users = measured.first().map_or(0, |it| it.many_users.users);
    row(&format!("answers a second, {users} users"), &|it| {
        format!("{:.1}", it.many_users.answers_per_second)
    });
    row("processor a message, 1 user", &|it| format!("{:.2} ms", it.one_user.processor_ms_per_message));
    row(&format!("processor a message, {users} users"), &|it| {
        format!("{:.2} ms", it.many_users.processor_ms_per_message)
    });
    let few = measured.first().map_or(0, |it| it.after_few.messages);
    row(&format!("resident after {few} messages"), &|it| {
        format!("{:.1} MiB", it.after_few.memory.resident_mib)
    });
    row(&format!("resident after the run of {users} users"), &|it| {
        format!("{:.1} MiB", it.after_users.memory.resident_mib)
    });
    if let Some(after) = measured.first().and_then(|it| it.after_many.as_ref()) {
        row(&format!("resident after {} messages", after.messages), &|it| {
            it.after_many.as_ref().map_or_else(String::new, |it| format!("{:.1} MiB", it.memory.resident_mib))
        });
        let percent = |it: Option<f64>| it.map_or_else(String::new, |growth| format!("{growth:+.1} %"));
        row(&format!("  growth since {few} messages"), &|it| percent(it.growth_percent));
        row(&format!("  growth since the run of {users} users"), &|it| {
            percent(it.growth_since_users_percent)
        });
    }
}
