//! The console: a line editor on a terminal, plain lines on a pipe, one JSON event a line where asked for.

mod command;
mod editor;
mod render;

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    sync::{broadcast, mpsc},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    character::{Cast, CastEvent},
    conversation::{ConversationError, Conversations, Inbound},
    embed::Embeddings,
    llm::Llm,
    memory::{Memory, MemoryError},
    model::{CharacterId, ErrorKind, Message, Place, Timestamp, TurnEvent, UserId, Viewer},
    platform::command::{Button, Commands},
};

use command::Command;
use editor::Editor;
use render::Renderer;

/// The platform's name in the store.
pub const PLATFORM: &str = "console";
/// How often it is looked for reminders that are due.
const REMIND: Duration = Duration::from_secs(1);
/// Events of one turn that may wait to be printed.
const EVENTS: usize = 64;

/// What the console works with.
#[derive(Clone)]
pub struct Handles {
    /// The cast.
    pub cast: Cast,
    /// Conversations.
    pub conversations: Conversations,
    /// Memory, for `/recall`.
    pub memory: Memory,
    /// The commands of every platform.
    pub commands: Commands,
    /// Embeddings, for `/recall`.
    pub embeddings: Embeddings,
    /// Models, for `/cost`.
    pub llm: Llm,
}

/// How a talk on the console is held.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who answers.
    pub character: CharacterId,
    /// Who talks.
    pub user: UserId,
    /// What they are called; empty when they have not said.
    pub user_name: String,
    /// Where the talk takes place.
    pub place: Place,
    /// When it starts; `None`: now. Time passes from there.
    pub at: Option<Timestamp>,
    /// Messages to say instead of reading them.
    pub messages: Vec<String>,
    /// One JSON event a line.
    pub json: bool,
    /// Where the line editor keeps its history.
    pub history: PathBuf,
}

/// Why a talk could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Standard input or output failed.
    #[error("the console failed: {0}")]
    Io(#[from] std::io::Error),
    /// The line editor failed.
    #[error("the line editor failed: {0}")]
    Editor(#[from] rustyline::error::ReadlineError),
    /// No such character.
    #[error("there is no character `{0}`; `dramatis characters list` shows the cast")]
    NoSuchCharacter(CharacterId),
}

/// Whether the talk goes on after a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Quit,
}

/// A talk on the console.
pub struct Console {
    handles: Handles,
    options: Options,
    started: Instant,
    began: Timestamp,
    /// Those of the last reply.
    buttons: Vec<Button>,
}

impl Console {
    /// A talk with these options.
    ///
    /// # Errors
    /// [`ConsoleError::NoSuchCharacter`] when nobody of that id is in the cast.
    pub fn new(handles: Handles, options: Options) -> Result<Self, ConsoleError> {
        if handles.cast.get(&options.character).is_none() {
            return Err(ConsoleError::NoSuchCharacter(options.character));
        }
        let began = options.at.unwrap_or_else(|| chrono::Utc::now().into());
        Ok(Self { handles, options, started: Instant::now(), began, buttons: Vec::new() })
    }

    /// Talks until the end of input, `/quit`, or the last of the given messages.
    ///
    /// # Errors
    /// [`ConsoleError`] when the terminal or the pipe fails.
    pub async fn run(mut self) -> Result<(), ConsoleError> {
        let watching = self.handles.cast.subscribe();
        if !self.options.messages.is_empty() {
            let news = News::begin(watching, self.reminders(), |line| eprintln!("{line}"));
            let done = self.say_all().await;
            news.end().await;
            return done;
        }
        if std::io::stdin().is_terminal() && !self.options.json {
            return self.run_terminal(watching).await;
        }
        let news = News::begin(watching, self.reminders(), |line| eprintln!("{line}"));
        let done = self.run_pipe().await;
        news.end().await;
        done
    }

    async fn say_all(&mut self) -> Result<(), ConsoleError> {
        self.resume().await?;
        for text in std::mem::take(&mut self.options.messages) {
            if self.line(&text).await? == Flow::Quit {
                break;
            }
        }
        Ok(())
    }

    async fn run_pipe(&mut self) -> Result<(), ConsoleError> {
        self.resume().await?;
        let mut input = BufReader::new(tokio::io::stdin());
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            if input.read_until(b'\n', &mut bytes).await? == 0 {
                return Ok(());
            }
            // Somebody else's bytes: what is not UTF-8 is shown as such, and the talk goes on.
            let line = String::from_utf8_lossy(&bytes).into_owned();
            if self.line(&line).await? == Flow::Quit {
                return Ok(());
            }
        }
    }

    async fn run_terminal(mut self, watching: broadcast::Receiver<CastEvent>) -> Result<(), ConsoleError> {
        let ids = self.handles.cast.ids();
        let mut editor = Editor::open(ids, self.options.history.clone())?;
        let news = match editor.printer() {
            Some(print) => News::begin(watching, self.reminders(), print),
            None => News::begin(watching, self.reminders(), |line| eprintln!("{line}")),
        };
        self.greet()?;
        self.resume().await?;
        loop {
            let (back, line) = editor.read("you> ").await?;
            editor = back;
            let Some(line) = line else { break };
            if self.line(&line).await? == Flow::Quit {
                break;
            }
        }
        news.end().await;
        Ok(())
    }

    fn greet(&self) -> std::io::Result<()> {
        let Some(character) = self.handles.cast.get(&self.options.character) else { return Ok(()) };
        let tagline = character.tagline.as_deref().map(|line| format!(": {line}")).unwrap_or_default();
        let mut out = std::io::stdout();
        writeln!(out, "{}{tagline}", character.name)?;
        writeln!(out, "Write a line and press Enter. /help shows what else there is, /quit leaves.\n")
    }

    /// What a killed process left unanswered is answered first.
    async fn resume(&self) -> Result<(), ConsoleError> {
        let viewer = self.viewer();
        let ours = |message: &Message| {
            message.character == viewer.character
                && message.scope == viewer.scope()
                && message.author.user() == Some(&viewer.user)
        };
        let left = match self.handles.conversations.unanswered(PLATFORM, ours).await {
            Ok(left) => left,
            Err(error) => {
                tracing::warn!(%error, "unanswered messages could not be looked up");
                return Ok(());
            }
        };
        for message in left {
            if !self.options.json {
                writeln!(std::io::stdout(), "(still unanswered from before: {})", message.text)?;
            }
            let conversations = self.handles.conversations.clone();
            self.show(|events| async move { conversations.resume(message, &events).await.map(drop) }).await?;
        }
        Ok(())
    }

    async fn line(&mut self, line: &str) -> Result<Flow, ConsoleError> {
        let text = line.trim();
        if text.is_empty() {
            return Ok(Flow::On);
        }
        if let Some(command) = Command::parse(text) {
            return self.obey(command).await;
        }
        self.say(text.to_owned()).await?;
        Ok(Flow::On)
    }

    async fn say(&self, text: String) -> Result<(), ConsoleError> {
        let inbound = Inbound {
            platform: PLATFORM.to_owned(),
            platform_id: Uuid::now_v7().to_string(),
            character: self.options.character.clone(),
            user: self.options.user.clone(),
            user_name: self.options.user_name.clone(),
            place: self.options.place.clone(),
            text,
            at: self.now(),
            beside: Vec::new(),
            address: None,
        };
        let conversations = self.handles.conversations.clone();
        self.show(|events| async move { conversations.handle(inbound, &events).await.map(drop) }).await
    }

    /// Prints the events of a turn while it runs.
    async fn show<F, T>(&self, turn: F) -> Result<(), ConsoleError>
    where
        F: FnOnce(mpsc::Sender<TurnEvent>) -> T,
        T: Future<Output = Result<(), ConversationError>>,
    {
        let name = self
            .handles
            .cast
            .get(&self.options.character)
            .map_or_else(|| self.options.character.to_string(), |character| character.name.clone());
        let mut renderer = Renderer::new(name, self.options.json);
        let (sender, events) = mpsc::channel(EVENTS);
        let print = async {
            // Gone together with this block: a turn must not wait for a reader that has left.
            let mut events = events;
            let mut out = std::io::stdout();
            while let Some(event) = events.recv().await {
                renderer.event(&event, &mut out)?;
                out.flush()?;
            }
            Ok::<(), std::io::Error>(())
        };
        let (ended, printed) = tokio::join!(turn(sender), print);
        printed?;
        if let Err(error) = ended {
            let kind = match &error {
                ConversationError::Memory(MemoryError::TooLong(_) | MemoryError::Empty) => ErrorKind::Other,
                _ => ErrorKind::Store,
            };
            if self.options.json {
                let event = TurnEvent::Error { kind, message: error.to_string() };
                renderer.event(&event, &mut std::io::stdout())?;
            } else {
                // Not the character's words.
                eprintln!("not taken in: {error}");
            }
        }
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.began.plus(self.started.elapsed())
    }

    fn reminders(&self) -> Reminders {
        Reminders { conversations: self.handles.conversations.clone(), viewer: self.viewer() }
    }

    fn viewer(&self) -> Viewer {
        Viewer::new(self.options.character.clone(), self.options.user.clone(), self.options.place.clone())
    }
}

/// The reminders of whoever sits at the console.
struct Reminders {
    conversations: Conversations,
    viewer: Viewer,
}

impl Reminders {
    async fn due(&self) -> Vec<String> {
        self.conversations.take_due(PLATFORM, &self.viewer).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "reminders cannot be looked up; trying again soon");
            Vec::new()
        })
    }
}

/// Says what happens to character files while people talk, and what they asked to be reminded of.
struct News {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl News {
    fn begin<P: FnMut(String) + Send + 'static>(
        watching: broadcast::Receiver<CastEvent>,
        reminders: Reminders,
        print: P,
    ) -> Self {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(print_news(watching, reminders, stop.clone(), print)), stop }
    }

    /// Ends between two pieces of news: a reminder that was taken is shown.
    async fn end(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "news were not told to the end");
        }
    }
}

async fn print_news<P: FnMut(String)>(
    mut watching: broadcast::Receiver<CastEvent>,
    reminders: Reminders,
    stop: CancellationToken,
    mut print: P,
) {
    let mut every = tokio::time::interval(REMIND);
    loop {
        let event = tokio::select! {
            biased;
            _ = every.tick() => {
                reminders.due().await.into_iter().for_each(&mut print);
                continue;
            }
            () = stop.cancelled() => return,
            event = watching.recv() => event,
        };
        match event {
            Ok(CastEvent::Reloaded { id, ms }) => print(format!("({id} was reloaded in {ms:.0} ms)")),
            Ok(CastEvent::Added { id }) => print(format!("({id} joined the cast)")),
            Ok(CastEvent::Removed { id }) => print(format!("({id} left the cast)")),
            Ok(CastEvent::Rejected { id, findings }) => {
                print(format!("({id} keeps its last good version; the files on disk have errors:)"));
                for finding in findings {
                    print(format!("  {id}/{finding}"));
                }
            }
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}
