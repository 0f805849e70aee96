//! `dramatis run`: every platform that has a token and the API, or the console.

use std::{collections::HashSet, process::ExitCode};

use secrecy::ExposeSecret;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::chat;
use crate::{
    app::App,
    config::Settings,
    platform::{
        api::{self, Api, ApiSettings},
        discord::{self, Discord, DiscordSettings},
        telegram::{self, Telegram, TelegramSettings},
    },
};

pub(super) async fn run(settings: Settings, arguments: chat::Arguments) -> anyhow::Result<ExitCode> {
    if settings.telegram.is_none() && settings.discord.is_none() && settings.api.is_none() {
        return Box::pin(chat::run(settings, arguments)).await;
    }
    let app = App::start(settings).await?;
    chat::explain(&app);
    let talked = Box::pin(serve(&app)).await;
    app.stop().await;
    talked.map(|()| ExitCode::SUCCESS)
}

/// Serves until a signal, or until one of them fails; then the others stop in order, too.
async fn serve(app: &App) -> anyhow::Result<()> {
    let telegram = telegram(app)?;
    let discord = discord(app)?;
    let api = api(app).await?;
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let on_telegram = async {
        let ended = match telegram {
            Some(telegram) => Box::pin(telegram.run(stop.clone())).await,
            None => Ok(()),
        };
        ended.inspect_err(|_| stop.cancel()).map_err(anyhow::Error::from)
    };
    let on_discord = async {
        let ended = match discord {
            Some(discord) => discord.run(stop.clone()).await,
            None => Ok(()),
        };
        ended.inspect_err(|_| stop.cancel()).map_err(anyhow::Error::from)
    };
    let on_api = async {
        let ended = match api {
            Some(api) => api.run(stop.clone()).await,
            None => Ok(()),
        };
        ended.inspect_err(|_| stop.cancel()).map_err(anyhow::Error::from)
    };
    let signalled = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stop.cancelled() => return,
        }
        eprintln!("stopping: no new turns; those under way end first");
        stop.cancel();
    };
    let (on_telegram, on_discord, on_api, ()) = tokio::join!(on_telegram, on_discord, on_api, signalled);
    on_telegram.and(on_discord).and(on_api)
}

fn telegram(app: &App) -> anyhow::Result<Option<Telegram>> {
    let Some(account) = app.settings.telegram.clone() else { return Ok(None) };
    let character = app.settings.character.clone();
    if app.cast.get(&character).is_none() {
        anyhow::bail!(
            "there is no character `{character}` to talk on Telegram; set CHARACTER to one of the cast"
        );
    }
    let handles = telegram::Handles {
        conversations: app.conversations.clone(),
        commands: app.commands.clone(),
        cast: app.cast.clone(),
        clock: app.clock.clone(),
    };
    let settings = TelegramSettings {
        token: account.token,
        api_url: account.api_url,
        character,
        webhook: account.webhook.map(|(url, address)| telegram::Webhook { url, address }),
        paced: account.paced,
    };
    eprintln!("Telegram: starting");
    Ok(Some(Telegram::new(settings, handles)?))
}

fn discord(app: &App) -> anyhow::Result<Option<Discord>> {
    let Some(accounts) = app.settings.discord.clone() else { return Ok(None) };
    let character = app.settings.character.clone();
    let unknown =
        accounts.own.iter().map(|(id, _)| id).chain([&character]).find(|id| app.cast.get(id).is_none());
    if let Some(id) = unknown {
        anyhow::bail!(
            "there is no character `{id}` to talk on Discord; `dramatis characters list` shows who could (CHARACTER, \
             DISCORD_TOKEN_<ID>)"
        );
    }
    let mut tokens = HashSet::new();
    let all = accounts.token.iter().chain(accounts.own.iter().map(|(_, token)| token));
    if !all.map(ExposeSecret::expose_secret).all(|token| tokens.insert(token)) {
        anyhow::bail!(
            "the same token stands in DISCORD_TOKEN and a DISCORD_TOKEN_<ID>, or in two of these: each message would be \
             answered twice; give every one its own bot"
        );
    }
    let handles = discord::Handles {
        conversations: app.conversations.clone(),
        cast: app.cast.clone(),
        commands: app.commands.clone(),
        clock: app.clock.clone(),
    };
    let settings = DiscordSettings {
        token: accounts.token,
        own: accounts.own,
        api_url: accounts.api_url,
        personas: accounts.personas,
        character,
    };
    eprintln!("Discord: starting");
    Ok(Some(Discord::new(settings, handles)))
}

async fn api(app: &App) -> anyhow::Result<Option<Api>> {
    let Some((address, keys)) = app.settings.api.clone() else { return Ok(None) };
    let handles = api::Handles {
        conversations: app.conversations.clone(),
        cast: app.cast.clone(),
        memory: app.memory.clone(),
        llm: app.llm.clone(),
        queue: app.queue.clone(),
        clock: app.clock.clone(),
    };
    let api = Api::bind(ApiSettings { address, keys }, handles).await?;
    if let Some(address) = api.address() {
        eprintln!("API: http://{address}/v1");
    }
    Ok(Some(api))
}
