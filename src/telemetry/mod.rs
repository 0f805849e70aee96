//! Logs: to standard error and to a file a day, without secrets.

mod redact;

use std::io::{self, IsTerminal};
use std::os::unix::fs::DirBuilderExt;

use secrecy::SecretString;
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_appender::{
    non_blocking::{NonBlockingBuilder, WorkerGuard},
    rolling::{RollingFileAppender, Rotation},
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    fmt::{self, MakeWriter, format},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use redact::Redacting;
pub use redact::redact;

use crate::config::{LogFormat, Settings};

/// Files that are kept: two weeks, a file a day.
const FILES_KEPT: usize = 14;
/// Lines that may wait for the disk; beyond them, lines are left out. Each takes 32 bytes from the start.
const WAITING_LINES: usize = 8_192;

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Somebody in this process already receives the logs.
    #[error("logs are already being written in this process: start them once")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Keeps the log file open. Dropping it writes what is left: hold it until the end of `main`.
#[must_use = "logs stop reaching the file when this is dropped"]
#[derive(Debug)]
pub struct Guard {
    _file: Option<WorkerGuard>,
}

/// Sends logs to standard error (from `stderr_level` up) and to `logs/dramatis.DATE.log` in the data directory (from
/// info up); `LOG_LEVEL` replaces both. A directory that cannot be written is a warning on standard error, no more.
///
/// # Errors
/// [`TelemetryError::Twice`] when it was called before.
pub fn init(settings: &Settings, stderr_level: LevelFilter) -> Result<Guard, TelemetryError> {
    let filter =
        |level| hushed(settings.log_level.clone().unwrap_or_else(|| Targets::new().with_default(level)));
    let dir = settings.data_dir.join("logs");
    // The appender prunes old files before it makes the directory, and complains on standard error.
    let opened = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&dir)
        .map_err(|error| error.to_string())
        .and_then(|()| {
            RollingFileAppender::builder()
                .rotation(Rotation::DAILY)
                .filename_prefix("dramatis")
                .filename_suffix("log")
                .max_log_files(FILES_KEPT)
                .build(&dir)
                .map_err(|error| error.to_string())
        });
    let (file, guard, failed) = match opened {
        Ok(appender) => {
            let (writer, guard) =
                NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES).finish(appender);
            (Some(writer), Some(guard), None)
        }
        Err(error) => (None, None, Some(error)),
    };
    let file = file.map(|writer| {
        layer(settings.log_format, Redacting::new(writer, secrets(settings)), Place::File)
            .with_filter(filter(LevelFilter::INFO))
    });
    let stderr = layer(settings.log_format, Redacting::new(io::stderr, secrets(settings)), Place::Stderr)
        .with_filter(filter(stderr_level));
    tracing_subscriber::registry().with(file).with(stderr).try_init()?;
    if let Some(error) = failed {
        let dir = dir.display();
        tracing::warn!("no log file in {dir} ({error}): logs go to standard error only. Check DATA_DIR");
    }
    Ok(Guard { _file: guard })
}

/// Libraries that are not heard unless `LOG_LEVEL` names them: async-openai logs bodies, rustyline every key that is
/// pressed, teloxide and rmcp what they send, all of it what people said; apalis tells of every look into an empty queue.
const HUSHED: [(&str, LevelFilter); 5] = [
    ("async_openai", LevelFilter::OFF),
    ("rustyline", LevelFilter::OFF),
    ("teloxide_core", LevelFilter::OFF),
    ("rmcp", LevelFilter::OFF),
    ("apalis_core", LevelFilter::WARN),
];

fn hushed(targets: Targets) -> Targets {
    HUSHED.iter().fold(targets, |targets, (library, level)| {
        let named = targets.iter().any(|(target, _)| target == *library);
        if named { targets } else { targets.with_target(*library, *level) }
    })
}

/// Where a layer writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    File,
    Stderr,
}

fn layer<S, W>(format: LogFormat, writer: W, place: Place) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let ansi = place == Place::Stderr && io::stderr().is_terminal();
    let layer = fmt::layer().with_writer(writer).with_ansi(ansi);
    match (format, place) {
        (LogFormat::Json, _) => layer.json().flatten_event(true).boxed(),
        (LogFormat::Text, Place::Stderr) => layer.compact().boxed(),
        // Layers with one type of fields share the text of a span, and would write each other's colours.
        (LogFormat::Text, Place::File) => layer.fmt_fields(FileFields(format::DefaultFields::new())).boxed(),
    }
}

struct FileFields(format::DefaultFields);

impl<'writer> fmt::FormatFields<'writer> for FileFields {
    fn format_fields<R: tracing_subscriber::field::RecordFields>(
        &self,
        writer: format::Writer<'writer>,
        fields: R,
    ) -> std::fmt::Result {
        self.0.format_fields(writer, fields)
    }
}

/// The secrets of the settings, which are masked whatever their shape.
fn secrets(settings: &Settings) -> Vec<SecretString> {
    [&settings.llm, &settings.router, &settings.reflective]
        .into_iter()
        .flatten()
        .filter_map(|endpoint| endpoint.api_key.clone())
        .chain(settings.api.iter().flat_map(|(_, keys)| keys.clone()))
        .chain(settings.telegram.as_ref().map(|account| account.token.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn settings(data_dir: &std::path::Path, format: &str) -> Settings {
        let env = [
            ("DATA_DIR", data_dir.to_str().unwrap()),
            ("LOG_FORMAT", format),
            ("LLM_BASE_URL", "http://127.0.0.1:1/v1"),
            ("LLM_MODEL", "m"),
            ("LLM_API_KEY", "shapeless-key"),
        ];
        let env = env.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Settings::load(data_dir, env.into_iter()).unwrap().0
    }

    /// The only test that may call `init`: it sets the logger of the process.
    #[test]
    fn lines_reach_the_file_with_their_spans_and_without_secrets() {
        let dir = tempfile::tempdir().unwrap();
        let guard = init(&settings(dir.path(), "text"), LevelFilter::OFF).unwrap();
        tracing::info_span!("turn", id = 7, level = tracing::field::Empty).in_scope(|| {
            tracing::Span::current().record("level", "plain");
            tracing::info!(key = "shapeless-key", "asked with Bearer abcdef123456");
            tracing::debug!("not for the file");
        });
        assert!(matches!(
            init(&settings(dir.path(), "text"), LevelFilter::OFF),
            Err(TelemetryError::Twice(_))
        ));
        drop(guard);
        let files: Vec<_> =
            fs::read_dir(dir.path().join("logs")).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        let text = fs::read_to_string(&files[0]).unwrap();
        let line = text.lines().find(|line| line.contains("asked with")).unwrap();
        assert!(line.contains("Bearer ***") && line.contains("key=\"***\""), "{line}");
        assert!(line.contains("turn{id=7 level=\"plain\"}"), "{line}");
        assert!(
            !text.contains("shapeless-key") && !text.contains("not for the file") && !text.contains('\u{1b}')
        );
    }

    #[test]
    fn libraries_that_tell_too_much_are_heard_only_when_they_are_named() {
        let all: Targets = "trace".parse().unwrap();
        let quiet = hushed(all);
        assert!(!quiet.would_enable("async_openai::client", &tracing::Level::ERROR));
        assert!(!quiet.would_enable("rustyline::edit", &tracing::Level::WARN));
        assert!(!quiet.would_enable("apalis_core::worker", &tracing::Level::INFO));
        assert!(quiet.would_enable("dramatis::llm", &tracing::Level::TRACE));
        let asked: Targets = "info,async_openai=debug".parse().unwrap();
        assert!(hushed(asked).would_enable("async_openai", &tracing::Level::DEBUG));
    }

    #[test]
    fn json_lines_are_json() {
        let out = tempfile::NamedTempFile::new().unwrap();
        let file = out.reopen().unwrap();
        let writer = Redacting::new(std::sync::Mutex::new(file), []);
        let subscriber = tracing_subscriber::registry().with(layer(LogFormat::Json, writer, Place::File));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(secret = "sk-abcdefgh1234", "said \"hi\"");
        });
        let text = fs::read_to_string(out.path()).unwrap();
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!((line["message"].as_str(), line["secret"].as_str()), (Some("said \"hi\""), Some("***")));
    }
}
