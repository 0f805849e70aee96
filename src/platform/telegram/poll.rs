//! Long polling: updates are asked for, and confirmed with the next question.

use std::{future::IntoFuture, time::Duration};

use teloxide_core::{
    RequestError,
    payloads::GetUpdatesSetters,
    requests::Requester,
    types::{Me, Update},
};
use tokio_util::sync::CancellationToken;

use super::{FIRST_PAUSE, LAST_PAUSE, Telegram, WANTED};

/// How long Telegram holds a request for updates, in seconds.
const POLL: u32 = 20;

impl Telegram {
    /// Takes updates in, in their order, until `stop`.
    pub(super) async fn poll(&self, me: &Me, stop: &CancellationToken) {
        let (mut offset, mut pause) = (0_i32, FIRST_PAUSE);
        loop {
            let updates = tokio::select! {
                updates = self.updates(offset) => updates,
                () = stop.cancelled() => return,
            };
            match updates {
                Ok(updates) => {
                    pause = FIRST_PAUSE;
                    for update in updates {
                        if !self.take_at_last(&update, me, stop).await {
                            return;
                        }
                        offset = i32::try_from(update.id.0).unwrap_or(i32::MAX).saturating_add(1);
                    }
                }
                Err(error) => {
                    let wait = self.complain(&error, pause);
                    pause = (pause * 2).min(LAST_PAUSE);
                    if !sleep(wait, stop).await {
                        return;
                    }
                }
            }
        }
    }

    async fn updates(&self, offset: i32) -> Result<Vec<Update>, RequestError> {
        self.sender.bot.get_updates().offset(offset).timeout(POLL).allowed_updates(WANTED).into_future().await
    }

    /// Takes one update in, trying again for as long as the store fails. False: it was told to stop first.
    async fn take_at_last(&self, update: &Update, me: &Me, stop: &CancellationToken) -> bool {
        loop {
            match self.take(update, me).await {
                Ok(()) => return true,
                Err(error) => tracing::error!(%error, "an update is not stored; trying again"),
            }
            if !sleep(FIRST_PAUSE, stop).await {
                return false;
            }
        }
    }
}

/// False: it was told to stop first.
async fn sleep(pause: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause) => true,
        () = stop.cancelled() => false,
    }
}
