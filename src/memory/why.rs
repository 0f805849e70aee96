//! How an answer came about: the account that is kept with it, column `message.account`.

use sqlx::Row as _;

use super::{Memory, MemoryError, data, visible::Visible};
use crate::{
    model::{Account, MessageId, Timestamp, Viewer},
    store::{StoreError, Tx},
};

/// The last answer to somebody, and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Accounted {
    /// The message that was answered.
    pub asked: String,
    /// The answer.
    pub answer: String,
    /// When it was given.
    pub at: Timestamp,
    /// How it came about; `None` for an answer from before accounts were kept.
    pub account: Option<Account>,
}

impl Memory {
    /// The last answer to the viewer's user in this conversation.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_account(&self, viewer: &Viewer) -> Result<Option<Accounted>, MemoryError> {
        self.accounted(viewer, None).await
    }

    /// The answer to this message of the viewer's user in this conversation.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn account_of(
        &self,
        viewer: &Viewer,
        asked: MessageId,
    ) -> Result<Option<Accounted>, MemoryError> {
        self.accounted(viewer, Some(asked)).await
    }

    async fn accounted(
        &self,
        viewer: &Viewer,
        asked: Option<MessageId>,
    ) -> Result<Option<Accounted>, MemoryError> {
        let visible = Visible::of(viewer, "m", "author", 4);
        let sql = format!(
            "SELECT m.text AS asked, r.text AS answer, r.said_at, r.account FROM message m \
             JOIN message r ON r.platform = 'reply' AND r.platform_id = m.id AND r.character = m.character \
             WHERE m.scope = $1 AND m.author = $2 AND (m.id = $3 OR $3 = '') AND {} ORDER BY r.said_at DESC, r.id DESC LIMIT 1",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(viewer.scope().key())
            .bind(viewer.user.to_string())
            .bind(asked.map(|id| id.to_string()).unwrap_or_default());
        let Some(row) = visible.bind(query).fetch_optional(self.database.readers()).await? else {
            return Ok(None);
        };
        let account = row.try_get::<Option<String>, _>("account")?;
        Ok(Some(Accounted {
            asked: row.try_get("asked")?,
            answer: row.try_get("answer")?,
            at: data::moment(&row, "said_at")?,
            account: account
                .map(|text| serde_json::from_str(&text))
                .transpose()
                .map_err(|error| StoreError::Corrupt(format!("the account of a turn: {error}")))?,
        }))
    }
}

pub(super) async fn keep(tx: &mut Tx, reply: MessageId, account: &Account) -> Result<(), StoreError> {
    let text = serde_json::to_string(account)
        .map_err(|error| StoreError::Corrupt(format!("the account of a turn cannot be written: {error}")))?;
    sqlx::query("UPDATE message SET account = $2 WHERE id = $1")
        .bind(reply.to_string())
        .bind(text)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
