//! A store whose backend is swapped while it is used, with its data.
//!
//! When no swap is in progress, an operation costs one atomic load more than on the backend itself.
//!
//! # How a swap goes
//! 1. **Prepare.** Connect to the target, write to it, and make sure that it is another store and
//!    empty.
//! 2. **Mirror.** Writes go to the old store and then, before they are acknowledged, to the target.
//!    The old store serves reads.
//! 3. **Copy**, then **compare** every key; copy again whatever differs.
//! 4. **Move.** New writes wait until those in progress have ended. Then reads and writes go to the
//!    target, and the old store is released.
//!
//! Until the last step, which is one atomic store, the old store has every write, and if the swap
//! fails or its future is dropped the old store keeps serving.
//!
//! # Why nothing is lost
//! *Every write is mirrored once copying begins.* An operation holds on to the [`State`] that it
//! found, and a swap begins to copy once no earlier state is held: then no write that does not know
//! the target is in progress.
//!
//! *The target never gets an older value over a newer one.* A key's turn is held from a write to
//! the old store until the target has its result, and while a key is read from the one and copied
//! to the other. So the target gets a key's values in the old store's order. A mirrored write is a
//! task of its own, which continues if its caller gives up: it is never cut off in between.
//!
//! *Atomics are exact.* An `increment` or a compare-and-swap is done by the old store alone, and
//! the target gets the result. They are alone at the target before the last step, and the old store
//! is not used after it, since no write is under way in between.
//!
//! *Every key is copied.* A listing contains each key that exists from its beginning to its end. A
//! key that is created or changed in the meantime is mirrored.
//!
//! *Reads do not go back in time.* Before the last step a read is served by the old store. At that
//! step both have the same values, and no write is in progress.
//!
//! *Doubt ends the swap.* If the old store does not answer a write, that write could still take
//! effect after its key was copied; and a target that missed one write is incomplete. Either ends
//! the swap, and the old store keeps serving.
//!
//! Writes by other programs to the old store during a swap are caught by the comparison at best.

mod error;
mod mirror;
mod progress;
mod store;
mod swap;
mod watching;

use std::{fmt, ops::Deref, sync::Arc};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::{Mutex, watch};

use super::Store;
use mirror::Mirror;
use swap::Swap;
use watching::Watchers;

pub use error::SwapError;
pub use progress::{Phase, Progress, Swapped};

/// A store whose backend can be swapped while it is used.
#[derive(Debug)]
pub struct Swapping {
    state: ArcSwap<State>,
    /// Held by the swap that is under way, if there is one.
    in_flight: Mutex<InFlight>,
    progress: watch::Sender<Progress>,
    /// Sent to when the swap under way is to end without effect.
    cancelled: watch::Sender<()>,
    watchers: Watchers,
}

/// What a swap does with keys that the target already has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// There must be none.
    Refuse,
    /// They are deleted first.
    Delete,
}

/// What an operation goes by, from its beginning to its end.
struct State {
    serving: Serving,
    writes: Writes,
    /// Closed when this state is no longer used.
    _held: watch::Receiver<()>,
}

/// The store that reads are served by.
#[derive(Clone, Debug)]
struct Serving {
    store: Arc<dyn Store>,
    /// How many stores served before it: a cursor is good for one of them.
    number: u64,
}

/// Where writes go.
enum Writes {
    /// To the store that serves.
    Direct,
    /// To it, and then to the target.
    Mirrored(Mirror),
    /// Nowhere, until the sender is dropped and there is another state.
    Waiting(watch::Receiver<()>),
}

/// Tells when operations have ended.
#[derive(Debug)]
struct InFlight {
    current: watch::Sender<()>,
    earlier: Vec<watch::Sender<()>>,
}

/// The store that a read goes to.
enum Reader {
    Direct(Guard<Arc<State>>),
    /// A read does not hold on to the state while writes could wait for that.
    Moving(Serving),
}

/// What a write goes by.
enum Writer {
    Direct(Guard<Arc<State>>),
    Mirrored(Arc<State>, Mirror),
}

impl Swapping {
    /// A store that is served by `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let (current, held) = watch::channel(());
        let serving = Serving { store, number: 0 };
        Self {
            state: ArcSwap::from_pointee(State { serving, writes: Writes::Direct, _held: held }),
            in_flight: Mutex::new(InFlight { current, earlier: Vec::new() }),
            progress: watch::Sender::new(Progress::default()),
            cancelled: watch::Sender::default(),
            watchers: Watchers::default(),
        }
    }

    /// Swaps the store that serves for `target`, with its data. When it returns, the target serves
    /// everything, and the old store is released with its data.
    ///
    /// Dropping the future before it has returned ends the swap too: the old store goes on, and what
    /// was copied stays in the target. After an error, or when the swap is
    /// [cancelled](Self::cancel), the target is emptied, if it can be.
    ///
    /// # Errors
    /// If another swap is under way, the target is not empty or is the store that serves, or one of
    /// them fails. The old store then stays in use, and is complete.
    pub async fn swap(
        &self,
        target: Arc<dyn Store>,
        existing: Existing,
    ) -> Result<Swapped, SwapError> {
        let in_flight = self.in_flight.try_lock().map_err(|_| SwapError::UnderWay)?;
        Swap::begin(self, in_flight, target).run(existing).await
    }

    /// Ends the swap under way without effect, and returns when it has ended: the old store goes on,
    /// and what was copied is deleted from the target. Returns false if there was no swap, or if it
    /// was done before.
    pub async fn cancel(&self) -> bool {
        let mut progress = self.progress();
        if progress.borrow_and_update().phase == Phase::Idle {
            return false;
        }
        let before = self.state.load().serving.number;
        self.cancelled.send_replace(());
        // The sender lives as long as this does.
        let _ = progress.wait_for(|progress| progress.phase == Phase::Idle).await;
        self.state.load().serving.number == before
    }

    /// How far the swap under way is.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The state that operations beginning from now on go by.
    fn install(&self, in_flight: &mut InFlight, serving: Serving, writes: Writes) {
        let (current, held) = watch::channel(());
        in_flight.earlier.push(std::mem::replace(&mut in_flight.current, current));
        self.state.store(Arc::new(State { serving, writes, _held: held }));
    }

    fn reader(&self) -> Reader {
        let state = self.state.load();
        match state.writes {
            Writes::Direct => Reader::Direct(state),
            _ => Reader::Moving(state.serving.clone()),
        }
    }

    async fn writer(&self) -> Writer {
        loop {
            let state = self.state.load();
            let mut lifted = match &state.writes {
                Writes::Direct => return Writer::Direct(state),
                Writes::Mirrored(mirror) => {
                    let mirror = mirror.clone();
                    return Writer::Mirrored(Guard::into_inner(state), mirror);
                }
                Writes::Waiting(lifted) => lifted.clone(),
            };
            drop(state);
            // Nothing is ever sent: this ends when the sender is dropped.
            let _ = lifted.changed().await;
        }
    }
}

impl InFlight {
    /// Waits until every operation that goes by an earlier state has ended.
    async fn drain(&mut self) {
        for state in &self.earlier {
            state.closed().await;
        }
        self.earlier.clear();
    }
}

impl Deref for Reader {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Direct(state) => &*state.serving.store,
            Self::Moving(serving) => &*serving.store,
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("serving", &self.serving).finish_non_exhaustive()
    }
}
