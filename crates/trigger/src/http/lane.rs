//! A lane: one thread's runtime, its listening socket, and the connections accepted from it. Lanes
//! share only what is never written.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::accept::Door;
use super::ending::{Deadline, Ending, ServeReport};
use super::local::{Local, Settings};
use super::{Handler, LiveRoutes};

/// A listening socket and the runtime that will serve it.
#[derive(Debug)]
pub(super) struct Lane {
    listener: Option<TcpListener>,
    /// There until the lane runs or is dropped.
    runtime: Option<Runtime>,
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
        let local = Arc::new(Local::new(routes, settings, ending, &tracker));
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

impl Drop for Lane {
    /// A runtime that is dropped within a task of another panics, unless told not to wait.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
