//! Writes an object, in parts if it is larger than one.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload, path::Path};
use tokio::sync::OwnedSemaphorePermit;

use super::S3;
use crate::blobstore::{Error, Writing};

/// How large a part is. With it, and the 10,000 parts that a server takes, an object has up to 78
/// GiB.
const PART_BYTES: usize = 8 << 20;

/// An object that is being written.
pub(super) struct Written {
    s3: S3,
    path: Path,
    /// Has been begun when there is more than a part.
    upload: Option<Box<dyn MultipartUpload>>,
    part: BytesMut,
    /// A place among the parts that are in memory, while there is one.
    place: Option<OwnedSemaphorePermit>,
}

impl Written {
    pub(super) fn new(s3: S3, path: Path) -> Self {
        Self { s3, path, upload: None, part: BytesMut::new(), place: None }
    }

    /// Sends the part that there is.
    async fn send(&mut self) -> Result<(), Error> {
        let s3 = &self.s3;
        let gone = |failure: super::Failure| failure.or(|| s3.no_bucket());
        let upload = match &mut self.upload {
            Some(upload) => upload,
            None => {
                let begun = s3.bounded(s3.store.put_multipart(&self.path)).await;
                self.upload.insert(begun.map_err(gone)?)
            }
        };
        let part = PutPayload::from(self.part.split().freeze());
        let sent = s3.bounded(upload.put_part(part)).await;
        self.place = None;
        if let Err(failure) = sent {
            // The error that led here is the one to tell of.
            let _ = s3.bounded(upload.abort()).await;
            return Err(gone(failure));
        }
        Ok(())
    }
}

#[async_trait]
impl Writing for Written {
    async fn write(&mut self, mut bytes: Bytes) -> Result<(), Error> {
        while !bytes.is_empty() {
            if self.place.is_none() {
                let place = Arc::clone(&self.s3.parts).acquire_owned().await;
                // The semaphore is never closed.
                self.place = place.ok();
            }
            let room = PART_BYTES - self.part.len();
            self.part.extend_from_slice(&bytes.split_to(room.min(bytes.len())));
            if self.part.len() == PART_BYTES {
                self.send().await?;
            }
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<(), Error> {
        if self.upload.is_some() && !self.part.is_empty() {
            self.send().await?;
        }
        let Self { s3, path, upload, part, .. } = *self;
        let put = match upload {
            Some(mut upload) => {
                let done = s3.bounded(upload.complete()).await;
                if done.is_err() {
                    let _ = s3.bounded(upload.abort()).await;
                }
                done
            }
            None => s3.bounded(s3.store.put(&path, PutPayload::from(part.freeze()))).await,
        };
        put.map(drop).map_err(|failure| failure.or(|| s3.no_bucket()))
    }
}
