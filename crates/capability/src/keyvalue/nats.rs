//! A store in a bucket of NATS JetStream.
//!
//! A bucket has no counters and compares revisions, not values: steps that are atomic elsewhere are
//! retried here until no other change interferes. Keys that NATS forbids are escaped: `a b` as
//! `a=20b`.
//!
//! A value is read from the leader of the bucket's stream, so that every acknowledged write is
//! seen. The client's own way asks any replica, which may lag behind; it is several times as fast,
//! and is used if there is only one replica.

mod connect;
mod key;
mod list;

use std::collections::BTreeMap;
use std::{collections::HashMap, time::Duration};

use async_nats::{
    HeaderMap, HeaderValue,
    jetstream::{
        kv,
        stream::{DirectGetErrorKind, LastRawMessageErrorKind},
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future::BoxFuture, stream};

use super::{Change, Changes, Error, Page, Store, Swap, check_key, counter};
use crate::{
    Address, OpenError, Origin, SettingsError, nats::EXAMPLE, nats::NAME, open::check_name,
    settings::Settings, turn::Turns,
};
use connect::{Bucket, Buckets, Cause, Connector};

/// How many of the keys of one call are under way at a time.
const AT_ONCE: usize = 64;

/// Enough that the changes to different keys seldom wait for each other.
const TURNS: usize = 64;

/// A server of NATS with JetStream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `nats://USER:PASSWORD@HOST:PORT`, `nats://TOKEN@HOST`, or `tls://` for TLS.
    pub url: Address,
    /// The bucket: letters, digits and `_`.
    pub bucket: String,
    /// Whether the bucket is made if it is not there.
    pub create: bool,
    /// On how many servers of a cluster a bucket that is made is kept.
    pub replicas: usize,
    /// How long an operation may take, connecting included.
    pub timeout: Duration,
}

impl Options {
    /// The server at `url`, with a bucket `keyway` that is made if it is not there, one replica and
    /// two seconds.
    pub fn new(url: impl Into<Address>) -> Self {
        Self {
            url: url.into(),
            bucket: "keyway".to_owned(),
            create: true,
            replicas: 1,
            timeout: super::TIMEOUT,
        }
    }

    /// Reads the settings `url`, `bucket`, `create`, `replicas` and `timeout`.
    ///
    /// # Errors
    /// If a setting is missing, unknown or wrong.
    pub(super) fn read(settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        Self::read_of(settings, Self::new)
    }

    /// The same for what is kept in another bucket than `new` says, unless a setting names one.
    pub(crate) fn read_of(
        settings: &BTreeMap<String, String>,
        new: impl FnOnce(Address) -> Self,
    ) -> Result<Self, SettingsError> {
        let known = &["url", "bucket", "create", "replicas", "timeout"];
        let settings = Settings::new("nats", settings, known)?;
        let mut options = new(Address::from(settings.needed("url", EXAMPLE)?));
        settings.text("bucket", &mut options.bucket);
        settings.parsed("create", "true or false", &mut options.create)?;
        settings.count("replicas", &mut options.replicas)?;
        settings.duration("timeout", &mut options.timeout)?;
        Ok(options)
    }
}

/// A store in a bucket of NATS JetStream.
#[derive(Debug)]
pub struct Nats {
    origin: Origin,
    connector: Connector,
    /// Of the changes that this process makes to a key in one step, one is tried at a time.
    turns: Turns,
}

/// What a key has, and the revision to give when it is changed.
struct Entry {
    value: Option<Bytes>,
    revision: u64,
}

impl Nats {
    /// Checks the address and the bucket's name. Connects when first needed.
    ///
    /// # Errors
    /// If one of them is wrong.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        check_name(&options.bucket, "bucket", NAME)?;
        let origin = Origin::new(format!("{NAME} at {}", options.url));
        let buckets = Buckets { origin: origin.clone(), options: options.clone() };
        Ok(Self {
            connector: Connector::new(buckets, &options.url, options.timeout)?,
            origin,
            turns: Turns::new(TURNS),
        })
    }

    /// Changes a key to what `change` makes of its value, in one step: it is tried again if
    /// another change came between. Without a new value nothing is changed.
    async fn change<T>(
        &self,
        key: &str,
        change: impl Fn(Option<&Bytes>) -> Result<(Option<Bytes>, T), Error>,
    ) -> Result<T, Error> {
        check_key(key)?;
        let name = key::encode(key);
        self.connector
            .bounded(async |bucket| {
                let _turn = self.turns.take(key).await;
                loop {
                    let entry = entry(bucket, &name).await?;
                    let (value, outcome) = change(entry.value.as_ref())?;
                    let Some(value) = value else { return Ok(outcome) };
                    match bucket.store.update(&name, value, entry.revision).await {
                        Ok(_) => return Ok(outcome),
                        Err(error) if error.kind() == kv::UpdateErrorKind::WrongLastRevision => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            })
            .await
    }
}

/// The value of a key, from a server that has every acknowledged write. A key that was deleted has
/// a revision and no value.
async fn entry(bucket: &Bucket, name: &str) -> Result<Entry, Cause> {
    let subject = format!("{}{name}", bucket.store.prefix);
    let stream = &bucket.store.stream;
    let found = if bucket.has_one_replica() {
        match stream.direct_get_last_for_subject(&subject).await {
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => None,
            found => Some(found?),
        }
    } else {
        match stream.get_last_raw_message_by_subject(&subject).await {
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => None,
            found => Some(found?),
        }
    };
    let Some(message) = found else { return Ok(Entry { value: None, revision: 0 }) };
    let value = (!is_deletion(&message.headers)).then_some(message.payload);
    Ok(Entry { value, revision: message.sequence })
}

/// Whether a message of a bucket says that its key is gone.
fn is_deletion(headers: &HeaderMap) -> bool {
    let operation = headers.get("KV-Operation").map(HeaderValue::as_str);
    matches!(operation, Some("DEL" | "PURGE"))
        // The server writes of itself that a value has come to its age.
        || (operation.is_none() && headers.get("Nats-Marker-Reason").is_some())
}

#[async_trait]
impl Store for Nats {
    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        check_key(key)?;
        let name = key::encode(key);
        self.connector.bounded(async |bucket| Ok(entry(bucket, &name).await?.value)).await
    }

    async fn set(&self, key: &str, value: Bytes) -> Result<(), Error> {
        check_key(key)?;
        let name = key::encode(key);
        let bytes = value.len();
        self.connector
            .bounded(async |bucket| {
                let limit_bytes = bucket.client.max_payload();
                if bytes > limit_bytes {
                    return Err(Error::ValueTooLong {
                        at: self.origin.clone(),
                        key: key.to_owned(),
                        bytes: bytes as u64,
                        limit_bytes: limit_bytes as u64,
                    }
                    .into());
                }
                bucket.store.put(&name, value).await?;
                Ok(())
            })
            .await
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        check_key(key)?;
        let name = key::encode(key);
        self.connector
            .bounded(async |bucket| {
                // A deletion leaves a mark in the bucket; a key that was never there leaves none.
                if entry(bucket, &name).await?.value.is_some() {
                    bucket.store.delete(&name).await?;
                }
                Ok(())
            })
            .await
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        Ok(self.get(key).await?.is_some())
    }

    async fn list_keys(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        let start = match cursor {
            Some(cursor) => cursor.parse().map_err(|_| Error::WrongCursor {
                at: self.origin.clone(),
                cursor: cursor.to_owned(),
            })?,
            None => 1,
        };
        self.connector
            .bounded(async |bucket| list::page(bucket, prefix, start, limit.max(1)).await)
            .await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        self.change(key, |value| {
            let count = counter::add(key, value.map(|value| &value[..]), delta)?;
            Ok((Some(counter::format(count)), count))
        })
        .await
    }

    async fn swap(&self, key: &str, expected: Option<&Bytes>, value: Bytes) -> Result<Swap, Error> {
        self.change(key, |current| {
            Ok(if current == expected {
                (Some(value.clone()), Swap::Done)
            } else {
                (None, Swap::Lost { current: current.cloned() })
            })
        })
        .await
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, Error> {
        keys.iter().try_for_each(|key| check_key(key))?;
        let values: Vec<BoxFuture<'_, _>> = keys.iter().map(|key| self.get(key)).collect();
        stream::iter(values).buffered(AT_ONCE).try_collect().await
    }

    async fn set_many(&self, entries: &[(String, Bytes)]) -> Result<(), Error> {
        entries.iter().try_for_each(|(key, _)| check_key(key))?;
        // Of a key given twice, the last value counts.
        let entries: HashMap<_, _> =
            entries.iter().map(|(key, value)| (key.as_str(), value)).collect();
        let sets: Vec<BoxFuture<'_, _>> =
            entries.into_iter().map(|(key, value)| self.set(key, value.clone())).collect();
        stream::iter(sets).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), Error> {
        keys.iter().try_for_each(|key| check_key(key))?;
        let deletions: Vec<BoxFuture<'_, _>> = keys.iter().map(|key| self.delete(key)).collect();
        stream::iter(deletions).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn watch(&self, prefix: &str) -> Result<Changes, Error> {
        let prefix = prefix.to_owned();
        let origin = self.origin.clone();
        let entries =
            self.connector.bounded(async |bucket| Ok(bucket.store.watch_all().await?)).await?;
        let changes = entries.filter_map(move |entry| {
            let change = match entry {
                Ok(entry) => change(entry, &prefix).map(Ok),
                Err(error) => {
                    Some(Err(Error::Failed { at: origin.clone(), reason: error.to_string() }))
                }
            };
            std::future::ready(change)
        });
        Ok(changes.boxed())
    }
}

/// The change that an entry is, if it is to a key that begins with `prefix`.
fn change(entry: kv::Entry, prefix: &str) -> Option<Change> {
    let key = key::decode(&entry.key).filter(|key| key.starts_with(prefix))?;
    Some(match entry.operation {
        kv::Operation::Put => Change::Set { key, value: entry.value },
        kv::Operation::Delete | kv::Operation::Purge => Change::Deleted { key },
    })
}
