//! Clients that never stop asking.

use std::{
    sync::{
        Arc, Condvar, Mutex,
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
    came: Mutex<Came>,
    changed: Condvar,
}

/// What has come.
#[derive(Debug, Default)]
struct Came {
    good: usize,
    bad: Vec<String>,
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
                    let mut came = shared.came.lock().expect("nothing panics");
                    if is_good {
                        came.good += 1;
                    } else {
                        came.bad.push(answer.text());
                    }
                    shared.changed.notify_all();
                }
            })
        };
        Self { clients: (0..clients).map(client).collect(), shared }
    }

    /// Waits until `count` more answers are good.
    ///
    /// # Panics
    /// If they do not come in a long time.
    #[track_caller]
    pub fn wait_for_good(&self, count: usize) {
        self.wait_for(count, |came| came.good);
    }

    /// Waits until `count` more answers are not good.
    ///
    /// # Panics
    /// If they do not come in a long time.
    #[track_caller]
    pub fn wait_for_bad(&self, count: usize) {
        self.wait_for(count, |came| came.bad.len());
    }

    #[track_caller]
    fn wait_for(&self, more: usize, count: impl Fn(&Came) -> usize) {
        let came = self.shared.came.lock().expect("nothing panics");
        let wanted = count(&came) + more;
        let changed = &self.shared.changed;
        let waited = changed.wait_timeout_while(came, PATIENCE, |came| count(came) < wanted);
        let (came, _) = waited.expect("nothing panics");
        let last = came.bad.last();
        assert!(count(&came) >= wanted, "{} of {wanted} answers came: {last:?}", count(&came));
    }

    /// Stops, and returns the [texts](Answer::text) of all answers that were not good.
    ///
    /// # Panics
    /// If a client got no answer.
    pub fn stop(self) -> Vec<String> {
        self.shared.is_over.store(true, Relaxed);
        for client in self.clients {
            client.join().expect("a client ends well");
        }
        std::mem::take(&mut self.shared.came.lock().expect("nothing panics").bad)
    }
}
