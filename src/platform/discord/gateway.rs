//! The gateway: one connection a shard, over twilight-gateway. How far a shard has read is kept after what it read is stored,
//! so that a process that is killed resumes where it left off, and Discord says again what it missed.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use reqwest::Url;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use twilight_gateway::{
    ConfigBuilder, Intents, Message, Session, Shard, ShardId, ShardState, error::ReceiveMessageErrorType,
    queue::InMemoryQueue,
};

use super::{
    DiscordError,
    bot::Bot,
    event::{Dispatch, Ready},
};
use crate::conversation::ConversationError;

/// How far a shard has read is written down at most so often; what is read again after a crash is known by its id.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// The pause before an event that could not be stored is taken in again.
const STORE_AGAIN: Duration = Duration::from_millis(500);
/// The pause before a server that was reached connects anew; it doubles while that fails.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// What is read is decided by what is switched on: messages and reactions in servers and in private. The words of messages
/// that do not mention the bot come only with the Message Content intent, which has to be switched on at Discord, too.
pub(super) fn intents(content: bool) -> Intents {
    let always = Intents::GUILDS
        | Intents::GUILD_MESSAGES
        | Intents::DIRECT_MESSAGES
        | Intents::GUILD_MESSAGE_REACTIONS
        | Intents::DIRECT_MESSAGE_REACTIONS;
    if content { always | Intents::MESSAGE_CONTENT } else { always }
}

/// How far a shard has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    session: Session,
    resume_url: Option<String>,
}

/// One shard of a bot.
pub(super) struct Reader {
    pub(super) bot: Arc<Bot>,
    pub(super) id: ShardId,
    pub(super) queue: InMemoryQueue,
    pub(super) intents: Intents,
    /// Where the gateway is.
    pub(super) url: String,
    /// The only address that may be spoken to, when one was configured.
    pub(super) home: Option<Url>,
}

/// Why a shard ends.
enum Ended {
    /// It was told to.
    Stopped,
    /// The server closed the connection for good.
    Closed(Option<u16>),
}

impl Reader {
    fn key(&self) -> String {
        format!("discord:{}:{}", self.bot.me.id, self.id)
    }

    /// Reads until `stop`.
    ///
    /// # Errors
    /// [`DiscordError`], when it can never work.
    pub(super) async fn run(self, stop: CancellationToken) -> Result<(), DiscordError> {
        let kept = match self.bot.handles.conversations.cursor(&self.key()).await {
            Ok(kept) => kept.and_then(|kept| serde_json::from_str::<Mark>(&kept).ok()),
            Err(error) => {
                tracing::warn!(%error, "where the gateway was left cannot be looked up: it begins anew");
                None
            }
        };
        match self.read(kept, &stop).await {
            Ended::Stopped => Ok(()),
            Ended::Closed(code) => Err(DiscordError::of_close(code, &self.bot.me.username)),
        }
    }

    /// A shard that goes on from `mark`, or begins.
    fn shard(&self, mark: Option<Mark>) -> Shard {
        let token = self.bot.token.expose_secret().to_owned();
        let mut config =
            ConfigBuilder::new(token, self.intents).queue(self.queue.clone()).proxy_url(self.url.clone());
        if let Some(Mark { session, resume_url }) = mark {
            config = config.session(session);
            if let Some(url) = resume_url.filter(|url| self.may_speak_to(url)) {
                config = config.resume_url(url);
            }
        }
        Shard::with_config(self.id, config.build())
    }

    /// With a server of one's own, nothing is sent to another.
    fn may_speak_to(&self, url: &str) -> bool {
        self.home.as_ref().is_none_or(|home| is_at_home(home, url))
    }

    fn mark(shard: &Shard) -> Option<Mark> {
        let session = shard.session()?.clone();
        Some(Mark { session, resume_url: shard.resume_url().map(str::to_owned) })
    }

    async fn read(&self, kept: Option<Mark>, stop: &CancellationToken) -> Ended {
        // What was said while nobody could read is asked for once, if the session cannot be gone on with.
        let mut missed = kept.is_some();
        let mut shard = self.shard(kept);
        let mut kept_at = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let item = tokio::select! {
                item = shard.next() => item,
                () = stop.cancelled() => {
                    // The connection ends without a close: that would end the session, too, which the next start goes on with.
                    self.keep(Self::mark(&shard)).await;
                    return Ended::Stopped;
                }
            };
            match item {
                Some(Ok(Message::Text(text))) => {
                    pause = FIRST_PAUSE;
                    match self.take(&text, &mut missed, stop, &shard).await {
                        Taken::Nothing => {}
                        Taken::Read => {
                            if kept_at.elapsed() >= KEEP_EVERY {
                                self.keep(Self::mark(&shard)).await;
                                kept_at = Instant::now();
                            }
                        }
                        Taken::Begun => {
                            self.keep(Self::mark(&shard)).await;
                            kept_at = Instant::now();
                        }
                        Taken::Stopped => return Ended::Stopped,
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map(|frame| frame.code);
                    if shard.state() == ShardState::FatallyClosed {
                        return Ended::Closed(code);
                    }
                    tracing::info!(?code, shard = %self.id, "the gateway closed the connection; it is opened again");
                }
                Some(Err(error)) => {
                    // An event may hold anybody's words: only its kind of error is told.
                    let kind = match error.kind() {
                        ReceiveMessageErrorType::Reconnect => "it cannot be reached",
                        ReceiveMessageErrorType::Deserializing { .. } => {
                            "it sent an event that cannot be read"
                        }
                        _ => "reading failed",
                    };
                    tracing::warn!(shard = %self.id, "Discord's gateway: {kind}");
                    if matches!(error.kind(), ReceiveMessageErrorType::Reconnect) {
                        tokio::select! {
                            () = tokio::time::sleep(pause) => {}
                            () = stop.cancelled() => return Ended::Stopped,
                        }
                        pause = (pause * 2).min(LAST_PAUSE);
                        // Anew, because the library's own pauses grow to minutes.
                        shard = self.shard(Self::mark(&shard));
                    }
                }
                None => return Ended::Closed(None),
            }
            // The library would go on where the server says; with a server of one's own, that must not be elsewhere.
            if shard.resume_url().is_some_and(|url| !self.may_speak_to(url)) {
                shard = self.shard(Self::mark(&shard));
            }
        }
    }

    /// Takes one message of the gateway in.
    async fn take(&self, text: &str, missed: &mut bool, stop: &CancellationToken, shard: &Shard) -> Taken {
        let dispatch: Dispatch = match serde_json::from_str(text) {
            Ok(dispatch) => dispatch,
            Err(error) => {
                tracing::warn!(
                    line = error.line(),
                    column = error.column(),
                    "an event of Discord's is no JSON"
                );
                return Taken::Nothing;
            }
        };
        let (0, Some(kind)) = (dispatch.op, dispatch.t.as_deref()) else { return Taken::Nothing };
        match kind {
            "READY" => {
                let ready: Ready =
                    serde_json::from_value(dispatch.d).unwrap_or(Ready { resume_gateway_url: None });
                if let Some(url) = ready.resume_gateway_url.filter(|url| !self.may_speak_to(url)) {
                    tracing::warn!(
                        url,
                        "the server wants the session to go on elsewhere: it goes on at home"
                    );
                }
                tracing::info!(bot = self.bot.me.username, shard = %self.id, "Discord is connected");
                if std::mem::replace(missed, true) {
                    self.bot.catch_up().await;
                }
                return Taken::Begun;
            }
            "RESUMED" => {
                tracing::info!(bot = self.bot.me.username, shard = %self.id, "Discord goes on where it was left");
                *missed = true;
                return Taken::Begun;
            }
            // Its answer must not be given twice, and it cannot be given late.
            "INTERACTION_CREATE" => {
                self.keep(Self::mark(shard)).await;
                self.bot.interact(&dispatch.d);
                return Taken::Read;
            }
            _ => {}
        }
        loop {
            match self.bot.dispatch(kind, &dispatch.d).await {
                Ok(()) => return Taken::Read,
                Err(error) => tracing::error!(%error, kind, "an event is not stored; trying again"),
            }
            tokio::select! {
                () = tokio::time::sleep(STORE_AGAIN) => {}
                () = stop.cancelled() => return Taken::Stopped,
            }
        }
    }

    async fn keep(&self, mark: Option<Mark>) {
        let Some(mark) = mark else { return };
        let kept: Result<(), ConversationError> = match serde_json::to_string(&mark) {
            Ok(text) => self.bot.handles.conversations.keep_cursor(&self.key(), &text).await,
            Err(_) => Ok(()),
        };
        if let Err(error) = kept {
            tracing::warn!(%error, "how far Discord was read could not be kept");
        }
    }
}

/// What became of a message of the gateway.
enum Taken {
    Nothing,
    Read,
    /// A session has begun or goes on.
    Begun,
    Stopped,
}

/// Whether the address of a gateway is the configured one: the same host and port.
pub(super) fn is_at_home(home: &Url, url: &str) -> bool {
    let is_loopback = |host: &str| {
        let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    };
    let Ok(url) = Url::parse(url) else { return false };
    let same_host = match (home.host_str(), url.host_str()) {
        (Some(home), Some(host)) => home == host || (is_loopback(home) && is_loopback(host)),
        _ => false,
    };
    // The default ports of ws and http are one, and so are those of wss and https.
    same_host && home.port_or_known_default() == url.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("http://127.0.0.1:8082", "ws://127.0.0.1:8082/gateway", true)]
    #[case("http://localhost:8082", "ws://[::1]:8082", true)]
    #[case("http://127.0.0.1:8082", "ws://127.0.0.1:9000/gateway", false)]
    #[case("https://chat.example", "wss://chat.example", true)]
    #[case("http://127.0.0.1:8082", "wss://gateway.discord.gg", false)]
    #[case("https://chat.example", "wss://chat.example.evil.test", false)]
    #[case("https://chat.example", "no address", false)]
    fn home_is_the_configured_address(#[case] home: &str, #[case] url: &str, #[case] expected: bool) {
        assert_eq!(is_at_home(&home.parse().unwrap(), url), expected);
    }
}
