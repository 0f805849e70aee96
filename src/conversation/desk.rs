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
    deliver::{Talk, joined, post, typing},
    outbox::Post,
    stream::{Draft, Stream},
};
use crate::model::{Aside, Message, MessageId, Timestamp, TurnEvent, UserId};

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
    /// This person wants no answer to what they had said by this moment. A stop that comes again, after a crash, stops nothing
    /// newer.
    Stop(UserId, Timestamp),
    /// This message was taken back.
    Gone(MessageId),
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
        let worker = Worker {
            desk: self.clone(),
            talk: talk.clone(),
            orders,
            waiting: VecDeque::new(),
            later: VecDeque::new(),
        };
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

struct Worker {
    desk: Desk,
    talk: Talk,
    orders: mpsc::Receiver<Order>,
    /// Messages to answer.
    waiting: VecDeque<Message>,
    /// Orders that came while something was being delivered.
    later: VecDeque<Order>,
}

/// How a turn ended for the worker.
enum Ended {
    /// It was told; these remarks come after it, the first of them with this number.
    Told(usize, Vec<String>),
    Stopped,
    /// It was stopped before the first word of its answer.
    Unsaid,
    /// A message was changed in the meantime: begin again.
    Changed,
    /// A message was taken back in the meantime: begin again without it.
    Gone(MessageId),
}

impl Worker {
    async fn run(mut self) {
        let closing = self.desk.0.closing.clone();
        loop {
            if let Some(order) = self.later.pop_front() {
                self.take(order).await;
                continue;
            }
            if self.waiting.is_empty() {
                let order = tokio::select! {
                    order = tokio::time::timeout(IDLE, self.orders.recv()) => order,
                    () = closing.cancelled() => return,
                };
                match order {
                    Ok(Some(order)) => self.take(order).await,
                    Ok(None) => return,
                    Err(_) => self.leave(),
                }
                continue;
            }
            if closing.is_cancelled() {
                return;
            }
            self.next().await;
        }
    }

    /// Takes no orders any more, if none have come in meanwhile. What was sent in between is still worked off: whoever sends
    /// after that hears that nobody is here, and calls another worker.
    fn leave(&mut self) {
        let mut workers = self.desk.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
        if self.orders.is_empty() {
            workers.remove(&self.talk.key);
            self.orders.close();
        }
    }

    /// An order while no turn runs.
    async fn take(&mut self, order: Order) {
        match order {
            Order::Answer(message) => self.waiting.push_back(*message),
            Order::Changed(changed) => self.reword(&changed),
            Order::Stop(user, by) => self.drop_waiting(&user, by).await,
            Order::Gone(id) => {
                self.waiting.retain(|message| message.id != id);
                self.talk.dismiss(&[id]).await;
            }
            Order::Deliver(reply) => {
                let talk = self.talk.clone();
                self.meanwhile(talk.deliver(&reply)).await;
            }
            Order::Repeat(post, text) => self.repeat(post, text),
        }
    }

    /// This person wants no answer to what waits for its turn.
    async fn drop_waiting(&mut self, user: &UserId, by: Timestamp) {
        let (stopped, rest): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|message| message.author.user() == Some(user) && message.at <= by);
        self.waiting = rest;
        self.talk.dismiss(&stopped.iter().map(|message| message.id).collect::<Vec<_>>()).await;
    }

    /// A message that waits says something else now.
    fn reword(&mut self, changed: &Message) {
        for message in self.waiting.iter_mut().filter(|message| message.id == changed.id) {
            message.text.clone_from(&changed.text);
        }
    }

    /// The answer to a command is sent at once, whatever else goes on.
    fn repeat(&self, post: Post, text: String) {
        let talk = self.talk.clone();
        self.desk.0.tasks.spawn(async move { talk.repeat(post, &text).await });
    }

    /// Takes orders while something is being delivered, which may take as long as the platform is away: who gives an order
    /// must not wait for that.
    async fn meanwhile(&mut self, work: impl Future<Output = ()>) {
        let mut work = std::pin::pin!(work);
        loop {
            let order = tokio::select! {
                () = &mut work => return,
                Some(order) = self.orders.recv() => order,
            };
            match order {
                Order::Repeat(post, text) => self.repeat(post, text),
                order => self.later.push_back(order),
            }
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
        while !batch.is_empty() {
            match self.turn(&mut batch).await {
                Ended::Changed => {}
                Ended::Gone(id) => {
                    // The others of the batch still want their answer.
                    let (gone, rest): (Vec<_>, Vec<_>) =
                        batch.into_iter().partition(|message| message.id == id);
                    batch = rest;
                    for message in gone {
                        // Taking it away may last as long as the platform is away; orders do not wait for that.
                        let talk = self.talk.clone();
                        self.desk.0.tasks.spawn(async move { talk.take_back(&message).await });
                    }
                }
                Ended::Stopped => {
                    let ids: Vec<_> = batch.iter().map(|message| message.id).collect();
                    return self.talk.dismiss(&ids).await;
                }
                Ended::Unsaid => {
                    // What was shown in place of an answer goes, which may last; orders do not wait for that.
                    for message in batch {
                        let talk = self.talk.clone();
                        self.desk.0.tasks.spawn(async move { talk.take_back(&message).await });
                    }
                    return;
                }
                Ended::Told(first, after) => {
                    let talk = self.talk.clone();
                    return self.meanwhile(talk.remarks(&batch, first, &after)).await;
                }
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
        let asked = joined.id;
        let (sender, events) = mpsc::channel(EVENTS);
        let (draft, shown) = watch::channel(Draft::default());
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
            let show = async {
                // What comes before the answer is complete when the answer begins.
                let mut begun = shown.clone();
                let before = begun
                    .wait_for(|draft| draft.ended || !draft.text.is_empty() || !draft.status.is_empty())
                    .await
                    .map(|draft| draft.before.clone())
                    .unwrap_or_default();
                talk.asides(&post, asked, 0, &before).await;
                Stream::new(&talk.outbox, post.clone()).follow(shown.clone()).await;
                let answer = shown.borrow().answer.clone();
                if answer.is_none() && shown.borrow().is_status() {
                    talk.withdraw(post.clone()).await;
                }
                talk.conclude(&post, asked, answer.as_deref()).await;
                before.len()
            };
            let (answered, after, before, ()) = tokio::join!(
                answer,
                collect(events, &draft),
                show,
                typing(&talk.outbox, &post.address, shown.clone())
            );
            if let Err(error) = answered {
                tracing::error!(%error, "a message could not be answered");
            }
            (before, after)
        });
        loop {
            let order = tokio::select! {
                (before, after) = &mut work => return Ended::Told(before, after),
                Some(order) = self.orders.recv() => order,
            };
            let over = shown.borrow().ended;
            match order {
                Order::Answer(message) => self.waiting.push_back(*message),
                Order::Stop(user, by) => {
                    self.drop_waiting(&user, by).await;
                    let theirs = |it: &Message| it.author.user() == Some(&user) && it.at <= by;
                    if !over && batch.iter().any(theirs) {
                        return if shown.borrow().is_status() { Ended::Unsaid } else { Ended::Stopped };
                    }
                }
                Order::Changed(changed) if !over && batch.iter().any(|it| it.id == changed.id) => {
                    for message in batch.iter_mut().filter(|message| message.id == changed.id) {
                        message.text.clone_from(&changed.text);
                    }
                    return Ended::Changed;
                }
                Order::Gone(id) if !over && batch.iter().any(|it| it.id == id) => return Ended::Gone(id),
                Order::Changed(changed) => self.reword(&changed),
                Order::Gone(id) => self.waiting.retain(|message| message.id != id),
                Order::Repeat(post, text) => self.repeat(post, text),
                order @ Order::Deliver(_) => self.later.push_back(order),
            }
        }
    }
}

/// Reads the events of a turn to their end; the answer goes to `draft` as it comes. Gives the remarks that came after it.
async fn collect(mut events: mpsc::Receiver<TurnEvent>, draft: &watch::Sender<Draft>) -> Vec<String> {
    let mut after = Vec::new();
    while let Some(event) = events.recv().await {
        match event {
            TurnEvent::Delta { text } => draft.send_modify(|draft| draft.text.push_str(&text)),
            TurnEvent::Thinking { text, .. } => {
                draft.send_if_modified(|draft| std::mem::replace(&mut draft.status, text.clone()) != text);
            }
            TurnEvent::Final { text, .. } | TurnEvent::Error { message: text, .. } => {
                draft.send_modify(|draft| {
                    draft.answer = Some(text);
                    draft.ended = true;
                });
            }
            TurnEvent::Aside { kind: Aside::Offline, text } => {
                draft.send_modify(|draft| draft.before.push(text));
            }
            TurnEvent::Aside { text, .. } => after.push(text),
            TurnEvent::Routed { .. }
            | TurnEvent::Recalled { .. }
            | TurnEvent::Refused { .. }
            | TurnEvent::Tier(_)
            | TurnEvent::Tool { .. } => {}
        }
    }
    draft.send_modify(|draft| draft.ended = true);
    after
}
