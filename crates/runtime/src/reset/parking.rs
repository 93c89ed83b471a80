//! Where instances wait that are as new: those of a unit by threads, and how many of all units may.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    thread::available_parallelism,
    time::{Duration, Instant},
};

use super::{Spare, Spares};
use crate::memory;

/// An instance that waited so long is not needed: more of its unit were busy at once then than since.
const LONG: Duration = Duration::from_secs(10);

/// A unit that nobody called for so long makes room for others.
const QUIET: Duration = Duration::from_secs(1);

/// Units that are looked at when room is needed.
const STEPS: usize = 8;

/// What the instances of all units of an engine take that wait, and their images.
#[derive(Debug)]
pub(crate) struct Parking {
    at_most_memories: u64,
    at_most_bytes: u64,
    memories: AtomicU64,
    bytes: AtomicU64,
    units: Mutex<Units>,
}

/// The part that one of them takes, given back when dropped.
#[derive(Debug)]
pub(super) struct Berth {
    of: &'static Parking,
    memories: u64,
    bytes: u64,
}

impl Drop for Berth {
    fn drop(&mut self) {
        self.of.memories.fetch_sub(self.memories, Relaxed);
        self.of.bytes.fetch_sub(self.bytes, Relaxed);
    }
}

/// All units, of which the next to be looked at is at the hand.
#[derive(Debug, Default)]
struct Units {
    all: Vec<Weak<Spares>>,
    hand: usize,
}

impl Parking {
    /// For so many memories of the pool at most. What is written in them may be an eighth of what there is.
    pub(crate) fn new(at_most_memories: u64) -> Self {
        Self {
            at_most_memories,
            at_most_bytes: memory::total_bytes() / 8,
            memories: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            units: Mutex::default(),
        }
    }

    pub(super) fn join(&self, unit: &Arc<Spares>) {
        let mut units = self.units();
        // Those that are gone are forgotten when their number may have doubled.
        if units.all.len() == units.all.capacity() {
            units.all.retain(|unit| unit.strong_count() > 0);
        }
        units.all.push(Arc::downgrade(unit));
    }

    fn berth(&'static self, memories: u64, bytes: u64) -> Option<Berth> {
        let all = self.memories.fetch_add(memories, Relaxed) + memories;
        let all_bytes = self.bytes.fetch_add(bytes, Relaxed) + bytes;
        let berth = Berth { of: self, memories, bytes };
        (all <= self.at_most_memories && all_bytes <= self.at_most_bytes).then_some(berth)
    }

    /// Has units give up what they do not use.
    fn make_room(&self, now: Instant) {
        let quiet: Vec<_> = {
            let mut units = self.units();
            let steps = STEPS.min(units.all.len());
            let next = (0..steps).filter_map(|_| {
                let hand = units.hand % units.all.len();
                units.hand = hand + 1;
                units.all[hand].upgrade()
            });
            next.filter(|unit| unit.shelves.is_quiet(now)).collect()
        };
        for unit in quiet {
            unit.clear();
        }
    }

    fn units(&self) -> MutexGuard<'_, Units> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The instances of a unit that wait: for each thread those that it put there, the last one last.
#[derive(Debug)]
pub(super) struct Shelves {
    of_threads: Box<[Shelf]>,
    parking: &'static Parking,
    /// Of one instance.
    memories: u64,
}

/// What one thread uses most of the time, apart from what others do.
#[derive(Default)]
#[repr(align(64))]
struct Shelf(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    spares: Vec<Spare>,
    /// When one was put there last.
    last: Option<Instant>,
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} instances", self.lock().spares.len())
    }
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    pub(super) fn new(parking: &'static Parking, memories: u64) -> Self {
        let threads = available_parallelism().map_or(1, usize::from);
        Self { of_threads: (0..threads).map(|_| Shelf::default()).collect(), parking, memories }
    }

    /// Room for an instance that has written to so many bytes, which quiet units make if there is none.
    pub(super) fn berth(&self, bytes: u64) -> Option<Berth> {
        self.parking.berth(self.memories, bytes).or_else(|| {
            self.parking.make_room(Instant::now());
            self.parking.berth(self.memories, bytes)
        })
    }

    /// The one that this thread put there last, or another thread did.
    pub(super) fn take(&self) -> Option<Spare> {
        let own = own(self.of_threads.len());
        let (before, after) = self.of_threads.split_at(own);
        after.iter().chain(before).find_map(|shelf| shelf.lock().spares.pop())
    }

    pub(super) fn put(&self, spare: Spare) {
        let now = spare.since;
        let old = {
            let Waiting { spares, last } = &mut *self.of_threads[own(self.of_threads.len())].lock();
            *last = Some(now);
            spares.push(spare);
            let is_old = |first: &Spare| now.saturating_duration_since(first.since) > LONG;
            spares.first().is_some_and(is_old).then(|| spares.remove(0))
        };
        // Its end takes time, in which nobody has to wait.
        drop(old);
    }

    pub(super) fn clear(&self) {
        for shelf in &self.of_threads {
            let spares = std::mem::take(&mut shelf.lock().spares);
            drop(spares);
        }
    }

    /// Whether none was put there lately.
    fn is_quiet(&self, now: Instant) -> bool {
        let last = self.of_threads.iter().filter_map(|shelf| shelf.lock().last).max();
        last.is_none_or(|last| now.saturating_duration_since(last) > QUIET)
    }
}

/// The shelf of this thread, of so many.
fn own(threads: usize) -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Relaxed);
    }
    NUMBER.with(|number| number % threads.max(1))
}
