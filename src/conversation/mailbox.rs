//! One conversation, one turn at a time, in the order of arrival.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::Viewer;

/// The queues of all conversations that are under way. A queue lives as long as somebody stands in it.
#[derive(Debug, Default)]
pub(super) struct Mailboxes {
    queues: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// The right to have a turn; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Waiting {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Mailboxes {
    /// Waits until all earlier turns of the conversation are over.
    pub(super) async fn enter(&self, viewer: &Viewer) -> Waiting {
        let key = viewer.conversation();
        let queue = {
            let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
            queues.retain(|_, queue| queue.strong_count() > 0);
            match queues.get(&key).and_then(Weak::upgrade) {
                Some(queue) => queue,
                None => {
                    let queue = Arc::new(Semaphore::new(1));
                    queues.insert(key, Arc::downgrade(&queue));
                    queue
                }
            }
        };
        // The permit keeps the semaphore alive; a semaphore that nobody closes always grants.
        Waiting { _permit: queue.acquire_owned().await.ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CharacterId, Place, UserId};

    fn viewer(name: &str, place: &str) -> Viewer {
        Viewer::new(
            CharacterId::new("elena").unwrap(),
            UserId::console(name).unwrap(),
            place.parse::<Place>().unwrap(),
        )
    }

    #[tokio::test]
    async fn turns_of_one_conversation_follow_each_other() {
        let boxes = Arc::new(Mailboxes::default());
        let first = boxes.enter(&viewer("robin", "a/b")).await;
        let second = tokio::spawn({
            let boxes = boxes.clone();
            async move { boxes.enter(&viewer("sam", "a/b")).await }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn other_conversations_do_not_wait() {
        let boxes = Mailboxes::default();
        let _first = boxes.enter(&viewer("robin", "dm")).await;
        let _second = boxes.enter(&viewer("sam", "dm")).await;
        assert_eq!(boxes.queues.lock().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn queues_that_nobody_stands_in_are_forgotten() {
        let boxes = Mailboxes::default();
        drop(boxes.enter(&viewer("robin", "dm")).await);
        let _other = boxes.enter(&viewer("sam", "dm")).await;
        assert_eq!(boxes.queues.lock().unwrap().len(), 1);
    }
}
