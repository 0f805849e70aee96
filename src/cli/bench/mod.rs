//! `dramatis bench …`: speed on this machine.

mod bot;
mod measure;
mod platforms;
mod routing;
mod routing_report;
mod server;
mod thinking;
mod thinking_model;
mod thinking_world;
mod turn;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use uuid::Uuid;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Overhead of a turn, turns per second, memory and start-up time, with the offline responder and with a model
    /// endpoint that answers at once
    Turn(turn::Arguments),
    /// What a platform adds: start, overhead, answers per second, processor time and memory of `dramatis run`, against
    /// servers of our own on loopback and a model that answers at once
    #[command(after_help = "Examples:\n  \
        dramatis bench platforms\n  \
        dramatis bench platforms --platform telegram --embeddings\n  \
        dramatis bench platforms --idle-after 100000 --json")]
    Platforms(platforms::Arguments),
    /// How many calls of a model questions take that need looking up, and what composite tools, adaptive steps and earlier
    /// turns of thought save
    #[command(after_help = "Examples:\n  \
        dramatis bench thinking\n  \
        dramatis bench thinking --json\n  \
        dramatis bench thinking --sweep")]
    Thinking(thinking::Arguments),
    /// How often the local router is right, how often it decides without a model, and how long it takes
    #[command(after_help = "Examples:\n  \
        dramatis bench routing\n  \
        dramatis bench routing --embeddings --split all --json\n  \
        dramatis bench routing --embeddings --train")]
    Routing(routing::Arguments),
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Turn(arguments) => turn::run(arguments).await,
        Command::Platforms(arguments) => platforms::run(arguments).await,
        Command::Thinking(arguments) => thinking::run(arguments).await,
        Command::Routing(arguments) => routing::run(arguments).await,
    }
}

/// What people say, over and over.
const LINES: [&str; 6] = [
    "Good morning! How are you today?",
    "I went for a long walk along the river with my dog Luna this morning.",
    "What is my dog called?",
    "My sister Ana is coming to visit me in Lisbon next weekend.",
    "Tell me something about the sea that I do not know yet.",
    "Where does my sister want to visit me?",
];

/// The value that `share` of all values do not exceed; 0 of none.
fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    // A share of a length is a small whole number.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let index = (last * share).round() as usize;
    values.get(index).copied().unwrap_or_default()
}

/// A directory that goes away with the command.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("dramatis-bench-{}", Uuid::now_v7()));
        std::fs::create_dir_all(&dir)?;
        Ok(Self(dir))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A process that was just killed may still be making a file there.
        let mut removed = std::fs::remove_dir_all(&self.0);
        for _ in 0..20 {
            if removed.is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
            removed = std::fs::remove_dir_all(&self.0);
        }
        if let Err(error) = removed {
            eprintln!("warning: {} could not be removed: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_values() {
        let mut values = vec![5.0, 1.0, 4.0, 2.0, 3.0];
        assert!((percentile(&mut values, 0.5) - 3.0).abs() < f64::EPSILON);
        assert!((percentile(&mut values, 1.0) - 5.0).abs() < f64::EPSILON);
    }
}
