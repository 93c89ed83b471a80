//! Computing time: how much of it an instance has used, and whose turn it is to use more on a
//! thread.
//!
//! The epoch advances while an instance waits, so it shows only that time has passed. The computing
//! time of an instance is the time inside its polls. Its clock costs a few nanoseconds and ticks
//! every few milliseconds, within which most polls begin and end: it is coarse for one poll, and
//! right on average for many.

use std::{cell::Cell, sync::Arc, task::Poll, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use tokio::task::yield_now;

use crate::{
    account::Account,
    turn::{Age, Turn, Turns},
    usage::Usage,
};

thread_local! {
    /// The poll in progress on this thread.
    static SPELL: Cell<Option<Spell>> = const { Cell::new(None) };
    /// What the instance that is polled holds if it has a turn to compute on.
    static TURN: Cell<Option<Turn>> = const { Cell::new(None) };
    /// One turn for all instances of this thread that compute for long.
    static TURNS: Arc<Turns> = Arc::default();
    /// What this thread had computed when a poll was last found to have taken time.
    static COMPUTED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
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
    /// How often it was asked to give way.
    ticks: u32,
}

/// What one instance has used so far.
#[derive(Debug)]
pub(crate) struct Pace {
    used: Duration,
    clock: Clock,
    /// How much of the time of a poll its thread has computed, and not waited for a core.
    of_thread: fn(Duration) -> Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { used: Duration::ZERO, clock: now, of_thread }
    }
}

/// How long the instance that is polled in this thread has computed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Computed {
    /// In all.
    pub(crate) used: Duration,
    /// Since another instance had a turn.
    pub(crate) at_once: Duration,
    /// How often it was asked to give way since then.
    pub(crate) ticks: u32,
    /// Whether it has the turn of its thread.
    pub(crate) has_turn: bool,
}

impl Pace {
    /// Polls the instance, and measures it for itself and in `usage`.
    pub(crate) fn measure<T>(&mut self, usage: &Usage, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
        let clock = self.clock;
        let started = clock();
        SPELL.set(Some(Spell { before: self.used, started, clock, ticks: 0 }));
        let polled = poll();
        SPELL.set(None);
        // Whatever it waits for, other instances may compute in the meantime.
        drop(TURN.take());
        let computed = clock().saturating_sub(started);
        // Most polls begin and end within a tick of the clock.
        if !computed.is_zero() {
            let computed = (self.of_thread)(computed);
            self.used += computed;
            usage.add_computed(computed);
        }
        polled
    }
}

/// Asks the instance to give way that is polled in this thread, and returns what it has computed;
/// nothing if none is measured.
pub(crate) fn tick() -> Option<Computed> {
    let mut spell = SPELL.get()?;
    spell.ticks += 1;
    SPELL.set(Some(spell));
    let Spell { before, started, clock, ticks } = spell;
    let at_once = clock().saturating_sub(started);
    let turn = TURN.take();
    let has_turn = turn.is_some();
    TURN.set(turn);
    Some(Computed { used: before + at_once, at_once, ticks, has_turn })
}

/// By the clock of the system.
fn now() -> Duration {
    let now = clock_gettime(ClockId::MonotonicCoarse);
    Duration::try_from(now).unwrap_or_default()
}

/// The part of the time of a poll that this thread has computed: where there is more to do than cores,
/// the rest of it went to others. The clock of a thread costs a call of the system, so it is read only
/// when the clock of polls has ticked.
fn of_thread(time: Duration) -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let now = Duration::try_from(now).unwrap_or_default();
    time.min(now.saturating_sub(COMPUTED.replace(now)))
}

/// Lets everything else on this thread run, and waits until no other long-computing instance has
/// the turn. So at most one of them runs between two turns of the rest, however many there are, and
/// each app has as many turns as another.
pub(crate) async fn turn(account: Arc<Account>) {
    let Some(Spell { started, clock, .. }) = SPELL.get() else {
        // A call by hand, or a command: it has nobody to take turns with.
        return yield_now().await;
    };
    // Kept until the thread has looked for input and output too: it does that when nothing is
    // ready to run, or seldom.
    let mut kept = TURN.take();
    let used = match &mut kept {
        Some(turn) => {
            turn.stop();
            Duration::ZERO
        }
        None => clock().saturating_sub(started),
    };
    yield_now().await;
    let turns = TURNS.with(Arc::clone);
    TURN.set(turns.take(&account, Age::Old, used, kept).await);
}

/// Waits for the turn before an instance computes at all, where its app waits for it already: an app
/// with many instances that each compute for a short time would otherwise delay other apps as much as if
/// it had no turns to wait for.
pub(crate) async fn begin(account: &Arc<Account>) {
    if !account.is_of_many() || !TURNS.with(|turns| turns.has_in_line(account)) {
        return;
    }
    let turns = TURNS.with(Arc::clone);
    TURN.set(turns.take(account, Age::Young, Duration::ZERO, None).await);
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::{Pin, pin},
        task::Context,
    };

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
        let mut pace = Pace { clock: || SHOWN.get(), of_thread: |time| time, ..Pace::default() };
        for before in 0..3 {
            let polled = pace.measure(&usage, || {
                pass(short);
                let computed = tick().expect("it is measured");
                assert_eq!((computed.used, computed.at_once), (short * (before + 1), short));
                assert_eq!((computed.ticks, computed.has_turn), (1, false));
                Poll::<()>::Pending
            });
            assert!(polled.is_pending());
            pass(long);
        }
        assert!(tick().is_none());
        assert_eq!((pace.used, usage.used().computed), (short * 3, short * 3));
    }

    /// Polls it as an instance, which keeps no turn while it waits.
    fn poll(future: Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        Pace::default().measure(&Usage::default(), || future.poll(&mut context))
    }

    #[tokio::test]
    async fn one_instance_of_a_thread_has_the_turn() {
        let account = Arc::new(Account::of_many());
        let [mut first, mut second] = [(); 2].map(|()| Box::pin(turn(Arc::clone(&account))));
        let turns = TURNS.with(Arc::clone);
        assert!(poll(first.as_mut()).is_pending(), "it yields");
        assert!(poll(first.as_mut()).is_ready(), "nobody has the turn");
        let held = turns.take(&account, Age::Old, Duration::ZERO, None).await;
        assert!(poll(second.as_mut()).is_pending());
        assert!(poll(second.as_mut()).is_pending(), "another has it");
        let mut young = pin!(begin(&account));
        assert!(poll(young.as_mut()).is_pending(), "its app waits already");
        drop(held);
        assert!(poll(second.as_mut()).is_pending(), "that is first");
        assert!(poll(young.as_mut()).is_ready());
        assert!(poll(second.as_mut()).is_ready());
        let other = Arc::new(Account::of_many());
        assert!(poll(pin!(begin(&other))).is_ready(), "nobody of its app waits");
        assert!(!turns.has_in_line(&account));
    }
}
