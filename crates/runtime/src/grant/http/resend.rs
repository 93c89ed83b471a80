//! Requests that are sent again, because a server closed the connection that was kept for them.
//!
//! A server may close an idle connection at any time, also just when a request is on its way; then
//! there is no telling whether it was read. A request whose method is idempotent is sent again (RFC
//! 9110, section 9.2.2), and any other never. The client of `hyper-util` does that only for requests
//! that it had not begun to write.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Method, request::Parts};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::grant::client::KEPT_PER_HOST;

/// How much of a body is kept to be sent again.
const KEPT_BYTES: usize = 64 << 10;

/// What a piece of a body takes beside its bytes.
const PIECE_BYTES: usize = 64;

/// One more than there may be connections that a server has closed.
pub(super) const MAX_ATTEMPTS: usize = KEPT_PER_HOST + 1;

/// A request that can be sent more than once.
pub(super) struct Resendable {
    head: Parts,
    loan: Arc<Mutex<Loan>>,
}

impl Resendable {
    /// The request, if its method is idempotent (RFC 9110, section 9.2.2).
    pub(super) fn new(
        request: http::Request<WasiBody>,
    ) -> Result<Self, Box<http::Request<WasiBody>>> {
        let is_idempotent = matches!(
            *request.method(),
            Method::GET
                | Method::HEAD
                | Method::PUT
                | Method::DELETE
                | Method::OPTIONS
                | Method::TRACE
        );
        if !is_idempotent {
            return Err(Box::new(request));
        }
        let (head, body) = request.into_parts();
        let loan = Loan { body, sent: Vec::new(), sent_bytes: 0, is_whole: true, attempt: 0 };
        Ok(Self { head, loan: Arc::new(Mutex::new(loan)) })
    }

    /// The request, to be sent once.
    pub(super) fn request(&self) -> http::Request<WasiBody> {
        let attempt = {
            let mut loan = lock(&self.loan);
            loan.attempt += 1;
            loan.attempt
        };
        let body = Lent { loan: Arc::clone(&self.loan), attempt, next: 0 };
        http::Request::from_parts(self.head.clone(), body.boxed_unsync())
    }

    /// Whether all is there that was sent of its body.
    pub(super) fn can_be_repeated(&self) -> bool {
        lock(&self.loan).is_whole
    }
}

/// The body of a request, with what was sent of it.
struct Loan {
    body: WasiBody,
    sent: Vec<Bytes>,
    sent_bytes: usize,
    /// Whether that is all.
    is_whole: bool,
    /// Its reader.
    attempt: usize,
}

fn lock(loan: &Mutex<Loan>) -> MutexGuard<'_, Loan> {
    // What panicked was a body, which is polled no more.
    loan.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Loan {
    fn keep(&mut self, data: &Bytes) {
        if data.is_empty() {
            return;
        }
        self.sent_bytes += data.len() + PIECE_BYTES;
        self.is_whole &= self.sent_bytes <= KEPT_BYTES;
        if self.is_whole {
            self.sent.push(data.clone());
        } else {
            self.sent = Vec::new();
        }
    }
}

/// The body as one attempt sends it: first what others sent before.
struct Lent {
    loan: Arc<Mutex<Loan>>,
    attempt: usize,
    /// The next of the pieces that others sent.
    next: usize,
}

impl Body for Lent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let mut loan = lock(&this.loan);
        if loan.attempt != this.attempt {
            // Its connection is closed, and another has the body.
            return Poll::Ready(Some(Err(Error::ConnectionTerminated)));
        }
        if let Some(data) = loan.sent.get(this.next) {
            this.next += 1;
            return Poll::Ready(Some(Ok(Frame::data(data.clone()))));
        }
        let frame = Pin::new(&mut loan.body).poll_frame(context);
        if let Poll::Ready(Some(frame)) = &frame {
            match frame.as_ref().ok().and_then(Frame::data_ref) {
                Some(data) => loan.keep(data),
                // Trailers, and what broke off, are there once.
                None => loan.is_whole = false,
            }
            this.next = loan.sent.len();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        let loan = lock(&self.loan);
        self.next >= loan.sent.len() && loan.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let loan = lock(&self.loan);
        let again: usize = loan.sent.iter().skip(self.next).map(Bytes::len).sum();
        let (rest, again) = (loan.body.size_hint(), again as u64);
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + again);
        }
        hint.set_lower(rest.lower() + again);
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use http_body_util::StreamBody;

    use super::*;

    fn put(pieces: &[&'static [u8]]) -> Resendable {
        let pieces: VecDeque<_> = pieces.iter().map(|piece| Bytes::from_static(piece)).collect();
        let frames = futures::stream::iter(pieces.into_iter().map(|piece| Ok(Frame::data(piece))));
        let body = StreamBody::new(frames).boxed_unsync();
        let request = http::Request::put("http://a/").body(body).expect("a request");
        Resendable::new(request).unwrap_or_else(|_| panic!("PUT is idempotent"))
    }

    #[tokio::test]
    async fn what_was_sent_of_a_body_is_sent_again_before_the_rest() {
        let request = put(&[b"one", b"two", b"three"]);
        let mut first = request.request().into_body();
        first.frame().await.expect("a frame").expect("a piece");
        assert!(request.can_be_repeated());
        let second = request.request().into_body();
        // The body is the other's.
        assert!(first.frame().await.expect("a frame").is_err());
        let whole = second.collect().await.expect("a body").to_bytes();
        assert_eq!(whole, "onetwothree");
        assert!(request.can_be_repeated());
        let again = request.request().into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(again, "onetwothree");
    }

    #[tokio::test]
    async fn a_long_body_is_sent_once() {
        static PIECE: [u8; KEPT_BYTES] = [b'x'; KEPT_BYTES];
        let request = put(&[&PIECE, b"more"]);
        let whole = request.request().into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(whole.len(), KEPT_BYTES + 4);
        assert!(!request.can_be_repeated());
    }

    #[tokio::test]
    async fn a_body_in_many_pieces_takes_no_more_room() {
        let request = put(&[b"" as &[u8]; 10_000]);
        request.request().into_body().collect().await.expect("a body");
        assert!(request.can_be_repeated());
        assert!(lock(&request.loan).sent.is_empty());
        let request = put(&[b"x" as &[u8]; 10_000]);
        request.request().into_body().collect().await.expect("a body");
        assert!(!request.can_be_repeated());
    }

    #[test]
    fn a_method_that_is_not_idempotent_is_sent_once() {
        for method in [Method::POST, Method::PATCH, Method::CONNECT] {
            let body = http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync();
            let request = http::Request::builder().method(method).uri("http://a/").body(body);
            assert!(Resendable::new(request.expect("a request")).is_err());
        }
    }
}
