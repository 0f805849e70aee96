//! The simulated Discord, held against the client library that the adapter uses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "wire/discord/mod.rs"]
mod wire;

use std::sync::Arc;

use serenity::{
    all::{Client, Context, EventHandler, GatewayIntents, Message, Ready},
    async_trait,
    gateway::ShardManager,
    http::HttpBuilder,
};
use tokio::{sync::mpsc, task::JoinHandle};
use wire::Discord;

const TOKEN: &str = "MTIzNDU2Nzg5MDEyMzQ1Njc4.wire.token-of-the-simulated-bot";

#[derive(Debug)]
enum Event {
    Ready(Box<Ready>),
    Message(Box<Message>),
}

struct Handler(mpsc::UnboundedSender<Event>);

#[async_trait]
impl EventHandler for Handler {
    async fn ready(&self, _: Context, ready: Ready) {
        let _ = self.0.send(Event::Ready(Box::new(ready)));
    }

    async fn message(&self, _: Context, message: Message) {
        let _ = self.0.send(Event::Message(Box::new(message)));
    }
}

struct Running {
    events: mpsc::UnboundedReceiver<Event>,
    manager: Arc<ShardManager>,
    task: JoinHandle<serenity::Result<()>>,
}

async fn run(discord: &Discord) -> Running {
    let (sender, events) = mpsc::unbounded_channel();
    let http = HttpBuilder::new(TOKEN).proxy(discord.url()).ratelimiter_disabled(true).build();
    let mut client = serenity::client::ClientBuilder::new_with_http(http, GatewayIntents::all())
        .event_handler(Handler(sender))
        .await
        .unwrap();
    let manager = Arc::clone(&client.shard_manager);
    let task = tokio::spawn(async move { Client::start(&mut client).await });
    Running { events, manager, task }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_online_and_hears() {
    let discord = Discord::start().await;
    let bot = discord.bot(TOKEN, "wire");
    let guild = discord.guild("house");
    let channel = discord.channel(guild, "kitchen");
    let mut running = run(&discord).await;
    let Some(Event::Ready(ready)) = running.events.recv().await else { panic!() };
    assert_eq!(ready.user.id.get(), bot);
    let robin = discord.user("Robin");
    discord.say(robin, channel, "hello");
    let Some(Event::Message(message)) = running.events.recv().await else { panic!() };
    assert_eq!(message.content, "hello");
    running.manager.shutdown_all().await;
    running.task.await.unwrap().unwrap();
}
