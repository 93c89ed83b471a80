//! Instances that answer more than one request, where the manifest says so.

use std::{thread, time::Duration};

use keyway_testing::{Keyway, RunningApp, Sent, app, eventually, finish};

fn manifest(guest: &str, instances: &str, limit: &str) -> String {
    format!(
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
    )
}

/// One thread serves, so that one instance can.
fn up(guest: &str, instances: &str, limit: &str) -> RunningApp {
    RunningApp::up_with(&manifest(guest, instances, limit), &["--threads", "1"])
}

/// Sends requests that wait until they are released, and returns what they say when they have come
/// to wait: how many do so in their instance. An instance gets one more when it waits in the last.
fn hold(keyway: &Keyway, count: usize) -> (Vec<Sent>, Vec<String>) {
    let request = |number| {
        let sent = keyway.send("/hold");
        keyway.wait_for_lines(" wait", number);
        sent
    };
    let held = (1..=count).map(request).collect();
    (held, keyway.wait_for_lines(" wait", count))
}

fn visits(keyway: &Keyway, count: usize) -> Vec<String> {
    (0..count).map(|_| keyway.get("/visits").text()).collect()
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
        let keyway = up(guest, "reuse = 3, idle = \"10m\"", "");
        let expected = ["visit 1", "visit 2", "visit 3", "visit 1"];
        assert_eq!(visits(&keyway, 4), expected, "{guest}");
    }
}

#[test]
fn an_instance_that_waits_in_vain_is_dropped() {
    let idle = Duration::from_millis(200);
    let keyway = up("visits-p3", &format!("reuse = 1000, idle = \"{}ms\"", idle.as_millis()), "");
    assert_eq!(visits(&keyway, 1), ["visit 1"]);
    let is_dropped = eventually(|| {
        // Each request keeps an instance that is still there for longer.
        thread::sleep(idle * 2);
        visits(&keyway, 1) == ["visit 1"]
    });
    assert!(is_dropped, "an idle instance stays");
}

#[test]
fn an_instance_answers_several_requests_at_once() {
    let keyway = up("visits-p3", "reuse = 100, concurrent = 4, idle = \"10m\"", "");
    let (held, said) = hold(&keyway, 3);
    assert_eq!(said, ["visits: 1 wait", "visits: 2 wait", "visits: 3 wait"]);
    assert!(held.iter().all(|sent| !sent.is_answered()), "they wait");
    keyway.expect(&[("/release", "visit 4")]);
    let answers: Vec<_> = held.into_iter().map(|sent| sent.answer().text()).collect();
    assert_eq!(answers, ["visit 1", "visit 2", "visit 3"]);
    assert_eq!(visits(&keyway, 1), ["visit 5"]);
}

#[test]
fn requests_beyond_that_get_another_instance() {
    let keyway = up("visits-p3", "reuse = 100, concurrent = 2, idle = \"10m\"", "");
    let (held, said) = hold(&keyway, 3);
    assert_eq!(said, ["visits: 1 wait", "visits: 2 wait", "visits: 1 wait"]);
    // The first has no room for this one.
    keyway.expect(&[("/release", "visit 2")]);
    let is_answered: Vec<_> = held.iter().map(Sent::is_answered).collect();
    assert_eq!(is_answered[..2], [false, false]);
    let last = held.into_iter().next_back().expect("there are three");
    assert_eq!(last.answer().text(), "visit 1");
}

#[test]
fn an_instance_with_one_request_at_a_time_keeps_no_other_waiting() {
    let keyway = up("misbehave", "reuse = 100", "time = \"1h\"");
    let sleeping: Vec<_> = (0..4).map(|_| keyway.send("/sleep?ms=3600000")).collect();
    keyway.wait_for_lines("visits: sleeping", 4);
    assert!(sleeping.iter().all(|sent| !sent.is_answered()), "they sleep for an hour");
}

#[test]
fn an_instance_that_traps_ends_with_all_that_it_answers() {
    let keyway = up("visits-p3", "reuse = 100, concurrent = 10, idle = \"10m\"", "");
    let (held, _) = hold(&keyway, 1);
    assert_eq!(keyway.get("/trap-soon").status, 500);
    assert!(held.into_iter().all(|sent| sent.answer().status == 500));
    keyway.wait_for_stderr("`unreachable`");
    assert_eq!(visits(&keyway, 2), ["visit 1", "visit 2"]);
    assert_eq!(keyway.get("/error").status, 504);
    assert_eq!(visits(&keyway, 1), ["visit 4"], "an error that it tells is no trap");
}

#[test]
fn an_answer_that_is_read_slowly_ends_as_it_should() {
    let keyway = up("visits-p3", "reuse = 100, concurrent = 10, idle = \"10m\"", "");
    let request = |_| {
        let mut sent = keyway.send("/drip");
        sent.wait_for("first");
        sent
    };
    let begun: Vec<_> = (0..3).map(request).collect();
    assert!(begun.iter().all(|sent| !sent.is_answered()), "the rest is held back");
    keyway.expect(&[("/release", "visit 4")]);
    for sent in begun {
        let answer = sent.answer();
        assert!(answer.complete && answer.text() == "first second", "{answer:?}");
    }
    assert_eq!(visits(&keyway, 1), ["visit 5"]);
}

#[test]
fn limits_of_time_and_computing_are_those_of_a_request() {
    for instances in ["reuse = 100, idle = \"10m\"", "reuse = 100, concurrent = 10, idle = \"10m\""]
    {
        for (limit, path, told) in [
            ("time = \"1s\"", "/hang", "`limit.time`"),
            ("cpu = \"300ms\", time = \"1h\"", "/loop", "`limit.cpu`"),
        ] {
            let keyway = up("visits-p3", instances, limit);
            assert_eq!(keyway.get(path).status, 504, "{path}, {instances}");
            keyway.wait_for_stderr(told);
            assert_eq!(visits(&keyway, 2), ["visit 1", "visit 2"], "{path}, {instances}");
        }
    }
}

#[test]
fn what_an_instance_does_after_its_answer_keeps_others_from_it_if_it_has_one_at_a_time() {
    let keyway = up("visits-p3", "reuse = 100, idle = \"10m\"", "time = \"1h\"");
    keyway.expect(&[("/linger", "visit 1"), ("/visits", "visit 1"), ("/late", "visit 2")]);
    keyway.wait_for_stdout("visits: late");
}

#[test]
fn no_more_instances_wait_than_requests_may_run() {
    let manifest = manifest("visits-p3", "reuse = 100, idle = \"10m\"", "concurrency = 1");
    // Whichever thread a request comes to.
    let keyway = RunningApp::up_with(&manifest, &["--threads", "4"]);
    for visit in 1..=20 {
        assert_eq!(visits(&keyway, 1), [format!("visit {visit}")]);
    }
}

#[test]
fn a_swap_lets_instances_that_wait_go() {
    let app = up("visits-p3", "reuse = 100, idle = \"10m\"", "");
    assert_eq!(visits(&app, 2), ["visit 1", "visit 2"]);
    app.rewrite(|text| text.replace("reuse = 100", "reuse = 99"));
    assert_eq!(app.ask(["reload"]).code, Some(0));
    assert_eq!(visits(&app, 2), ["visit 1", "visit 2"]);
}

#[test]
fn what_cannot_be_is_told() {
    for (guest, instances, told) in [
        ("visits-p3", "concurrent = 2", "`reuse` is missing"),
        ("visits-p3", "reuse = 2, concurrent = 3", "`component.visits.instances.concurrent`"),
        ("visits-p3", "reuse = 0", "`component.visits.instances.reuse`"),
        ("misbehave", "reuse = 2, concurrent = 2", "serve one request at a time"),
    ] {
        let app = app(&manifest(guest, instances, ""));
        let path = app.path().display().to_string();
        for arguments in [vec!["check", &path], vec!["up", &path, "--listen", "127.0.0.1:0"]] {
            let finished = finish(arguments);
            assert_eq!(finished.code, Some(1), "{instances}");
            assert!(finished.told().contains(told), "{instances}: {}", finished.told());
        }
    }
}
