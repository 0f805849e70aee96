//! `dramatis memory search | show | stats`.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;

use crate::{
    app,
    config::Settings,
    memory::{Memory, RecallQuery},
    model::{CharacterId, Clock, Place, SystemClock, UserId, Viewer},
    store::Database,
};

/// Whose eyes memory is seen through: nothing is shown that this person is not entitled to in this place.
#[derive(Debug, clap::Args)]
pub(super) struct Eyes {
    /// The character that remembers [default: CHARACTER, else elena]
    #[arg(long, value_name = "ID")]
    character: Option<CharacterId>,
    /// The person, as given to `chat --user`, or with a platform: `discord:1234` [default: the user of a plain `chat`]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The place: `dm`, `SERVER/CHANNEL` or `SERVER/CHANNEL/THREAD`
    #[arg(long, value_name = "PLACE", default_value = "dm")]
    place: Place,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Searches as recall does, and prints what would come up, best first
    Search {
        /// What to look for
        query: String,
        #[command(flatten)]
        eyes: Eyes,
        /// How many rows
        #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=100))]
        limit: u16,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Shows one memory, message or fact with where it comes from
    Show {
        /// The id, as printed by `search` or in `recalled` events
        id: String,
        #[command(flatten)]
        eyes: Eyes,
    },
    /// Counts what is stored; no words are shown
    Stats {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(settings: Settings, command: Command) -> anyhow::Result<ExitCode> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = Database::open(&settings.database).await?;
    let embeddings = app::embeddings(&settings);
    let memory = Memory::new(database.clone(), embeddings.clone(), clock.clone());
    let done = match command {
        Command::Search { query, eyes, limit, json } => {
            if query.trim().is_empty() {
                anyhow::bail!("write what to look for: dramatis memory search 'my dog'");
            }
            let vector =
                embeddings.embed(vec![query.clone()]).await?.and_then(|vectors| vectors.into_iter().next());
            let query = RecallQuery {
                text: query,
                vector,
                limit: usize::from(limit),
                exclude: Vec::new(),
                now: clock.now(),
            };
            search(&memory, &eyes.viewer(&settings)?, &query, json).await
        }
        Command::Show { id, eyes } => show(&memory, &eyes.viewer(&settings)?, &id).await,
        Command::Stats { json } => stats(&memory, json).await,
    };
    database.close().await;
    done
}

async fn search(
    memory: &Memory,
    viewer: &Viewer,
    query: &RecallQuery,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let items = memory.recall(viewer, query).await?;
    if items.is_empty() && !json {
        say!("nothing on record for {} in {}", viewer.user, viewer.place);
    }
    for item in items {
        if json {
            say!("{}", serde_json::to_string(&item)?);
        } else {
            say!("{:.2}  {}  {}  {}", item.score.get(), item.when, item.id, item.text);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(memory: &Memory, viewer: &Viewer, id: &str) -> anyhow::Result<ExitCode> {
    match memory.show(viewer, id).await? {
        Some(shown) => {
            say!("{}", serde_json::to_string_pretty(&shown)?);
            Ok(ExitCode::SUCCESS)
        }
        None => anyhow::bail!(
            "there is no `{id}` that {} may see in {}; --user and --place say through whose eyes to look",
            viewer.user,
            viewer.place
        ),
    }
}

async fn stats(memory: &Memory, json: bool) -> anyhow::Result<ExitCode> {
    let stats = memory.stats().await?;
    let value = serde_json::to_value(stats)?;
    if json {
        say!("{value}");
    } else if let Some(counts) = value.as_object() {
        for (name, count) in counts {
            say!("{:<26}{count}", name.replace('_', " "));
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Eyes {
    pub(super) fn viewer(&self, settings: &Settings) -> anyhow::Result<Viewer> {
        let user = match self.user.as_deref() {
            Some(user) if user.contains(':') => UserId::new(user),
            Some(user) => UserId::console(user),
            None => UserId::console("local"),
        }
        .context("--user")?;
        let character = self.character.clone().unwrap_or_else(|| settings.character.clone());
        if !settings.characters_dir.join(character.as_str()).is_dir() {
            eprintln!("note: `{character}` is not in the cast; `dramatis characters list` shows who is");
        }
        Ok(Viewer::new(character, user, self.place.clone()))
    }
}
