//! Which updates were taken in that leave nothing else to know them by: commands, presses, changes, reactions. Telegram
//! repeats what was not confirmed; done again, it would be done twice.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use teloxide_core::types::{Me, Update};

use super::PLATFORM;
use crate::conversation::{ConversationError, Conversations};

/// As many are known. Telegram repeats one within moments; numbers of a bot are never given twice in so few.
const KNOWN: usize = 256;

/// The numbers of these updates.
#[derive(Debug, Default)]
pub(super) struct Done {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Under which they are kept; each bot has numbers of its own.
    key: String,
    ids: VecDeque<u32>,
}

impl Done {
    /// Reads what an earlier process kept.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn load(&self, conversations: &Conversations, me: &Me) -> Result<(), ConversationError> {
        let key = format!("{PLATFORM}/{}/done", me.id);
        let kept = conversations.cursor(&key).await?.unwrap_or_default();
        let ids = kept.split(' ').filter_map(|id| id.parse().ok()).collect();
        *self.known() = Known { key, ids };
        Ok(())
    }

    pub(super) fn has(&self, update: &Update) -> bool {
        self.known().ids.contains(&update.id.0)
    }

    /// Keeps the number of an update.
    pub(super) async fn note(&self, conversations: &Conversations, update: &Update) {
        let (key, ids) = {
            let mut known = self.known();
            known.ids.push_back(update.id.0);
            if known.ids.len() > KNOWN {
                known.ids.pop_front();
            }
            let ids: Vec<String> = known.ids.iter().map(ToString::to_string).collect();
            (known.key.clone(), ids.join(" "))
        };
        if let Err(error) = conversations.keep_cursor(&key, &ids).await {
            // It was done: trying again would do it twice.
            tracing::warn!(%error, "if the program ends now, an update of Telegram's may be taken in twice");
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
