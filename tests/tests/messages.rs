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

/// Waits until the subscription is there, where a message before it would be lost.
fn is_listening(keyway: &Keyway) {
    let is_heard = eventually(|| {
        keyway.expect(&[("/send/orders.ready/count", "done")]);
        keyway.get("/get/orders.ready").text() != "none"
    });
    assert!(is_heard, "nobody listens:\n{}", keyway.stderr());
}

/// What every backend does, through the interface and the manifest. All else is in the conformance
/// suite of `crates/capability`.
fn delivers(broker: &str) -> RunningApp {
    let app = up(broker, "");
    is_listening(&app);
    app.expect(&[("/send/orders.paid/count/20", "done")]);
    app.wait_for_answer("/get/orders.paid", "20");
    // Not one of the trigger's.
    app.expect(&[
        ("/send/orders/count", "done"),
        ("/send/orders.first/forward:orders.second", "done"),
    ]);
    app.wait_for_answer("/get/orders.second", "1");
    app.expect(&[("/get/orders", "none")]);
    // Its instance ends, and the next message has another.
    app.expect(&[("/send/orders.bad/trap", "done")]);
    app.wait_for_stderr("a message on `orders.bad` was not handled at attempt 1");
    app.expect(&[("/send/orders.good/count", "done")]);
    app.wait_for_answer("/get/orders.good", "1");
    app
}

/// What those backends do that keep messages.
fn delivers_again(keyway: &Keyway) {
    keyway.expect(&[("/send/orders.again/fail-once", "done")]);
    keyway.wait_for_answer("/get/orders.again", "1");
    keyway.expect(&[("/get/attempts", "2"), ("/send/orders.poison/fail", "done")]);
    keyway.wait_for_stderr("a message on `orders.poison` is dropped after attempt 5");
    keyway.expect(&[("/get/failures", "5")]);
}

#[test]
fn messages_are_delivered_in_memory() {
    let app = delivers(r#"backend = "memory""#);
    delivers_again(&app);
    app.expect(&[("/ask/orders.price/ask", "answer")]);
}

#[test]
fn messages_are_delivered_by_nats() {
    let nats = Nats::start();
    let app = delivers(&format!("backend = \"nats\"\nurl = \"{}\"", nats.url()));
    app.expect(&[("/ask/orders.price/ask", "answer")]);
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
    let app = delivers(&format!("backend = \"redis-streams\"\nurl = \"{}\"", redis.url()));
    delivers_again(&app);
}

#[test]
fn no_message_is_lost_while_the_worker_is_swapped() {
    let app = up(r#"backend = "memory""#, "concurrency = 4");
    let text = std::fs::read_to_string(app.file("keyway.toml")).unwrap();
    for turn in 0..6 {
        app.expect(&[("/send/orders.paid/count/200", "done")]);
        // Another unit, and at every other turn another subscription.
        app.rewrite(|_| {
            let text = text.replace("\"2s\"", &format!("\"{}s\"", 3 + turn));
            text.replace("concurrency = 4", &format!("concurrency = {}", 4 + turn / 2))
        });
        let reloaded = app.ask(["reload"]);
        assert_eq!(reloaded.code, Some(0), "{}", reloaded.stderr);
    }
    app.wait_for_answer("/get/orders.paid", "1200");
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
    app.expect(&[("/send/orders.paid/count/500", "done")]);
    assert!(app.keyway.stop().success());
    Keyway::up(app.folder.path()).wait_for_answer("/get/orders.paid", "500");
}

#[test]
fn a_component_without_a_link_sends_nothing() {
    let app = RunningApp::up(
        r#"
        [app]
        name = "queue"
        [component.sender]
        source = "{guest:message-sender}"
        [[trigger.http]]
        route = "/"
        component = "sender"
    "#,
    );
    app.expect(&[
        ("/send/a/b", "500: denied: no broker `default` is granted"),
        ("/other:/send/a/b", "500: denied: no broker `other` is granted"),
    ]);
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
fn try_out(app: &RunningApp, time: &str, messages: &str) -> Finished {
    let other = app.file("other.wasm");
    let mut bytes = std::fs::read(guest("message-worker")).unwrap();
    bytes.extend_from_slice(b"\0\x06\x05other");
    std::fs::write(&other, bytes).unwrap();
    let other = other.to_str().unwrap();
    std::thread::scope(|scope| {
        let swap = ["swap", "component", "worker", other, "--canary", "50%", "--for", time];
        let swapping = scope.spawn(move || app.ask(swap));
        let is_tried = eventually(|| app.ask(["status"]).stdout.contains("canary with"));
        assert!(is_tried, "nothing is tried out:\n{}", app.stderr());
        app.expect(&[(messages, "done")]);
        swapping.join().expect("no panic")
    })
}

#[test]
fn a_canary_gets_its_part_of_the_messages() {
    let app = up(r#"backend = "memory""#, "");
    is_listening(&app);
    let tried = try_out(&app, "5s", "/send/orders.paid/count/40");
    assert_eq!(tried.code, Some(0), "{}", tried.stderr);
    app.wait_for_answer("/get/orders.paid", "40");
    assert!(app.ask(["status"]).stdout.contains("other.wasm"));
}

#[test]
fn a_canary_that_fails_messages_is_taken_back() {
    let app = up(r#"backend = "memory""#, "");
    is_listening(&app);
    let tried = try_out(&app, "60s", "/send/orders.bad/trap/60");
    assert_eq!(tried.code, Some(1), "{}", tried.stdout);
    assert!(tried.told().contains("the old one is back in service"), "{}", tried.stderr);
    assert!(!app.ask(["status"]).stdout.contains("other.wasm"));
    app.expect(&[("/send/orders.good/count/20", "done")]);
    app.wait_for_answer("/get/orders.good", "20");
}
