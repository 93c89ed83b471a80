//! What clients do with their connections, and how little they can do to one another.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use keyway_testing::{Keyway, app, get, guest};

fn misbehaving(limit: &str) -> (tempfile::TempDir, Keyway) {
    let app = app(&format!(
        r#"
        [app]
        name = "connections"
        [component.misbehave]
        source = "{{guest:misbehave}}"
        grant.stdout = true
        limit = {{ {limit} }}
        [[trigger.http]]
        route = "/"
        component = "misbehave"
    "#
    ));
    let keyway = Keyway::up(app.path());
    (app, keyway)
}

/// Sends a GET for each of `paths` and leaves the connection open.
fn send(address: SocketAddr, paths: &[&str]) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("the server accepts");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out can be set");
    let requests: String =
        paths.iter().map(|path| format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")).collect();
    stream.write_all(requests.as_bytes()).expect("the requests are taken");
    stream
}

/// Reads until `text` has come.
fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut read = Vec::new();
    let mut piece = [0; 4096];
    while !String::from_utf8_lossy(&read).contains(text) {
        let count = stream.read(&mut piece).expect("more comes");
        assert!(count > 0, "the end came before {text:?}: {}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&read).into_owned()
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let (_app, keyway) = misbehaving("");
    let paths = ["/sleep?ms=300", "/.well-known/keyway/health", "/big?bytes=3"];
    let answers = read_until(&mut send(keyway.address(), &paths), "xxx");
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 3, "{answers}");
    assert_eq!(answers.matches("ok").count(), 2, "{answers}");
}

#[test]
fn http_2_is_spoken_to_clients_that_begin_with_it() {
    let keyway = Keyway::up(guest("hello"));
    let mut stream = TcpStream::connect(keyway.address()).expect("the server accepts");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out can be set");
    // The preface, no settings, and a request on stream 1 that ends with its head:
    // `:method: GET`, `:scheme: http` and `:path: /` of the static table, `:authority: a`.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("taken");
    stream.write_all(b"\0\0\0\x04\0\0\0\0\0").expect("taken");
    stream.write_all(b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a").expect("taken");
    read_until(&mut stream, "Hello, world!\n");
}

#[test]
fn misbehaviour_disturbs_no_request_beside_it() {
    let (_app, keyway) = misbehaving(r#"cpu = "300ms", time = "2s", memory = "16MiB""#);
    let address = keyway.address();
    let mut beside = send(address, &["/sleep?ms=1000"]);
    let cases = [
        ("/loop", 504),
        ("/memory", 500),
        ("/stack", 500),
        ("/trap", 500),
        ("/silent", 500),
        ("/hang", 504),
    ];
    let half = thread::spawn(move || get(address, "/half").complete);
    let answers = cases.map(|(path, _)| thread::spawn(move || get(address, path).status));
    for _ in 0..20 {
        assert_eq!(get(address, "/").body, "ok");
    }
    let statuses = answers.map(|answer| answer.join().expect("it is answered"));
    assert_eq!(statuses, cases.map(|(_, status)| status));
    // There is no status any more that could tell it: the connection breaks off.
    assert!(!half.join().expect("it ends"));
    assert!(read_until(&mut beside, "ok").starts_with("HTTP/1.1 200"));
}
