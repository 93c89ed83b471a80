//! Servers that are killed while they are used, and come back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use keyway_capability::{
    Outage,
    keyvalue::{Backend, Error, Store, nats, open, postgres, redis},
};
use keyway_testing::server::{Nats, Postgres, Redis};
use tokio::{sync::Notify, task::JoinSet, time::timeout};

use crate::block_on;

/// The stores' time-out in these tests.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Longer than a call may take, and than any pause between attempts to reach a server.
const PATIENCE: Duration = Duration::from_secs(30);

const CALLERS: usize = 8;

/// Callers that never stop asking.
struct Callers {
    is_over: AtomicBool,
    /// How many calls were answered well, and how many with an error.
    done: AtomicU64,
    failed: AtomicU64,
    changed: Notify,
}

impl Callers {
    async fn call(self: Arc<Self>, store: Arc<dyn Store>) -> i64 {
        let mut done = 0;
        while !self.is_over.load(Ordering::Relaxed) {
            let call = timeout(PATIENCE, store.increment("counter", 1));
            match call.await.expect("a call ends by its time-out") {
                Ok(_) => {
                    done += 1;
                    self.done.fetch_add(1, Ordering::Relaxed);
                }
                Err(
                    Error::Outage(Outage::TimedOut { .. })
                    | Error::Outage(Outage::Unreachable { .. }),
                ) => {
                    self.failed.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("{error}"),
            }
            self.changed.notify_one();
        }
        done
    }

    /// Waits until `counter` has grown.
    async fn wait_for(&self, counter: &AtomicU64) {
        let wanted = counter.load(Ordering::Relaxed) + 20;
        let growing = async {
            while counter.load(Ordering::Relaxed) < wanted {
                self.changed.notified().await;
            }
        };
        timeout(PATIENCE, growing).await.expect("calls go on");
    }
}

/// Kills a server (-9) and starts it again, twice, while callers go on.
async fn survive<S>(server: &mut S, kill: fn(&mut S), restart: fn(&mut S), store: Arc<dyn Store>) {
    let callers = Arc::new(Callers {
        is_over: AtomicBool::new(false),
        done: AtomicU64::new(0),
        failed: AtomicU64::new(0),
        changed: Notify::new(),
    });
    let mut tasks = JoinSet::new();
    for _ in 0..CALLERS {
        tasks.spawn(Arc::clone(&callers).call(Arc::clone(&store)));
    }
    callers.wait_for(&callers.done).await;
    for _ in 0..2 {
        kill(server);
        callers.wait_for(&callers.failed).await;
        tokio::task::block_in_place(|| restart(server));
        callers.wait_for(&callers.done).await;
    }
    callers.is_over.store(true, Ordering::Relaxed);
    let done: i64 = tasks.join_all().await.into_iter().sum();
    let failed = i64::try_from(callers.failed.load(Ordering::Relaxed)).unwrap();
    // A connection unused since then pauses again before it is tried.
    let reading = async {
        loop {
            match store.increment("counter", 0).await {
                Ok(count) => break count,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let count = timeout(PATIENCE, reading).await.expect("the server answers");
    // One that failed may have been done nevertheless.
    assert!((done..=done + failed).contains(&count), "{count}: {done} done, {failed} failed");
}

#[test]
fn redis_is_killed_and_comes_back() {
    let mut server = Redis::start();
    let options = redis::Options { timeout: TIMEOUT, ..redis::Options::new(server.url()) };
    let store = open(&Backend::Redis(options)).unwrap();
    block_on(survive(&mut server, Redis::kill, Redis::restart, store));
}

#[test]
fn postgres_is_killed_and_comes_back() {
    let mut server = Postgres::start();
    let options = postgres::Options { timeout: TIMEOUT, ..postgres::Options::new(server.url()) };
    let store = open(&Backend::Postgres(options)).unwrap();
    block_on(survive(&mut server, Postgres::kill, Postgres::restart, store));
}

#[test]
fn nats_is_killed_and_comes_back() {
    let mut server = Nats::start();
    let options = nats::Options { timeout: TIMEOUT, ..nats::Options::new(server.url()) };
    let store = open(&Backend::Nats(options)).unwrap();
    block_on(survive(&mut server, Nats::kill, Nats::restart, store));
}
