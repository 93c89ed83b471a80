//! What the connections of a lane go by: the options, as hyper has them, and what they share.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioTimer;
use rustls::ServerConfig;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::awaited::Streams;
use super::ending::Ending;
use super::{LiveRoutes, Options, Tls, TlsError};

/// How many header fields a request of HTTP/1 may have; room for each is set aside while its head is
/// read.
const MAX_FIELDS: usize = 4096;

/// What all lanes go by, made from the options once.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) http1: http1::Builder,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) header_timeout: Duration,
    pub(super) handshake_timeout: Duration,
    pub(super) write_timeout: Duration,
    pub(super) connections: Arc<Semaphore>,
    pub(super) header_bytes: u32,
    max_streams: u32,
}

/// What the connections of a lane share.
#[derive(Debug)]
pub(super) struct Local<H> {
    pub(super) routes: Arc<LiveRoutes<H>>,
    pub(super) settings: Arc<Settings>,
    /// Cancelled when the server stops. The lane's own, so that its lock is never contended.
    pub(super) stop: CancellationToken,
    pub(super) http2: http2::Builder<Streams>,
    /// Requests whose answers are not complete.
    pub(super) running: Arc<AtomicUsize>,
}

impl<H> Local<H> {
    /// Streams of HTTP/2 become tasks of `tracker`.
    pub(super) fn new(
        routes: Arc<LiveRoutes<H>>,
        settings: Arc<Settings>,
        ending: &Ending,
        tracker: &TaskTracker,
    ) -> Self {
        Local {
            routes,
            http2: settings.http2(tracker),
            settings,
            stop: ending.stop.child_token(),
            running: Arc::default(),
        }
    }
}

impl Settings {
    /// The smallest limit that hyper can work with.
    const LEAST_HEADER_BYTES: u32 = 8 * 1024;

    pub(super) fn new(options: &Options) -> Result<Self, TlsError> {
        let header_bytes = options.header_bytes.max(Self::LEAST_HEADER_BYTES);
        let mut http1 = http1::Builder::new();
        // `pipeline_flush` stays off: with it hyper (1.12) takes in a streaming answer without
        // bounds when the client reads too slowly.
        http1
            // `connection::supervise` does the same for both protocols, without a timer that is
            // made and dropped for each request.
            .header_read_timeout(None)
            // A client that has finished sending may still want its response:
            // `connection::abandoned` decides how long to believe that.
            .half_close(true)
            .max_header_size(header_bytes as usize)
            .max_headers(MAX_FIELDS)
            .max_buf_size(header_bytes as usize * 2);
        let tls = options.tls.as_ref().map(Tls::config).transpose()?;
        // At least one, and at most as many as a semaphore can have.
        let connections = options.max_connections.clamp(1, Semaphore::MAX_PERMITS);
        Ok(Settings {
            http1,
            tls,
            header_timeout: options.header_timeout,
            handshake_timeout: options.handshake_timeout,
            write_timeout: options.write_timeout,
            connections: Arc::new(Semaphore::new(connections)),
            header_bytes,
            max_streams: options.max_streams,
        })
    }

    /// HTTP/2 with limits on what one client can make the server hold. hyper's own limits on
    /// streams that are reset as soon as they are opened stay.
    fn http2(&self, tracker: &TaskTracker) -> http2::Builder<Streams> {
        let mut http2 = http2::Builder::new(Streams::new(tracker, self.write_timeout));
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.max_streams)
            .max_header_list_size(self.header_bytes)
            .max_send_buf_size(128 * 1024)
            // Finds clients that went without a word.
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20));
        http2
    }
}
