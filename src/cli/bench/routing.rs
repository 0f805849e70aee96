//! `dramatis bench routing`: how well and how fast the local router decides, on a labelled set.

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::{Scratch, percentile, routing_report::Report};
use crate::{
    cognition::{Flag, Labelled, LocalDecision, LocalRouter},
    embed::{Embeddings, catalogue},
    model::Level,
};

/// The set that comes with Dramatis: what the router was made with, and what its maker had not seen.
const SET: &str = concat!(
    include_str!("../../../tests/data/routing.jsonl"),
    include_str!("../../../tests/data/routing_wide.jsonl"),
    include_str!("../../../tests/data/routing_fresh.jsonl")
);
/// How often each message is routed for the times; the one in the middle counts.
const REPEATS: usize = 5;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// A labelled set, one JSON object a line (docs/routing.md) [default: the one that comes with Dramatis]
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
    /// Which part of it
    #[arg(long, value_enum, default_value_t = Split::Test)]
    split: Split,
    /// Uses the embedding model, too; it has to be set up (`dramatis models pull`)
    #[arg(long)]
    embeddings: bool,
    /// Prints one line of JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Lists the messages whose level was wrong
    #[arg(long)]
    errors: bool,
    /// Learns the weights anew from the part for tuning, writes them there and those of grams beside them; build afterwards
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "src/cognition/route/weights.txt")]
    train: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Split {
    /// What rules and weights were made with
    Tune,
    /// What they are judged by
    Test,
    /// Both
    All,
}

/// One line of the set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) level: Level,
    flags: Vec<Flag>,
    intents: Vec<Flag>,
    pub(super) lang: String,
    pub(super) register: String,
    split: Split,
}

impl Line {
    /// Flags and intents.
    pub(super) fn marks(&self) -> Vec<Flag> {
        self.flags.iter().chain(&self.intents).copied().collect()
    }
}

/// Milliseconds of each decision.
pub(super) struct Times {
    /// Without the embedding.
    pub(super) decision: Vec<f64>,
    /// The embedding alone; empty without a model.
    pub(super) embedding: Vec<f64>,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let lines = read(arguments.set.as_deref())?;
    let embeddings = if arguments.embeddings { Some(embeddings()?) } else { None };
    let scratch = Scratch::new()?;
    let router = LocalRouter::default();
    let none = Embeddings::start(None, "none".to_owned());
    router.warm(embeddings.as_ref().unwrap_or(&none), scratch.path()).await;
    if let Some(path) = &arguments.train {
        let Some(embeddings) = &embeddings else {
            bail!("--train needs --embeddings: the weights are for routing with and without a model")
        };
        return train(&router, &lines, embeddings, path).await;
    }
    let lines: Vec<Line> = lines
        .into_iter()
        .filter(|line| arguments.split == Split::All || line.split == arguments.split)
        .collect();
    if lines.is_empty() {
        bail!("the set has no message in that part: choose another with --split");
    }
    let mut times = Times { decision: Vec::new(), embedding: Vec::new() };
    let mut decisions = Vec::with_capacity(lines.len());
    for line in &lines {
        let vector = vector(embeddings.as_ref(), &line.text, &mut times.embedding).await?;
        decisions.push(decide(&router, &line.text, vector.as_deref(), &mut times.decision));
    }
    let report = Report::new(&lines, &decisions, &mut times);
    if arguments.json {
        say!("{}", serde_json::to_string(&report)?);
    } else {
        say!("{report}");
    }
    if arguments.errors {
        for (line, found) in lines.iter().zip(&decisions).filter(|(line, found)| line.level != found.level) {
            say!("{:?} for {:?} ({:.2}): {}", found.level, line.level, found.confidence, line.text);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: Option<&Path>) -> anyhow::Result<Vec<Line>> {
    let (name, text) = match file {
        None => ("the set that comes with Dramatis".to_owned(), SET.to_owned()),
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| {
                format!(
                    "cannot read the labelled set {}: docs/routing.md says what it looks like",
                    path.display()
                )
            })?;
            (path.display().to_string(), text)
        }
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| {
            serde_json::from_str(line).with_context(|| {
                format!("line {} of {name} is no labelled message (docs/routing.md)", at + 1)
            })
        })
        .collect()
}

fn embeddings() -> anyhow::Result<Embeddings> {
    let settings = crate::cli::load()?;
    let name = settings.embedding_model.clone();
    let Some(directory) = catalogue::locate(&settings.data_dir.join("models"), &name) else {
        bail!(
            "the embedding model `{name}` is not set up: run `dramatis models pull`, or leave --embeddings out"
        );
    };
    // A directory and a name of the same model give the same vectors.
    Ok(Embeddings::start(Some(directory), name))
}

async fn vector(
    embeddings: Option<&Embeddings>,
    text: &str,
    times: &mut Vec<f64>,
) -> anyhow::Result<Option<Vec<f32>>> {
    let Some(embeddings) = embeddings else { return Ok(None) };
    let started = Instant::now();
    let vectors = embeddings.embed(vec![text.to_owned()]).await?;
    times.push(started.elapsed().as_secs_f64() * 1_000.0);
    Ok(vectors.and_then(|vectors| vectors.into_iter().next()))
}

fn decide(router: &LocalRouter, text: &str, vector: Option<&[f32]>, times: &mut Vec<f64>) -> LocalDecision {
    let mut spent = [0.0; REPEATS];
    for time in &mut spent {
        let started = Instant::now();
        black_box(router.decide(black_box(text), vector));
        *time = started.elapsed().as_secs_f64() * 1_000.0;
    }
    times.push(percentile(&mut spent, 0.5));
    router.decide(text, vector)
}

async fn train(
    router: &LocalRouter,
    lines: &[Line],
    embeddings: &Embeddings,
    path: &Path,
) -> anyhow::Result<ExitCode> {
    let mut messages = Vec::new();
    for line in lines.iter().filter(|line| line.split == Split::Tune) {
        let vector = vector(Some(embeddings), &line.text, &mut Vec::new()).await?;
        messages.push(Labelled { text: line.text.clone(), level: line.level, flags: line.marks(), vector });
    }
    let trained = router.train(&messages);
    let grams = path.with_file_name("grams.txt");
    for (path, text) in [(path, trained.weights), (grams.as_path(), trained.grams)] {
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    say!("{} messages; cross-check in fifths, rules left out:", messages.len());
    for (name, found) in [("words only", trained.words), ("with likeness", trained.alike)] {
        say!(
            "{name}: {:.1} % right, {:.1} % decided, {:.1} % of these right, mean confidence {:.1} %",
            found.accuracy * 100.0,
            found.decided * 100.0,
            found.accuracy_of_decided * 100.0,
            found.confidence * 100.0
        );
    }
    say!("written to {} and {}", path.display(), grams.display());
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_is_large_enough_and_no_message_stands_twice() {
        let lines = read(None).unwrap();
        assert!(lines.len() >= 400);
        let texts: std::collections::HashSet<String> =
            lines.iter().map(|line| line.text.to_lowercase()).collect();
        assert_eq!(texts.len(), lines.len());
        for split in [Split::Tune, Split::Test] {
            assert!(lines.iter().filter(|line| line.split == split).count() >= 200);
        }
        assert!(lines.iter().all(|line| line.split != Split::All));
    }

    #[test]
    fn a_missing_set_is_named() {
        let error = read(Some(Path::new("nowhere.jsonl"))).unwrap_err();
        assert!(error.to_string().contains("nowhere.jsonl"));
    }
}
