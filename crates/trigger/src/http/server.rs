//! The server as a whole: binds, serves on all its threads, and ends in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::lane::{Lane, Settings};
use super::socket::{self, BindError};
use super::{Handler, LiveRoutes, Options};

/// An HTTP server that listens, and serves once it is told what.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// At least one.
    lanes: Vec<Lane>,
    settings: Arc<Settings>,
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServeReport {
    /// Whether every request that was running at the stop got its whole answer.
    pub drained: bool,
    /// How many requests were cut off because they ran on when the time to drain was over.
    pub cut: usize,
}

impl Server {
    /// Listens on `address`; port 0 picks a free one. Clients can connect from here on, and wait
    /// for [`serve`](Self::serve).
    ///
    /// # Errors
    /// The address cannot be had, or the certificate is of no use.
    pub fn bind(address: SocketAddr, options: Options) -> Result<Self, BindError> {
        let settings = Settings::new(&options)?;
        let listeners = socket::listen(address, options.threads.max(1), options.backlog)?;
        let failed = |source| BindError::System { address, source };
        let address = listeners[0].local_addr().map_err(failed)?;
        let lanes =
            listeners.into_iter().map(Lane::new).collect::<Result<_, _>>().map_err(failed)?;
        Ok(Server { address, lanes, settings: Arc::new(settings) })
    }

    /// Where it listens, with the port that was picked.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `routes`, as they are when a request begins, until `stop` is cancelled: then no connection is accepted any more, idle
    /// ones are closed, and running requests may finish until `drain` has passed. What runs on
    /// after that is cut off.
    ///
    /// Blocks the calling thread, which does its share of the work.
    ///
    /// # Panics
    /// When it is called within an asynchronous task. Use a thread of its own there, such as
    /// `spawn_blocking` gives.
    #[must_use = "the report says whether requests were cut off"]
    pub fn serve<H: Handler>(
        self,
        routes: Arc<LiveRoutes<H>>,
        stop: CancellationToken,
        drain: Duration,
    ) -> ServeReport {
        let Server { mut lanes, settings, .. } = self;
        let own = lanes.pop();
        let all = TaskTracker::new();
        all.close();
        let run = |lane: Lane, token| {
            lane.run(Arc::clone(&routes), Arc::clone(&settings), &stop, drain, token)
        };
        let token_of_own = all.token();
        let cut = thread::scope(|scope| {
            let mut others = Vec::new();
            for (number, lane) in lanes.into_iter().enumerate() {
                let token = all.token();
                let thread = thread::Builder::new().name(format!("http-{}", number + 1));
                match thread.spawn_scoped(scope, || run(lane, token)) {
                    Ok(thread) => others.push(thread),
                    // The lane went with the closure, and its socket with it: the kernel gives
                    // its connections to the others.
                    Err(error) => warn!(%error, "one thread fewer serves HTTP"),
                }
            }
            let own = own.map_or(0, |lane| run(lane, token_of_own));
            // A panic of a lane is a bug of ours: it goes on here, once all have ended.
            others.into_iter().fold(own, |cut, other| match other.join() {
                Ok(of_other) => cut + of_other,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        });
        ServeReport { drained: cut == 0, cut }
    }
}
