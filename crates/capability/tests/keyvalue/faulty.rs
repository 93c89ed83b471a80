//! A store that fails on demand, and sometimes yields to other tasks.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use keyway_capability::{
    Origin,
    keyvalue::{Changes, Error, Page, Store, Swap, memory::Memory},
};
use tokio::sync::Notify;

/// An operation of a store, by its name.
pub(crate) type Operation = &'static str;

/// What goes wrong, once.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) operation: Operation,
    /// How many of these operations go well before.
    pub(crate) after: u32,
    /// Whether it is done nevertheless.
    pub(crate) is_done: bool,
    pub(crate) error: Error,
}

/// A store in memory that fails on demand.
#[derive(Debug, Default)]
pub(crate) struct Faulty {
    pub(crate) inner: Memory,
    /// Whether it never answers a watcher.
    is_mute: bool,
    fault: Mutex<Option<Fault>>,
    /// An operation that does not end, once.
    stuck: Mutex<Option<Operation>>,
    reached: Notify,
    steps: AtomicU32,
}

impl Faulty {
    pub(crate) fn new(fault: Option<Fault>) -> Arc<Self> {
        Arc::new(Self { fault: Mutex::new(fault), ..Self::default() })
    }

    /// One that never answers a watcher.
    pub(crate) fn mute() -> Arc<Self> {
        Arc::new(Self { is_mute: true, ..Self::default() })
    }

    /// One in which the first call of an operation does not end.
    pub(crate) fn stuck(operation: Operation) -> Arc<Self> {
        Arc::new(Self { stuck: Mutex::new(Some(operation)), ..Self::default() })
    }

    /// Waits for the call that does not end.
    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Whether the fault is still to come.
    pub(crate) fn is_armed(&self) -> bool {
        self.fault.lock().unwrap().is_some()
    }

    /// The fault of this call, if it has one.
    fn next(&self, operation: Operation) -> Option<Fault> {
        let mut fault = self.fault.lock().unwrap();
        let armed = fault.as_mut().filter(|fault| fault.operation == operation)?;
        if armed.after == 0 {
            return fault.take();
        }
        armed.after -= 1;
        None
    }

    async fn call<T>(
        &self,
        operation: Operation,
        done: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        self.give_way().await;
        if self.stuck.lock().unwrap().take_if(|stuck| *stuck == operation).is_some() {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
        match self.next(operation) {
            Some(fault) if fault.is_done => done.await.and(Err(fault.error)),
            Some(fault) => Err(fault.error),
            None => {
                let outcome = done.await;
                self.give_way().await;
                outcome
            }
        }
    }

    async fn give_way(&self) {
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        for _ in 0..(step.wrapping_mul(2_654_435_761) >> 30) {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Store for Faulty {
    fn origin(&self) -> Origin {
        Origin::new("the faulty store")
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        self.call("get", self.inner.get(key)).await
    }

    async fn set(&self, key: &str, value: Bytes) -> Result<(), Error> {
        self.call("set", self.inner.set(key, value)).await
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        self.call("delete", self.inner.delete(key)).await
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        self.call("exists", self.inner.exists(key)).await
    }

    async fn list_keys(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        self.call("list_keys", self.inner.list_keys(prefix, cursor, limit)).await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        self.call("increment", self.inner.increment(key, delta)).await
    }

    async fn swap(&self, key: &str, expected: Option<&Bytes>, value: Bytes) -> Result<Swap, Error> {
        self.call("swap", self.inner.swap(key, expected, value)).await
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, Error> {
        self.call("get_many", self.inner.get_many(keys)).await
    }

    async fn set_many(&self, entries: &[(String, Bytes)]) -> Result<(), Error> {
        self.call("set_many", self.inner.set_many(entries)).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), Error> {
        self.call("delete_many", self.inner.delete_many(keys)).await
    }

    async fn watch(&self, prefix: &str) -> Result<Changes, Error> {
        if self.is_mute {
            std::future::pending::<()>().await;
        }
        self.call("watch", self.inner.watch(prefix)).await
    }
}
