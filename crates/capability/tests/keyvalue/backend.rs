//! A fresh store of each backend.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use keyway_capability::{
    Rights,
    keyvalue::{Backend, Store, Swapping, nats, open, postgres, redis, restrict, sqlite},
};
use keyway_testing::server::{Nats, Postgres, Redis, Shared};
use tempfile::TempDir;

static REDIS: Shared<Redis> = Shared::new();
static POSTGRES: Shared<Postgres> = Shared::new();
static NATS: Shared<Nats> = Shared::new();

/// A name that no other test uses.
pub(crate) fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("store_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn memory() -> ((), Arc<dyn Store>) {
    ((), open(&Backend::Memory).unwrap())
}

pub(crate) fn sqlite() -> (TempDir, Arc<dyn Store>) {
    let folder = tempfile::tempdir().unwrap();
    let options = sqlite::Options::new(folder.path().join("data/store.db"));
    (folder, open(&Backend::Sqlite(options)).unwrap())
}

pub(crate) fn redis() -> (Arc<Redis>, Arc<dyn Store>) {
    let server = REDIS.get(Redis::start);
    // A prefix full of what a pattern could take for something else.
    let prefix = format!("[{}]*?\\:", fresh_name());
    let options = redis::Options { prefix, ..redis::Options::new(server.url()) };
    (server, open(&Backend::Redis(options)).unwrap())
}

pub(crate) fn postgres() -> (Arc<Postgres>, Arc<dyn Store>) {
    let server = POSTGRES.get(Postgres::start);
    let options = postgres::Options {
        table: fresh_name(),
        connections: 8,
        ..postgres::Options::new(server.url())
    };
    (server, open(&Backend::Postgres(options)).unwrap())
}

pub(crate) fn nats() -> (Arc<Nats>, Arc<dyn Store>) {
    let server = NATS.get(Nats::start);
    let options = nats::Options { bucket: fresh_name(), ..nats::Options::new(server.url()) };
    (server, open(&Backend::Nats(options)).unwrap())
}

pub(crate) fn swapping() -> ((), Arc<dyn Store>) {
    let ((), store) = memory();
    ((), Arc::new(Swapping::new(store)))
}

/// A link that has all rights, as long as it takes no more than a quota.
pub(crate) fn restricted() -> ((), Arc<dyn Store>) {
    let ((), store) = memory();
    ((), restrict(store, Rights { quota_bytes: Some(16 << 20), ..Rights::default() }))
}
