//! Where the data lies.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};

/// A database address, parsed. Its `Debug` and `Display` never show a password.
#[derive(Clone)]
pub enum Location {
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Postgres(SecretString),
}

/// Why a text is not a database address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Neither engine.
    #[error("this is not a database we know: use `sqlite:PATH` or `postgres://USER@HOST/NAME`")]
    Scheme,
    /// `sqlite:` with nothing behind it.
    #[error("`sqlite:` needs a path behind it, for example `sqlite:data/dramatis.db`")]
    NoPath,
    /// A Postgres address that does not parse.
    #[error("the Postgres address cannot be read ({0}): use `postgres://USER:PASSWORD@HOST:PORT/NAME`")]
    Postgres(String),
}

impl Location {
    /// The default: one file in the data directory.
    #[must_use]
    pub fn in_dir(data_dir: &Path) -> Self {
        Self::Sqlite(data_dir.join("dramatis.db"))
    }

    /// Reads `sqlite:PATH` or `postgres://…`.
    ///
    /// # Errors
    /// [`LocationError`] when the text is neither.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(LocationError::NoPath);
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return text
                .parse::<sqlx::postgres::PgConnectOptions>()
                .map(|_| Self::Postgres(SecretString::from(text)))
                .map_err(|error| LocationError::Postgres(error.to_string()));
        }
        // What it is instead may be a password.
        Err(LocationError::Scheme)
    }

    /// The address without user name and password, for people to read.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("SQLite in {}", path.display()),
            Self::Postgres(address) => {
                let address = address.expose_secret();
                let host = address.rsplit_once('@').map_or(address, |(_, host)| host);
                let host = host.split("://").last().unwrap_or_default();
                format!("Postgres at {}", host.split('?').next().unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("sqlite:data/x.db", "SQLite in data/x.db")]
    #[case("sqlite:///var/x.db", "SQLite in /var/x.db")]
    #[case("postgres://bob:hunter2@db:5432/d?sslmode=disable", "Postgres at db:5432/d")]
    fn addresses_are_shown_without_their_secrets(#[case] text: &str, #[case] shown: &str) {
        let location = Location::parse(text).unwrap();
        assert_eq!(location.describe(), shown);
        assert!(!format!("{location:?}").contains("hunter2"));
    }

    #[rstest]
    #[case("mysql://x")]
    #[case("sqlite:")]
    #[case("")]
    fn other_addresses_are_refused(#[case] text: &str) {
        assert!(Location::parse(text).is_err());
    }
}
