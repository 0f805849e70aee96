//! Where a platform's messages are worked off: one worker a conversation, that puts quick messages of one person together,
//! has one turn at a time, shows the answer while it is written, and stops when it is told to.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Conversations,
    outbound::SendError,
    outbox::{Outbox, OutboxError, Post, Urgency},
    stream::{Draft, Stream},
};
use crate::model::{Aside, Message, MessageId, TurnEvent, UserId};

/// Messages of one person that follow each other this quickly are answered together, outside of DMs (product.md, DLV).
const DEBOUNCE: Duration = Duration::from_millis(1_200);
/// But nobody waits longer than this for it.
const LONGEST_DEBOUNCE: Duration = Duration::from_secs(5);
/// A worker without work leaves after this time.
const IDLE: Duration = Duration::from_secs(60);
/// Orders that may wait for one worker.
const ORDERS: usize = 64;
/// Events of a turn that may wait to be shown.
const EVENTS: usize = 256;

/// What a worker is told.
#[derive(Debug)]
pub(super) enum Order {
    /// Answer this.
    Answer(Box<Message>),
    /// This message says something else now.
    Changed(Box<Message>),
    /// This person wants no answer to what they last said.
    Stop(UserId),
    /// This answer was left undelivered.
    Deliver(Box<Message>),
    /// This was written down, and perhaps half sent.
    Repeat(Post, String),
}

/// All workers.
#[derive(Debug, Default, Clone)]
pub(super) struct Desk(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    workers: Mutex<HashMap<String, mpsc::Sender<Order>>>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Desk {
    /// Gives an order to the worker of a conversation, who is called when there is none.
    pub(super) async fn order(&self, talk: &Talk, mut order: Order) {
        loop {
            if self.0.closing.is_cancelled() {
                // What is stored stays; the next start takes it up.
                return;
            }
            let orders = {
                let mut workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
                // A worker that has ended takes no orders.
                workers.retain(|_, orders| !orders.is_closed());
                workers.entry(talk.key.clone()).or_insert_with(|| self.call(talk)).clone()
            };
            match orders.send(order).await {
                Ok(()) => return,
                // The worker has just left.
                Err(back) => order = back.0,
            }
        }
    }

    fn call(&self, talk: &Talk) -> mpsc::Sender<Order> {
        let (sender, orders) = mpsc::channel(ORDERS);
        let worker = Worker { desk: self.clone(), talk: talk.clone(), orders, waiting: VecDeque::new() };
        self.0.tasks.spawn(worker.run());
        sender
    }

    /// No new turns; waits for those that run. False when some did not end within `limit`.
    pub(super) async fn close(&self, limit: Duration) -> bool {
        self.0.closing.cancel();
        self.0.tasks.close();
        tokio::time::timeout(limit, self.0.tasks.wait()).await.is_ok()
    }
}

/// A conversation on a platform.
#[derive(Clone)]
pub(super) struct Talk {
    pub(super) key: String,
    pub(super) conversations: Conversations,
    pub(super) outbox: Outbox,
}

struct Worker {
    desk: Desk,
    talk: Talk,
    orders: mpsc::Receiver<Order>,
    waiting: VecDeque<Message>,
}

/// What came of a turn, beside its words.
#[derive(Default)]
struct Told {
    answer: Option<String>,
    error: Option<String>,
    before: Vec<String>,
    after: Vec<String>,
}

/// How a turn ended for the worker.
enum Ended {
    Told(Told),
    Stopped,
    /// A message was changed in the meantime: begin again.
    Changed,
}

impl Worker {
    async fn run(mut self) {
        let closing = self.desk.0.closing.clone();
        loop {
            if self.waiting.is_empty() {
                let order = tokio::select! {
                    order = tokio::time::timeout(IDLE, self.orders.recv()) => order,
                    () = closing.cancelled() => return,
                };
                match order {
                    Ok(Some(order)) => self.take(order).await,
                    Ok(None) => return,
                    Err(_) => {
                        if self.leave().await {
                            return;
                        }
                    }
                }
                continue;
            }
            if closing.is_cancelled() {
                return;
            }
            self.next().await;
        }
    }

    /// True when nothing has come in meanwhile.
    async fn leave(&mut self) -> bool {
        {
            let mut workers = self.desk.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
            if !self.orders.is_empty() {
                return false;
            }
            workers.remove(&self.talk.key);
            // Whoever still holds a sender hears that nobody is here, and calls another worker.
            self.orders.close();
        }
        // But for what was sent in between.
        while let Some(order) = self.orders.recv().await {
            self.take(order).await;
        }
        while !self.waiting.is_empty() {
            self.next().await;
        }
        true
    }

    /// An order while no turn runs.
    async fn take(&mut self, order: Order) {
        match order {
            Order::Answer(message) => self.waiting.push_back(*message),
            Order::Changed(changed) => {
                for message in self.waiting.iter_mut().filter(|message| message.id == changed.id) {
                    message.text.clone_from(&changed.text);
                }
            }
            Order::Stop(user) => {
                let (stopped, rest): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.waiting)
                    .into_iter()
                    .partition(|message| message.author.user() == Some(&user));
                self.waiting = rest;
                self.dismiss(&stopped.iter().map(|message| message.id).collect::<Vec<_>>()).await;
            }
            Order::Deliver(reply) => self.deliver(&reply).await,
            Order::Repeat(post, text) => repeat(&self.talk.outbox, post, &text).await,
        }
    }

    /// The next turn: all that its person has said by now.
    async fn next(&mut self) {
        self.gather_quick_ones().await;
        let Some(author) = self.waiting.front().and_then(|message| message.author.user()).cloned() else {
            self.waiting.pop_front();
            return;
        };
        let (batch, rest): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|message| message.author.user() == Some(&author));
        self.waiting = rest;
        let mut batch = Vec::from(batch);
        loop {
            match self.turn(&mut batch).await {
                Ended::Changed => {}
                Ended::Stopped => {
                    let ids: Vec<_> = batch.iter().map(|message| message.id).collect();
                    return self.dismiss(&ids).await;
                }
                Ended::Told(told) => return self.tell(&batch, told).await,
            }
        }
    }

    async fn gather_quick_ones(&mut self) {
        let Some(first) = self.waiting.front().cloned() else { return };
        if matches!(first.scope, crate::model::Scope::Dm(_)) {
            while let Ok(order) = self.orders.try_recv() {
                self.take(order).await;
            }
            return;
        }
        let longest = Instant::now() + LONGEST_DEBOUNCE;
        let mut until = Instant::now() + DEBOUNCE;
        while let Ok(Some(order)) = tokio::time::timeout_at(until.min(longest), self.orders.recv()).await {
            let goes_on = matches!(&order, Order::Answer(message) if message.author == first.author);
            if goes_on {
                until = Instant::now() + DEBOUNCE;
            }
            self.take(order).await;
        }
    }

    /// One turn over these messages.
    async fn turn(&mut self, batch: &mut [Message]) -> Ended {
        let Some(joined) = joined(batch) else { return Ended::Stopped };
        let also: Vec<MessageId> =
            batch.iter().map(|message| message.id).filter(|id| *id != joined.id).collect();
        let Some(post) = post(&self.talk.key, &joined) else { return Ended::Stopped };
        let Some(viewer) = Conversations::viewer_of(&joined) else { return Ended::Stopped };
        let talk = self.talk.clone();
        let address = post.address.clone();
        let (sender, events) = mpsc::channel(EVENTS);
        let (draft, shown) = watch::channel(Draft::default());
        let mut stream = Stream::new(&talk.outbox, post);
        let mut work = std::pin::pin!(async {
            let answer = async {
                let _turn = talk.conversations.mailboxes.enter(&viewer).await;
                let answered = talk
                    .conversations
                    .answer(viewer.clone(), (joined, also), std::time::Instant::now(), &sender)
                    .await;
                drop(sender);
                answered
            };
            let follow = async {
                tokio::select! {
                    () = stream.follow(shown.clone()) => {}
                    () = typing(&talk.outbox, &address, shown.clone()) => {}
                }
            };
            let (answered, told, ()) = tokio::join!(answer, collect(events, &draft), follow);
            if let Err(error) = answered {
                tracing::error!(%error, "a message could not be answered");
            }
            told
        });
        loop {
            let order = tokio::select! {
                told = &mut work => return Ended::Told(told),
                Some(order) = self.orders.recv() => order,
            };
            let over = shown.borrow().ended;
            match order {
                Order::Answer(message) => self.waiting.push_back(*message),
                Order::Stop(user) if !over && batch.iter().any(|it| it.author.user() == Some(&user)) => {
                    return Ended::Stopped;
                }
                Order::Changed(changed) if !over && batch.iter().any(|it| it.id == changed.id) => {
                    for message in batch.iter_mut().filter(|message| message.id == changed.id) {
                        message.text.clone_from(&changed.text);
                    }
                    return Ended::Changed;
                }
                Order::Changed(changed) => {
                    for message in self.waiting.iter_mut().filter(|message| message.id == changed.id) {
                        message.text.clone_from(&changed.text);
                    }
                }
                Order::Stop(_) => {}
                // A command is answered at once, whatever else goes on.
                Order::Repeat(post, text) => {
                    let (outbox, tasks) = (self.talk.outbox.clone(), &self.desk.0.tasks);
                    tasks.spawn(async move { repeat(&outbox, post, &text).await });
                }
                // Only the start of a platform gives these, before anything else.
                Order::Deliver(_) => tracing::warn!("an answer is left to be delivered by the next start"),
            }
        }
    }

    /// Brings what came of a turn to the platform.
    async fn tell(&self, batch: &[Message], told: Told) {
        let Some(joined) = joined(batch) else { return };
        let Some(post) = post(&self.talk.key, &joined) else { return };
        let aside = |number: usize| Post { key: format!("{}!{number}", joined.id), ..post.clone() };
        for (number, text) in told.before.iter().enumerate() {
            if let Err(error) = show(&self.talk.outbox, aside(number), text).await {
                tracing::warn!(%error, "a remark could not be delivered");
            }
        }
        let delivered = match told.answer.as_ref().or(told.error.as_ref()) {
            Some(text) => self.finish(post.clone(), text).await,
            None => Ok(()),
        };
        self.settle(joined.id, delivered).await;
        for (number, text) in told.after.iter().enumerate() {
            if let Err(error) = show(&self.talk.outbox, aside(told.before.len() + number), text).await {
                tracing::warn!(%error, "a remark could not be delivered");
            }
        }
    }

    /// Delivers an answer that a killed process had stored.
    async fn deliver(&self, reply: &Message) {
        let (Some(asked), Some(address)) = (reply.reply_to, &reply.address) else { return };
        let post =
            Post { key: asked.to_string(), conversation: self.talk.key.clone(), address: address.clone() };
        let delivered = self.finish(post, &reply.text).await;
        self.settle(asked, delivered).await;
    }

    async fn settle(&self, asked: MessageId, delivered: Result<(), OutboxError>) {
        match delivered {
            Ok(()) => {}
            Err(OutboxError::Platform(error @ SendError::Refused(_))) => {
                tracing::warn!(%error, "an answer cannot be delivered");
            }
            Err(error) => {
                tracing::error!(%error, "an answer is not delivered; the next start tries again");
                return;
            }
        }
        if let Err(error) = self.talk.conversations.memory.mark_delivered(asked).await {
            tracing::error!(%error, "an answer could not be marked as delivered");
        }
    }

    async fn finish(&self, post: Post, text: &str) -> Result<(), OutboxError> {
        match Stream::new(&self.talk.outbox, post.clone()).finish(text).await {
            Err(OutboxError::Platform(SendError::Moved(address))) => {
                Stream::new(&self.talk.outbox, Post { address, ..post }).finish(text).await
            }
            done => done,
        }
    }

    async fn dismiss(&self, messages: &[MessageId]) {
        if let Err(error) = self.talk.conversations.memory.mark_failed(messages).await {
            tracing::error!(%error, "stopped messages could not be marked");
        }
        for message in messages {
            if let Err(error) = self.talk.outbox.drop_begun(&message.to_string()).await {
                tracing::error!(%error, "a piece of a stopped answer may still be sent");
            }
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

async fn repeat(outbox: &Outbox, post: Post, text: &str) {
    if let Err(error) = show(outbox, post, text).await {
        tracing::warn!(%error, "a message could not be sent");
    }
}

/// Several messages as one: the last, with the words of all.
fn joined(batch: &[Message]) -> Option<Message> {
    let text = batch.iter().map(|message| message.text.as_str()).collect::<Vec<_>>().join("\n");
    Some(Message { text, ..batch.last()?.clone() })
}

/// Where the answer to a message goes.
fn post(conversation: &str, message: &Message) -> Option<Post> {
    let address = message.address.clone()?;
    Some(Post { key: message.id.to_string(), conversation: conversation.to_owned(), address })
}

/// Reads the events of a turn to their end; the words so far go to `draft`.
async fn collect(mut events: mpsc::Receiver<TurnEvent>, draft: &watch::Sender<Draft>) -> Told {
    let mut told = Told::default();
    while let Some(event) = events.recv().await {
        match event {
            TurnEvent::Delta { text } => draft.send_modify(|draft| draft.text.push_str(&text)),
            TurnEvent::Final { text, .. } => {
                told.answer = Some(text);
                draft.send_modify(|draft| draft.ended = true);
            }
            TurnEvent::Error { message, .. } => told.error = Some(message),
            TurnEvent::Aside { kind: Aside::Offline, text } => told.before.push(text),
            TurnEvent::Aside { text, .. } => told.after.push(text),
            TurnEvent::Routed { .. } | TurnEvent::Recalled { .. } | TurnEvent::Refused { .. } => {}
        }
    }
    draft.send_modify(|draft| draft.ended = true);
    told
}

/// Shows that the character is typing until the answer has ended.
async fn typing(outbox: &Outbox, address: &str, mut draft: watch::Receiver<Draft>) {
    let Some(lasts) = outbox.platform().capabilities().typing_lasts else {
        // Nothing to show: wait for the other side.
        return std::future::pending().await;
    };
    loop {
        if let Err(error) = outbox.platform().typing(address).await {
            tracing::debug!(%error, "no typing sign");
        }
        let ended = draft.wait_for(|draft| draft.ended);
        if tokio::time::timeout(lasts, ended).await.is_ok() {
            return;
        }
    }
}
