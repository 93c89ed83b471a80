//! What clients do with their connections, and what of it reaches components.

use keyway_testing::{HTTP2_GET, Keyway, RunningApp, guest};

#[test]
fn pipelined_requests_are_answered_in_order() {
    let keyway = Keyway::up(guest("misbehave"));
    let paths = ["/sleep?ms=300", "/big?bytes=3", "/.well-known/keyway/health", "/headers"];
    let requests: String = paths
        .iter()
        .map(|path| format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Mark: last\r\n\r\n"))
        .collect();
    let answers = keyway.send_bytes(requests).wait_for("x-mark: last");
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 4, "{answers}");
    let slow = answers.find("\r\nok\r\n").expect("the slow one is answered");
    let big = answers.find("\r\nxxx\r\n").expect("so is the quick one");
    assert!(slow < big, "{answers}");
}

#[test]
fn http_2_is_spoken_to_clients_that_begin_with_it() {
    let keyway = Keyway::up(guest("hello"));
    keyway.send_bytes(HTTP2_GET).wait_for("Hello, world!");
}

#[test]
fn a_request_of_http_1_0_without_a_host_is_answered() {
    for component in ["hello", "hello-p3"] {
        let keyway = Keyway::up(guest(component));
        keyway.send_bytes("GET / HTTP/1.0\r\n\r\n").wait_for("Hello, world!");
    }
}

#[test]
fn trailers_reach_the_component_and_come_back() {
    let keyway = Keyway::up(guest("misbehave"));
    let mut sent = keyway.send_bytes(
        "POST /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\
         Trailer: x-sum\r\n\r\n2\r\nab\r\n0\r\nx-sum: of ab\r\n\r\n",
    );
    let answer = sent.wait_for("x-sum: of ab");
    let (head, body) = answer.split_once("\r\n\r\n").expect("the head ends");
    assert!(head.starts_with("HTTP/1.1 200") && !head.contains("of ab"), "{answer}");
    assert!(body.starts_with("0\r\nx-sum: of ab"), "{answer}");
}

#[test]
fn what_was_sent_before_an_answer_broke_off_arrives() {
    let keyway = Keyway::up(guest("misbehave"));
    let half = keyway.get("/half");
    assert_eq!((half.status, half.body.as_str()), (200, "0123456789"), "{half:?}");
    assert!(!half.complete, "it announces 100 bytes");
}

#[test]
fn misbehaviour_disturbs_no_request_beside_it() {
    let keyway = RunningApp::up(
        r#"
        [app]
        name = "side-by-side"
        [component.misbehave]
        source = "{guest:misbehave}"
        limit = { cpu = "300ms", time = "2s", memory = "16MiB", body = "1KiB" }
        [[trigger.http]]
        route = "/"
        component = "misbehave"
    "#,
    );
    let beside = keyway.send("/sleep?ms=1000");
    let cases = [
        ("/loop", 504),
        ("/memory", 500),
        ("/stack", 500),
        ("/trap", 500),
        ("/silent", 500),
        ("/hang", 504),
        // The first of two answers stands.
        ("/twice", 200),
    ];
    let misbehaving = cases.map(|(path, _)| keyway.send(path));
    let half = keyway.send("/half");
    for _ in 0..20 {
        keyway.expect(&[("/", "ok")]);
    }
    let statuses = misbehaving.map(|sent| sent.answer().status);
    assert_eq!(statuses, cases.map(|(_, status)| status), "{}", keyway.stderr());
    assert!(!half.answer().complete, "half a body is no whole one");
    assert_eq!(beside.answer().text(), "ok");
}
