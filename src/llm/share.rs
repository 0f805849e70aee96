//! Requests that are the same, at the same time, for the same person: one is made, and all have its answer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{
    FutureExt,
    future::{BoxFuture, WeakShared},
};

use super::{
    body,
    request::{ChatRequest, Completion, LlmError, Purpose},
};

type Answered = BoxFuture<'static, Result<Completion, LlmError>>;

/// The requests under way that may be shared.
#[derive(Debug, Clone, Default)]
pub(super) struct Shares {
    under_way: Arc<Mutex<HashMap<String, WeakShared<Answered>>>>,
}

/// What two requests have in common when they are the same; none where each wants an answer of its own. Decisions and extracts
/// are shared; the turn is left out of it, the person, the server and the character, who pay for it,
/// are not.
pub(super) fn key(request: &ChatRequest) -> Option<String> {
    let shared = matches!(request.purpose, Purpose::Route | Purpose::Extract) && request.offline.is_none();
    shared.then(|| {
        let model = request.model.as_deref().unwrap_or_default();
        let body = body::body(request, &request.messages, model, &[]);
        let whose = &request.attribution;
        let account = (&whose.character, &whose.user, &whose.guild);
        format!("{} {} {account:?} {body}", request.tier.as_str(), request.purpose.as_str())
    })
}

impl Shares {
    /// The answer of the same request, if one is under way, else of `make`.
    pub(super) async fn answer(
        &self,
        key: String,
        make: impl FnOnce() -> Answered,
    ) -> Result<Completion, LlmError> {
        let answered = {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that nobody waits for any more.
            under_way.retain(|_, answered| answered.upgrade().is_some());
            if let Some(answered) = under_way.get(&key).and_then(WeakShared::upgrade) {
                answered
            } else {
                let work = make();
                let (shares, done) = (self.clone(), key.clone());
                let work = async move {
                    let answer = work.await;
                    shares.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&done);
                    answer
                };
                let answered = work.boxed().shared();
                under_way.extend(answered.downgrade().map(|weak| (key, weak)));
                answered
            }
        };
        answered.await
    }
}
