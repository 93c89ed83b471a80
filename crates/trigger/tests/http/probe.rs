//! Odd requests, byte by byte, and the status that each gets: what other servers say to the same, as
//! far as the specifications leave no choice.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use keyway_trigger::http::{Body, BodyError, Failure, Peer};

use super::client::Raw;
use super::served::{LONG, Served, body, example};

/// Requests with one host each, and the status of the first answer; 0 where the connection ends
/// without one.
const OVER_HTTP_1: &[(&str, u16)] = &[
    // Targets.
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    ("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    ("GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    ("GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET http://a:99999/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /\u{7f} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    // Lines.
    ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    ("GET / HTTP/1.1\nHost: a\n\n", 200),
    ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("get / HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    ("GET /\r\n\r\n", 400),
    ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n", 400),
    // Hosts.
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.0\r\n\r\n", 200),
    ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 200),
    ("GET / HTTP/1.1\r\nHost: a:\r\n\r\n", 200),
    ("GET / HTTP/1.1\r\nHost: a:99999999\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200),
    ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    // Bodies.
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 200),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\nx", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", 200),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\n\n", 400),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501),
];

#[test]
fn odd_requests_of_http_1_get_the_right_status() {
    let served = Served::new(example);
    let mut wrong = Vec::new();
    for (request, expected) in OVER_HTTP_1 {
        let mut raw = Raw::to(served.address);
        raw.send(request).stream().shutdown(Shutdown::Write).expect("open");
        let answer = raw.until_end();
        let status = answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        if status != *expected {
            wrong.push(format!("{request:?}: {status}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Fields of a request over HTTP/2, and whether it is answered with 200, with 400 or by a reset.
const OVER_HTTP_2: &[(&[(&str, &str)], &str)] = &[
    (&[GET, HTTP, A, ROOT], "200"),
    (&[GET, HTTP, ROOT, ("host", "a")], "200"),
    (&[GET, HTTP, A, ROOT, ("host", "A")], "200"),
    (&[GET, HTTP, A, ROOT, ("host", "b")], "400"),
    (&[GET, HTTP, A, ROOT, ("host", "a"), ("host", "a")], "400"),
    (&[GET, HTTP, (":authority", "u@a"), ROOT], "400"),
    (&[GET, HTTP, (":authority", "a:99999"), ROOT], "400"),
    (&[GET, HTTP, A, (":path", "a")], "reset"),
    (&[GET, HTTP, A, (":path", "*")], "400"),
    (&[(":method", "OPTIONS"), HTTP, A, (":path", "*")], "200"),
    (&[GET, HTTP, A, (":path", "")], "reset"),
    (&[GET, HTTP, A], "reset"),
    (&[GET, A, ROOT], "reset"),
    (&[HTTP, A, ROOT], "reset"),
    (&[GET, GET, HTTP, A, ROOT], "reset"),
    (&[GET, HTTP, A, ROOT, (":status", "200")], "reset"),
    (&[GET, HTTP, A, ("x", "1"), ROOT], "reset"),
    (&[GET, HTTP, A, ROOT, ("connection", "close")], "reset"),
    (&[GET, HTTP, A, ROOT, ("transfer-encoding", "chunked")], "reset"),
    (&[GET, HTTP, A, ROOT, ("te", "gzip")], "reset"),
    (&[GET, HTTP, A, ROOT, ("te", "trailers")], "200"),
    // h2 takes a name in upper case for an error of the compression, which is the connection's.
    (&[GET, HTTP, A, ROOT, ("X", "1")], "closed"),
    (&[GET, HTTP, A, ROOT, ("content-length", "1")], "reset"),
];

const GET: (&str, &str) = (":method", "GET");
const HTTP: (&str, &str) = (":scheme", "http");
const A: (&str, &str) = (":authority", "a");
const ROOT: (&str, &str) = (":path", "/");

/// A frame of HTTP/2 on stream 1, or on none.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("it is short").to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags, 0, 0, 0, stream]);
    frame.extend(payload);
    frame
}

/// Fields as literals, so that even what no library sends can be sent.
fn literal(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).expect("it is short");
        [&[length][..], text.as_bytes()].concat()
    };
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// What the server says on stream 1.
fn outcome(stream: &mut TcpStream) -> String {
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).is_err() {
            return "closed".to_owned();
        }
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).expect("a whole frame");
        match (head[3], payload.first()) {
            (1, Some(0x88)) => return "200".to_owned(),
            (1, Some(0x8c)) => return "400".to_owned(),
            (1, other) => return format!("{other:?}"),
            (3, _) => return "reset".to_owned(),
            (7, _) => return "closed".to_owned(),
            _ => {}
        }
    }
}

#[test]
fn odd_requests_of_http_2_get_the_right_answer() {
    let served = Served::new(example);
    let mut wrong = Vec::new();
    for (fields, expected) in OVER_HTTP_2 {
        let mut stream = TcpStream::connect(served.address).expect("the server listens");
        stream.set_read_timeout(Some(LONG)).expect("a timeout can be set");
        let settings = frame(4, 0, 0, &[]);
        let request = frame(1, 0x5, 1, &literal(fields));
        let bytes = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..], &request].concat();
        stream.write_all(&bytes).expect("it is taken");
        let got = outcome(&mut stream);
        if got != *expected {
            wrong.push(format!("{fields:?}: {got}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Answers with the request's cookies and with how many fields it has.
async fn cookies(request: Request<Incoming>, _: Peer) -> Result<Response<Body>, Failure> {
    let headers = request.headers();
    let all: Vec<_> =
        headers.get_all("cookie").iter().map(|it| it.to_str().expect("text")).collect();
    Ok(Response::new(body(format!("{} {}", all.join("|"), headers.len()))))
}

#[tokio::test]
async fn cookies_of_http_2_are_one_field() {
    let served = Served::new(cookies);
    let mut client = super::client::http2(served.address).await;
    let request = Request::get(format!("http://{}/", served.address))
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .header("cookie", "c=3")
        .body(super::client::empty());
    let answer = client.send_request(request.expect("a request")).await.expect("an answer");
    let text = answer.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(text, "a=1; b=2; c=3 1");
}

#[test]
fn a_request_of_http_1_may_have_many_fields() {
    let served = Served::new(cookies);
    let fields: String = (0..2000).map(|number| format!("x-{number}: {number}\r\n")).collect();
    let mut raw = Raw::to(served.address);
    let answer = raw.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).answer();
    assert_eq!(answer.body, " 2001");
}

#[test]
fn a_request_after_trailers_that_are_no_good_is_not_swallowed() {
    let served = Served::new(example);
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\n\n";
    let get = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n";
    // The one before is answered, and nothing after it is taken for another request.
    let all = Raw::to(served.address).send([get, chunked, get].concat()).until_end();
    let statuses: Vec<_> = all.matches("HTTP/1.1 ").collect();
    assert_eq!((statuses.len(), all.matches("HTTP/1.1 400").count()), (2, 1), "{all}");
    // Where they come late, the body breaks off.
    let mut raw = Raw::to(served.address);
    raw.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
    let head = raw.head();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let rest = raw.send(["0\r\nX: 1\n\n", get].concat()).until_end();
    assert!(!rest.contains("0\r\n\r\n") && !rest.contains("/second"), "{rest}");
}

#[test]
fn a_status_without_a_reason_has_none() {
    let served = Served::new(|_: Request<Incoming>, _: Peer| async {
        let mut response = Response::new(body(""));
        *response.status_mut() = StatusCode::from_u16(599).expect("a status");
        Ok::<_, Failure>(response)
    });
    let answer = Raw::to(served.address).get("/");
    assert!(answer.head.starts_with("HTTP/1.1 599 \r\n"), "{answer:?}");
}

/// Answers with a body of `pieces` that has trailers which its head does not announce.
async fn with_trailers(request: Request<Incoming>, _: Peer) -> Result<Response<Body>, Failure> {
    let pieces = match request.uri().path() {
        "/long" => 2000,
        "/none" => 0,
        _ => 2,
    };
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("of it"));
    trailers.insert("content-length", HeaderValue::from_static("1"));
    // What looks like an end is none.
    let piece = || Ok::<_, BodyError>(Frame::data(bytes::Bytes::from_static(b"..0\r\n\r\n..")));
    let frames = std::iter::repeat_with(piece).take(pieces);
    let frames = frames.chain([Ok(Frame::trailers(trailers))]);
    Ok(Response::new(StreamBody::new(futures::stream::iter(frames)).boxed_unsync()))
}

#[test]
fn trailers_that_are_not_announced_are_sent_to_clients_that_take_them() {
    let served = Served::new(with_trailers);
    let piece = "9\r\n..0\r\n\r\n..\r\n";
    let get = |path: &str, te: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n{te}\r\n");
    let te = "TE: gzip, Trailers\r\n";
    let mut raw = Raw::to(served.address);
    // One after the other, and at once.
    for (path, pieces) in [("/", 2), ("/none", 0), ("/long", 2000)] {
        raw.send(get(path, te));
        assert!(raw.head().contains("transfer-encoding: chunked"));
        let expected = format!("{}0\r\nx-sum: of it\r\n\r\n", piece.repeat(pieces));
        assert_eq!(raw.exactly(expected.len()), expected, "{path}");
    }
    let last = get("/", "TE: trailers\r\nConnection: close\r\n");
    let all = raw.send([get("/", te), get("/", ""), last].concat()).until_end();
    let bodies: Vec<_> = all.split("HTTP/1.1 200").skip(1).collect();
    assert_eq!(bodies.len(), 3, "{all}");
    for (body, has_trailers) in bodies.iter().zip([true, false, true]) {
        let body = body.split_once("\r\n\r\n").expect("a head").1;
        let end = if has_trailers { "0\r\nx-sum: of it\r\n\r\n" } else { "0\r\n\r\n" };
        assert_eq!(body, format!("{piece}{piece}{end}"), "{all}");
    }
}

#[test]
fn a_connection_of_http_1_0_is_kept_where_the_answer_has_a_length() {
    let kept = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let served = Served::new(example);
    let both = Raw::to(served.address).send([kept, "GET / HTTP/1.0\r\n\r\n"].concat()).until_end();
    assert_eq!(both.matches("HTTP/1.0 200").count(), 2, "{both}");
    assert_eq!(both.matches("keep-alive").count(), 1, "{both}");
    // The end of any other is that of the connection.
    let served = Served::new(with_trailers);
    let answer = Raw::to(served.address).send(kept).until_end();
    assert!(answer.ends_with("\r\n\r\n..0\r\n\r\n....0\r\n\r\n.."), "{answer}");
    assert!(!answer.contains("keep-alive"), "{answer}");
}

#[test]
fn trailers_wait_for_a_slow_client() {
    let served = Served::new(|_: Request<Incoming>, _: Peer| async {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("of it"));
        let piece = || Ok::<_, BodyError>(Frame::data(bytes::Bytes::from(vec![b'.'; 1 << 20])));
        let frames = std::iter::repeat_with(piece).take(16);
        let frames = frames.chain([Ok(Frame::trailers(trailers))]);
        let body = StreamBody::new(futures::stream::iter(frames)).boxed_unsync();
        Ok::<_, Failure>(Response::new(body))
    });
    let mut raw = Raw::to(served.address);
    raw.send("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close\r\n\r\n");
    // Longer than what the sockets hold, so that the server has waited before this is read.
    raw.head();
    let rest = raw.until_end();
    assert!(rest.len() > 16 << 20, "{}", rest.len());
    assert!(rest.ends_with("\r\n0\r\nx-sum: of it\r\n\r\n"), "{}", &rest[rest.len() - 40..]);
}
