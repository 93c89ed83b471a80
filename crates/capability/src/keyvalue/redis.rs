//! A store on a Redis or Valkey server. Its keys are ordinary keys of the server, behind a prefix,
//! so that other programs can share them.
//!
//! Commands of many callers share a connection without waiting for each other's replies. Each
//! thread sticks to one of a few connections, which saves a hop between threads when each core has
//! its own runtime. Clusters and sentinels are not supported.

mod watch;

use std::collections::BTreeMap;
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, Script,
    aio::MultiplexedConnection, cmd,
};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::timeout;

use super::{Changes, Error, Page, Store, Swap, check_key};
use crate::{
    Address, OpenError, Origin, Outage, SettingsError, reconnect::Reconnect, settings::Settings,
};

const NAME: &str = "Redis";

/// Compares and swaps in one step. `ARGV[2]`, the expected value, is left out for a key that is
/// expected to have none.
const SWAP: &str = "
local current = redis.call('GET', KEYS[1])
if current ~= (ARGV[2] or false) then return {0, current} end
redis.call('SET', KEYS[1], ARGV[1])
return {1, false}
";

/// A server of Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `redis://USER:PASSWORD@HOST:PORT/DATABASE`, or `rediss://` for TLS.
    pub url: Address,
    /// What all keys begin with on the server, such as `cache:`. May be empty.
    pub prefix: String,
    /// How long an operation may take, connecting included.
    pub timeout: Duration,
    /// How many connections there are at most.
    pub connections: usize,
}

impl Options {
    /// The server at `url`, without a prefix, with two seconds and a connection per core.
    pub fn new(url: impl Into<Address>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { url: url.into(), prefix: String::new(), timeout: super::TIMEOUT, connections: cores }
    }

    /// Reads the settings `url`, `prefix`, `timeout` and `connections`.
    ///
    /// # Errors
    /// If a setting is missing, unknown or wrong.
    pub(super) fn read(settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let known = &["url", "prefix", "timeout", "connections"];
        let settings = Settings::new("redis", settings, known)?;
        let url = settings.needed("url", "redis://127.0.0.1:6379")?;
        let mut options = Self::new(Address::from(url));
        settings.text("prefix", &mut options.prefix);
        settings.duration("timeout", &mut options.timeout)?;
        settings.count("connections", &mut options.connections)?;
        Ok(options)
    }
}

/// A store on a server of Redis.
#[derive(Debug)]
pub struct Redis {
    origin: Origin,
    client: Client,
    config: AsyncConnectionConfig,
    prefix: String,
    timeout: Duration,
    connections: Box<[Reconnect<MultiplexedConnection, Error>]>,
    swap: Script,
}

impl Redis {
    /// Checks the address. Connects when first needed.
    ///
    /// # Errors
    /// If the address is wrong.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        let address = &options.url;
        address.check(NAME, &["redis", "rediss"])?;
        let client = Client::open(address.secret()).map_err(|error| address.refuse(NAME, error))?;
        Ok(Self {
            origin: Origin::new(format!("Redis at {address}")),
            client,
            // Each operation is bounded as a whole, in `bounded`.
            config: AsyncConnectionConfig::new()
                .set_connection_timeout(None)
                .set_response_timeout(None),
            prefix: options.prefix.clone(),
            timeout: options.timeout,
            connections: (0..options.connections.max(1)).map(|_| Reconnect::new()).collect(),
            swap: Script::new(SWAP),
        })
    }

    /// The key's name on the server.
    fn name(&self, key: &str) -> Result<String, Error> {
        check_key(key)?;
        Ok([&self.prefix, key].concat())
    }

    /// Sends a command and reads its answer.
    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        self.bounded(async |mut connection| command.query_async(&mut connection).await).await
    }

    /// Runs `talk` on this thread's connection, within the time-out.
    async fn bounded<T>(
        &self,
        talk: impl AsyncFnOnce(MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, Error> {
        let slot = &self.connections[thread_number() % self.connections.len()];
        let connected = timeout(self.timeout, slot.get(async || self.connect().await));
        let started = Instant::now();
        let late =
            || Error::Outage(Outage::TimedOut { at: self.origin.clone(), after: self.timeout });
        let numbered = connected.await.map_err(|_| late())??;
        let left = self.timeout.saturating_sub(started.elapsed());
        let error = match timeout(left, talk(numbered.connection.clone())).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) if !error.is_unrecoverable_error() && !error.is_io_error() => {
                return Err(self.explain(&error));
            }
            Ok(Err(error)) => self.explain(&error),
            // The connection may be dead without a sign of it.
            Err(_) => late(),
        };
        slot.broke(&numbered);
        Err(error)
    }

    async fn connect(&self) -> Result<MultiplexedConnection, Error> {
        let connection = self.client.get_multiplexed_async_connection_with_config(&self.config);
        connection.await.map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &RedisError) -> Error {
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

/// A small number for each thread.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}

/// A pattern for `SCAN` that matches what begins with `text`.
fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '^' | '-' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('*');
    pattern
}

#[async_trait]
impl Store for Redis {
    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let value: Option<Vec<u8>> = self.query(cmd("GET").arg(self.name(key)?)).await?;
        Ok(value.map(Bytes::from))
    }

    async fn set(&self, key: &str, value: Bytes) -> Result<(), Error> {
        self.query(cmd("SET").arg(self.name(key)?).arg(&value[..])).await
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        self.query(cmd("DEL").arg(self.name(key)?)).await
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        self.query(cmd("EXISTS").arg(self.name(key)?)).await
    }

    async fn list_keys(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        let prefix = [&self.prefix, prefix].concat();
        let pattern = pattern(&prefix);
        let mut at: u64 = match cursor {
            Some(cursor) => cursor.parse().map_err(|_| Error::WrongCursor {
                at: self.origin.clone(),
                cursor: cursor.to_owned(),
            })?,
            None => 0,
        };
        let mut keys = BTreeSet::new();
        // A step looks at a part of all keys, and may find none of ours.
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(at).arg("MATCH").arg(&pattern).arg("COUNT").arg(limit.max(1));
            scan.arg("TYPE").arg("string");
            let (next, found): (u64, Vec<Vec<u8>>) = self.query(&scan).await?;
            // A key that is not text belongs to another program.
            let texts = found.into_iter().filter_map(|name| String::from_utf8(name).ok());
            keys.extend(texts.filter_map(|name| Some(name.strip_prefix(&self.prefix)?.to_owned())));
            at = next;
            if at == 0 || keys.len() >= limit {
                break;
            }
        }
        let cursor = (at != 0).then(|| at.to_string());
        Ok(Page { keys: keys.into_iter().collect(), cursor })
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        let command = cmd("INCRBY").arg(self.name(key)?).arg(delta).to_owned();
        self.query(&command).await.map_err(|error| match error {
            // The server has no code of its own for these two.
            Error::Failed { reason, .. } if reason.contains("would overflow") => {
                Error::Overflow { key: key.to_owned() }
            }
            Error::Failed { reason, .. } if reason.contains("not an integer") => {
                Error::NotACounter { key: key.to_owned() }
            }
            error => error,
        })
    }

    async fn swap(&self, key: &str, expected: Option<&Bytes>, value: Bytes) -> Result<Swap, Error> {
        let mut call = self.swap.key(self.name(key)?);
        call.arg(&value[..]);
        if let Some(expected) = expected {
            call.arg(&expected[..]);
        }
        let answer: (bool, Option<Vec<u8>>) =
            self.bounded(async |mut connection| call.invoke_async(&mut connection).await).await?;
        Ok(match answer {
            (true, _) => Swap::Done,
            (false, current) => Swap::Lost { current: current.map(Bytes::from) },
        })
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<_> = keys.iter().map(|key| self.name(key)).collect::<Result<_, _>>()?;
        let values: Vec<Option<Vec<u8>>> = self.query(cmd("MGET").arg(&names)).await?;
        Ok(values.into_iter().map(|value| value.map(Bytes::from)).collect())
    }

    async fn set_many(&self, entries: &[(String, Bytes)]) -> Result<(), Error> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut command = cmd("MSET");
        for (key, value) in entries {
            command.arg(self.name(key)?).arg(&value[..]);
        }
        self.query(&command).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = keys.iter().map(|key| self.name(key)).collect::<Result<_, _>>()?;
        self.query(cmd("DEL").arg(&names)).await
    }

    async fn watch(&self, prefix: &str) -> Result<Changes, Error> {
        self.watch_events(prefix).await
    }
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn a_prefix_matches_itself_only() {
        assert_eq!(pattern("a*b?[c]\\"), "a\\*b\\?\\[c\\]\\\\*");
    }
}
