//! What the instances of an app have used together.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// What all instances of an app have used since it was made, ended ones included.
#[derive(Debug, Default)]
pub struct Usage {
    computed_nanoseconds: AtomicU64,
}

impl Usage {
    /// How long they have computed. The clock ticks every few milliseconds: this is right for many calls,
    /// and coarse for one.
    pub fn computed(&self) -> Duration {
        Duration::from_nanos(self.computed_nanoseconds.load(Relaxed))
    }

    /// Adds computing time.
    pub(crate) fn add_computed(&self, time: Duration) {
        // Most calls begin and end within a tick.
        if !time.is_zero() {
            let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            self.computed_nanoseconds.fetch_add(nanoseconds, Relaxed);
        }
    }
}
