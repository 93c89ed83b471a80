//! How a server shuts down: when, how long running requests may continue, and the outcome.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// When a server ends, and how long that may take.
#[derive(Debug, Clone)]
pub struct Ending {
    /// Cancelled when the server is to end.
    pub stop: CancellationToken,
    /// How long requests that run at the stop may continue.
    pub drain: Duration,
    /// Cancelled to cut off at once whatever continues after the stop.
    pub at_once: CancellationToken,
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServeReport {
    /// Whether every request that was running at the stop got its whole answer, and what handlers
    /// had left to do after their answers was done.
    pub drained: bool,
    /// How many requests were cut off because they ran on when the time to drain was over.
    pub cut: usize,
}

impl ServeReport {
    /// What both came to.
    pub(super) fn and(self, other: Self) -> Self {
        ServeReport { drained: self.drained && other.drained, cut: self.cut + other.cut }
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
    pub(super) fn of(ending: &Ending) -> Self {
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
