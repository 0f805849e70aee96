//! `dramatis migrate`.

use std::process::ExitCode;

use crate::{config::Settings, store::Database};

pub(super) async fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let database = Database::open(&settings.database).await?;
    let version = database.schema_version().await?;
    say!("{}: up to date (schema version {version})", settings.database.describe());
    database.close().await;
    Ok(ExitCode::SUCCESS)
}
