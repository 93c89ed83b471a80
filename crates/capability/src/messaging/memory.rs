//! Messages within this process. They end with it, and those that nobody subscribes to are gone.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::{
    sync::{Mutex as AsyncMutex, mpsc},
    time::{Instant, sleep, timeout_at},
};

use super::{
    Broker, Deliveries, Delivery, Error, Fate, Message, Pattern, Receipt, Subscription, Wanted,
    pause, topic,
};
use crate::Origin;

/// How many messages wait in a group. Who sends more is told that it is full.
const WAITING_AT_MOST: usize = 10_000;

/// How many answers to one request wait.
const REPLIES_AT_MOST: usize = 64;

/// What the topics of answers begin with.
const INBOX: &str = "_INBOX";

/// A broker in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    groups: BTreeMap<(Pattern, String), Group>,
    inboxes: HashMap<String, mpsc::Sender<Message>>,
    requests: u64,
}

#[derive(Debug)]
struct Group {
    queue: mpsc::Sender<Message>,
    waiting: Arc<AsyncMutex<mpsc::Receiver<Message>>>,
    members: usize,
}

impl Memory {
    /// Nobody has subscribed.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is whole before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Broker for Memory {
    fn origin(&self) -> Origin {
        Origin::new("the memory of this host")
    }

    async fn send(&self, topic: &str, message: Message) -> Result<(), Error> {
        topic::check(topic)?;
        let message = Message { topic: topic.to_owned(), ..message };
        let state = self.lock();
        if let Some(inbox) = state.inboxes.get(topic) {
            // An answer that nobody waits for any more is dropped.
            let _ = inbox.try_send(message);
            return Ok(());
        }
        let groups = state.groups.iter().filter(|((pattern, _), _)| pattern.matches(topic));
        let groups: Vec<_> = groups.map(|(_, group)| &group.queue).collect();
        // All of them get it, or none: this is the only one who sends.
        if groups.iter().any(|queue| queue.capacity() == 0) {
            let topic = topic.to_owned();
            return Err(Error::Full { at: self.origin(), topic, limit: WAITING_AT_MOST });
        }
        for queue in groups {
            let _ = queue.try_send(message.clone());
        }
        Ok(())
    }

    async fn request(
        &self,
        topic: &str,
        message: Message,
        wanted: Wanted,
    ) -> Result<Vec<Message>, Error> {
        let (inbox, mut replies) = mpsc::channel(REPLIES_AT_MOST);
        let reply_to = {
            let mut state = self.lock();
            state.requests += 1;
            let reply_to = format!("{INBOX}.{}", state.requests);
            state.inboxes.insert(reply_to.clone(), inbox);
            reply_to
        };
        let _open = Inbox { memory: self, reply_to: &reply_to };
        self.send(topic, Message { reply_to: Some(reply_to.clone()), ..message }).await?;
        let deadline = wanted.timeout.map(|timeout| Instant::now() + timeout);
        let mut all = Vec::new();
        while all.len() < wanted.replies {
            let reply = match deadline {
                Some(deadline) => timeout_at(deadline, replies.recv()).await.ok().flatten(),
                None => replies.recv().await,
            };
            let Some(reply) = reply else { break };
            all.push(reply);
        }
        if all.is_empty() {
            return Err(Error::NoReply { at: self.origin(), topic: topic.to_owned() });
        }
        Ok(all)
    }

    async fn subscribe(&self, subscription: &Subscription) -> Result<Box<dyn Deliveries>, Error> {
        let key = (subscription.topics.clone(), subscription.group.clone());
        let mut state = self.lock();
        let group = state.groups.entry(key.clone()).or_insert_with(|| {
            let (queue, waiting) = mpsc::channel(WAITING_AT_MOST);
            Group { queue, waiting: Arc::new(AsyncMutex::new(waiting)), members: 0 }
        });
        group.members += 1;
        Ok(Box::new(Member {
            memory: self.clone(),
            key,
            waiting: Arc::clone(&group.waiting),
            attempts: subscription.attempts,
            place: Place::In,
        }))
    }

    async fn look_at(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// The place of a request's answers, until it has them.
struct Inbox<'a> {
    memory: &'a Memory,
    reply_to: &'a str,
}

impl Drop for Inbox<'_> {
    fn drop(&mut self) {
        self.memory.lock().inboxes.remove(self.reply_to);
    }
}

/// A member of a group.
struct Member {
    memory: Memory,
    key: (Pattern, String),
    waiting: Arc<AsyncMutex<mpsc::Receiver<Message>>>,
    attempts: u64,
    place: Place,
}

/// Where a member stands to its group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In it.
    In,
    /// It has left, and others are in it.
    Out,
    /// It was the last to leave, and has what waits to itself.
    Last,
}

impl Member {
    /// The last member takes the group along.
    fn leave(&mut self) {
        if self.place != Place::In {
            return;
        }
        self.place = Place::Out;
        let mut state = self.memory.lock();
        if let Some(group) = state.groups.get_mut(&self.key) {
            group.members -= 1;
            if group.members == 0 {
                state.groups.remove(&self.key);
                self.place = Place::Last;
            }
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.leave();
    }
}

#[async_trait]
impl Deliveries for Member {
    async fn next(&mut self) -> Result<Option<Delivery>, Error> {
        if self.place == Place::Out {
            return Ok(None);
        }
        // Without a group there is no sender, and what waits is given out until there is no more.
        let message = self.waiting.lock().await.recv().await;
        let attempts = self.attempts;
        Ok(message.map(|message| delivery(message, 1, attempts)))
    }

    async fn stop(&mut self) {
        self.leave();
    }
}

fn delivery(message: Message, attempt: u64, attempts: u64) -> Delivery {
    let receipt = Tried { message: message.clone(), attempt, attempts };
    Delivery { message, attempt, receipt: Box::new(receipt) }
}

struct Tried {
    message: Message,
    attempt: u64,
    attempts: u64,
}

#[async_trait]
impl Receipt for Tried {
    async fn done(self: Box<Self>) -> Result<(), Error> {
        Ok(())
    }

    async fn failed(self: Box<Self>) -> Result<Fate, Error> {
        let Self { message, attempt, attempts } = *self;
        if attempt >= attempts {
            return Ok(Fate::Lost);
        }
        sleep(pause(attempt)).await;
        Ok(Fate::Here(delivery(message, attempt + 1, attempts)))
    }
}
