//! The simulated Discord, held against the client library that the adapter uses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod faults;
mod gateway;
mod interactions;
mod talk;
#[path = "../wire/discord/mod.rs"]
mod wire;

use std::{sync::Arc, time::Duration};

use flate2::{Decompress, FlushDecompress};
use futures::{SinkExt, StreamExt};
use rstest::rstest;
use serde_json::{Value, json};
use serenity::{
    all::{
        ButtonStyle, ChannelId, Client, Command, CommandInteraction, CommandOptionType,
        ComponentInteractionDataKind, Context, CreateActionRow, CreateAttachment, CreateAutocompleteResponse,
        CreateButton, CreateCommand, CreateCommandOption, CreateInputText, CreateInteractionResponse,
        CreateInteractionResponseFollowup, CreateInteractionResponseMessage, CreateMessage, CreateModal,
        CreateSelectMenu, CreateSelectMenuKind, CreateSelectMenuOption, CreateWebhook,
        EditInteractionResponse, EditMessage, EditWebhookMessage, Event, ExecuteWebhook, GatewayIntents,
        GetMessages, GuildId, Http, InputTextStyle, Interaction, MessageId, RawEventHandler, ReactionType,
        UserId,
    },
    async_trait,
    gateway::{GatewayError, ShardManager},
    http::{HttpBuilder, HttpError},
    model::channel::Nonce,
};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_tungstenite::tungstenite;
use wire::{Discord, Elsewhere, Fault, Id, Outcome, Say, mention, permission};

const TOKEN: &str = "MTIzNDU2Nzg5MDEyMzQ1Njc4.wire.token-of-the-simulated-bot";
const PATIENCE: Duration = Duration::from_secs(30);

struct Handler(mpsc::UnboundedSender<Event>);

#[async_trait]
impl RawEventHandler for Handler {
    async fn raw_event(&self, _: Context, event: Event) {
        // Nobody listens to the events of a test that has ended.
        let _ = self.0.send(event);
    }
}

/// A bot that is online.
struct Running {
    events: mpsc::UnboundedReceiver<Event>,
    /// Events that nobody asked for yet: the library gives each to a task of its own, so they come in any order.
    passed: Vec<Event>,
    manager: Arc<ShardManager>,
    http: Arc<Http>,
    task: JoinHandle<serenity::Result<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn http(discord: &Discord) -> Http {
    HttpBuilder::new(TOKEN).proxy(discord.url()).ratelimiter_disabled(true).build()
}

async fn connect(discord: &Discord, intents: GatewayIntents) -> Running {
    let (sender, events) = mpsc::unbounded_channel();
    let builder = serenity::client::ClientBuilder::new_with_http(http(discord), intents);
    let mut client: Client = builder.raw_event_handler(Handler(sender)).await.unwrap();
    let (manager, http) = (Arc::clone(&client.shard_manager), Arc::clone(&client.http));
    let task = tokio::spawn(async move { client.start().await });
    Running { events, passed: Vec::new(), manager, http, task }
}

impl Running {
    /// The next event that fits.
    async fn next<T>(&mut self, fits: impl Fn(Event) -> Option<T>) -> T {
        let mut earlier = self.passed.iter().enumerate();
        if let Some((at, found)) = earlier.find_map(|(at, it)| Some((at, fits(it.clone())?))) {
            self.passed.remove(at);
            return found;
        }
        let search = async {
            loop {
                let event = self.events.recv().await.expect("the client has ended");
                if let Some(found) = fits(event.clone()) {
                    return found;
                }
                self.passed.push(event);
            }
        };
        timeout(PATIENCE, search).await.expect("the event does not come")
    }

    async fn message(&mut self) -> serenity::all::Message {
        self.next(|event| match event {
            Event::MessageCreate(it) => Some(it.message),
            _ => None,
        })
        .await
    }

    async fn command(&mut self) -> CommandInteraction {
        self.next(|event| match event {
            Event::InteractionCreate(it) => it.interaction.into_command(),
            _ => None,
        })
        .await
    }
}

/// A server with a guild, a channel and a person.
struct House {
    discord: Discord,
    bot: Id,
    guild: Id,
    channel: Id,
    robin: Id,
}

async fn house() -> House {
    let discord = Discord::start().await;
    let bot = discord.bot(TOKEN, "wire");
    let guild = discord.guild("house");
    let channel = discord.channel(guild, "kitchen");
    let robin = discord.user("Robin");
    House { discord, bot, guild, channel, robin }
}

async fn online() -> (House, Running) {
    let house = house().await;
    let mut running = connect(&house.discord, GatewayIntents::all()).await;
    running.next(|event| matches!(event, Event::GuildCreate(_)).then_some(())).await;
    (house, running)
}

/// Discord's error code, and the status.
fn refusal<T: std::fmt::Debug>(result: serenity::Result<T>) -> (u16, isize) {
    match result.unwrap_err() {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(it)) => (it.status_code.as_u16(), it.error.code),
        other => panic!("{other:?}"),
    }
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// A gateway connection without the library.
async fn identify(discord: &Discord, query: &str, more: Value) -> Socket {
    let url = http(discord).get_gateway().await.unwrap().url;
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("{url}{query}")).await.unwrap();
    let mut body = more;
    if body["token"].is_null() {
        body["token"] = json!(TOKEN);
    }
    body["properties"] = json!({});
    let payload = json!({ "op": 2, "d": body });
    socket.send(tungstenite::Message::text(payload.to_string())).await.unwrap();
    socket
}
