//! What Telegram shows of a bot before anybody talks to it: the menu of commands, and a line about who it is.

use std::future::IntoFuture;

use teloxide_core::{
    RequestError,
    payloads::{SetMyCommandsSetters, SetMyDescriptionSetters, SetMyShortDescriptionSetters},
    requests::Requester,
    types::{BotCommand, BotCommandScope, ChatId, Recipient},
};

use super::{PLATFORM, Telegram};
use crate::platform::command::{COMMANDS, LANGUAGES, Spec, Who};

/// The longest line in a chat that is empty yet, in characters (Bot API, setMyDescription).
const DESCRIPTION: usize = 512;
/// The longest line on the bot's page (Bot API, setMyShortDescription).
const SHORT: usize = 120;

impl Telegram {
    /// Shows it all. What Telegram does not take is left out.
    pub(super) async fn present(&self) {
        self.list(None).await;
        // The people in charge see their commands in private; groups are everybody's.
        for admin in self.handles.commands.admins() {
            let id = admin.as_str().strip_prefix(PLATFORM).and_then(|rest| rest.strip_prefix(':'));
            if let Some(id) = id.and_then(|id| id.parse().ok()) {
                self.list(Some(ChatId(id))).await;
            }
        }
        if let Err(error) = self.describe().await {
            let error = self.sender.without_token(&error.to_string());
            tracing::info!(error, "Telegram does not show who the character is");
        }
    }

    /// The menu in every language, for everybody or for one private chat.
    async fn list(&self, chat: Option<ChatId>) {
        let shown = |spec: &&Spec| {
            (spec.listed && spec.who == Who::Everybody) || (chat.is_some() && spec.who == Who::Admins)
        };
        for language in ["en"].into_iter().chain(LANGUAGES) {
            let listed = COMMANDS.iter().filter(shown);
            let commands = listed.map(|spec| BotCommand::new(spec.name.en, spec.about.of(language)));
            let mut request = self.sender.bot.set_my_commands(commands);
            if let Some(chat) = chat {
                request = request.scope(BotCommandScope::Chat { chat_id: Recipient::Id(chat) });
            }
            // English is for everybody else.
            if language != "en" {
                request = request.language_code(language);
            }
            match (request.into_future().await, chat) {
                (Ok(_), _) => {}
                // Somebody who has never talked to the bot has no chat yet.
                (Err(_), Some(_)) => return,
                (Err(error), None) => tracing::warn!(
                    error = self.sender.without_token(&error.to_string()),
                    language,
                    "commands are not listed on Telegram"
                ),
            }
        }
    }

    /// The character's line. It is changed only when it is another: Telegram takes few changes a day.
    async fn describe(&self) -> Result<(), RequestError> {
        let character = self.handles.cast.get(&self.settings.character);
        let Some(line) = character.and_then(|character| character.tagline.clone()) else { return Ok(()) };
        let (bot, cut) = (&self.sender.bot, |longest| line.chars().take(longest).collect::<String>());
        let (long, short) = (cut(DESCRIPTION), cut(SHORT));
        if bot.get_my_description().into_future().await?.description != long {
            bot.set_my_description().description(long).into_future().await?;
        }
        if bot.get_my_short_description().into_future().await?.short_description != short {
            bot.set_my_short_description().short_description(short).into_future().await?;
        }
        Ok(())
    }
}
