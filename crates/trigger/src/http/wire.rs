//! A connection's socket, shared by two: hyper reads and writes, and the connection's owner checks
//! its state.

use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

/// What is read and written.
#[derive(Debug)]
pub(super) struct Wire<'a> {
    read: ReadHalf<'a>,
    /// Written by reference, so that it can be shared.
    socket: &'a TcpStream,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a>(&'a TcpStream);

impl<'a> Wire<'a> {
    /// Of the two halves of one socket.
    pub(super) fn new(read: ReadHalf<'a>, write: &'a WriteHalf<'a>) -> (Self, Line<'a>) {
        let socket = write.as_ref();
        (Wire { read, socket }, Line(socket))
    }

    /// Repeats `write` until the socket has room.
    fn poll_to_write<T>(
        &self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            ready!(self.socket.poll_write_ready(context))?;
            match write(self.socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

impl Line<'_> {
    /// Ends when the client has closed its side, whether or not all was read that it has sent; or
    /// when the connection broke. Reads nothing.
    pub(super) async fn hangup(self) -> io::Result<()> {
        // The interest in urgent data is the one that also hears of a closed side, and not of
        // data. Sockets are not registered for urgent data, so that is all that it hears of.
        self.0.ready(Interest::PRIORITY).await.map(drop)
    }

    /// This end's address.
    pub(super) fn address(self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl AsyncRead for Wire<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(context, into)
    }
}

impl AsyncWrite for Wire<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_to_write(context, |socket| socket.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_to_write(context, |socket| socket.try_write_vectored(bytes))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The system has all that was written.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match SockRef::from(self.socket).shutdown(Shutdown::Write) {
            // The client was faster.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            shut => shut,
        })
    }
}
