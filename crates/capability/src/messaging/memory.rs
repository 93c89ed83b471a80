//! Messages within this process. They are lost when it ends; a message without a subscriber is
//! dropped.

mod queue;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::{
    sync::Mutex as AsyncMutex,
    time::{Instant, sleep, timeout_at},
};

use super::{
    Broker, Deliveries, Delivery, Error, Fate, Limit, Message, Pattern, Receipt, Subscription,
    Wanted, pause,
    topic::{self, INBOX, random_word},
};
use crate::Origin;
use queue::{Receiver, Sender, queue};

/// How many messages wait in a group. Further sends fail because it is full.
const MAX_WAITING: usize = 10_000;

/// How many bytes they have together.
const WAITING_AT_MOST_BYTES: usize = 64 << 20;

/// How many answers to one request wait.
const MAX_REPLIES: usize = 64;

/// A broker in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    groups: BTreeMap<(Pattern, String), Group>,
    inboxes: HashMap<String, Sender>,
}

#[derive(Debug)]
struct Group {
    queue: Sender,
    waiting: Arc<AsyncMutex<Receiver>>,
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
        let groups = state.groups.iter().filter(|((pattern, _), _)| pattern.matches(topic));
        // All of them get it, or none.
        let places: Result<Vec<_>, Limit> =
            groups.map(|(_, group)| group.queue.reserve(&message)).collect();
        let full = |limit| Error::Full { at: self.origin(), topic: topic.to_owned(), limit };
        for place in places.map_err(full)? {
            place.put(message.clone());
        }
        Ok(())
    }

    async fn request(
        &self,
        topic: &str,
        message: Message,
        wanted: Wanted,
    ) -> Result<Vec<Message>, Error> {
        let (inbox, mut replies) = queue(MAX_REPLIES, WAITING_AT_MOST_BYTES);
        let name = format!("{INBOX}.{}", random_word());
        self.lock().inboxes.insert(name.clone(), inbox);
        let _open = Inbox { memory: self, name: &name };
        self.send(topic, Message { reply_to: Some(name.clone()), ..message }).await?;
        let deadline = wanted.timeout.map(|timeout| Instant::now() + timeout);
        let mut all = Vec::new();
        while all.len() < wanted.replies {
            let reply = match deadline {
                Some(deadline) => timeout_at(deadline, replies.next()).await.ok().flatten(),
                None => replies.next().await,
            };
            let Some(reply) = reply else { break };
            all.push(reply);
        }
        if all.is_empty() {
            return Err(Error::NoReply { at: self.origin(), topic: topic.to_owned() });
        }
        Ok(all)
    }

    async fn reply(&self, asked: &Message, answer: Message) -> Result<(), Error> {
        let Some(name) = &asked.reply_to else { return Ok(()) };
        if let Some(inbox) = self.lock().inboxes.get(name)
            // One for which there is no room is dropped.
            && let Ok(place) = inbox.reserve(&answer)
        {
            place.put(Message { topic: name.clone(), ..answer });
        }
        Ok(())
    }

    async fn subscribe(&self, subscription: &Subscription) -> Result<Box<dyn Deliveries>, Error> {
        let key = (subscription.topics.clone(), subscription.group.clone());
        let mut state = self.lock();
        let group = state.groups.entry(key.clone()).or_insert_with(|| {
            let (queue, waiting) = queue(MAX_WAITING, WAITING_AT_MOST_BYTES);
            Group { queue, waiting: Arc::new(AsyncMutex::new(waiting)), members: 0 }
        });
        group.members += 1;
        Ok(Box::new(Member {
            memory: self.clone(),
            key,
            waiting: Arc::clone(&group.waiting),
            attempts: subscription.attempts,
            standing: Standing::In,
        }))
    }

    async fn probe(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// The place of a request's answers, until it has them.
struct Inbox<'a> {
    memory: &'a Memory,
    name: &'a str,
}

impl Drop for Inbox<'_> {
    fn drop(&mut self) {
        self.memory.lock().inboxes.remove(self.name);
    }
}

/// A member of a group.
struct Member {
    memory: Memory,
    key: (Pattern, String),
    waiting: Arc<AsyncMutex<Receiver>>,
    attempts: u64,
    standing: Standing,
}

/// A member's relation to its group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// In it.
    In,
    /// It has left, and there are other members.
    Out,
    /// It was the last to leave, and has what waits to itself.
    Last,
}

impl Member {
    /// The last member takes the group along.
    fn leave(&mut self) {
        if self.standing != Standing::In {
            return;
        }
        self.standing = Standing::Out;
        let mut state = self.memory.lock();
        if let Some(group) = state.groups.get_mut(&self.key) {
            group.members -= 1;
            if group.members == 0 {
                state.groups.remove(&self.key);
                self.standing = Standing::Last;
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
        if self.standing == Standing::Out {
            return Ok(None);
        }
        // Without a group there is no sender, and waiting messages are handed out until none are
        // left.
        let message = self.waiting.lock().await.next().await;
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
