//! A connection that is opened when first needed, and again after it breaks, with growing pauses
//! between attempts.
//!
//! It does not know what a connection is, and does not detect a broken one: its user reports that.

use std::{
    fmt,
    sync::RwLock,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Pauses between attempts that fail: each twice as long as the one before, up to a second.
#[derive(Debug)]
pub(crate) struct Backoff<E> {
    failed: Option<Failed<E>>,
}

#[derive(Debug)]
struct Failed<E> {
    error: E,
    until: Instant,
    pause: Duration,
}

impl<E: Clone> Backoff<E> {
    pub(crate) const fn new() -> Self {
        Self { failed: None }
    }

    /// The last attempt's error, while its pause lasts.
    pub(crate) fn pausing(&self) -> Option<E> {
        let failed = self.failed.as_ref()?;
        (Instant::now() < failed.until).then(|| failed.error.clone())
    }

    /// Notes how an attempt ended.
    pub(crate) fn note<T>(&mut self, outcome: &Result<T, E>) {
        self.failed = outcome.as_ref().err().map(|error| {
            let before = self.failed.as_ref().map(|failed| failed.pause);
            let pause = before.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
            Failed { error: error.clone(), until: Instant::now() + pause, pause }
        });
    }
}

/// A connection, shared by clones of `C`.
pub(crate) struct Reconnect<C, E> {
    current: RwLock<Option<Numbered<C>>>,
    attempts: Mutex<Backoff<E>>,
}

/// A connection and how many were made before it.
#[derive(Clone)]
pub(crate) struct Numbered<C> {
    pub(crate) connection: C,
    number: u64,
}

impl<C: Clone, E: Clone> Reconnect<C, E> {
    pub(crate) const fn new() -> Self {
        Self { current: RwLock::new(None), attempts: Mutex::const_new(Backoff::new()) }
    }

    /// The connection, made with `connect` if there is none. While a pause after a failed attempt
    /// lasts, that attempt's error is the answer.
    ///
    /// # Errors
    /// If `connect` fails.
    pub(crate) async fn get(
        &self,
        connect: impl AsyncFnOnce() -> Result<C, E>,
    ) -> Result<Numbered<C>, E> {
        if let Some(current) = self.current() {
            return Ok(current);
        }
        let mut attempts = self.attempts.lock().await;
        if let Some(current) = self.current() {
            return Ok(current);
        }
        if let Some(error) = attempts.pausing() {
            return Err(error);
        }
        let outcome = connect().await;
        attempts.note(&outcome);
        let connection = outcome?;
        let mut current = self.write();
        let number = current.as_ref().map_or(0, |numbered| numbered.number) + 1;
        let numbered = Numbered { connection, number };
        *current = Some(numbered.clone());
        Ok(numbered)
    }

    /// Lets go of a connection that broke, unless another has taken its place.
    pub(crate) fn broke(&self, broken: &Numbered<C>) {
        let mut current = self.write();
        if current.as_ref().is_some_and(|current| current.number == broken.number) {
            *current = None;
        }
    }

    fn current(&self) -> Option<Numbered<C>> {
        // A poisoned lock holds a whole value: it is only ever replaced.
        self.current.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Option<Numbered<C>>> {
        self.current.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<C, E> fmt::Debug for Reconnect<C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnect").finish_non_exhaustive()
    }
}
