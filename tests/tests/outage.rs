//! A server that is killed under load: components get errors in time, others are not slowed, and work
//! goes on by itself when the server is back.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use keyway_testing::{
    Answer, Keyway, app, get,
    server::{Postgres, Redis},
};

/// The store's.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What a request took, and what came.
struct Seen {
    took: Duration,
    status: u16,
    body: String,
}

fn ask(address: SocketAddr, path: &str) -> Seen {
    let begun = Instant::now();
    let Answer { status, body, .. } = get(address, path);
    Seen { took: begun.elapsed(), status, body }
}

/// Asks again and again, by several clients, while `work` is done.
fn under_load<T>(
    address: SocketAddr,
    path: &'static str,
    clients: usize,
    work: impl FnOnce() -> T,
) -> (Vec<Seen>, T) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let client = || {
            let mut seen = Vec::new();
            while !over.load(Relaxed) {
                seen.push(ask(address, path));
                thread::sleep(Duration::from_millis(5));
            }
            seen
        };
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        let done = work();
        over.store(true, Relaxed);
        let seen = clients.into_iter().flat_map(|client| client.join().expect("it ends"));
        (seen.collect(), done)
    })
}

/// `kill` ends the server, and `restart` starts it again.
fn survives<S>(backend: &str, url: &str, mut server: S, kill: fn(&mut S), restart: fn(&mut S)) {
    let keyway = RunningApp::up(&format!(
        r#"
        [app]
        name = "outage"
        [component.store]
        source = "{{guest:store}}"
        link."wasi:keyvalue/store" = "remote"
        [component.hello]
        source = "{{guest:hello}}"
        [keyvalue.remote]
        backend = "{backend}"
        url = "{url}"
        timeout = "{}ms"
        [[trigger.http]]
        route = "/"
        component = "store"
        [[trigger.http]]
        route = "/hello"
        component = "hello"
    "#,
        TIMEOUT.as_millis()
    ));
    let address = keyway.address();
    assert_eq!(get(address, "/set/a/1").body, "done");
    let phase = |length: Duration| {
        under_load(address, "/get/a", 4, || {
            under_load(address, "/hello", 2, || thread::sleep(length)).0
        })
    };
    let (before, hello_before) = phase(Duration::from_secs(2));
    for seen in &before {
        assert_eq!(seen.body, "1", "after {:?}", seen.took);
    }

    let (around, _) = under_load(address, "/get/a", 4, || {
        thread::sleep(Duration::from_millis(300));
        kill(&mut server);
    });
    let (during, hello_during) = phase(Duration::from_secs(4));
    for seen in around.iter().filter(|seen| seen.status != 200).chain(&during) {
        assert_eq!(seen.status, 500, "{}", seen.body);
        assert!(seen.body.starts_with("other: "), "the interface's own error: {}", seen.body);
        assert!(seen.took < TIMEOUT * 3, "{:?}", seen.took);
    }
    assert!(!during.is_empty());
    assert!(hello_during.iter().all(|seen| seen.status == 200));
    // Requests to the store wait for the server until they time out; those to others do not wait for
    // them.
    let (usual, now) = (hello_before.len(), hello_during.len());
    assert!(now * 4 > usual, "others are slowed: {now} answers in twice the time of {usual}");

    restart(&mut server);
    let end = Instant::now() + Duration::from_secs(20);
    while get(address, "/get/a").status != 200 {
        assert!(Instant::now() < end, "it does not find the server again:\n{}", keyway.stderr());
        thread::sleep(Duration::from_millis(50));
    }
    let (after, _) = phase(Duration::from_secs(1));
    assert!(after.iter().all(|seen| seen.status == 200));
}

#[test]
fn redis_is_killed_under_load() {
    let server = Redis::start();
    survives("redis", &server.url(), server, Redis::kill, Redis::restart);
}

#[test]
fn postgres_is_killed_under_load() {
    let server = Postgres::start();
    survives("postgres", &server.url(), server, Postgres::kill, Postgres::restart);
}
