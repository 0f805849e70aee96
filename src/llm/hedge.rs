//! The opening of an answer; and, where it is slow, the race between two requests for it.

use std::{collections::VecDeque, future::Future, time::Duration};

use futures::{
    StreamExt,
    future::{self, Either},
};

use super::{
    call::{Call, late},
    event::Piece,
    fault::Fault,
    progress::Progress,
    request::ChatMessage,
    wire::Pieces,
};

/// An answer that has begun.
pub(super) struct Opening {
    /// What was already heard.
    pub(super) early: VecDeque<Piece>,
    /// What comes.
    pub(super) pieces: Pieces,
}

impl Call {
    /// Sends the request. When `LLM_HEDGE` is set, it may race and this is the call's first request, a second one goes out after
    /// that time without a word: to the next endpoint, or to the same where there is none. Who speaks first is listened to.
    pub(super) async fn open(
        &self,
        progress: &mut Progress,
        messages: &[ChatMessage],
        may_race: bool,
    ) -> Result<Opening, Fault> {
        let limit = self.limit(progress, self.shared.timeouts.first_token);
        let patience =
            self.shared.hedge.filter(|after| may_race && progress.attempts() == 1 && *after < limit);
        let Some(patience) = patience else {
            let pieces = progress.wait(limit, self.send(progress.at, messages)).await;
            return pieces
                .ok_or_else(|| late("no first word", limit))?
                .map(|pieces| Opening { early: VecDeque::new(), pieces });
        };
        self.race(progress, messages, patience, limit).await
    }

    async fn race(
        &self,
        progress: &mut Progress,
        messages: &[ChatMessage],
        patience: Duration,
        limit: Duration,
    ) -> Result<Opening, Fault> {
        let mut first = Box::pin(self.begin(progress.at, messages));
        if let Some(opening) = progress.wait(patience, &mut first).await {
            return opening;
        }
        let at = if progress.at + 1 < self.chain.len() { progress.at + 1 } else { progress.at };
        let limit = limit.saturating_sub(patience);
        let Ok(leg) = self.enter(at) else {
            return progress.wait(limit, first).await.ok_or_else(|| late("no first word", limit))?;
        };
        tracing::debug!("no word in {patience:?}: asking a second time");
        progress.hedge(leg);
        let second = Box::pin(self.begin(at, messages));
        let race = progress.wait(limit, faster(first, second)).await;
        let now = self.shared.clock.now();
        match race {
            None => {
                progress.drop_hedge(None, now);
                Err(late("no first word", limit))
            }
            Some(Race::First(opening, other)) => {
                progress.drop_hedge(other.map(|fault| self.discreet(fault)), now);
                Ok(opening)
            }
            Some(Race::Second(opening, other)) => {
                progress.take_hedge(at, other.map(|fault| self.discreet(fault)), now);
                Ok(opening)
            }
            Some(Race::Neither(fault, other)) => {
                progress.drop_hedge(Some(self.discreet(other)), now);
                Err(fault)
            }
        }
    }

    async fn send(&self, at: usize, messages: &[ChatMessage]) -> Result<Pieces, Fault> {
        match self.chain.get(at) {
            Some(wire) => wire.ask(&self.request, self.model(at), messages, &self.shared.clock).await,
            None => Ok(futures::stream::empty().boxed()),
        }
    }

    /// Sends the request and waits for its first word.
    async fn begin(&self, at: usize, messages: &[ChatMessage]) -> Result<Opening, Fault> {
        let mut pieces = self.send(at, messages).await?;
        let mut early = VecDeque::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            let says = !piece.text.is_empty() || !piece.calls.is_empty() || piece.finish.is_some();
            early.push_back(piece);
            if says {
                break;
            }
        }
        Ok(Opening { early, pieces })
    }
}

enum Race {
    First(Opening, Option<Fault>),
    Second(Opening, Option<Fault>),
    Neither(Fault, Fault),
}

/// The first that succeeds; beside it how the other failed, if it did.
async fn faster(
    first: impl Future<Output = Result<Opening, Fault>> + Unpin,
    second: impl Future<Output = Result<Opening, Fault>> + Unpin,
) -> Race {
    match future::select(first, second).await {
        Either::Left((Ok(opening), _)) => Race::First(opening, None),
        Either::Right((Ok(opening), _)) => Race::Second(opening, None),
        Either::Left((Err(fault), second)) => match second.await {
            Ok(opening) => Race::Second(opening, Some(fault)),
            Err(other) => Race::Neither(fault, other),
        },
        Either::Right((Err(fault), first)) => match first.await {
            Ok(opening) => Race::First(opening, Some(fault)),
            Err(other) => Race::Neither(other, fault),
        },
    }
}
