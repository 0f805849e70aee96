//! The process of a server: in a group of its own, with little of our environment, and gone when nobody holds it any more.

use std::{
    collections::VecDeque,
    ffi::OsString,
    io,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop, ProcessGroup};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{ChildStderr, ChildStdin, ChildStdout},
    task::JoinHandle,
};

use super::{secret::Secrets, text};

/// What a server gets of our environment: enough to find programs and places, and none of our secrets. (The MCP libraries for
/// Python and TypeScript pass on the same on Unix, without the last three.)
const PASSED_ON: [&str; 9] = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LANG", "TMPDIR", "TZ"];
/// How long a process may take to end once its input is closed.
const LEAVE: Duration = Duration::from_millis(1_500);
/// Lines of its standard error that are kept to explain its end.
const LAST_LINES: usize = 3;
/// The longest line of them, in characters.
const LONGEST_LINE: usize = 200;
/// The most bytes that are read for one line.
const LINE_BYTES: u64 = 8_192;

/// A process that runs.
#[derive(Debug)]
pub(super) struct Process {
    child: Box<dyn ChildWrapper>,
    said: Arc<Mutex<VecDeque<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts the program. With it come its output and its input.
    pub(super) fn start(
        name: &str,
        command: &str,
        args: &[String],
        env: &[(String, SecretString)],
        secrets: &Secrets,
    ) -> io::Result<(Self, ChildStdout, ChildStdin)> {
        let passed: Vec<(&str, OsString)> =
            PASSED_ON.iter().filter_map(|key| std::env::var_os(key).map(|value| (*key, value))).collect();
        let mut command = CommandWrap::with_new(command, |it| {
            it.args(args)
                .env_clear()
                .envs(passed)
                .envs(env.iter().map(|(key, value)| (key, value.expose_secret())))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
        });
        // A group of its own: an interrupt from the keyboard is ours to handle, and what the server starts ends with it.
        let mut child = command.wrap(ProcessGroup::leader()).wrap(KillOnDrop).spawn()?;
        let gone = || io::Error::other("the process has no input or output");
        let stdin = child.stdin().take().ok_or_else(gone)?;
        let stdout = child.stdout().take().ok_or_else(gone)?;
        let said = Arc::new(Mutex::new(VecDeque::new()));
        let reader = child
            .stderr()
            .take()
            .map(|stderr| tokio::spawn(listen(stderr, name.to_owned(), secrets.clone(), said.clone())));
        Ok((Self { child, said, reader }, stdout, stdin))
    }

    /// Waits until it has ended; says how.
    pub(super) async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => format!("its process ended ({status})"),
            Err(error) => format!("its process cannot be watched: {error}"),
        }
    }

    /// What it said last on its standard error, in one line, after a moment in which the rest of it may arrive.
    pub(super) async fn last_words(&mut self) -> String {
        if let Some(reader) = &mut self.reader {
            // The reader ends with the process; where others hold its output open, what is there must do.
            let _ = tokio::time::timeout(Duration::from_millis(200), reader).await;
            self.reader = None;
        }
        let lines = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        lines.join(" / ")
    }

    /// Waits a moment for it to end by itself, as its input is closed, and ends it if it does not.
    pub(super) async fn leave(mut self) {
        if tokio::time::timeout(LEAVE, self.child.wait()).await.is_err() {
            tracing::debug!("an MCP server does not end by itself and is ended");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The whole group; it may be gone already.
        let _ = self.child.start_kill();
        if let Some(reader) = &self.reader {
            reader.abort();
        }
    }
}

/// Reads what the server says beside the protocol, keeps the last of it, and logs it for those who look closely.
async fn listen(stderr: ChildStderr, server: String, secrets: Secrets, said: Arc<Mutex<VecDeque<String>>>) {
    let mut reader = BufReader::new(stderr);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match (&mut reader).take(LINE_BYTES).read_until(b'\n', &mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = text::line(&secrets.hide(&String::from_utf8_lossy(&bytes)), LONGEST_LINE);
        if line.is_empty() {
            continue;
        }
        tracing::debug!(server, line, "an MCP server says");
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.push_back(line);
        while said.len() > LAST_LINES {
            said.pop_front();
        }
    }
}
