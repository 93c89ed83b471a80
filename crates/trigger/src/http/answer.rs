//! The body of a response on its way to hyper.

use std::mem::take;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http::header::TRAILER;
use http_body::{Body as _, Frame, SizeHint};
use keyway_call::Length;
use tracing::field::display;
use tracing::warn;

use super::activity::Running;
use super::awaited::{Awaited, PIECE_BYTES, note_awaited, note_end, note_unread};
use super::trailer::last_chunk;
use super::{Body, BodyError};

/// The body of an answer; its request counts as running until it is gone.
#[derive(Debug)]
pub(super) struct Answer {
    /// None for an answer whose head is everything, such as one to `HEAD`, and once the end is
    /// reached. It is dropped then: a stream of HTTP/2 may keep the answer for longer.
    body: Option<Body>,
    /// What of its data is not given yet.
    rest: Bytes,
    /// What it broke off with, until hyper hears of that.
    broken: Option<BodyError>,
    given_bytes: u64,
    /// What the head of the answer says of its length.
    declared: Length,
    /// Whether trailers may come that its head does not announce.
    may_have_trailers: bool,
    /// The last chunk with trailers, until all before it is written.
    last_chunk: Option<Bytes>,
    /// Whether it goes to a stream of HTTP/2.
    is_multiplexed: bool,
    /// Whether the client may still be sending the request when it is answered.
    may_be_unread: bool,
    running: Option<Running>,
}

impl Answer {
    /// What comes after these headers.
    pub(super) fn new(body: Option<Body>, headers: &HeaderMap, running: Running) -> Self {
        let declared = Length::of(headers);
        Answer {
            body,
            rest: Bytes::new(),
            broken: None,
            given_bytes: 0,
            declared,
            may_have_trailers: false,
            last_chunk: None,
            is_multiplexed: false,
            may_be_unread: false,
            running: Some(running),
        }
    }

    /// For a stream of HTTP/2, whose request may not have been read to its end.
    pub(super) fn multiplexed(mut self, may_be_unread: bool) -> Self {
        self.is_multiplexed = true;
        self.may_be_unread = may_be_unread;
        self
    }

    /// For a client of HTTP/1.1 that takes trailers. Those that are announced hyper sends itself.
    pub(super) fn with_trailers(mut self, headers: &HeaderMap) -> Self {
        self.may_have_trailers = self.declared == Length::Open && !headers.contains_key(TRAILER);
        self
    }

    /// The next piece of the body's data.
    fn give(&mut self) -> Frame<Bytes> {
        let piece = match self.is_multiplexed && self.rest.len() > PIECE_BYTES {
            true => self.rest.split_to(PIECE_BYTES),
            false => take(&mut self.rest),
        };
        self.given_bytes += piece.len() as u64;
        if self.is_end_stream() {
            self.end();
        }
        Frame::data(piece)
    }

    /// Lets go of what is needed no more when all is given.
    fn end(&mut self) {
        self.body = None;
        let running = self.running.take();
        if self.is_multiplexed {
            note_end(running);
        }
        if take(&mut self.may_be_unread) {
            note_unread();
        }
    }

    fn break_off(&mut self, error: BodyError) {
        let client = self.running.as_ref().map(|running| display(running.client()));
        let content_length = self.declared.bytes();
        // Too late for a status: hyper breaks the connection or the stream off, and the client
        // sees that the answer is not whole.
        warn!(client, sent = self.given_bytes, content_length, %error, "a response broke off");
        self.body = None;
        self.broken = Some(error);
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if let Some(error) = this.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        if let (Some(last), Some(running)) = (&this.last_chunk, &this.running) {
            ready!(running.poll_end_with(last, context));
            this.last_chunk = None;
            this.end();
            return Poll::Ready(None);
        }
        if this.is_multiplexed {
            note_awaited(Awaited::Service);
        }
        if this.rest.is_empty() {
            let Some(body) = &mut this.body else { return Poll::Ready(None) };
            match ready!(Pin::new(body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(trailers) => {
                        if this.may_have_trailers
                            && let Some(trailers) = trailers.trailers_ref()
                        {
                            this.last_chunk = Some(last_chunk(trailers));
                            // hyper writes what it has, and asks again.
                            context.waker().wake_by_ref();
                            return Poll::Pending;
                        }
                        this.end();
                        return Poll::Ready(Some(Ok(trailers)));
                    }
                },
                Some(Err(error)) => {
                    this.break_off(error);
                    // hyper throws away what it has not written yet, which may be the head. So it
                    // hears of the error when it has written what it can.
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                None => {
                    this.end();
                    return Poll::Ready(None);
                }
            }
        }
        if this.is_multiplexed {
            note_awaited(Awaited::Client);
        }
        Poll::Ready(Some(Ok(this.give())))
    }

    fn is_end_stream(&self) -> bool {
        let is_all_given =
            self.rest.is_empty() && self.broken.is_none() && self.last_chunk.is_none();
        is_all_given && self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            None => SizeHint::with_exact(0),
            // Where handler and body disagree, the declared length counts: hyper holds the body to
            // it, and closes the connection where it falls short.
            Some(_) if self.declared != Length::Open => SizeHint::default(),
            Some(body) => body.size_hint(),
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if self.may_be_unread && self.is_end_stream() {
            note_unread();
        }
    }
}
