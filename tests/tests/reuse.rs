//! Instances that answer more than one request, where the manifest says so.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use keyway_testing::{Answer, Keyway, app, finish, get};
use tempfile::TempDir;

fn manifest(guest: &str, instances: &str, limit: &str) -> TempDir {
    app(&format!(
        r#"
        [app]
        name = "reuse"
        [component.visits]
        source = "{{guest:{guest}}}"
        grant.stdout = true
        instances = {{ {instances} }}
        limit = {{ {limit} }}
        [[trigger.http]]
        route = "/"
        component = "visits"
    "#
    ))
}

/// One thread serves, so that one instance can.
fn up(guest: &str, instances: &str, limit: &str) -> RunningApp {
    let app = manifest(guest, instances, limit);
    let keyway = Keyway::up_with(app.path(), &["--threads", "1"]);
    (app, keyway)
}

/// Sends requests that are answered at the same time. An instance gets one more when it has come to
/// wait in the last.
fn at_once(address: SocketAddr, path: &'static str, count: usize) -> Vec<Answer> {
    let request = |_| {
        thread::sleep(Duration::from_millis(50));
        thread::spawn(move || get(address, path))
    };
    let requests: Vec<_> = (0..count).map(request).collect();
    requests.into_iter().map(|request| request.join().expect("answered")).collect()
}

fn visits(keyway: &Keyway, count: usize) -> Vec<String> {
    (0..count).map(|_| keyway.get("/visits").body).collect()
}

#[test]
fn each_request_has_an_instance_of_its_own_unless_told_otherwise() {
    for guest in ["visits-p3", "misbehave"] {
        let keyway = up(guest, "reuse = 1", "");
        assert_eq!(visits(&keyway, 2), ["visit 1", "visit 1"], "{guest}");
    }
}

#[test]
fn an_instance_answers_as_many_requests_as_it_may() {
    for guest in ["visits-p3", "misbehave"] {
        let keyway = up(guest, "reuse = 3, idle = \"1m\"", "");
        let expected = ["visit 1", "visit 2", "visit 3", "visit 1"];
        assert_eq!(visits(&keyway, 4), expected, "{guest}");
    }
}

#[test]
fn an_instance_that_waits_in_vain_is_dropped() {
    let keyway = up("visits-p3", "reuse = 100, idle = \"200ms\"", "");
    assert_eq!(visits(&keyway, 2), ["visit 1", "visit 2"]);
    // Each of these requests keeps an instance that is still there for longer.
    let end = Instant::now() + Duration::from_secs(60);
    while visits(&keyway, 1) != ["visit 1"] {
        assert!(Instant::now() < end, "an idle instance stays");
        thread::sleep(Duration::from_millis(400));
    }
}

#[test]
fn an_instance_answers_several_requests_at_once() {
    let keyway = up("visits-p3", "reuse = 100, concurrent = 3, idle = \"1m\"", "");
    let mut said: Vec<_> =
        at_once(keyway.address(), "/together", 3).into_iter().map(|answer| answer.body).collect();
    said.sort();
    assert_eq!(said, ["3 wait"; 3]);
    assert_eq!(visits(&keyway, 1), ["visit 4"]);
}

#[test]
fn requests_beyond_that_get_another_instance() {
    let keyway = up("visits-p3", "reuse = 100, concurrent = 2, idle = \"1m\"", "");
    let mut said: Vec<_> =
        at_once(keyway.address(), "/together", 3).into_iter().map(|answer| answer.body).collect();
    said.sort();
    assert_eq!(said, ["1 wait", "2 wait", "2 wait"]);
    let keyway = up("misbehave", "reuse = 100", "");
    let started = Instant::now();
    let answers = at_once(keyway.address(), "/sleep?ms=500", 4);
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert!(started.elapsed() < Duration::from_millis(1500), "they wait for one another");
}

#[test]
fn an_instance_that_traps_ends_with_all_that_it_answers() {
    let keyway = up("visits-p3", "reuse = 100, concurrent = 10, idle = \"1m\"", "");
    let address = keyway.address();
    let together = thread::spawn(move || get(address, "/together").status);
    thread::sleep(Duration::from_millis(50));
    assert_eq!(get(address, "/trap-soon").status, 500);
    assert_eq!(together.join().expect("answered"), 500);
    keyway.wait_for_stderr("`unreachable`");
    assert_eq!(visits(&keyway, 2), ["visit 1", "visit 2"]);
    assert_eq!(get(address, "/error").status, 504);
    assert_eq!(visits(&keyway, 1), ["visit 4"], "an error that it tells is no trap");
}

#[test]
fn an_answer_that_is_read_slowly_ends_as_it_should() {
    let keyway = up("visits-p3", "reuse = 100, concurrent = 10, idle = \"1m\"", "");
    let answers = at_once(keyway.address(), "/drip", 3);
    assert!(answers.iter().all(|answer| answer.body == "first second"));
    assert_eq!(visits(&keyway, 1), ["visit 4"]);
}

#[test]
fn limits_of_time_and_computing_are_those_of_a_request() {
    let limit = r#"time = "1s", cpu = "300ms""#;
    for instances in ["reuse = 100", "reuse = 100, concurrent = 10"] {
        let keyway = up("visits-p3", instances, limit);
        let started = Instant::now();
        assert_eq!(keyway.get("/hang").status, 504, "{instances}");
        assert!(started.elapsed() < Duration::from_secs(3));
        keyway.wait_for_stderr("`limit.time`");
        assert_eq!(visits(&keyway, 1), ["visit 1"], "{instances}");
        assert_eq!(keyway.get("/loop").status, 504, "{instances}");
        keyway.wait_for_stderr("`limit.cpu`");
        assert_eq!(visits(&keyway, 2), ["visit 1", "visit 2"], "{instances}");
    }
}

#[test]
fn what_an_instance_does_after_its_answer_keeps_others_from_it_if_it_has_one_at_a_time() {
    let keyway = up("visits-p3", "reuse = 100, idle = \"1m\"", "");
    assert_eq!(keyway.get("/late").body, "visit 1");
    assert_eq!(visits(&keyway, 1), ["visit 1"], "of another");
    keyway.wait_for_stdout("late");
}

#[test]
fn no_more_instances_wait_than_requests_may_run() {
    let app = manifest("visits-p3", "reuse = 100, idle = \"1m\"", "concurrency = 1");
    // Whichever thread a request comes to.
    let keyway = Keyway::up_with(app.path(), &["--threads", "4"]);
    for visit in 1..=20 {
        assert_eq!(visits(&keyway, 1), [format!("visit {visit}")]);
    }
}

#[test]
fn a_swap_lets_instances_that_wait_go() {
    let (app, keyway) = up("visits-p3", "reuse = 100, idle = \"1m\"", "");
    assert_eq!(visits(&keyway, 2), ["visit 1", "visit 2"]);
    let path = app.path().join("keyway.toml");
    let text = std::fs::read_to_string(&path).expect("it is there");
    std::fs::write(&path, text.replace("reuse = 100", "reuse = 99")).expect("written");
    assert_eq!(keyway.ask(["reload"]).code, Some(0));
    assert_eq!(visits(&keyway, 2), ["visit 1", "visit 2"]);
}

#[test]
fn what_cannot_be_is_told() {
    for (guest, instances, told) in [
        ("visits-p3", "concurrent = 2", "`reuse` is missing"),
        ("visits-p3", "reuse = 2, concurrent = 3", "`component.visits.instances.concurrent`"),
        ("visits-p3", "reuse = 0", "`component.visits.instances.reuse`"),
        ("misbehave", "reuse = 2, concurrent = 2", "serve one request at a time"),
    ] {
        let app = manifest(guest, instances, "");
        let path = app.path().display().to_string();
        for arguments in [vec!["check", &path], vec!["up", &path, "--listen", "127.0.0.1:0"]] {
            let finished = finish(arguments);
            assert_eq!(finished.code, Some(1), "{instances}");
            assert!(finished.told().contains(told), "{instances}: {}", finished.told());
        }
    }
}
