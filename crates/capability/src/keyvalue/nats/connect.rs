//! The bucket, and what the client's errors mean for it.

use std::error::Error as StdError;

use async_nats::{
    Client,
    jetstream::{
        self,
        context::{PublishError, PublishErrorKind},
        kv,
        stream::{self, StorageType},
    },
};

use super::{Error, Options};
use crate::{
    Origin, Outage,
    nats::{self, Service, cause, is_missing},
};

pub(super) use crate::nats::Cause;

/// Gives the bucket while the server is connected.
pub(super) type Connector = nats::Connector<Buckets>;

/// An open bucket.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    pub(super) client: Client,
    pub(super) store: kv::Store,
}

impl Bucket {
    /// Whether the server that answers directly is also the leader, as it was when the bucket was
    /// opened.
    pub(super) fn has_one_replica(&self) -> bool {
        let config = &self.store.stream.cached_info().config;
        config.allow_direct && config.num_replicas == 1
    }
}

/// Opens the bucket, and makes it where it is missing.
#[derive(Debug)]
pub(super) struct Buckets {
    pub(super) origin: Origin,
    pub(super) options: Options,
}

impl Service for Buckets {
    type Opened = Bucket;
    type Error = Error;

    async fn open(&self, client: &Client, jetstream: &jetstream::Context) -> Result<Bucket, Error> {
        Ok(Bucket { client: client.clone(), store: self.store(jetstream).await? })
    }

    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    fn explain(&self, error: &(dyn StdError + 'static)) -> Error {
        let at = self.origin.clone();
        let reason = error.to_string();
        let missing = |reason| Error::NoSuchStore {
            at: at.clone(),
            name: format!("bucket `{}`", self.options.bucket),
            reason,
        };
        if is_missing(error) {
            return missing("create it, or let Keyway create it".to_owned());
        }
        if let Some(error) = cause::<Error>(error) {
            return error.clone();
        }
        match cause::<PublishError>(error).map(PublishError::kind) {
            Some(PublishErrorKind::StreamNotFound) => missing(reason),
            Some(PublishErrorKind::TimedOut) => {
                Error::Outage(Outage::TimedOut { at, after: self.options.timeout })
            }
            Some(PublishErrorKind::BrokenPipe) => Error::Outage(Outage::Unreachable { at, reason }),
            _ if reason.ends_with("timed out") => {
                Error::Outage(Outage::TimedOut { at, after: self.options.timeout })
            }
            _ => Error::Failed { at, reason },
        }
    }
}

impl Buckets {
    async fn store(&self, jetstream: &jetstream::Context) -> Result<kv::Store, Error> {
        let error = match jetstream.get_key_value(&self.options.bucket).await {
            Ok(store) => return Ok(store),
            Err(error) => error,
        };
        if !is_missing(&error) || !self.options.create {
            return Err(self.explain(&error));
        }
        // A bucket is a stream with certain settings. The client's own way asks the server about the
        // account first, in words that servers before 2.10 do not answer.
        let bucket = &self.options.bucket;
        let created = jetstream.create_stream(stream::Config {
            name: format!("KV_{bucket}"),
            description: Some("A store of Keyway".to_owned()),
            subjects: vec![format!("$KV.{bucket}.>")],
            max_messages_per_subject: 1,
            max_messages: -1,
            max_bytes: -1,
            max_message_size: -1,
            max_consumers: -1,
            discard: stream::DiscardPolicy::New,
            storage: StorageType::File,
            num_replicas: self.options.replicas.max(1),
            allow_rollup: true,
            // As NATS' own tools make a bucket.
            allow_direct: true,
            deny_delete: true,
            ..stream::Config::default()
        });
        created.await.map_err(|error| self.explain(&error))?;
        jetstream.get_key_value(bucket).await.map_err(|error| self.explain(&error))
    }
}
