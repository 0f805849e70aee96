//! The table `question`: what buttons are about, and who may press them.

use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use uuid::Uuid;

use super::{Asker, Button, Commands, Pressed};
use crate::{
    conversation::ConversationError,
    model::{CharacterId, Timestamp, Viewer},
    store::StoreError,
};

/// Buttons may be pressed for so long. Those of an answer that lies further back are easily pressed by mistake.
const FRESH: std::time::Duration = std::time::Duration::from_secs(15 * 60);
const STALE: &str = "These buttons are too old. Give the command again.";

/// What the buttons of one reply are about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Action {
    /// Deletes these messages and facts.
    Forget {
        /// Their ids.
        ids: Vec<String>,
    },
    /// Turns the pages of what is remembered.
    Recent,
}

/// A question that was put to somebody.
pub(super) struct Question(String);

impl Question {
    /// A button for one answer to it.
    pub(super) fn button(&self, label: &str, answer: &str) -> Button {
        Button { label: label.to_owned(), data: format!("{}/{answer}", self.0) }
    }
}

impl Commands {
    /// Notes what buttons will be about. What has become too old is thrown away.
    pub(super) async fn question(&self, action: &Action, asker: &Asker) -> Result<Question, StoreError> {
        let now = self.parts.clock.now();
        let token: String = Uuid::new_v4().simple().to_string().chars().take(16).collect();
        let text = serde_json::to_string(action)
            .map_err(|error| StoreError::Corrupt(format!("a question cannot be written: {error}")))?;
        let mut tx = self.parts.database.begin().await?;
        sqlx::query("DELETE FROM question WHERE created_at < $1")
            .bind(now.minus(FRESH).micros())
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO question (token, owner, character, scope, action, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(token.clone())
        .bind(asker.viewer.user.to_string())
        .bind(asker.viewer.character.to_string())
        .bind(asker.viewer.scope().key())
        .bind(text)
        .bind(now.micros())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Question(token))
    }

    /// A button was pressed. Only whoever was asked may press, within 15 minutes, where the question was put. Pressing
    /// again does no more.
    ///
    /// # Errors
    /// [`ConversationError`] when the store fails; then it can be pressed again.
    pub async fn press(&self, data: &str, asker: &Asker) -> Result<Pressed, ConversationError> {
        let stale = || Ok(Pressed::Notice(STALE.to_owned()));
        let Some((token, answer)) = data.split_once('/') else { return stale() };
        let row =
            sqlx::query("SELECT owner, character, scope, action, created_at FROM question WHERE token = $1")
                .bind(token.to_owned())
                .fetch_optional(self.parts.database.readers())
                .await
                .map_err(StoreError::from)?;
        let Some(row) = row else { return stale() };
        let read = || -> Result<_, sqlx::Error> {
            Ok((
                row.try_get::<String, _>("owner")?,
                row.try_get::<String, _>("character")?,
                row.try_get::<String, _>("scope")?,
                row.try_get::<String, _>("action")?,
                Timestamp::from_micros(row.try_get("created_at")?),
            ))
        };
        let (owner, character, scope, action, created) = read().map_err(StoreError::from)?;
        if owner != asker.viewer.user.as_str() {
            return Ok(Pressed::Notice("Only whoever gave the command may press this.".to_owned()));
        }
        if scope != asker.viewer.scope().key() || self.parts.clock.now().since(created) > FRESH {
            return stale();
        }
        let corrupt = |error: String| StoreError::Corrupt(format!("a question: {error}"));
        let character = CharacterId::new(character).map_err(|error| corrupt(error.to_string()))?;
        let action: Action = serde_json::from_str(&action).map_err(|error| corrupt(error.to_string()))?;
        let viewer = Viewer { character, ..asker.viewer.clone() };
        let asker = Asker { viewer, ..asker.clone() };
        let replaced = |reply: super::Reply| Pressed::Replace(reply.within_limits());
        match (action, answer) {
            (Action::Forget { ids }, "yes") => self.forget(&ids, &asker).await.map(replaced),
            (Action::Forget { .. }, "no") => Ok(Pressed::Replace(super::Reply::text("Kept."))),
            (Action::Recent, page) => match page.parse() {
                Ok(page) => self.page(page, &Question(token.to_owned()), &asker).await.map(replaced),
                Err(_) => stale(),
            },
            (Action::Forget { .. }, _) => stale(),
        }
    }
}
