//! A connection's bytes, as hyper reads and writes them: bytes read to detect the protocol come
//! first, a client that reads nothing ends the connection, and closing waits for the client.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::activity::Activity;
use super::framing::Framing;
use super::trailer::LAST_CHUNK;

/// How long what was answered and is done takes in what the client was sending.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// How hyper's own refusal of a head that is too long begins.
const HEAD_TOO_LONG: &[u8] =
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n";

/// How it has to begin where the target is why (RFC 9112, section 3).
const TARGET_TOO_LONG: &[u8] = b"HTTP/1.1 414 URI Too Long\r\nconnection: close\r\n";

/// Bytes both ways.
#[derive(Debug)]
pub(super) struct Stream<S> {
    inner: S,
    /// Read before hyper came.
    first: BytesMut,
    write_timeout: Duration,
    /// Runs while a write waits for the client; made for the first that does.
    stalled: Option<Pin<Box<Sleep>>>,
    activity: Arc<Activity>,
    linger: Linger,
    /// There for HTTP/1.
    framing: Option<Framing>,
    is_malformed: bool,
    /// What is written in place of what hyper writes, as far as it is not written yet.
    instead: Bytes,
    /// How many bytes of hyper's that replaces.
    replaced_bytes: usize,
}

/// How a connection of HTTP/1 closes.
///
/// A server that answers before it has read the whole body, say with 413, and closes, makes the
/// system answer the rest with a reset, which may overtake the answer: the client never sees it
/// (RFC 9112, section 9.6). So the sending side closes first, and what still comes is thrown
/// away until the client closes too, or for a short time. The same goes for a head that is refused
/// before it is complete.
#[derive(Debug)]
enum Linger {
    /// Closes at once.
    Never,
    /// Lingers if the client may have more to say than was read.
    IfUnread {
        /// How many requests had begun when bytes were last read. If it is all of them, these bytes
        /// made no request: they belong to a body, or to a bad head.
        begun_at_read: Option<u64>,
    },
    /// The sending side is closed.
    Until(Pin<Box<Sleep>>),
}

impl<S> Stream<S> {
    /// `first` has what was read of `inner` already; `activity` hears of writes that stall.
    pub(super) fn new(
        inner: S,
        first: BytesMut,
        write_timeout: Duration,
        activity: &Arc<Activity>,
    ) -> Self {
        let activity = Arc::clone(activity);
        Stream {
            inner,
            first,
            write_timeout,
            stalled: None,
            activity,
            linger: Linger::Never,
            framing: None,
            is_malformed: false,
            instead: Bytes::new(),
            replaced_bytes: 0,
        }
    }

    /// For HTTP/1, where a head may have so many bytes: follows the requests, and waits at its end for
    /// the rest of what nobody read.
    pub(super) fn of_http1(mut self, longest_head: usize) -> Self {
        self.linger = Linger::IfUnread { begun_at_read: None };
        self.framing = Some(Framing::new(longest_head));
        self
    }

    /// Cuts off what was read where a request's framing is no good.
    fn check(&mut self, read: &mut ReadBuf<'_>, before: usize) {
        let Some(framing) = &mut self.framing else { return };
        if let Err(malformed) = framing.follow(&read.filled()[before..]) {
            self.activity.refuse(malformed.request);
            self.is_malformed = true;
            read.set_filled(before + malformed.at);
        }
    }

    /// Tells of bytes that were written.
    fn note(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.activity.moved();
        }
    }

    /// Passes on what a write came to, unless it has waited for the client for too long.
    fn progress<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.activity.stall(false);
            return written;
        }
        let deadline = Instant::now() + self.write_timeout;
        let timer = match &mut self.stalled {
            Some(timer) => {
                if !self.activity.is_stalled() {
                    timer.as_mut().reset(deadline);
                }
                timer
            }
            none => none.insert(Box::pin(sleep(self.write_timeout))),
        };
        self.activity.stall(true);
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads no more")))
    }
}

fn bad_framing() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a line of the trailers does not end in CRLF")
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        if self.is_malformed {
            return Poll::Ready(Err(bad_framing()));
        }
        if self.first.is_empty() {
            ready!(Pin::new(&mut self.inner).poll_read(context, into))?;
        } else {
            let length = self.first.len().min(into.remaining());
            into.put_slice(&self.first[..length]);
            self.first.advance(length);
            if self.first.is_empty() {
                // Gives the memory back, which the connection would keep to its end.
                self.first = BytesMut::new();
            }
        }
        if into.filled().len() > before {
            self.check(into, before);
            if self.is_malformed && into.filled().len() == before {
                return Poll::Ready(Err(bad_framing()));
            }
            self.activity.moved();
            let begun = self.activity.begun();
            if let Linger::IfUnread { begun_at_read } = &mut self.linger {
                *begun_at_read = Some(begun);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> Stream<S> {
    /// What is to be written in place of the beginning of `bytes`, and how long that is.
    fn replacement(&self, bytes: &[u8]) -> Option<(Bytes, usize)> {
        // Whoever left it there has seen that nothing else is to be written before.
        if let Some(last) = self.activity.take_last_chunk() {
            return bytes.starts_with(LAST_CHUNK).then_some((last, LAST_CHUNK.len()));
        }
        let has_long_target = self.framing.as_ref().is_some_and(Framing::has_long_target);
        let is_refused = has_long_target && bytes.starts_with(HEAD_TOO_LONG);
        is_refused.then_some((Bytes::from_static(TARGET_TOO_LONG), HEAD_TOO_LONG.len()))
    }

    /// Writes what replaces the beginning of `bytes`, if anything does.
    fn poll_replacement(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Option<Poll<io::Result<usize>>> {
        if self.instead.is_empty() {
            (self.instead, self.replaced_bytes) = self.replacement(bytes)?;
        }
        while !self.instead.is_empty() {
            let written = Pin::new(&mut self.inner).poll_write(context, &self.instead);
            self.note(&written);
            match self.progress(context, written) {
                Poll::Ready(Ok(0)) => {
                    return Some(Poll::Ready(Err(io::ErrorKind::WriteZero.into())));
                }
                Poll::Ready(Ok(count)) => self.instead.advance(count),
                unwritten => return Some(unwritten),
            }
        }
        Some(Poll::Ready(Ok(self.replaced_bytes)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(written) = self.poll_replacement(context, bytes) {
            return written;
        }
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.note(&written);
        self.progress(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = bytes.iter().find(|bytes| !bytes.is_empty()).map_or(&[][..], |bytes| &**bytes);
        if let Some(written) = self.poll_replacement(context, first) {
            return written;
        }
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, bytes);
        self.note(&written);
        self.progress(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        self.progress(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            match &mut this.linger {
                Linger::Until(deadline) => {
                    if deadline.as_mut().poll(context).is_ready() {
                        return Poll::Ready(Ok(()));
                    }
                    let mut waste = [0; 8192];
                    let mut waste = ReadBuf::new(&mut waste);
                    let read = ready!(Pin::new(&mut this.inner).poll_read(context, &mut waste));
                    if read.is_err() || waste.filled().is_empty() {
                        return Poll::Ready(Ok(()));
                    }
                }
                Linger::IfUnread { begun_at_read } => {
                    let no_request = *begun_at_read == Some(this.activity.begun());
                    let lingers = this.activity.has_body() || no_request;
                    let shut = Pin::new(&mut this.inner).poll_shutdown(context);
                    ready!(this.progress(context, shut))?;
                    if !lingers {
                        return Poll::Ready(Ok(()));
                    }
                    this.linger = Linger::Until(Box::pin(sleep(LINGER)));
                }
                Linger::Never => {
                    let shut = Pin::new(&mut this.inner).poll_shutdown(context);
                    return this.progress(context, shut);
                }
            }
        }
    }
}
