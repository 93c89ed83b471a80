//! The bodies around an instance: the request's, with its limit, and the answer's, which keeps
//! the instance running while it is read.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use tokio::{sync::oneshot, task::unconstrained};
use wasmtime_wasi_http::{Error, WasiBody};

use super::Running;
use crate::failure::{BodyError, Failure};

/// A request's body that ends with an error where it gets longer than it may be.
pub(super) struct LimitedBody {
    body: WasiBody,
    limit_bytes: u64,
    left_bytes: u64,
    too_large: Arc<AtomicBool>,
}

impl LimitedBody {
    pub(super) fn new(body: WasiBody, limit_bytes: u64, too_large: Arc<AtomicBool>) -> Self {
        Self { body, limit_bytes, left_bytes: limit_bytes, too_large }
    }
}

impl Body for LimitedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            match self.left_bytes.checked_sub(data.remaining() as u64) {
                Some(left) => self.left_bytes = left,
                None => {
                    self.too_large.store(true, Relaxed);
                    let error = Error::HttpRequestBodySize(Some(self.limit_bytes));
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body. Reading it runs the instance; dropping it before its end cancels the
/// instance, and after its end lets it finish.
pub(super) struct Answered {
    body: WasiBody,
    /// There while it runs; also one that failed, whose remains tell where its body broke off.
    instance: Option<Running>,
    failure: Option<Failure>,
    /// Tells the instance that the body is sent, or by being dropped, that it never will be.
    sent: Option<oneshot::Sender<()>>,
    end: End,
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

impl Answered {
    /// `has_body` is false where HTTP has no body after such a head (RFC 9110, section 6.4.1);
    /// `length_bytes` is what the head announces.
    pub(super) fn new(
        body: WasiBody,
        instance: Option<Running>,
        failure: Option<Failure>,
        sent: oneshot::Sender<()>,
        has_body: bool,
        length_bytes: Option<u64>,
    ) -> Self {
        let end = match length_bytes {
            _ if !has_body => End::WithHead,
            Some(0) => End::Reached,
            _ if body.is_end_stream() => End::Reached,
            left_bytes => End::Ahead { left_bytes },
        };
        Self { body, instance, failure, sent: Some(sent), end }
    }

    fn is_sent(&mut self) {
        self.end = End::Reached;
        if let Some(sent) = self.sent.take() {
            // The instance may have ended.
            let _ = sent.send(());
        }
    }

    fn run(&mut self, context: &mut Context<'_>) {
        let Some(instance) = self.instance.as_mut().filter(|_| self.failure.is_none()) else {
            return;
        };
        match instance.poll(context) {
            Poll::Pending => {}
            Poll::Ready(Ok(())) => self.instance = None,
            Poll::Ready(Err(failure)) => {
                instance.unit.log(&failure);
                self.failure = Some(failure);
            }
        }
    }
}

impl Body for Answered {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.run(context);
        let frame = match self.failure.clone() {
            None => ready!(Pin::new(&mut self.body).poll_frame(context)),
            // An instance that failed sends no more than it has sent. All of that is there at once
            // if the poll is not put off to let other tasks run; what is still waited for then is
            // the end, which the instance did not come to.
            Some(failure) => {
                let mut body = Pin::new(&mut self.body);
                let next =
                    pin!(unconstrained(poll_fn(|context| body.as_mut().poll_frame(context))));
                match next.poll(context) {
                    Poll::Ready(frame) => frame,
                    Poll::Pending => return Poll::Ready(Some(Err(failure.into()))),
                }
            }
        };
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                if frame.is_trailers() {
                    // A server need not ask for more after these.
                    self.end = End::Reached;
                } else if let (End::Ahead { left_bytes: Some(left) }, Some(data)) =
                    (&mut self.end, frame.data_ref())
                {
                    *left = left.saturating_sub(data.remaining() as u64);
                    if *left == 0 {
                        self.end = End::Reached;
                    }
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => Some(Err(match self.failure.clone() {
                Some(failure) => failure.into(),
                None => BodyError::Guest(error.to_string()),
            })),
            None => {
                self.is_sent();
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        // Only when the instance is done too: who sees the end of the stream drops the body.
        self.instance.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        if matches!(self.end, End::Reached) {
            self.is_sent();
        }
        let Some(instance) = self.instance.take().filter(|_| self.failure.is_none()) else {
            return;
        };
        match self.end {
            End::Ahead { .. } => {}
            End::Reached => instance.go_on(None),
            // The component may not know that nobody reads what it writes, and must not fail
            // for it.
            End::WithHead => {
                let body = std::mem::take(&mut self.body);
                instance.go_on(Some(Unread { body, sent: self.sent.take() }));
            }
        }
    }
}

/// A body that is read for nobody.
pub(super) struct Unread {
    body: WasiBody,
    sent: Option<oneshot::Sender<()>>,
}

impl Unread {
    /// Throws away what there is. Ready when that is all.
    pub(super) fn poll_waste(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(_)) => {}
                // Whoever broke it off hears of it elsewhere.
                Some(Err(_)) => return Poll::Ready(()),
                None => {
                    if let Some(sent) = self.sent.take() {
                        // The instance may have ended.
                        let _ = sent.send(());
                    }
                    return Poll::Ready(());
                }
            }
        }
    }
}
