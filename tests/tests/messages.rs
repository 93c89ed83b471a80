//! Messages start components, and components send them.

use keyway_testing::{
    Finished, Keyway, RunningApp, app, eventually, finish, guest,
    server::{Nats, Redis},
};

/// A sender and a worker that counts in a store, which another component shows.
fn manifest(broker: &str, trigger: &str) -> String {
    format!(
        r#"
        [app]
        name = "queue"
        [component.sender]
        source = "{{guest:message-sender}}"
        link."wasi:messaging/producer" = "queue"
        [component.worker]
        source = "{{guest:message-worker}}"
        link."wasi:messaging/producer" = "queue"
        link."wasi:keyvalue/store" = "counts"
        limit.time = "2s"
        [component.counts]
        source = "{{guest:store}}"
        link."wasi:keyvalue/store" = "counts"
        [keyvalue.counts]
        backend = "memory"
        [messaging.queue]
        {broker}
        [[trigger.messaging]]
        from = "queue"
        topic = "orders.*"
        component = "worker"
        {trigger}
        [[trigger.http]]
        route = "/"
        component = "counts"
        [[trigger.http]]
        route = "/send"
        component = "sender"
        [[trigger.http]]
        route = "/ask"
        component = "sender"
    "#
    )
}

fn up(broker: &str, trigger: &str) -> RunningApp {
    RunningApp::up(&manifest(broker, trigger))
}

/// Waits until a counter has come so far, and goes no further.
fn counts(keyway: &Keyway, key: &str, count: &str) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let now = keyway.get(&format!("/get/{key}")).text();
        if now == count {
            return;
        }
        assert!(Instant::now() < end, "{key} is {now} and not {count}:\n{}", keyway.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until the subscription is there, where a message before it would be lost.
fn is_listening(keyway: &Keyway) {
    let end = Instant::now() + Duration::from_secs(30);
    while keyway.get("/get/orders.ready").text() == "none" {
        assert!(Instant::now() < end, "nobody listens:\n{}", keyway.stderr());
        assert_eq!(keyway.get("/send/orders.ready/count").text(), "done", "{}", keyway.stderr());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What every backend does, through the interface and the manifest. All else is in the conformance
/// suite of `crates/capability`.
fn delivers(broker: &str) -> RunningApp {
    let app = up(broker, "");
    is_listening(&app);
    assert_eq!(app.get("/send/orders.paid/count/20").text(), "done");
    counts(&app, "orders.paid", "20");
    // Not one of the trigger's.
    assert_eq!(app.get("/send/orders/count").text(), "done");
    assert_eq!(app.get("/send/orders.first/forward:orders.second").text(), "done");
    counts(&app, "orders.second", "1");
    assert_eq!(app.get("/get/orders").text(), "none");
    // Its instance ends, and the next message has another.
    assert_eq!(app.get("/send/orders.bad/trap").text(), "done");
    app.wait_for_stderr("a message on `orders.bad` was not handled at attempt 1");
    assert_eq!(app.get("/send/orders.good/count").text(), "done");
    counts(&app, "orders.good", "1");
    (app, app)
}

/// What those backends do that keep messages.
fn delivers_again(keyway: &Keyway) {
    assert_eq!(keyway.get("/send/orders.again/fail-once").text(), "done");
    counts(keyway, "orders.again", "1");
    assert_eq!(keyway.get("/get/attempts").text(), "2");
    assert_eq!(keyway.get("/send/orders.poison/fail").text(), "done");
    keyway.wait_for_stderr("a message on `orders.poison` is dropped after attempt 5");
    assert_eq!(keyway.get("/get/failures").text(), "5");
}

#[test]
fn messages_are_delivered_in_memory() {
    let app = delivers(r#"backend = "memory""#);
    delivers_again(&app);
    assert_eq!(app.get("/ask/orders.price/ask").text(), "answer");
}

#[test]
fn messages_are_delivered_by_nats() {
    let nats = Nats::start();
    let app = delivers(&format!("backend = \"nats\"\nurl = \"{}\"", nats.url()));
    assert_eq!(app.get("/ask/orders.price/ask").text(), "answer");
}

#[test]
fn messages_are_delivered_by_jetstream() {
    let nats = Nats::start();
    let broker = format!(
        "backend = \"jetstream\"\nurl = \"{}\"\nsubjects = \"orders orders.>\"",
        nats.url()
    );
    let app = delivers(&broker);
    delivers_again(&app);
}

#[test]
fn messages_are_delivered_by_redis() {
    let redis = Redis::start();
    delivers(&format!("backend = \"redis\"\nurl = \"{}\"", redis.url()));
}

#[test]
fn messages_are_delivered_by_a_stream_of_redis() {
    let redis = Redis::start();
    let app =
        delivers(&format!("backend = \"redis-streams\"\nurl = \"{}\"", redis.url()));
    delivers_again(&app);
}

#[test]
fn no_message_is_lost_while_the_worker_is_swapped() {
    let app = up(r#"backend = "memory""#, "concurrency = 4");
    let file = app.path().join("keyway.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    for turn in 0..6 {
        assert_eq!(app.get("/send/orders.paid/count/200").text(), "done");
        // Another unit, and at every other turn another subscription.
        let changed =
            text.replace("limit.time = \"2s\"", &format!("limit.time = \"{}s\"", 3 + turn));
        let changed =
            changed.replace("concurrency = 4", &format!("concurrency = {}", 4 + turn / 2));
        std::fs::write(&file, changed).unwrap();
        let reloaded = app.ask(["reload"]);
        assert_eq!(reloaded.code, Some(0), "{}", reloaded.stderr);
    }
    counts(&app, "orders.paid", "1200");
}

#[test]
fn a_stop_handles_what_was_sent() {
    let redis = Redis::start();
    let app = RunningApp::up(&manifest(r#"backend = "memory""#, "").replace(
        "[keyvalue.counts]\n        backend = \"memory\"",
        &format!(
            "[keyvalue.counts]\n        backend = \"redis\"\n        url = \"{}\"",
            redis.url()
        ),
    ));
    assert_eq!(app.get("/send/orders.paid/count/500").text(), "done");
    assert!(app.stop().success());
    let app = Keyway::up(app.path());
    counts(&app, "orders.paid", "500");
}

#[test]
fn a_component_without_a_link_sends_nothing() {
    let app = RunningApp::up(r#"
        [app]
        name = "queue"
        [component.sender]
        source = "{guest:message-sender}"
        [[trigger.http]]
        route = "/"
        component = "sender"
    "#);
    assert_eq!(app.get("/send/a/b").text(), "500: denied: no broker `default` is granted");
    assert_eq!(app.get("/other:/send/a/b").text(), "500: denied: no broker `other` is granted");
    app.wait_for_stderr(
        r#"component.sender.link."wasi:messaging/producer" = { "other" = "BROKER" }"#,
    );
}

#[test]
fn wrong_brokers_and_triggers_are_told_with_their_lines() {
    let check = |text: &str| {
        let app = app(text);
        let told = finish(["check".as_ref(), app.path().as_os_str()]);
        assert_eq!(told.code, Some(1), "{}", told.stderr);
        told.stderr
    };
    let right = manifest(r#"backend = "memory""#, "");
    for (text, part) in [
        (
            right.replace("\"memory\"\n        [[", "\"memry\"\n        [["),
            "did you mean `memory`?",
        ),
        (right.replace("orders.*", "orders..x"), "`orders..x` is not a valid topic"),
        (right.replace("from = \"queue\"", "from = \"qeue\""), "did you mean `queue`?"),
        (
            right.replace("{guest:message-worker}", "{guest:message-sender}"),
            "does not handle messages",
        ),
    ] {
        let told = check(&text);
        assert!(told.contains(part), "{part}\n{told}");
    }
}

/// Tries out a worker that is another file and does the same, while `messages` are sent.
fn try_out(keyway: &Keyway, app: &TempDir, time: &str, messages: &str) -> Finished {
    let other = app.path().join("other.wasm");
    let mut bytes = std::fs::read(guest("message-worker")).unwrap();
    bytes.extend_from_slice(b"\0\x06\x05other");
    std::fs::write(&other, bytes).unwrap();
    let other = other.to_str().unwrap();
    std::thread::scope(|scope| {
        let swap = ["swap", "component", "worker", other, "--canary", "50%", "--for", time];
        let swapping = scope.spawn(move || keyway.ask(swap));
        let end = Instant::now() + Duration::from_secs(30);
        while !keyway.ask(["status"]).stdout.contains("canary with") {
            assert!(Instant::now() < end, "nothing is tried out:\n{}", keyway.stderr());
        }
        assert_eq!(keyway.get(messages).text(), "done");
        swapping.join().expect("no panic")
    })
}

#[test]
fn a_canary_gets_its_part_of_the_messages() {
    let app = up(r#"backend = "memory""#, "");
    is_listening(&app);
    let tried = try_out(&app, &app, "5s", "/send/orders.paid/count/40");
    assert_eq!(tried.code, Some(0), "{}", tried.stderr);
    counts(&app, "orders.paid", "40");
    assert!(app.ask(["status"]).stdout.contains("other.wasm"));
}

#[test]
fn a_canary_that_fails_messages_is_taken_back() {
    let app = up(r#"backend = "memory""#, "");
    is_listening(&app);
    let tried = try_out(&app, &app, "60s", "/send/orders.bad/trap/60");
    assert_eq!(tried.code, Some(1), "{}", tried.stdout);
    assert!(tried.told().contains("the old one is back in service"), "{}", tried.stderr);
    assert!(!app.ask(["status"]).stdout.contains("other.wasm"));
    assert_eq!(app.get("/send/orders.good/count/20").text(), "done");
    counts(&app, "orders.good", "20");
}
