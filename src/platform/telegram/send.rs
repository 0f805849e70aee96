//! Telegram's outgoing side.

use std::{
    future::IntoFuture,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use teloxide_core::{
    ApiError, Bot, RequestError,
    payloads::{
        EditMessageReplyMarkupSetters, EditMessageTextSetters, SendChatActionSetters, SendMessageSetters,
    },
    requests::Requester,
    types::{
        ChatAction, ChatId, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, MessageId,
        ParseMode, ReplyParameters, ThreadId,
    },
};

use super::{
    PLATFORM, format,
    pace::{Pace, What},
};
use crate::{
    conversation::{Capabilities, Lost, Outbound, SendError, Unit},
    platform::command::Button,
};

/// Telegram's limit is 4,096 UTF-16 units (Bot API, sendMessage); the rest is for bullets, which Markdown does not have.
const LONGEST: usize = 3_900;
/// The limit itself, for what is checked after formatting.
const LIMIT: usize = 4_096;
/// Telegram asks for at most one message a second in a chat (Bots FAQ).
const EDIT_EVERY: Duration = Duration::from_millis(1_100);
/// A typing sign lasts five seconds (Bot API, sendChatAction).
const TYPING: Duration = Duration::from_secs(4);
/// As many ids behind a message are looked through for its answer.
const WINDOW: i32 = 160;

/// Where an answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Address {
    /// The chat.
    pub(super) chat: i64,
    /// The topic, in a forum.
    pub(super) thread: Option<i32>,
    /// The message that is answered.
    pub(super) message: i32,
    /// Whether the answer is shown as a reply to it.
    pub(super) quote: bool,
}

impl Address {
    pub(super) fn to_text(self) -> String {
        // Numbers always become JSON.
        serde_json::to_string(&self).unwrap_or_default()
    }

    fn read(text: &str) -> Result<Self, SendError> {
        serde_json::from_str(text)
            .map_err(|error| SendError::Refused(format!("`{text}` is no address: {error}")))
    }

    fn chat(self) -> ChatId {
        ChatId(self.chat)
    }
}

/// Buttons of one row, as they travel beside an [`Address`]: what they say, and what they bring back.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Keyboard {
    #[serde(default)]
    buttons: Vec<(String, String)>,
}

impl Keyboard {
    fn read(address: &str) -> Option<InlineKeyboardMarkup> {
        let keyboard: Self = serde_json::from_str(address).unwrap_or_default();
        let row =
            keyboard.buttons.into_iter().map(|(label, data)| InlineKeyboardButton::callback(label, data));
        let row: Vec<_> = row.collect();
        (!row.is_empty()).then(|| InlineKeyboardMarkup::new([row]))
    }
}

/// The address, with buttons for the message that goes there.
pub(super) fn with_buttons(address: &str, buttons: &[Button]) -> String {
    if buttons.is_empty() {
        return address.to_owned();
    }
    let row: Vec<_> = buttons.iter().map(|button| json!([button.label, button.data])).collect();
    match serde_json::from_str::<Value>(address) {
        Ok(Value::Object(mut fields)) => {
            fields.insert("buttons".to_owned(), Value::Array(row));
            Value::Object(fields).to_string()
        }
        _ => address.to_owned(),
    }
}

/// Sends as one bot.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) bot: Bot,
    pub(super) pace: Arc<Pace>,
}

impl Sender {
    /// What an error means for whoever sends.
    fn fault(&self, address: Address, error: RequestError) -> SendError {
        match error {
            RequestError::RetryAfter(pause) => {
                let pause = pause.duration();
                self.pace.stop(address.chat, Instant::now() + pause);
                SendError::Wait(pause)
            }
            RequestError::MigrateToChatId(chat) => {
                SendError::Moved(Address { chat: chat.0, ..address }.to_text())
            }
            RequestError::Api(ApiError::Unknown(text))
                if text.contains("nternal") || text.contains("ateway") =>
            {
                SendError::Unreachable(text)
            }
            RequestError::Api(error) => SendError::Refused(error.to_string()),
            error => SendError::Unreachable(self.without_token(&error.to_string())),
        }
    }

    /// Errors of the network name the address, and the address holds the token.
    pub(super) fn without_token(&self, text: &str) -> String {
        text.replace(self.bot.token(), "***")
    }

    async fn send_as(
        &self,
        to: Address,
        text: &str,
        mode: Option<ParseMode>,
        (quote, keyboard): (bool, Option<&InlineKeyboardMarkup>),
    ) -> Result<i32, RequestError> {
        let preview = LinkPreviewOptions {
            is_disabled: true,
            url: None,
            prefer_small_media: false,
            prefer_large_media: false,
            show_above_text: false,
        };
        let mut request = self.bot.send_message(to.chat(), text).link_preview_options(preview);
        if let Some(mode) = mode {
            request = request.parse_mode(mode);
        }
        if let Some(thread) = to.thread {
            request = request.message_thread_id(ThreadId(MessageId(thread)));
        }
        if let Some(keyboard) = keyboard {
            request = request.reply_markup(keyboard.clone());
        }
        if quote {
            let reply = ReplyParameters::new(MessageId(to.message)).allow_sending_without_reply();
            request = request.reply_parameters(reply);
        }
        Ok(request.into_future().await?.id.0)
    }
}

/// Whether formatted text can be sent, or only the plain words.
fn formatted(text: &str) -> Option<String> {
    let html = format::html(text);
    (!html.is_empty() && format::visible_length(&html) <= LIMIT).then_some(html)
}

/// The words alone; as they stand, when nothing is left of them or they are too long.
fn unformatted(text: &str) -> String {
    let plain = format::plain(text);
    let fits = !plain.is_empty() && Unit::Utf16.length(&plain) <= LIMIT;
    if fits { plain } else { text.to_owned() }
}

fn is_unparsable(error: &RequestError) -> bool {
    matches!(
        error,
        RequestError::Api(
            ApiError::CantParseEntities(_)
                | ApiError::MessageIsTooLong
                | ApiError::EditedMessageIsTooLong
                | ApiError::MessageTextIsEmpty
        )
    )
}

#[async_trait]
impl Outbound for Sender {
    fn platform(&self) -> &str {
        PLATFORM
    }

    fn room(&self, address: &str) -> String {
        // Topics of a forum share the ids of their group.
        Address::read(address).map(|address| address.chat.to_string()).unwrap_or_default()
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
        let to = Address::read(address)?;
        self.pace.take(to.chat, What::Message, Instant::now()).map_err(SendError::Wait)?;
        let keyboard = Keyboard::read(address);
        let with = (to.quote && key.ends_with("/0"), keyboard.as_ref());
        let mut sent = match formatted(text) {
            Some(html) => self.send_as(to, &html, Some(ParseMode::Html), with).await,
            None => self.send_as(to, &unformatted(text), None, with).await,
        };
        if sent.as_ref().is_err_and(is_unparsable) {
            tracing::warn!("Telegram did not understand a formatted message: sending the plain words");
            sent = self.send_as(to, &unformatted(text), None, with).await;
        }
        sent.map(|id| id.to_string()).map_err(|error| self.fault(to, error))
    }

    async fn edit(&self, address: &str, id: &str, text: &str) -> Result<(), SendError> {
        let to = Address::read(address)?;
        let id = message_id(id)?;
        self.pace.take(to.chat, What::Change, Instant::now()).map_err(SendError::Wait)?;
        let keyboard = Keyboard::read(address);
        let edit = async |text: &str, mode: Option<ParseMode>| {
            let mut request = self.bot.edit_message_text(to.chat(), id, text);
            if let Some(mode) = mode {
                request = request.parse_mode(mode);
            }
            if let Some(keyboard) = &keyboard {
                request = request.reply_markup(keyboard.clone());
            }
            request.into_future().await.map(drop)
        };
        let mut done = match formatted(text) {
            Some(html) => edit(&html, Some(ParseMode::Html)).await,
            None => edit(&unformatted(text), None).await,
        };
        if done.as_ref().is_err_and(is_unparsable) {
            done = edit(&unformatted(text), None).await;
        }
        match done {
            // It says so already; or somebody has deleted it, and there is nothing left to change.
            Ok(())
            | Err(RequestError::Api(
                ApiError::MessageNotModified
                | ApiError::MessageToEditNotFound
                | ApiError::MessageIdInvalid
                | ApiError::MessageCantBeEdited,
            )) => Ok(()),
            Err(error) => Err(self.fault(to, error)),
        }
    }

    async fn delete(&self, address: &str, id: &str) -> Result<(), SendError> {
        let to = Address::read(address)?;
        match self.bot.delete_message(to.chat(), message_id(id)?).into_future().await {
            Ok(_)
            | Err(RequestError::Api(ApiError::MessageToDeleteNotFound | ApiError::MessageIdInvalid)) => {
                Ok(())
            }
            Err(error) => Err(self.fault(to, error)),
        }
    }

    async fn typing(&self, address: &str) -> Result<(), SendError> {
        let to = Address::read(address)?;
        let mut request = self.bot.send_chat_action(to.chat(), ChatAction::Typing);
        if let Some(thread) = to.thread {
            request = request.message_thread_id(ThreadId(MessageId(thread)));
        }
        request.into_future().await.map(drop).map_err(|error| self.fault(to, error))
    }

    /// The Bot API has no idempotency keys and shows a bot no history. But ids grow, and a bot can change its own messages
    /// only: asked to take the (missing) buttons off each id behind the message that was answered, Telegram says "not
    /// modified" for exactly the message that was sent and never noted, and changes nothing.
    async fn find(&self, address: &str, lost: Lost<'_>) -> Result<Option<String>, SendError> {
        let to = Address::read(address)?;
        let known: Vec<i32> = lost.known.iter().filter_map(|id| id.parse().ok()).collect();
        let last = known.iter().copied().max().unwrap_or(to.message).max(to.message);
        for candidate in
            (to.message.saturating_add(1)..=last.saturating_add(WINDOW)).filter(|id| !known.contains(id))
        {
            // A flood wait is waited out here: begun again from the first id, the search would never get to the last.
            loop {
                let mut probe = self.bot.edit_message_reply_markup(to.chat(), MessageId(candidate));
                if let Some(keyboard) = Keyboard::read(address) {
                    probe = probe.reply_markup(keyboard);
                }
                match probe.into_future().await {
                    Ok(_) | Err(RequestError::Api(ApiError::MessageNotModified)) => {
                        return Ok(Some(candidate.to_string()));
                    }
                    Err(RequestError::Api(
                        ApiError::MessageToEditNotFound
                        | ApiError::MessageIdInvalid
                        | ApiError::MessageCantBeEdited,
                    )) => break,
                    Err(error) => match self.fault(to, error) {
                        SendError::Wait(pause) => tokio::time::sleep(pause).await,
                        fault => return Err(fault),
                    },
                }
            }
        }
        Ok(None)
    }
}

fn message_id(text: &str) -> Result<MessageId, SendError> {
    text.parse()
        .map(MessageId)
        .map_err(|_| SendError::Refused(format!("`{text}` is no message of Telegram's")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_comes_back_as_it_was() {
        let address = Address { chat: -100_123, thread: Some(7), message: 42, quote: true };
        assert_eq!(Address::read(&address.to_text()), Ok(address));
        assert!(matches!(Address::read("{}"), Err(SendError::Refused(_))));
    }

    #[test]
    fn buttons_travel_with_an_address() {
        let address = Address { chat: 7, thread: None, message: 42, quote: false };
        let button = Button { label: "Keep it".to_owned(), data: "abc/no".to_owned() };
        let text = with_buttons(&address.to_text(), &[button]);
        assert_eq!(Address::read(&text), Ok(address));
        let keyboard = Keyboard::read(&text).unwrap();
        assert_eq!(keyboard.inline_keyboard[0][0].text, "Keep it");
        assert!(Keyboard::read(&address.to_text()).is_none());
    }

    #[test]
    fn errors_never_show_the_token() {
        let sender = Sender { bot: Bot::new("123:secret"), pace: Arc::default() };
        assert_eq!(
            sender.without_token("error for http://x/bot123:secret/getMe"),
            "error for http://x/bot***/getMe"
        );
    }
}
