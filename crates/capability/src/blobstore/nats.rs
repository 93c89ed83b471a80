//! Containers in a bucket of NATS' object store.
//!
//! A bucket lists its objects in the order in which they were written, so finding a page scans all
//! of them. The data of an abandoned object stays until the bucket is deleted.

mod connect;
mod write;

use std::{
    collections::BTreeMap, ops::RangeInclusive, sync::Arc, time::Duration, time::SystemTime,
};

use async_nats::jetstream::object_store::{self, InfoErrorKind, Object, ObjectStore};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::{
    io::{AsyncReadExt, copy, sink},
    time::timeout,
};

use super::{
    Blobs, ContainerInfo, Error, ObjectId, ObjectInfo, Page, Reading, Writing, clamp, copy_across,
    flat,
};
use crate::{
    Address, OpenError, Origin, Outage, SettingsError, nats::EXAMPLE, nats::NAME,
    settings::Settings,
};
use connect::{Bucket, Connector};

/// What is read of an object at once.
const PIECE_BYTES: usize = 64 << 10;

/// A server of NATS with JetStream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `nats://USER:PASSWORD@HOST:PORT`, `nats://TOKEN@HOST`, or `tls://` for TLS.
    pub url: Address,
    /// The bucket: letters, digits, `-` and `_`.
    pub bucket: String,
    /// Whether the bucket is made if it is not there.
    pub create: bool,
    /// On how many servers of a cluster a bucket that is made is kept.
    pub replicas: usize,
    /// How long an operation may take, or a step of one that streams, connecting included.
    pub timeout: Duration,
}

impl Options {
    /// The server at `url`, with a bucket `keyway` that is made if it is not there, one replica and
    /// ten seconds.
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
        let known = &["url", "bucket", "create", "replicas", "timeout"];
        let settings = Settings::new("nats", settings, known)?;
        let mut options = Self::new(Address::from(settings.needed("url", EXAMPLE)?));
        settings.text("bucket", &mut options.bucket);
        settings.parsed("create", "true or false", &mut options.create)?;
        settings.count("replicas", &mut options.replicas)?;
        settings.duration("timeout", &mut options.timeout)?;
        Ok(options)
    }
}

/// Containers in a bucket of NATS.
#[derive(Clone, Debug)]
pub struct Nats {
    origin: Origin,
    connector: Arc<Connector>,
    timeout: Duration,
}

impl Nats {
    /// Checks the address and the bucket's name. Connects when first needed.
    ///
    /// # Errors
    /// If one of them is wrong.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        check_bucket(&options.bucket)?;
        let origin = Origin::new(format!("{NAME} at {}", options.url));
        let bucket = Bucket { origin: origin.clone(), options: options.clone() };
        Ok(Self {
            connector: Arc::new(Connector::new(bucket, &options.url, options.timeout)?),
            origin,
            timeout: options.timeout,
        })
    }

    /// What the bucket has under a key.
    async fn find(&self, key: &str) -> Result<Option<object_store::ObjectInfo>, Error> {
        self.connector
            .bounded(async |store| match store.info(key).await {
                Ok(found) if found.deleted => Ok(None),
                Ok(found) => Ok(Some(found)),
                Err(error) if error.kind() == InfoErrorKind::NotFound => Ok(None),
                Err(error) => Err(error.into()),
            })
            .await
    }

    async fn need_container(&self, container: &str) -> Result<(), Error> {
        match self.find(&flat::mark_key(container)?).await? {
            Some(_) => Ok(()),
            None => Err(Error::no_container(self.origin(), container)),
        }
    }

    /// The first `limit` of the keys after `after` that begin with `key`, and one more if there is.
    async fn keys(
        &self,
        key: &str,
        after: &str,
        limit: usize,
    ) -> Result<BTreeMap<String, ObjectInfo>, Error> {
        self.connector
            .bounded(async |store| {
                let mut found = BTreeMap::new();
                let mut listed = store.list().await?;
                while let Some(object) = listed.try_next().await? {
                    if object.name.starts_with(key) && object.name.as_str() > after {
                        let info = info(object.name.clone(), &object);
                        found.insert(object.name, info);
                        if found.len() > limit.saturating_add(1) {
                            found.pop_last();
                        }
                    }
                }
                Ok(found)
            })
            .await
    }

    async fn remove(&self, key: &str) -> Result<(), Error> {
        // A deletion leaves a mark in the bucket; what was never there leaves none.
        if self.find(key).await?.is_none() {
            return Ok(());
        }
        self.connector.bounded(async |store| Ok(store.delete(key).await?)).await
    }
}

#[async_trait]
impl Blobs for Nats {
    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    async fn create_container(&self, container: &str) -> Result<(), Error> {
        let key = flat::mark_key(container)?;
        if self.find(&key).await?.is_some() {
            let container = container.to_owned();
            return Err(Error::ContainerExists { at: self.origin(), container });
        }
        self.connector
            .bounded(async |store| {
                store.put(key.as_str(), &mut tokio::io::empty()).await?;
                Ok(())
            })
            .await
    }

    async fn delete_container(&self, container: &str) -> Result<(), Error> {
        self.clear(container, "").await?;
        self.remove(&flat::mark_key(container)?).await
    }

    async fn containers(&self) -> Result<Vec<String>, Error> {
        self.connector
            .bounded(async |store| {
                let mut containers = Vec::new();
                let mut listed = store.list().await?;
                while let Some(object) = listed.try_next().await? {
                    if flat::is_mark(&object.name) {
                        containers.extend(flat::container_name(&object.name));
                    }
                }
                Ok(containers)
            })
            .await
    }

    async fn container_info(&self, container: &str) -> Result<Option<ContainerInfo>, Error> {
        let mark = self.find(&flat::mark_key(container)?).await?;
        Ok(mark.map(|mark| ContainerInfo { created: changed(&mark) }))
    }

    async fn list(
        &self,
        container: &str,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        self.need_container(container).await?;
        let container_key = flat::container_key(container)?;
        let key = flat::prefix_key(container, prefix)?;
        let limit = limit.max(1);
        // One more for the container's mark.
        let found = self.keys(&key, cursor.unwrap_or_default(), limit.saturating_add(1)).await?;
        let mut found: Vec<_> = found
            .into_iter()
            .filter_map(|(key, info)| {
                let name = flat::object_name(&key, &container_key)?;
                name.starts_with(prefix).then_some((key, ObjectInfo { name, ..info }))
            })
            .collect();
        let cursor = (found.len() > limit).then(|| {
            found.truncate(limit);
            found.last().map(|(key, _)| key.clone()).unwrap_or_default()
        });
        Ok(Page { objects: found.into_iter().map(|(_, info)| info).collect(), cursor })
    }

    async fn info(&self, object: ObjectId<'_>) -> Result<Option<ObjectInfo>, Error> {
        match self.find(&flat::object_key(object)?).await? {
            Some(found) => Ok(Some(info(object.name.to_owned(), &found))),
            None => self.need_container(object.container).await.map(|()| None),
        }
    }

    async fn read(
        &self,
        object: ObjectId<'_>,
        part: RangeInclusive<u64>,
    ) -> Result<Reading, Error> {
        let key = flat::object_key(object)?;
        if self.find(&key).await?.is_none() {
            self.need_container(object.container).await?;
            return Err(Error::no_object(self.origin(), object));
        }
        let found: Object =
            self.connector.bounded(async |store| Ok(store.get(key.as_str()).await?)).await?;
        let (start, bytes) = clamp(&part, found.info().size as u64);
        if bytes == 0 {
            return Ok(Reading { bytes, data: stream::empty().boxed() });
        }
        let this = self.clone();
        let data = stream::try_unfold((found, start, bytes), move |(mut found, skip, left)| {
            let this = this.clone();
            async move {
                let read = timeout(this.timeout, piece(&mut found, skip, left));
                let read = read.await.map_err(|_| {
                    Error::Outage(Outage::TimedOut { at: this.origin.clone(), after: this.timeout })
                })?;
                let piece = read.map_err(|error| this.connector.service.failed(&error))?;
                Ok(piece.map(|piece| {
                    let left = left - piece.len() as u64;
                    (piece, (found, 0, left))
                }))
            }
        });
        Ok(Reading { bytes, data: data.boxed() })
    }

    async fn write(&self, object: ObjectId<'_>) -> Result<Box<dyn Writing>, Error> {
        let key = flat::object_key(object)?;
        self.need_container(object.container).await?;
        let store: ObjectStore = self.connector.bounded(async |store| Ok(store.clone())).await?;
        Ok(Box::new(write::Written::new(self.clone(), store, key)))
    }

    async fn delete(&self, container: &str, objects: &[String]) -> Result<(), Error> {
        let key = |name: &String| flat::object_key(ObjectId { container, name });
        let keys = objects.iter().map(key).collect::<Result<Vec<_>, _>>()?;
        self.need_container(container).await?;
        for key in keys {
            self.remove(&key).await?;
        }
        Ok(())
    }

    async fn copy(&self, from: ObjectId<'_>, to: ObjectId<'_>) -> Result<(), Error> {
        // The bucket has no copies of its own.
        copy_across(self, from, self, to).await
    }
}

/// The next piece of an object after `skip` bytes; none at the end of what is wanted.
async fn piece(object: &mut Object, skip: u64, left: u64) -> std::io::Result<Option<Bytes>> {
    if skip > 0 {
        copy(&mut object.take(skip), &mut sink()).await?;
    }
    let bytes = usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
    if bytes == 0 {
        return Ok(None);
    }
    let mut piece = BytesMut::with_capacity(bytes);
    if object.take(bytes as u64).read_buf(&mut piece).await? == 0 {
        return Err(std::io::Error::other("the object is shorter than it should be"));
    }
    Ok(Some(piece.freeze()))
}

fn info(name: String, found: &object_store::ObjectInfo) -> ObjectInfo {
    ObjectInfo { name, bytes: found.size as u64, created: changed(found) }
}

fn changed(found: &object_store::ObjectInfo) -> SystemTime {
    found.modified.map_or(SystemTime::UNIX_EPOCH, Into::into)
}

fn check_bucket(name: &str) -> Result<(), OpenError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !name.is_empty() && name.len() <= 63 && name.bytes().all(is_plain) {
        return Ok(());
    }
    let rule = "use up to 63 letters, digits, `-` and `_`";
    Err(OpenError::name(name, "bucket", NAME, rule))
}
