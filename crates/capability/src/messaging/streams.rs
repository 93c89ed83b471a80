//! Messages in a Redis stream, which keeps them: an unhandled one is redelivered.
//!
//! An entry has the fields `topic` and `data`, and `content-type` and `meta:NAME` if the message
//! has them. Other programs can write and read them.

use std::collections::BTreeMap;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ::redis::{aio::MultiplexedConnection, cmd};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use tokio::time::{sleep, timeout};

use super::{
    Broker, Deliveries, Delivery, Error, Fate, Message, Receipt, Subscription, pause,
    redis::Server,
    topic::{self, random_word},
};
use crate::{Address, OpenError, Origin, Outage, SettingsError, settings::Settings};

/// What an entry's metadata begins with.
const META: &str = "meta:";

/// How long the server holds back an answer when there is nothing.
const BLOCK: Duration = Duration::from_millis(500);

/// Takes a member out of a group, unless it has messages that it did not acknowledge: with it they
/// would be gone. It looks and takes out in one step.
const LEAVE: &str = "
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
end
";

/// A stream of Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `redis://USER:PASSWORD@HOST:PORT/DATABASE`, or `rediss://` for TLS.
    pub url: Address,
    /// The stream's key. It is made when something is sent.
    pub stream: String,
    /// About how many messages the stream keeps, handled or not; all if none.
    pub keep: Option<usize>,
    /// How long an operation may take, connecting included.
    pub timeout: Duration,
}

impl Options {
    /// A stream `keyway` on the server at `url` that keeps a million messages, with two seconds.
    pub fn new(url: impl Into<Address>) -> Self {
        Self {
            url: url.into(),
            stream: "keyway".to_owned(),
            keep: Some(1_000_000),
            timeout: super::TIMEOUT,
        }
    }

    /// Reads the settings `url`, `stream`, `keep` and `timeout`.
    ///
    /// # Errors
    /// If a setting is missing, unknown or wrong.
    pub(super) fn read(settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let settings =
            Settings::new("redis-streams", settings, &["url", "stream", "keep", "timeout"])?;
        let mut options =
            Self::new(Address::from(settings.needed("url", "redis://127.0.0.1:6379")?));
        settings.text("stream", &mut options.stream);
        let mut keep = options.keep.unwrap_or_default();
        settings.count("keep", &mut keep)?;
        options.keep = Some(keep);
        settings.duration("timeout", &mut options.timeout)?;
        Ok(options)
    }
}

/// A broker on a stream of Redis.
#[derive(Clone, Debug)]
pub struct Streams {
    server: Arc<Server>,
    stream: String,
    keep: Option<usize>,
}

/// An entry: its number, and its fields with their values in turn. None if it was deleted.
type Entry = (String, Option<Vec<Vec<u8>>>);

impl Streams {
    /// Checks the address. Connects when first needed.
    ///
    /// # Errors
    /// If it is wrong.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        let server = Arc::new(Server::open(&options.url, options.timeout)?);
        Ok(Self { server, stream: options.stream.clone(), keep: options.keep })
    }
}

#[async_trait]
impl Broker for Streams {
    fn origin(&self) -> Origin {
        self.server.origin.clone()
    }

    async fn send(&self, topic: &str, message: Message) -> Result<(), Error> {
        topic::check(topic)?;
        if message.reply_to.is_some() {
            let what = "carry a reply topic";
            return Err(Error::Unsupported { at: self.origin(), what });
        }
        let mut add = cmd("XADD");
        add.arg(&self.stream);
        if let Some(keep) = self.keep {
            add.arg("MAXLEN").arg("~").arg(keep);
        }
        add.arg("*").arg("topic").arg(topic).arg("data").arg(&message.data[..]);
        if let Some(content_type) = &message.content_type {
            add.arg("content-type").arg(content_type);
        }
        for (name, value) in &message.metadata {
            add.arg(format!("{META}{name}")).arg(value);
        }
        self.server.query::<String>(&add).await.map(drop)
    }

    async fn subscribe(&self, subscription: &Subscription) -> Result<Box<dyn Deliveries>, Error> {
        // The server remembers for each group how far it has come, and with each pattern that is
        // another way.
        let group = subscription.durable_name();
        let mut create = cmd("XGROUP");
        create.arg("CREATE").arg(&self.stream).arg(&group).arg("0").arg("MKSTREAM");
        match self.server.query::<String>(&create).await {
            Ok(_) => {}
            Err(Error::Failed { reason, .. }) if reason.contains("BUSYGROUP") => {}
            Err(error) => return Err(error),
        }
        Ok(Box::new(Reading {
            connection: self.server.connect().await?,
            subscription: subscription.clone(),
            member: Arc::new(Member {
                broker: self.clone(),
                group,
                name: format!("keyway-{}", random_word()),
                is_leaving: AtomicBool::new(false),
            }),
            claimed: None,
            asked: None,
            is_stopped: false,
        }))
    }

    async fn probe(&self) -> Result<(), Error> {
        self.server.query::<String>(&cmd("PING")).await.map(drop)
    }
}

/// A member of a group, as the server knows it from its first message on. It leaves when it was
/// stopped and has acknowledged all that it was given; one that dies before stays.
struct Member {
    broker: Streams,
    group: String,
    name: String,
    is_leaving: AtomicBool,
}

impl Member {
    fn server(&self) -> &Server {
        &self.broker.server
    }

    async fn acknowledge(&self, number: &str) -> Result<(), Error> {
        let mut ack = cmd("XACK");
        ack.arg(&self.broker.stream).arg(&self.group).arg(number);
        self.server().query::<u64>(&ack).await?;
        if self.is_leaving.load(Ordering::Acquire) {
            self.leave().await;
        }
        Ok(())
    }

    /// It takes no more messages, and is taken out of the group with the last that it has.
    async fn leave(&self) {
        self.is_leaving.store(true, Ordering::Release);
        let mut leave = cmd("EVAL");
        leave.arg(LEAVE).arg(1).arg(&self.broker.stream).arg(&self.group).arg(&self.name);
        // A member that stays does no harm.
        let _ = self.server().query::<()>(&leave).await;
    }
}

struct Reading {
    connection: MultiplexedConnection,
    subscription: Subscription,
    member: Arc<Member>,
    /// When abandoned messages were last looked for.
    claimed: Option<Instant>,
    /// What the server was asked, and has not answered yet.
    asked: Option<BoxFuture<'static, Result<Option<Entry>, Error>>>,
    is_stopped: bool,
}

impl Reading {
    /// A message that was not heard of for too long, if there is one.
    async fn claim(&mut self) -> Result<Option<(Entry, u64)>, Error> {
        let patience = self.subscription.patience;
        if self.claimed.is_some_and(|claimed| claimed.elapsed() < patience / 4) {
            return Ok(None);
        }
        let Member { broker, group, name, .. } = &*self.member;
        let Streams { server, stream, .. } = broker;
        let millis = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let mut claim = cmd("XAUTOCLAIM");
        claim.arg(stream).arg(group).arg(name).arg(millis).arg("0");
        claim.arg("COUNT").arg(1);
        let (_, found, _): (String, Vec<Entry>, Vec<String>) = server.query(&claim).await?;
        let Some(entry) = found.into_iter().next() else {
            self.claimed = Some(Instant::now());
            return Ok(None);
        };
        let mut pending = cmd("XPENDING");
        pending.arg(stream).arg(group).arg(&entry.0).arg(&entry.0).arg(1);
        let pending: Vec<(String, String, u64, u64)> = server.query(&pending).await?;
        Ok(Some((entry, pending.first().map_or(1, |(.., delivered)| *delivered))))
    }

    /// The next undelivered message, if one comes soon. What the server is asked is kept if this is
    /// dropped: the reply may be a message that no other member gets.
    async fn read(&mut self) -> Result<Option<Entry>, Error> {
        let asked = self
            .asked
            .get_or_insert_with(|| read(Arc::clone(&self.member), self.connection.clone()).boxed());
        let answer = asked.await;
        self.asked = None;
        answer
    }
}

async fn read(
    member: Arc<Member>,
    mut connection: MultiplexedConnection,
) -> Result<Option<Entry>, Error> {
    let mut read = cmd("XREADGROUP");
    read.arg("GROUP").arg(&member.group).arg(&member.name).arg("COUNT").arg(1);
    read.arg("BLOCK").arg(BLOCK.as_millis() as usize);
    read.arg("STREAMS").arg(&member.broker.stream).arg(">");
    let server = member.server();
    // With some time for the answer itself.
    let answer = timeout(BLOCK * 4, read.query_async(&mut connection)).await;
    let streams: Option<Vec<(String, Vec<Entry>)>> = match answer {
        Ok(Ok(streams)) => streams,
        Ok(Err(error)) => return Err(server.explain(&error)),
        Err(_) => {
            return Err(Error::Outage(Outage::TimedOut {
                at: server.origin.clone(),
                after: BLOCK * 4,
            }));
        }
    };
    Ok(streams.into_iter().flatten().flat_map(|(_, entries)| entries).next())
}

#[async_trait]
impl Deliveries for Reading {
    async fn next(&mut self) -> Result<Option<Delivery>, Error> {
        // What the server was asked before the stop is waited for.
        while !self.is_stopped || self.asked.is_some() {
            let claimed = if self.asked.is_some() { None } else { self.claim().await? };
            let (entry, attempt) = match claimed {
                Some(claimed) => claimed,
                None => match self.read().await? {
                    Some(entry) => (entry, 1),
                    None => continue,
                },
            };
            let receipt = Kept {
                member: Arc::clone(&self.member),
                number: entry.0,
                attempt,
                attempts: self.subscription.attempts,
                patience: self.subscription.patience,
            };
            let message = entry.1.and_then(message);
            match message.filter(|message| self.subscription.topics.matches(&message.topic)) {
                // One whose readers died over it too often is not given to another.
                Some(message) if attempt > receipt.attempts => {
                    tracing::warn!(
                        "a message on `{}` is dropped after attempt {}: the host that was handling \
                         it died",
                        message.topic,
                        attempt - 1,
                    );
                    receipt.acknowledge().await?;
                }
                Some(message) => {
                    let receipt = Box::new(receipt.with(&message));
                    return Ok(Some(Delivery { message, attempt, receipt }));
                }
                // Another group's, another program's, or deleted.
                None => receipt.acknowledge().await?,
            }
        }
        self.member.leave().await;
        Ok(None)
    }

    async fn stop(&mut self) {
        self.is_stopped = true;
    }
}

/// The message that an entry is; none if it is another program's.
fn message(fields: Vec<Vec<u8>>) -> Option<Message> {
    let mut message = Message::default();
    let mut fields = fields.into_iter();
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        let text = |value: Vec<u8>| String::from_utf8(value).ok();
        match String::from_utf8(name).ok()?.as_str() {
            "topic" => message.topic = text(value)?,
            "data" => message.data = Bytes::from(value),
            "content-type" => message.content_type = text(value),
            name => {
                if let (Some(name), Some(value)) = (name.strip_prefix(META), text(value)) {
                    message.metadata.push((name.to_owned(), value));
                }
            }
        }
    }
    (!message.topic.is_empty()).then_some(message)
}

/// An entry that the server holds as given out.
struct Kept {
    member: Arc<Member>,
    number: String,
    attempt: u64,
    attempts: u64,
    patience: Duration,
}

impl Kept {
    async fn acknowledge(&self) -> Result<(), Error> {
        self.member.acknowledge(&self.number).await
    }

    /// Has its time begin again.
    async fn renew(&self, counted: Counted) -> Result<(), Error> {
        let Member { broker, group, name, .. } = &*self.member;
        let mut claim = cmd("XCLAIM");
        claim.arg(&broker.stream).arg(group).arg(name).arg(0).arg(&self.number);
        if counted == Counted::No {
            claim.arg("JUSTID");
        }
        broker.server.query::<()>(&claim).await
    }

    fn with(self, message: &Message) -> Tried {
        Tried { kept: self, message: message.clone() }
    }
}

/// Whether the server counts an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Yes,
    No,
}

/// The receipt of a message that the server keeps until it is acknowledged.
struct Tried {
    kept: Kept,
    message: Message,
}

#[async_trait]
impl Receipt for Tried {
    async fn done(self: Box<Self>) -> Result<(), Error> {
        self.kept.acknowledge().await
    }

    async fn failed(self: Box<Self>) -> Result<Fate, Error> {
        let Self { kept, message } = *self;
        if kept.attempt >= kept.attempts {
            kept.acknowledge().await?;
            return Ok(Fate::Lost);
        }
        // Other hosts take it over when this one dies, but not during a pause, however long its
        // handler took before and will take after it.
        kept.renew(Counted::No).await?;
        sleep(pause(kept.attempt).min(kept.patience / 2)).await;
        kept.renew(Counted::Yes).await?;
        let kept = Kept { attempt: kept.attempt + 1, ..kept };
        let attempt = kept.attempt;
        let receipt = Box::new(Self { kept, message: message.clone() });
        Ok(Fate::Here(Delivery { message, attempt, receipt }))
    }
}
