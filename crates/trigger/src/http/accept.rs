//! Accepts connections until the server stops, and then those that clients have already made. What
//! happens to them is up to `connection`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::uri::Scheme;
use socket2::{SockFilter, SockRef};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::local::Local;
use super::socket::{Backoff, concerns_one_connection};
use super::{Handler, Peer, connection};

/// How long after the stop clients may take to complete a handshake of TCP that they have begun.
const SETTLING: Duration = Duration::from_millis(50);

/// The listening socket of a lane.
pub(super) struct Door<'a, H> {
    listener: TcpListener,
    local: &'a Arc<Local<H>>,
    tracker: &'a TaskTracker,
    scheme: Scheme,
    backoff: Backoff,
}

impl<'a, H: Handler> Door<'a, H> {
    /// Every connection becomes a task of `tracker`.
    pub(super) fn new(
        listener: std::net::TcpListener,
        local: &'a Arc<Local<H>>,
        tracker: &'a TaskTracker,
    ) -> io::Result<Self> {
        let is_secure = local.settings.tls.is_some();
        Ok(Door {
            listener: TcpListener::from_std(listener)?,
            local,
            tracker,
            scheme: if is_secure { Scheme::HTTPS } else { Scheme::HTTP },
            backoff: Backoff::new(),
        })
    }

    /// Lets connections in until the server stops.
    pub(super) async fn until_stop(&mut self) {
        let stop = self.local.stop.clone();
        while let Some((stream, address)) = stop.run_until_cancelled(self.next()).await {
            // Waiting after accepting and not before: a permit in the hand of a lane that waits
            // for a client would be lost to the other lanes.
            let permit = Arc::clone(&self.local.settings.connections).acquire_owned();
            let permit = stop.run_until_cancelled(permit).await;
            self.begin(stream, address, permit.and_then(Result::ok));
        }
    }

    /// Accepts clients that have already connected, and closes the socket. The kernel resets
    /// connections that wait in a socket that closes, though their clients may have sent requests.
    pub(super) async fn close(mut self) {
        if let Err(error) = refuse_others(&self.listener) {
            debug!(%error, "clients that connect while the socket closes may lose a request");
        }
        let settling = async {
            loop {
                let (stream, address) = self.next().await;
                self.begin(stream, address, None);
            }
        };
        // Time is all that ends it.
        let _ = timeout(SETTLING, settling).await;
    }

    /// The next connection.
    async fn next(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok(accepted) => {
                    self.backoff = Backoff::new();
                    return accepted;
                }
                Err(error) if concerns_one_connection(&error) => {
                    debug!(%error, "a client disconnected before it was accepted");
                }
                Err(error) => {
                    if self.backoff.is_fresh() {
                        warn!(%error, "no connection can be accepted for now");
                    }
                    sleep(self.backoff.next()).await;
                }
            }
        }
    }

    /// Starts a connection, which waits for its permit if it has none.
    fn begin(&self, stream: TcpStream, address: SocketAddr, permit: Option<OwnedSemaphorePermit>) {
        let local = Arc::clone(self.local);
        let peer = Peer { address, scheme: self.scheme.clone() };
        self.tracker.spawn(async move {
            let permit = match permit {
                Some(permit) => Some(permit),
                // The semaphore is never closed.
                None => Arc::clone(&local.settings.connections).acquire_owned().await.ok(),
            };
            connection::run(local, stream, peer).await;
            drop(permit);
        });
    }
}

/// Has the kernel drop whatever begins a connection to `listener`, so that no client connects
/// between the last check and the close. To the client it is as if the packet were lost: it sends
/// another, which the closed port refuses, or which the server that comes next takes.
fn refuse_others(listener: &TcpListener) -> io::Result<()> {
    /// Loads the byte at a place, here of the header of TCP (RFC 9293, section 3.1).
    const LOAD_BYTE: u16 = 0x30;
    const FLAGS: u32 = 13;
    /// Goes on with the next instruction if all of these bits are zero, and skips one if not.
    const SKIP_IF_SET: u16 = 0x45;
    const SYN: u32 = 0b10;
    /// Ends with how many bytes of the packet are let through.
    const RETURN: u16 = 0x06;
    SockRef::from(listener).attach_filter(&[
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(SKIP_IF_SET, 1, 0, SYN),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ])
}
