//! Admits calls: as many calls of a unit as its limit allows run at once, some more wait in a
//! queue, and the rest are rejected; before that, those of an app that has too many already.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use keyway_app::Limit;
use keyway_call::Failure;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{account::Entry, engine::Engine, grant::plan::Plan, limit::EpochGuard};

/// Lets calls of a unit in.
pub(crate) struct Gate {
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
    concurrency: usize,
}

/// What a call holds while it runs: its place among those that may, and the moving epoch.
#[derive(Debug)]
pub(crate) struct Admission {
    _place: OwnedSemaphorePermit,
    _entry: Entry,
    _epoch: Option<EpochGuard>,
}

impl Gate {
    /// For as many calls at once.
    pub(crate) fn new(concurrency: usize) -> Self {
        let running = Arc::new(Semaphore::new(concurrency));
        Self { running, waiting: AtomicUsize::new(0), concurrency }
    }

    /// Waits for a place, within the limits of the unit and of its app.
    pub(crate) async fn admit(
        &self,
        engine: &Engine,
        Plan { limit, account, .. }: &Plan,
    ) -> Result<Admission, Failure> {
        let entry = account.enter()?;
        let place = match Arc::clone(&self.running).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => self.wait(limit).await?,
        };
        Ok(Admission { _place: place, _entry: entry, _epoch: engine.epoch_guard() })
    }

    async fn wait(&self, limit: &Limit) -> Result<OwnedSemaphorePermit, Failure> {
        let _waiting = Waiting::join(&self.waiting, limit.queue)
            .ok_or(Failure::Busy { running: self.concurrency, waiting: limit.queue })?;
        let place = Arc::clone(&self.running).acquire_owned();
        let place = timeout(limit.time, place).await;
        // The semaphore is never closed, so what is not a place is a time that ran out.
        place.ok().and_then(Result::ok).ok_or(Failure::NoTurn(limit.time))
    }
}

/// A place in the queue, left when dropped, including when the client disconnects.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(waiting: &'a AtomicUsize, at_most: usize) -> Option<Self> {
        let joined = Self(waiting);
        (waiting.fetch_add(1, Relaxed) < at_most).then_some(joined)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
