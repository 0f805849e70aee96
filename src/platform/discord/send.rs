//! Discord's outgoing side.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    PLATFORM,
    event::{Id, Message},
    persona::{Hook, Hooks},
    rest::{Rest, RestError},
};
use crate::{
    character::Cast,
    conversation::{Capabilities, Lost, Outbound, SendError, Unit},
    model::CharacterId,
};

/// Discord's limit for bots (its documentation, "Create Message"). It is counted in UTF-16 units here, which are never fewer
/// than Discord's.
const LONGEST: usize = 2_000;
/// At most one change of a message a second (product.md, DLV).
const EDIT_EVERY: Duration = Duration::from_millis(1_050);
/// A typing sign lasts ten seconds (its documentation, "Trigger Typing Indicator").
const TYPING: Duration = Duration::from_secs(8);
/// As many messages behind one are looked through for its answer: the most that one request gives.
const WINDOW: usize = 100;
/// A webhook's name has at most 80 letters (its documentation, "Execute Webhook").
const LONGEST_NAME: usize = 80;

/// Where an answer goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Address {
    /// The bot that heard the message.
    pub(super) bot: Id,
    /// The channel or thread.
    pub(super) channel: Id,
    /// The channel that the thread hangs under.
    pub(super) parent: Option<Id>,
    /// The message that is answered.
    pub(super) message: Option<Id>,
    /// Whether the answer is shown as a reply to it.
    pub(super) quote: bool,
    /// Who speaks in their own name; `None`: the bot.
    pub(super) persona: Option<CharacterId>,
}

impl Address {
    pub(super) fn to_text(&self) -> String {
        // Texts always become JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn read(text: &str) -> Result<Self, SendError> {
        serde_json::from_str(text)
            .map_err(|error| SendError::Refused(format!("`{text}` is no address: {error}")))
    }
}

/// One bot's way out.
#[derive(Clone)]
pub(super) struct Voice {
    pub(super) rest: Rest,
    pub(super) hooks: Hooks,
    /// The bot's user, which is its application, too.
    pub(super) me: Id,
    pub(super) application: Id,
}

/// Sends as every bot of this program.
pub(super) struct Sender {
    pub(super) voices: HashMap<Id, Arc<Voice>>,
    pub(super) cast: Cast,
}

impl Sender {
    fn voice(&self, address: &Address) -> Result<&Voice, SendError> {
        self.voices.get(&address.bot).map(Arc::as_ref).ok_or_else(|| {
            SendError::Refused(format!("the bot {} is not among those of this start", address.bot))
        })
    }

    /// The webhook that a message goes through; `None`: the bot speaks as itself.
    async fn hook(&self, address: &Address) -> Result<Option<Hook>, RestError> {
        let (Some(_), Ok(voice)) = (&address.persona, self.voice(address)) else { return Ok(None) };
        let home = address.parent.as_deref().unwrap_or(&address.channel);
        voice.hooks.of(&voice.rest, &voice.application, home).await
    }

    /// The webhook was taken away: another is looked for.
    fn lose_hook(&self, address: &Address) {
        if let Ok(voice) = self.voice(address) {
            voice.hooks.forget(address.parent.as_deref().unwrap_or(&address.channel));
        }
    }

    async fn send_through(&self, hook: &Hook, address: &Address, text: &str) -> Result<Id, RestError> {
        let voice = self.voice(address).map_err(|error| RestError::Unreachable(error.to_string()))?;
        let character = address.persona.as_ref().and_then(|id| self.cast.get(id));
        let name =
            character.as_ref().map_or(String::new(), |it| it.name.chars().take(LONGEST_NAME).collect());
        let mut body = json!({
            "content": text,
            "username": name,
            "allowed_mentions": { "parse": [] },
        });
        let face = character.as_ref().and_then(|it| it.avatar.clone());
        if let (Some(face), Some(body)) = (face.filter(|face| face.starts_with("http")), body.as_object_mut())
        {
            body.insert("avatar_url".to_owned(), Value::String(face));
        }
        let thread = match &address.parent {
            Some(_) => format!("&thread_id={}", address.channel),
            None => String::new(),
        };
        let sent: Message = voice.rest.post(&format!("{}?wait=true{thread}", hook.path()), &body).await?;
        Ok(sent.id)
    }

    async fn send_plainly(&self, address: &Address, text: &str, key: &str) -> Result<Id, SendError> {
        let voice = self.voice(address)?;
        let mut body = json!({
            "content": text,
            "nonce": nonce(key),
            "enforce_nonce": true,
            "allowed_mentions": { "parse": [], "replied_user": true },
        });
        if let (true, Some(message), Some(body)) = (address.quote, &address.message, body.as_object_mut()) {
            let reference = json!({ "message_id": message, "fail_if_not_exists": false });
            body.insert("message_reference".to_owned(), reference);
        }
        let sent: Message =
            voice.rest.post(&format!("/channels/{}/messages", address.channel), &body).await?;
        Ok(sent.id)
    }

    /// The address of a message that is there, through the webhook or not.
    fn at(address: &Address, hook: Option<&Hook>, id: &str) -> String {
        match hook {
            Some(hook) => {
                let thread = match &address.parent {
                    Some(_) => format!("?thread_id={}", address.channel),
                    None => String::new(),
                };
                format!("{}/messages/{id}{thread}", hook.path())
            }
            None => format!("/channels/{}/messages/{id}", address.channel),
        }
    }
}

/// Discord keeps a nonce of up to 25 letters for a few minutes (its documentation, "Create Message").
fn nonce(key: &str) -> String {
    use std::fmt::Write;
    let digest = ring::digest::digest(&ring::digest::SHA256, key.as_bytes());
    digest.as_ref().iter().take(12).fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[async_trait]
impl Outbound for Sender {
    fn platform(&self) -> &str {
        PLATFORM
    }

    fn room(&self, address: &str) -> String {
        Address::read(address).map_or_else(|_| address.to_owned(), |address| address.channel)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            longest: LONGEST,
            unit: Unit::Utf16,
            edit_every: Some(EDIT_EVERY),
            typing_lasts: Some(TYPING),
        }
    }

    async fn send(&self, address: &str, text: &str, key: &str) -> Result<String, SendError> {
        let address = Address::read(address)?;
        if let Some(hook) = self.hook(&address).await? {
            match self.send_through(&hook, &address, text).await {
                Ok(id) => return Ok(id),
                Err(error) if error.is_missing() => self.lose_hook(&address),
                Err(error @ RestError::Refused { status: 400, .. }) => {
                    // A name or a picture that webhooks may not have: what is said matters more.
                    tracing::warn!(%error, "a character speaks in the bot's own name");
                    return self.send_plainly(&address, text, key).await;
                }
                Err(error) => return Err(error.into()),
            }
            // It was taken away in the meantime: once more, through a new one.
            if let Some(hook) = self.hook(&address).await? {
                return Ok(self.send_through(&hook, &address, text).await?);
            }
        }
        self.send_plainly(&address, text, key).await
    }

    async fn edit(&self, address: &str, id: &str, text: &str) -> Result<(), SendError> {
        let address = Address::read(address)?;
        let rest = &self.voice(&address)?.rest;
        let body = json!({ "content": text, "allowed_mentions": { "parse": [] } });
        if let Some(hook) = self.hook(&address).await? {
            let done: Result<Value, _> = rest.patch(&Self::at(&address, Some(&hook), id), &body).await;
            match done {
                Ok(_) => return Ok(()),
                // The bot said it itself, before it was given the right to a webhook; or the webhook is gone.
                Err(error) if error.is_missing() => {
                    if error.is_of_no_webhook() {
                        self.lose_hook(&address);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        match rest.patch::<Value>(&Self::at(&address, None, id), &body).await {
            // Somebody has deleted it, and there is nothing left to change.
            Err(error) if !error.is_missing() => Err(error.into()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn delete(&self, address: &str, id: &str) -> Result<(), SendError> {
        let address = Address::read(address)?;
        let rest = &self.voice(&address)?.rest;
        if let Some(hook) = self.hook(&address).await? {
            match rest.delete(&Self::at(&address, Some(&hook), id)).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error.into()),
            }
        }
        match rest.delete(&Self::at(&address, None, id)).await {
            Err(error) if !error.is_missing() => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn typing(&self, address: &str) -> Result<(), SendError> {
        let address = Address::read(address)?;
        let path = format!("/channels/{}/typing", address.channel);
        Ok(self.voice(&address)?.rest.tell(&path, &json!({})).await?)
    }

    async fn find(&self, address: &str, lost: Lost<'_>) -> Result<Option<String>, SendError> {
        let address = Address::read(address)?;
        let voice = self.voice(&address)?;
        // So that our webhook is known by its id.
        let hook = self.hook(&address).await?;
        let after = address.message.as_ref().map(|id| format!("&after={id}")).unwrap_or_default();
        let path = format!("/channels/{}/messages?limit={WINDOW}{after}", address.channel);
        let there: Vec<Message> = match voice.rest.get(&path).await {
            Ok(there) => there,
            // It may not read what was said here. What the bot says itself comes once for its nonce; without one, once more is
            // better than never.
            Err(error) if error.is_forbidden() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let ours = |message: &Message| {
            message.author.id == voice.me
                || message.application_id.as_deref() == Some(voice.application.as_str())
                || hook.as_ref().is_some_and(|hook| message.webhook_id.as_ref() == Some(&hook.id))
        };
        // A shown reply says what it answers; the rest is told by its words.
        let answers = |message: &Message| match (&message.reference, &address.message) {
            (Some(reference), Some(asked)) => reference.message_id.as_ref() == Some(asked),
            _ => true,
        };
        let found = there.into_iter().find(|message| {
            ours(message)
                && answers(message)
                && !lost.known.contains(&message.id)
                && message.content.trim() == lost.text.trim()
        });
        Ok(found.map(|message| message.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_short_and_its_keys_own() {
        let one = nonce("0190a1b2-0000-7000-8000-000000000000/0");
        assert_eq!(one.len(), 24);
        assert_ne!(one, nonce("0190a1b2-0000-7000-8000-000000000000/1"));
        assert_eq!(one, nonce("0190a1b2-0000-7000-8000-000000000000/0"));
    }
}
