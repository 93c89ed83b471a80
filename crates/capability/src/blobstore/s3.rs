//! Containers in an S3 bucket, or on a compatible server such as MinIO, R2 or Ceph.
//!
//! Objects larger than a part are sent in parts; the server keeps the parts of an abandoned object
//! until a lifecycle rule removes them.

mod http;
mod write;

use std::collections::BTreeMap;
use std::{
    error::Error as StdError,
    fmt,
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    client::{HttpError, HttpErrorKind},
    list::{PaginatedListOptions, PaginatedListStore},
    path::Path,
};
use tokio::{sync::Semaphore, time::timeout};

use super::{
    Blobs, ContainerInfo, Error, ObjectId, ObjectInfo, Page, Reading, Writing, copy_across, flat,
    name::write_object,
};
use crate::{Address, OpenError, Origin, Outage, SettingsError, settings::Settings};

const NAME: &str = "S3";

/// What S3 returns to a caller without the right to ask, or without proof of it:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
const REFUSALS: [&str; 3] = ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"];

/// What the server copies by itself; what is larger goes through this process.
const COPY_LIMIT_BYTES: u64 = 5 << 30;

/// What a page has at most, and what is deleted in one request.
const PAGE: usize = 1000;

/// How many parts are in memory at a time, for all that is being written.
const PARTS: usize = 32;

/// A bucket of S3.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server, `https://HOST:PORT`; Amazon's own in the region if none.
    pub url: Option<Address>,
    /// The bucket, which is not made.
    pub bucket: String,
    /// The region.
    pub region: String,
    /// The login; that of the machine, as its cloud gives it, if none.
    pub login: Option<Login>,
    /// What all keys begin with in the bucket, such as `app/`. May be empty.
    pub prefix: String,
    /// How long an operation may take, or a step of one that streams.
    pub timeout: Duration,
}

/// A login.
#[derive(Clone)]
pub struct Login {
    /// The access key's public part.
    pub access_key: String,
    /// Its secret part.
    pub secret_key: String,
    /// The token of a session, if it is one.
    pub token: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

impl Options {
    /// A bucket of Amazon's in `us-east-1`, with the machine's own login and ten seconds.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            url: None,
            bucket: bucket.into(),
            region: "us-east-1".to_owned(),
            login: None,
            prefix: String::new(),
            timeout: super::TIMEOUT,
        }
    }

    /// Reads the settings `bucket`, `region`, `url`, `access_key`, `secret_key`, `token`, `prefix` and
    /// `timeout`.
    ///
    /// # Errors
    /// If a setting is missing, unknown or wrong.
    pub(super) fn read(settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let known =
            &["bucket", "region", "url", "access_key", "secret_key", "token", "prefix", "timeout"];
        let settings = Settings::new("s3", settings, known)?;
        let mut options = Self::new(settings.needed("bucket", "pictures")?);
        let text = |name| {
            let mut text = String::new();
            settings.text(name, &mut text);
            (!text.is_empty()).then_some(text)
        };
        options.url = text("url").map(Address::from);
        settings.text("region", &mut options.region);
        // Without a login the machine's own is taken, but not without a half of one.
        if text("access_key").is_some() || text("secret_key").is_some() || options.url.is_some() {
            options.login = Some(Login {
                access_key: settings.needed("access_key", "AKIAIOSFODNN7EXAMPLE")?.to_owned(),
                secret_key: settings.needed("secret_key", "wJalrXUtnFEMI/K7MDENG")?.to_owned(),
                token: text("token"),
            });
        }
        settings.text("prefix", &mut options.prefix);
        settings.duration("timeout", &mut options.timeout)?;
        Ok(options)
    }
}

/// Containers in a bucket of S3.
#[derive(Clone, Debug)]
pub struct S3 {
    origin: Origin,
    bucket: String,
    store: Arc<AmazonS3>,
    /// Empty, or ends in `/`.
    prefix: String,
    timeout: Duration,
    parts: Arc<Semaphore>,
}

impl S3 {
    /// Checks the address and the bucket's name. Connects when first needed.
    ///
    /// # Errors
    /// If one of them is wrong.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        check_bucket(&options.bucket)?;
        let server = match &options.url {
            Some(address) => {
                address.check(NAME, &["https", "http"])?;
                address.clone()
            }
            None => Address::from(format!("https://s3.{}.amazonaws.com", options.region)),
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&options.bucket)
            .with_region(&options.region)
            .with_endpoint(server.secret())
            .with_allow_http(true)
            .with_client_options(ClientOptions::new().with_allow_http(true))
            .with_http_connector(http::Connector::new(&server, options.timeout)?)
            .with_retry(RetryConfig {
                backoff: BackoffConfig {
                    init_backoff: Duration::from_millis(50),
                    ..BackoffConfig::default()
                },
                max_retries: 3,
                retry_timeout: options.timeout,
            });
        if let Some(login) = &options.login {
            builder = builder
                .with_access_key_id(&login.access_key)
                .with_secret_access_key(&login.secret_key);
            if let Some(token) = &login.token {
                builder = builder.with_token(token);
            }
        }
        let store = builder.build().map_err(|error| server.refuse(NAME, error))?;
        let prefix = options.prefix.trim_matches('/');
        Ok(Self {
            origin: Origin::new(format!("{NAME} at {server}")),
            bucket: options.bucket.clone(),
            store: Arc::new(store),
            prefix: if prefix.is_empty() { String::new() } else { write_object(prefix) + "/" },
            timeout: options.timeout,
            parts: Arc::new(Semaphore::new(PARTS)),
        })
    }

    fn path(&self, key: &str) -> Result<Path, Error> {
        let parsed = Path::parse([&self.prefix, key].concat());
        parsed.map_err(|error| Error::Failed { at: self.origin(), reason: error.to_string() })
    }

    fn object_path(&self, object: ObjectId<'_>) -> Result<Path, Error> {
        self.path(&flat::object_key(object)?)
    }

    /// Waits for the server's answer, within the time-out.
    async fn bounded<T>(
        &self,
        answer: impl Future<Output = Result<T, object_store::Error>>,
    ) -> Result<T, Failure> {
        match timeout(self.timeout, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(object_store::Error::NotFound { source, .. })) => {
                let text = text(&*source);
                match said(&text, "Code") {
                    Some("NoSuchBucket") => Err(Failure::Other(self.no_bucket())),
                    _ => Err(Failure::NotFound),
                }
            }
            Ok(Err(error)) => Err(Failure::Other(self.explain(&error))),
            Err(_) => Err(Failure::Other(self.late())),
        }
    }

    fn late(&self) -> Error {
        Error::Outage(Outage::TimedOut { at: self.origin(), after: self.timeout })
    }

    fn no_bucket(&self) -> Error {
        Error::NoSuchStore {
            at: self.origin(),
            name: format!("bucket `{}`", self.bucket),
            reason: "create it, or name one that exists".to_owned(),
        }
    }

    /// What an error of the client means, in the server's own words where it has any.
    fn explain(&self, error: &object_store::Error) -> Error {
        let at = self.origin();
        let text = text(error);
        let code = said(&text, "Code");
        // The client does not tell these from other failures in all of its calls.
        let is_refused = code.is_some_and(|code| REFUSALS.contains(&code));
        let reason = match (code, said(&text, "Message")) {
            (Some("NoSuchBucket"), _) => return self.no_bucket(),
            (Some(code), Some(message)) => format!("{message} ({code})"),
            (Some(code), None) => code.to_owned(),
            (None, _) => root(error).to_string(),
        };
        let kind = cause::<HttpError>(error).map(HttpError::kind);
        match (error, kind) {
            _ if is_refused => Error::Outage(Outage::AccessDenied { at, reason }),
            (
                object_store::Error::PermissionDenied { .. }
                | object_store::Error::Unauthenticated { .. },
                _,
            ) => Error::Outage(Outage::AccessDenied { at, reason }),
            (_, Some(HttpErrorKind::Timeout)) => self.late(),
            (_, Some(_)) => Error::Outage(Outage::Unreachable { at, reason }),
            _ => Error::Failed { at, reason },
        }
    }

    /// The error for an object that was not found, perhaps for want of its container.
    async fn missing(&self, object: ObjectId<'_>, failure: Failure) -> Error {
        match failure {
            Failure::NotFound => match self.need_container(object.container).await {
                Ok(()) => Error::no_object(self.origin(), object),
                Err(error) => error,
            },
            Failure::Other(error) => error,
        }
    }

    async fn need_container(&self, container: &str) -> Result<(), Error> {
        match self.container_info(container).await? {
            Some(_) => Ok(()),
            None => Err(Error::no_container(self.origin(), container)),
        }
    }

    /// A page of what is kept under a key, as the server gives it.
    async fn page(
        &self,
        key: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<ObjectMeta>, Option<String>), Error> {
        let options = PaginatedListOptions {
            max_keys: Some(limit.clamp(1, PAGE)),
            page_token: cursor.map(str::to_owned),
            ..PaginatedListOptions::default()
        };
        let prefix = [&self.prefix, key].concat();
        let listed = self.bounded(self.store.list_paginated(Some(&prefix), options)).await;
        let page = listed.map_err(|failure| failure.or(|| self.no_bucket()))?;
        Ok((page.result.objects, page.page_token))
    }

    /// Deletes what has these paths; a missing one is not an error.
    async fn remove(&self, paths: Vec<Path>) -> Result<(), Error> {
        let paths = stream::iter(paths).map(Ok).boxed();
        let mut removed = self.store.delete_stream(paths);
        loop {
            match self.bounded(async { removed.try_next().await }).await {
                Ok(None) => return Ok(()),
                Ok(Some(_)) | Err(Failure::NotFound) => {}
                Err(Failure::Other(error)) => return Err(error),
            }
        }
    }
}

/// Why there is no response.
enum Failure {
    NotFound,
    Other(Error),
}

impl Failure {
    fn or(self, not_found: impl FnOnce() -> Error) -> Error {
        match self {
            Self::NotFound => not_found(),
            Self::Other(error) => error,
        }
    }
}

#[async_trait]
impl Blobs for S3 {
    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    async fn create_container(&self, container: &str) -> Result<(), Error> {
        if self.container_info(container).await?.is_some() {
            let container = container.to_owned();
            return Err(Error::ContainerExists { at: self.origin(), container });
        }
        let path = self.path(&flat::mark_key(container)?)?;
        let put = self.bounded(self.store.put(&path, PutPayload::new())).await;
        put.map(drop).map_err(|failure| failure.or(|| self.no_bucket()))
    }

    async fn delete_container(&self, container: &str) -> Result<(), Error> {
        self.need_container(container).await?;
        let key = flat::container_key(container)?;
        loop {
            let (found, _) = self.page(&key, None, PAGE).await?;
            if found.is_empty() {
                return Ok(());
            }
            self.remove(found.into_iter().map(|object| object.location).collect()).await?;
        }
    }

    async fn containers(&self) -> Result<Vec<String>, Error> {
        let prefix = self.path("")?;
        let listed = self.bounded(self.store.list_with_delimiter(Some(&prefix))).await;
        let listed = listed.map_err(|failure| failure.or(|| self.no_bucket()))?;
        let name = |path: Path| flat::container_name(path.as_ref().strip_prefix(&self.prefix)?);
        Ok(listed.common_prefixes.into_iter().filter_map(name).collect())
    }

    async fn container_info(&self, container: &str) -> Result<Option<ContainerInfo>, Error> {
        // Without a mark too, if another program has put something there. The mark comes first,
        // except before names that begin with one of `!"#$`.
        let (found, _) = self.page(&flat::container_key(container)?, None, 1).await?;
        Ok(found.first().map(|object| ContainerInfo { created: object.last_modified.into() }))
    }

    async fn list(
        &self,
        container: &str,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        let container_key = flat::container_key(container)?;
        let key = flat::prefix_key(container, prefix)?;
        let mut objects = Vec::new();
        let mut cursor = cursor.map(str::to_owned);
        loop {
            let (found, next) = self.page(&key, cursor.as_deref(), limit).await?;
            objects.extend(found.into_iter().filter_map(|found| {
                let key = found.location.as_ref().strip_prefix(&self.prefix)?;
                let name = flat::object_name(key, &container_key)?;
                name.starts_with(prefix).then(|| info(name, &found))
            }));
            cursor = next;
            if cursor.is_none() || objects.len() >= limit {
                break;
            }
        }
        if objects.is_empty() {
            self.need_container(container).await?;
        }
        Ok(Page { objects, cursor })
    }

    async fn info(&self, object: ObjectId<'_>) -> Result<Option<ObjectInfo>, Error> {
        let path = self.object_path(object)?;
        match self.bounded(self.store.head(&path)).await {
            Ok(found) => Ok(Some(info(object.name.to_owned(), &found))),
            Err(Failure::NotFound) => self.need_container(object.container).await.map(|()| None),
            Err(Failure::Other(error)) => Err(error),
        }
    }

    async fn read(
        &self,
        object: ObjectId<'_>,
        part: RangeInclusive<u64>,
    ) -> Result<Reading, Error> {
        let path = self.object_path(object)?;
        let is_whole = part == (0..=u64::MAX);
        if !is_whole {
            // The server refuses a part that begins beyond the end, or is empty.
            let found = self.info(object).await?;
            let found = found.ok_or_else(|| Error::no_object(self.origin(), object))?;
            let (_, bytes) = super::clamp(&part, found.bytes);
            if bytes == 0 {
                return Ok(Reading { bytes, data: stream::empty().boxed() });
            }
        }
        let end = part.end().saturating_add(1);
        let range = (!is_whole).then_some(GetRange::Bounded(*part.start()..end));
        let options = GetOptions { range, ..GetOptions::default() };
        let found = match self.bounded(self.store.get_opts(&path, options)).await {
            Ok(found) => found,
            Err(failure) => return Err(self.missing(object, failure).await),
        };
        let bytes = found.range.end - found.range.start;
        let this = self.clone();
        let data = stream::try_unfold(found.into_stream(), move |mut data| {
            let this = this.clone();
            async move {
                let piece = this.bounded(async { data.try_next().await }).await;
                let piece = piece.map_err(|failure| failure.or(|| this.no_bucket()))?;
                Ok(piece.map(|piece| (piece, data)))
            }
        });
        Ok(Reading { bytes, data: data.boxed() })
    }

    async fn write(&self, object: ObjectId<'_>) -> Result<Box<dyn Writing>, Error> {
        let path = self.object_path(object)?;
        self.need_container(object.container).await?;
        Ok(Box::new(write::Written::new(self.clone(), path)))
    }

    async fn delete(&self, container: &str, objects: &[String]) -> Result<(), Error> {
        let path = |name: &String| self.object_path(ObjectId { container, name });
        let paths = objects.iter().map(path).collect::<Result<Vec<_>, _>>()?;
        self.need_container(container).await?;
        self.remove(paths).await
    }

    async fn copy(&self, from: ObjectId<'_>, to: ObjectId<'_>) -> Result<(), Error> {
        let (source, target) = (self.object_path(from)?, self.object_path(to)?);
        let found = self.info(from).await?;
        let found = found.ok_or_else(|| Error::no_object(self.origin(), from))?;
        self.need_container(to.container).await?;
        if found.bytes > COPY_LIMIT_BYTES {
            return copy_across(self, from, self, to).await;
        }
        if source == target {
            // The server refuses that, and there is nothing to do.
            return Ok(());
        }
        match self.bounded(self.store.copy(&source, &target)).await {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.missing(from, failure).await),
        }
    }
}

fn info(name: String, found: &ObjectMeta) -> ObjectInfo {
    ObjectInfo { name, bytes: found.size, created: SystemTime::from(found.last_modified) }
}

/// The rules of S3 for names, except those that only a server can check.
fn check_bucket(name: &str) -> Result<(), OpenError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if (3..=63).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(());
    }
    let rule = "use 3 to 63 letters, digits, `.`, `-` and `_`";
    Err(OpenError::name(name, "bucket", NAME, rule))
}

/// An error with all its causes.
fn text(error: &(dyn StdError + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What the server's answer has between `<NAME>` and its end.
fn said<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(said, _)| said)
}

fn root<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.last().unwrap_or(error)
}

fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.find_map(|error| error.downcast_ref())
}
