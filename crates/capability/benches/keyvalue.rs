//! What a `get` costs: in memory, through a store that can be swapped and a link's rights, and on
//! Redis beside the plain client.

use std::{hint::black_box, sync::Arc};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use keyway_capability::{
    Rights,
    keyvalue::{Backend, Store, Swapping, memory::Memory, open, redis::Options, restrict},
};
use keyway_testing::server::Redis;
use redis::AsyncCommands;
use tokio::runtime::{Builder, Runtime};

const VALUE: Bytes = Bytes::from_static(&[7; 100]);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn in_memory(criterion: &mut Criterion) {
    let runtime = runtime();
    let plain: Arc<dyn Store> = Arc::new(Memory::new());
    runtime.block_on(plain.set("users/1", VALUE)).expect("memory takes it");
    let swapping: Arc<dyn Store> = Arc::new(Swapping::new(Arc::clone(&plain)));
    let rights = Rights { prefix: "users/".to_owned(), ..Rights::default() };
    let restricted = restrict(Arc::clone(&swapping), rights);
    let mut group = criterion.benchmark_group("get in memory");
    for (name, store) in [("plain", plain), ("swapping", swapping), ("restricted", restricted)] {
        group.bench_function(name, |bencher| {
            bencher.to_async(&runtime).iter(|| store.get(black_box("users/1")));
        });
    }
    group.finish();
}

fn on_redis(criterion: &mut Criterion) {
    let runtime = runtime();
    let server = Redis::start();
    let store = open(&Backend::Redis(Options::new(server.url()))).expect("the address is right");
    runtime.block_on(store.set("users/1", VALUE)).expect("the server takes it");
    let client = redis::Client::open(server.url()).expect("the address is right");
    let connection = runtime.block_on(client.get_multiplexed_async_connection());
    let connection = connection.expect("the server answers");
    let mut group = criterion.benchmark_group("get on Redis");
    group.bench_function("plain client", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let value: Option<Vec<u8>> = connection.clone().get("users/1").await.expect("a value");
            value
        });
    });
    group.bench_function("store", |bencher| {
        bencher.to_async(&runtime).iter(|| store.get(black_box("users/1")));
    });
    group.finish();
}

criterion_group!(benches, in_memory, on_redis);
criterion_main!(benches);
