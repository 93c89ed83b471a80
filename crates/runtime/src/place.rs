//! Places for instances: a pool has so many, no app may have too many of them, and those that find no
//! room wait, app by app.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
};

use keyway_call::{Deadline, Failure};
use tokio::{sync::oneshot, time::timeout_at};

use crate::account::{Account, Standing};

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

/// What is free in a pool, and who waits for it.
///
/// An app may have as many places as it leaves free: one alone has half of them, two have a third each,
/// and so on. So however many apps are flooded with requests, there is room for one more, and what an app
/// waits for is mostly its own requests. Those that wait get the places that become free, app by app.
#[derive(Debug)]
pub(crate) struct Places {
    /// Memories, tables and instances, packed into one so that they are taken together.
    free: AtomicU64,
    waiting: AtomicUsize,
    line: Mutex<VecDeque<InLine>>,
}

/// An app of which somebody waits.
#[derive(Debug)]
struct InLine {
    account: Arc<Account>,
    waiting: VecDeque<(u64, oneshot::Sender<Place>)>,
}

/// What an instance takes of a pool, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    of: &'static Places,
    account: Arc<Account>,
    taken: u64,
}

impl Places {
    /// All of these are free. They stay as long as the process, as does a
    /// [budget](crate::memory::Budget), and for the same reason.
    pub(crate) fn of(slots: Slots) -> &'static Self {
        Box::leak(Box::new(Self {
            free: AtomicU64::new(pack(slots)),
            waiting: AtomicUsize::new(0),
            line: Mutex::default(),
        }))
    }

    /// Waits for room for one instance, of which an empty pool can hold at least one, as long as `time`
    /// allows.
    ///
    /// # Errors
    /// If none becomes free by then.
    pub(crate) async fn take(
        &'static self,
        one: Slots,
        account: &Arc<Account>,
        time: Deadline,
    ) -> Result<Place, Failure> {
        let taken = pack(one);
        if let Some(place) = self.try_take(taken, account) {
            return Ok(place);
        }
        let _waiting = Waiting::join(&self.waiting);
        let place = {
            let mut line = self.lock();
            // Looked at again after it was announced: what was freed in between was given to nobody.
            if let Some(place) = self.try_take(taken, account) {
                return Ok(place);
            }
            let (sender, place) = oneshot::channel();
            let known = line.iter_mut().find(|app| Arc::ptr_eq(&app.account, account));
            match known {
                Some(app) => app.waiting.push_back((taken, sender)),
                None => line.push_back(InLine {
                    account: Arc::clone(account),
                    waiting: VecDeque::from([(taken, sender)]),
                }),
            }
            place
        };
        let place = timeout_at(time.at(), place).await;
        // The other end is kept by the pool, which stays.
        place.ok().and_then(Result::ok).ok_or(Failure::NoPlace(time.time()))
    }

    /// Room for one instance, if there is some.
    pub(crate) fn take_at_once(&'static self, one: Slots, account: &Arc<Account>) -> Option<Place> {
        self.try_take(pack(one), account)
    }

    fn try_take(&'static self, taken: u64, account: &Arc<Account>) -> Option<Place> {
        let of_app = &account.standing().slots;
        let before = of_app.fetch_add(taken, SeqCst);
        let rest = |free: u64| {
            let fits = |shift: u32| {
                let (free, taken) = (field(free, shift), field(taken, shift));
                // The first of an app has a place wherever there is one.
                let is_fair = before == 0 || field(before, shift) + 2 * taken <= free;
                free >= taken && (is_fair || taken == 0)
            };
            (0..3).all(fits).then(|| free - taken)
        };
        if self.free.fetch_update(SeqCst, SeqCst, rest).is_err() {
            of_app.fetch_sub(taken, SeqCst);
            return None;
        }
        Some(Place { of: self, account: Arc::clone(account), taken })
    }

    /// Gives what is free to those that wait, one of each app in turn.
    fn hand_out(&'static self) {
        while let Some((place, sender)) = self.next() {
            // One that has just gone drops it, which gives it to the next.
            let _ = sender.send(place);
        }
    }

    fn next(&'static self) -> Option<(Place, oneshot::Sender<Place>)> {
        let mut line = self.lock();
        for _ in 0..line.len() {
            let mut app = line.pop_front()?;
            while app.waiting.front().is_some_and(|(_, sender)| sender.is_closed()) {
                app.waiting.pop_front();
            }
            let Some(&(taken, _)) = app.waiting.front() else { continue };
            let place = self.try_take(taken, &app.account);
            let next = place.and_then(|place| {
                let (_, sender) = app.waiting.pop_front()?;
                Some((place, sender))
            });
            if !app.waiting.is_empty() {
                line.push_back(app);
            }
            if next.is_some() {
                return next;
            }
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<InLine>> {
        // Nothing that it guards is left half done.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// What the app has that has it.
    pub(crate) fn standing(&self) -> &Standing {
        self.account.standing()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.standing().slots.fetch_sub(self.taken, SeqCst);
        self.of.free.fetch_add(self.taken, SeqCst);
        if self.of.waiting.load(SeqCst) > 0 {
            self.of.hand_out();
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
    use std::time::Duration;

    use futures::FutureExt;

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

    fn one() -> Slots {
        Slots { memories: 1, tables: 1, instances: 1 }
    }

    fn pool(instances: u64) -> &'static Places {
        Places::of(one().times(instances))
    }

    fn apps<const N: usize>() -> [Arc<Account>; N] {
        std::array::from_fn(|_| Arc::new(Account::of_many()))
    }

    /// What an app gets at once.
    fn takes_all(pool: &'static Places, app: &Arc<Account>) -> Vec<Place> {
        std::iter::from_fn(|| pool.try_take(pack(one()), app)).collect()
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(1))
    }

    #[test]
    fn an_app_leaves_as_much_as_it_has() {
        let pool = pool(12);
        let [first, second, third, fourth] = apps();
        let of_first = takes_all(pool, &first);
        assert_eq!(of_first.len(), 6);
        let of_second = takes_all(pool, &second);
        let of_third = takes_all(pool, &third);
        assert_eq!((of_second.len(), of_third.len()), (3, 1));
        assert!(pool.try_take(pack(one()), &fourth).is_some(), "there is room for one more");
        drop((of_first, of_second, of_third));
        assert_eq!(pool.free.load(SeqCst), pack(one().times(12)));
        assert_eq!(first.standing().slots.load(SeqCst), 0);
        let large = pack(one().times(12));
        assert!(pool.try_take(large, &first).is_some(), "the first has room wherever there is any");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_finds_no_room_in_its_time_is_refused() {
        let (pool, [app]) = (pool(2), apps());
        let _held = takes_all(pool, &app);
        let refused = pool.take(one(), &app, soon()).await;
        assert_eq!(refused.err(), Some(Failure::NoPlace(Duration::from_secs(1))));
        assert_eq!(pool.waiting.load(SeqCst), 0);
    }

    #[tokio::test]
    async fn each_place_that_becomes_free_goes_to_one_that_waits_app_by_app() {
        let (pool, [many, few]) = (pool(2), apps());
        let mut held = takes_all(pool, &many);
        held.extend(takes_all(pool, &few));
        assert_eq!(held.len(), 2);
        let wait = |app| {
            let mut place = Box::pin(pool.take(one(), app, soon()));
            assert!((&mut place).now_or_never().is_none());
            place
        };
        let mut first = wait(&many);
        let gone = wait(&many);
        let mut second = wait(&many);
        let mut other = wait(&few);
        drop(gone);
        drop(held);
        // Both are free, and an app has one at a time.
        let Some(Ok(of_many)) = (&mut first).now_or_never() else { panic!("it was first") };
        let Some(Ok(of_few)) = (&mut other).now_or_never() else { panic!("its app was next") };
        assert!((&mut second).now_or_never().is_none());
        drop(of_many);
        assert!(second.await.is_ok());
        drop(of_few);
        assert_eq!(pool.free.load(SeqCst), pack(one().times(2)));
    }
}
