//! `dramatis run`: every platform that has a token, or the console.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::chat;
use crate::{
    app::App,
    config::{Settings, TelegramAccount},
    platform::telegram::{Handles, Telegram, TelegramSettings},
};

pub(super) async fn run(settings: Settings, arguments: chat::Arguments) -> anyhow::Result<ExitCode> {
    let Some(account) = settings.telegram.clone() else { return chat::run(settings, arguments).await };
    let app = App::start(settings).await?;
    chat::explain(&app);
    let talked = talk(&app, account).await;
    app.stop().await;
    talked.map(|()| ExitCode::SUCCESS)
}

async fn talk(app: &App, account: TelegramAccount) -> anyhow::Result<()> {
    let character = app.settings.character.clone();
    if app.cast.get(&character).is_none() {
        anyhow::bail!(
            "there is no character `{character}` to talk on Telegram; set CHARACTER to one of the cast"
        );
    }
    let handles = Handles {
        conversations: app.conversations.clone(),
        cast: app.cast.clone(),
        relationships: app.relationships.clone(),
        clock: app.clock.clone(),
    };
    let settings = TelegramSettings { token: account.token, api_url: account.api_url, character };
    let telegram = Telegram::new(settings, handles)?;
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut talking = std::pin::pin!(telegram.run(stop.clone()));
    eprintln!("Telegram: starting; SIGTERM or Ctrl-C stops");
    tokio::select! {
        ended = &mut talking => return Ok(ended?),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    eprintln!("stopping: no new turns; those under way end first");
    stop.cancel();
    Ok(talking.await?)
}
