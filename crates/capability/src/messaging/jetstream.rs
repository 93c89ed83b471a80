//! Messages in a NATS JetStream stream, which keeps them: an unhandled one is redelivered.

use std::collections::BTreeMap;
use std::{error::Error as StdError, str::FromStr, sync::Arc, time::Duration};

use async_nats::{
    Client,
    jetstream::{
        self, AckKind,
        consumer::{AckPolicy, pull},
        stream::{self, StorageType},
    },
};
use async_trait::async_trait;
use futures::StreamExt;

use super::{
    Broker, Deliveries, Delivery, Error, Fate, Message, Pattern, PatternError, Receipt,
    Subscription,
    nats::{check_length, explain, headers, received},
    pause, topic,
};
use crate::{
    Address, OpenError, Origin, Outage, SettingsError,
    nats::EXAMPLE,
    nats::{Connector, NAME, Service, is_missing},
    settings::Settings,
};

/// A stream of NATS JetStream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `nats://USER:PASSWORD@HOST:PORT`, `nats://TOKEN@HOST`, or `tls://` for TLS.
    pub url: Address,
    /// The stream.
    pub stream: String,
    /// The topics that the stream takes if it is made; it is not, if there are none.
    pub subjects: Vec<Pattern>,
    /// On how many servers of a cluster a stream that is made is kept.
    pub replicas: usize,
    /// How long an operation may take, connecting included.
    pub timeout: Duration,
}

impl Options {
    /// A stream `keyway` on the server at `url` that is there, with two seconds.
    pub fn new(url: impl Into<Address>) -> Self {
        Self {
            url: url.into(),
            stream: "keyway".to_owned(),
            subjects: Vec::new(),
            replicas: 1,
            timeout: super::TIMEOUT,
        }
    }

    /// Reads the settings `url`, `stream`, `subjects`, `replicas` and `timeout`.
    ///
    /// # Errors
    /// If a setting is missing, unknown or wrong.
    pub(super) fn read(settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let known = &["url", "stream", "subjects", "replicas", "timeout"];
        let settings = Settings::new("jetstream", settings, known)?;
        let mut options = Self::new(Address::from(settings.needed("url", EXAMPLE)?));
        settings.text("stream", &mut options.stream);
        let mut subjects = Subjects::default();
        let expected = "topics separated by spaces: \"orders.> bills.>\"";
        settings.parsed("subjects", expected, &mut subjects)?;
        options.subjects = subjects.0;
        settings.count("replicas", &mut options.replicas)?;
        settings.duration("timeout", &mut options.timeout)?;
        Ok(options)
    }
}

/// Topics with spaces or commas between them.
#[derive(Default)]
struct Subjects(Vec<Pattern>);

impl FromStr for Subjects {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        words.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// A broker on a stream of NATS JetStream.
#[derive(Clone, Debug)]
pub struct JetStream {
    origin: Origin,
    connector: Arc<Connector<Streams>>,
}

/// The stream, open.
#[derive(Clone)]
struct Opened {
    client: Client,
    jetstream: jetstream::Context,
    stream: stream::Stream,
}

/// Opens the stream, and makes it where it is missing.
#[derive(Debug)]
struct Streams {
    origin: Origin,
    options: Options,
}

impl JetStream {
    /// Checks the address and the stream's name. Connects when first needed.
    ///
    /// # Errors
    /// If one of them is wrong.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if options.stream.is_empty() || !options.stream.bytes().all(is_plain) {
            let rule = "use letters, digits, `-` and `_`";
            return Err(OpenError::name(&options.stream, "stream", NAME, rule));
        }
        let origin = Origin::new(format!("{NAME} at {}", options.url));
        let streams = Streams { origin: origin.clone(), options: options.clone() };
        let connector = Connector::new(streams, &options.url, options.timeout)?;
        Ok(Self { origin, connector: Arc::new(connector) })
    }
}

impl Service for Streams {
    type Opened = Opened;
    type Error = Error;

    async fn open(&self, client: &Client, jetstream: &jetstream::Context) -> Result<Opened, Error> {
        let name = &self.options.stream;
        let stream = match jetstream.get_stream(name).await {
            Ok(stream) => stream,
            Err(error) if is_missing(&error) && !self.options.subjects.is_empty() => {
                let subjects = self.options.subjects.iter();
                let created = jetstream.create_stream(stream::Config {
                    name: name.clone(),
                    description: Some("Messages of Keyway".to_owned()),
                    subjects: subjects.map(ToString::to_string).collect(),
                    max_messages: -1,
                    max_bytes: -1,
                    max_message_size: -1,
                    max_messages_per_subject: -1,
                    max_consumers: -1,
                    storage: StorageType::File,
                    num_replicas: self.options.replicas.max(1),
                    ..stream::Config::default()
                });
                created.await.map_err(|error| self.explain(&error))?
            }
            Err(error) => return Err(self.explain(&error)),
        };
        Ok(Opened { client: client.clone(), jetstream: jetstream.clone(), stream })
    }

    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    fn explain(&self, error: &(dyn StdError + 'static)) -> Error {
        if is_missing(error) {
            return Error::NoSuchStream {
                at: self.origin.clone(),
                name: format!("stream `{}`", self.options.stream),
                reason: "create it, or list the topics it should take in `subjects`".to_owned(),
            };
        }
        explain(&self.origin, self.options.timeout, error)
    }
}

#[async_trait]
impl Broker for JetStream {
    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    async fn send(&self, topic: &str, message: Message) -> Result<(), Error> {
        topic::check(topic)?;
        let headers = headers(&self.origin, &message)?;
        self.connector
            .bounded(async |opened| {
                check_length(&self.origin, &opened.client, topic, &message.data)?;
                let topic = topic.to_owned();
                let sent = opened.jetstream.publish_with_headers(topic, headers, message.data);
                sent.await?.await?;
                Ok(())
            })
            .await
    }

    async fn subscribe(&self, subscription: &Subscription) -> Result<Box<dyn Deliveries>, Error> {
        let config = pull::Config {
            durable_name: Some(subscription.durable_name()),
            filter_subject: subscription.topics.to_string(),
            ack_policy: AckPolicy::Explicit,
            ack_wait: subscription.patience,
            max_deliver: i64::try_from(subscription.attempts).unwrap_or(i64::MAX),
            ..pull::Config::default()
        };
        let messages = self
            .connector
            .bounded(async |opened| {
                let consumer = opened.stream.create_consumer(config).await?;
                // What is fetched early would be delivered again before its turn comes.
                Ok(consumer.stream().max_messages_per_batch(1).messages().await?)
            })
            .await?;
        Ok(Box::new(Pulling {
            broker: self.clone(),
            messages: Some(messages),
            attempts: subscription.attempts,
        }))
    }

    async fn probe(&self) -> Result<(), Error> {
        self.connector.bounded(async |_| Ok(())).await
    }
}

struct Pulling {
    broker: JetStream,
    messages: Option<pull::Stream>,
    attempts: u64,
}

#[async_trait]
impl Deliveries for Pulling {
    async fn next(&mut self) -> Result<Option<Delivery>, Error> {
        let Some(messages) = &mut self.messages else { return Ok(None) };
        let streams = &self.broker.connector.service;
        let message = match messages.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(streams.explain(&error)),
            None => {
                let reason = "the consumer has ended".to_owned();
                return Err(Outage::Unreachable { at: streams.origin(), reason }.into());
            }
        };
        let attempt = message.info().map_or(1, |info| u64::try_from(info.delivered).unwrap_or(1));
        let (plain, acker) = message.split();
        let receipt = Kept { broker: self.broker.clone(), acker, attempt, attempts: self.attempts };
        // The server's own way back is where the receipt goes.
        let message = Message { reply_to: None, ..received(plain) };
        Ok(Some(Delivery { message, attempt, receipt: Box::new(receipt) }))
    }

    async fn stop(&mut self) {
        // What was fetched and not given out is delivered again.
        self.messages = None;
    }
}

/// The receipt of a message that the server keeps.
struct Kept {
    broker: JetStream,
    acker: jetstream::message::Acker,
    attempt: u64,
    attempts: u64,
}

impl Kept {
    async fn say(&self, kind: AckKind) -> Result<(), Error> {
        // Without an answer it may be delivered once more.
        self.broker.connector.bounded(async |_| Ok(self.acker.double_ack_with(kind).await?)).await
    }
}

#[async_trait]
impl Receipt for Kept {
    async fn done(self: Box<Self>) -> Result<(), Error> {
        self.say(AckKind::Ack).await
    }

    async fn failed(self: Box<Self>) -> Result<Fate, Error> {
        if self.attempt >= self.attempts {
            self.say(AckKind::Term).await?;
            return Ok(Fate::Lost);
        }
        self.say(AckKind::Nak(Some(pause(self.attempt)))).await?;
        Ok(Fate::Again)
    }
}
