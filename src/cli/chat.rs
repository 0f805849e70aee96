//! `dramatis chat`: a talk on the console.

use std::{process::ExitCode, time::Duration};

use anyhow::Context;
use chrono::{DateTime, Utc};

use crate::{
    app::App,
    config::Settings,
    embed::EmbedState,
    llm::Tier,
    model::{CharacterId, Place, Timestamp, UserId},
    platform::console::{Console, Handles, Options},
};

/// How long the end of a talk waits for background work that is due.
const SETTLE: Duration = Duration::from_secs(5);

/// How to talk.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Who answers: the id of a character [default: CHARACTER, else elena]
    #[arg(long, value_name = "ID")]
    character: Option<CharacterId>,
    /// Who you are; people are told apart by it
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Where you talk: `dm`, `SERVER/CHANNEL` or `SERVER/CHANNEL/THREAD`; what is said in one place stays there
    #[arg(long, value_name = "PLACE", default_value = "dm")]
    place: Place,
    /// Says this instead of reading lines; may be given several times
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    message: Vec<String>,
    /// When the talk takes place (RFC 3339), to bring in what was said earlier
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// Prints one event of the turn a line, as JSON
    #[arg(long)]
    json: bool,
}

fn time(text: &str) -> Result<Timestamp, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.with_timezone(&Utc).into())
        .map_err(|error| format!("{error}; write it like 2026-03-01T18:00:00Z"))
}

pub(super) async fn run(settings: Settings, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let user_name = arguments.user.clone().unwrap_or_default();
    if user_name.contains(':') {
        anyhow::bail!("--user: a name on the console has no `:` in it; write `--user robin`");
    }
    let user = UserId::console(arguments.user.as_deref().unwrap_or("local")).context("--user")?;
    let options = Options {
        character: arguments.character.unwrap_or_else(|| settings.character.clone()),
        user,
        user_name: user_name.trim().to_owned(),
        place: arguments.place,
        at: arguments.at,
        messages: arguments.message,
        json: arguments.json,
        history: settings.data_dir.join("console_history"),
    };
    let app = App::start(settings).await?;
    explain(&app);
    let handles = Handles {
        cast: app.cast.clone(),
        conversations: app.conversations.clone(),
        memory: app.memory.clone(),
        commands: app.commands.clone(),
        embeddings: app.embeddings.clone(),
        llm: app.llm.clone(),
    };
    let talked = match Console::new(handles, options) {
        Ok(console) => Box::pin(console.run()).await.map_err(anyhow::Error::from),
        Err(error) => Err(error.into()),
    };
    if !app.settle(SETTLE).await {
        tracing::info!("background work is left for the next start");
    }
    app.stop().await;
    talked.map(|()| ExitCode::SUCCESS)
}

/// Says on standard error what a person should know before they start: broken files, missing models, tiers that fall back.
pub(super) fn explain(app: &App) {
    for (folder, findings) in &app.findings {
        for finding in findings {
            eprintln!("{folder}/{finding}");
        }
    }
    for tier in app.llm.describe() {
        if tier.falls_back_to_main && tier.tier != Tier::Main && !app.llm.is_offline(Tier::Main) {
            eprintln!("note: the {} tier uses the main model ({})", tier.tier.as_str(), tier.model);
        }
    }
    if matches!(app.embeddings.state(), EmbedState::Missing) && app.settings.embedding_model != "none" {
        eprintln!(
            "warning: the embedding model `{}` is not set up, so memory is searched by words only; \
             `dramatis models pull` sets it up",
            app.settings.embedding_model
        );
    }
}
