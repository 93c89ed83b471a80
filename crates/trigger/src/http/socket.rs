//! Listening sockets: one per thread on the same address, with no other program's among them.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::TlsError;

/// Why a server could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program listens there.
    #[error(
        "the address {address} is in use by another program: stop that program, or choose another \
         port (port 0 picks a free one)"
    )]
    Taken {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The address is not one of this machine's.
    #[error(
        "the address {address} does not belong to this machine: use 127.0.0.1 for this machine \
         only, or 0.0.0.0 for all its networks"
    )]
    Absent {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The port is reserved.
    #[error(
        "this user may not listen on {address}: choose port 1024 or higher, or run with the right \
         to use lower ports"
    )]
    Refused {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The system refused for another reason.
    #[error("listening on {address} failed: {source}")]
    System {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate or its key is of no use.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Opens `count` sockets that listen on `address`; the kernel spreads connections over them.
/// Port 0 picks a free one for all.
///
/// `SO_REUSEPORT` alone would let a second program of the same user listen beside this one and
/// take half of its requests. So the first socket binds and listens without it, which fails where
/// anybody else is, and only then lets its siblings join.
pub(super) fn listen(
    address: SocketAddr,
    count: usize,
    backlog: u32,
) -> Result<Vec<TcpListener>, BindError> {
    let failed = |source| explain(address, source);
    let first = open(address, backlog, false).map_err(failed)?;
    first.set_reuse_port(true).map_err(failed)?;
    let first = TcpListener::from(first);
    let bound = first.local_addr().map_err(failed)?;
    let mut all = vec![first];
    for _ in 1..count {
        all.push(open(bound, backlog, true).map_err(failed)?.into());
    }
    Ok(all)
}

fn open(address: SocketAddr, backlog: u32, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of an earlier run that are still closing do not keep the port.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket)
}

fn explain(address: SocketAddr, source: io::Error) -> BindError {
    match source.kind() {
        io::ErrorKind::AddrInUse => BindError::Taken { address },
        io::ErrorKind::AddrNotAvailable => BindError::Absent { address },
        io::ErrorKind::PermissionDenied => BindError::Refused { address },
        _ => BindError::System { address, source },
    }
}

/// Whether accepting failed for the one connection that was next, and not for the server: the
/// client went away while it was in the queue.
pub(super) fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// How long to wait before accepting again where the system has no room for a connection (no file
/// descriptors, no memory). Trying at once would spin until other descriptors are closed.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    const FIRST: Duration = Duration::from_millis(5);
    const LONGEST: Duration = Duration::from_secs(1);

    pub(super) const fn new() -> Self {
        Backoff(Self::FIRST)
    }

    /// Whether this is the first failure in a row, which is the one to report.
    pub(super) fn is_fresh(&self) -> bool {
        self.0 == Self::FIRST
    }

    /// Twice as long each time.
    pub(super) fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = (wait * 2).min(Self::LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backing_off_takes_longer_each_time_up_to_a_second() {
        let mut backoff = Backoff::new();
        assert!(backoff.is_fresh());
        let waits: Vec<_> = (0..12).map(|_| backoff.next()).collect();
        assert!(!backoff.is_fresh());
        assert!(waits.is_sorted());
        assert_eq!(waits.last(), Some(&Duration::from_secs(1)));
    }
}
