//! What all apps of a host have in common.

use std::{sync::Arc, time::Duration};

use keyway_runtime::Account;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};
use tokio_util::task::TaskTracker;

use crate::{
    assembly::prepare::Workshop,
    error::{ChangeError, HostError},
    live::{app::App, facilities::Facilities},
    log::Log,
};

/// What all apps of a host have in common.
#[derive(Debug)]
pub(crate) struct Ground {
    facilities: Facilities,
    log: Log,
    /// How long what runs may go on when its app ends.
    pub(crate) drain: Duration,
    /// Apps that end.
    ending: TaskTracker,
    /// So many apps wake at once.
    waking: Semaphore,
}

impl Ground {
    pub(crate) fn new(facilities: Facilities, log: Log, drain: Duration) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (ending, waking) = (TaskTracker::new(), Semaphore::new(2 * cores));
        Self { facilities, log, drain, ending, waking }
    }

    /// What the process gives to the app of this name, which has this account.
    pub(crate) fn facilities(&self, app: &str, account: &Arc<Account>) -> Facilities {
        let (printer, account) = (self.log.printer_of(app), Arc::clone(account));
        Facilities { printer, account, ..self.facilities.clone() }
    }

    /// Waits for a turn to wake an app, which is over when the returned value is dropped.
    pub(crate) async fn waking(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.waking.acquire().await.ok()
    }

    /// Forgets what an app that is gone has logged.
    pub(crate) fn forget_log(&self, app: &str) {
        self.log.forget(app);
    }

    /// What compiles.
    pub(crate) fn workshop(&self) -> &Workshop {
        &self.facilities.workshop
    }

    /// Runs something beside requests.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.facilities.background.spawn(work);
    }

    /// Does something to its end, also if nobody waits for that any more.
    ///
    /// # Errors
    /// Those of the work, or that the host ends.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, HostError>> + Send + 'static,
    ) -> Result<T, HostError> {
        let work = self.facilities.background.spawn(work);
        work.await.unwrap_or_else(|_| Err(ChangeError::Stopping.into()))
    }

    /// Lets an app end that gets no more requests.
    pub(crate) fn finish(&self, app: Arc<App>) {
        let drain = self.drain;
        let end = async move {
            // What goes on after that ends with the process, or by its own limits.
            let _ = timeout(drain, app.finish()).await;
        };
        self.ending.spawn_on(end, &self.facilities.background);
    }

    /// Waits for the apps that end.
    pub(crate) async fn finished(&self) {
        self.ending.close();
        self.ending.wait().await;
    }
}
