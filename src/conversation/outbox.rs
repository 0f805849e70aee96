//! The outbox: a message is written down before it is sent, and its id when the platform has it, so that a crash at any
//! point neither loses nor doubles it. Table `outbox`.

use std::{sync::Arc, time::Duration};

use sqlx::Row as _;

use super::outbound::{Lost, Outbound, SendError};
use crate::{
    model::{Clock, Timestamp},
    store::{Database, StoreError},
};

/// The pause after a platform has failed; it doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// What was sent may come to light on the platform for so long: a request that a killed process left, or that ended without
/// an answer, may be under way still. Nobody looks for it sooner.
const SETTLED: Duration = Duration::from_secs(3);
/// A platform that fails for so long is given up for this message.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Why a message was not delivered.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutboxError {
    /// The platform does not take it.
    #[error(transparent)]
    Platform(#[from] SendError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<OutboxError> for super::ConversationError {
    fn from(error: OutboxError) -> Self {
        match error {
            OutboxError::Platform(error) => Self::Platform(error),
            OutboxError::Store(error) => Self::Store(error),
        }
    }
}

impl From<sqlx::Error> for OutboxError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// How long a platform may keep a message waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Tried once; whoever asks tries again with newer words.
    Passing,
    /// Tried until it is there.
    Lasting,
}

/// The outbox of one platform.
#[derive(Clone)]
pub(super) struct Outbox {
    database: Database,
    clock: Arc<dyn Clock>,
    platform: Arc<dyn Outbound>,
    /// The process that sends.
    holder: Arc<str>,
}

/// One message to a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Post {
    /// Which one; the same after a restart.
    pub(super) key: String,
    /// The conversation that it is part of.
    pub(super) conversation: String,
    /// Where it goes, in the platform's words.
    pub(super) address: String,
}

/// A message that was planned or begun.
pub(super) struct Begun {
    pub(super) post: Post,
    pub(super) text: String,
    pub(super) holder: String,
    /// When it was last touched.
    pub(super) since: Timestamp,
}

/// What is known of a message.
struct Row {
    text: String,
    status: String,
    platform_id: Option<String>,
    /// When it was last touched.
    since: Timestamp,
}

impl Outbox {
    pub(super) fn new(
        database: Database,
        clock: Arc<dyn Clock>,
        platform: Arc<dyn Outbound>,
        holder: &str,
    ) -> Self {
        Self { database, clock, platform, holder: holder.into() }
    }

    pub(super) fn platform(&self) -> &dyn Outbound {
        self.platform.as_ref()
    }

    /// Makes the message say `text`, whether it is new, was begun by a process that is gone, or says something else.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub(super) async fn show(&self, post: &Post, text: &str, urgency: Urgency) -> Result<(), OutboxError> {
        let id = match self.row(&post.key).await? {
            None => {
                self.begin(post, text, "sending").await?;
                return self.send(post, text, urgency).await;
            }
            Some(row) if row.status == "gone" => return Ok(()),
            Some(row) if row.status == "waiting" => {
                self.mark(&post.key, "sending").await?;
                return self.send(post, text, urgency).await;
            }
            Some(Row { platform_id: None, text: first, since, .. }) => {
                // It was begun, by another process perhaps, and may be there.
                self.let_settle(since).await;
                let Some(id) = self.find(post, &first, urgency).await? else {
                    return self.send(post, text, urgency).await;
                };
                self.sent(&post.key, &first, &id).await?;
                if first == text {
                    return Ok(());
                }
                id
            }
            Some(row) if row.text == text => return Ok(()),
            Some(Row { platform_id: Some(id), .. }) => id,
        };
        match self.persist(urgency, || self.platform.edit(&post.address, &id, text)).await {
            // What it was sent through is gone, or the conversation has moved: the last words come in a message of their own
            // rather than not at all.
            Err(OutboxError::Platform(error @ (SendError::Refused(_) | SendError::Moved(_))))
                if urgency == Urgency::Lasting =>
            {
                tracing::warn!(%error, "a message cannot be changed any more: it is sent anew");
                let mut post = post.clone();
                if let SendError::Moved(address) = error {
                    post.address = address;
                }
                self.forget(&post.key).await?;
                self.begin(&post, text, "sending").await?;
                self.send(&post, text, urgency).await
            }
            done => {
                done?;
                self.sent(&post.key, text, &id).await
            }
        }
    }

    /// Takes away what was shown under `key`, if anything was.
    pub(super) async fn withdraw(&self, post: &Post) -> Result<(), OutboxError> {
        let Some(row) = self.row(&post.key).await? else { return Ok(()) };
        let id = match row.platform_id {
            None if row.status == "sending" => {
                // Should this process end first, nobody is to send it again.
                self.mark(&post.key, "leaving").await?;
                self.let_settle(row.since).await;
                self.find(post, &row.text, Urgency::Lasting).await?
            }
            id => id,
        };
        if let Some(id) = id {
            self.persist(Urgency::Lasting, || self.platform.delete(&post.address, &id)).await?;
        }
        self.gone(&post.key).await
    }

    /// Writes down what is to be sent, for [`Outbox::show`] to send. Writing the same down again changes nothing, and gives
    /// false: then somebody is at it, or the next to take up what was left.
    pub(super) async fn plan(&self, post: &Post, text: &str) -> Result<bool, OutboxError> {
        self.begin(post, text, "waiting").await
    }

    /// Messages that were planned, or begun and of which nobody knows whether they are there.
    pub(super) async fn begun(&self) -> Result<Vec<Begun>, OutboxError> {
        let rows = sqlx::query(
            "SELECT key, conversation, address, text, holder, updated_at FROM outbox \
             WHERE platform = $1 AND status IN ('sending', 'waiting') ORDER BY created_at, key",
        )
        .bind(self.platform.platform().to_owned())
        .fetch_all(self.database.readers())
        .await?;
        rows.iter()
            .map(|row| {
                let post = Post {
                    key: row.try_get("key")?,
                    conversation: row.try_get("conversation")?,
                    address: row.try_get("address")?,
                };
                let since = Timestamp::from_micros(row.try_get("updated_at")?);
                Ok(Begun { post, text: row.try_get("text")?, holder: row.try_get("holder")?, since })
            })
            .collect()
    }

    /// Takes a message over from a process that is gone. False: somebody else was faster.
    pub(super) async fn take_over(&self, begun: &Begun) -> Result<bool, OutboxError> {
        let done = sqlx::query("UPDATE outbox SET holder = $2 WHERE key = $1 AND holder = $3")
            .bind(begun.post.key.clone())
            .bind(self.holder.to_string())
            .bind(begun.holder.clone())
            .execute(self.database.writer())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Forgets what was sent before `before`: nobody asks for it any more. What was not sent stays.
    pub(super) async fn purge(&self, before: Timestamp) -> Result<(), OutboxError> {
        sqlx::query(
            "DELETE FROM outbox WHERE platform = $1 AND updated_at < $2 AND status NOT IN ('sending', 'waiting')",
        )
        .bind(self.platform.platform().to_owned())
        .bind(before.micros())
        .execute(self.database.writer())
        .await?;
        Ok(())
    }

    /// What a message of the platform's was sent as; `None`: it was not sent by us.
    pub(super) async fn shown_as(&self, room: &str, id: &str) -> Result<Option<Post>, OutboxError> {
        let row = sqlx::query(
            "SELECT key, conversation, address FROM outbox WHERE platform = $1 AND room = $2 AND platform_id = $3",
        )
        .bind(self.platform.platform().to_owned())
        .bind(room.to_owned())
        .bind(id.to_owned())
        .fetch_optional(self.database.readers())
        .await?;
        row.map(|row| {
            Ok(Post {
                key: row.try_get("key")?,
                conversation: row.try_get("conversation")?,
                address: row.try_get("address")?,
            })
        })
        .transpose()
    }

    /// Drops what was begun for a message that nobody wants answered any more.
    pub(super) async fn drop_begun(&self, message: &str) -> Result<(), OutboxError> {
        sqlx::query("DELETE FROM outbox WHERE key LIKE $1 AND status IN ('sending', 'waiting')")
            .bind(format!("{message}/%"))
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    /// True when something was shown under `key`, or may have been.
    pub(super) async fn has(&self, key: &str) -> Result<bool, OutboxError> {
        Ok(self.row(key).await?.is_some_and(|row| row.status != "gone"))
    }

    async fn send(&self, post: &Post, text: &str, urgency: Urgency) -> Result<(), OutboxError> {
        let mut pause = PAUSE;
        let mut waited = Duration::ZERO;
        loop {
            match self.platform.send(&post.address, text, &post.key).await {
                Ok(id) => return self.sent(&post.key, text, &id).await,
                Err(SendError::Wait(pause)) if urgency == Urgency::Lasting => tokio::time::sleep(pause).await,
                Err(SendError::Unreachable(reason)) if urgency == Urgency::Lasting && waited < PATIENCE => {
                    tracing::warn!(
                        reason,
                        "a message may not have been sent: looking for it, then trying again"
                    );
                    pause = (pause * 2).clamp(SETTLED, LONGEST_PAUSE);
                    tokio::time::sleep(pause).await;
                    waited += pause;
                    if let Some(id) = self.find(post, text, urgency).await? {
                        return self.sent(&post.key, text, &id).await;
                    }
                }
                Err(error @ SendError::Refused(_)) => {
                    self.gone(&post.key).await?;
                    return Err(error.into());
                }
                // It was not sent, for sure: what is said next may be something else.
                Err(error @ SendError::Wait(_)) => {
                    self.forget(&post.key).await?;
                    return Err(error.into());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn let_settle(&self, since: Timestamp) {
        tokio::time::sleep(SETTLED.saturating_sub(self.clock.now().since(since))).await;
    }

    async fn find(&self, post: &Post, text: &str, urgency: Urgency) -> Result<Option<String>, OutboxError> {
        let known = self.known(&self.platform.room(&post.address)).await?;
        let lost = Lost { key: &post.key, text, known: &known };
        self.persist(urgency, || self.platform.find(&post.address, lost)).await
    }

    /// Tries until the platform lets it through, as far as the urgency goes.
    async fn persist<T, F>(&self, urgency: Urgency, mut work: impl FnMut() -> F) -> Result<T, OutboxError>
    where
        F: Future<Output = Result<T, SendError>>,
    {
        let mut pause = PAUSE;
        let mut waited = Duration::ZERO;
        loop {
            match work().await {
                Ok(value) => return Ok(value),
                Err(SendError::Wait(pause)) if urgency == Urgency::Lasting => tokio::time::sleep(pause).await,
                Err(SendError::Unreachable(_)) if urgency == Urgency::Lasting && waited < PATIENCE => {
                    tokio::time::sleep(pause).await;
                    waited += pause;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn row(&self, key: &str) -> Result<Option<Row>, OutboxError> {
        let row = sqlx::query("SELECT text, status, platform_id, updated_at FROM outbox WHERE key = $1")
            .bind(key.to_owned())
            .fetch_optional(self.database.readers())
            .await?;
        row.map(|row| {
            Ok(Row {
                text: row.try_get("text")?,
                status: row.try_get("status")?,
                platform_id: row.try_get("platform_id")?,
                since: Timestamp::from_micros(row.try_get("updated_at")?),
            })
        })
        .transpose()
    }

    async fn known(&self, room: &str) -> Result<Vec<String>, OutboxError> {
        let rows = sqlx::query(
            "SELECT platform_id FROM outbox WHERE platform = $1 AND room = $2 AND platform_id IS NOT NULL \
             ORDER BY created_at DESC LIMIT 200",
        )
        .bind(self.platform.platform().to_owned())
        .bind(room.to_owned())
        .fetch_all(self.database.readers())
        .await?;
        rows.iter().map(|row| Ok(row.try_get("platform_id")?)).collect()
    }

    async fn begin(&self, post: &Post, text: &str, status: &str) -> Result<bool, OutboxError> {
        let now = self.clock.now().micros();
        let added = sqlx::query(
            "INSERT INTO outbox (key, platform, conversation, room, address, text, status, platform_id, created_at, updated_at, holder) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8, $8, $9) ON CONFLICT (key) DO NOTHING",
        )
        .bind(post.key.clone())
        .bind(self.platform.platform().to_owned())
        .bind(post.conversation.clone())
        .bind(self.platform.room(&post.address))
        .bind(post.address.clone())
        .bind(text.to_owned())
        .bind(status.to_owned())
        .bind(now)
        .bind(self.holder.to_string())
        .execute(self.database.writer())
        .await?;
        Ok(added.rows_affected() > 0)
    }

    async fn sent(&self, key: &str, text: &str, id: &str) -> Result<(), OutboxError> {
        // The answer to a command may quote what its next command forgets.
        let text = if key.ends_with('!') { "" } else { text };
        sqlx::query(
            "UPDATE outbox SET status = 'sent', text = $2, platform_id = $3, updated_at = $4 WHERE key = $1",
        )
        .bind(key.to_owned())
        .bind(text.to_owned())
        .bind(id.to_owned())
        .bind(self.clock.now().micros())
        .execute(self.database.writer())
        .await?;
        Ok(())
    }

    async fn gone(&self, key: &str) -> Result<(), OutboxError> {
        self.mark(key, "gone").await
    }

    async fn mark(&self, key: &str, status: &str) -> Result<(), OutboxError> {
        sqlx::query("UPDATE outbox SET status = $2, updated_at = $3 WHERE key = $1")
            .bind(key.to_owned())
            .bind(status.to_owned())
            .bind(self.clock.now().micros())
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    async fn forget(&self, key: &str) -> Result<(), OutboxError> {
        sqlx::query("DELETE FROM outbox WHERE key = $1")
            .bind(key.to_owned())
            .execute(self.database.writer())
            .await?;
        Ok(())
    }
}
