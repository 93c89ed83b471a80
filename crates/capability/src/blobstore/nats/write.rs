//! Writes an object: the client reads it from a small pipe.

use std::pin::pin;

use async_nats::jetstream::object_store::{ObjectStore, PutError};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{
    FutureExt,
    future::{BoxFuture, Either, select},
};
use tokio::{
    io::{AsyncWriteExt, DuplexStream, duplex},
    time::timeout,
};

use super::Nats;
use crate::Outage;
use crate::blobstore::{Error, Writing};

/// What the pipe holds: about what the client sends at once.
const PIPE_BYTES: usize = 256 << 10;

/// An object that is being written.
pub(super) struct Written {
    nats: Nats,
    pipe: DuplexStream,
    /// Continues only while something waits for it.
    put: BoxFuture<'static, Result<(), PutError>>,
}

impl Written {
    pub(super) fn new(nats: Nats, store: ObjectStore, key: String) -> Self {
        let (pipe, mut reader) = duplex(PIPE_BYTES);
        let put = async move { store.put(key.as_str(), &mut reader).await.map(drop) };
        Self { nats, pipe, put: put.boxed() }
    }
}

#[async_trait]
impl Writing for Written {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        let written = pin!(self.pipe.write_all(&bytes));
        let service = &self.nats.connector.service;
        let after = self.nats.timeout;
        match timeout(after, select(written, &mut self.put)).await {
            Ok(Either::Left((Ok(()), _))) => Ok(()),
            Ok(Either::Left((Err(error), _))) => Err(service.failed(&error)),
            Ok(Either::Right((Err(error), _))) => Err(service.failed(&error)),
            // It ends at the end of what it reads, which is still to come.
            Ok(Either::Right((Ok(()), _))) => Err(Error::Failed {
                at: self.nats.origin.clone(),
                reason: "it treated an unfinished object as complete".to_owned(),
            }),
            Err(_) => Err(Error::Outage(Outage::TimedOut { at: self.nats.origin.clone(), after })),
        }
    }

    async fn finish(self: Box<Self>) -> Result<(), Error> {
        let Self { nats, pipe, put } = *self;
        drop(pipe);
        // What the pipe still holds is one step more.
        match timeout(nats.timeout, put).await {
            Ok(done) => done.map_err(|error| nats.connector.service.failed(&error)),
            Err(_) => Err(Error::Outage(Outage::TimedOut {
                at: nats.origin.clone(),
                after: nats.timeout,
            })),
        }
    }
}
