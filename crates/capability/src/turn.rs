//! Turns at keys: the holder of a key's turn has it alone.

use std::hash::{BuildHasher, RandomState};

use tokio::sync::{Mutex, MutexGuard};

/// Locks that keys share by their hash.
#[derive(Debug)]
pub(crate) struct Turns {
    locks: Box<[Mutex<()>]>,
    hasher: RandomState,
}

/// The turn of a key, until it is dropped.
pub(crate) type Turn<'a> = MutexGuard<'a, ()>;

impl Turns {
    /// With more locks, different keys wait for each other less often.
    pub(crate) fn new(locks: usize) -> Self {
        Self {
            locks: (0..locks.max(1)).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    pub(crate) async fn take(&self, key: &str) -> Turn<'_> {
        self.locks[self.lock(key)].lock().await
    }

    /// The turns of many keys, in an order in which no two callers wait for each other.
    pub(crate) async fn take_all(&self, keys: impl IntoIterator<Item = &str>) -> Vec<Turn<'_>> {
        let mut locks: Vec<_> = keys.into_iter().map(|key| self.lock(key)).collect();
        locks.sort_unstable();
        locks.dedup();
        let mut turns = Vec::with_capacity(locks.len());
        for lock in locks {
            turns.push(self.locks[lock].lock().await);
        }
        turns
    }

    fn lock(&self, key: &str) -> usize {
        let count = self.locks.len() as u64;
        usize::try_from(self.hasher.hash_one(key) % count).expect("it is below a `usize`")
    }
}
