//! The bucket, and what the client's errors mean for it.

use std::error::Error as StdError;

use async_nats::{
    Client,
    jetstream::{
        self,
        object_store::ObjectStore,
        stream::{self, StorageType},
    },
};

use super::{Error, Options};
use crate::{
    Origin, Outage,
    nats::{self, Service, cause, is_missing},
};

/// Gives the bucket while the server is connected.
pub(super) type Connector = nats::Connector<Bucket>;

/// Opens the bucket, and makes it where it is missing.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) origin: Origin,
    pub(super) options: Options,
}

impl Service for Bucket {
    type Opened = ObjectStore;
    type Error = Error;

    async fn open(&self, _: &Client, jetstream: &jetstream::Context) -> Result<ObjectStore, Error> {
        let bucket = &self.options.bucket;
        let error = match jetstream.get_object_store(bucket).await {
            Ok(store) => return Ok(store),
            Err(error) => error,
        };
        if !is_missing(&error) || !self.options.create {
            return Err(self.explain(&error));
        }
        // As for a bucket of keys and values, the client's own way does not work with every server.
        let created = jetstream.create_stream(stream::Config {
            name: format!("OBJ_{bucket}"),
            description: Some("Containers of Keyway".to_owned()),
            subjects: vec![format!("$O.{bucket}.C.>"), format!("$O.{bucket}.M.>")],
            max_messages: -1,
            max_bytes: -1,
            max_message_size: -1,
            max_messages_per_subject: -1,
            max_consumers: -1,
            discard: stream::DiscardPolicy::New,
            storage: StorageType::File,
            num_replicas: self.options.replicas.max(1),
            allow_rollup: true,
            allow_direct: true,
            ..stream::Config::default()
        });
        created.await.map_err(|error| self.explain(&error))?;
        jetstream.get_object_store(bucket).await.map_err(|error| self.explain(&error))
    }

    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    fn explain(&self, error: &(dyn StdError + 'static)) -> Error {
        let at = self.origin.clone();
        if is_missing(error) {
            return Error::NoSuchStore {
                at,
                name: format!("bucket `{}`", self.options.bucket),
                reason: "create it, or let Keyway create it".to_owned(),
            };
        }
        if let Some(error) = cause::<Error>(error) {
            return error.clone();
        }
        self.failed(error)
    }
}

impl Bucket {
    /// The error for what failed on the way.
    pub(super) fn failed(&self, error: &(dyn StdError + 'static)) -> Error {
        let at = self.origin.clone();
        let reason = error.to_string();
        if reason.ends_with("timed out") {
            return Error::Outage(Outage::TimedOut { at, after: self.options.timeout });
        }
        Error::Failed { at, reason }
    }
}
