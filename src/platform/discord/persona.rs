//! Webhook personas: one bot hosts the whole cast in a channel, each with its own name and face.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    event::{Id, Webhook},
    rest::{Rest, RestError},
};

/// Where a right was missing, it is asked for again after this time: somebody may have given it.
const ASK_AGAIN: Duration = Duration::from_secs(10 * 60);
/// What our webhooks are called in the settings of a channel.
const NAME: &str = "Dramatis";

/// A webhook that we may speak through.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Hook {
    pub(super) id: Id,
    pub(super) token: String,
}

impl Hook {
    /// Its address; the token in it is a secret.
    pub(super) fn path(&self) -> String {
        format!("/webhooks/{}/{}", self.id, self.token)
    }
}

#[derive(Clone)]
enum Found {
    Hook(Hook),
    /// The bot may not have one, since then.
    Denied(Instant),
}

/// The webhooks of one bot, by channel.
#[derive(Clone, Default)]
pub(super) struct Hooks(Arc<Mutex<HashMap<Id, Found>>>);

impl Hooks {
    /// The webhook of a channel (of a thread: of the channel it hangs under), made where there is none. `None`: the bot may not
    /// have one, and speaks as itself.
    ///
    /// # Errors
    /// [`RestError`], when Discord cannot say.
    pub(super) async fn of(
        &self,
        rest: &Rest,
        application: &str,
        channel: &str,
    ) -> Result<Option<Hook>, RestError> {
        match self.known(channel) {
            Some(Found::Hook(hook)) => return Ok(Some(hook)),
            Some(Found::Denied(since)) if since.elapsed() < ASK_AGAIN => return Ok(None),
            Some(Found::Denied(_)) | None => {}
        }
        let found = match Self::ours(rest, application, channel).await {
            Ok(Some(hook)) => Found::Hook(hook),
            Ok(None) => match Self::make(rest, channel).await {
                Ok(hook) => Found::Hook(hook),
                Err(error) => Self::denied(channel, error)?,
            },
            Err(error) => Self::denied(channel, error)?,
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(channel.to_owned(), found.clone());
        Ok(match found {
            Found::Hook(hook) => Some(hook),
            Found::Denied(_) => None,
        })
    }

    /// A webhook that is known to be one of ours.
    pub(super) fn is_ours(&self, id: &str) -> bool {
        let hooks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hooks.values().any(|found| matches!(found, Found::Hook(hook) if hook.id == id))
    }

    /// The webhook of a channel is gone.
    pub(super) fn forget(&self, channel: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(channel);
    }

    fn known(&self, channel: &str) -> Option<Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(channel).cloned()
    }

    async fn ours(rest: &Rest, application: &str, channel: &str) -> Result<Option<Hook>, RestError> {
        let all: Vec<Webhook> = rest.get(&format!("/channels/{channel}/webhooks")).await?;
        Ok(all.into_iter().find_map(|webhook| {
            let made_by = webhook.application_id.or(webhook.user.map(|user| user.id));
            let ours = made_by.is_some_and(|by| by == application);
            // Discord gives the token of an application's webhooks to that application only.
            webhook.token.filter(|_| ours).map(|token| Hook { id: webhook.id, token })
        }))
    }

    async fn make(rest: &Rest, channel: &str) -> Result<Hook, RestError> {
        let made: Webhook =
            rest.post(&format!("/channels/{channel}/webhooks"), &json!({ "name": NAME })).await?;
        match made.token {
            Some(token) => Ok(Hook { id: made.id, token }),
            None => Err(RestError::Unreachable("the new webhook came without its token".to_owned())),
        }
    }

    fn denied(channel: &str, error: RestError) -> Result<Found, RestError> {
        // 400: the channel has as many webhooks as it may have.
        if error.is_forbidden()
            || error.is_missing()
            || matches!(error, RestError::Refused { status: 400, .. })
        {
            tracing::warn!(
                channel,
                %error,
                "characters speak in the bot's own name here: give it the right Manage Webhooks to let each have its own"
            );
            Ok(Found::Denied(Instant::now()))
        } else {
            Err(error)
        }
    }
}
