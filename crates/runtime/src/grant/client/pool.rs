//! Connections to servers, and the pool of those kept for reuse: it is limited, and its connections
//! are closed before a guest is refused a connection, a socket or a file.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use tokio::net::TcpStream;

use super::history::History;
use crate::descriptor::spare::{self, Counted, Keeper};

/// How many connections to one host are kept.
pub(in crate::grant) const KEPT_PER_HOST: usize = 64;

/// How many connections of one component are kept. Which ones are kept is the client's own affair,
/// so it is replaced after it has made so many.
const KEPT: usize = 256;

/// The client of one component, with the connections that it keeps, as long as it has one.
pub(in crate::grant) struct Pool<C>(Mutex<Option<(C, Arc<AtomicUsize>)>>);

impl<C> Default for Pool<C> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<C: Clone + Send + 'static> Pool<C> {
    /// The client, or one that `make` makes, which is to count the connections that it makes.
    pub(in crate::grant) fn client(
        self: &Arc<Self>,
        make: impl FnOnce(Arc<AtomicUsize>) -> C,
    ) -> C {
        let mut kept = self.lock();
        if let Some((client, made)) = &*kept
            && made.load(Relaxed) < KEPT
        {
            return client.clone();
        }
        let made = Arc::new(AtomicUsize::new(0));
        let client = make(Arc::clone(&made));
        if kept.replace((client.clone(), made)).is_none() {
            let this: Weak<Self> = Arc::downgrade(self);
            spare::register(this);
        }
        client
    }
}

impl<C> Pool<C> {
    fn lock(&self) -> MutexGuard<'_, Option<(C, Arc<AtomicUsize>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Send + 'static> Keeper for Pool<C> {
    fn give_up(&self) -> Option<Box<dyn Send>> {
        self.lock().take().map(|client| Box::new(client) as Box<dyn Send>)
    }
}

/// A connection that tells when it is closed.
pub(in crate::grant) struct Open {
    connection: TokioIo<TcpStream>,
    history: History,
    // Dropped after the connection, as it stands after it.
    _counted: Counted,
}

impl Open {
    pub(in crate::grant) fn new(connection: TokioIo<TcpStream>) -> Self {
        Self { connection, history: History::default(), _counted: Counted::new() }
    }
}

impl Connection for Open {
    fn connected(&self) -> Connected {
        self.connection.connected().extra(self.history.clone())
    }
}

impl Read for Open {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(context, buffer)
    }
}

impl Write for Open {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(context)
    }
}
