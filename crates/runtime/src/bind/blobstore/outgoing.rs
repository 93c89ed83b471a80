//! A value that is written: its stream passes each piece on to the backend, and accepts the next
//! once the backend has taken it.
//!
//! A component may write before it says to which object (`write-data`). A small amount is buffered
//! here.

use std::{
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use keyway_capability::blobstore::{Blobs, Error, ObjectId, Writing};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// How many values an instance writes at once.
pub(super) const MAX_WRITES: usize = 32;

/// What is held of a value that has no object yet.
const HELD_BYTES: usize = 1 << 20;

/// What a component may write at once.
const PERMIT_BYTES: usize = 64 << 10;

/// A value that is being written.
#[derive(Clone)]
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub struct Outgoing {
    state: Arc<Mutex<State>>,
    is_opened: bool,
    /// Counts the values that there are.
    _count: Arc<()>,
}

enum State {
    /// It has no object yet.
    Held(Vec<Bytes>),
    /// The object takes the next piece.
    Open(Box<dyn Writing>),
    /// The object is taking a piece. This continues while something waits for it.
    Busy(BoxFuture<'static, (Box<dyn Writing>, Result<(), Error>)>),
    /// The object could not take a piece, which is still to be reported.
    Failed(Error),
    /// Nothing more can be written.
    Closed,
}

/// Why a value was not given to an object.
pub(super) enum Refused {
    /// It has one.
    Twice,
    /// The backend says no.
    Backend(Error),
}

/// Why a value was not finished.
pub(super) enum Unfinished {
    /// It was given to no object.
    NoObject,
    /// A piece failed, which the stream has reported.
    Told,
    /// The backend says no.
    Backend(Error),
}

impl Outgoing {
    pub(super) fn new(count: Arc<()>) -> Self {
        let state = Arc::new(Mutex::new(State::Held(Vec::new())));
        Self { state, is_opened: false, _count: count }
    }

    /// Its stream, the first time.
    pub(super) fn stream(&mut self) -> Option<Output> {
        let is_opened = mem::replace(&mut self.is_opened, true);
        (!is_opened).then(|| Output(Arc::clone(&self.state)))
    }

    /// Begins to write it to an object, with what has been written so far.
    pub(super) async fn write_to(
        &self,
        blobs: &dyn Blobs,
        object: ObjectId<'_>,
    ) -> Result<(), Refused> {
        if !matches!(*lock(&self.state), State::Held(_)) {
            return Err(Refused::Twice);
        }
        let mut writing = blobs.write(object).await.map_err(Refused::Backend)?;
        let State::Held(pieces) = mem::replace(&mut *lock(&self.state), State::Closed) else {
            return Err(Refused::Twice);
        };
        for piece in pieces {
            writing.write(piece).await.map_err(Refused::Backend)?;
        }
        *lock(&self.state) = State::Open(writing);
        Ok(())
    }

    /// Waits until all is written, and puts the object in its place.
    pub(super) async fn finish(self) -> Result<(), Unfinished> {
        poll_fn(|context| lock(&self.state).poll_free(context)).await;
        let state = mem::replace(&mut *lock(&self.state), State::Closed);
        match state {
            State::Open(writing) => writing.finish().await.map_err(Unfinished::Backend),
            State::Failed(error) => Err(Unfinished::Backend(error)),
            State::Held(_) => Err(Unfinished::NoObject),
            State::Closed | State::Busy(_) => Err(Unfinished::Told),
        }
    }
}

impl State {
    /// Continues the current work until there is none.
    fn poll_free(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Self::Busy(write) = self {
            let Poll::Ready((writing, outcome)) = write.poll_unpin(context) else {
                return Poll::Pending;
            };
            *self = match outcome {
                Ok(()) => Self::Open(writing),
                Err(error) => Self::Failed(error),
            };
        }
        Poll::Ready(())
    }
}

/// The stream of a value.
pub(super) struct Output(Arc<Mutex<State>>);

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {
        poll_fn(|context| lock(&self.0).poll_free(context)).await;
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Output {
    fn check_write(&mut self) -> StreamResult<usize> {
        let mut state = lock(&self.0);
        match &*state {
            State::Held(pieces) => {
                let held: usize = pieces.iter().map(Bytes::len).sum();
                match HELD_BYTES.saturating_sub(held) {
                    0 => {
                        *state = State::Closed;
                        let text = format!(
                            "the value has no object yet, and {HELD_BYTES} bytes of it are \
                             buffered: call `write-data` before writing more"
                        );
                        Err(StreamError::LastOperationFailed(wasmtime::Error::msg(text)))
                    }
                    room => Ok(room.min(PERMIT_BYTES)),
                }
            }
            State::Open(_) => Ok(PERMIT_BYTES),
            State::Busy(_) => Ok(0),
            State::Closed => Err(StreamError::Closed),
            State::Failed(error) => {
                let error = wasmtime::Error::msg(error.to_string());
                *state = State::Closed;
                Err(StreamError::LastOperationFailed(error))
            }
        }
    }

    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > self.check_write()? {
            return Err(StreamError::trap("a component has written more than it was permitted"));
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let mut state = lock(&self.0);
        match &mut *state {
            State::Held(pieces) => pieces.push(bytes),
            free => {
                if let State::Open(mut writing) = mem::replace(free, State::Closed) {
                    let write = async move {
                        let outcome = writing.write(bytes).await;
                        (writing, outcome)
                    };
                    *free = State::Busy(write.boxed());
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        // Every piece is on its way when it is taken; `check_write` waits for it.
        Ok(())
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // What panicked left a whole state: it is replaced at once.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
