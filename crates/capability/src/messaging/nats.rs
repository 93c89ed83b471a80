//! Messages through NATS: each is delivered once, to the subscribers of that moment.

use std::collections::BTreeMap;
use std::{error::Error as StdError, sync::Arc, time::Duration};

use async_nats::{
    Client, HeaderMap, HeaderName, HeaderValue, StatusCode, Subscriber,
    jetstream::{self, context::PublishError, context::PublishErrorKind},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::{
    Broker, Deliveries, Delivery, Error, Fate, Message, Receipt, Subscription, Wanted, topic,
};
use crate::{
    Address, OpenError, Origin, Outage, SettingsError,
    nats::EXAMPLE,
    nats::{Cause, Connector, NAME, Service, cause},
    settings::Settings,
};

/// The header that says what a message's data is.
const CONTENT_TYPE: &str = "Content-Type";

/// A server of NATS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `nats://USER:PASSWORD@HOST:PORT`, `nats://TOKEN@HOST`, or `tls://` for TLS.
    pub url: Address,
    /// How long an operation may take, connecting included.
    pub timeout: Duration,
}

impl Options {
    /// The server at `url`, with two seconds.
    pub fn new(url: impl Into<Address>) -> Self {
        Self { url: url.into(), timeout: super::TIMEOUT }
    }

    /// Reads the settings `url` and `timeout`.
    ///
    /// # Errors
    /// If a setting is missing, unknown or wrong.
    pub(super) fn read(settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let settings = Settings::new("nats", settings, &["url", "timeout"])?;
        let mut options = Self::new(Address::from(settings.needed("url", EXAMPLE)?));
        settings.duration("timeout", &mut options.timeout)?;
        Ok(options)
    }
}

/// A broker on a server of NATS.
#[derive(Clone, Debug)]
pub struct Nats {
    origin: Origin,
    connector: Arc<Connector<Plain>>,
}

/// Opens nothing on the server.
#[derive(Debug)]
struct Plain {
    origin: Origin,
    timeout: Duration,
}

impl Nats {
    /// Checks the address. Connects when first needed.
    ///
    /// # Errors
    /// If it is wrong.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        let origin = Origin::new(format!("{NAME} at {}", options.url));
        let plain = Plain { origin: origin.clone(), timeout: options.timeout };
        let connector = Connector::new(plain, &options.url, options.timeout)?;
        Ok(Self { origin, connector: Arc::new(connector) })
    }
}

impl Nats {
    async fn publish(&self, topic: &str, message: Message) -> Result<(), Error> {
        let headers = headers(&self.origin, &message)?;
        self.connector
            .bounded(async |client| {
                check_length(&self.origin, client, topic, &message.data)?;
                let topic = topic.to_owned();
                match message.reply_to {
                    Some(reply) => {
                        let data = message.data;
                        client.publish_with_reply_and_headers(topic, reply, headers, data).await?;
                    }
                    None => client.publish_with_headers(topic, headers, message.data).await?,
                }
                // Until then it may be in this process only.
                client.flush().await?;
                Ok(())
            })
            .await
    }
}

impl Service for Plain {
    type Opened = Client;
    type Error = Error;

    async fn open(&self, client: &Client, _: &jetstream::Context) -> Result<Client, Error> {
        Ok(client.clone())
    }

    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    fn explain(&self, error: &(dyn StdError + 'static)) -> Error {
        explain(&self.origin, self.timeout, error)
    }
}

pub(super) fn explain(origin: &Origin, after: Duration, error: &(dyn StdError + 'static)) -> Error {
    if let Some(error) = cause::<Error>(error) {
        return error.clone();
    }
    let at = origin.clone();
    let reason = error.to_string();
    match cause::<PublishError>(error).map(PublishError::kind) {
        Some(PublishErrorKind::StreamNotFound) => Error::NoSuchStream {
            at,
            name: "stream for this topic".to_owned(),
            reason: "add the topic to `subjects`, or to the stream".to_owned(),
        },
        Some(PublishErrorKind::TimedOut) => Error::Outage(Outage::TimedOut { at, after }),
        Some(PublishErrorKind::BrokenPipe) => Error::Outage(Outage::Unreachable { at, reason }),
        _ if reason.ends_with("timed out") => Error::Outage(Outage::TimedOut { at, after }),
        _ => Error::Failed { at, reason },
    }
}

/// A message's headers; none if it needs none.
pub(super) fn headers(origin: &Origin, message: &Message) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    let content_type = message.content_type.iter().map(|value| (CONTENT_TYPE, value.as_str()));
    let metadata = message.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in content_type.chain(metadata) {
        let failed = |reason: String| Error::Failed { at: origin.clone(), reason };
        let value: HeaderValue = value.parse().map_err(|_| {
            failed(format!("it cannot send a value of `{name}` that spans several lines"))
        })?;
        let name: HeaderName =
            name.parse().map_err(|_| failed(format!("it cannot send metadata named `{name}`")))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// A message that has come.
pub(super) fn received(message: async_nats::Message) -> Message {
    let mut content_type = None;
    let mut metadata = Vec::new();
    for (name, values) in message.headers.iter().flat_map(HeaderMap::iter) {
        for value in values {
            let name: &str = name.as_ref();
            if name.eq_ignore_ascii_case(CONTENT_TYPE) {
                content_type = Some(value.to_string());
            } else {
                metadata.push((name.to_owned(), value.to_string()));
            }
        }
    }
    Message {
        topic: message.subject.to_string(),
        content_type,
        data: message.payload,
        metadata,
        reply_to: message.reply.map(|reply| reply.to_string()),
    }
}

/// Refuses what the server would close the connection for.
pub(super) fn check_length(
    origin: &Origin,
    client: &Client,
    topic: &str,
    data: &Bytes,
) -> Result<(), Cause> {
    let limit_bytes = client.max_payload();
    if data.len() <= limit_bytes {
        return Ok(());
    }
    let (at, topic) = (origin.clone(), topic.to_owned());
    Err(Error::TooLong { at, topic, bytes: data.len(), limit_bytes }.into())
}

#[async_trait]
impl Broker for Nats {
    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    async fn send(&self, topic: &str, message: Message) -> Result<(), Error> {
        topic::check(topic)?;
        self.publish(topic, message).await
    }

    async fn reply(&self, asked: &Message, answer: Message) -> Result<(), Error> {
        let Some(topic) = &asked.reply_to else { return Ok(()) };
        topic::check_form(topic)?;
        self.publish(topic, answer).await
    }

    async fn request(
        &self,
        topic: &str,
        message: Message,
        wanted: Wanted,
    ) -> Result<Vec<Message>, Error> {
        let (reply_to, mut replies) = self
            .connector
            .bounded(async |client| {
                let inbox = client.new_inbox();
                Ok((inbox.clone(), client.subscribe(inbox).await?))
            })
            .await?;
        let deadline = wanted.timeout.map(|timeout| Instant::now() + timeout);
        self.send(topic, Message { reply_to: Some(reply_to), ..message }).await?;
        let mut all = Vec::new();
        while all.len() < wanted.replies {
            let reply = match deadline {
                Some(deadline) => timeout_at(deadline, replies.next()).await.ok().flatten(),
                None => replies.next().await,
            };
            match reply {
                // The server says so, in place of an answer.
                Some(reply) if reply.status == Some(StatusCode::NO_RESPONDERS) => break,
                Some(reply) => all.push(received(reply)),
                None => break,
            }
        }
        if all.is_empty() {
            return Err(Error::NoReply { at: self.origin(), topic: topic.to_owned() });
        }
        Ok(all)
    }

    async fn subscribe(&self, subscription: &Subscription) -> Result<Box<dyn Deliveries>, Error> {
        let Subscription { topics, group, .. } = subscription;
        let subscriber = self
            .connector
            .bounded(async |client| {
                let topics = topics.as_str().to_owned();
                let subscriber = client.queue_subscribe(topics, group.clone()).await?;
                // The server knows of it when this is answered.
                client.flush().await?;
                Ok(subscriber)
            })
            .await?;
        Ok(Box::new(Listening { origin: self.origin(), subscriber, is_stopped: false }))
    }

    async fn probe(&self) -> Result<(), Error> {
        self.connector.bounded(async |_| Ok(())).await
    }
}

struct Listening {
    origin: Origin,
    subscriber: Subscriber,
    is_stopped: bool,
}

#[async_trait]
impl Deliveries for Listening {
    async fn next(&mut self) -> Result<Option<Delivery>, Error> {
        match self.subscriber.next().await {
            Some(message) => Ok(Some(Delivery {
                message: received(message),
                attempt: 1,
                receipt: Box::new(Once),
            })),
            None if self.is_stopped => Ok(None),
            None => Err(Error::Outage(Outage::Unreachable {
                at: self.origin.clone(),
                reason: "the subscription has ended".to_owned(),
            })),
        }
    }

    async fn stop(&mut self) {
        self.is_stopped = true;
        // What is here already is still given out. Without a server there is nothing to end.
        let _ = self.subscriber.drain().await;
    }
}

/// The receipt of what is delivered once.
pub(super) struct Once;

#[async_trait]
impl Receipt for Once {
    async fn done(self: Box<Self>) -> Result<(), Error> {
        Ok(())
    }

    async fn failed(self: Box<Self>) -> Result<Fate, Error> {
        Ok(Fate::Lost)
    }
}
