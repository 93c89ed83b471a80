//! The life of one connection: handshake, choice of protocol, requests, end.

use std::future::{pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::activity::Activity;
use super::exchange::exchange;
use super::local::{Local, Settings};
use super::stream::Stream;
use super::wire::{Line, Wire};
use super::{Handler, Peer};

/// What a client that knows beforehand that the server speaks HTTP/2 sends first (RFC 9113,
/// section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Room for the first read: the head of a request, as most are.
const FIRST_READ_BYTES: usize = 1024;

/// How long a connection without a request may stay when the server stops. HTTP/2 waits for the
/// client to have heard that no more requests are taken; and a client that has just connected has
/// most likely sent its request, which may be on its way.
const FAREWELL: Duration = Duration::from_millis(500);

/// How long nothing may happen on the connection of a client that has closed its side.
const SILENCE: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

/// Serves a connection from its first byte to its last.
pub(super) async fn run<H: Handler>(local: Arc<Local<H>>, mut stream: TcpStream, peer: Peer) {
    if let Err(error) = stream.set_nodelay(true) {
        return debug!(client = %peer.address, %error, "the connection closed at once");
    }
    let (read, write) = stream.split();
    let (wire, line) = Wire::new(read, &write);
    let settings = Arc::clone(&local.settings);
    let activity = Activity::new(peer.address, Arc::clone(&local.running));
    let stop = local.stop.clone();
    let end = match &settings.tls {
        None => match until_farewell(&stop, detect(wire, settings.header_timeout)).await {
            Some(Ok((protocol, wire, read))) => {
                let stream = Stream::new(wire, read, settings.write_timeout, &activity);
                return speak(protocol, local, stream, line, &activity, peer).await;
            }
            end => end.map(|end| end.map(drop)),
        },
        Some(tls) => match until_farewell(&stop, secure(wire, tls, &settings)).await {
            Some(Ok((protocol, stream))) => {
                let read = BytesMut::new();
                let stream = Stream::new(stream, read, settings.write_timeout, &activity);
                return speak(protocol, local, stream, line, &activity, peer).await;
            }
            end => end.map(|end| end.map(drop)),
        },
    };
    if let Some(Err(error)) = end {
        debug!(client = %peer.address, %error, "the connection ended before a request");
    }
}

/// Gives up on what comes before the first request soon after the server stops.
async fn until_farewell<T>(
    stop: &CancellationToken,
    opening: impl Future<Output = T>,
) -> Option<T> {
    let farewell = async {
        stop.cancelled().await;
        sleep(FAREWELL).await;
    };
    tokio::select! {
        biased;
        opened = opening => Some(opened),
        () = farewell => None,
    }
}

/// Reads until it is clear what the client speaks. What was read is for hyper to read again.
async fn detect(
    mut wire: Wire<'_>,
    header_timeout: Duration,
) -> io::Result<(Protocol, Wire<'_>, BytesMut)> {
    let mut read = BytesMut::with_capacity(FIRST_READ_BYTES);
    let reading = async {
        loop {
            if wire.read_buf(&mut read).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            let length = read.len().min(HTTP2_PREFACE.len());
            if read[..length] != HTTP2_PREFACE[..length] {
                return Ok(Protocol::Http1);
            }
            if length == HTTP2_PREFACE.len() {
                return Ok(Protocol::Http2);
            }
        }
    };
    let protocol = timeout(header_timeout, reading).await??;
    Ok((protocol, wire, read))
}

/// Does the TLS handshake, in which the client chooses what it speaks.
///
/// As many may be under way as there may be connections: silent clients would otherwise keep the
/// rest from whatever handshakes wait for. It computes without a pause, so that no more compute at
/// once than there are lanes.
async fn secure<'a>(
    wire: Wire<'a>,
    tls: &Arc<ServerConfig>,
    settings: &Settings,
) -> io::Result<(Protocol, TlsStream<Wire<'a>>)> {
    let handshake = TlsAcceptor::from(Arc::clone(tls)).accept(wire);
    let stream = timeout(settings.handshake_timeout, handshake).await??;
    let protocol = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http1,
    };
    Ok((protocol, stream))
}

/// Hands the connection to hyper.
async fn speak<H, S>(
    protocol: Protocol,
    local: Arc<Local<H>>,
    stream: Stream<S>,
    line: Line<'_>,
    activity: &Arc<Activity>,
    peer: Peer,
) where
    H: Handler,
    S: AsyncRead + AsyncWrite + Unpin,
{
    // HTTP/2's streams are tasks of their own, so they own what they need.
    let service = {
        let (local, activity, peer) = (Arc::clone(&local), Arc::clone(activity), peer.clone());
        service_fn(move |request| {
            exchange(Arc::clone(&local), &activity, line, request, peer.clone())
        })
    };
    match protocol {
        Protocol::Http1 => {
            let longest_head = local.settings.header_bytes as usize;
            let stream = TokioIo::new(stream.of_http1(longest_head));
            let connection = local.settings.http1.serve_connection(stream, service);
            supervise(connection, line, &local, activity, &peer).await;
        }
        Protocol::Http2 => {
            let connection = local.http2.serve_connection(TokioIo::new(stream), service);
            supervise(connection, line, &local, activity, &peer).await;
        }
    }
}

/// What hyper's connections have in common.
trait Connection: Future<Output = hyper::Result<()>> {
    /// Lets running requests finish, and closes.
    fn finish(self: Pin<&mut Self>);
}

impl<I, S, B> Connection for hyper::server::conn::http1::Connection<I, S>
where
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S, B, E> Connection for hyper::server::conn::http2::Connection<I, S, E>
where
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    E: hyper::rt::bounds::Http2ServerConnExec<S::Future, B>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// How a connection ended.
enum End {
    /// By itself, or because the server stops.
    Closed(hyper::Result<()>),
    /// It had no request for too long.
    Idle,
    /// The client has gone without waiting for an answer.
    Abandoned,
}

/// Drives a connection until it ends, the server stops and its requests are done, its client has
/// gone, or it has had no request for too long.
async fn supervise<H>(
    connection: impl Connection,
    line: Line<'_>,
    local: &Local<H>,
    activity: &Activity,
    peer: &Peer,
) {
    let mut connection = pin!(connection);
    let patience = local.settings.header_timeout;
    let mut quiet = pin!(quiet(activity, patience));
    let mut abandoned = pin!(abandoned(line, activity));
    let mut stop = pin!(last_call(&local.stop, activity));
    let mut is_stopping = false;
    let end = poll_fn(|context| {
        // Mostly the connection is what woke the task. It goes first, so that a request that has
        // arrived counts as running for those that ask next.
        if let Poll::Ready(end) = connection.as_mut().poll(context) {
            return Poll::Ready(End::Closed(end));
        }
        if !is_stopping && stop.as_mut().poll(context).is_ready() {
            is_stopping = true;
            connection.as_mut().finish();
            quiet.set(self::quiet(activity, patience.min(FAREWELL)));
            if let Poll::Ready(end) = connection.as_mut().poll(context) {
                return Poll::Ready(End::Closed(end));
            }
        }
        // Between requests hyper reads, and ends by itself.
        if !activity.is_quiet() && abandoned.as_mut().poll(context).is_ready() {
            return Poll::Ready(End::Abandoned);
        }
        quiet.as_mut().poll(context).map(|()| End::Idle)
    })
    .await;
    let client = peer.address;
    match end {
        End::Closed(Ok(())) => {}
        End::Idle => debug!(%client, "the connection was idle for too long"),
        End::Abandoned => debug!(%client, "the client has disconnected"),
        // Closing the connection is the only way to tell the client.
        End::Closed(Err(error)) if error.is_body_write_aborted() => {
            warn!(%client, "a response was shorter than its Content-Length");
        }
        End::Closed(Err(error)) => debug!(%client, %error, "the connection broke off"),
    }
}

/// Ends when the client has closed its side and nothing happens after that: it has gone.
///
/// It may also have said all that it has to say, and wait for the answer (RFC 9112, section 9.6):
/// it cannot be known until something is written, which the system of a client that has gone
/// rejects. So a response that comes soon, or has begun and continues, may finish. A client's
/// departure is not noticed while it has sent more than the system buffers for the connection: the
/// end comes after that data, and waits with it.
async fn abandoned(line: Line<'_>, activity: &Activity) {
    if line.hangup().await.is_err() {
        // The runtime is ending.
        return pending().await;
    }
    let mut seen = None;
    loop {
        let sees = activity.happened();
        // If data waits for a client that is gone, its system rejects the data.
        if seen == Some(sees) && !activity.is_stalled() {
            return;
        }
        seen = Some(sees);
        sleep(SILENCE).await;
    }
}

/// Ends when the server stops and the connection need not wait for a request: one that has come
/// is seen, and the first has come or is too late.
async fn last_call(stop: &CancellationToken, activity: &Activity) {
    stop.cancelled().await;
    // Lets the runtime look for bytes that have arrived.
    yield_now().await;
    // No waker is needed: whatever begins a request is polled in the same task, just before.
    let has_begun = poll_fn(|_| match activity.begun() {
        0 => Poll::Pending,
        _ => Poll::Ready(()),
    });
    // Either will do.
    let _ = timeout(FAREWELL, has_begun).await;
}

/// Ends when the connection was quiet for `patience`, or a little longer: three looks in a row, and
/// no request between them.
async fn quiet(activity: &Activity, patience: Duration) {
    let between_looks = patience / 2;
    let mut look = pin!(sleep(between_looks));
    let mut seen = None;
    let mut repeated = 0;
    while repeated < 2 {
        look.as_mut().await;
        look.as_mut().reset(Instant::now() + between_looks);
        let sees = activity.is_quiet().then(|| activity.begun());
        repeated = if sees.is_some() && sees == seen { repeated + 1 } else { 0 };
        seen = sees;
    }
}
