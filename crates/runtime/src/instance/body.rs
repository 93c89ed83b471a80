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
    instance: Option<Running>,
    failure: Option<Failure>,
    /// Tells the instance, by being dropped, that the body is no longer read.
    sent: Option<oneshot::Sender<()>>,
    /// Bytes still to come, where the answer says how many there are: a server may not ask again
    /// after the last.
    left_bytes: Option<u64>,
    ended: bool,
}

impl Answered {
    pub(super) fn new(
        body: WasiBody,
        instance: Option<Running>,
        sent: oneshot::Sender<()>,
    ) -> Self {
        let ended = body.is_end_stream();
        Self { body, instance, failure: None, sent: Some(sent), left_bytes: None, ended }
    }

    /// Tells the body how long the answer says it is.
    pub(super) fn expect(mut self, length_bytes: Option<u64>) -> Self {
        self.left_bytes = length_bytes;
        self.ended |= length_bytes == Some(0);
        self
    }

    fn run(&mut self, context: &mut Context<'_>) {
        let Some(instance) = &mut self.instance else { return };
        if let Poll::Ready(result) = instance.poll(context) {
            if let Err(failure) = result {
                instance.unit.log(&failure);
                self.failure = Some(failure);
            }
            self.instance = None;
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
            // if the poll is not put off to let other tasks run; a time-out is not seen by the body.
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
                if let (Some(left), Some(data)) = (self.left_bytes, frame.data_ref()) {
                    let left = left.saturating_sub(data.remaining() as u64);
                    self.left_bytes = Some(left);
                    self.ended |= left == 0;
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => Some(Err(match self.failure.clone() {
                Some(failure) => failure.into(),
                None => BodyError::Guest(error.to_string()),
            })),
            None => {
                self.ended = true;
                self.sent = None;
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
        self.sent = None;
        if self.ended
            && let Some(instance) = self.instance.take()
        {
            instance.go_on();
        }
    }
}
