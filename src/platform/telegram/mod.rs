//! Telegram, through the Bot API (teloxide-core): long polling in, the outbox out. An update is confirmed only after what it
//! says is stored, so that a crash loses nothing.

mod format;
mod media;
mod obey;
mod react;
mod receive;
mod send;

use std::{future::IntoFuture, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use teloxide_core::{
    ApiError, Bot, RequestError,
    payloads::{GetUpdatesSetters, SetMyCommandsSetters},
    requests::Requester,
    types::{AllowedUpdate, BotCommand, Me, Update, UpdateKind},
};
use tokio_util::sync::CancellationToken;

use super::command::{COMMANDS, Commands, LANGUAGES, Who};
use crate::{
    conversation::{ConversationError, Conversations, Inbound, Taken},
    memory::MemoryError,
    model::{CharacterId, Clock},
};
pub(super) use format::plain;
use receive::Heard;
use send::Sender;

/// The platform's name.
const PLATFORM: &str = "telegram";
/// What is asked for; posts of channels are not.
const WANTED: [AllowedUpdate; 4] = [
    AllowedUpdate::Message,
    AllowedUpdate::EditedMessage,
    AllowedUpdate::CallbackQuery,
    AllowedUpdate::MessageReaction,
];
/// How long Telegram holds a request for updates.
const POLL: u32 = 20;
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
}

/// What the adapter works with.
pub struct Handles {
    /// The flow of talk.
    pub conversations: Conversations,
    /// Commands.
    pub commands: Commands,
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
    let mut bot = Bot::new(token.expose_secret());
    if let Some(url) = api_url {
        bot = bot.set_api_url(url.clone());
    }
    let sender = Sender { bot };
    match tokio::time::timeout(LOOK, sender.bot.get_me().into_future()).await {
        Ok(Ok(me)) => {
            Account::Ready { name: me.username().to_owned(), sees_all: me.can_read_all_group_messages }
        }
        Ok(Err(RequestError::Api(ApiError::InvalidToken))) => Account::WrongToken,
        Ok(Err(error)) => Account::Unreachable(sender.without_token(&error.to_string())),
        Err(_) => Account::Unreachable(format!("no answer within {} s", LOOK.as_secs())),
    }
}

/// A bot on Telegram.
pub struct Telegram {
    sender: Sender,
    settings: TelegramSettings,
    handles: Handles,
}

impl Telegram {
    /// A bot that is not connected yet.
    ///
    /// # Errors
    /// [`TelegramError::Client`].
    pub fn new(settings: TelegramSettings, handles: Handles) -> Result<Self, TelegramError> {
        let client = teloxide_core::net::default_reqwest_settings()
            .timeout(PATIENCE)
            .build()
            .map_err(|error| TelegramError::Client(error.to_string()))?;
        let mut bot = Bot::with_client(settings.token.expose_secret(), client);
        if let Some(url) = &settings.api_url {
            bot = bot.set_api_url(url.clone());
        }
        Ok(Self { sender: Sender { bot }, settings, handles })
    }

    /// Talks until `stop`: first what was left from before, then what comes in.
    ///
    /// # Errors
    /// [`TelegramError`], when it can never work; failures of the network are waited out.
    pub async fn run(self, stop: CancellationToken) -> Result<(), TelegramError> {
        let Some(me) = self.introduce(&stop).await? else { return Ok(()) };
        self.handles.conversations.connect(Arc::new(self.sender.clone())).await?;
        tracing::info!(bot = me.username(), character = %self.settings.character, "Telegram is connected");
        self.list_commands().await;
        let (mut offset, mut pause) = (0_i32, FIRST_PAUSE);
        loop {
            let updates = tokio::select! {
                updates = self.updates(offset) => updates,
                () = stop.cancelled() => return Ok(()),
            };
            match updates {
                Ok(updates) => {
                    pause = FIRST_PAUSE;
                    for update in updates {
                        let id = i32::try_from(update.id.0).unwrap_or(i32::MAX);
                        if !self.take(update, &me, &stop).await {
                            return Ok(());
                        }
                        offset = id.saturating_add(1);
                    }
                }
                Err(error) => {
                    let wait = self.complain(&error, pause);
                    pause = (pause * 2).min(LAST_PAUSE);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = stop.cancelled() => return Ok(()),
                    }
                }
            }
        }
    }

    /// Who the bot is. `None`: it was told to stop before it knew.
    async fn introduce(&self, stop: &CancellationToken) -> Result<Option<Me>, TelegramError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let hello = async {
                // While a webhook is set, Telegram refuses to be polled.
                self.sender.bot.delete_webhook().into_future().await?;
                self.sender.bot.get_me().into_future().await
            };
            match hello.await {
                Ok(me) => return Ok(Some(me)),
                Err(RequestError::Api(ApiError::InvalidToken)) => return Err(TelegramError::WrongToken),
                Err(error) => {
                    let wait = self.complain(&error, pause);
                    pause = (pause * 2).min(LAST_PAUSE);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = stop.cancelled() => return Ok(None),
                    }
                }
            }
        }
    }

    async fn updates(&self, offset: i32) -> Result<Vec<Update>, RequestError> {
        self.sender.bot.get_updates().offset(offset).timeout(POLL).allowed_updates(WANTED).into_future().await
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

    async fn list_commands(&self) {
        for language in ["en"].into_iter().chain(LANGUAGES) {
            let listed = COMMANDS.iter().filter(|spec| spec.listed && spec.who == Who::Everybody);
            let commands = listed.map(|spec| BotCommand::new(spec.name.en, spec.about.of(language)));
            let mut request = self.sender.bot.set_my_commands(commands);
            // English is for everybody else.
            if language != "en" {
                request = request.language_code(language);
            }
            if let Err(error) = request.into_future().await {
                tracing::warn!(
                    error = self.sender.without_token(&error.to_string()),
                    language,
                    "commands are not listed on Telegram"
                );
            }
        }
    }

    /// Takes one update in, trying again for as long as the store fails. False: it was told to stop first.
    async fn take(&self, update: Update, me: &Me, stop: &CancellationToken) -> bool {
        loop {
            match self.understand(&update, me).await {
                Ok(()) => return true,
                Err(error) => tracing::error!(%error, "an update is not stored; trying again"),
            }
            tokio::select! {
                () = tokio::time::sleep(FIRST_PAUSE) => {}
                () = stop.cancelled() => return false,
            }
        }
    }

    async fn understand(&self, update: &Update, me: &Me) -> Result<(), ConversationError> {
        match &update.kind {
            UpdateKind::Message(message) => match receive::hear(message, me, &self.settings.character) {
                Heard::Nothing => Ok(()),
                Heard::Said(inbound) => match self.admitted(*inbound).await? {
                    Some(inbound) => self.said(inbound).await,
                    None => Ok(()),
                },
                Heard::Command { line, ours, locale, inbound } => {
                    let Some(inbound) = self.admitted(*inbound).await? else { return Ok(()) };
                    self.command(&line, ours, locale, inbound).await
                }
            },
            UpdateKind::CallbackQuery(query) => self.pressed(query).await,
            UpdateKind::MessageReaction(reaction) => self.reacted(reaction).await,
            UpdateKind::EditedMessage(message) => {
                let Heard::Said(inbound) = receive::hear(message, me, &self.settings.character) else {
                    return Ok(());
                };
                let Some(inbound) = self.admitted(*inbound).await? else { return Ok(()) };
                let (id, character) = (&inbound.platform_id, &inbound.character);
                let changed =
                    self.handles.conversations.changed(PLATFORM, id, character, &inbound.text).await;
                match changed {
                    // What cannot be kept leaves the message as it was.
                    Err(ConversationError::Memory(MemoryError::TooLong(_) | MemoryError::Empty)) => Ok(()),
                    changed => changed,
                }
            }
            _ => Ok(()),
        }
    }

    async fn said(&self, inbound: Inbound) -> Result<(), ConversationError> {
        match self.handles.conversations.take_in(inbound.clone()).await {
            Ok(Taken::New | Taken::Seen | Taken::Stop) => Ok(()),
            Err(ConversationError::Memory(error @ (MemoryError::TooLong(_) | MemoryError::Empty))) => {
                self.remark(&inbound, &error.to_string()).await
            }
            Err(ConversationError::NoSuchCharacter(id)) => {
                tracing::error!(character = %id, "a message to a character that is not in the cast");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Says something that is no part of the talk.
    async fn remark(&self, inbound: &Inbound, text: &str) -> Result<(), ConversationError> {
        self.handles.conversations.remark(inbound, text).await
    }
}
