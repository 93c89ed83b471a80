//! Computing time: how much of it an instance has used, and whose turn it is to use more on a
//! thread.
//!
//! The epoch advances while an instance waits, so it shows only that time has passed. The computing
//! time of an instance is the time inside its polls. Its clock costs a few nanoseconds and ticks
//! every few milliseconds, within which most polls begin and end: it is coarse for one poll, and
//! right on average for many.

use std::{cell::Cell, sync::Arc, task::Poll, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::yield_now,
};

use crate::usage::Usage;

thread_local! {
    /// The poll in progress on this thread.
    static SPELL: Cell<Option<Spell>> = const { Cell::new(None) };
    /// What the instance that is polled holds if it has a turn to compute on.
    static TURN: Cell<Option<OwnedSemaphorePermit>> = const { Cell::new(None) };
    /// One turn for all instances of this thread that compute for long.
    static TURNS: Arc<Semaphore> = Arc::new(Semaphore::new(1));
}

/// The time since a moment that stays the same.
type Clock = fn() -> Duration;

/// A poll of an instance.
#[derive(Debug, Clone, Copy)]
struct Spell {
    /// What the instance had used before.
    before: Duration,
    /// When it began, by its clock.
    started: Duration,
    clock: Clock,
}

/// What one instance has used so far.
#[derive(Debug)]
pub(crate) struct Pace {
    used: Duration,
    clock: Clock,
}

impl Default for Pace {
    fn default() -> Self {
        Self { used: Duration::ZERO, clock: now }
    }
}

/// How long the instance that is polled in this thread has computed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Computed {
    /// In all.
    pub(crate) used: Duration,
    /// Since another instance had a turn.
    pub(crate) at_once: Duration,
}

impl Pace {
    /// Polls the instance, and measures it for itself and in `usage`.
    pub(crate) fn measure<T>(&mut self, usage: &Usage, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
        let clock = self.clock;
        let started = clock();
        SPELL.set(Some(Spell { before: self.used, started, clock }));
        let polled = poll();
        SPELL.set(None);
        // Whatever it waits for, other instances may compute in the meantime.
        drop(TURN.take());
        let computed = clock().saturating_sub(started);
        self.used += computed;
        usage.add_computed(computed);
        polled
    }
}

/// What the instance has computed that is polled in this thread; nothing if none is measured.
pub(crate) fn computed() -> Option<Computed> {
    let Spell { before, started, clock } = SPELL.get()?;
    let at_once = clock().saturating_sub(started);
    Some(Computed { used: before + at_once, at_once })
}

/// By the clock of the system.
fn now() -> Duration {
    let now = clock_gettime(ClockId::MonotonicCoarse);
    Duration::try_from(now).unwrap_or_default()
}

/// Lets everything else on this thread run, and waits until no other long-computing instance has
/// the turn. So at most one of them runs between two turns of the rest, however many there are.
pub(crate) async fn turn() {
    // Kept until the thread has looked for input and output too: it does that when nothing is
    // ready to run, or seldom.
    let kept = TURN.take();
    yield_now().await;
    drop(kept);
    let turns = TURNS.with(Arc::clone);
    // It is never closed.
    TURN.set(turns.acquire_owned().await.ok());
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::pin, task::Context};

    use super::*;

    thread_local! {
        /// What the tests' clock shows.
        static SHOWN: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    fn pass(time: Duration) {
        SHOWN.set(SHOWN.get() + time);
    }

    #[test]
    fn what_passes_between_polls_is_not_used() {
        let (short, long) = (Duration::from_millis(1), Duration::from_secs(1));
        let usage = Usage::default();
        let mut pace = Pace { clock: || SHOWN.get(), ..Pace::default() };
        for before in 0..3 {
            let polled = pace.measure(&usage, || {
                pass(short);
                let computed = computed().expect("it is measured");
                assert_eq!((computed.used, computed.at_once), (short * (before + 1), short));
                Poll::<()>::Pending
            });
            assert!(polled.is_pending());
            pass(long);
        }
        assert!(computed().is_none());
        assert_eq!((pace.used, usage.computed()), (short * 3, short * 3));
    }

    #[tokio::test]
    async fn one_instance_of_a_thread_has_the_turn() {
        let mut context = Context::from_waker(std::task::Waker::noop());
        let usage = Usage::default();
        let mut paces = [Pace::default(), Pace::default()];
        let (mut first, mut second) = (pin!(turn()), pin!(turn()));
        for _ in 0..2 {
            let [of_first, _] = &mut paces;
            // Its poll ends before the other's begins, and it keeps no turn while it waits.
            let _ = of_first.measure(&usage, || first.as_mut().poll(&mut context).map(|()| ()));
        }
        let [_, of_second] = &mut paces;
        let polled = of_second.measure(&usage, || {
            let _ = second.as_mut().poll(&mut context);
            second.as_mut().poll(&mut context)
        });
        assert!(polled.is_ready(), "the first has let go");
        let held = TURNS.with(Arc::clone).try_acquire_owned().expect("nobody has it");
        let mut third = pin!(turn());
        assert!(third.as_mut().poll(&mut context).is_pending());
        assert!(third.as_mut().poll(&mut context).is_pending(), "another has it");
        drop(held);
        assert!(third.as_mut().poll(&mut context).is_ready());
    }
}
