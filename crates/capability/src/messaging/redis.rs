//! Messages through Redis pub/sub: each is delivered once, to all subscribers of that moment. The
//! server has no groups, so each host gets each message; and a message is only its data.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, Msg, RedisError,
    aio::MultiplexedConnection, cmd,
};
use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use tokio::time::timeout;

use super::{
    Broker, Deliveries, Delivery, Error, Message, Pattern, Subscription, nats::Once, topic,
};
use crate::{
    Address, OpenError, Origin, Outage, SettingsError, reconnect::Reconnect, settings::Settings,
};

const NAME: &str = "Redis";

/// A server of Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `redis://USER:PASSWORD@HOST:PORT/DATABASE`, or `rediss://` for TLS.
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
        let settings = Settings::new("redis", settings, &["url", "timeout"])?;
        let mut options =
            Self::new(Address::from(settings.needed("url", "redis://127.0.0.1:6379")?));
        settings.duration("timeout", &mut options.timeout)?;
        Ok(options)
    }
}

/// A broker on a server of Redis.
#[derive(Debug)]
pub struct Redis(Server);

/// A server, with a connection for what is answered soon.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) origin: Origin,
    client: Client,
    timeout: Duration,
    connection: Reconnect<MultiplexedConnection, Error>,
}

impl Server {
    pub(super) fn open(address: &Address, timeout: Duration) -> Result<Self, OpenError> {
        address.check(NAME, &["redis", "rediss"])?;
        let client = Client::open(address.secret()).map_err(|error| address.refuse(NAME, error))?;
        let origin = Origin::new(format!("{NAME} at {address}"));
        Ok(Self { origin, client, timeout, connection: Reconnect::new() })
    }

    /// Sends a command and reads its answer, within the time-out.
    pub(super) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        let started = Instant::now();
        let late =
            || Error::Outage(Outage::TimedOut { at: self.origin.clone(), after: self.timeout });
        let connecting = timeout(self.timeout, self.connection.get(async || self.connect().await));
        let mut numbered = connecting.await.map_err(|_| late())??;
        let left = self.timeout.saturating_sub(started.elapsed());
        let error = match timeout(left, command.query_async(&mut numbered.connection)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) if !error.is_unrecoverable_error() && !error.is_io_error() => {
                return Err(self.explain(&error));
            }
            Ok(Err(error)) => self.explain(&error),
            // The connection may be dead without a sign of it.
            Err(_) => late(),
        };
        self.connection.broke(&numbered);
        Err(error)
    }

    /// A connection of its own, for what takes long.
    pub(super) async fn connect(&self) -> Result<MultiplexedConnection, Error> {
        // Each operation is bounded by its caller.
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        match timeout(self.timeout, connecting).await {
            Ok(connected) => connected.map_err(|error| self.explain(&error)),
            Err(_) => Err(Error::Outage(Outage::TimedOut {
                at: self.origin.clone(),
                after: self.timeout,
            })),
        }
    }

    pub(super) fn explain(&self, error: &RedisError) -> Error {
        let at = self.origin.clone();
        let reason = error.to_string();
        let says = |codes: &[&str]| error.code().is_some_and(|code| codes.contains(&code));
        if error.kind() == ErrorKind::AuthenticationFailed
            || says(&["NOAUTH", "WRONGPASS", "NOPERM"])
        {
            Error::Outage(Outage::AccessDenied { at, reason })
        } else if error.is_io_error()
            || error.is_unrecoverable_error()
            // It answers, but cannot serve yet: it reads its data, or waits for its primary.
            || says(&["LOADING", "MASTERDOWN"])
        {
            Error::Outage(Outage::Unreachable { at, reason })
        } else {
            Error::Failed { at, reason }
        }
    }
}

impl Redis {
    /// Checks the address. Connects when first needed.
    ///
    /// # Errors
    /// If it is wrong.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        Server::open(&options.url, options.timeout).map(Self)
    }
}

/// Redis's own pattern, which matches more: `a.*` for `a.b.c` too.
fn glob(topics: &Pattern) -> String {
    let mut glob = String::new();
    for character in topics.as_str().chars() {
        match character {
            '>' => glob.push('*'),
            '?' | '[' | ']' | '^' | '\\' => glob.extend(['\\', character]),
            other => glob.push(other),
        }
    }
    glob
}

#[async_trait]
impl Broker for Redis {
    fn origin(&self) -> Origin {
        self.0.origin.clone()
    }

    async fn send(&self, topic: &str, message: Message) -> Result<(), Error> {
        topic::check(topic)?;
        if message.content_type.is_some()
            || !message.metadata.is_empty()
            || message.reply_to.is_some()
        {
            let what = "carry metadata, a content type or a reply topic by pub/sub; streams can";
            return Err(Error::Unsupported { at: self.origin(), what });
        }
        self.0.query(cmd("PUBLISH").arg(topic).arg(&message.data[..])).await
    }

    async fn subscribe(&self, subscription: &Subscription) -> Result<Box<dyn Deliveries>, Error> {
        let listening = async {
            let mut listener = self.0.client.get_async_pubsub().await?;
            listener.psubscribe(glob(&subscription.topics)).await?;
            Ok(listener)
        };
        let late = |_| Error::Outage(Outage::TimedOut { at: self.origin(), after: self.0.timeout });
        let listener = timeout(self.0.timeout, listening)
            .await
            .map_err(late)?
            .map_err(|error: RedisError| self.0.explain(&error))?;
        Ok(Box::new(Listening {
            origin: self.origin(),
            topics: subscription.topics.clone(),
            messages: Some(listener.into_on_message().boxed()),
        }))
    }

    async fn probe(&self) -> Result<(), Error> {
        self.0.query::<String>(&cmd("PING")).await.map(drop)
    }
}

struct Listening {
    origin: Origin,
    topics: Pattern,
    messages: Option<BoxStream<'static, Msg>>,
}

#[async_trait]
impl Deliveries for Listening {
    async fn next(&mut self) -> Result<Option<Delivery>, Error> {
        let Some(messages) = &mut self.messages else { return Ok(None) };
        loop {
            let Some(message) = messages.next().await else {
                let reason = "the connection is lost".to_owned();
                return Err(Error::Outage(Outage::Unreachable { at: self.origin.clone(), reason }));
            };
            // A channel that is not text belongs to another program.
            let Ok(topic) = message.get_channel::<String>() else { continue };
            if self.topics.matches(&topic) {
                let data = message.get_payload_bytes().to_vec().into();
                let message = Message { topic, data, ..Message::default() };
                return Ok(Some(Delivery { message, attempt: 1, receipt: Box::new(Once) }));
            }
        }
    }

    async fn stop(&mut self) {
        self.messages = None;
    }
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn a_pattern_is_a_glob() {
        assert_eq!(glob(&"a[1].*.>".parse().unwrap()), "a\\[1\\].*.*");
    }
}
