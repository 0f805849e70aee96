//! A database that is open: a pool of readers, a writer, and migrations that have run.

use std::{fmt::Write, path::Path, str::FromStr, time::Duration};

use secrecy::ExposeSecret;
use sqlx::{
    Any, AnyConnection, AnyPool, Connection, Executor, Transaction,
    any::{AnyConnectOptions, AnyPoolOptions},
    migrate::{MigrateError, Migrator},
};

use super::{Location, ffi, vector};

/// A write transaction on either engine.
pub type Tx = Transaction<'static, Any>;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Readers that may work side by side.
const READERS: u32 = 4;
/// The pause before migrations are tried again.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a statement waits for a lock or a free connection before it fails.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a server that let nobody in has to say why.
const REFUSAL: Duration = Duration::from_secs(5);

/// Which engine is underneath. SQL is the same on both but for words, vectors and row locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, in one file.
    Sqlite,
    /// A Postgres server.
    Postgres,
}

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The place cannot be opened.
    #[error("cannot open the database ({place}): {source}. {remedy}")]
    Open {
        /// The database, without secrets.
        place: String,
        /// What the engine said.
        source: sqlx::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// The directory of the file cannot be made.
    #[error("cannot make the directory {path}: {source}. Set DATA_DIR to a directory that can be written")]
    Directory {
        /// The directory.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A migration failed.
    #[error("cannot bring the database ({place}) up to date: {source}. {remedy}")]
    Migrate {
        /// The database, without secrets.
        place: String,
        /// What the migrator said.
        source: MigrateError,
        /// What to do.
        remedy: &'static str,
    },
    /// A statement failed.
    #[error("the database failed: {0}")]
    Sql(#[from] sqlx::Error),
    /// A stored value is not what its type allows.
    #[error("the database holds a value that cannot be read: {0}")]
    Corrupt(String),
}

/// An open database. Cloning shares the pools.
#[derive(Debug, Clone)]
pub struct Database {
    engine: Engine,
    readers: AnyPool,
    writer: AnyPool,
    vectors: bool,
}

impl Database {
    /// Opens the database, makes it when it is not there, and runs the migrations that are missing.
    ///
    /// # Errors
    /// [`StoreError`] says what failed, where, and what to do.
    pub async fn open(location: &Location) -> Result<Self, StoreError> {
        let database = Self::connect(location).await?;
        database.migrate(location).await
    }

    async fn connect(location: &Location) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        match location {
            Location::Sqlite(path) => Self::connect_sqlite(location, path).await,
            Location::Postgres(address) => {
                let remedy = "Check DATABASE_URL, and that the server runs and lets this user in";
                let failed = |source| StoreError::Open { place: location.describe(), source, remedy };
                let options = AnyConnectOptions::from_str(address.expose_secret()).map_err(failed)?;
                let pool = AnyPoolOptions::new()
                    .max_connections(READERS)
                    .acquire_timeout(PATIENCE)
                    .connect_with(options.clone())
                    .await;
                let pool = match pool {
                    // A pool says only that it waited: ask once more for the reason.
                    Err(sqlx::Error::PoolTimedOut) => {
                        return Err(failed(Self::refusal(&options).await));
                    }
                    pool => pool.map_err(failed)?,
                };
                Ok(Self { engine: Engine::Postgres, readers: pool.clone(), writer: pool, vectors: false })
            }
        }
    }

    /// Why there is no connection.
    async fn refusal(options: &AnyConnectOptions) -> sqlx::Error {
        match tokio::time::timeout(REFUSAL, AnyConnection::connect_with(options)).await {
            Ok(Err(reason)) => reason,
            Ok(Ok(_)) | Err(_) => sqlx::Error::PoolTimedOut,
        }
    }

    async fn connect_sqlite(location: &Location, path: &Path) -> Result<Self, StoreError> {
        ffi::register_sqlite_vec();
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            std::fs::create_dir_all(dir)
                .map_err(|source| StoreError::Directory { path: dir.display().to_string(), source })?;
        }
        let remedy = "Check that DATA_DIR can be written and that the file is a Dramatis database";
        let failed = |source| StoreError::Open { place: location.describe(), source, remedy };
        let absolute = std::path::absolute(path).map_err(|error| failed(error.into()))?;
        make_private(&absolute).map_err(|error| failed(error.into()))?;
        let address = sqlite_address(&absolute);
        let options = AnyConnectOptions::from_str(&address).map_err(failed)?;
        // WAL keeps every commit through a crash of the process; `synchronous = NORMAL` may lose the last commits to a
        // loss of power, never the file. `secure_delete`: what somebody had forgotten is overwritten, not only let go.
        // `cache_size`, in KiB a connection: the system's own cache is as fast (`dramatis bench platforms`), and what is mapped or
        // cached here would grow with the database.
        let pool = |connections: u32| {
            AnyPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(PATIENCE)
                // A file does not go away: no asking before each statement, no closing after quiet minutes.
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None)
                .after_connect(|connection, _| {
                    Box::pin(async move {
                        connection
                            .execute(
                                "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
                                 PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; \
                                 PRAGMA temp_store = MEMORY; PRAGMA cache_size = -128; \
                                 PRAGMA wal_autocheckpoint = 16384; PRAGMA secure_delete = ON;",
                            )
                            .await
                            .map(drop)
                    })
                })
                .connect_lazy_with(options.clone())
        };
        // A pool would try again and again to open a file that is no database.
        let mut probe = AnyConnection::connect_with(&options).await.map_err(failed)?;
        probe
            .execute("PRAGMA busy_timeout = 10000; SELECT count(*) FROM sqlite_master")
            .await
            .map_err(failed)?;
        probe.close().await.map_err(failed)?;
        Ok(Self { engine: Engine::Sqlite, readers: pool(READERS), writer: pool(1), vectors: true })
    }

    async fn migrate(mut self, location: &Location) -> Result<Self, StoreError> {
        let migrator = match self.engine {
            Engine::Sqlite => &SQLITE,
            Engine::Postgres => &POSTGRES,
        };
        let mut done = migrator.run(&self.writer).await;
        if done.is_err() {
            // Two first starts at once: the other one may have been quicker.
            tokio::time::sleep(AGAIN).await;
            done = migrator.run(&self.writer).await;
        }
        done.map_err(|source| {
            let remedy = match source {
                MigrateError::VersionMissing(_) => {
                    "It was written by a newer Dramatis: use that one, or another database"
                }
                _ => "Look at the message above; nothing was changed by the step that failed",
            };
            StoreError::Migrate { place: location.describe(), source, remedy }
        })?;
        if self.engine == Engine::Postgres {
            self.vectors = vector::prepare_postgres(&self.writer).await?;
        }
        Ok(self)
    }

    /// Which engine is underneath.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// True when the engine can compare vectors. Postgres without pgvector cannot, and recall then works by words.
    #[must_use]
    pub fn has_vectors(&self) -> bool {
        self.vectors
    }

    /// For reading.
    #[must_use]
    pub fn readers(&self) -> &AnyPool {
        &self.readers
    }

    /// For a write that is one statement.
    #[must_use]
    pub fn writer(&self) -> &AnyPool {
        &self.writer
    }

    /// Begins a write transaction (`BEGIN IMMEDIATE` on SQLite, so that it never fails half way for want of the lock).
    ///
    /// # Errors
    /// [`StoreError::Sql`] when no connection can be had.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let transaction = match self.engine {
            Engine::Sqlite => self.writer.begin_with("BEGIN IMMEDIATE").await,
            Engine::Postgres => self.writer.begin().await,
        };
        transaction.map_err(StoreError::from)
    }

    /// Makes other transactions that name the same `what` wait until this one ends, on every process. On SQLite a write
    /// transaction is alone anyway.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub async fn lock(&self, tx: &mut Tx, what: &str) -> Result<(), StoreError> {
        if self.engine == Engine::Postgres {
            sqlx::query("SELECT CAST(pg_advisory_xact_lock(hashtextextended($1, 0)) AS TEXT)")
                .bind(what.to_owned())
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    /// The newest migration that has run.
    ///
    /// # Errors
    /// [`StoreError::Sql`] when the table of migrations cannot be read.
    pub async fn schema_version(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&self.readers).await?)
    }

    /// Moves what SQLite's log holds into the file, as far as nobody is in the way. A commit would do it only every 64 MB,
    /// so that no turn waits for the disk; call this from time to time. Does nothing on Postgres.
    ///
    /// # Errors
    /// [`StoreError::Sql`] when the file cannot be written.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        if self.engine == Engine::Sqlite {
            sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&self.readers).await?;
        }
        Ok(())
    }

    /// Waits for what is under way and closes.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn sqlite_address(path: &Path) -> String {
    let mut address = String::from("sqlite://");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(byte) {
            address.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(address, "%{byte:02X}");
        }
    }
    address.push_str("?mode=rwc");
    address
}

/// A file that is new is its owner's alone, wherever it lies: it holds what people said in private. SQLite gives its log the
/// rights of the file.
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_is_not_there_is_named_as_the_reason() {
        sqlx::any::install_default_drivers();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let options = AnyConnectOptions::from_str(&format!("postgres://u:p@127.0.0.1:{port}/x")).unwrap();
        let reason = Database::refusal(&options).await.to_string();
        assert!(reason.to_lowercase().contains("refused"), "{reason}");
    }
}
