//! Descriptors that are kept for later, and can be given up before a guest is refused one.

use std::{
    mem,
    pin::pin,
    sync::{
        Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

/// What is given up is closed by tasks of its own, as soon as these run.
const CLOSING_TIME: Duration = Duration::from_millis(20);

/// Those that may keep something.
static KEEPERS: Mutex<Vec<Weak<dyn Keeper>>> = Mutex::new(Vec::new());

/// How many descriptors are counted here, whether in use or not.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// Told of each that is closed.
static CLOSED: Notify = Notify::const_new();

/// Keeps descriptors for later.
pub(crate) trait Keeper: Send + Sync {
    /// What it keeps, if it keeps something. It is dropped.
    fn give_up(&self) -> Option<Box<dyn Send>>;
}

/// Remembers a keeper until it is asked to give up what it keeps.
pub(crate) fn register(keeper: Weak<dyn Keeper>) {
    let mut keepers = keepers();
    keepers.retain(|keeper| keeper.strong_count() > 0);
    keepers.push(keeper);
}

fn keepers() -> MutexGuard<'static, Vec<Weak<dyn Keeper>>> {
    KEEPERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A descriptor that may be kept, and tells when it is closed: it is dropped right after it.
#[derive(Debug)]
pub(crate) struct Counted(());

impl Counted {
    pub(crate) fn new() -> Self {
        OPEN.fetch_add(1, Relaxed);
        Self(())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Relaxed);
        CLOSED.notify_waiters();
    }
}

/// Has all keepers give up what they keep, and waits until something is closed, if there may be
/// something.
pub(super) async fn give_up() {
    let mut closed = pin!(CLOSED.notified());
    closed.as_mut().enable();
    let keepers = mem::take(&mut *keepers());
    let given: Vec<_> =
        keepers.iter().filter_map(Weak::upgrade).filter_map(|keeper| keeper.give_up()).collect();
    if !given.is_empty() && OPEN.load(Relaxed) > 0 {
        drop(given);
        // All of them may be in use.
        let _ = timeout(CLOSING_TIME, closed).await;
    }
}
