//! What a connection is doing, in a few counters: cheap to maintain for each request, and enough to
//! tell an idle connection from a busy one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

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
    /// Whether bytes wait for the client to take them.
    is_stalled: AtomicBool,
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
            is_stalled: AtomicBool::new(false),
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
        self.is_stalled.store(is_stalled, Ordering::Relaxed);
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
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
        self.0.running_in_lane.fetch_sub(1, Ordering::Relaxed);
    }
}
