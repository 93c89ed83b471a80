//! When a call has to be done.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, timeout_at};

use crate::Failure;

/// When a call has to be done, and how much time it had in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    at: Instant,
    time: Duration,
}

impl Deadline {
    /// The deadline of a call that begins at this moment and may take `time`.
    ///
    /// # Panics
    /// If no clock goes that far.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        Self { at: Instant::now() + time, time }
    }

    /// The moment itself.
    #[must_use]
    pub fn at(self) -> Instant {
        self.at
    }

    /// The deadline of a call that had `time` in all, at a moment that was set before.
    #[must_use]
    pub fn at_most(at: Instant, time: Duration) -> Self {
        Self { at, time }
    }

    /// How much time the call had in all.
    #[must_use]
    pub fn time(self) -> Duration {
        self.time
    }

    /// Whether it has passed.
    #[must_use]
    pub fn has_passed(self) -> bool {
        Instant::now() >= self.at
    }

    /// What became of a call that was not done by then.
    #[must_use]
    pub fn failure(self) -> Failure {
        Failure::TimedOut(self.time)
    }

    /// Waits for `call`, which is dropped when the deadline passes.
    ///
    /// # Errors
    /// If it passes before the call is done.
    pub async fn limit<T>(self, call: impl Future<Output = T>) -> Result<T, Failure> {
        timeout_at(self.at, call).await.map_err(|_| self.failure())
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_is_dropped_when_its_time_is_up() {
        let time = Duration::from_secs(30);
        let deadline = Deadline::after(time);
        assert_eq!(deadline.limit(ready(1)).await, Ok(1));
        assert!(!deadline.has_passed());
        let begun = Instant::now();
        assert_eq!(deadline.limit(pending::<()>()).await, Err(Failure::TimedOut(time)));
        assert_eq!(begun.elapsed().as_secs(), 30);
        assert!(deadline.has_passed());
    }
}
