//! A lane: one thread's runtime, its listening socket, and the connections accepted from it. Lanes
//! share only what is never written.

use std::future::pending;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioTimer;
use rustls::ServerConfig;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::accept::Door;
use super::turn::Streams;
use super::{Ending, Handler, LiveRoutes, Options, ServeReport, TlsError};

/// A listening socket and the runtime that will serve it.
#[derive(Debug)]
pub(super) struct Lane {
    listener: Option<TcpListener>,
    /// There until the lane runs or is dropped.
    runtime: Option<Runtime>,
}

/// What all lanes go by, made from the options once.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) http1: http1::Builder,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) header_timeout: Duration,
    pub(super) handshake_timeout: Duration,
    pub(super) write_timeout: Duration,
    pub(super) connections: Arc<Semaphore>,
    header_bytes: u32,
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
            .max_buf_size(header_bytes as usize * 2);
        let tls = options.tls.as_ref().map(super::Tls::config).transpose()?;
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

impl Lane {
    pub(super) fn new(listener: TcpListener) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Lane { listener: Some(listener), runtime: Some(runtime) })
    }

    /// Serves until the stop, and then until all is done or the time to drain has passed; at the
    /// end runs `last`. What is left then ends with the runtime.
    pub(super) fn run<H: Handler>(
        mut self,
        routes: Arc<LiveRoutes<H>>,
        settings: Arc<Settings>,
        ending: &Ending,
        last: impl AsyncFnOnce(&Deadline) -> bool,
    ) -> ServeReport {
        let (Some(listener), Some(runtime)) = (self.listener.take(), self.runtime.take()) else {
            return ServeReport { drained: true, cut: 0 };
        };
        let tracker = TaskTracker::new();
        let local = Arc::new(Local {
            routes,
            http2: settings.http2(&tracker),
            settings,
            stop: ending.stop.child_token(),
            running: Arc::default(),
        });
        let report = runtime.block_on(async {
            let door = match Door::new(listener, &local, &tracker) {
                Ok(mut door) => {
                    door.until_stop().await;
                    Some(door)
                }
                Err(error) => {
                    warn!(%error, "a thread has stopped serving HTTP");
                    local.stop.cancelled().await;
                    None
                }
            };
            let deadline = Deadline::of(ending);
            let connections = async {
                if let Some(door) = door {
                    door.close().await;
                }
                tracker.close();
                tracker.wait().await;
            };
            let cut = match deadline.limit(connections).await {
                true => 0,
                false => local.running.load(Ordering::Relaxed),
            };
            // What requests of other lanes use may run here, such as the connection to a database,
            // and what handlers of this one have left to do.
            let is_done = last(&deadline).await;
            ServeReport { drained: cut == 0 && is_done, cut }
        });
        // Dropping a runtime drops its tasks. It would also wait for blocking work without an
        // end, such as a read from a file system that hangs.
        runtime.shutdown_timeout(Duration::from_millis(100));
        report
    }
}

/// When what runs on after the stop is cut off.
#[derive(Debug)]
pub(super) struct Deadline {
    /// Never, if no clock goes that far.
    at: Option<Instant>,
    at_once: CancellationToken,
}

impl Deadline {
    /// For a server that is stopped at this moment.
    fn of(ending: &Ending) -> Self {
        let at = Instant::now().checked_add(ending.drain);
        Deadline { at, at_once: ending.at_once.clone() }
    }

    /// Waits for `work`, and says whether it was done in time.
    pub(super) async fn limit(&self, work: impl Future<Output = ()>) -> bool {
        let passes = async {
            match self.at {
                Some(at) => sleep_until(at).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = work => true,
            () = passes => false,
            () = self.at_once.cancelled() => false,
        }
    }
}

impl Drop for Lane {
    /// A runtime that is dropped within a task of another panics, unless told not to wait.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
