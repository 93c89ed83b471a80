//! A handler of WASI 0.2 from outside: what it sees of requests, and what becomes of its answers.
//! It tells what it sees in fields of the answer, and asserts by itself what it reads.

use std::{
    fmt::Debug,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use keyway_testing::{Keyway, get, guest, read_until, request};

use super::{Assertion, Surroundings, assertions};

/// The assertions so far, of a component that serves at `address`.
struct Outside {
    address: SocketAddr,
    all: Vec<Assertion>,
}

impl Outside {
    fn equal<T: PartialEq + Debug>(&mut self, name: &str, got: T, expected: T) {
        let failed = (got != expected).then(|| format!("{got:?}, expected {expected:?}"));
        self.all.push(Assertion { name: format!("wasi:http/types@0.2.12#{name}"), failed });
    }

    /// Sends a head and a part of the body, and waits for `text` of the answer.
    fn begin(&self, path: &str, headers: &str, body: &str, text: &str) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(self.address).expect("it accepts");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out can be set");
        let head = "Host: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n";
        write!(stream, "POST {path} HTTP/1.1\r\n{head}{headers}\r\n{body}").expect("it is taken");
        let so_far = read_until(&mut stream, text);
        (stream, so_far)
    }

    /// Sends a body in chunks, and returns the whole answer.
    fn post(&self, path: &str, headers: &str, body: &str) -> String {
        let (mut stream, mut answer) = self.begin(path, headers, body, "\r\n\r\n");
        stream.read_to_string(&mut answer).expect("the rest of the answer");
        answer
    }
}

pub(crate) fn all() -> Vec<Assertion> {
    let surroundings = Surroundings::of("exact-http");
    let keyway = Keyway::up_with(guest("exact-http"), &surroundings.flags());
    let mut outside = Outside { address: keyway.address(), all: Vec::new() };
    seen(&mut outside);
    contents(&mut outside);
    answers(&mut outside);
    while_it_runs(&mut outside);
    broken(&mut outside);
    outside.all
}

/// What there is of a request before its contents.
fn seen(outside: &mut Outside) {
    let address = outside.address;
    for (method, expected) in [
        ("GET", "Get"),
        ("HEAD", "Head"),
        ("POST", "Post"),
        ("PUT", "Put"),
        ("DELETE", "Delete"),
        ("OPTIONS", "Options"),
        ("TRACE", "Trace"),
        ("PATCH", "Patch"),
        ("PURGE", "Other(\"PURGE\")"),
    ] {
        let answer = request(address, method, "/seen", "", b"");
        let got = answer.header("x-method").map(|method| method.replace("Method::", ""));
        let name = format!("incoming-request.method: {method}");
        outside.equal(&name, got.as_deref(), Some(expected));
    }
    for (name, path) in [
        ("a path", "/seen/a"),
        ("a path and a query", "/seen?a=b&c"),
        ("an empty query", "/seen?"),
        ("a path as it was sent", "/seen/%2E%2e/a//b;c=d"),
    ] {
        let answer = get(address, path);
        let name = format!("incoming-request.path-with-query: {name}");
        outside.equal(&name, answer.header("x-path"), Some(path));
    }
    let answer = get(address, "/seen");
    outside.equal("incoming-request.scheme: HTTP", answer.header("x-scheme"), Some("Scheme::Http"));
    let here = address.to_string();
    outside.equal(
        "incoming-request.authority: an address and a port",
        answer.header("x-authority"),
        Some(here.as_str()),
    );
    for authority in ["example.com", "example.com:8080", "[::1]:80"] {
        let answer = request(address, "GET", "/seen", &format!("Host: {authority}\r\n"), b"");
        let name = format!("incoming-request.authority: {authority}");
        outside.equal(&name, answer.header("x-authority"), Some(authority));
    }
    let answer = request(address, "GET", "/seen", "X-Own: 1\r\nx-own: 2\r\nx-empty:\r\n", b"");
    outside.equal(
        "incoming-request.headers: a name twice, and an empty value",
        (answer.header("x-own"), answer.header("x-empty")),
        (Some("1,2"), Some("1 empty")),
    );
}

fn contents(outside: &mut Outside) {
    let trailers = "5\r\nsome \r\n8\r\ncontents\r\n0\r\nx-end: yes\r\n\r\n";
    let answer = outside.post("/contents", "Trailer: x-end\r\n", trailers);
    let lines: String = answer
        .lines()
        .filter(|line| line.starts_with("ok ") || line.starts_with("FAILED "))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(!lines.is_empty(), "nothing is asserted: {answer}");
    outside.all.extend(assertions(&lines));
}

/// What a client gets.
fn answers(outside: &mut Outside) {
    let answer = get(outside.address, "/set/response");
    outside.equal(
        "response-outparam.set: a response",
        (answer.status, answer.body.as_str(), answer.complete),
        (404, "contents", true),
    );
    outside.equal(
        "outgoing-response.constructor: the client gets its headers",
        answer.header("x-own"),
        Some("1"),
    );
    let answer = get(outside.address, "/set/default");
    outside.equal(
        "outgoing-response.constructor: the client gets 200",
        (answer.status, answer.body.as_str(), answer.complete),
        (200, "", true),
    );
    for status in [201, 299, 400, 503, 599] {
        let answer = get(outside.address, &format!("/set/status/{status}"));
        let name = format!("outgoing-response.set-status-code: the client gets {status}");
        outside.equal(&name, answer.status, status);
    }
    for error in ["denied", "internal", "timeout"] {
        let answer = get(outside.address, &format!("/set/error/{error}"));
        outside.equal(
            &format!("response-outparam.set: an error, {error}, is one to the client"),
            (400..600).contains(&answer.status),
            true,
        );
    }
    let answer = get(outside.address, "/set/never");
    outside.equal(
        "response-outparam.set: where it is never called, the client gets an error",
        (500..600).contains(&answer.status),
        true,
    );
    let answer = outside.post("/set/trailers", "TE: trailers\r\n", "0\r\n\r\n");
    outside.equal(
        "outgoing-body.finish: the client gets trailers, after the contents",
        answer.split_once("contents").map(|(_, rest)| rest.contains("x-end: yes\r\n")),
        Some(true),
    );
}

/// Answers that the client has before the request is over.
fn while_it_runs(outside: &mut Outside) {
    let (mut stream, mut answer) = outside.begin("/set/early", "", "", "begun");
    let early = answer.starts_with("HTTP/1.1 200 ");
    outside.equal("response-outparam.set: the answer is on its way at once", early, true);
    stream.write_all(b"4\r\nrest\r\n0\r\n\r\n").expect("it is taken");
    stream.read_to_string(&mut answer).expect("the rest of the answer");
    outside.equal(
        "response-outparam.set: what set it goes on",
        answer.split_once("begun").map(|(_, rest)| rest.contains("rest")),
        Some(true),
    );
}

/// Answers that are not what they said they would be.
fn broken(outside: &mut Outside) {
    for (name, path) in [
        ("that is dropped", "/set/dropped"),
        ("with a length that is dropped", "/set/dropped/sized"),
        ("shorter than it says", "/set/short"),
    ] {
        // How much the client has of it is chance.
        let answer = get(outside.address, path);
        outside.equal(
            &format!("outgoing-body.finish: an answer {name} is incomplete"),
            answer.complete,
            false,
        );
    }
    let answer = get(outside.address, "/trap/headers");
    outside.equal(
        "incoming-request.headers: a request that is dropped before them traps",
        (500..600).contains(&answer.status),
        true,
    );
}
