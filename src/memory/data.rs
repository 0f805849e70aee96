//! Rows as values: the columns that several queries share, and how they are read.

use sqlx::{Row, any::AnyRow};

use crate::{
    model::{Author, CharacterId, Message, MessageStatus, Scope, Timestamp, UserId},
    store::StoreError,
};

/// The columns of [`message`].
pub(super) const MESSAGE: &str =
    "id, character, scope, author, author_name, text, beside, said_at, session, reply_to, status, address";

fn corrupt(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

/// A value that its type can read back from text.
pub(super) fn parsed<T>(row: &AnyRow, column: &str) -> Result<T, StoreError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    row.try_get::<String, _>(column)?.parse().map_err(corrupt)
}

/// A moment.
pub(super) fn moment(row: &AnyRow, column: &str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_micros(row.try_get(column)?))
}

/// A person, where the column names one.
pub(super) fn person(row: &AnyRow, column: &str) -> Result<Option<UserId>, StoreError> {
    row.try_get::<Option<String>, _>(column)?.map(|id| UserId::new(id).map_err(corrupt)).transpose()
}

/// Who wrote a message.
pub(super) fn author(row: &AnyRow) -> Result<Author, StoreError> {
    Ok(match person(row, "author")? {
        Some(id) => Author::User { id, name: row.try_get("author_name")? },
        None => Author::Character,
    })
}

/// Where something was said.
pub(super) fn scope(row: &AnyRow) -> Result<Scope, StoreError> {
    Scope::from_key(&row.try_get::<String, _>("scope")?).map_err(corrupt)
}

/// A row of [`MESSAGE`].
pub(super) fn message(row: &AnyRow) -> Result<Message, StoreError> {
    Ok(Message {
        id: parsed(row, "id")?,
        character: parsed::<CharacterId>(row, "character")?,
        scope: scope(row)?,
        author: author(row)?,
        text: row.try_get("text")?,
        beside: row
            .try_get::<Option<String>, _>("beside")?
            .map_or_else(|| Ok(Vec::new()), |beside| serde_json::from_str(&beside).map_err(corrupt))?,
        at: moment(row, "said_at")?,
        session: parsed(row, "session")?,
        reply_to: row
            .try_get::<Option<String>, _>("reply_to")?
            .map(|id| id.parse().map_err(corrupt))
            .transpose()?,
        status: match row.try_get::<String, _>("status")?.as_str() {
            "pending" => MessageStatus::Pending,
            "answered" => MessageStatus::Answered,
            "failed" => MessageStatus::Failed,
            "unsent" => MessageStatus::Unsent,
            other => return Err(corrupt(format!("`{other}` is not the status of a message"))),
        },
        address: row.try_get("address")?,
    })
}
