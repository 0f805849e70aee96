//! What a character has promised: reminders, which fall due at a moment, and goals, which it has set out to reach with
//! somebody. Tables `reminder` and `goal`.

use sqlx::{Any, Executor, Row, any::AnyRow};
use uuid::Uuid;

use super::{Memory, MemoryError, data, visible::Visible};
use crate::{
    jobs::{NewJob, Queue},
    model::{CharacterId, MessageId, Scope, Timestamp, UserId, Viewer},
    store::{StoreError, Tx},
};

/// The kind of the jobs that make reminders fall due.
pub const REMINDER_JOB: &str = "reminder";
/// As many reminders of one person and character may wait.
pub const MOST_REMINDERS: usize = 50;
/// As many goals a character has with one person.
pub const MOST_GOALS: usize = 20;
/// The platform that has no addresses and asks for its reminders itself.
const CONSOLE: &str = "console";
/// Attempts at a reminder: it only needs the store.
const ATTEMPTS: u32 = 20;

/// What somebody asked to be reminded of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    /// Its id.
    pub id: String,
    /// Who reminds.
    pub character: CharacterId,
    /// Whom.
    pub owner: UserId,
    /// What they are called.
    pub owner_name: String,
    /// Where it was asked for.
    pub scope: Scope,
    /// The platform it was asked for on.
    pub platform: String,
    /// Where it goes there; `None`: whoever shows that conversation asks for it.
    pub address: Option<String>,
    /// Of what.
    pub text: String,
    /// When.
    pub due_at: Timestamp,
}

/// What a character wants to reach with somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnGoal {
    /// Its id.
    pub id: String,
    /// What.
    pub description: String,
    /// How one sees that it is reached.
    pub success_criteria: Option<String>,
    /// 1 to 10, higher first.
    pub priority: i64,
    /// Since when.
    pub since: Timestamp,
}

/// What became of a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Promised {
    /// It is kept under this id.
    New(String),
    /// The same was promised before, under this id.
    Known(String),
    /// The message that asks for it is not theirs, not here to be read, or forgotten.
    NotSaid,
    /// There are as many as there may be.
    TooMany,
    /// It was asked for where nothing can come by itself.
    Unreachable,
}

const REMINDER: &str =
    "r.id, r.character, r.owner, r.owner_name, r.scope, r.platform, r.address, r.text, r.due_at";

impl Memory {
    /// Keeps a reminder for the viewer's user, asked for in one of their messages, with the job that makes it fall due; both
    /// or neither. It goes to where the message came from.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remind(
        &self,
        queue: &Queue,
        viewer: &Viewer,
        message: MessageId,
        text: &str,
        due_at: Timestamp,
    ) -> Result<Promised, MemoryError> {
        let mut tx = self.database.begin().await?;
        self.database.lock(&mut tx, &format!("promises {} {}", viewer.character, viewer.user)).await?;
        let asked = sqlx::query(
            "SELECT author_name, platform, address FROM message WHERE id = $1 AND author = $2 AND character = $3 \
             AND scope = $4",
        )
        .bind(message.to_string())
        .bind(viewer.user.to_string())
        .bind(viewer.character.to_string())
        .bind(viewer.scope().key())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(asked) = asked else { return Ok(Promised::NotSaid) };
        let platform: String = asked.try_get("platform")?;
        let address: Option<String> = asked.try_get("address")?;
        if address.is_none() && platform != CONSOLE {
            return Ok(Promised::Unreachable);
        }
        let waiting = waiting(&mut *tx, viewer).await?;
        if let Some(known) = waiting.iter().find(|it| it.due_at == due_at && it.text == text) {
            return Ok(Promised::Known(known.id.clone()));
        }
        if waiting.len() >= MOST_REMINDERS {
            return Ok(Promised::TooMany);
        }
        let id = Uuid::now_v7().to_string();
        sqlx::query(
            "INSERT INTO reminder (id, character, owner, owner_name, scope, platform, address, message, text, due_at, \
             status, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', $11)",
        )
        .bind(id.clone())
        .bind(viewer.character.to_string())
        .bind(viewer.user.to_string())
        .bind(asked.try_get::<String, _>("author_name")?)
        .bind(viewer.scope().key())
        .bind(platform)
        .bind(address)
        .bind(message.to_string())
        .bind(text.to_owned())
        .bind(due_at.micros())
        .bind(self.clock.now().micros())
        .execute(&mut *tx)
        .await?;
        let job = NewJob {
            dedup_key: Some(format!("{REMINDER_JOB}:{id}")),
            run_at: Some(due_at),
            max_attempts: ATTEMPTS,
            ..NewJob::new(REMINDER_JOB, serde_json::json!({ "reminder": id }))
        };
        queue.enqueue_in(&mut tx, job).await?;
        tx.commit().await?;
        queue.wake();
        Ok(Promised::New(id))
    }

    /// The reminders of the viewer's user that wait and that the viewer may read, the next first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reminders(&self, viewer: &Viewer) -> Result<Vec<Reminder>, MemoryError> {
        Ok(waiting(self.database.readers(), viewer).await?)
    }

    /// Takes a waiting reminder of the viewer's user back. False: they have none of this id that the viewer may read.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn cancel_reminder(&self, viewer: &Viewer, id: &str) -> Result<bool, MemoryError> {
        let mut tx = self.database.begin().await?;
        let known = waiting(&mut *tx, viewer).await?.iter().any(|reminder| reminder.id == id);
        if known {
            drop_promise(&mut tx, "DELETE FROM reminder WHERE id = $1", id).await?;
        }
        tx.commit().await?;
        Ok(known)
    }

    /// Makes a reminder due. One that was taken back, or told, changes nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn reminder_is_due(&self, id: &str) -> Result<(), MemoryError> {
        sqlx::query("UPDATE reminder SET status = 'due' WHERE id = $1 AND status = 'waiting'")
            .bind(id.to_owned())
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    /// Reminders of a platform that are due and were not told yet, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn due_reminders(&self, platform: &str) -> Result<Vec<Reminder>, MemoryError> {
        let sql = format!(
            "SELECT {REMINDER} FROM reminder r WHERE r.platform = $1 AND r.status = 'due' ORDER BY r.due_at, r.id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(platform.to_owned())
            .fetch_all(self.database.readers())
            .await?;
        Ok(rows.iter().map(reminder).collect::<Result<_, _>>()?)
    }

    /// Takes note that a reminder is told. False: it was told before, or taken back.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn reminder_is_told(&self, id: &str) -> Result<bool, MemoryError> {
        let done = sqlx::query("UPDATE reminder SET status = 'told' WHERE id = $1 AND status = 'due'")
            .bind(id.to_owned())
            .execute(self.database.writer())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Keeps a goal with the viewer's user, resting on one of their messages.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_goal(
        &self,
        viewer: &Viewer,
        message: MessageId,
        description: &str,
        success_criteria: Option<&str>,
        priority: u8,
    ) -> Result<Promised, MemoryError> {
        if self.own_message(viewer, message).await?.is_none() {
            return Ok(Promised::NotSaid);
        }
        let mut tx = self.database.begin().await?;
        self.database.lock(&mut tx, &format!("promises {} {}", viewer.character, viewer.user)).await?;
        let rows = sqlx::query(
            "SELECT id, description FROM goal WHERE character = $1 AND owner = $2 AND scope = $3",
        )
        .bind(viewer.character.to_string())
        .bind(viewer.user.to_string())
        .bind(viewer.scope().key())
        .fetch_all(&mut *tx)
        .await?;
        for row in &rows {
            if row.try_get::<String, _>("description")?.to_lowercase() == description.to_lowercase() {
                return Ok(Promised::Known(row.try_get("id")?));
            }
        }
        if rows.len() >= MOST_GOALS {
            return Ok(Promised::TooMany);
        }
        let id = Uuid::now_v7().to_string();
        sqlx::query(
            "INSERT INTO goal (id, character, owner, scope, description, success_criteria, priority, message, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(id.clone())
        .bind(viewer.character.to_string())
        .bind(viewer.user.to_string())
        .bind(viewer.scope().key())
        .bind(description.to_owned())
        .bind(success_criteria.map(ToOwned::to_owned))
        .bind(i64::from(priority.clamp(1, 10)))
        .bind(message.to_string())
        .bind(self.clock.now().micros())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Promised::New(id))
    }

    /// The goals with the viewer's user that the viewer may read: the highest priority first, of these the newest.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn goals(&self, viewer: &Viewer) -> Result<Vec<OwnGoal>, MemoryError> {
        let visible = Visible::of(viewer, "g", "owner", 2);
        let sql = format!(
            "SELECT g.id, g.description, g.success_criteria, g.priority, g.created_at FROM goal g \
             WHERE g.owner = $1 AND {} ORDER BY g.priority DESC, g.created_at DESC, g.id",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(viewer.user.to_string());
        let rows = visible.bind(query).fetch_all(self.database.readers()).await?;
        rows.iter()
            .map(|row| {
                Ok(OwnGoal {
                    id: row.try_get("id")?,
                    description: row.try_get("description")?,
                    success_criteria: row.try_get("success_criteria")?,
                    priority: row.try_get("priority")?,
                    since: data::moment(row, "created_at")?,
                })
            })
            .collect()
    }
}

async fn waiting(
    from: impl Executor<'_, Database = Any>,
    viewer: &Viewer,
) -> Result<Vec<Reminder>, StoreError> {
    let visible = Visible::of(viewer, "r", "owner", 2);
    let sql = format!(
        "SELECT {REMINDER} FROM reminder r WHERE r.owner = $1 AND r.status <> 'told' AND {} ORDER BY r.due_at, r.id",
        visible.sql
    );
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(viewer.user.to_string());
    let rows = visible.bind(query).fetch_all(from).await?;
    rows.iter().map(reminder).collect()
}

fn reminder(row: &AnyRow) -> Result<Reminder, StoreError> {
    Ok(Reminder {
        id: row.try_get("id")?,
        character: data::parsed(row, "character")?,
        owner: data::parsed(row, "owner")?,
        owner_name: row.try_get("owner_name")?,
        scope: Scope::from_key(&row.try_get::<String, _>("scope")?)
            .map_err(|error| StoreError::Corrupt(error.to_string()))?,
        platform: row.try_get("platform")?,
        address: row.try_get("address")?,
        text: row.try_get("text")?,
        due_at: data::moment(row, "due_at")?,
    })
}

/// Drops what was promised in a message that is forgotten, changed or taken back. What was told is told.
pub(super) async fn drop_promises_of(tx: &mut Tx, message: &str) -> Result<u64, StoreError> {
    Ok(drop_promise(tx, "DELETE FROM reminder WHERE message = $1", message).await?
        + drop_promise(tx, "DELETE FROM goal WHERE message = $1", message).await?)
}

pub(super) async fn drop_promise(tx: &mut Tx, sql: &'static str, id: &str) -> Result<u64, StoreError> {
    Ok(sqlx::query(sql).bind(id.to_owned()).execute(&mut **tx).await?.rows_affected())
}
