//! Messages by topics: `wasi:messaging`.
//!
//! A topic is words joined by dots, `orders.paid.eu`. A subscriber names a [`Pattern`] of topics
//! and a group; one member of a group gets each message.

mod backend;
mod error;
pub mod jetstream;
pub mod memory;
pub mod nats;
pub mod redis;
pub mod streams;
mod topic;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use crate::Origin;

pub use backend::{Backend, check, open};
pub use error::{Error, Limit};
pub use topic::{Pattern, PatternError, TOPIC_LIMIT_BYTES};

/// How long an operation may take, unless its backend's options say otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(2);

/// How much of a group and its topics the name has that a server knows them by. NATS takes 255 bytes
/// in all.
const READABLE_CHARACTERS: usize = 200;

/// Sends messages, and passes them to subscribers.
#[async_trait]
pub trait Broker: fmt::Debug + Send + Sync {
    /// The backend and its address, as errors name it.
    fn origin(&self) -> Origin;

    /// Sends a message. When this has succeeded the backend has it.
    ///
    /// The topic may be one that a component made up: what begins with `$` or `_INBOX` is refused.
    async fn send(&self, topic: &str, message: Message) -> Result<(), Error>;

    /// Sends a message and waits for answers, for no longer and no more than is wanted.
    ///
    /// # Errors
    /// [`Error::NoReply`] if none comes, and [`Error::Unsupported`] by a backend that has no way
    /// back.
    async fn request(
        &self,
        topic: &str,
        message: Message,
        wanted: Wanted,
    ) -> Result<Vec<Message>, Error> {
        let _ = (topic, message, wanted);
        Err(Error::Unsupported { at: self.origin(), what: "wait for replies" })
    }

    /// Answers a message that this broker gave, by its [`reply_to`](Message::reply_to). It is not
    /// an error if nothing waits any more.
    ///
    /// # Errors
    /// [`Error::Unsupported`] by a backend that has no way back.
    async fn reply(&self, asked: &Message, answer: Message) -> Result<(), Error> {
        let _ = (asked, answer);
        Err(Error::Unsupported { at: self.origin(), what: "send replies" })
    }

    /// The messages from now on, or from where the group has come to if the backend remembers.
    async fn subscribe(&self, subscription: &Subscription) -> Result<Box<dyn Deliveries>, Error>;

    /// Whether it answers.
    async fn probe(&self) -> Result<(), Error>;
}

/// Messages as they come.
#[async_trait]
pub trait Deliveries: Send {
    /// Waits for the next message; none after [`stop`](Self::stop), when there are no more that
    /// would be lost. Dropping the future loses none.
    ///
    /// # Errors
    /// If there will be no more: it has to be subscribed again.
    async fn next(&mut self) -> Result<Option<Delivery>, Error>;

    /// Takes no more from the backend.
    async fn stop(&mut self);
}

/// A message that came, to be acknowledged.
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// How often it has been delivered, with this time.
    pub attempt: u64,
    /// Where to say how it ended.
    pub receipt: Box<dyn Receipt>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("topic", &self.message.topic).finish_non_exhaustive()
    }
}

/// How a message ended. Dropped without a word, it is as if its reader had died.
#[async_trait]
pub trait Receipt: Send {
    /// It was handled, and is not delivered again.
    async fn done(self: Box<Self>) -> Result<(), Error>;

    /// It was not handled. What becomes of it is the backend's to say.
    async fn failed(self: Box<Self>) -> Result<Fate, Error>;
}

/// What becomes of a message that was not handled.
#[derive(Debug)]
pub enum Fate {
    /// The backend delivers it again.
    Again,
    /// It is to be tried again here.
    Here(Delivery),
    /// It was tried as often as it may be, or the backend delivers once.
    Lost,
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The topic that it came by; empty for one that is to be sent.
    pub topic: String,
    /// What its data is.
    pub content_type: Option<String>,
    /// What it says.
    pub data: Bytes,
    /// What else is known of it, by name.
    pub metadata: Vec<(String, String)>,
    /// The topic for an answer, by [`Broker::reply`].
    pub reply_to: Option<String>,
}

/// The answers that are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// How long at most; as long as it takes if none.
    pub timeout: Option<Duration>,
    /// How many at most.
    pub replies: usize,
}

/// What a subscriber wants to receive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subscription {
    /// The topics.
    pub topics: Pattern,
    /// The group, of which one member gets each message.
    pub group: String,
    /// How often a message is delivered that is not handled, if the backend can do it again.
    pub attempts: u64,
    /// After this time without a word a message is delivered again.
    pub patience: Duration,
}

impl Subscription {
    /// The name under which a server remembers how far the group has come with its topics: another
    /// one for each group and each pattern, and the same on every host and after every start. It is
    /// made of what NATS takes in names.
    fn durable_name(&self) -> String {
        let readable: String = format!("{}_{}", self.group, self.topics)
            .replace('*', "any")
            .replace('>', "all")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
            .take(READABLE_CHARACTERS)
            .collect();
        // What is readable is the same for `a.b` and `a-b`. Topics hold no space.
        let exact = format!("{} {}", self.topics, self.group);
        format!("{readable}_{:016x}", stable_hash(exact.as_bytes()))
    }
}

/// FNV-1a, in 64 bits: the hashers of the standard library may change with it.
fn stable_hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The pause before a message is delivered again that has failed so often.
fn pause(attempt: u64) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1).min(9)).unwrap_or(9);
    (Duration::from_millis(100) * 2_u32.pow(doublings)).min(Duration::from_secs(30))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(group: &str, topics: &str) -> String {
        let subscription = Subscription {
            topics: topics.parse().unwrap(),
            group: group.to_owned(),
            attempts: 1,
            patience: TIMEOUT,
        };
        subscription.durable_name()
    }

    #[test]
    fn each_group_and_pattern_has_a_name_of_its_own() {
        for [one, other] in [
            [("mail", "orders.new"), ("mail", "orders-new")],
            [("mail_eu", "orders"), ("mail", "eu_orders")],
            [("mail", "orders.*"), ("mail", "orders.any")],
            [("mail", "orders.>"), ("mail", "orders.all")],
            [("mail:a", "b"), ("mail", "a:b")],
            [("mail eu", "orders"), ("mail-eu", "orders")],
        ] {
            assert_ne!(name(one.0, one.1), name(other.0, other.1));
        }
        // Groups would start over if it changed with the next version.
        assert_eq!(name("mail", "orders.*"), "mail_orders-any_31518ec5d04e85d3");
        assert!(name("mail", &"word.".repeat(50)[..249]).len() <= 255);
    }
}
