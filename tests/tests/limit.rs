//! What a component does wrong stays its own: the client gets a clear status, the log a sentence,
//! and the next request is answered.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use keyway_testing::{Keyway, app, get, guest, request};

fn misbehaving(limit: &str) -> RunningApp {
    RunningApp::up(&format!(
        r#"
        [app]
        name = "limits"
        [component.misbehave]
        source = "{{guest:misbehave}}"
        grant.stdout = true
        limit = {{ {limit} }}
        [[trigger.http]]
        route = "/"
        component = "misbehave"
    "#
    ))
}

/// Asks for `path`, expects `status` and a line of the log, and that others are answered still.
fn expect(keyway: &Keyway, path: &str, status: u16, log: &str) {
    assert_eq!(keyway.get(path).status, status, "{path}\n{}", keyway.stderr());
    keyway.wait_for_stderr(log);
    assert_eq!(keyway.get("/").body, "ok");
}

#[test]
fn an_endless_loop_is_ended_by_the_limit_of_computing() {
    let keyway = misbehaving(r#"cpu = "200ms""#);
    expect(&keyway, "/loop", 504, "`limit.cpu`");
}

#[test]
fn an_endless_loop_disturbs_nobody_on_the_same_thread() {
    let keyway = RunningApp::up_with(r#"
        [app]
        name = "limits"
        [component.misbehave]
        source = "{guest:misbehave}"
        limit = { cpu = "1s" }
        [[trigger.http]]
        route = "/"
        component = "misbehave"
    "#, &["--threads", "1"]);
    let address = keyway.address();
    let looping = std::thread::spawn(move || get(address, "/loop").status);
    for _ in 0..20 {
        assert_eq!(get(address, "/").body, "ok");
    }
    assert_eq!(looping.join().expect("it is answered"), 504);
}

#[test]
fn waiting_does_not_count_as_computing() {
    let keyway = misbehaving(r#"cpu = "200ms""#);
    let mut client = TcpStream::connect(keyway.address()).expect("the server accepts");
    let head =
        b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 100\r\n\r\n";
    client.write_all(head).expect("it is sent");
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(10));
        client.write_all(b"x").expect("it is taken");
    }
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("it is answered");
    assert_eq!(answer.matches('x').count(), 100, "{answer}\n{}", keyway.stderr());
}

#[test]
fn many_endless_loops_leave_others_their_turns() {
    let keyway = RunningApp::up_with(r#"
        [app]
        name = "limits"
        [component.misbehave]
        source = "{guest:misbehave}"
        [component.hello]
        source = "{guest:hello}"
        [[trigger.http]]
        route = "/"
        component = "misbehave"
        [[trigger.http]]
        route = "/hello"
        component = "hello"
    "#, &["--threads", "1"]);
    let address = keyway.address();
    let _looping: Vec<_> = (0..64)
        .map(|_| {
            let mut client = TcpStream::connect(address).expect("the server accepts");
            client.write_all(b"GET /loop HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
            client
        })
        .collect();
    // A turn of all loops takes 640 ms, and each of these requests takes several.
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(get(address, "/hello").status, 200);
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn waiting_is_ended_by_the_limit_of_time() {
    let keyway = misbehaving(r#"time = "200ms""#);
    expect(&keyway, "/hang", 504, "`limit.time`");
    expect(&keyway, "/sleep?ms=10000", 504, "`limit.time`");
}

#[test]
fn a_memory_bomb_is_ended_by_the_limit_of_memory() {
    let keyway = misbehaving(r#"memory = "16MiB""#);
    expect(&keyway, "/memory", 500, "`limit.memory`");
}

#[test]
fn what_the_host_holds_for_an_instance_is_limited_too() {
    let keyway = misbehaving("");
    assert_eq!(keyway.get("/fields?count=1000").body, "1000");
    expect(&keyway, "/fields?count=30000", 500, "more than 2048 handles");
    let keyway = misbehaving(r#"memory = "32MiB""#);
    expect(&keyway, "/fields?count=1000", 500, "more than 512 handles");
}

#[test]
fn traps_and_missing_answers_are_errors_of_the_server() {
    let keyway = misbehaving("");
    expect(&keyway, "/trap", 500, "the component trapped");
    expect(&keyway, "/stack", 500, "the component trapped");
    expect(&keyway, "/silent", 500, "without a response");
}

#[test]
fn the_first_of_two_answers_stands() {
    let keyway = misbehaving("");
    expect(&keyway, "/twice", 200, "the component trapped");
}

#[test]
fn half_a_body_is_seen_as_such() {
    let keyway = misbehaving("");
    let answer = keyway.get("/half");
    assert!(!answer.complete, "{answer:?}");
    assert_eq!(keyway.get("/").body, "ok");
}

#[test]
fn a_body_over_the_limit_is_refused() {
    let keyway = misbehaving(r#"body = "1MiB""#);
    let body = vec![b'x'; 2 << 20];
    assert_eq!(keyway.request("POST", "/count-body", "", &body).status, 413);
    keyway.wait_for_stderr("`limit.body`");
    let fits = keyway.request("POST", "/count-body", "", &body[..1 << 20]);
    assert_eq!(fits.body, (1 << 20).to_string());
}

#[test]
fn requests_beyond_the_limit_wait_and_then_are_refused() {
    let keyway = misbehaving(r#"concurrency = 1, queue = 1, time = "20s""#);
    let address = keyway.address();
    let first = std::thread::spawn(move || get(address, "/sleep?ms=1500").status);
    keyway.wait_for_stdout("misbehave: sleeping");
    let others: Vec<_> =
        (0..8).map(|_| std::thread::spawn(move || get(address, "/").status)).collect();
    let mut statuses: Vec<_> =
        others.into_iter().map(|other| other.join().expect("it is answered")).collect();
    statuses.sort_unstable();
    assert_eq!(first.join().expect("it is answered"), 200);
    assert_eq!(statuses, [200, 503, 503, 503, 503, 503, 503, 503]);
    keyway.wait_for_stderr("`limit.queue`");
}

#[test]
fn an_answer_counts_however_much_its_instance_has_waited() {
    let keyway = misbehaving("");
    // The scheduler lets a task do some 128 things before it puts it off.
    for count in 100..140 {
        let path = format!("/passed?count={count}");
        assert_eq!(keyway.get(&path).body, "ok", "{path}\n{}", keyway.stderr());
    }
}

#[test]
fn an_answer_that_nobody_takes_is_cut_off_when_its_time_is_up() {
    let keyway = misbehaving(r#"time = "1s", concurrency = 1"#);
    let mut client = TcpStream::connect(keyway.address()).expect("the server accepts");
    let bytes = 50_000_000;
    write!(client, "GET /big?bytes={bytes} HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
    client.read_exact(&mut [0]).expect("an answer begins");
    // Not because anybody asks for more of it.
    keyway.wait_for_stderr("`limit.time`");
    assert_eq!(keyway.get("/").body, "ok");
    let mut answer = Vec::new();
    // It ends, or breaks off.
    let _ = client.read_to_end(&mut answer);
    assert!(answer.len() < bytes, "{} bytes came", answer.len());
}

#[test]
fn an_instance_may_go_on_after_its_answer() {
    let keyway = misbehaving("");
    let answer = keyway.get("/late?ms=300");
    assert_eq!((answer.status, answer.complete), (200, true));
    keyway.wait_for_stdout("misbehave: late");
}

#[test]
fn an_instance_may_go_on_after_an_answer_without_a_body() {
    let keyway = misbehaving("");
    assert_eq!(keyway.get("/late-empty?ms=300").status, 204);
    keyway.wait_for_stdout("misbehave: late");
}

#[test]
fn an_instance_may_go_on_after_an_answer_to_head() {
    let keyway = misbehaving("");
    assert_eq!(keyway.request("HEAD", "/late?ms=300", "", b"").status, 200);
    keyway.wait_for_stdout("misbehave: late");
}

#[test]
fn what_is_written_for_head_is_no_failure() {
    let keyway = misbehaving("concurrency = 1");
    assert_eq!(keyway.request("HEAD", "/big?bytes=1000000", "", b"").status, 200);
    // There is room for one: the next begins when the first has written everything.
    assert_eq!(keyway.get("/").status, 200);
    assert!(!keyway.stderr().contains("trapped"), "{}", keyway.stderr());
}

#[test]
fn a_client_that_goes_cancels_its_instance() {
    goes_while_its_instance_sleeps("GET /sleep?ms=15000 HTTP/1.1\r\nHost: a\r\n\r\n");
}

#[test]
fn a_client_that_goes_amid_its_body_cancels_its_instance() {
    goes_while_its_instance_sleeps(
        "POST /sleep?ms=15000 HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhello",
    );
}

fn goes_while_its_instance_sleeps(request: &str) {
    let keyway = misbehaving("concurrency = 1, time = \"20s\"");
    let mut client = TcpStream::connect(keyway.address()).expect("the server accepts");
    client.write_all(request.as_bytes()).expect("it is sent");
    keyway.wait_for_stdout("misbehave: sleeping");
    drop(client);
    // There is room for one: the next is answered only because the first was cancelled.
    let started = Instant::now();
    assert_eq!(keyway.get("/").status, 200);
    assert!(started.elapsed() < Duration::from_secs(10), "it did not wait for the first");
}

#[test]
fn what_waits_for_a_client_that_has_gone_is_never_run() {
    goes_while_its_request_waits("GET /stdout HTTP/1.1\r\nHost: a\r\n\r\n".to_owned());
}

#[test]
fn what_waits_for_a_client_that_has_gone_amid_its_body_is_never_run() {
    let head = "POST /stdout HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    goes_while_its_request_waits(head.to_owned() + &"x".repeat(10_000));
}

fn goes_while_its_request_waits(request: String) {
    let keyway = misbehaving("concurrency = 1, queue = 8, time = \"20s\"");
    let address = keyway.address();
    let first = std::thread::spawn(move || get(address, "/sleep?ms=1500").status);
    keyway.wait_for_stdout("misbehave: sleeping");
    let mut gone = TcpStream::connect(address).expect("the server accepts");
    gone.write_all(request.as_bytes()).expect("it is sent");
    // The request has to be read before its client goes.
    std::thread::sleep(Duration::from_millis(300));
    drop(gone);
    assert_eq!(first.join().expect("it is answered"), 200);
    assert_eq!(get(address, "/").status, 200);
    assert!(!keyway.stdout().contains("to stdout"), "{}", keyway.stdout());
}

#[test]
fn a_limited_address_space_is_enough() {
    for gibibytes in [1, 4] {
        let keyway = Keyway::up_within(guest("hello"), gibibytes << 20);
        let address = keyway.address();
        let clients: Vec<_> = (0..16)
            .map(|_| {
                std::thread::spawn(move || (0..20).map(|_| get(address, "/").status).collect())
            })
            .collect();
        for client in clients {
            let statuses: Vec<u16> = client.join().expect("all are answered");
            assert_eq!(statuses, [200; 20], "within {gibibytes} GiB");
        }
    }
}

#[test]
fn more_instances_than_the_address_space_holds_are_fewer() {
    let keyway = RunningApp::up(r#"
        [app]
        name = "limits"
        [component.hello]
        source = "{guest:hello}"
        limit.concurrency = 60000
        [component.hello-p3]
        source = "{guest:hello-p3}"
        limit.concurrency = 60000
        [[trigger.http]]
        route = "/"
        component = "hello"
        [[trigger.http]]
        route = "/p3"
        component = "hello-p3"
    "#);
    let is_served = |path| assert_eq!(keyway.get(path).status, 200, "{path}");
    is_served("/");
    is_served("/p3");
    // The old and the new stand beside each other.
    let manifest = app.path().join("keyway.toml");
    let text = std::fs::read_to_string(&manifest).expect("it is there");
    std::fs::write(&manifest, text.replace("60000", "50000")).expect("it is written");
    let reloaded = keyway.ask(["reload"]);
    assert_eq!(reloaded.code, Some(0), "{}", reloaded.told());
    is_served("/");
    is_served("/p3");
}

#[test]
fn an_answer_that_breaks_off_does_not_look_complete() {
    let keyway = misbehaving(r#"time = "1500ms""#);
    for path in ["/trap-in-answer", "/hang-in-answer"] {
        let answer = keyway.get(path);
        assert_eq!((answer.status, answer.complete), (200, false), "{path}: {answer:?}");
        assert!(answer.body.starts_with("0123456789"), "{path}: {answer:?}");
    }
    let answer = keyway.get("/trap-after-answer");
    assert_eq!((answer.body.as_str(), answer.complete), ("0123456789", true));
}
