//! The least of a Telegram and of a Discord that a bot needs to be talked to: servers on a free loopback port, in this
//! program, so that it can be measured anywhere without an account.

mod discord;
mod telegram;

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::JoinHandle,
    time::Instant,
};

/// The platform whose adapter is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Platform {
    Telegram,
    Discord,
}

impl Platform {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Telegram => "telegram",
            Self::Discord => "discord",
        }
    }
}

/// When a message was handed to the bot, and when the request with the whole answer to it arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) delivered: Instant,
    pub(super) answered: Instant,
}

/// A server. It stops when dropped.
pub(super) struct Server {
    platform: Platform,
    address: SocketAddr,
    world: Arc<World>,
    task: JoinHandle<()>,
}

/// Where both servers keep what was said.
struct World {
    /// What the bot is to say, word for word.
    answer: String,
    address: SocketAddr,
    ids: AtomicU64,
    /// When the bot last connected.
    connected: watch::Sender<Option<Instant>>,
    waiting: Mutex<HashMap<u64, Waiting>>,
    telegram: telegram::State,
    discord: discord::State,
}

/// Somebody who has said something and waits for the answer.
struct Waiting {
    delivered: Option<Instant>,
    told: oneshot::Sender<Told>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    /// A server on which everybody waits for `answer`.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub(super) async fn start(platform: Platform, answer: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let world = Arc::new(World {
            answer: answer.to_owned(),
            address,
            ids: AtomicU64::new(1),
            connected: watch::Sender::new(None),
            waiting: Mutex::default(),
            telegram: telegram::State::default(),
            discord: discord::State::default(),
        });
        let router = match platform {
            Platform::Telegram => telegram::router(world.clone()),
            Platform::Discord => discord::router(world.clone()),
        };
        let task = tokio::spawn(async move {
            // Small answers go out as they are written; it ends with the task.
            let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
                let _ = stream.set_nodelay(true);
            });
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { platform, address, world, task })
    }

    /// The settings of a bot that is to talk here.
    pub(super) fn settings(&self) -> [(&'static str, String); 2] {
        let url = format!("http://{}", self.address);
        match self.platform {
            Platform::Telegram => [("TELEGRAM_TOKEN", "4242:loopback".to_owned()), ("TELEGRAM_API_URL", url)],
            Platform::Discord => [("DISCORD_TOKEN", "loopback".to_owned()), ("DISCORD_API_URL", url)],
        }
    }

    /// Forgets that a bot was connected.
    pub(super) fn forget(&self) {
        self.world.connected.send_replace(None);
    }

    /// Waits until a bot is connected: on Telegram its first poll arrives, on Discord it is told READY. Gives that moment.
    pub(super) async fn connected(&self) -> Instant {
        let mut connected = self.world.connected.subscribe();
        // The sender lives as long as the server.
        match connected.wait_for(Option::is_some).await.map(|at| *at) {
            Ok(Some(at)) => at,
            Ok(None) | Err(_) => Instant::now(),
        }
    }

    /// Says something in private. The receiver gets the answer's times when it arrives.
    pub(super) fn say(&self, user: u64, text: &str) -> oneshot::Receiver<Told> {
        let (told, answer) = oneshot::channel();
        locked(&self.world.waiting).insert(user, Waiting { delivered: None, told });
        match self.platform {
            Platform::Telegram => telegram::say(&self.world, user, text),
            Platform::Discord => discord::say(&self.world, user, text),
        }
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl World {
    fn take_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    fn connect(&self) {
        let now = Instant::now();
        self.connected.send_if_modified(|at| {
            let first = at.is_none();
            at.get_or_insert(now);
            first
        });
    }

    /// What `user` said is on its way to the bot.
    fn delivered(&self, user: u64) {
        if let Some(waiting) = locked(&self.waiting).get_mut(&user) {
            waiting.delivered.get_or_insert_with(Instant::now);
        }
    }

    /// The bot shows this text to `user`; only the whole answer counts, not its beginning.
    fn shown(&self, user: u64, text: &str) {
        if text != self.answer {
            return;
        }
        let answered = Instant::now();
        let waiting = locked(&self.waiting).remove(&user);
        if let Some(Waiting { delivered: Some(delivered), told }) = waiting {
            // Who waited may have given up.
            let _ = told.send(Told { delivered, answered });
        }
    }
}
