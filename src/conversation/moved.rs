//! A server that goes on under another id: who may talk, where there is silence, who answers, and all that is remembered go
//! with it.

use super::{ConversationError, Conversations, Gate};
use crate::{
    memory::{Named, rename, rescope},
    store::{StoreError, Tx},
};

impl Conversations {
    /// Takes in that the server `old` is called `new` from now on. Asking again changes nothing.
    ///
    /// # Errors
    /// When the store fails; then nothing has changed.
    pub async fn moved(&self, old: &str, new: &str) -> Result<(), ConversationError> {
        let mut tx = self.database.begin().await?;
        self.memory.moved(&mut tx, old, new).await?;
        self.gate().moved(&mut tx, old, new).await?;
        rescope(&mut tx, &Named::scope("notice", Some(&["character", "key"])), old, new).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(old, new, "a server goes on under another id");
        Ok(())
    }
}

impl Gate {
    /// The same for what the gate knows, as part of a transaction.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn moved(&self, tx: &mut Tx, old: &str, new: &str) -> Result<(), StoreError> {
        rescope(tx, &Named::scope("pause", Some(&[])), old, new).await?;
        rescope(tx, &Named::scope("chosen_character", Some(&[])), old, new).await?;
        // A rule names a server by its id alone, and a channel by that and its own.
        let rules = Named { table: "access_rule", column: "subject", once: Some(&["kind"]) };
        rename(tx, &rules, old, new).await
    }
}
