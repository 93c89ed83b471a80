//! Clients that never stop asking.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
};

use crate::{Answer, Keyway, wait::PATIENCE};

/// Requests without a pause, until it is stopped.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

/// What clients and the test share.
#[derive(Debug, Default)]
struct Shared {
    is_over: AtomicBool,
    answers: Mutex<Answers>,
    changed: Condvar,
}

/// The answers that have come.
#[derive(Debug, Default)]
pub struct Answers {
    /// How many were good.
    pub good: usize,
    /// How many were since the last that was not.
    in_a_row: usize,
    /// The [texts](Answer::text) of those that were not.
    pub bad: Vec<String>,
}

impl Load {
    /// Has so many clients send GETs for `path`, each the next when it has the answer to the last.
    /// `is_good` judges the answers.
    pub fn start(
        keyway: &Keyway,
        clients: usize,
        path: &str,
        is_good: impl Fn(&Answer) -> bool + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let is_good = Arc::new(is_good);
        let client = |_| {
            let (shared, is_good) = (Arc::clone(&shared), Arc::clone(&is_good));
            let (address, path) = (keyway.address(), path.to_owned());
            thread::spawn(move || {
                while !shared.is_over.load(Relaxed) {
                    let answer = crate::get(address, &path);
                    let is_good = is_good(&answer);
                    let mut answers = shared.answers.lock().expect("nothing panics");
                    if is_good {
                        answers.good += 1;
                        answers.in_a_row += 1;
                    } else {
                        answers.in_a_row = 0;
                        answers.bad.push(answer.text());
                    }
                    shared.changed.notify_all();
                }
            })
        };
        Self { clients: (0..clients).map(client).collect(), shared }
    }

    /// Waits until `count` more answers are good, with none between them that is not.
    ///
    /// # Panics
    /// If they do not come in a long time.
    #[track_caller]
    pub fn wait_for_good(&self, count: usize) {
        let before = self.answers().good;
        self.wait_for(|answers| answers.good >= before + count && answers.in_a_row >= count);
    }

    /// Waits until `count` more answers are not good.
    ///
    /// # Panics
    /// If they do not come in a long time.
    #[track_caller]
    pub fn wait_for_bad(&self, count: usize) {
        let before = self.answers().bad.len();
        self.wait_for(|answers| answers.bad.len() >= before + count);
    }

    #[track_caller]
    fn wait_for(&self, have_come: impl Fn(&Answers) -> bool) {
        let changed = &self.shared.changed;
        let waited = changed.wait_timeout_while(self.answers(), PATIENCE, |all| !have_come(all));
        let (answers, waited) = waited.expect("nothing panics");
        let (good, last) = (answers.good, answers.bad.last().cloned());
        // Its clients must not find the lock poisoned.
        drop(answers);
        assert!(!waited.timed_out(), "{good} good answers came, and the last other was {last:?}");
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.shared.answers.lock().expect("nothing panics")
    }

    /// Stops, and returns all answers.
    ///
    /// # Panics
    /// If a client got none.
    pub fn stop(self) -> Answers {
        self.shared.is_over.store(true, Relaxed);
        for client in self.clients {
            client.join().expect("a client ends well");
        }
        std::mem::take(&mut *self.shared.answers.lock().expect("nothing panics"))
    }
}
