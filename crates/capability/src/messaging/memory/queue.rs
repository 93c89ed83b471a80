//! Waiting messages, bounded by number and bytes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::messaging::{Limit, Message};

/// Messages with the room that they take while they wait.
type Waiting = (Message, OwnedSemaphorePermit);

/// Where messages are put.
#[derive(Debug)]
pub(super) struct Sender {
    queue: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    limit: usize,
    limit_bytes: usize,
}

/// Where they are taken.
#[derive(Debug)]
pub(super) struct Receiver(mpsc::Receiver<Waiting>);

/// A slot for one message, which is given back if it is dropped.
pub(super) struct Slot<'a> {
    queue: mpsc::Permit<'a, Waiting>,
    room: OwnedSemaphorePermit,
}

/// A queue of so many messages, which have so many bytes together, at most.
pub(super) fn queue(limit: usize, limit_bytes: usize) -> (Sender, Receiver) {
    let (queue, waiting) = mpsc::channel(limit);
    let room = Arc::new(Semaphore::new(limit_bytes));
    (Sender { queue, room, limit, limit_bytes }, Receiver(waiting))
}

impl Sender {
    /// A slot for a message.
    ///
    /// # Errors
    /// The limit, if there is none.
    pub(super) fn reserve(&self, message: &Message) -> Result<Slot<'_>, Limit> {
        let queue = self.queue.try_reserve().map_err(|_| Limit::Messages(self.limit))?;
        let room = u32::try_from(bytes(message)).ok();
        let room = room.and_then(|bytes| Arc::clone(&self.room).try_acquire_many_owned(bytes).ok());
        Ok(Slot { queue, room: room.ok_or(Limit::Bytes(self.limit_bytes))? })
    }
}

impl Slot<'_> {
    pub(super) fn put(self, message: Message) {
        self.queue.send((message, self.room));
    }
}

impl Receiver {
    /// The next message; none once the sender is gone.
    pub(super) async fn next(&mut self) -> Option<Message> {
        self.0.recv().await.map(|(message, _)| message)
    }
}

/// What a message takes.
fn bytes(message: &Message) -> usize {
    let texts = [&message.content_type, &message.reply_to].into_iter().flatten();
    let metadata = message.metadata.iter().flat_map(|(name, value)| [name, value]);
    let texts = texts.chain(metadata).chain([&message.topic]).map(String::len).sum::<usize>();
    size_of::<Message>() + texts + message.data.len()
}
