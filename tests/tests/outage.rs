//! A server that is killed under load: components get errors, others are not slowed, and work goes on
//! by itself when the server is back.

use std::net::TcpListener;

use keyway_testing::{
    Load, RunningApp,
    server::{Postgres, Redis},
};

/// `kill` ends the server, and `restart` starts it again.
fn survives<S>(backend: &str, url: &str, mut server: S, kill: fn(&mut S), restart: fn(&mut S)) {
    // It takes connections and says nothing.
    let mute = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mute_at = mute.local_addr().expect("an address");
    let app = RunningApp::up(&format!(
        r#"
        [app]
        name = "outage"
        [component.store]
        source = "{{guest:store}}"
        link."wasi:keyvalue/store" = {{ default = "remote", mute = "mute" }}
        limit.time = "1h"
        [component.hello]
        source = "{{guest:hello}}"
        [keyvalue.remote]
        backend = "{backend}"
        url = "{url}"
        timeout = "20s"
        [keyvalue.mute]
        backend = "redis"
        url = "redis://{mute_at}"
        timeout = "1h"
        [[trigger.http]]
        route = "/"
        component = "store"
        [[trigger.http]]
        route = "/hello"
        component = "hello"
    "#
    ));
    app.expect(&[("/set/a/1", "done")]);
    // These wait for their server all the time.
    let waiting: Vec<_> = (0..4).map(|_| app.send("/mute:/get/a")).collect();
    let hello = Load::start(&app, 2, "/hello", |answer| answer.status == 200);
    let clients = || Load::start(&app, 4, "/get/a", |answer| answer.status == 200);

    let before = Load::start(&app, 4, "/get/a", |answer| answer.text() == "1");
    before.wait_for_good(100);
    assert_eq!(before.stop().bad, [""; 0]);
    let around = clients();
    around.wait_for_good(20);
    kill(&mut server);
    around.wait_for_bad(20);
    hello.wait_for_good(100);
    restart(&mut server);
    // On all connections to the server.
    around.wait_for_good(500);
    for told in around.stop().bad {
        assert!(told.starts_with("500: other: "), "the interface's own error: {told}");
    }
    let after = clients();
    after.wait_for_good(100);
    assert_eq!(after.stop().bad, [""; 0]);

    assert_eq!(hello.stop().bad, [""; 0]);
    assert!(waiting.iter().all(|sent| !sent.is_answered()), "{}", app.stderr());
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
