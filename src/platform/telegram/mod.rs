//! Telegram, through the Bot API (teloxide-core): long polling or a webhook in, the outbox out. An update is confirmed only
//! after what it says is stored, so that a crash loses nothing.

mod done;
mod format;
mod media;
mod obey;
mod pace;
mod poll;
mod present;
mod react;
mod receive;
mod send;
mod webhook;

use std::{future::IntoFuture, net::SocketAddr, sync::Arc, time::Duration};

use reqwest_of_teloxide::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use teloxide_core::{
    ApiError, Bot, RequestError,
    requests::Requester,
    types::{AllowedUpdate, Me, Message, Update, UpdateKind},
};
use tokio_util::sync::CancellationToken;

use super::command::Commands;
use crate::{
    character::Cast,
    conversation::{ConversationError, Conversations, Inbound, Taken},
    memory::MemoryError,
    model::{CharacterId, Clock},
};
use done::Done;
pub(super) use format::plain;
use pace::Pace;
use receive::Heard;
use send::Sender;
use webhook::Door;

/// The platform's name.
const PLATFORM: &str = "telegram";
/// What is asked for; posts of channels are not.
const WANTED: [AllowedUpdate; 4] = [
    AllowedUpdate::Message,
    AllowedUpdate::EditedMessage,
    AllowedUpdate::CallbackQuery,
    AllowedUpdate::MessageReaction,
];
/// How long a request may take in all.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long a look at an account may take.
const LOOK: Duration = Duration::from_secs(10);
/// Pauses after a failure; they double from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// What Telegram needs to know.
#[derive(Debug, Clone)]
pub struct TelegramSettings {
    /// The bot's token.
    pub token: SecretString,
    /// The server, when it is not Telegram's own. Nothing is sent anywhere else then.
    pub api_url: Option<reqwest::Url>,
    /// Who answers.
    pub character: CharacterId,
    /// Where Telegram sends updates to; `None`: they are asked for.
    pub webhook: Option<Webhook>,
    /// Whether Telegram's limits are kept to before it says so.
    pub paced: bool,
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The public address.
    pub url: reqwest::Url,
    /// Where it is listened for.
    pub address: SocketAddr,
}

/// What the adapter works with.
pub struct Handles {
    /// The flow of talk.
    pub conversations: Conversations,
    /// Commands.
    pub commands: Commands,
    /// The cast.
    pub cast: Cast,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Why Telegram cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TelegramError {
    /// The token is wrong.
    #[error("Telegram does not know TELEGRAM_TOKEN: copy it again from @BotFather (/mybots, API Token)")]
    WrongToken,
    /// The client cannot be made.
    #[error("the client for Telegram cannot be made: {0}")]
    Client(String),
    /// The address cannot be had.
    #[error("cannot listen on TELEGRAM_WEBHOOK_ADDR {0}: {1}; set another, or end the program that has it")]
    Listen(SocketAddr, std::io::Error),
    /// Telegram does not take the address.
    #[error("Telegram refuses TELEGRAM_WEBHOOK_URL: {0}; it must be https, on port 443, 80, 88 or 8443")]
    Webhook(String),
    /// The server for updates failed.
    #[error("listening for updates of Telegram failed: {0}")]
    Serve(std::io::Error),
    /// The flow of talk failed.
    #[error(transparent)]
    Conversation(#[from] ConversationError),
}

/// What a look at a bot's account found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// The bot of this user name, which sees all messages of its groups, or only those meant for it.
    Ready {
        /// Its user name.
        name: String,
        /// Whether privacy mode is off.
        sees_all: bool,
    },
    /// The token is wrong.
    WrongToken,
    /// Telegram cannot be reached, and why.
    Unreachable(String),
}

/// Looks whether a token works, within ten seconds.
pub async fn look(token: &SecretString, api_url: Option<&reqwest::Url>) -> Account {
    let bot = match bot(token, api_url) {
        Ok(bot) => bot,
        Err(error) => return Account::Unreachable(error.to_string()),
    };
    let sender = Sender { bot, pace: Arc::default() };
    match tokio::time::timeout(LOOK, sender.bot.get_me().into_future()).await {
        Ok(Ok(me)) => {
            Account::Ready { name: me.username().to_owned(), sees_all: me.can_read_all_group_messages }
        }
        Ok(Err(RequestError::Api(ApiError::InvalidToken))) => Account::WrongToken,
        Ok(Err(error)) => Account::Unreachable(sender.without_token(&error.to_string())),
        Err(_) => Account::Unreachable(format!("no answer within {} s", LOOK.as_secs())),
    }
}

/// A client with this token. With a server of one's own, nothing goes through a proxy: that would be elsewhere. No redirect
/// is followed: the token stands in every address.
fn bot(token: &SecretString, api_url: Option<&reqwest::Url>) -> Result<Bot, TelegramError> {
    let mut client =
        teloxide_core::net::default_reqwest_settings().timeout(PATIENCE).redirect(Policy::none());
    if api_url.is_some() {
        client = client.no_proxy();
    }
    let client = client.build().map_err(|error| TelegramError::Client(error.to_string()))?;
    let bot = Bot::with_client(token.expose_secret(), client);
    Ok(match api_url {
        Some(url) => bot.set_api_url(url.clone()),
        None => bot,
    })
}

/// A bot on Telegram.
pub struct Telegram {
    sender: Sender,
    settings: TelegramSettings,
    handles: Handles,
    done: Done,
}

impl Telegram {
    /// A bot that is not connected yet.
    ///
    /// # Errors
    /// [`TelegramError::Client`].
    pub fn new(settings: TelegramSettings, handles: Handles) -> Result<Self, TelegramError> {
        let bot = bot(&settings.token, settings.api_url.as_ref())?;
        let pace = Arc::new(if settings.paced { Pace::default() } else { Pace::unlimited() });
        Ok(Self { sender: Sender { bot, pace }, settings, handles, done: Done::default() })
    }

    /// Talks until `stop`: first what was left from before, then what comes in.
    ///
    /// # Errors
    /// [`TelegramError`], when it can never work; failures of the network are waited out.
    pub async fn run(self, stop: CancellationToken) -> Result<(), TelegramError> {
        let door = match &self.settings.webhook {
            Some(webhook) => Some(Door::take(webhook.clone()).await?),
            None => None,
        };
        let Some(me) = self.introduce(&stop).await? else { return Ok(()) };
        self.handles.conversations.connect(Arc::new(self.sender.clone())).await?;
        self.done.load(&self.handles.conversations, &me).await?;
        tracing::info!(bot = me.username(), character = %self.settings.character, "Telegram is connected");
        let hear = async {
            match door {
                Some(door) => Box::pin(self.listen(door, &me, &stop)).await,
                None => {
                    Box::pin(self.poll(&me, &stop)).await;
                    Ok(())
                }
            }
        };
        let present = async {
            tokio::select! {
                () = self.present() => {}
                () = stop.cancelled() => {}
            }
        };
        let (heard, ()) = tokio::join!(hear, present);
        heard
    }

    /// Who the bot is. `None`: it was told to stop before it knew.
    async fn introduce(&self, stop: &CancellationToken) -> Result<Option<Me>, TelegramError> {
        let hello = async || {
            if self.settings.webhook.is_none() {
                // While a webhook is set, Telegram refuses to be polled.
                self.sender.bot.delete_webhook().into_future().await?;
            }
            self.sender.bot.get_me().into_future().await
        };
        match self.insist(stop, hello).await {
            Some(Ok(me)) => Ok(Some(me)),
            Some(Err(ApiError::InvalidToken)) => Err(TelegramError::WrongToken),
            Some(Err(error)) => Err(TelegramError::Client(error.to_string())),
            None => Ok(None),
        }
    }

    /// Asks until Telegram does it, or will never do it. `None`: it was told to stop first.
    async fn insist<T>(
        &self,
        stop: &CancellationToken,
        ask: impl AsyncFn() -> Result<T, RequestError>,
    ) -> Option<Result<T, ApiError>> {
        let mut pause = FIRST_PAUSE;
        loop {
            match ask().await {
                Ok(done) => return Some(Ok(done)),
                Err(RequestError::Api(error)) if is_final(&error) => return Some(Err(error)),
                Err(error) => {
                    let wait = self.complain(&error, pause);
                    pause = (pause * 2).min(LAST_PAUSE);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = stop.cancelled() => return None,
                    }
                }
            }
        }
    }

    /// Says what is wrong, and how long to wait.
    fn complain(&self, error: &RequestError, pause: Duration) -> Duration {
        match error {
            RequestError::RetryAfter(wait) => wait.duration(),
            RequestError::Api(ApiError::TerminatedByOtherGetUpdates) => {
                tracing::error!(
                    "another program polls Telegram with this TELEGRAM_TOKEN: stop it, or use another bot"
                );
                LAST_PAUSE.min(pause * 4)
            }
            error => {
                tracing::warn!(
                    error = self.sender.without_token(&error.to_string()),
                    "Telegram cannot be reached"
                );
                pause
            }
        }
    }

    /// Takes one update in, unless that was done before.
    async fn take(&self, update: &Update, me: &Me) -> Result<(), ConversationError> {
        if self.done.has(update) {
            return Ok(());
        }
        if self.understand(update, me).await? == Trace::Nothing {
            self.done.note(&self.handles.conversations, update).await;
        }
        Ok(())
    }

    async fn understand(&self, update: &Update, me: &Me) -> Result<Trace, ConversationError> {
        match &update.kind {
            UpdateKind::Message(message) => {
                if let Some((old, new)) = receive::moved(message) {
                    self.handles.conversations.moved(&old, &new).await?;
                    return Ok(Trace::Message);
                }
                match receive::hear(message, me, &self.settings.character) {
                    Heard::Nothing => return Ok(Trace::Message),
                    Heard::Said(inbound) => match self.admitted(*inbound).await? {
                        Some(inbound) => return self.said(inbound).await,
                        None => return Ok(Trace::Message),
                    },
                    Heard::Command { line, ours, locale, inbound } => {
                        if let Some(inbound) = self.admitted(*inbound).await? {
                            self.command(&line, ours, locale, inbound).await?;
                        }
                    }
                }
            }
            UpdateKind::CallbackQuery(query) => self.pressed(query).await?,
            UpdateKind::MessageReaction(reaction) => self.reacted(reaction).await?,
            UpdateKind::EditedMessage(message) => self.edited(message, me).await?,
            _ => return Ok(Trace::Message),
        }
        Ok(Trace::Nothing)
    }

    async fn edited(&self, message: &Message, me: &Me) -> Result<(), ConversationError> {
        let Heard::Said(inbound) = receive::hear(message, me, &self.settings.character) else {
            return Ok(());
        };
        let Some(inbound) = self.admitted(*inbound).await? else { return Ok(()) };
        // Somebody else may answer here by now; the change is for whoever heard the message.
        let id = &inbound.platform_id;
        for character in self.handles.conversations.heard_by(PLATFORM, id).await? {
            match self.handles.conversations.changed(PLATFORM, id, &character, &inbound.text).await {
                // What cannot be kept leaves the message as it was.
                Err(ConversationError::Memory(MemoryError::TooLong(_) | MemoryError::Empty)) => {}
                changed => changed?,
            }
        }
        Ok(())
    }

    async fn said(&self, inbound: Inbound) -> Result<Trace, ConversationError> {
        match self.handles.conversations.take_in(inbound.clone()).await {
            Ok(Taken::New | Taken::Seen) => Ok(Trace::Message),
            Ok(Taken::Stop) => Ok(Trace::Nothing),
            Err(ConversationError::Memory(error @ (MemoryError::TooLong(_) | MemoryError::Empty))) => {
                self.remark(&inbound, &error.to_string()).await.map(|()| Trace::Message)
            }
            Err(ConversationError::NoSuchCharacter(id)) => {
                tracing::error!(character = %id, "a message to a character that is not in the cast");
                Ok(Trace::Message)
            }
            Err(error) => Err(error),
        }
    }

    /// Says something that is no part of the talk.
    async fn remark(&self, inbound: &Inbound, text: &str) -> Result<(), ConversationError> {
        self.handles.conversations.remark(inbound, text).await
    }
}

/// What tells that an update was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trace {
    /// The message, which is kept once; or it does not matter.
    Message,
    /// Nothing: its number has to be kept.
    Nothing,
}

/// True when asking again changes nothing.
fn is_final(error: &ApiError) -> bool {
    match error {
        ApiError::InvalidToken
        | ApiError::WebhookRequireHttps
        | ApiError::BadWebhookPort
        | ApiError::CantParseUrl => true,
        // Names that cannot be looked up now may be later.
        ApiError::Unknown(text) => text.starts_with("Bad Request") && !text.contains("resolve host"),
        _ => false,
    }
}
