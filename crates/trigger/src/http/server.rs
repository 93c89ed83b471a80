//! The server as a whole: binds, serves on all its threads, and shuts down in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::ending::{Deadline, Ending, ServeReport};
use super::lane::Lane;
use super::local::Settings;
use super::socket::{self, BindError};
use super::{Handler, LiveRoutes, Options};

/// An HTTP server that listens, and serves once it has routes.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// At least one.
    lanes: Vec<Lane>,
    settings: Arc<Settings>,
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

    /// Serves `routes`, as they are when a request begins, until the stop: then no connection is
    /// accepted any more, idle ones are closed, and running requests may finish until the time to
    /// drain has passed. What runs on after that is cut off.
    ///
    /// `rest` ends when all is done that handlers have left to do after their answers. It is
    /// awaited when no request is left that could add to it; until then the threads go on running
    /// the tasks that handlers have started on them.
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
        ending: &Ending,
        rest: impl Future<Output = ()>,
    ) -> ServeReport {
        let Server { mut lanes, settings, .. } = self;
        let own = lanes.pop();
        let answering = TaskTracker::new();
        answering.close();
        let ended = CancellationToken::new();
        let token_of_own = answering.token();
        thread::scope(|scope| {
            let mut others = Vec::new();
            for (number, lane) in lanes.into_iter().enumerate() {
                let (routes, settings) = (Arc::clone(&routes), Arc::clone(&settings));
                let (token, ended) = (answering.token(), ended.clone());
                let last = async move |_: &Deadline| {
                    drop(token);
                    ended.cancelled().await;
                    true
                };
                let thread = thread::Builder::new().name(format!("http-{}", number + 1));
                match thread.spawn_scoped(scope, || lane.run(routes, settings, ending, last)) {
                    Ok(thread) => others.push(thread),
                    // The lane went with the closure, and its socket with it: the kernel gives its
                    // connections to the other lanes.
                    Err(error) => warn!(%error, "a thread has stopped serving HTTP"),
                }
            }
            // Dropped whatever happens to this thread, so that the other lanes never wait in vain.
            let ended = ended.drop_guard();
            let last = async move |deadline: &Deadline| {
                drop(token_of_own);
                deadline.limit(answering.wait()).await;
                let is_done = deadline.limit(rest).await;
                drop(ended);
                is_done
            };
            let drained = ServeReport { drained: true, cut: 0 };
            let own = own.map_or(drained, |lane| lane.run(routes, settings, ending, last));
            // A panic of a lane is a bug of ours: it goes on here, once all have ended.
            others.into_iter().fold(own, |report, other| match other.join() {
                Ok(of_other) => report.and(of_other),
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })
    }
}
