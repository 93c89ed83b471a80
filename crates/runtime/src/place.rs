//! Places for instances: a pool has so many, and whoever finds it full waits.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};

use tokio::sync::Notify;

/// Bits of each number that [`pack`] packs.
const BITS: u32 = 21;

/// What instances take of a pool, or what a pool has for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Slots {
    pub(crate) memories: u64,
    pub(crate) tables: u64,
    pub(crate) instances: u64,
}

impl Slots {
    pub(crate) fn times(self, count: u64) -> Self {
        let Self { memories, tables, instances } = self;
        Self { memories: memories * count, tables: tables * count, instances: instances * count }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            memories: self.memories + other.memories,
            tables: self.tables + other.tables,
            instances: self.instances + other.instances,
        }
    }

    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            memories: self.memories.max(other.memories),
            tables: self.tables.max(other.tables),
            instances: self.instances.max(other.instances),
        }
    }

    /// How many instances that take `one` fit beside each other.
    pub(crate) fn hold(self, one: Self) -> u64 {
        let fit = |all: u64, one: u64| all.checked_div(one).unwrap_or(u64::MAX);
        let by_memory = fit(self.memories, one.memories).min(fit(self.tables, one.tables));
        by_memory.min(fit(self.instances, one.instances))
    }
}

/// What is free in a pool.
#[derive(Debug)]
pub(crate) struct Places {
    /// Memories, tables and instances, packed into one so that they are taken together.
    free: AtomicU64,
    waiting: AtomicUsize,
    freed: Notify,
}

/// What an instance takes of a pool, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    of: &'static Places,
    taken: u64,
}

impl Places {
    /// All of these are free. They stay as long as the process, as does a
    /// [budget](crate::memory::Budget), and for the same reason.
    pub(crate) fn of(slots: Slots) -> &'static Self {
        Box::leak(Box::new(Self {
            free: AtomicU64::new(pack(slots)),
            waiting: AtomicUsize::new(0),
            freed: Notify::new(),
        }))
    }

    /// Waits for room for one instance, of which an empty pool can hold at least one.
    pub(crate) async fn take(&'static self, one: Slots) -> Place {
        let taken = pack(one);
        if let Some(place) = self.try_take(taken) {
            return place;
        }
        let _waiting = Waiting::join(&self.waiting);
        loop {
            // Before it is looked at again, so that nothing is freed unseen in between.
            let freed = self.freed.notified();
            if let Some(place) = self.try_take(taken) {
                return place;
            }
            freed.await;
        }
    }

    /// Room for one instance, if there is some.
    pub(crate) fn take_at_once(&'static self, one: Slots) -> Option<Place> {
        self.try_take(pack(one))
    }

    fn try_take(&'static self, taken: u64) -> Option<Place> {
        let rest = |free: u64| {
            let fits = |shift: u32| field(free, shift) >= field(taken, shift);
            (0..3).all(fits).then(|| free - taken)
        };
        self.free.fetch_update(SeqCst, SeqCst, rest).ok()?;
        Some(Place { of: self, taken })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.of.free.fetch_add(self.taken, SeqCst);
        if self.of.waiting.load(SeqCst) > 0 {
            self.of.freed.notify_waiters();
        }
    }
}

/// One that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, SeqCst);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// The three numbers in one. No pool has as many slots as do not fit: the address space would not.
fn pack(Slots { memories, tables, instances }: Slots) -> u64 {
    let field = |number: u64, index: u32| number.min((1 << BITS) - 1) << (index * BITS);
    field(memories, 0) | field(tables, 1) | field(instances, 2)
}

fn field(packed: u64, index: u32) -> u64 {
    (packed >> (index * BITS)) & ((1 << BITS) - 1)
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::pin, task::Context};

    use super::*;

    #[test]
    fn a_pool_holds_as_many_instances_as_its_scarcest_slots() {
        let one = Slots { memories: 20, tables: 2, instances: 1 };
        assert_eq!(one.times(501), Slots { memories: 10_020, tables: 1002, instances: 501 });
        let all = one.times(501).plus(Slots { memories: 1, tables: 0, instances: 1 });
        assert_eq!(all.hold(one), 501);
        assert_eq!(all.hold(Slots { memories: 0, tables: 0, instances: 1 }), 502);
        assert_eq!(all.hold(Slots { tables: 1, ..Slots::default() }), 1002);
    }

    #[test]
    fn one_that_finds_no_room_waits_until_some_is_given_back() {
        let places = Places::of(Slots { memories: 3, tables: 9, instances: 9 });
        let two = Slots { memories: 2, tables: 1, instances: 1 };
        let mut context = Context::from_waker(std::task::Waker::noop());
        let take = |slots| Box::pin(places.take(slots));
        let first = pin!(take(two)).as_mut().poll(&mut context);
        let mut second = take(two);
        assert!(first.is_ready());
        assert!(second.as_mut().poll(&mut context).is_pending(), "one memory is left");
        let small = Slots { memories: 1, ..two };
        assert!(take(small).as_mut().poll(&mut context).is_ready(), "that is enough for others");
        drop(first);
        assert!(second.as_mut().poll(&mut context).is_ready());
        drop(second);
        assert_eq!(places.free.load(SeqCst), pack(Slots { memories: 3, tables: 9, instances: 9 }));
    }
}
