//! What a user sees of `keyway up`.

use std::{
    net::TcpStream,
    process::{Command, Stdio},
};

use keyway_testing::{Keyway, RunningApp, Sent, app, command, eventually, finish, guest};

#[test]
fn a_single_component_is_served() {
    let keyway = Keyway::up(guest("hello"));
    let answer = keyway.get("/");
    assert_eq!((answer.status, answer.body.as_str()), (200, "Hello, world!\n"));
}

#[test]
fn health_is_answered_without_a_component() {
    let keyway = Keyway::up(guest("hello"));
    assert_eq!(keyway.get("/.well-known/keyway/health").body, "ok");
}

#[test]
fn two_components_answer_as_one() {
    let keyway = RunningApp::up(
        r#"
        [app]
        name = "greeting"
        [component.front]
        source = "{guest:front}"
        link."test:greet/greeter" = "greeter"
        [component.greeter]
        source = "{guest:greeter}"
        [[trigger.http]]
        route = "/"
        component = "front"
    "#,
    );
    assert_eq!(keyway.get("/Ada").body, "Hello, Ada!");
}

#[test]
fn two_components_share_one_instance_of_a_third() {
    let keyway = RunningApp::up(
        r#"
        [app]
        name = "diamond"
        [component.diamond-front]
        source = "{guest:diamond-front}"
        link."test:left/left" = "left"
        link."test:right/right" = "right"
        [component.left]
        source = "{guest:left}"
        link."test:tally/tally" = "tally"
        [component.right]
        source = "{guest:right}"
        link."test:tally/tally" = "tally"
        [component.tally]
        source = "{guest:tally}"
        [[trigger.http]]
        route = "/"
        component = "diamond-front"
    "#,
    );
    assert_eq!(keyway.get("/").body, "1 2");
    // The next request has an instance of its own.
    assert_eq!(keyway.get("/").body, "1 2");
}

#[test]
fn a_resource_is_used_across_a_link() {
    let keyway = RunningApp::up(
        r#"
        [app]
        name = "count"
        [component.counter-front]
        source = "{guest:counter-front}"
        link."test:count/counter" = "counter"
        [component.counter]
        source = "{guest:counter}"
        [[trigger.http]]
        route = "/"
        component = "counter-front"
    "#,
    );
    assert_eq!(keyway.get("/").body, "3");
}

#[test]
fn the_longest_route_and_the_named_host_win() {
    let keyway = RunningApp::up(
        r#"
        [app]
        name = "routes"
        [component.hello]
        source = "{guest:hello}"
        [component.misbehave]
        source = "{guest:misbehave}"
        [[trigger.http]]
        route = "/"
        component = "hello"
        [[trigger.http]]
        route = "/deep/er"
        component = "misbehave"
        [[trigger.http]]
        host = "other.example"
        route = "/"
        component = "misbehave"
    "#,
    );
    let body = |path| keyway.get(path).body;
    assert_eq!(body("/deep"), "Hello, world!\n");
    assert_eq!(body("/deep/er/still"), "ok");
    assert_eq!(body("/deep/erx"), "Hello, world!\n");
    let other = keyway.request("GET", "/", "Host: Other.example:80\r\n", b"");
    assert_eq!(other.body, "ok");
}

/// An app whose component may take its time, and then stop.
fn slow() -> RunningApp {
    let manifest = r#"
        [app]
        name = "slow"
        [component.misbehave]
        source = "{guest:misbehave}"
        grant.stdout = true
        limit.time = "1h"
        [[trigger.http]]
        route = "/"
        component = "misbehave"
    "#;
    RunningApp::up_with(manifest, &["--drain", "1h"])
}

/// A request that runs until its body ends.
fn begin(keyway: &Keyway) -> Sent {
    let mut sent = keyway.begin_post("/echo", 1);
    sent.wait_for("\r\n\r\n");
    sent
}

/// Waits until a signal to stop was taken: then nobody can connect any more.
fn stops_listening(keyway: &Keyway) {
    assert!(eventually(|| TcpStream::connect(keyway.address()).is_err()), "it still listens");
}

/// Ends the request's body, and expects its answer.
fn ends_well(mut running: Sent) {
    running.send(b"x");
    let answer = running.answer();
    assert_eq!((answer.text().as_str(), answer.complete), ("x", true));
}

#[test]
fn a_stop_lets_running_requests_finish() {
    let app = slow();
    let running = begin(&app);
    app.terminate();
    stops_listening(&app);
    ends_well(running);
    assert_eq!(app.keyway.wait().code(), Some(0));
}

#[test]
fn a_stop_lets_work_after_an_answer_finish() {
    let app = slow();
    assert_eq!(app.get("/late?ms=1500").body, "ok");
    app.terminate();
    app.wait_for_stdout("misbehave: late");
    assert_eq!(app.keyway.wait().code(), Some(0));
}

#[test]
fn a_terminal_that_closes_lets_running_requests_finish_and_nohup_keeps_serving() {
    let app = slow();
    let running = begin(&app);
    app.hang_up();
    stops_listening(&app);
    ends_well(running);
    assert_eq!(app.keyway.wait().code(), Some(0));
    let mut nohup = Command::new("nohup");
    nohup
        .arg(command().get_program())
        .arg("up")
        .arg(guest("hello"))
        .args(["--listen", "127.0.0.1:0"]);
    let keyway = Keyway::start_after(nohup.stdin(Stdio::null()), "");
    keyway.hang_up();
    assert_eq!(keyway.get("/").status, 200);
    // Whatever ignores the signal does so before it answers: nothing else tells that it was taken.
    assert_eq!(keyway.get("/").status, 200);
    assert_eq!(keyway.stop().code(), Some(0));
}

#[test]
fn a_port_alone_is_one_of_this_machine() {
    let mut command = command();
    command.arg("up").arg(guest("hello")).args(["--listen", "localhost:0"]);
    let keyway = Keyway::start_after(&mut command, "");
    assert!(keyway.address().ip().is_loopback());
    assert_eq!(keyway.get("/").status, 200);
}

#[test]
fn a_second_signal_cuts_the_drain_short() {
    let app = slow();
    let running = app.send("/sleep?ms=3600000");
    app.wait_for_stdout("misbehave: sleeping");
    app.terminate();
    stops_listening(&app);
    app.terminate();
    app.wait_for_stderr("1 request was cut off");
    assert_eq!(app.keyway.wait().code(), Some(0));
    assert_eq!(running.answer().status, 0);
}

#[test]
fn a_body_streams_through_a_component() {
    let keyway = Keyway::up(guest("misbehave"));
    let sent = vec![b'x'; 8 << 20];
    let answer = keyway.request("POST", "/echo", "", &sent);
    assert_eq!((answer.status, answer.body.len(), answer.complete), (200, sent.len(), true));
    let counted = keyway.request("POST", "/count-body", "", &sent);
    assert_eq!(counted.body, sent.len().to_string());
}

#[test]
fn the_second_start_compiles_nothing() {
    let cache = app("");
    let compiled = || {
        let keyway = Keyway::up_in(guest("hello"), cache.path());
        assert_eq!(keyway.get("/").status, 200);
        let folder = cache.path().join("keyway/compiled");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .expect("there is a cache")
            .flatten()
            .map(|entry| (entry.path(), entry.metadata().expect("a file").len()))
            .collect();
        files.sort();
        files
    };
    let first = compiled();
    assert_eq!(first.len(), 2, "the code, and the note of what it was made of");
    assert_eq!(first, compiled());
    // What is damaged is made again.
    for (file, _) in &first {
        std::fs::write(file, b"damaged").expect("written");
        assert_eq!(first, compiled());
    }
}

#[test]
fn without_a_place_for_compiled_code_an_app_is_served_all_the_same() {
    let folder = app("");
    // A file where the cache's folder would be.
    let cache = folder.path().join("cache");
    std::fs::write(&cache, "").expect("written");
    // The first line says what is served, whatever else there is to say.
    let keyway = Keyway::up_in(guest("hello"), &cache);
    assert_eq!(keyway.get("/").status, 200);
    keyway.wait_for_stderr("compiled code is not cached");
}

#[test]
fn a_component_of_wasi_0_3_is_served() {
    let keyway = Keyway::up(guest("hello-p3"));
    assert_eq!(keyway.get("/").body, "Hello, world!\n");
}

#[test]
fn a_stream_of_wasi_0_3_crosses_a_link() {
    let keyway = RunningApp::up(
        r#"
        [app]
        name = "bytes"
        [component.stream-front]
        source = "{guest:stream-front}"
        link."test:bytes/source" = "stream-source"
        [component.stream-source]
        source = "{guest:stream-source}"
        [[trigger.http]]
        route = "/"
        component = "stream-front"
    "#,
    );
    let answer = keyway.get("/3000001");
    assert_eq!((answer.status, answer.body.len(), answer.complete), (200, 3_000_001, true));
}

#[test]
fn flags_grant_to_a_single_component() {
    let flags = ["--env", "A=1", "--http", "http://localhost:1", "--time", "5s"];
    let keyway = Keyway::up_with(guest("reach"), &flags);
    assert_eq!(keyway.get("/env").body, "A=1\n");
    let refused = keyway.get("/http?url=http://example.com/").body;
    assert!(refused.contains("HttpRequestDenied"), "{refused}");
    let app = app("[app]\nname = \"a\"\n[component.a]\nsource = \"{guest:hello}\"\n");
    let beside = finish(["up".as_ref(), app.path().as_os_str(), "--env".as_ref(), "A=1".as_ref()]);
    assert!(beside.stderr.contains("write the grants into the manifest"), "{}", beside.stderr);
}
