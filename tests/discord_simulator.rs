//! The simulated Discord, held against the client library that the adapter uses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "wire/discord/mod.rs"]
mod wire;

use std::{sync::Arc, time::Duration};

use flate2::{Decompress, FlushDecompress};
use futures::{SinkExt, StreamExt};
use rstest::rstest;
use serde_json::{Value, json};
use serenity::{
    all::{
        ButtonStyle, ChannelId, Client, Command, CommandInteraction, CommandOptionType, Context,
        CreateActionRow, CreateAutocompleteResponse, CreateButton, CreateCommand, CreateCommandOption,
        CreateInputText, CreateInteractionResponse, CreateInteractionResponseFollowup,
        CreateInteractionResponseMessage, CreateMessage, CreateModal, CreateWebhook, EditMessage,
        EditWebhookMessage, Event, ExecuteWebhook, GatewayIntents, GetMessages, Http, InputTextStyle,
        Interaction, MessageId, RawEventHandler, ReactionType,
    },
    async_trait,
    gateway::{GatewayError, ShardManager},
    http::{HttpBuilder, HttpError},
    model::channel::Nonce,
};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_tungstenite::tungstenite;
use wire::{Discord, Fault, Id, Outcome, Say, mention, permission};

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

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_both_ways() {
    let (House { discord, bot, channel, robin, .. }, mut running) = online().await;
    let said = discord.say(robin, channel, &format!("{} hello", mention(bot)));
    let heard = running.message().await;
    assert_eq!((heard.id.get(), heard.mentions.len(), heard.guild_id.is_some()), (said, 1, true));
    let place = ChannelId::new(channel);
    place.broadcast_typing(&running.http).await.unwrap();
    let answer = CreateMessage::new().content("  hi there ").reference_message(&heard);
    let mut sent = place.send_message(&running.http, answer).await.unwrap();
    sent.edit(&running.http, EditMessage::new().content("hi, Robin")).await.unwrap();
    let seen = discord.message(sent.id.get());
    assert_eq!((seen.text.as_str(), seen.reply_to, seen.edits.len()), ("hi, Robin", Some(said), 1));
    assert_eq!(discord.typing(channel).len(), 1);
    assert_eq!(seen.pings, [robin]);
    sent.react(&running.http, ReactionType::Unicode("👍".to_owned())).await.unwrap();
    discord.react(robin, sent.id.get(), "❤️");
    let by_robin = |event| match event {
        Event::ReactionAdd(it) if it.reaction.user_id.is_some_and(|it| it.get() == robin) => {
            Some(it.reaction)
        }
        _ => None,
    };
    let reaction = running.next(by_robin).await;
    assert_eq!(reaction.message_author_id.unwrap().get(), bot);
    assert_eq!(discord.message(sent.id.get()).reactions[0], ("👍".to_owned(), vec![bot]));
    sent.delete(&running.http).await.unwrap();
    assert!(discord.message(sent.id.get()).deleted && discord.shown(channel).is_empty());
    discord.edit(robin, said, "never mind");
    let edited = running.next(|event| match event {
        Event::MessageUpdate(it) if it.id.get() == said => it.content,
        _ => None,
    });
    assert_eq!(edited.await, "never mind");
    discord.delete(said);
    let deleted = running.next(|event| match event {
        Event::MessageDelete(it) if it.message_id.get() == said => Some(it.channel_id.get()),
        _ => None,
    });
    assert_eq!(deleted.await, channel);
    assert!(discord.journal().iter().all(|it| discord.url().ends_with(&it.host)));
}

#[tokio::test(flavor = "multi_thread")]
async fn private_talks_threads_posts_and_what_is_attached_arrive() {
    let (House { discord, bot, guild, channel, robin }, mut running) = online().await;
    let dm = discord.dm(robin, bot);
    discord.say(robin, dm, "psst");
    assert!(running.message().await.guild_id.is_none());
    let more = Say {
        attachments: vec![("cat.png".to_owned(), "image/png".to_owned(), 7)],
        stickers: vec!["wave".to_owned()],
        ..Say::default()
    };
    let shown = discord.say_with(robin, channel, "look", &more);
    let heard = running.message().await;
    assert_eq!((heard.attachments[0].filename.as_str(), heard.sticker_items.len()), ("cat.png", 1));
    assert!(heard.attachments[0].url.starts_with(&discord.url()));
    discord.say_with(robin, channel, "", &Say::forward(shown));
    assert_eq!(running.message().await.message_snapshots[0].content, "look");
    discord.reply(robin, shown, "and this");
    assert_eq!(running.message().await.referenced_message.unwrap().content, "look");
    let thread = discord.thread_at(robin, shown, "cats");
    assert_eq!(thread, shown);
    let forum = discord.forum(guild, "questions");
    let post = discord.post(robin, forum, "why?", "because");
    let opened = running.next(|event| match event {
        Event::ThreadCreate(it) if it.thread.id.get() == post => Some(it.thread),
        _ => None,
    });
    assert_eq!(opened.await.parent_id.unwrap().get(), forum);
    let first = running.next(|event| match event {
        Event::MessageCreate(it) if it.message.content == "because" => Some(it.message),
        _ => None,
    });
    assert_eq!(first.await.id.get(), post);
    ChannelId::new(post).say(&running.http, "indeed").await.unwrap();
    assert_eq!(discord.shown(post)[0].text, "indeed");
    assert_eq!(refusal(ChannelId::new(forum).say(&running.http, "x").await), (400, 50_008));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_connection_is_resumed_and_nothing_is_lost() {
    let (House { discord, channel, robin, .. }, mut running) = online().await;
    for (round, fault) in ["drop", "close", "reconnect", "invalid"].into_iter().enumerate() {
        match fault {
            "drop" => discord.drop_connections(),
            "close" => discord.close_with(4000),
            "reconnect" => discord.reconnect(),
            _ => discord.invalid_session(true),
        }
        discord.say(robin, channel, fault);
        assert_eq!(running.message().await.content, fault);
        let resumes = round as u64 + 1;
        discord.until("a resume", |it| it.resumes() == resumes && it.online() == 1).await;
    }
    discord.say(robin, channel, "once");
    assert_eq!(running.message().await.content, "once");
    assert_eq!(discord.identifies(), 1);
}

#[rstest]
#[case::invalid_session("invalid")]
#[case::session_timed_out("4009")]
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_session_is_begun_again_and_misses_what_was_said(#[case] fault: &str) {
    let (House { discord, channel, robin, .. }, mut running) = online().await;
    match fault {
        "invalid" => discord.invalid_session(false),
        _ => discord.close_with(4009),
    }
    discord.until("the connection's end", |it| it.online() == 0).await;
    let missed = discord.say(robin, channel, "anybody?");
    discord.until("a new session", |it| it.identifies() == 2 && it.online() == 1).await;
    discord.say(robin, channel, "at last");
    assert_eq!(running.message().await.content, "at last");
    let history =
        ChannelId::new(channel).messages(&running.http, GetMessages::new().after(MessageId::new(1)));
    let history: Vec<u64> = history.await.unwrap().iter().map(|it| it.id.get()).collect();
    assert_eq!(history[1], missed);
}

#[tokio::test(flavor = "multi_thread")]
async fn unacknowledged_heartbeats_end_a_connection() {
    let House { discord, channel, robin, .. } = house().await;
    discord.heartbeat_interval(Duration::from_millis(600));
    discord.no_acks(true);
    let mut running = connect(&discord, GatewayIntents::all()).await;
    discord.until("a new session", |it| it.identifies() == 2).await;
    discord.no_acks(false);
    discord.say(robin, channel, "at last");
    assert_eq!(running.message().await.content, "at last");
}

#[rstest]
#[case::wrong_token("revoked", GatewayError::InvalidAuthentication)]
#[case::privileged_intent("intent", GatewayError::DisallowedGatewayIntents)]
#[case::closed_4013("4013", GatewayError::InvalidGatewayIntents)]
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_mended_ends_the_client(#[case] cause: &str, #[case] error: GatewayError) {
    let House { discord, bot, .. } = house().await;
    if cause == "intent" {
        discord.grant_intents(bot, 0);
    }
    let mut running = connect(&discord, GatewayIntents::all()).await;
    match cause {
        "revoked" => {
            discord.until_online(1).await;
            discord.revoke(bot);
            discord.close_with(4004);
        }
        "4013" => {
            discord.until_online(1).await;
            discord.close_with(4013);
        }
        _ => {}
    }
    let ended = timeout(PATIENCE, &mut running.task).await.unwrap().unwrap();
    let Err(serenity::Error::Gateway(found)) = ended else { panic!("{ended:?}") };
    assert_eq!(format!("{found:?}"), format!("{error:?}"));
    if cause == "revoked" {
        assert_eq!(refusal(running.http.get_current_user().await), (401, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_intent_content_is_told_only_to_whom_it_concerns() {
    let House { discord, bot, channel, robin, .. } = house().await;
    discord.grant_intents(bot, 0);
    let intents = GatewayIntents::non_privileged();
    let mut running = connect(&discord, intents).await;
    discord.until_online(1).await;
    discord.say(robin, channel, "a secret");
    discord.say(robin, channel, &format!("{} a word", mention(bot)));
    discord.say(robin, discord.dm(robin, bot), "in private");
    ChannelId::new(channel).say(&running.http, "my own").await.unwrap();
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(running.message().await.content);
    }
    heard.sort();
    let mut expected =
        [String::new(), format!("{} a word", mention(bot)), "in private".into(), "my own".into()];
    expected.sort();
    assert_eq!(heard, expected);
    assert_eq!(discord.sessions()[0].1, intents.bits());
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_meet_faults_and_limits() {
    let House { discord, bot, channel, .. } = house().await;
    let (client, place) = (http(&discord), ChannelId::new(channel));
    discord.fail("POST", "/messages$", 1, Fault::RateLimited { retry_after: 1.5, global: false });
    assert_eq!(refusal(place.say(&client, "a").await).0, 429);
    discord.fail("POST", "/messages$", 1, Fault::Status(502));
    assert_eq!(refusal(place.say(&client, "b").await).0, 502);
    discord.fail("POST", "/messages$", 1, Fault::Reset);
    assert!(matches!(place.say(&client, "c").await, Err(serenity::Error::Http(HttpError::Request(_)))));
    assert!(discord.seen(channel).is_empty());
    let again =
        || CreateMessage::new().content("d").nonce(Nonce::String("n-1".to_owned())).enforce_nonce(true);
    discord.fail("POST", "/messages$", 1, Fault::DoneButSilent);
    place.send_message(&client, again()).await.unwrap_err();
    let sent = place.send_message(&client, again()).await.unwrap();
    assert_eq!(discord.seen(channel).len(), 1);
    assert_eq!(discord.creations(), [("n-1".to_owned(), 1)]);
    sent.delete(&client).await.unwrap();
    assert_eq!(refusal(place.send_message(&client, again()).await), (404, 10_008));
    let gate = discord.gate("POST", "/messages$");
    let (held, there) = (http(&discord), place);
    let waiting = tokio::spawn(async move { there.say(&held, "e").await });
    discord.until("a request at the gate", |_| gate.arrived() == 1).await;
    assert_eq!(discord.shown(channel).len(), 0);
    gate.open();
    waiting.await.unwrap().unwrap();
    let long = json!({ "content": "x".repeat(2_001) });
    assert_eq!(refusal(client.send_message(place, vec![], &long).await), (400, 50_035));
    assert_eq!(refusal(place.say(&client, "  ").await), (400, 50_006));
    discord.deny(bot, channel, permission::SEND_MESSAGES);
    assert_eq!(refusal(place.say(&client, "f").await), (403, 50_013));
    discord.allow(bot, channel);
    discord.limits(true);
    discord.limit("message-create", 2, Duration::from_secs(60));
    let other = ChannelId::new(discord.dm(discord.user("Kim"), bot));
    for _ in 0..2 {
        other.say(&client, "g").await.unwrap();
    }
    assert_eq!(refusal(other.say(&client, "h").await).0, 429);
    let last = discord.journal().pop().unwrap();
    assert_eq!((last.status, last.bot), (Some(429), Some(bot)));
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_checked_and_answered() {
    let (House { discord, bot, channel, robin, .. }, mut running) = online().await;
    let wrong = CreateCommand::new("Remember This").description("x");
    assert_eq!(refusal(Command::set_global_commands(&running.http, vec![wrong]).await), (400, 50_035));
    let text = CreateCommandOption::new(CommandOptionType::String, "text", "what").required(true);
    let topic = CreateCommandOption::new(CommandOptionType::String, "topic", "of").set_autocomplete(true);
    let whole = || {
        let what = CreateCommand::new("remember").description("Keeps something in mind");
        what.name_localized("de", "merken").add_option(text.clone()).add_option(topic.clone())
    };
    let first = Command::set_global_commands(&running.http, vec![whole()]).await.unwrap();
    let second = Command::set_global_commands(&running.http, vec![whole()]).await.unwrap();
    assert_eq!((first[0].id, discord.registrations(bot)), (second[0].id, 2));

    let used = discord.slash(robin, channel, "remember", &[("text", json!("the milk"))]);
    let asked = running.command().await;
    assert_eq!((asked.data.options[0].value.as_str(), asked.user.id.get()), (Some("the milk"), robin));
    let reply = CreateInteractionResponseMessage::new().content("noted").ephemeral(true);
    asked.create_response(&running.http, CreateInteractionResponse::Message(reply.clone())).await.unwrap();
    let answer = discord.answered(used).await;
    assert_eq!((answer.text(), answer.ephemeral(), answer.kind), ("noted", true, Some(4)));
    assert!(discord.shown(channel).is_empty() && discord.whispered(channel, robin).len() == 1);
    let twice = asked.create_response(&running.http, CreateInteractionResponse::Message(reply)).await;
    assert_eq!(refusal(twice), (400, 40_060));

    let typed = discord.autocomplete(robin, channel, "remember", ("topic", "ca"), &[]);
    let asked = running.next(|event| match event {
        Event::InteractionCreate(it) => it.interaction.into_autocomplete(),
        _ => None,
    });
    let asked = asked.await;
    assert_eq!(asked.data.autocomplete().unwrap().value, "ca");
    let choices = CreateAutocompleteResponse::new().add_string_choice("cats", "cats");
    asked.create_response(&running.http, CreateInteractionResponse::Autocomplete(choices)).await.unwrap();
    assert_eq!(discord.answered(typed).await.choices, [("cats".to_owned(), json!("cats"))]);

    let used = discord.slash(robin, channel, "remember", &[("text", json!("slowly"))]);
    let asked = running.command().await;
    asked.defer(&running.http).await.unwrap();
    assert!(discord.answer(used).message.unwrap().thinking());
    let text = CreateInteractionResponseFollowup::new().content("done");
    asked.create_followup(&running.http, text.clone()).await.unwrap();
    asked.create_followup(&running.http, text.content("and more")).await.unwrap();
    let answer = discord.answered(used).await;
    assert_eq!((answer.text(), answer.followups.len()), ("done", 1));

    discord.interaction_patience(Duration::ZERO);
    let used = discord.slash(robin, channel, "remember", &[("text", json!("late"))]);
    let asked = running.command().await;
    assert_eq!(refusal(asked.defer(&running.http).await), (404, 10_062));
    assert_eq!(discord.answered(used).await.outcome, Outcome::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn buttons_and_forms_work() {
    let (House { discord, channel, robin, .. }, mut running) = online().await;
    let menu = CreateCommand::new("Why did you say this?").kind(serenity::all::CommandType::Message);
    Command::set_global_commands(&running.http, vec![menu]).await.unwrap();
    let button = CreateButton::new("forget:1").label("Forget").style(ButtonStyle::Danger);
    let message =
        CreateMessage::new().content("sure?").components(vec![CreateActionRow::Buttons(vec![button])]);
    let asked = ChannelId::new(channel).send_message(&running.http, message).await.unwrap();

    let explained = discord.context_menu(robin, asked.id.get(), "Why did you say this?");
    let command = running.command().await;
    assert_eq!(command.data.resolved.messages.values().next().unwrap().content, "sure?");
    command.defer_ephemeral(&running.http).await.unwrap();
    assert!(discord.answer(explained).ephemeral());

    let pressed = discord.press(robin, asked.id.get(), "forget:1");
    let press = running.next(|event| match event {
        Event::InteractionCreate(it) => it.interaction.into_message_component(),
        _ => None,
    });
    let press = press.await;
    assert_eq!((press.data.custom_id.as_str(), press.message.id), ("forget:1", asked.id));
    let input = CreateInputText::new(InputTextStyle::Short, "Why?", "why");
    let form = CreateModal::new("form", "Forget").components(vec![CreateActionRow::InputText(input)]);
    press.create_response(&running.http, CreateInteractionResponse::Modal(form)).await.unwrap();
    let sent = discord.submit_modal(pressed, &[("why", "old")]);
    let form = running.next(|event| match event {
        Event::InteractionCreate(it) => match it.interaction {
            Interaction::Modal(it) => Some(it),
            _ => None,
        },
        _ => None,
    });
    let form = form.await;
    assert_eq!(
        serde_json::to_value(&form.data.components).unwrap()[0]["components"][0]["value"],
        json!("old")
    );
    let update = CreateInteractionResponseMessage::new().content("forgotten").components(vec![]);
    form.create_response(&running.http, CreateInteractionResponse::UpdateMessage(update)).await.unwrap();
    assert_eq!(discord.answered(sent).await.kind, Some(7));
    let seen = discord.message(asked.id.get());
    assert_eq!((seen.text.as_str(), seen.components), ("forgotten", json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_wear_faces() {
    let (House { discord, bot, guild, channel, robin }, mut running) = online().await;
    let place = ChannelId::new(channel);
    let hook = place.create_webhook(&running.http, CreateWebhook::new("cast")).await.unwrap();
    let listed = &place.webhooks(&running.http).await.unwrap()[0];
    assert_eq!((listed.id, listed.token.is_some()), (hook.id, true));
    let speak = |text: &str| {
        let url = format!("{}/elena.png", discord.url());
        ExecuteWebhook::new().content(text).username("Elena").avatar_url(url)
    };
    let said = hook.execute(&running.http, true, speak("the tide")).await.unwrap().unwrap();
    let heard = running.message().await;
    assert_eq!((heard.webhook_id, heard.author.name.as_str()), (Some(hook.id), "Elena"));
    let change = EditWebhookMessage::new().content("the tide is out");
    hook.edit_message(&running.http, said.id, change).await.unwrap();
    let seen = &discord.shown(channel)[0];
    assert_eq!(
        (seen.name.as_str(), seen.text.as_str(), seen.webhook),
        ("Elena", "the tide is out", Some(hook.id.get()))
    );
    discord.react(robin, said.id.get(), "👍");
    let reaction = running.next(|event| match event {
        Event::ReactionAdd(it) => Some(it.reaction),
        _ => None,
    });
    assert_eq!(reaction.await.message_id, said.id);
    let thread = discord.thread(channel, "tides");
    hook.execute(&running.http, false, speak("here").in_thread(ChannelId::new(thread))).await.unwrap();
    assert_eq!(discord.shown(thread)[0].name, "Elena");
    hook.delete_message(&running.http, None, said.id).await.unwrap();
    assert!(discord.shown(channel).iter().all(|it| it.webhook.is_none()));
    discord.deny(bot, guild, permission::MANAGE_WEBHOOKS);
    assert_eq!(refusal(place.create_webhook(&running.http, CreateWebhook::new("more")).await), (403, 50_013));
    assert_eq!(refusal(place.webhooks(&running.http).await), (403, 50_013));
    assert!(running.manager.shards_instantiated().await.len() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_can_be_out_of_reach() {
    let House { discord, bot, .. } = house().await;
    discord.fail_gateway_endpoint(500);
    assert_eq!(refusal(http(&discord).get_gateway().await).0, 500);
    assert_eq!(refusal(http(&discord).get_bot_gateway().await).0, 500);
    discord.heal();
    discord.shards(2);
    let gateway = http(&discord).get_bot_gateway().await.unwrap();
    assert_eq!((gateway.shards, gateway.url.starts_with("ws://127.0.0.1:")), (2, true));
    assert_eq!(http(&discord).get_current_application_info().await.unwrap().id.get(), bot);
}

/// Reads payloads of one zlib stream, as `compress=zlib-stream` asks for.
#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_stream_can_be_read() {
    let House { discord, channel, robin, .. } = house().await;
    let url = http(&discord).get_gateway().await.unwrap().url;
    let (mut socket, _) =
        tokio_tungstenite::connect_async(format!("{url}?v=10&compress=zlib-stream")).await.unwrap();
    let mut inflate = Decompress::new(true);
    let mut read = |bytes: &[u8]| -> Value {
        assert!(bytes.ends_with(&[0, 0, 0xff, 0xff]));
        let mut out = Vec::with_capacity(65_536);
        inflate.decompress_vec(bytes, &mut out, FlushDecompress::Sync).unwrap();
        serde_json::from_slice(&out).unwrap()
    };
    let identify = json!({ "op": 2, "d": { "token": TOKEN, "intents": 1 << 9 | 1 << 15, "properties": {} } });
    socket.send(tungstenite::Message::text(identify.to_string())).await.unwrap();
    let mut names = Vec::new();
    discord.until_online(1).await;
    discord.say(robin, channel, &"long ".repeat(1_000));
    while names.len() < 3 {
        let Some(Ok(tungstenite::Message::Binary(bytes))) = socket.next().await else { panic!() };
        let payload = read(&bytes);
        names.push((payload["op"].as_u64().unwrap(), payload["t"].as_str().unwrap_or_default().to_owned()));
    }
    assert_eq!(names, [(10, String::new()), (0, "READY".to_owned()), (0, "MESSAGE_CREATE".to_owned())]);
    for _ in 0..120 {
        let _ = socket.send(tungstenite::Message::text(json!({ "op": 1, "d": 2 }).to_string())).await;
    }
    let code = loop {
        match socket.next().await {
            Some(Ok(tungstenite::Message::Close(frame))) => break u16::from(frame.unwrap().code),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, 4008);
}
