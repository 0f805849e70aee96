//! Reminders that are due: each is told once where it was asked for, also when the process that does it is killed.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::{
    ConversationError, Conversations,
    desk::Order,
    outbox::{Outbox, Post},
};
use crate::{
    jobs::{Attempt, Handler, JobError},
    memory::{Memory, REMINDER_JOB, Reminder},
    model::{Viewer, conversation},
};

/// Does the jobs that make reminders due.
pub struct ReminderDue {
    memory: Memory,
    conversations: Conversations,
}

impl ReminderDue {
    /// The handler of these conversations.
    #[must_use]
    pub fn new(memory: Memory, conversations: Conversations) -> Arc<Self> {
        Arc::new(Self { memory, conversations })
    }
}

#[async_trait]
impl Handler for ReminderDue {
    fn kind(&self) -> &'static str {
        REMINDER_JOB
    }

    async fn run(&self, payload: Value, _: Attempt) -> Result<(), JobError> {
        let id = payload.get("reminder").and_then(Value::as_str);
        let id = id.ok_or_else(|| JobError::Dead("a reminder without an id".to_owned()))?;
        let retry = |error: String| JobError::Retry(error);
        self.memory.reminder_is_due(id).await.map_err(|error| retry(error.to_string()))?;
        // What cannot be told now waits for its platform to be connected, or for the next sweep.
        self.conversations.tell_due().await.map_err(|error| retry(error.to_string()))
    }
}

impl Conversations {
    /// Tells the reminders that are due on the platforms that are connected.
    ///
    /// # Errors
    /// When the store fails; what is not told stays due.
    pub(super) async fn tell_due(&self) -> Result<(), ConversationError> {
        for platform in self.platforms() {
            if let Some(outbox) = self.outbox(&platform) {
                self.tell_due_on(&outbox).await?;
            }
        }
        Ok(())
    }

    /// Tells the reminders that are due on a platform.
    pub(super) async fn tell_due_on(&self, outbox: &Outbox) -> Result<(), ConversationError> {
        for reminder in self.memory.due_reminders(outbox.platform().platform()).await? {
            let Some(address) = reminder.address.clone() else { continue };
            let text = words(&reminder);
            let key = conversation(&reminder.character, &reminder.scope);
            // Behind an `!`, so that its words go when it is sent: `/forget` could not reach them there.
            let post = Post { key: format!("reminder:{}!", reminder.id), conversation: key.clone(), address };
            let planned = outbox.plan(&post, &text).await?;
            self.memory.reminder_is_told(&reminder.id).await?;
            // When it was planned before, whoever planned it is at it, or its successor.
            if planned {
                let talk = self.talk(key, outbox.clone());
                self.desk.order(&talk, Order::Repeat(post, text)).await;
            }
        }
        Ok(())
    }

    /// Reminders that are due for the viewer's user here, on a platform that asks for them itself. Each is given once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take_due(&self, platform: &str, viewer: &Viewer) -> Result<Vec<String>, ConversationError> {
        let mut texts = Vec::new();
        for reminder in self.memory.due_reminders(platform).await? {
            let here = reminder.address.is_none()
                && reminder.character == viewer.character
                && reminder.owner == viewer.user
                && reminder.scope == viewer.scope();
            if here && self.memory.reminder_is_told(&reminder.id).await? {
                texts.push(words(&reminder));
            }
        }
        Ok(texts)
    }
}

fn words(reminder: &Reminder) -> String {
    let name = reminder.owner_name.trim();
    let greeting = if name.is_empty() { String::new() } else { format!("{name}, ") };
    format!("⏰ {greeting}you asked me to remind you: {}", reminder.text)
}
