//! What is left to do: messages without an answer and answers that were not delivered, with who holds them.

use sqlx::{Row, any::AnyRow};

use super::{Left, Memory, MemoryError, data};
use crate::model::{CharacterId, MessageId, Timestamp};

impl Memory {
    /// Messages of people on this platform that were stored since `not_before` and have no answer, oldest first. They are
    /// for answering: their viewer is whoever said them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pending(&self, platform: &str, not_before: Timestamp) -> Result<Vec<Left>, MemoryError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {}, stored_at, holder FROM message \
             WHERE status = 'pending' AND platform = $1 AND stored_at >= $2 ORDER BY id",
            data::MESSAGE
        )))
        .bind(platform.to_owned())
        .bind(not_before.micros())
        .fetch_all(self.database.readers())
        .await?;
        rows.iter().map(left).collect()
    }

    /// Answers that were not delivered to this platform, oldest first, each held by whoever holds what it answers.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn undelivered(&self, platform: &str) -> Result<Vec<Left>, MemoryError> {
        let columns: Vec<String> = data::MESSAGE.split(", ").map(|column| format!("r.{column}")).collect();
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {}, r.stored_at, asked.holder FROM message r JOIN message asked ON asked.id = r.reply_to \
             WHERE r.status = 'unsent' AND asked.platform = $1 ORDER BY r.id",
            columns.join(", ")
        )))
        .bind(platform.to_owned())
        .fetch_all(self.database.readers())
        .await?;
        rows.iter().map(left).collect()
    }

    /// The characters that a platform's message was kept for.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn heard_by(&self, platform: &str, platform_id: &str) -> Result<Vec<CharacterId>, MemoryError> {
        let rows = sqlx::query("SELECT character FROM message WHERE platform = $1 AND platform_id = $2")
            .bind(platform.to_owned())
            .bind(platform_id.to_owned())
            .fetch_all(self.database.readers())
            .await?;
        rows.iter().map(|row| Ok(data::parsed(row, "character")?)).collect()
    }

    /// Where answers to what was said in private went on this platform since `since`, the newest first, at most 2,000.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn addresses(&self, platform: &str, since: Timestamp) -> Result<Vec<String>, MemoryError> {
        Ok(sqlx::query_scalar(
            "SELECT address FROM message WHERE platform = $1 AND stored_at >= $2 AND address IS NOT NULL \
             AND scope LIKE 'dm/%' ORDER BY stored_at DESC LIMIT 2000",
        )
        .bind(platform.to_owned())
        .bind(since.micros())
        .fetch_all(self.database.readers())
        .await?)
    }

    /// Takes a person's message over from `before`. False: somebody else was faster.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take_over(
        &self,
        message: MessageId,
        before: Option<&str>,
        holder: &str,
    ) -> Result<bool, MemoryError> {
        let done = sqlx::query("UPDATE message SET holder = $2 WHERE id = $1 AND COALESCE(holder, '') = $3")
            .bind(message.to_string())
            .bind(holder.to_owned())
            .bind(before.unwrap_or_default().to_owned())
            .execute(self.database.writer())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Gives a person's message up: whoever asks next may take it over.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn release(&self, message: MessageId, holder: &str) -> Result<(), MemoryError> {
        sqlx::query("UPDATE message SET holder = NULL WHERE id = $1 AND holder = $2")
            .bind(message.to_string())
            .bind(holder.to_owned())
            .execute(self.database.writer())
            .await?;
        Ok(())
    }
}

fn left(row: &AnyRow) -> Result<Left, MemoryError> {
    Ok(Left {
        message: data::message(row)?,
        holder: row.try_get("holder")?,
        stored_at: data::moment(row, "stored_at")?,
    })
}
