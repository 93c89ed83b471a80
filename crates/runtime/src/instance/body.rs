//! The bodies around an instance except the response's: a request's, with its limit, and one that
//! is read and discarded.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::grant::plan::Plan;

/// A request's body, which is counted, and ends with an error where it gets longer than it may be.
pub(super) struct RequestBody {
    body: WasiBody,
    plan: Arc<Plan>,
    left_bytes: u64,
    too_large: Arc<AtomicBool>,
}

impl RequestBody {
    pub(super) fn new(body: WasiBody, plan: Arc<Plan>, too_large: Arc<AtomicBool>) -> Self {
        let left_bytes = plan.limit.body_bytes.unwrap_or(u64::MAX);
        Self { body, plan, left_bytes, too_large }
    }
}

impl Body for RequestBody {
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
            self.plan.usage.add_in(data.remaining());
            match self.left_bytes.checked_sub(data.remaining() as u64) {
                Some(left) => self.left_bytes = left,
                None => {
                    self.too_large.store(true, Relaxed);
                    let error = Error::HttpRequestBodySize(self.plan.limit.body_bytes);
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

/// A body that is read and discarded.
pub(super) struct Unread {
    pub(super) body: WasiBody,
    pub(super) sent: Option<oneshot::Sender<()>>,
}

impl Unread {
    /// Throws away what there is. Ready when that is all.
    pub(super) fn poll_waste(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(_)) => {}
                // The side that broke it off is notified elsewhere.
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
