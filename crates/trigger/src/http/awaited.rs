//! The streams of HTTP/2, each a task of its lane. A stream whose client reads nothing of its
//! response is reset; one answered with an error before its request was read stays for a moment.
//!
//! hyper shows neither: it does not poll a response while the client has no room, and its streams
//! are opaque futures. So a polled response leaves a note on its thread, and the wrapper that polls
//! the stream takes that.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::activity::Running;
use super::stream::LINGER;

/// How much of an answer is given at a time: what a frame carries that its client has not asked to
/// be longer (RFC 9113, section 4.2). Of a stream whose client takes nothing, no more than this
/// is left when it has ended and its last piece waits.
pub(super) const PIECE_BYTES: usize = 16 * 1024;

/// How many answered streams of a lane stay. All other streams end at once, so that what fails
/// quickly does not pile up.
const MAX_LINGERING: usize = 256;

/// Whom a stream waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    /// The service, for more of the answer.
    Service,
    /// The client, for room for what there is of it.
    Client,
}

/// What answers say while their stream is polled.
#[derive(Debug, Default)]
struct Notes {
    awaited: Option<Awaited>,
    /// The request of an answer that was given to its end.
    ended: Option<Running>,
    /// Whether the client may be sending the request still.
    may_be_unread: bool,
}

thread_local! {
    static NOTES: Cell<Notes> = const {
        Cell::new(Notes { awaited: None, ended: None, may_be_unread: false })
    };
}

fn note(edit: impl FnOnce(&mut Notes)) {
    let mut notes = NOTES.take();
    edit(&mut notes);
    NOTES.set(notes);
}

/// Says who is awaited on the stream that is being polled.
pub(super) fn note_awaited(awaited: Awaited) {
    note(|notes| notes.awaited = Some(awaited));
}

/// Says that the answer was given to its end. Its request runs until the stream has taken that.
pub(super) fn note_end(running: Option<Running>) {
    note(|notes| notes.ended = running);
}

/// Says that the request may not have been read to its end.
pub(super) fn note_unread() {
    note(|notes| notes.may_be_unread = true);
}

/// Starts the tasks of HTTP/2's streams where the lane waits for them.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    tracker: TaskTracker,
    write_timeout: Duration,
    lingering: Arc<Semaphore>,
}

impl Streams {
    /// Streams that are tasks of `tracker`, and whose clients may take nothing for `write_timeout`.
    pub(super) fn new(tracker: &TaskTracker, write_timeout: Duration) -> Self {
        let lingering = Arc::new(Semaphore::new(MAX_LINGERING));
        Streams { tracker: tracker.clone(), write_timeout, lingering }
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        self.tracker.spawn(run(stream, self.write_timeout, Arc::clone(&self.lingering)));
    }
}

/// Runs a stream to its end.
///
/// A server that answers before it has read the whole request, say with 413, asks the client to
/// stop by a reset without an error (RFC 9113, section 8.1). Clients that hear of both at once may
/// take it for a failure (curl 7.88 does), so there is time between the two. Data that arrives in
/// the meantime is discarded, and is limited by the window of the stream.
async fn run(stream: impl Future<Output = ()>, write_timeout: Duration, lingering: Arc<Semaphore>) {
    // Dropping it is what resets it, so it is there until all here is done.
    let mut stream = pin!(stream);
    let mut patience = Patience { write_timeout, timer: None, awaited: Awaited::Service };
    let mut running = None;
    let mut may_be_unread = false;
    let is_whole = poll_fn(|context| {
        // Those of streams that were dropped.
        drop(NOTES.take());
        let polled = stream.as_mut().poll(context);
        let notes = NOTES.take();
        running = running.take().or(notes.ended);
        may_be_unread |= notes.may_be_unread;
        if polled.is_ready() {
            return Poll::Ready(true);
        }
        patience.poll(notes.awaited, context).map(|()| false)
    })
    .await;
    drop(running);
    if !is_whole {
        debug!("a client reads no more of its response");
    } else if may_be_unread && let Ok(_place) = lingering.try_acquire() {
        sleep(LINGER).await;
    }
}

/// Runs out when a client takes nothing for too long.
struct Patience {
    write_timeout: Duration,
    /// Made for the first piece that has to wait.
    timer: Option<Pin<Box<Sleep>>>,
    awaited: Awaited,
}

impl Patience {
    /// `awaited` is there if the answer was polled.
    fn poll(&mut self, awaited: Option<Awaited>, context: &mut Context<'_>) -> Poll<()> {
        self.awaited = awaited.unwrap_or(self.awaited);
        if self.awaited == Awaited::Service {
            return Poll::Pending;
        }
        let timer = match &mut self.timer {
            Some(timer) => {
                if awaited.is_some() {
                    timer.as_mut().reset(Instant::now() + self.write_timeout);
                }
                timer
            }
            none => none.insert(Box::pin(sleep(self.write_timeout))),
        };
        timer.as_mut().poll(context)
    }
}
