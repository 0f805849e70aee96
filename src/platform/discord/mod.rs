//! Discord: the gateway in, REST out. One bot hosts the whole cast, each character under its own name through webhooks; or a
//! character has a bot of its own.
//!
//! The gateway is twilight's, because it can go on with the session of a process that was killed; REST is a thin client of our
//! own (`rest.rs`), because whoever sends must hear of a pause at once.

mod bot;
mod event;
mod gateway;
mod interact;
mod menu;
mod persona;
mod receive;
mod rest;
mod send;
mod world;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use futures::future::try_join_all;
use reqwest::Url;
use secrecy::SecretString;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use twilight_gateway::{ShardId, queue::InMemoryQueue};

use crate::{
    character::Cast,
    conversation::{ConversationError, Conversations},
    model::{CharacterId, Clock},
    platform::command::Commands,
};
use bot::Bot;
use event::{Application, GatewayBot, StartLimit, User};
use persona::Hooks;
use rest::{Rest, RestError};
use send::Sender;
use world::World;

/// The platform's name.
const PLATFORM: &str = "discord";
/// Pauses after a failure; they double from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// How long a stop waits for commands that are being answered.
const LAST_ANSWERS: Duration = Duration::from_secs(3);
/// How long a look at an account may take.
const LOOK: Duration = Duration::from_secs(10);
/// Close codes of the gateway (its documentation, "Gateway Close Event Codes").
const WRONG_TOKEN: u16 = 4004;
const WRONG_INTENTS: u16 = 4013;
const FORBIDDEN_INTENTS: u16 = 4014;

/// What Discord needs to know.
#[derive(Debug, Clone)]
pub struct DiscordSettings {
    /// The token of the bot that speaks for the whole cast.
    pub token: Option<SecretString>,
    /// Characters with a bot of their own.
    pub own: Vec<(CharacterId, SecretString)>,
    /// The server, when it is not Discord's own. Nothing is sent anywhere else then.
    pub api_url: Option<Url>,
    /// Whether characters speak under their own names in channels, through webhooks.
    pub personas: bool,
    /// Who answers when nobody is named.
    pub character: CharacterId,
}

/// What the adapter works with.
pub struct Handles {
    /// The flow of talk.
    pub conversations: Conversations,
    /// The cast.
    pub cast: Cast,
    /// Commands, and who is let in.
    pub commands: Commands,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Why Discord cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DiscordError {
    /// The token is wrong.
    #[error(
        "Discord does not know the token of {0}: copy it again from https://discord.com/developers/applications (Bot, \
         Reset Token) into DISCORD_TOKEN or DISCORD_TOKEN_<ID>"
    )]
    WrongToken(String),
    /// An intent is not switched on.
    #[error(
        "Discord refuses what {0} wants to read (close code 4014): switch on MESSAGE CONTENT INTENT at \
         https://discord.com/developers/applications (Bot, Privileged Gateway Intents), and start again"
    )]
    ForbiddenIntents(String),
    /// The server closed the connection for good.
    #[error("Discord closed the connection of {bot} for good (close code {code})")]
    Closed {
        /// The bot.
        bot: String,
        /// Why (Discord's documentation, "Gateway Close Event Codes"); 0: it did not say.
        code: u16,
    },
    /// The configured server sends us elsewhere.
    #[error(
        "the server at DISCORD_API_URL names a gateway elsewhere ({0}), and nothing is sent elsewhere: correct the server, \
         or unset DISCORD_API_URL to talk to Discord itself"
    )]
    Astray(String),
    /// The client cannot be made.
    #[error("the client for Discord cannot be made: {0}")]
    Client(String),
    /// The flow of talk failed.
    #[error(transparent)]
    Conversation(#[from] ConversationError),
}

impl DiscordError {
    fn of_close(code: Option<u16>, bot: &str) -> Self {
        match code {
            Some(WRONG_TOKEN) => Self::WrongToken(bot.to_owned()),
            Some(FORBIDDEN_INTENTS | WRONG_INTENTS) => Self::ForbiddenIntents(bot.to_owned()),
            code => Self::Closed { bot: bot.to_owned(), code: code.unwrap_or_default() },
        }
    }
}

/// What a look at a bot's account found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// The bot of this name, which reads the words of all messages, or only of those meant for it.
    Ready {
        /// Its user name.
        name: String,
        /// Whether the Message Content intent is switched on.
        sees_content: bool,
    },
    /// The token is wrong.
    WrongToken,
    /// Discord cannot be reached, and why.
    Unreachable(String),
}

/// Looks whether a token works, within ten seconds.
pub async fn look(token: &SecretString, api_url: Option<&Url>) -> Account {
    let hello = async {
        let rest =
            Rest::new(token.clone(), api_url).map_err(|error| RestError::Unreachable(error.to_string()))?;
        let me: User = rest.get("/users/@me").await?;
        let application: Application = rest.get("/applications/@me").await?;
        Ok::<_, RestError>(Account::Ready { name: me.username, sees_content: application.sees_content() })
    };
    match tokio::time::timeout(LOOK, hello).await {
        Ok(Ok(account)) => account,
        Ok(Err(error)) if error.is_unauthorized() => Account::WrongToken,
        Ok(Err(error)) => Account::Unreachable(error.to_string()),
        Err(_) => Account::Unreachable(format!("no answer within {} s", LOOK.as_secs())),
    }
}

/// The bots of this program on Discord.
pub struct Discord {
    settings: DiscordSettings,
    handles: Arc<Handles>,
}

/// A token, and whose it is.
struct Login {
    token: SecretString,
    own: Option<CharacterId>,
}

/// A bot with what its gateway said.
struct Introduced {
    bot: Arc<Bot>,
    gateway: GatewayBot,
    sees_content: bool,
}

impl Discord {
    /// Bots that are not connected yet.
    #[must_use]
    pub fn new(settings: DiscordSettings, handles: Handles) -> Self {
        Self { settings, handles: Arc::new(handles) }
    }

    /// Talks until `stop`: first what was left from before, then what comes in.
    ///
    /// # Errors
    /// [`DiscordError`], when it can never work; failures of the network are waited out.
    pub async fn run(self, stop: CancellationToken) -> Result<(), DiscordError> {
        let settings = &self.settings;
        let shared = settings.token.iter().map(|token| Login { token: token.clone(), own: None });
        let own =
            settings.own.iter().map(|(id, token)| Login { token: token.clone(), own: Some(id.clone()) });
        let mut bots = Vec::new();
        for account in shared.chain(own) {
            match self.introduce(account, &stop).await? {
                Some(bot) => bots.push(bot),
                None => return Ok(()),
            }
        }
        let voices = bots.iter().map(|it| (it.bot.me.id.clone(), Arc::new(it.bot.voice()))).collect();
        let sender = Sender { voices, cast: self.handles.cast.clone() };
        self.handles.conversations.connect(Arc::new(sender)).await?;
        let all: Vec<Arc<Bot>> = bots.iter().map(|it| it.bot.clone()).collect();
        let mut shards = Vec::new();
        for Introduced { bot, gateway, sees_content } in bots {
            let limit = gateway.session_start_limit.unwrap_or(StartLimit {
                max_concurrency: 1,
                remaining: 1_000,
                reset_after: 0,
            });
            let reset = Duration::from_millis(limit.reset_after);
            let queue = InMemoryQueue::new(
                u16::try_from(limit.max_concurrency.max(1)).unwrap_or(u16::MAX),
                limit.remaining,
                reset,
                limit.remaining.max(1_000),
            );
            let total = gateway.shards.max(1);
            for number in 0..total {
                let reader = gateway::Reader {
                    bot: bot.clone(),
                    id: ShardId::new(number, total),
                    queue: queue.clone(),
                    intents: gateway::intents(sees_content),
                    url: gateway.url.trim_end_matches('/').to_owned(),
                    home: settings.api_url.clone(),
                };
                shards.push(reader.run(stop.clone()));
            }
        }
        let register = async {
            for bot in &all {
                bot.register(&stop).await;
            }
            Ok(())
        };
        let (read, ()) = tokio::try_join!(try_join_all(shards), register)?;
        drop(read);
        for bot in all {
            bot.tasks.close();
            // Whoever used a command a moment ago gets their answer.
            if tokio::time::timeout(LAST_ANSWERS, bot.tasks.wait()).await.is_err() {
                tracing::warn!("a command did not end in time");
            }
        }
        Ok(())
    }

    /// Who a bot is, and where its gateway is. `None`: it was told to stop before it knew.
    async fn introduce(
        &self,
        account: Login,
        stop: &CancellationToken,
    ) -> Result<Option<Introduced>, DiscordError> {
        let rest = Rest::new(account.token.clone(), self.settings.api_url.as_ref())
            .map_err(|error| DiscordError::Client(error.to_string()))?;
        let called =
            account.own.as_ref().map_or_else(|| "DISCORD_TOKEN".to_owned(), |id| format!("the bot of {id}"));
        let mut pause = FIRST_PAUSE;
        let (me, application, gateway) = loop {
            match Self::ask(&rest).await {
                Ok(found) => break found,
                Err(error) if error.is_unauthorized() => return Err(DiscordError::WrongToken(called)),
                Err(error) => {
                    let wait = if let RestError::Limited(asked) = error { asked } else { pause };
                    tracing::warn!(%error, "Discord cannot be begun with; trying again");
                    pause = (pause * 2).min(LAST_PAUSE);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = stop.cancelled() => return Ok(None),
                    }
                }
            }
        };
        if let Some(home) = &self.settings.api_url
            && !gateway::is_at_home(home, &gateway.url)
        {
            return Err(DiscordError::Astray(gateway.url));
        }
        // Where a server does not say what is switched on, it says so when it closes the connection.
        let sees_content = application.as_ref().is_none_or(Application::sees_content);
        if !sees_content {
            tracing::warn!(
                bot = me.username,
                "the Message Content intent is off: in servers only messages that mention the bot can be read, and replies to \
                 characters with names of their own cannot; switch it on at https://discord.com/developers/applications \
                 (Bot, Privileged Gateway Intents)"
            );
        }
        let alone = account.own.is_some();
        let bot = Bot {
            application: application.map_or_else(|| me.id.clone(), |it| it.id),
            me,
            rest,
            token: account.token,
            character: account.own.unwrap_or_else(|| self.settings.character.clone()),
            alone,
            personas: self.settings.personas,
            hooks: Hooks::default(),
            world: World::default(),
            handles: self.handles.clone(),
            missed: AtomicBool::new(false),
            tasks: TaskTracker::new(),
        };
        Ok(Some(Introduced { bot: Arc::new(bot), gateway, sees_content }))
    }

    async fn ask(rest: &Rest) -> Result<(User, Option<Application>, GatewayBot), RestError> {
        let me: User = rest.get("/users/@me").await?;
        let application = match rest.get::<Application>("/applications/@me").await {
            Ok(application) => Some(application),
            // A server of somebody's own may not have it.
            Err(error) if error.is_missing() => None,
            Err(error) => return Err(error),
        };
        // Where this fails, nobody else is asked: the library would go to Discord's own gateway.
        let gateway = rest.get("/gateway/bot").await?;
        Ok((me, application, gateway))
    }
}
