//! Connections to servers, and the pool of those kept for reuse: it is limited, and its connections
//! are closed before a guest is refused a connection, a socket or a file.

use std::{
    io::{self, IoSlice},
    mem,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use tokio::{net::TcpStream, sync::Notify, time::timeout};

use super::HttpClient;

/// How many connections to one host are kept.
pub(super) const KEPT_PER_HOST: usize = 64;

/// How many connections of one component are kept. Which ones are kept is the client's own affair,
/// so it is replaced after it has made so many.
const KEPT: usize = 256;

/// Connections that are no longer kept are closed by their tasks, as soon as these run.
const CLOSING_TIME: Duration = Duration::from_millis(20);

/// Those that have a client.
static POOLS: Mutex<Vec<Weak<Pool>>> = Mutex::new(Vec::new());

/// How many connections there are, whether in use or not.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// Notified of each connection that is closed.
static CLOSED: Notify = Notify::const_new();

/// The client of one component, with the connections that it keeps, as long as it has one.
#[derive(Default)]
pub(super) struct Pool(Mutex<Option<(HttpClient, Arc<AtomicUsize>)>>);

impl Pool {
    /// The client, or one that `make` makes, which is to count the connections that it makes.
    pub(super) fn client(
        self: &Arc<Self>,
        make: impl FnOnce(Arc<AtomicUsize>) -> HttpClient,
    ) -> HttpClient {
        let mut kept = lock(&self.0);
        if let Some((client, made)) = &*kept
            && made.load(Relaxed) < KEPT
        {
            return client.clone();
        }
        let made = Arc::new(AtomicUsize::new(0));
        let client = make(Arc::clone(&made));
        if kept.replace((client.clone(), made)).is_none() {
            let mut pools = lock(&POOLS);
            pools.retain(|pool| pool.strong_count() > 0);
            pools.push(Arc::downgrade(self));
        }
        client
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closes the connections of all components that no request uses, and waits until one is closed, if
/// there may be one.
pub(crate) async fn close_idle() {
    let mut closed = pin!(CLOSED.notified());
    closed.as_mut().enable();
    let pools = mem::take(&mut *lock(&POOLS));
    let clients: Vec<_> =
        pools.iter().filter_map(Weak::upgrade).filter_map(|pool| lock(&pool.0).take()).collect();
    if !clients.is_empty() && OPEN.load(Relaxed) > 0 {
        drop(clients);
        // There may be no unused ones.
        let _ = timeout(CLOSING_TIME, closed).await;
    }
}

/// A connection that tells when it is closed.
pub(super) struct Open(Option<TokioIo<TcpStream>>);

impl Open {
    pub(super) fn new(connection: TokioIo<TcpStream>) -> Self {
        OPEN.fetch_add(1, Relaxed);
        Self(Some(connection))
    }

    fn connection(&mut self) -> io::Result<Pin<&mut TokioIo<TcpStream>>> {
        self.0.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.0.take());
        OPEN.fetch_sub(1, Relaxed);
        CLOSED.notify_waiters();
    }
}

impl Connection for Open {
    fn connected(&self) -> Connected {
        self.0.as_ref().map_or_else(Connected::new, Connection::connected)
    }
}

impl Read for Open {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.connection()?.poll_read(context, buffer)
    }
}

impl Write for Open {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.connection()?.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.connection()?.poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.as_ref().is_some_and(Write::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection()?.poll_shutdown(context)
    }
}
