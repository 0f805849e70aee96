//! Commands and buttons on Telegram, and who is let in.

use std::{future::IntoFuture, time::Duration};

use teloxide_core::{
    payloads::AnswerCallbackQuerySetters,
    requests::Requester,
    types::{CallbackQuery, MaybeInaccessibleMessage},
};

use super::{
    PLATFORM, Telegram, receive,
    send::{Address, with_buttons},
};
use crate::{
    conversation::{ConversationError, Inbound, Outbound, SendError, Subject},
    model::{Place, UserId, Viewer},
    platform::command::{Asker, Invocation, Outcome, ParseError, Pressed, Reply},
};

/// How often a message with buttons is changed when Telegram asks for patience; then the words come in a message of their
/// own.
const TRIES: usize = 3;
/// The longest pause between them.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest words of a notice (Bot API, answerCallbackQuery), in characters.
const NOTICE: usize = 200;

impl Telegram {
    /// The message with the character that answers there; `None`: whoever wrote it is not let in.
    pub(super) async fn admitted(&self, inbound: Inbound) -> Result<Option<Inbound>, ConversationError> {
        if !self.handles.commands.admits(&subject(&inbound.user, &inbound.place), &inbound.place).await? {
            return Ok(None);
        }
        let scope = inbound.place.scope(&inbound.user);
        let chosen = self.handles.conversations.gate().chosen(&scope).await?;
        let chosen = chosen.filter(|id| self.handles.conversations.has_character(id));
        let character = chosen.unwrap_or_else(|| inbound.character.clone());
        Ok(Some(Inbound { character, ..inbound }))
    }

    pub(super) async fn command(
        &self,
        line: &str,
        ours: bool,
        locale: String,
        inbound: Inbound,
    ) -> Result<(), ConversationError> {
        let invocation = match Invocation::parse(line) {
            Some(Ok(invocation)) => invocation,
            // In a group it may be another bot's.
            Some(Err(ParseError::Command { .. })) if !ours => return Ok(()),
            Some(Err(error)) => return self.remark(&inbound, &error.to_string()).await,
            None => return Ok(()),
        };
        let asker = Asker {
            viewer: Viewer::new(inbound.character.clone(), inbound.user.clone(), inbound.place.clone()),
            name: inbound.user_name.clone(),
            locale,
            admin: self.handles.commands.is_admin(&inbound.user),
            platform: PLATFORM.to_owned(),
            source: inbound.platform_id.clone(),
            address: inbound.address.clone(),
            at: inbound.at,
        };
        match self.handles.commands.run(&invocation, &asker).await? {
            Outcome::Reply(reply) => {
                let address = inbound.address.as_deref().map(|address| with_buttons(address, &reply.buttons));
                self.remark(&Inbound { address, ..inbound }, &reply.text).await
            }
            Outcome::Say(text) => self.said(Inbound { text, ..inbound }).await.map(drop),
            Outcome::Stop => {
                let stop = Inbound { text: "/stop".to_owned(), ..inbound };
                self.handles.conversations.take_in(stop).await.map(drop)
            }
        }
    }

    /// A button was pressed.
    pub(super) async fn pressed(&self, query: &CallbackQuery) -> Result<(), ConversationError> {
        let (Some(data), Some(message)) = (&query.data, &query.message) else {
            self.notice(query, None).await;
            return Ok(());
        };
        let Ok(user) = UserId::new(format!("{PLATFORM}:{}", query.from.id)) else { return Ok(()) };
        let place = receive::place_of(message);
        if !self.handles.commands.admits(&subject(&user, &place), &place).await? {
            self.notice(query, None).await;
            return Ok(());
        }
        let asker = Asker {
            // Buttons know their character.
            viewer: Viewer::new(self.settings.character.clone(), user.clone(), place),
            name: receive::name(&query.from),
            locale: query.from.language_code.clone().unwrap_or_default(),
            admin: self.handles.commands.is_admin(&user),
            platform: PLATFORM.to_owned(),
            source: format!("press/{}", query.id),
            address: Some(address(message).to_text()),
            at: self.handles.clock.now(),
        };
        match self.handles.commands.press(data, &asker).await? {
            Pressed::Replace(reply) => {
                self.replace(message, &reply, &asker).await?;
                self.notice(query, None).await;
            }
            Pressed::Notice(text) => self.notice(query, Some(&text)).await,
        }
        Ok(())
    }

    /// Changes the message with the buttons; where Telegram does not let it, the words come in a message of their own.
    async fn replace(
        &self,
        message: &MaybeInaccessibleMessage,
        reply: &Reply,
        asker: &Asker,
    ) -> Result<(), ConversationError> {
        let address = with_buttons(&address(message).to_text(), &reply.buttons);
        let id = message.id().to_string();
        for _ in 0..TRIES {
            match self.sender.edit(&address, &id, &reply.text).await {
                Ok(()) => return Ok(()),
                Err(SendError::Wait(pause)) if pause <= PATIENCE => tokio::time::sleep(pause).await,
                Err(error) => {
                    tracing::warn!(%error, "a message with buttons could not be changed");
                    break;
                }
            }
        }
        let to = Inbound {
            platform: PLATFORM.to_owned(),
            platform_id: asker.source.clone(),
            character: asker.viewer.character.clone(),
            user: asker.viewer.user.clone(),
            user_name: asker.name.clone(),
            place: asker.viewer.place.clone(),
            text: String::new(),
            beside: Vec::new(),
            at: asker.at,
            address: Some(address),
        };
        self.remark(&to, &reply.text).await
    }

    /// Ends the waiting sign on a button, perhaps with words for whoever pressed it.
    async fn notice(&self, query: &CallbackQuery, text: Option<&str>) {
        let mut answer = self.sender.bot.answer_callback_query(query.id.clone());
        if let Some(text) = text {
            answer = answer.text(text.chars().take(NOTICE).collect::<String>());
        }
        if let Err(error) = answer.into_future().await {
            // Telegram takes no answer to a press that is older than a minute or so.
            let error = self.sender.without_token(&error.to_string());
            tracing::debug!(error, "a press of a button was not confirmed");
        }
    }
}

fn address(message: &MaybeInaccessibleMessage) -> Address {
    let thread = message.regular_message().and_then(receive::topic);
    Address { chat: message.chat().id.0, thread, message: message.id().0, quote: false }
}

/// Telegram knows no roles.
pub(super) fn subject(user: &UserId, place: &Place) -> Subject {
    Subject::new(user.clone(), place, Vec::new())
}
