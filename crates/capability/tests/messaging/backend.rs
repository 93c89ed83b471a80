//! A fresh broker of each backend.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use keyway_capability::messaging::{Backend, Broker, jetstream, nats, open, redis, streams};
use keyway_testing::server::{Nats, Redis, Shared};

static NATS: Shared<Nats> = Shared::new();
static REDIS: Shared<Redis> = Shared::new();

/// A name that no other test uses.
pub(crate) fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("stream-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn memory() -> ((), Arc<dyn Broker>) {
    ((), open(&Backend::Memory).unwrap())
}

/// Tests do not share a server where they would hear each other.
pub(crate) fn nats() -> (Nats, Arc<dyn Broker>) {
    let server = Nats::start();
    let options = nats::Options::new(server.url());
    (server, open(&Backend::Nats(options)).unwrap())
}

pub(crate) fn jetstream() -> (Nats, Arc<dyn Broker>) {
    let server = Nats::start();
    let options = jetstream::Options {
        subjects: vec!["orders.>".parse().unwrap()],
        ..jetstream::Options::new(server.url())
    };
    (server, open(&Backend::JetStream(options)).unwrap())
}

pub(crate) fn redis() -> (Redis, Arc<dyn Broker>) {
    let server = Redis::start();
    let options = redis::Options::new(server.url());
    (server, open(&Backend::Redis(options)).unwrap())
}

pub(crate) fn streams() -> (Arc<Redis>, Arc<dyn Broker>) {
    let server = shared_redis();
    let options = streams::Options { stream: fresh_name(), ..streams::Options::new(server.url()) };
    (server, open(&Backend::Streams(options)).unwrap())
}

/// A server that tests of errors share.
pub(crate) fn shared_nats() -> Arc<Nats> {
    NATS.get(Nats::start)
}

/// A server on which tests of streams have their own.
pub(crate) fn shared_redis() -> Arc<Redis> {
    REDIS.get(Redis::start)
}
