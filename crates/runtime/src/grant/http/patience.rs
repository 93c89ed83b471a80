//! How long to wait for each part of a response's body.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use wasmtime_wasi_http::Error;

/// A body that fails where a frame does not come in time.
pub(super) struct PatientBody {
    pub(super) body: hyper::body::Incoming,
    /// Until when the first frame has to be there, if that is set; as long as there is none.
    pub(super) first_by: Option<Instant>,
    /// How far frames may be apart, if that is set.
    pub(super) between: Option<Duration>,
    /// Made where a frame is waited for.
    pub(super) sleep: Option<Pin<Box<Sleep>>>,
}

impl Body for PatientBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            (self.first_by, self.sleep) = (None, None);
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        if self.sleep.is_none() {
            let next_by = || Instant::now().checked_add(self.between?);
            let Some(by) = self.first_by.or_else(next_by) else { return Poll::Pending };
            self.sleep = Some(Box::pin(sleep_until(by)));
        }
        match &mut self.sleep {
            None => Poll::Pending,
            Some(sleep) => {
                sleep.as_mut().poll(context).map(|()| Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
