//! What a connection is doing, in a few counters: cheap to maintain for each request, and enough to
//! tell an idle connection from a busy one.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::task::AtomicWaker;

/// What one connection is doing; counted by its requests, looked at by `supervise`.
#[derive(Debug)]
pub(super) struct Activity {
    client: SocketAddr,
    /// Requests whose answers are not complete.
    running: AtomicUsize,
    /// Requests that ever began.
    begun: AtomicU64,
    /// Whether the latest request had a body, of which the client may still be sending the rest
    /// when the connection closes.
    has_body: AtomicBool,
    /// The number of the first request whose framing is no good; 0 if there is none.
    malformed: AtomicU64,
    /// Whether bytes wait for the client to take them.
    is_stalled: AtomicBool,
    /// Told when they wait no more.
    flushed: AtomicWaker,
    /// What the connection writes in place of the next last chunk, if there is any.
    last_chunk: Mutex<Option<Bytes>>,
    has_last_chunk: AtomicBool,
    /// How often bytes moved, in either direction.
    moves: AtomicU64,
    /// The same as `running`, for the whole lane.
    running_in_lane: Arc<AtomicUsize>,
}

/// A request whose answer is not complete; held by whatever is left to do for it.
#[derive(Debug)]
pub(super) struct Running(Arc<Activity>);

impl Activity {
    /// Of a connection that was just made.
    pub(super) fn new(client: SocketAddr, running_in_lane: Arc<AtomicUsize>) -> Arc<Self> {
        Arc::new(Activity {
            client,
            running: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
            has_body: AtomicBool::new(false),
            malformed: AtomicU64::new(0),
            is_stalled: AtomicBool::new(false),
            flushed: AtomicWaker::new(),
            last_chunk: Mutex::new(None),
            has_last_chunk: AtomicBool::new(false),
            moves: AtomicU64::new(0),
            running_in_lane,
        })
    }

    /// Takes note of a request that begins.
    pub(super) fn begin(self: &Arc<Self>, has_body: bool) -> Running {
        // Only the lane's own thread counts here, so no order is needed.
        self.running.fetch_add(1, Ordering::Relaxed);
        self.running_in_lane.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.has_body.store(has_body, Ordering::Relaxed);
        Running(Arc::clone(self))
    }

    /// Takes note that the framing of a request is no good; the first of the connection is 1.
    pub(super) fn refuse(&self, request: u64) {
        self.malformed.store(request, Ordering::Relaxed);
    }

    /// Whether the framing of the latest request is no good.
    pub(super) fn is_malformed(&self) -> bool {
        self.malformed.load(Ordering::Relaxed) == self.begun()
    }

    /// Requests that ever began.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether bytes wait for the client to take them.
    pub(super) fn is_stalled(&self) -> bool {
        self.is_stalled.load(Ordering::Relaxed)
    }

    /// Takes note of bytes that wait for the client, or that wait no more.
    pub(super) fn stall(&self, is_stalled: bool) {
        if self.is_stalled.swap(is_stalled, Ordering::Relaxed) && !is_stalled {
            self.flushed.wake();
        }
    }

    /// Ready when no bytes wait for the client.
    fn poll_flushed(&self, context: &mut Context<'_>) -> Poll<()> {
        if !self.is_stalled() {
            return Poll::Ready(());
        }
        self.flushed.register(context.waker());
        Poll::Pending
    }

    /// What is to be written in place of the last chunk.
    pub(super) fn take_last_chunk(&self) -> Option<Bytes> {
        if !self.has_last_chunk.swap(false, Ordering::Relaxed) {
            return None;
        }
        self.last_chunk.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Takes note of bytes that were read or written.
    pub(super) fn moved(&self) {
        // The lane's own thread alone writes it.
        self.moves.store(self.moves.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// How often something happened: a request began, or bytes moved.
    pub(super) fn happened(&self) -> u64 {
        self.begun() + self.moves.load(Ordering::Relaxed)
    }

    /// Whether nothing is under way in either direction.
    pub(super) fn is_quiet(&self) -> bool {
        self.running.load(Ordering::Relaxed) == 0 && !self.is_stalled()
    }

    /// Whether the latest request had a body.
    pub(super) fn has_body(&self) -> bool {
        self.has_body.load(Ordering::Relaxed)
    }
}

impl Running {
    /// The client's address.
    pub(super) fn client(&self) -> SocketAddr {
        self.0.client
    }

    /// Leaves a last chunk with trailers with the connection, once all before it is written. Whoever
    /// calls this has given all of it, and was asked for more since.
    pub(super) fn poll_end_with(&self, last: &Bytes, context: &mut Context<'_>) -> Poll<()> {
        ready!(self.0.poll_flushed(context));
        let mut place = self.0.last_chunk.lock().unwrap_or_else(PoisonError::into_inner);
        *place = Some(last.clone());
        self.0.has_last_chunk.store(true, Ordering::Relaxed);
        Poll::Ready(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
        self.0.running_in_lane.fetch_sub(1, Ordering::Relaxed);
    }
}
