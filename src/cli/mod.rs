//! The command line, one file a subcommand.

/// Prints a line. A reader that has left (`dramatis … | head -1`) ends the program quietly.
macro_rules! say {
    ($($part:tt)*) => { $crate::cli::print(format_args!($($part)*)) };
}

mod bench;
mod characters;
mod chat;
mod cost;
mod doctor;
mod memory;
mod migrate;
mod models;
mod run;
mod tool;

use std::{
    fmt,
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::Path,
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand};
use tracing::level_filters::LevelFilter;

use crate::{config::Settings, telemetry};

/// Chat bots that are characters: they remember, they warm to people, and they explain themselves.
#[derive(Debug, Parser)]
#[command(
    name = "dramatis",
    version,
    propagate_version = true,
    after_help = "Start with `dramatis chat`. Without a model endpoint the built-in offline responder answers, and says so.\n\
                  Settings come from the environment and from `.env` in the working directory; `.env.sample` explains each.\n\
                  `dramatis doctor` checks them and says how to mend what is wrong."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts every platform that has a token, until SIGTERM or Ctrl-C; the console when none has
    #[command(
        after_help = "The options are for the console; platforms take the character from CHARACTER.\n\nExamples:\n  \
        dramatis run\n  \
        TELEGRAM_TOKEN=… dramatis run\n  \
        API_ADDR=127.0.0.1:8080 API_KEYS=… dramatis run"
    )]
    Run(chat::Arguments),
    /// Talks to a character here in the console
    #[command(after_help = "Examples:\n  \
        dramatis chat\n  \
        dramatis chat --character iris --message 'What are you painting?'\n  \
        printf 'Hi!\\n' | dramatis chat --json\n  \
        dramatis chat --user sam --place lounge/general --at 2026-03-01T18:00:00Z --message 'I said this in March.'")]
    Chat(chat::Arguments),
    /// Lists, makes and checks characters
    #[command(subcommand)]
    Characters(characters::Command),
    /// Looks into memory, as somebody in some place is entitled to
    #[command(subcommand)]
    Memory(memory::Command),
    /// Says what models have cost (docs/costs.md)
    #[command(subcommand)]
    Cost(cost::Command),
    /// Lists the tools that characters think with, and tries one without a model
    #[command(subcommand)]
    Tool(tool::Command),
    /// Lists embedding models and sets them up
    #[command(subcommand)]
    Models(models::Command),
    /// Brings the database up to date (every start does it, too)
    Migrate,
    /// Checks settings, stores, models and characters, and says how to mend what is wrong
    Doctor,
    /// Measures speed on this machine
    #[command(subcommand)]
    Bench(bench::Command),
    /// Prints a completion script for a shell
    #[command(after_help = "Example: dramatis completions bash > /etc/bash_completion.d/dramatis")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the program and says how it ended: 0 well, 1 with an error, 2 with wrong arguments.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Command::Completions { shell } = arguments.command {
        // Generating panics where it cannot write: a reader that has left is met below.
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "dramatis", &mut script);
        return match io::stdout().write_all(&script) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                eprintln!("error: the script cannot be written: {error}");
                ExitCode::FAILURE
            }
            Ok(()) | Err(_) => ExitCode::SUCCESS,
        };
    }
    crate::store::bound_memory();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the async runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(run(arguments.command));
    // A thread that still reads standard input must not keep the process alive.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(error) if error.chain().any(is_broken_pipe) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", in_full(&error));
            ExitCode::FAILURE
        }
    }
}

fn print(line: fmt::Arguments<'_>) {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        // There is nowhere left to say it.
        Ok(()) | Err(_) => {}
    }
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// An error with its causes, as far as it does not tell them itself.
fn in_full(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |text, cause| {
        let cause = cause.to_string();
        match text.as_str() {
            "" => cause,
            told if told.contains(&cause) => text,
            told => format!("{told}: {cause}"),
        }
    })
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Characters(command) => characters::run(command),
        Command::Doctor => doctor::run().await,
        Command::Bench(command) => bench::run(command).await,
        other => {
            let settings = load()?;
            make_private(&settings.data_dir);
            // Whoever runs a service wants to see what it does; whoever talks on the console wants to talk.
            let serves = settings.discord.is_some() || settings.telegram.is_some() || settings.api.is_some();
            let shown = match other {
                Command::Run(_) if serves => LevelFilter::INFO,
                _ => LevelFilter::WARN,
            };
            let _logs = telemetry::init(&settings, shown)?;
            match other {
                Command::Run(arguments) => Box::pin(run::run(settings, arguments)).await,
                Command::Chat(arguments) => Box::pin(chat::run(settings, arguments)).await,
                Command::Memory(command) => memory::run(settings, command).await,
                Command::Cost(command) => cost::run(settings, command).await,
                Command::Tool(command) => tool::run(settings, command).await,
                Command::Models(command) => models::run(settings, command).await,
                Command::Migrate => migrate::run(settings).await,
                Command::Characters(_)
                | Command::Doctor
                | Command::Bench(_)
                | Command::Completions { .. } => Ok(ExitCode::SUCCESS),
            }
        }
    }
}

/// A data directory that is new is its owner's alone: it will hold what people said in private.
fn make_private(dir: &Path) {
    if !dir.exists()
        && let Err(error) = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
    {
        // Whoever needs it says so again, with what to do.
        eprintln!("warning: {} cannot be made: {error}", dir.display());
    }
}

/// The settings of this working directory; what is doubtful but usable is told on standard error.
fn load() -> anyhow::Result<Settings> {
    let (settings, warnings) = Settings::load(Path::new("."), crate::config::environment())?;
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once() {
        let inner = anyhow::anyhow!("disk full");
        assert_eq!(in_full(&inner.context("cannot write x: disk full")), "cannot write x: disk full");
        assert_eq!(
            in_full(&anyhow::anyhow!("disk full").context("cannot write x")),
            "cannot write x: disk full"
        );
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }
}
