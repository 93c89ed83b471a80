//! What a request costs inside a unit: an instance, a whole request, and a call from one fused
//! component to another. Engine, pool and limits are those that `keyway up` uses.
//!
//! `cargo xtask guests && cargo bench --package keyway-runtime`

use std::{
    collections::BTreeMap,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{Request, uri::Scheme};
use http_body_util::{BodyExt, Empty};
use keyway_app::{Limit, grant::Grant};
use keyway_capability::{
    Linked, Rights,
    keyvalue::{self, Store, Swapping, restrict},
};
use keyway_component::{Part, PartLink, fuse};
use keyway_runtime::{
    Cache, Compiler, Engines, Principal, Printer, Purpose, Remedy, Room, Shelf, Unit, UnitSpec,
};
use keyway_testing::guest;
use keyway_word::{Capability, DEFAULT};
use tokio::runtime::{Builder, Runtime};

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Links = BTreeMap<(Capability, String), Linked>;

/// 24 bytes, as short strings go.
const NAME: &str = "a-name-of-24-characters.";

/// The unit of the guest `root` alone, with a store in memory.
fn unit_with_store(root: &str) -> Arc<Unit> {
    let store = keyvalue::open(&keyvalue::Backend::Memory).expect("a store");
    // As the host gives it to a component: swappable, and for some keys only.
    let rights = Rights { prefix: "a".to_owned(), ..Rights::default() };
    let store = restrict(Arc::new(Swapping::new(store)), rights);
    let name = (Capability::Keyvalue, DEFAULT.to_owned());
    unit_of(root, &[], &BTreeMap::from([(name, Linked::new::<Arc<dyn Store>>(store))]))
}

/// The unit of the guest `root`, to which the other guests are linked by `import`.
fn unit(root: &str, links: &[(&str, &str)]) -> Arc<Unit> {
    unit_of(root, links, &BTreeMap::new())
}

fn unit_of(root: &str, links: &[(&str, &str)], backends: &Links) -> Arc<Unit> {
    let names = [root].into_iter().chain(links.iter().map(|(_, to)| *to));
    let files: Vec<_> =
        names.map(|name| (name, fs::read(guest(name)).expect("a guest is built"))).collect();
    let links: Vec<_> = links.iter().map(|&(import, to)| PartLink { import, to }).collect();
    let parts: Vec<_> = files
        .iter()
        .map(|(name, bytes)| Part {
            name,
            bytes,
            links: if *name == root { links.clone() } else { Vec::new() },
        })
        .collect();
    let fused = fuse(root, &parts).expect("the guests fit");

    let folder = tempfile::tempdir().expect("a folder");
    let cache = Cache::open(folder.path().join("cache")).expect("a cache");
    let compiled =
        Compiler::new(cache, Purpose::Requests).expect("an engine").compile(&fused.bytes);
    let compiled = compiled.expect("guests compile");
    // One request of a benchmark may make millions of calls.
    let hour = Duration::from_secs(3600);
    let limit = Limit { time: hour, cpu: hour, ..Limit::default() };
    let pools = Engines::new().make_room(&[Room { compiled: &compiled, limit: &limit }]);
    let pools = pools.expect("engines");
    let principal = |name| Principal {
        name,
        grant: Grant::default(),
        links: backends.clone(),
        streams: None,
        remedy: Remedy::default(),
    };
    let principals = fused.components.into_iter().map(principal);
    let spec = UnitSpec {
        name: root.to_owned(),
        principals: principals.collect(),
        imports: fused.imports,
        limit,
        printer: Printer::default(),
        account: Arc::default(),
    };
    Arc::new(Unit::new(&pools, &Arc::new(Shelf::default()), &compiled, spec).expect("a unit"))
}

/// Sends a request for `path` and takes the whole answer.
async fn ask(unit: &Arc<Unit>, path: &str) -> Bytes {
    let request = Request::get(path).header("host", "bench").body(Empty::<Bytes>::new());
    let request = request.expect("a request");
    let answer = unit.handle(request, Scheme::HTTP).await.expect("an answer");
    answer.into_body().collect().await.expect("a whole answer").to_bytes()
}

/// One thread, as each of those that serve.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn instances(criterion: &mut Criterion) {
    let fused = [("test:greet/greeter", "greeter")];
    for (name, unit) in
        [("one component", unit("hello", &[])), ("two fused", unit("front", &fused))]
    {
        criterion.bench_function(&format!("instantiation, {name}"), |bencher| {
            bencher.to_async(runtime()).iter(|| async {
                unit.instantiate().await.expect("there is room");
            });
        });
        criterion.bench_function(&format!("request, {name}"), |bencher| {
            bencher.to_async(runtime()).iter(|| ask(&unit, "/"));
        });
    }
}

fn calls(criterion: &mut Criterion) {
    let echo = ("a short string each way", "echo-front", ("test:echo/echo", "echo"));
    let greet = ("a greeting is made", "front", ("test:greet/greeter", "greeter"));
    for (name, root, link) in [echo, greet] {
        let unit = unit(root, &[link]);
        criterion.bench_function(&format!("fused call, {name}"), |bencher| {
            let unit = &unit;
            // All calls of a sample are made in one request, whose own time they outweigh.
            bencher.to_async(runtime()).iter_custom(|calls| async move {
                let path = format!("/{NAME}?calls={calls}");
                let began = Instant::now();
                let answer = ask(unit, &path).await;
                assert!(String::from_utf8_lossy(&answer).contains(NAME));
                began.elapsed()
            });
        });
    }
}

fn stores(criterion: &mut Criterion) {
    let unit = unit_with_store("store");
    runtime().block_on(ask(&unit, "/set/a/24-bytes-of-a-short-value"));
    criterion.bench_function("wasi:keyvalue get of a short value in memory", |bencher| {
        let unit = &unit;
        bencher.to_async(runtime()).iter_custom(|gets| async move {
            let path = format!("/get/a/{gets}");
            let began = Instant::now();
            assert_eq!(ask(unit, &path).await, "24-bytes-of-a-short-value");
            began.elapsed()
        });
    });
}

criterion_group!(benches, instances, calls, stores);
criterion_main!(benches);
