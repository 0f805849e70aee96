//! What somebody sees and decides about what is kept of them: the latest, wishes, places that stay apart. Tables
//! `preference` and `privacy_apart`.

use sqlx::Row as _;

use super::{Memory, MemoryError, data, knowledge, visible::Visible};
use crate::model::{Preference, Timestamp, Viewer};

/// Something that somebody said, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The words; of a long message the first part.
    pub text: String,
    /// When it was said.
    pub when: Timestamp,
    /// Whether it was told to be remembered.
    pub on_purpose: bool,
}

/// How much is kept of somebody, as far as a viewer may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds {
    /// Messages of theirs.
    pub messages: i64,
    /// Facts about them that hold.
    pub facts: i64,
    /// Wishes of theirs.
    pub preferences: i64,
}

impl Memory {
    /// What the viewer's user said last and the viewer may read, newest first, `limit` of them behind the first `skip`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recent(&self, viewer: &Viewer, skip: usize, limit: usize) -> Result<Vec<Kept>, MemoryError> {
        let visible = Visible::of(viewer, "m", "author", 2);
        let next = visible.next(2);
        let sql = format!(
            "SELECT m.text, m.said_at, m.kind FROM memory m WHERE m.author = $1 AND m.chunk = 0 AND {} \
             ORDER BY m.said_at DESC, m.seq DESC LIMIT ${next} OFFSET ${}",
            visible.sql,
            next + 1
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(viewer.user.to_string());
        let rows = visible
            .bind(query)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .bind(i64::try_from(skip).unwrap_or(i64::MAX))
            .fetch_all(self.database.readers())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Kept {
                    text: row.try_get("text")?,
                    when: data::moment(row, "said_at")?,
                    on_purpose: row.try_get::<String, _>("kind")? == "told",
                })
            })
            .collect()
    }

    /// How much is kept of the viewer's user that the viewer may read.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn kept_of(&self, viewer: &Viewer) -> Result<Kinds, MemoryError> {
        let count = async |table: &str, person: &str, more: &str| -> Result<i64, MemoryError> {
            let visible = Visible::of(viewer, "x", person, 2);
            let sql = format!(
                "SELECT count(*) AS rows_kept FROM {table} x WHERE x.{person} = $1{more} AND {}",
                visible.sql
            );
            let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(viewer.user.to_string());
            let row = visible.bind(query).fetch_one(self.database.readers()).await?;
            Ok(row.try_get("rows_kept")?)
        };
        Ok(Kinds {
            messages: count("message", "author", "").await?,
            facts: count("fact", "owner", " AND x.valid_to IS NULL").await?,
            preferences: count("preference", "owner", "").await?,
        })
    }

    /// Keeps a wish of the viewer's user, as said here and now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_preference(
        &self,
        viewer: &Viewer,
        preference: &Preference,
        at: Timestamp,
    ) -> Result<(), MemoryError> {
        let mut tx = self.database.begin().await?;
        let wish = knowledge::Wish { preference, owner: &viewer.user, message: None };
        knowledge::keep_preference(&mut tx, viewer.character.as_str(), &viewer.scope(), &wish, at).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes back the wishes of this key ([`Preference::key`]) of the viewer's user that hold here.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn clear_preference(&self, viewer: &Viewer, key: &str) -> Result<(), MemoryError> {
        let visible = Visible::of(viewer, "p", "owner", 3);
        let character = visible.next(3);
        let sql = format!(
            "DELETE FROM preference AS p WHERE p.owner = $1 AND p.key = $2 AND ({} OR (p.character = ${character} \
             AND p.key IN {}))",
            visible.sql,
            knowledge::EVERYWHERE
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(viewer.user.to_string()).bind(key.to_owned());
        visible.bind(query).bind(viewer.character.to_string()).execute(self.database.writer()).await?;
        Ok(())
    }

    /// Whether the words of the viewer's user stay in the place where they were said, even for themselves.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_apart(&self, viewer: &Viewer) -> Result<bool, MemoryError> {
        let held: Option<i64> = sqlx::query_scalar(
            "SELECT CAST(1 AS BIGINT) FROM privacy_apart WHERE character = $1 AND owner = $2",
        )
        .bind(viewer.character.to_string())
        .bind(viewer.user.to_string())
        .fetch_optional(self.database.readers())
        .await?;
        Ok(held.is_some())
    }

    /// Keeps the places of the viewer's user apart: in private nothing comes up then that they said on a server. Or brings
    /// them together again. It holds at once, for everything that was ever said.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_apart(&self, viewer: &Viewer, apart: bool, at: Timestamp) -> Result<(), MemoryError> {
        let (character, owner) = (viewer.character.to_string(), viewer.user.to_string());
        if apart {
            sqlx::query(
                "INSERT INTO privacy_apart (character, owner, set_at) VALUES ($1, $2, $3) \
                 ON CONFLICT (character, owner) DO NOTHING",
            )
            .bind(character)
            .bind(owner)
            .bind(at.micros())
            .execute(self.database.writer())
            .await?;
        } else {
            sqlx::query("DELETE FROM privacy_apart WHERE character = $1 AND owner = $2")
                .bind(character)
                .bind(owner)
                .execute(self.database.writer())
                .await?;
        }
        Ok(())
    }
}
