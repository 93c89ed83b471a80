//! A value that is read: as a stream, or all at once if it fits.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use keyway_capability::blobstore::{Error, Reading};
use wasmtime_wasi::p2::{InputStream, Pollable, StreamError, StreamResult};

/// A value that can be read.
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub struct Incoming(pub(super) Reading);

/// Why a value was not read at once.
pub(super) enum Unread {
    /// It has so many bytes.
    TooLong(u64),
    /// The backend failed.
    Backend(Error),
}

impl Incoming {
    /// The whole value, if it has no more than `limit_bytes`.
    pub(super) async fn read_all(mut self, limit_bytes: u64) -> Result<Vec<u8>, Unread> {
        let Reading { bytes, data } = &mut self.0;
        if *bytes > limit_bytes {
            return Err(Unread::TooLong(*bytes));
        }
        let mut all = Vec::new();
        while let Some(piece) = data.try_next().await.map_err(Unread::Backend)? {
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }
}

/// The stream of a value. A piece is read from the backend when something waits for it.
pub(super) struct Input {
    reading: Reading,
    piece: Bytes,
    end: Option<End>,
}

enum End {
    Reached,
    Failed(Error),
}

impl Input {
    pub(super) fn new(incoming: Incoming) -> Self {
        Self { reading: incoming.0, piece: Bytes::new(), end: None }
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {
        while self.piece.is_empty() && self.end.is_none() {
            match self.reading.data.next().await {
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => self.end = Some(End::Failed(error)),
                None => self.end = Some(End::Reached),
            }
        }
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if !self.piece.is_empty() {
            return Ok(self.piece.split_to(size.min(self.piece.len())));
        }
        match self.end.replace(End::Reached) {
            Some(End::Reached) => Err(StreamError::Closed),
            Some(End::Failed(error)) => {
                Err(StreamError::LastOperationFailed(wasmtime::Error::msg(error.to_string())))
            }
            None => {
                self.end = None;
                Ok(Bytes::new())
            }
        }
    }
}
