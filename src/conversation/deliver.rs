//! Bringing what was said to its platform: the answer to a message, remarks around it, the typing sign.

use tokio::sync::watch;

use super::{
    Conversations,
    outbound::SendError,
    outbox::{Outbox, OutboxError, Post, Urgency},
    stream::{Draft, Stream},
};
use crate::model::{Message, MessageId};

/// A conversation on a platform.
#[derive(Clone)]
pub(super) struct Talk {
    pub(super) key: String,
    pub(super) conversations: Conversations,
    pub(super) outbox: Outbox,
}

impl Talk {
    /// Ends what is shown as the answer to `asked`; without one, nothing is shown.
    pub(super) async fn conclude(&self, post: &Post, asked: MessageId, answer: Option<&str>) {
        let delivered = match answer {
            Some(text) => self.finish(post.clone(), text).await,
            None => Ok(()),
        };
        self.settle(asked, delivered).await;
    }

    /// Remarks around the answer to `asked`, numbered from `first`.
    pub(super) async fn asides(&self, post: &Post, asked: MessageId, first: usize, texts: &[String]) {
        for (number, text) in texts.iter().enumerate() {
            let aside = Post { key: format!("{asked}!{}", first + number), ..post.clone() };
            if let Err(error) = show(&self.outbox, aside, text).await {
                tracing::warn!(%error, "a remark could not be delivered");
            }
        }
    }

    /// Remarks behind the answer to these messages.
    pub(super) async fn remarks(self, batch: &[Message], first: usize, texts: &[String]) {
        let Some(joined) = joined(batch) else { return };
        let Some(post) = post(&self.key, &joined) else { return };
        self.asides(&post, joined.id, first, texts).await;
    }

    /// Delivers an answer that a killed process had stored.
    pub(super) async fn deliver(self, reply: &Message) {
        let (Some(asked), Some(address)) = (reply.reply_to, &reply.address) else { return };
        let post = Post { key: asked.to_string(), conversation: self.key.clone(), address: address.clone() };
        self.conclude(&post, asked, Some(&reply.text)).await;
    }

    /// Sends what was written down, or finds that it was sent.
    pub(super) async fn repeat(self, post: Post, text: &str) {
        if let Err(error) = show(&self.outbox, post, text).await {
            tracing::warn!(%error, "a message could not be sent");
        }
    }

    /// Nobody wants these messages answered any more.
    pub(super) async fn dismiss(&self, messages: &[MessageId]) {
        self.leave_unanswered(messages).await;
        for message in messages {
            self.drop_begun(*message).await;
        }
    }

    async fn leave_unanswered(&self, messages: &[MessageId]) {
        if let Err(error) = self.conversations.memory.dismiss(messages).await {
            tracing::error!(%error, "stopped messages could not be marked");
        }
    }

    async fn drop_begun(&self, message: MessageId) {
        if let Err(error) = self.outbox.drop_begun(&message.to_string()).await {
            tracing::error!(%error, "a piece of a stopped answer may still be sent");
        }
    }

    /// A message was taken back: what its answer already shows goes, too.
    pub(super) async fn take_back(&self, message: &Message) {
        self.leave_unanswered(&[message.id]).await;
        if let Some(post) = post(&self.key, message) {
            self.withdraw(post).await;
        }
        self.drop_begun(message.id).await;
    }

    /// What is shown of an answer goes.
    pub(super) async fn withdraw(&self, post: Post) {
        if let Err(error) = Stream::new(&self.outbox, post).withdraw().await {
            tracing::warn!(%error, "the start of an answer that nobody wants any more stays");
        }
    }

    async fn settle(&self, asked: MessageId, delivered: Result<(), OutboxError>) {
        match delivered {
            Ok(()) => {}
            Err(OutboxError::Platform(error @ SendError::Refused(_))) => {
                tracing::warn!(%error, "an answer cannot be delivered");
            }
            Err(error) => {
                tracing::error!(%error, "an answer is not delivered; it is tried again within a minute or two");
                let conversations = &self.conversations;
                if let Err(error) = conversations.memory.release(asked, conversations.queue.name()).await {
                    tracing::error!(%error, "an answer that is not delivered waits for the next start");
                }
                return;
            }
        }
        if let Err(error) = self.conversations.memory.mark_delivered(asked).await {
            tracing::error!(%error, "an answer could not be marked as delivered");
        }
    }

    async fn finish(&self, post: Post, text: &str) -> Result<(), OutboxError> {
        match Stream::new(&self.outbox, post.clone()).finish(text).await {
            Err(OutboxError::Platform(SendError::Moved(address))) => {
                Stream::new(&self.outbox, Post { address, ..post }).finish(text).await
            }
            done => done,
        }
    }
}

async fn show(outbox: &Outbox, post: Post, text: &str) -> Result<(), OutboxError> {
    match outbox.show(&post, text, Urgency::Lasting).await {
        Err(OutboxError::Platform(SendError::Moved(address))) => {
            outbox.show(&Post { address, ..post }, text, Urgency::Lasting).await
        }
        done => done,
    }
}

/// Several messages as one: the last, with the words of all.
pub(super) fn joined(batch: &[Message]) -> Option<Message> {
    let text = batch.iter().map(|message| message.text.as_str()).collect::<Vec<_>>().join("\n");
    let beside = batch.iter().flat_map(|message| message.beside.clone()).collect();
    Some(Message { text, beside, ..batch.last()?.clone() })
}

/// Where the answer to a message goes.
pub(super) fn post(conversation: &str, message: &Message) -> Option<Post> {
    let address = message.address.clone()?;
    Some(Post { key: message.id.to_string(), conversation: conversation.to_owned(), address })
}

/// Shows that the character is typing until the answer has ended.
pub(super) async fn typing(outbox: &Outbox, address: &str, mut draft: watch::Receiver<Draft>) {
    let Some(lasts) = outbox.platform().capabilities().typing_lasts else { return };
    let sign = async {
        loop {
            if let Err(error) = outbox.platform().typing(address).await {
                tracing::debug!(%error, "no typing sign");
            }
            tokio::time::sleep(lasts).await;
        }
    };
    // A sign that is still on its way holds nothing up.
    tokio::select! {
        _ = draft.wait_for(|draft| draft.ended) => {}
        () = sign => {}
    }
}
