//! Ends instances whose time is up while nothing reads their responses: a server asks for more of a
//! body only when the client has taken the previous part, and an instance runs only when it is
//! polled.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{Instant, timeout_at},
};

/// How long an instance is left alone that runs just when its time is up: it finds out by itself.
const RUNNING: Duration = Duration::from_millis(20);

/// When which answer has to be complete, and a number that tells those of one moment apart.
type Key = (Instant, u64);

/// Runs as long as it is read, and has to end in time also if it is not.
pub(super) trait Late: Send {
    /// Ends it, as its time is up.
    fn cut(&mut self);
}

/// The answers of a unit that are being read.
#[derive(Default)]
pub(super) struct Watch {
    list: Mutex<List>,
    /// The watcher has to look earlier.
    earlier: Notify,
}

#[derive(Default)]
struct List {
    readings: BTreeMap<Key, Weak<Mutex<dyn Late>>>,
    last: u64,
    /// When they are next checked, if at all.
    look: Option<Instant>,
}

/// An answer on the list, until it is dropped.
pub(super) struct Watched {
    watch: Arc<Watch>,
    key: Key,
}

impl Watched {
    pub(super) fn new(
        watch: Arc<Watch>,
        reading: Weak<Mutex<dyn Late>>,
        deadline: Instant,
    ) -> Self {
        let key = watch.add(reading, deadline);
        Self { watch, key }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watch.lock().readings.remove(&self.key);
    }
}

impl Watch {
    fn add(self: &Arc<Self>, reading: Weak<Mutex<dyn Late>>, deadline: Instant) -> Key {
        let mut list = self.lock();
        list.last += 1;
        let key = (deadline, list.last);
        list.readings.insert(key, reading);
        match list.look {
            Some(look) if look <= deadline => {}
            Some(_) => {
                list.look = Some(deadline);
                self.earlier.notify_one();
            }
            None => {
                // Without a runtime nobody reads.
                if let Ok(runtime) = Handle::try_current() {
                    list.look = Some(deadline);
                    runtime.spawn(Arc::clone(self).look());
                }
            }
        }
        key
    }

    /// Ends those whose time is up, until none is left.
    async fn look(self: Arc<Self>) {
        while let Some(next) = self.end_late() {
            // It does not matter which of both it was.
            let _ = timeout_at(next, self.earlier.notified()).await;
        }
    }

    /// Ends those whose time is up, and says when to look again.
    fn end_late(self: &Arc<Self>) -> Option<Instant> {
        let now = Instant::now();
        let late = {
            let mut list = self.lock();
            let ahead = list.readings.split_off(&(now, u64::MAX));
            std::mem::replace(&mut list.readings, ahead)
        };
        for reading in late.into_values().filter_map(|reading| reading.upgrade()) {
            match reading.try_lock() {
                Ok(mut reading) => reading.cut(),
                Err(TryLockError::Poisoned(reading)) => reading.into_inner().cut(),
                Err(TryLockError::WouldBlock) => {
                    let mut list = self.lock();
                    list.last += 1;
                    let key = (now + RUNNING, list.last);
                    list.readings.insert(key, Arc::downgrade(&reading));
                }
            }
        }
        let mut list = self.lock();
        list.look = list.readings.first_key_value().map(|(&(at, _), _)| at);
        list.look
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        // Nothing that it guards is left half done.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
