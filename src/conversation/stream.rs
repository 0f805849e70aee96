//! Showing an answer while it is written: the first words soon, then a change a second at most, and the whole at the end.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

use super::{
    outbound::SendError,
    outbox::{Outbox, OutboxError, Post, Urgency},
    split::split,
};

/// The first words are shown so long after the first of them came: a word alone is no answer (product.md, DLV: at most
/// 1.2 s).
const FIRST: Duration = Duration::from_millis(600);

/// An answer as far as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Draft {
    /// What is said before it.
    pub(super) before: Vec<String>,
    /// What is shown in place of the words while there are none.
    pub(super) status: String,
    /// The words so far.
    pub(super) text: String,
    /// No more will come.
    pub(super) ended: bool,
    /// The whole answer, or the words of an error.
    pub(super) answer: Option<String>,
}

impl Draft {
    /// Nothing but a status is to be seen.
    pub(super) fn is_status(&self) -> bool {
        self.text.is_empty() && !self.status.is_empty()
    }

    /// What is to be seen.
    fn seen(&self) -> &str {
        if self.text.is_empty() { &self.status } else { &self.text }
    }
}

/// Shows one answer, in as many messages as it takes.
pub(super) struct Stream<'a> {
    outbox: &'a Outbox,
    /// The first message; the key of the others has their number behind it.
    post: Post,
    shown: Vec<String>,
}

impl<'a> Stream<'a> {
    pub(super) fn new(outbox: &'a Outbox, post: Post) -> Self {
        Self { outbox, post, shown: Vec::new() }
    }

    /// Follows a draft until it ends. What is shown then may lack the last words: [`Stream::finish`] brings them.
    pub(super) async fn follow(&mut self, mut draft: watch::Receiver<Draft>) {
        let Some(every) = self.outbox.platform().capabilities().edit_every else {
            // Nothing to show before the end; a sender that is gone has ended, too.
            let _ = draft.wait_for(|draft| draft.ended).await;
            return;
        };
        let mut next: Option<Instant> = None;
        loop {
            if draft.changed().await.is_err() || draft.borrow_and_update().ended {
                return;
            }
            let due = *next.get_or_insert_with(|| Instant::now() + FIRST);
            while Instant::now() < due {
                let ended = tokio::time::timeout_at(due, draft.changed()).await;
                if matches!(ended, Ok(Err(_))) || draft.borrow_and_update().ended {
                    return;
                }
            }
            let text = draft.borrow_and_update().seen().to_owned();
            let pause = match self.bring(&text, Urgency::Passing).await {
                Ok(()) => every,
                Err(OutboxError::Platform(SendError::Wait(pause))) => pause.max(every),
                Err(error) => {
                    tracing::debug!(%error, "a change of an unfinished answer was not shown");
                    every
                }
            };
            next = Some(Instant::now() + pause);
        }
    }

    /// Shows the whole answer and takes away what an unfinished one showed beyond it.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub(super) async fn finish(&mut self, text: &str) -> Result<(), OutboxError> {
        self.bring(text, Urgency::Lasting).await?;
        self.withdraw_from(self.shown.len()).await
    }

    /// Takes away whatever is shown.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub(super) async fn withdraw(&mut self) -> Result<(), OutboxError> {
        self.withdraw_from(0).await
    }

    async fn withdraw_from(&self, mut number: usize) -> Result<(), OutboxError> {
        while self.outbox.has(&self.numbered(number).key).await? {
            self.outbox.withdraw(&self.numbered(number)).await?;
            number += 1;
        }
        Ok(())
    }

    async fn bring(&mut self, text: &str, urgency: Urgency) -> Result<(), OutboxError> {
        let capabilities = self.outbox.platform().capabilities();
        let pieces = split(text, capabilities.longest, capabilities.unit);
        for (number, piece) in pieces.iter().enumerate() {
            if self.shown.get(number) == Some(piece) {
                continue;
            }
            self.outbox.show(&self.numbered(number), piece, urgency).await?;
            match self.shown.get_mut(number) {
                Some(shown) => shown.clone_from(piece),
                None => self.shown.push(piece.clone()),
            }
        }
        self.shown.truncate(pieces.len());
        Ok(())
    }

    fn numbered(&self, number: usize) -> Post {
        Post { key: format!("{}/{number}", self.post.key), ..self.post.clone() }
    }
}
