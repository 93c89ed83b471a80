//! One swap, from its beginning to its end.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{MutexGuard, watch},
    time::timeout,
};

use super::{
    Existing, InFlight, Phase, Progress, Serving, SwapError, Swapped, Swapping, Writes,
    mirror::{Mirror, divide},
};
use crate::Outage;
use crate::keyvalue::{Error, Store};

/// How many keys are listed at a time.
const PAGE: usize = 512;

/// How many keys are copied at a time: writes of them wait meanwhile.
const PORTION: usize = 64;

/// How many keys tell a store from another that has one of them by chance.
const SOME_KEYS: usize = 50;

/// How often the stores are compared before it is given up that they become equal.
const ROUNDS: usize = 3;

/// How long writes wait for a target to tell its watchers of changes.
const LONGEST_BARRIER: Duration = Duration::from_secs(5);

/// A swap under way. Dropped before it is done, it leaves the old store serving.
pub(super) struct Swap<'a> {
    swapping: &'a Swapping,
    in_flight: MutexGuard<'a, InFlight>,
    old: Serving,
    target: Arc<dyn Store>,
    /// Whether the target's keys are this swap's own, so that they may be deleted after a failure.
    owns_target: bool,
    /// A key that may lie in the target for the time of a look at the old store.
    mark: Option<String>,
    /// Writes wait until it is dropped.
    barrier: Option<watch::Sender<()>>,
    is_done: bool,
    /// Changes when the swap is to end.
    cancelled: watch::Receiver<()>,
}

impl<'a> Swap<'a> {
    pub(super) fn begin(
        swapping: &'a Swapping,
        in_flight: MutexGuard<'a, InFlight>,
        target: Arc<dyn Store>,
    ) -> Self {
        let old = swapping.state.load().serving.clone();
        swapping.progress.send_replace(Progress { phase: Phase::Preparing, ..Progress::default() });
        Self {
            swapping,
            in_flight,
            old,
            target,
            owns_target: false,
            mark: None,
            barrier: None,
            is_done: false,
            cancelled: swapping.cancelled.subscribe(),
        }
    }

    /// Does it, and clears up after a failure.
    pub(super) async fn run(mut self, existing: Existing) -> Result<Swapped, SwapError> {
        let mut cancelled = self.cancelled.clone();
        let outcome = tokio::select! {
            // What is done is done.
            biased;
            outcome = self.steps(existing) => outcome,
            // The sender lives as long as the store.
            Ok(()) = cancelled.changed() => Err(SwapError::Cancelled),
        };
        if outcome.is_err() {
            self.revert();
            // Writes under way may still reach the target.
            self.in_flight.drain().await;
            if self.owns_target {
                // It may be the target that failed; then it keeps what it has.
                let _ = empty(&*self.target).await;
            } else if let Some(mark) = &self.mark {
                let _ = self.target.delete(mark).await;
            }
        }
        outcome
    }

    async fn steps(&mut self, existing: Existing) -> Result<Swapped, SwapError> {
        self.prepare(existing).await?;
        let mirror = Mirror::new(Arc::clone(&self.old.store), Arc::clone(&self.target));
        self.install(self.old.clone(), Writes::Mirrored(mirror.clone()));
        self.phase(Phase::Copying);
        tokio::select! {
            biased;
            failure = mirror.failed() => return Err(failure),
            copied = async {
                // Writes that the target does not get have ended before anything is copied.
                self.in_flight.drain().await;
                self.copy(&mirror).await?;
                self.phase(Phase::Comparing);
                self.compare(&mirror).await
            } => copied?,
        }
        self.phase(Phase::Moving);
        let (barrier, lifted) = watch::channel(());
        self.barrier = Some(barrier);
        self.install(self.old.clone(), Writes::Waiting(lifted));
        self.in_flight.drain().await;
        // All writes have ended: what failed until here is all that will.
        if let Some(failure) = mirror.failure() {
            return Err(failure);
        }
        // All writes wait for this.
        let moves = timeout(LONGEST_BARRIER, self.swapping.watchers.prepare(&*self.target)).await;
        let moves = moves.map_err(|_| self.late(LONGEST_BARRIER))?;
        let next = Serving { store: Arc::clone(&self.target), number: self.old.number + 1 };
        self.end(next);
        self.swapping.watchers.send(moves);
        let progress = self.swapping.progress.borrow();
        Ok(Swapped { copied: progress.copied, repaired: progress.repaired })
    }

    /// Sees to it that the target is another store, can be written and is empty.
    async fn prepare(&mut self, existing: Existing) -> Result<(), SwapError> {
        // A swap that was cancelled may have left writes under way to the same target.
        self.in_flight.drain().await;
        let at = || self.target.origin();
        let found = self.target.list_keys("", None, 1).await.map_err(SwapError::Target)?;
        // Two addresses can lead to one store: what is written to one is looked for in the other.
        let mark = format!("keyway-swap-{:016x}", RandomState::new().hash_one(&found.keys));
        self.mark = Some(mark.clone());
        let (old, target) = (&*self.old.store, &*self.target);
        if shares(target, old, &mark, Look::AtTheKey).await? {
            return Err(SwapError::SameStore { at: at() });
        }
        if let (Some(key), Existing::Refuse) = (found.keys.first(), existing) {
            return Err(SwapError::NotEmpty { at: at(), key: key.clone() });
        }
        // Or to a part of one, which has the same keys by other names.
        if shares(target, old, &mark, Look::Everywhere).await? || has_within(target, old).await? {
            return Err(SwapError::Overlapping { at: at() });
        }
        if !found.keys.is_empty() {
            empty(target).await.map_err(SwapError::Target)?;
        }
        self.mark = None;
        self.owns_target = true;
        Ok(())
    }

    async fn copy(&self, mirror: &Mirror) -> Result<(), SwapError> {
        let mut pages = Pages::of(&*self.old.store);
        while let Some(keys) = pages.next().await.map_err(SwapError::Old)? {
            for keys in keys.chunks(PORTION) {
                let _turns = mirror.take(keys).await;
                let values = self.old.store.get_many(keys).await.map_err(SwapError::Old)?;
                // A key that is gone was mirrored as such, or never copied.
                let (set, _) = divide(keys, values);
                self.target.set_many(&set).await.map_err(SwapError::Target)?;
                self.note(|progress| progress.copied += set.len() as u64);
            }
        }
        Ok(())
    }

    /// Compares all keys of both stores until none differs.
    async fn compare(&self, mirror: &Mirror) -> Result<(), SwapError> {
        let mut differing = None;
        for _ in 0..ROUNDS {
            differing = None;
            let mut pages = Pages::of(&*self.old.store);
            while let Some(keys) = pages.next().await.map_err(SwapError::Old)? {
                differing = self.repair(mirror, &keys).await?.or(differing);
            }
            let mut pages = Pages::of(&*self.target);
            while let Some(keys) = pages.next().await.map_err(SwapError::Target)? {
                differing = self.repair(mirror, &keys).await?.or(differing);
            }
            if differing.is_none() {
                break;
            }
        }
        let (old, target) = (self.old.store.origin(), self.target.origin());
        differing.map_or(Ok(()), |key| Err(SwapError::Differs { key, old, target }))
    }

    /// Gives the target the old store's values where they differ, and names one such key.
    async fn repair(&self, mirror: &Mirror, keys: &[String]) -> Result<Option<String>, SwapError> {
        let mut differing = None;
        for keys in keys.chunks(PORTION) {
            let _turns = mirror.take(keys).await;
            let old = self.old.store.get_many(keys).await.map_err(SwapError::Old)?;
            let target = self.target.get_many(keys).await.map_err(SwapError::Target)?;
            let differs = keys.iter().zip(old).zip(target).filter(|((_, old), new)| old != new);
            let (keys, values): (Vec<_>, _) =
                differs.map(|((key, old), _)| (key.clone(), old)).unzip();
            let count = keys.len() as u64;
            let (set, gone) = divide(&keys, values);
            self.target.set_many(&set).await.map_err(SwapError::Target)?;
            self.target.delete_many(&gone).await.map_err(SwapError::Target)?;
            self.note(|progress| progress.repaired += count);
            differing = keys.into_iter().next().or(differing);
        }
        self.note(|progress| progress.compared += keys.len() as u64);
        Ok(differing)
    }

    fn late(&self, after: Duration) -> SwapError {
        SwapError::Target(Error::Outage(Outage::TimedOut { at: self.target.origin(), after }))
    }

    fn install(&mut self, serving: Serving, writes: Writes) {
        self.swapping.install(&mut self.in_flight, serving, writes);
    }

    /// From now on `serving` serves alone.
    fn end(&mut self, serving: Serving) {
        self.install(serving, Writes::Direct);
        self.barrier = None;
        self.is_done = true;
    }

    fn revert(&mut self) {
        if !self.is_done {
            self.end(self.old.clone());
        }
    }

    fn phase(&self, phase: Phase) {
        self.note(|progress| progress.phase = phase);
    }

    fn note(&self, change: impl FnOnce(&mut Progress)) {
        self.swapping.progress.send_modify(change);
    }
}

impl Drop for Swap<'_> {
    fn drop(&mut self) {
        self.revert();
        self.phase(Phase::Idle);
    }
}

/// Deletes all keys.
async fn empty(store: &dyn Store) -> Result<(), Error> {
    let mut pages = Pages::of(store);
    while let Some(keys) = pages.next().await? {
        store.delete_many(&keys).await?;
    }
    Ok(())
}

/// All keys of a store, page by page.
struct Pages<'a> {
    store: &'a dyn Store,
    /// Where the next page begins; `None` after the last.
    next: Option<Option<String>>,
}

impl<'a> Pages<'a> {
    fn of(store: &'a dyn Store) -> Self {
        Self { store, next: Some(None) }
    }

    async fn next(&mut self) -> Result<Option<Vec<String>>, Error> {
        let Some(cursor) = self.next.take() else { return Ok(None) };
        let page = self.store.list_keys("", cursor.as_deref(), PAGE).await?;
        self.next = page.cursor.map(Some);
        Ok(Some(page.keys))
    }
}

/// Where a mark is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Under its own name.
    AtTheKey,
    /// Under every name that ends in it.
    Everywhere,
}

/// Whether the old store has a mark that is written to the target for the time of this look.
async fn shares(
    target: &dyn Store,
    old: &dyn Store,
    mark: &str,
    look: Look,
) -> Result<bool, SwapError> {
    target.set(mark, Bytes::new()).await.map_err(SwapError::Target)?;
    let found = match look {
        Look::AtTheKey => old.exists(mark).await,
        Look::Everywhere => has_key_ending_in(old, mark).await,
    };
    target.delete(mark).await.map_err(SwapError::Target)?;
    found.map_err(SwapError::Old)
}

/// Whether the target has keys of the old store, all with one prefix. Nothing is written to the old
/// store to find out: a swap that is cancelled would leave it there.
async fn has_within(target: &dyn Store, old: &dyn Store) -> Result<bool, SwapError> {
    let some = old.list_keys("", None, SOME_KEYS).await.map_err(SwapError::Old)?.keys;
    let Some(first) = some.first() else { return Ok(false) };
    let mut pages = Pages::of(target);
    while let Some(keys) = pages.next().await.map_err(SwapError::Target)? {
        for key in keys {
            let Some(prefix) = key.strip_suffix(first.as_str()).filter(|p| !p.is_empty()) else {
                continue;
            };
            let named: Vec<_> = some.iter().map(|key| format!("{prefix}{key}")).collect();
            let values = target.get_many(&named).await.map_err(SwapError::Target)?;
            if values.iter().all(Option::is_some) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

async fn has_key_ending_in(store: &dyn Store, end: &str) -> Result<bool, Error> {
    let mut pages = Pages::of(store);
    while let Some(keys) = pages.next().await? {
        if keys.iter().any(|key| key.ends_with(end)) {
            return Ok(true);
        }
    }
    Ok(false)
}
