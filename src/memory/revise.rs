//! People change and take back what they said: whatever rests on the old words goes with them.

use super::{
    Memory, MemoryError, Revised, pattern,
    promise::drop_promises_of,
    store::{find, fits, importance_of, index_words},
    trace,
};
use crate::{
    model::{CharacterId, Message},
    store::{StoreError, Tx},
};

impl Memory {
    /// Replaces the words of a message that its author has changed. `None`: it is not known.
    ///
    /// # Errors
    /// [`MemoryError::Empty`], [`MemoryError::TooLong`], or the store's.
    pub async fn edit(
        &self,
        platform: &str,
        platform_id: &str,
        character: &CharacterId,
        text: &str,
    ) -> Result<Option<Revised>, MemoryError> {
        fits(text)?;
        let mut tx = self.database.begin().await?;
        let Some(mut message) = find(&mut tx, platform, platform_id, character).await? else {
            return Ok(None);
        };
        if message.text == text {
            return Ok(Some(Revised { message, look_again: false }));
        }
        text.clone_into(&mut message.text);
        sqlx::query("UPDATE message SET text = $2 WHERE id = $1")
            .bind(message.id.to_string())
            .bind(text.to_owned())
            .execute(&mut *tx)
            .await?;
        let look_again = self.forget_what_rests_on(&mut tx, &message).await?;
        index_words(&mut tx, &message, message.author.user(), "message", importance_of(text)).await?;
        tx.commit().await?;
        Ok(Some(Revised { message, look_again }))
    }

    /// Forgets a message that its author has taken back. The character's answer to it stays. `None`: it is not known.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take_back(
        &self,
        platform: &str,
        platform_id: &str,
        character: &CharacterId,
    ) -> Result<Option<Revised>, MemoryError> {
        let mut tx = self.database.begin().await?;
        let Some(message) = find(&mut tx, platform, platform_id, character).await? else {
            return Ok(None);
        };
        let look_again = self.forget_what_rests_on(&mut tx, &message).await?;
        sqlx::query("DELETE FROM message WHERE id = $1")
            .bind(message.id.to_string())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Some(Revised { message, look_again }))
    }

    /// Takes out what can be recalled of a message, facts and wishes that rest on it alone, and the summary of its session,
    /// which may quote it. True: the session has been looked back at, and is to be again.
    async fn forget_what_rests_on(&self, tx: &mut Tx, message: &Message) -> Result<bool, StoreError> {
        let (id, session) = (message.id.to_string(), message.session.to_string());
        if self.database.has_vectors() {
            const VECTORS: &str =
                "DELETE FROM memory_vector WHERE memory IN (SELECT id FROM memory WHERE source = $1)";
            forget(tx, VECTORS, &id).await?;
            forget(tx, VECTORS, &session).await?;
        }
        trace::drop_traces_of(tx, &id).await?;
        pattern::drop_patterns_of(tx, &id).await?;
        forget(tx, "DELETE FROM memory WHERE source = $1", &id).await?;
        forget(tx, "DELETE FROM memory WHERE source = $1", &session).await?;
        forget(tx, "DELETE FROM summary WHERE session = $1", &session).await?;
        forget(tx, "DELETE FROM preference WHERE message = $1", &id).await?;
        drop_promises_of(tx, &id).await?;
        forget(
            tx,
            "DELETE FROM fact WHERE id IN (SELECT fact FROM fact_source WHERE message = $1) AND NOT EXISTS \
             (SELECT 1 FROM fact_source s WHERE s.fact = fact.id AND s.message <> $1)",
            &id,
        )
        .await?;
        forget(tx, "DELETE FROM fact_source WHERE message = $1", &id).await?;
        // What the old words had ended goes on, unless the look back finds again that it ended.
        sqlx::query("UPDATE fact SET valid_to = NULL WHERE character = $1 AND owner = $2 AND valid_to = $3")
            .bind(message.character.to_string())
            .bind(message.author.user().map(ToString::to_string))
            .bind(message.at.micros())
            .execute(&mut **tx)
            .await?;
        let looked = forget(
            tx,
            "UPDATE session SET extracted_at = NULL WHERE id = $1 AND extracted_at IS NOT NULL",
            &session,
        )
        .await?;
        Ok(looked > 0)
    }
}

/// Runs a statement about one id; says how many rows it met.
async fn forget(tx: &mut Tx, sql: &'static str, id: &str) -> Result<u64, StoreError> {
    Ok(sqlx::query(sql).bind(id.to_owned()).execute(&mut **tx).await?.rows_affected())
}
