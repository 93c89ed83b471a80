//! The size of a link's keys, counted once and then kept up to date by the link's own writes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::{
    keyvalue::{Error, Store},
    turn::{Turn, Turns},
};

/// How many writes of different keys run side by side, roughly.
const TURNS: usize = 256;

/// How many keys are counted at a time.
const PAGE: usize = 512;

/// How many values are in memory at a time meanwhile.
const PORTION: usize = 64;

/// Before a write is refused the keys are counted again, but not more often than this.
const COUNTED_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// The quota of a link.
#[derive(Debug)]
pub(super) struct Quota {
    store: Arc<dyn Store>,
    prefix: String,
    limit_bytes: u64,
    turns: Turns,
    /// Shared by writes, and held alone while keys are counted.
    counting: RwLock<()>,
    usage: Mutex<Option<Usage>>,
}

/// What the keys take, if it is known.
#[derive(Clone, Copy, Debug)]
struct Usage {
    bytes: u64,
    counted: Instant,
}

/// What a write will take. Dropped before it has ended, it leaves the usage unknown.
pub(super) struct Claim<'a> {
    quota: &'a Quota,
    change: Sizes,
    /// Whether the write changes all that it is to change, or nothing.
    is_one_step: bool,
    is_ended: bool,
    _turns: Vec<Turn<'a>>,
    _writing: RwLockReadGuard<'a, ()>,
}

/// What some keys take before and after a write, in bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Sizes {
    before: u64,
    after: u64,
}

/// Why a claim cannot be made.
enum Refused {
    Uncounted,
    Full(Usage),
}

impl Quota {
    pub(super) fn new(store: Arc<dyn Store>, prefix: &str, limit_bytes: u64) -> Self {
        Self {
            store,
            prefix: prefix.to_owned(),
            limit_bytes,
            turns: Turns::new(TURNS),
            counting: RwLock::default(),
            usage: Mutex::default(),
        }
    }

    /// Claims what `keys` are to take. `length` says how long a key's value will be, by the key's
    /// position and the value that it has; `None` is a key that will have none.
    pub(super) async fn claim(
        &self,
        keys: &[&str],
        length: impl Fn(usize, Option<&Bytes>) -> Result<Option<usize>, Error> + Sync,
    ) -> Result<Claim<'_>, Error> {
        loop {
            let writing = self.counting.read().await;
            let turns = self.turns.take_all(keys.iter().copied()).await;
            let change = self.measure(keys, &length).await?;
            match self.grow(change) {
                Ok(()) => {
                    return Ok(Claim {
                        quota: self,
                        change,
                        is_one_step: keys.len() < 2,
                        is_ended: false,
                        _turns: turns,
                        _writing: writing,
                    });
                }
                Err(Refused::Full(usage)) if usage.is_fresh() => {
                    return Err(Error::OverQuota {
                        at: self.store.origin(),
                        key: keys.first().copied().unwrap_or_default().to_owned(),
                        used_bytes: usage.bytes,
                        limit_bytes: self.limit_bytes,
                        more_bytes: change.after - change.before,
                    });
                }
                Err(_) => {}
            }
            drop((turns, writing));
            self.count().await?;
        }
    }

    /// What `keys` take now, and what they will.
    async fn measure(
        &self,
        keys: &[&str],
        length: impl Fn(usize, Option<&Bytes>) -> Result<Option<usize>, Error>,
    ) -> Result<Sizes, Error> {
        // Of a key given twice, the last value counts.
        let positions: BTreeMap<_, _> =
            keys.iter().enumerate().map(|(position, key)| (*key, position)).collect();
        let names: Vec<_> = positions.keys().map(|key| (*key).to_owned()).collect();
        let values = self.store.get_many(&names).await?;
        let mut sizes = Sizes::default();
        for ((key, position), value) in positions.into_iter().zip(&values) {
            let size = |length: usize| (key.len() + length) as u64;
            sizes.before += value.as_ref().map_or(0, |value| size(value.len()));
            sizes.after += length(position, value.as_ref())?.map_or(0, size);
        }
        Ok(sizes)
    }

    fn grow(&self, change: Sizes) -> Result<(), Refused> {
        let mut usage = self.usage();
        let usage = usage.as_mut().ok_or(Refused::Uncounted)?;
        let bytes = change.apply(usage.bytes);
        // What shrinks is done however much there is.
        if change.after > change.before && bytes > self.limit_bytes {
            return Err(Refused::Full(*usage));
        }
        usage.bytes = bytes;
        Ok(())
    }

    /// Counts what there is, while nothing is written by this link.
    async fn count(&self) -> Result<(), Error> {
        let _alone = self.counting.write().await;
        // Another write that waited may have counted.
        if self.usage().is_some_and(|usage| usage.is_fresh()) {
            return Ok(());
        }
        let mut bytes = 0;
        let mut cursor = None;
        loop {
            let page = self.store.list_keys(&self.prefix, cursor.as_deref(), PAGE).await?;
            for keys in page.keys.chunks(PORTION) {
                let values = self.store.get_many(keys).await?;
                let there = keys.iter().zip(values).filter_map(|(key, value)| Some((key, value?)));
                bytes += there.map(|(key, value)| (key.len() + value.len()) as u64).sum::<u64>();
            }
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        *self.usage() = Some(Usage { bytes, counted: Instant::now() });
        Ok(())
    }

    fn usage(&self) -> MutexGuard<'_, Option<Usage>> {
        // A poisoned number is whole.
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Usage {
    fn is_fresh(&self) -> bool {
        self.counted.elapsed() < COUNTED_AT_MOST_EVERY
    }
}

impl Sizes {
    fn apply(self, bytes: u64) -> u64 {
        bytes.saturating_sub(self.before).saturating_add(self.after)
    }
}

impl Claim<'_> {
    /// Takes note of how the write has ended.
    pub(super) fn end<T>(mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        match &outcome {
            Ok(_) => self.is_ended = true,
            Err(error) if self.is_one_step && !error.is_in_doubt() => {
                let undo = Sizes { before: self.change.after, after: self.change.before };
                if let Some(usage) = self.quota.usage().as_mut() {
                    usage.bytes = undo.apply(usage.bytes);
                }
                self.is_ended = true;
            }
            // What is there then must be counted again.
            Err(_) => {}
        }
        outcome
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if !self.is_ended {
            *self.quota.usage() = None;
        }
    }
}
