//! Telegram, through the Bot API (teloxide-core).

mod format;
