//! What a component does wrong stays its own: the client gets a clear status, the log a sentence,
//! and the next request is answered.

use std::{thread, time::Duration};

use keyway_testing::{Keyway, RunningApp, app, eventually, get, guest};

/// Far longer than any test waits.
const AN_HOUR: &str = "/sleep?ms=3600000";

fn misbehaving(limit: &str) -> RunningApp {
    RunningApp::up(&manifest(limit))
}

fn manifest(limit: &str) -> String {
    format!(
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
    )
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
    let keyway = RunningApp::up_with(&manifest(r#"cpu = "1s""#), &["--threads", "1"]);
    let looping = keyway.send("/loop");
    for _ in 0..20 {
        assert_eq!(keyway.get("/").body, "ok");
    }
    assert_eq!(looping.answer().status, 504);
}

#[test]
fn waiting_does_not_count_as_computing() {
    let keyway = misbehaving(r#"cpu = "200ms""#);
    let mut sent = keyway.begin_post("/echo", 100);
    // It waits for longer than it may compute.
    for _ in 0..100 {
        thread::sleep(Duration::from_millis(10));
        sent.send(b"x");
    }
    assert_eq!(sent.answer().text(), "x".repeat(100), "{}", keyway.stderr());
}

#[test]
fn many_endless_loops_leave_others_their_turns() {
    let keyway = RunningApp::up_with(
        r#"
        [app]
        name = "limits"
        [component.misbehave]
        source = "{guest:misbehave}"
        limit = { cpu = "300ms", time = "1h" }
        [component.hello]
        source = "{guest:hello}"
        [[trigger.http]]
        route = "/"
        component = "misbehave"
        [[trigger.http]]
        route = "/hello"
        component = "hello"
    "#,
        &["--threads", "1"],
    );
    let looping: Vec<_> = (0..64).map(|_| keyway.send("/loop")).collect();
    for _ in 0..20 {
        assert_eq!(keyway.get("/hello").status, 200);
    }
    // Each loop ends when it has had 30 turns of 10 ms. All would have had them by now if these
    // requests had waited for turns of all loops.
    assert!(looping.iter().any(|sent| !sent.is_answered()), "all loops have ended");
}

#[test]
fn waiting_is_ended_by_the_limit_of_time() {
    let keyway = misbehaving(r#"time = "1s""#);
    expect(&keyway, "/hang", 504, "`limit.time`");
    expect(&keyway, AN_HOUR, 504, "`limit.time`");
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
    let keyway = misbehaving(r#"concurrency = 1, queue = 1, time = "1h""#);
    // It runs until its body ends.
    let mut first = keyway.begin_post("/echo", 1);
    first.wait_for("\r\n\r\n");
    let others: Vec<_> = (0..8).map(|_| keyway.send("/")).collect();
    let waiting = || others.iter().filter(|sent| !sent.is_answered()).count();
    assert!(eventually(|| waiting() == 1), "{} wait", waiting());
    first.send(b"x");
    assert_eq!(first.answer().text(), "x");
    let mut statuses: Vec<_> = others.into_iter().map(|sent| sent.answer().status).collect();
    statuses.sort_unstable();
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
    let bytes = 50_000_000;
    let mut sent = keyway.send(&format!("/big?bytes={bytes}"));
    sent.wait_for("HTTP/1.1 200");
    // Not because anybody asks for more of it.
    keyway.wait_for_stderr("`limit.time`");
    assert_eq!(keyway.get("/").body, "ok");
    let answer = sent.answer();
    assert!(answer.body.len() < bytes, "{} bytes came", answer.body.len());
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
    goes_while_its_instance_sleeps(&format!("GET {AN_HOUR} HTTP/1.1\r\nHost: a\r\n\r\n"));
}

#[test]
fn a_client_that_goes_amid_its_body_cancels_its_instance() {
    goes_while_its_instance_sleeps(&format!(
        "POST {AN_HOUR} HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhello"
    ));
}

fn goes_while_its_instance_sleeps(request: &str) {
    let keyway = misbehaving("concurrency = 1, time = \"1h\"");
    let sent = keyway.send_bytes(request);
    keyway.wait_for_stdout("misbehave: sleeping");
    drop(sent);
    // There is room for one: the next is answered only because the first was cancelled.
    assert_eq!(keyway.get("/").status, 200);
}

#[test]
fn what_waits_for_a_client_that_has_gone_is_never_run() {
    goes_while_its_request_waits("GET /stdout HTTP/1.1\r\nHost: a\r\n\r\n");
}

#[test]
fn what_waits_for_a_client_that_has_gone_amid_its_body_is_never_run() {
    let head = "POST /stdout HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    goes_while_its_request_waits(&(head.to_owned() + &"x".repeat(10_000)));
}

fn goes_while_its_request_waits(request: &str) {
    let app = app(&manifest("concurrency = 1, queue = 8, time = \"1h\""));
    let keyway = Keyway::up_where(app.path(), &[], &[("KEYWAY_LOG", "warn,keyway_trigger=debug")]);
    let first = keyway.send(AN_HOUR);
    keyway.wait_for_stdout("misbehave: sleeping");
    let gone = keyway.send_bytes(request);
    let has_come = || keyway.ask(["status", "--json"]).stdout.contains("\"requests\": 2");
    assert!(eventually(has_come), "{}", keyway.ask(["status", "--json"]).stdout);
    drop(gone);
    keyway.wait_for_stderr("the client has disconnected");
    // What waits is run in turn when the first is cancelled.
    drop(first);
    assert_eq!(keyway.get("/late?ms=0").body, "ok");
    keyway.wait_for_stdout("misbehave: late");
    assert!(!keyway.stdout().contains("to stdout"), "{}", keyway.stdout());
}

#[test]
fn a_limited_address_space_is_enough() {
    for gibibytes in [1, 4] {
        let keyway = Keyway::up_within(guest("hello"), gibibytes << 20);
        let address = keyway.address();
        let clients: Vec<_> = (0..16)
            .map(|_| thread::spawn(move || (0..20).map(|_| get(address, "/").status).collect()))
            .collect();
        for client in clients {
            let statuses: Vec<u16> = client.join().expect("all are answered");
            assert_eq!(statuses, [200; 20], "within {gibibytes} GiB");
        }
    }
}

#[test]
fn more_instances_than_the_address_space_holds_are_fewer() {
    let keyway = RunningApp::up(
        r#"
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
    "#,
    );
    let is_served = |path| assert_eq!(keyway.get(path).status, 200, "{path}");
    is_served("/");
    is_served("/p3");
    // The old and the new stand beside each other.
    keyway.rewrite(|text| text.replace("60000", "50000"));
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
