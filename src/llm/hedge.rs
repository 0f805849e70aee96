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
    progress::{Progress, Unheard},
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
        let opened = match patience {
            Some(patience) => self.race(progress, messages, patience, limit).await,
            None => match progress.wait(limit, self.send(progress.at, messages)).await {
                Some(Ok(pieces)) => Ok(Opening { early: VecDeque::new(), pieces }),
                Some(Err(fault)) => Err(Unheard { fault, sent: false }),
                None => Err(too_late(limit)),
            },
        };
        opened.map_err(|unheard| {
            progress.attempt.sent = unheard.sent;
            unheard.fault
        })
    }

    async fn race(
        &self,
        progress: &mut Progress,
        messages: &[ChatMessage],
        patience: Duration,
        limit: Duration,
    ) -> Result<Opening, Unheard> {
        let mut first = Box::pin(self.begin(progress.at, messages));
        if let Some(opening) = progress.wait(patience, &mut first).await {
            return opening;
        }
        let at = if progress.at + 1 < self.chain.len() { progress.at + 1 } else { progress.at };
        let limit = limit.saturating_sub(patience);
        let Ok(leg) = self.enter(at) else {
            return progress.wait(limit, first).await.ok_or_else(|| too_late(limit))?;
        };
        let holding = Box::pin(self.hold_beside(progress, at));
        match progress.wait(limit, future::select(&mut first, holding)).await {
            None => return Err(too_late(limit)),
            Some(Either::Left((opening, _))) => return opening,
            Some(Either::Right((Some(hold), _))) => progress.hold = hold,
            Some(Either::Right((None, _))) => {
                return progress.wait(limit, first).await.ok_or_else(|| too_late(limit))?;
            }
        }
        tracing::debug!("no word in {patience:?}: asking a second time");
        progress.hedge(leg);
        let second = Box::pin(self.begin(at, messages));
        let race = progress.wait(limit, faster(first, second)).await;
        let now = self.shared.clock.now();
        match race {
            None => {
                progress.drop_hedge(None, now);
                Err(too_late(limit))
            }
            Some(Race::First(opening, other)) => {
                progress.drop_hedge(other.map(|it| self.unquoted(it)), now);
                Ok(opening)
            }
            Some(Race::Second(opening, other)) => {
                progress.take_hedge(at, other.map(|it| self.unquoted(it)), now);
                Ok(opening)
            }
            Some(Race::Neither(unheard, other)) => {
                progress.drop_hedge(Some(self.unquoted(other)), now);
                Err(unheard)
            }
        }
    }

    fn unquoted(&self, unheard: Unheard) -> Unheard {
        Unheard { fault: self.discreet(unheard.fault), ..unheard }
    }

    async fn send(&self, at: usize, messages: &[ChatMessage]) -> Result<Pieces, Fault> {
        match self.chain.get(at) {
            Some(wire) => wire.ask(&self.request, self.model(at), messages, &self.shared.clock).await,
            None => Ok(futures::stream::empty().boxed()),
        }
    }

    /// Sends the request and waits for its first word.
    async fn begin(&self, at: usize, messages: &[ChatMessage]) -> Result<Opening, Unheard> {
        let unheard = |sent| move |fault| Unheard { fault, sent };
        let mut pieces = self.send(at, messages).await.map_err(unheard(false))?;
        let mut early = VecDeque::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(unheard(true))?;
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
    First(Opening, Option<Unheard>),
    Second(Opening, Option<Unheard>),
    Neither(Unheard, Unheard),
}

fn too_late(limit: Duration) -> Unheard {
    Unheard { fault: late("no first word", limit), sent: true }
}

/// The first that succeeds; beside it how the other failed, if it did.
async fn faster(
    first: impl Future<Output = Result<Opening, Unheard>> + Unpin,
    second: impl Future<Output = Result<Opening, Unheard>> + Unpin,
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
