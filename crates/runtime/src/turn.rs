//! Whose turn it is to compute on a thread: of all instances there that compute for long, one at a
//! time, and each app as much as another, however many instances it has.
//!
//! This is deficit round-robin (M. Shreedhar and G. Varghese, "Efficient Fair Queuing using Deficit
//! Round Robin", 1995): the app whose round it is has the turn until it has used its credit. Threads
//! share nothing here, and requests that are done within a tick never come here.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::account::Account;

/// What an app may compute before it is the next one's round. Longer rounds would not be fairer, and
/// shorter ones would let an app finish fewer requests at once.
const ROUND: Duration = Duration::from_millis(10);

/// Threads on which an instance has the turn.
static LONG: AtomicUsize = AtomicUsize::new(0);

/// Whether an instance computes for long, on any thread.
pub(crate) fn is_any_long() -> bool {
    LONG.load(Relaxed) > 0
}

/// The turn of one thread, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    line: Mutex<Line>,
    /// Apps in the line, to be looked at without its lock.
    apps: AtomicUsize,
}

#[derive(Debug, Default)]
struct Line {
    is_taken: bool,
    /// The first has its round.
    apps: VecDeque<InLine>,
}

/// An app in the line, or with the turn.
#[derive(Debug)]
struct InLine {
    account: Arc<Account>,
    /// Nanoseconds that it may still compute in this round; less than none where it took more.
    credit: i64,
    /// Instances that have not computed yet. They come first, so that the short requests of an app
    /// do not wait for its long ones.
    young: VecDeque<oneshot::Sender<Turn>>,
    old: VecDeque<oneshot::Sender<Turn>>,
}

/// The turn, given on when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    of: Arc<Turns>,
    account: Arc<Account>,
    /// When it began to be used, until that is charged.
    since: Option<Instant>,
}

/// Whether an instance has computed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    Young,
    Old,
}

impl Turns {
    /// Waits for the turn of an app that has just computed for so long without one.
    pub(crate) async fn take(
        self: &Arc<Self>,
        account: &Arc<Account>,
        age: Age,
        used: Duration,
        before: Option<Turn>,
    ) -> Option<Turn> {
        let (sender, turn) = oneshot::channel();
        {
            let mut line = self.lock();
            line.join(account, age, used, sender);
            self.note(&line);
            if !line.is_taken {
                self.hand_on(line);
            }
        }
        // Given on when its app is in line again: otherwise it would lose its round.
        drop(before);
        // The sender is only dropped with the thread.
        let mut turn = turn.await.ok()?;
        turn.since = Some(Instant::now());
        Some(turn)
    }

    /// Whether an app waits for the turn. Quick where none does.
    pub(crate) fn has_in_line(&self, account: &Arc<Account>) -> bool {
        self.apps.load(Relaxed) > 0 && self.lock().apps.iter().any(|app| app.is(account))
    }

    /// Gives the turn, which nobody has, to the next in line.
    fn hand_on(self: &Arc<Self>, mut line: MutexGuard<'_, Line>) {
        let next = line.next();
        let was_taken = std::mem::replace(&mut line.is_taken, next.is_some());
        match (was_taken, line.is_taken) {
            (false, true) => drop(LONG.fetch_add(1, Relaxed)),
            (true, false) => drop(LONG.fetch_sub(1, Relaxed)),
            _ => {}
        }
        self.note(&line);
        drop(line);
        if let Some((account, sender)) = next {
            // One that has just gone drops it, which gives it on.
            let _ = sender.send(Turn { of: Arc::clone(self), account, since: None });
        }
    }

    fn note(&self, line: &Line) {
        self.apps.store(line.apps.len(), Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        // Nothing that it guards is left half done.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Charges the app for what was computed; nothing that comes after it counts.
    pub(crate) fn stop(&mut self) {
        if let Some(since) = self.since.take() {
            self.of.lock().charge(&self.account, since.elapsed());
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.stop();
        self.of.hand_on(self.of.lock());
    }
}

impl Line {
    fn join(
        &mut self,
        account: &Arc<Account>,
        age: Age,
        used: Duration,
        sender: oneshot::Sender<Turn>,
    ) {
        let index = self.apps.iter().position(|app| app.is(account)).unwrap_or_else(|| {
            self.apps.push_back(InLine {
                account: Arc::clone(account),
                credit: nanoseconds(ROUND),
                young: VecDeque::new(),
                old: VecDeque::new(),
            });
            self.apps.len() - 1
        });
        let app = &mut self.apps[index];
        app.credit -= nanoseconds(used);
        match age {
            Age::Young => app.young.push_back(sender),
            Age::Old => app.old.push_back(sender),
        }
    }

    fn charge(&mut self, account: &Arc<Account>, used: Duration) {
        if let Some(app) = self.apps.iter_mut().find(|app| app.is(account)) {
            app.credit -= nanoseconds(used);
        }
    }

    /// Takes the next instance out of the line. Its app stays, since it may have more to compute: it
    /// leaves the line when its round comes and it has nobody waiting.
    fn next(&mut self) -> Option<(Arc<Account>, oneshot::Sender<Turn>)> {
        loop {
            let app = self.apps.front_mut()?;
            if app.credit <= 0 {
                app.credit += nanoseconds(ROUND);
                self.apps.rotate_left(1);
                continue;
            }
            match app.young.pop_front().or_else(|| app.old.pop_front()) {
                // Its time was up, or its client went.
                Some(sender) if sender.is_closed() => {}
                Some(sender) => return Some((Arc::clone(&app.account), sender)),
                None => drop(self.apps.pop_front()),
            }
        }
    }
}

impl InLine {
    fn is(&self, account: &Arc<Account>) -> bool {
        Arc::ptr_eq(&self.account, account)
    }
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets instances compute without end, a millisecond at a time, and returns what each app got of a
    /// second.
    fn shares(instances: &[usize]) -> Vec<u64> {
        let slice = Duration::from_millis(1);
        let apps: Vec<_> = instances.iter().map(|_| Arc::new(Account::default())).collect();
        let mut line = Line::default();
        let mut waiting = Vec::new();
        let mut join = |line: &mut Line, account: &Arc<Account>| {
            let (sender, receiver) = oneshot::channel();
            line.join(account, Age::Old, Duration::ZERO, sender);
            waiting.push(receiver);
        };
        for (account, count) in apps.iter().zip(instances) {
            (0..*count).for_each(|_| join(&mut line, account));
        }
        let mut shares = vec![0; apps.len()];
        for _ in 0..1_000 {
            let (account, _) = line.next().expect("all compute without end");
            let index = apps.iter().position(|app| Arc::ptr_eq(app, &account));
            shares[index.expect("it is one of them")] += 1;
            line.charge(&account, slice);
            join(&mut line, &account);
        }
        shares
    }

    #[test]
    fn an_app_gets_as_much_as_another_however_many_instances_it_has() {
        assert_eq!(shares(&[200, 1]), [500, 500]);
        assert_eq!(shares(&[1, 200]), [500, 500]);
        let of_three = shares(&[7, 100, 1]);
        assert!(of_three.iter().all(|share| (330..=340).contains(share)), "{of_three:?}");
    }

    #[test]
    fn short_requests_of_an_app_do_not_wait_for_its_long_ones() {
        let account = Arc::new(Account::default());
        let mut line = Line::default();
        let (old, _old) = oneshot::channel();
        let (young, mut of_young) = oneshot::channel();
        line.join(&account, Age::Old, Duration::ZERO, old);
        line.join(&account, Age::Young, Duration::ZERO, young);
        let (_, first) = line.next().expect("two wait");
        drop(first);
        let closed = oneshot::error::TryRecvError::Closed;
        assert_eq!(of_young.try_recv().err(), Some(closed), "it was the first");
    }

    #[tokio::test]
    async fn one_has_the_turn_at_a_time_and_it_is_not_lost() {
        let turns = Arc::new(Turns::default());
        let accounts = [Arc::new(Account::default()), Arc::new(Account::default())];
        let take = |of: usize, before| {
            let (turns, account) = (Arc::clone(&turns), Arc::clone(&accounts[of]));
            async move { turns.take(&account, Age::Old, Duration::ZERO, before).await }
        };
        let first = take(0, None).await.expect("nobody has it");
        let mut gone = Box::pin(take(1, None));
        let mut second = Box::pin(take(1, None));
        assert!(futures::poll!(&mut gone).is_pending() && futures::poll!(&mut second).is_pending());
        assert!(turns.has_in_line(&accounts[1]));
        drop(gone);
        drop(first);
        drop(second.await.expect("it is given on"));
        assert!(!turns.has_in_line(&accounts[1]) && !turns.lock().is_taken);
        drop(take(0, None).await);
    }
}
