//! The body of a response, which keeps its instance running while it is read.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use keyway_call::{BodyError, Failure, Length};
use tokio::{sync::oneshot, task::unconstrained};
use wasmtime_wasi_http::WasiBody;

use crate::grant::plan::Plan;

use super::{
    Running,
    body::Unread,
    watch::{Late, Watched},
};

/// Frames that are kept of what an instance had sent before it failed. It has sent fewer: only a
/// body that another server sends may have more.
const MAX_FRAMES: usize = 64;

/// An answer's body. Reading it runs the instance; dropping it before its end cancels the
/// instance, and after its end lets it finish. An instance whose time is up ends also while nobody
/// reads.
pub(super) struct Answered {
    reading: Arc<Mutex<Reading>>,
    /// There where an instance runs.
    _watched: Option<Watched>,
}

/// An answer's body, and what has become of the instance that sends it.
struct Reading {
    body: WasiBody,
    plan: Arc<Plan>,
    /// There while it runs.
    instance: Option<Running>,
    /// In place of the body where the instance has failed.
    rest: Option<Rest>,
    /// Tells the instance that the body is sent, or by being dropped, that it never will be.
    sent: Option<oneshot::Sender<()>>,
    end: End,
    /// The waiting reader, while there is nothing to read.
    reader: Option<Waker>,
}

/// What is known of an answer's end.
enum End {
    /// It is when the body says so, or after as many bytes as the head announces, if it does: a
    /// server may not ask again after the last.
    Ahead { left_bytes: Option<u64> },
    /// The server has all of it.
    Reached,
    /// The head is all that the client may get, so a server drops the body without a look.
    WithHead,
}

/// What an instance that failed had sent, and what comes after that.
struct Rest {
    frames: VecDeque<Frame<Bytes>>,
    /// None if it had sent the whole body.
    failure: Option<Failure>,
    size: SizeHint,
}

impl Answered {
    /// `has_body` and `length` are what the head says.
    pub(super) fn new(
        body: WasiBody,
        plan: Arc<Plan>,
        instance: Option<Running>,
        failure: Option<Failure>,
        sent: oneshot::Sender<()>,
        has_body: bool,
        length: Length,
    ) -> Self {
        let end = match length {
            _ if !has_body => End::WithHead,
            Length::Bytes(0) => End::Reached,
            _ if body.is_end_stream() => End::Reached,
            length => End::Ahead { left_bytes: length.bytes() },
        };
        let mut reading =
            Reading { body, plan, instance, rest: None, sent: Some(sent), end, reader: None };
        if let Some(failure) = failure {
            reading.fail(failure);
        }
        let place = reading.instance.as_ref().map(|running| {
            let Running { responder, deadline, .. } = running;
            (Arc::clone(&responder.watch), deadline.at())
        });
        let reading = Arc::new(Mutex::new(reading));
        let _watched = place.map(|(watch, deadline)| {
            let this = Arc::downgrade(&reading);
            Watched::new(watch, this, deadline)
        });
        Self { reading, _watched }
    }

    fn lock(&self) -> MutexGuard<'_, Reading> {
        // What panicked was an instance, which is polled no more.
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Late for Reading {
    fn cut(&mut self) {
        let Some(instance) = &self.instance else { return };
        let failure = instance.deadline.failure();
        instance.responder.log(&failure);
        self.fail(failure);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl Reading {
    /// Keeps what the instance had sent, and lets it go. With it goes what it had not finished, and a
    /// body that is gone looks like one that has ended: so that is looked at before.
    fn fail(&mut self, failure: Failure) {
        let size = self.body.size_hint();
        let mut context = Context::from_waker(Waker::noop());
        let mut frames = VecDeque::new();
        let failure = loop {
            if frames.len() == MAX_FRAMES {
                break Some(failure);
            }
            let mut body = Pin::new(&mut self.body);
            // All that was sent is there at once if the poll is not put off to let other tasks run.
            // What would be waited for then is the end, to which the instance did not come.
            let next = pin!(unconstrained(poll_fn(|context| body.as_mut().poll_frame(context))));
            match next.poll(&mut context) {
                Poll::Ready(Some(Ok(frame))) => frames.push_back(frame),
                Poll::Ready(None) => break None,
                Poll::Ready(Some(Err(_))) | Poll::Pending => break Some(failure),
            }
        };
        self.rest = Some(Rest { frames, failure, size });
        self.instance = None;
    }

    fn run(&mut self, context: &mut Context<'_>) {
        let Some(instance) = &mut self.instance else { return };
        match instance.poll(context) {
            Poll::Pending => {}
            Poll::Ready(Ok(())) => self.instance = None,
            Poll::Ready(Err(failure)) => {
                instance.responder.log(&failure);
                self.fail(failure);
            }
        }
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(rest) = &mut self.rest {
            return Poll::Ready(match rest.frames.pop_front() {
                Some(frame) => Some(Ok(frame)),
                None => rest.failure.take().map(|failure| Err(failure.into())),
            });
        }
        let next = Pin::new(&mut self.body).poll_frame(context);
        if next.is_pending() {
            self.reader.get_or_insert_with(|| context.waker().clone()).clone_from(context.waker());
        }
        let left = || match self.end {
            End::Ahead { left_bytes: Some(left) } => {
                format!(", {left} bytes before the end that its Content-Length announces")
            }
            _ => String::new(),
        };
        next.map_err(|error| BodyError::Guest(format!("{error}{}", left())))
    }

    fn is_sent(&mut self) {
        self.end = End::Reached;
        if let Some(sent) = self.sent.take() {
            // The instance may have ended.
            let _ = sent.send(());
        }
    }
}

impl Body for Answered {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut reading = self.lock();
        reading.run(context);
        let next = std::task::ready!(reading.poll_next(context));
        if let Some(data) = next.as_ref().and_then(|next| next.as_ref().ok()?.data_ref()) {
            reading.plan.usage.add_out(data.remaining());
        }
        match &next {
            Some(Ok(frame)) if frame.is_trailers() => {
                // A server need not ask for more after these.
                reading.end = End::Reached;
            }
            Some(Ok(frame)) => {
                if let (End::Ahead { left_bytes: Some(left) }, Some(data)) =
                    (&mut reading.end, frame.data_ref())
                {
                    *left = left.saturating_sub(data.remaining() as u64);
                    if *left == 0 {
                        reading.end = End::Reached;
                    }
                }
            }
            Some(Err(_)) => {}
            None => reading.is_sent(),
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        let reading = self.lock();
        match &reading.rest {
            Some(rest) => rest.frames.is_empty() && rest.failure.is_none(),
            // Only when the instance is done too: a reader that sees the end of the stream drops
            // the body.
            None => reading.instance.is_none() && reading.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let reading = self.lock();
        match &reading.rest {
            Some(rest) => rest.size,
            None => reading.body.size_hint(),
        }
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        let mut reading = self.lock();
        if matches!(reading.end, End::Reached) {
            reading.is_sent();
        }
        let Some(instance) = reading.instance.take() else { return };
        match reading.end {
            End::Ahead { .. } => {}
            End::Reached => instance.go_on(None),
            // The component may not know that nobody reads what it writes, and must not fail
            // for it.
            End::WithHead => {
                let body = std::mem::take(&mut reading.body);
                instance.go_on(Some(Unread { body, sent: reading.sent.take() }));
            }
        }
    }
}
