//! What the server does not put up with.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use keyway_trigger::http::{BodyError, Failure, Options, Peer};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::client::{Raw, empty, http2};
use super::served::{LONG, Served, body, example};

/// Short, so that tests which wait for it are, too; long enough for a request to arrive in it.
const SHORT: Duration = Duration::from_millis(400);

#[test]
fn a_connection_without_a_request_is_closed() {
    let options = Options { header_timeout: SHORT, ..Options::default() };
    let served = Served::with(options, LONG, example);
    // Silent, slow with the head, between requests, and slow with HTTP/2's preface.
    let mut silent = Raw::to(served.address);
    let mut slow = Raw::to(served.address);
    slow.send("GET / HTTP/1.1\r\nHost: ");
    let mut idle = Raw::to(served.address);
    assert_eq!(idle.get("/").status(), 200);
    let mut preface = Raw::to(served.address);
    preface.send("PRI * HTTP/2.0\r\n");
    for raw in [&mut silent, &mut slow, &mut idle, &mut preface] {
        assert_eq!(raw.until_end(), "");
    }
}

#[test]
fn a_request_may_run_for_longer_than_its_head_may_take() {
    let release = Arc::new(Notify::new());
    let on_release = Arc::clone(&release);
    let handler = move |_: Request<Incoming>, _: Peer| {
        let release = Arc::clone(&on_release);
        async move {
            release.notified().await;
            Ok::<_, Failure>(Response::new(body("whole")))
        }
    };
    let options = Options { header_timeout: SHORT, ..Options::default() };
    let served = Served::with(options, LONG, handler);
    let mut running = Raw::to(served.address);
    running.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    // Each of these waits until the server has lost its patience with it.
    for _ in 0..3 {
        assert_eq!(Raw::to(served.address).until_end(), "");
    }
    release.notify_one();
    assert_eq!(running.answer().body, "whole");
}

/// Says when it is dropped.
struct Dropped(Sender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// Answers without an end, unless the path is another than `/`.
fn endless() -> (Served, Receiver<()>) {
    let (dropped, is_dropped) = channel();
    let handler = move |request: Request<Incoming>, _: Peer| {
        let guard = Dropped(dropped.clone());
        let endless = futures::stream::repeat_with(move || {
            let _keep = &guard;
            Ok::<_, BodyError>(Frame::data(Bytes::from_static(&[0; 64 * 1024])))
        });
        let response = match request.uri().path() {
            "/" => Response::new(StreamBody::new(endless).boxed_unsync()),
            other => Response::new(body(other.to_owned())),
        };
        async { Ok::<_, Failure>(response) }
    };
    let options = Options { write_timeout: SHORT, ..Options::default() };
    (Served::with(options, LONG, handler), is_dropped)
}

#[test]
fn a_client_that_takes_nothing_is_left() {
    let (served, is_dropped) = endless();
    let mut raw = Raw::to(served.address);
    raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    is_dropped.recv_timeout(LONG).expect("the answer is given up");
}

#[tokio::test]
async fn a_stream_of_which_the_client_takes_nothing_is_reset_alone() {
    let (served, is_dropped) = endless();
    let mut client = http2(served.address).await;
    let get = |path: &str| {
        let uri = format!("http://{}{path}", served.address);
        Request::get(uri).body(empty()).expect("a request")
    };
    let untaken = client.send_request(get("/")).await.expect("an answer");
    let dropped = spawn_blocking(move || is_dropped.recv_timeout(LONG));
    dropped.await.expect("no panic").expect("the answer is given up");
    let other = client.send_request(get("/other")).await.expect("an answer");
    assert_eq!(other.into_body().collect().await.expect("a body").to_bytes(), "/other");
    untaken.into_body().collect().await.expect_err("it is not whole");
}

#[tokio::test]
async fn an_answer_may_pause_for_longer_than_its_client() {
    let handler = |_: Request<Incoming>, _: Peer| async {
        // More than one piece, so that the client's turn comes before the pause.
        let slowly = futures::stream::iter([0, 3]).then(|pause| async move {
            sleep(SHORT * pause).await;
            Ok::<_, BodyError>(Frame::data(Bytes::from_static(&[0; 100_000])))
        });
        Ok::<_, Failure>(Response::new(StreamBody::new(slowly).boxed_unsync()))
    };
    let options = Options { write_timeout: SHORT, ..Options::default() };
    let served = Served::with(options, LONG, handler);
    let mut client = http2(served.address).await;
    let request = Request::get(format!("http://{}/", served.address)).body(empty());
    let answer = client.send_request(request.expect("a request")).await.expect("an answer");
    let whole = answer.into_body().collect().await.expect("it is whole").to_bytes();
    assert_eq!(whole.len(), 200_000);
}

#[test]
fn connections_beyond_the_limit_wait_for_others_to_close() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&order);
    let handler = move |request: Request<Incoming>, _: Peer| {
        let path = request.uri().path().to_owned();
        log.lock().expect("no test panics here").push(path.clone());
        async { Ok::<_, Failure>(Response::new(body(path))) }
    };
    let options = Options { threads: 1, max_connections: 1, ..Options::default() };
    let served = Served::with(options, LONG, handler);
    let mut first = Raw::to(served.address);
    assert_eq!(first.get("/first").status(), 200);
    let mut second = Raw::to(served.address);
    second.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
    for _ in 0..3 {
        assert_eq!(first.get("/first").status(), 200);
    }
    drop(first);
    assert_eq!(second.answer().body, "/second");
    let order = order.lock().expect("no test panics here");
    assert_eq!(*order, ["/first", "/first", "/first", "/first", "/second"]);
}

#[test]
fn a_refusal_arrives_though_the_body_was_not_read() {
    let served = Served::new(example);
    let mut raw = Raw::to(served.address);
    raw.send(format!("POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", 4 << 20));
    raw.send(vec![b'x'; 4 << 20]);
    let answer = raw.answer();
    assert_eq!(answer.status(), 413);
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
#[derive(Debug)]
struct H2Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

fn send_frame(raw: &Raw, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("a short payload");
    let mut bytes = length.to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    raw.stream().write_all(&bytes).expect("the connection is open");
}

/// Reads frames up to the first that is looked for, which comes last.
fn frames_until(raw: &Raw, is_last: impl Fn(&H2Frame) -> bool) -> Vec<H2Frame> {
    let mut frames = Vec::new();
    loop {
        let mut head = [0; 9];
        raw.stream().read_exact(&mut head).expect("a frame");
        let [high, middle, low, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        raw.stream().read_exact(&mut payload).expect("its payload");
        let frame = H2Frame { kind, flags, stream: u32::from_be_bytes(stream), payload };
        let is_end = is_last(&frame);
        frames.push(frame);
        if is_end {
            return frames;
        }
    }
}

#[test]
fn a_refusal_over_http_2_leaves_time_to_end_the_request() {
    let served = Served::new(example);
    let mut raw = Raw::to(served.address);
    raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    send_frame(&raw, SETTINGS, 0, 0, &[]);
    // POST, http, a path and an authority (RFC 7541, appendix A), and then a part of the body.
    let head = b"\x83\x86\x04\x06/large\x01\x01a";
    let ask = |stream| {
        send_frame(&raw, HEADERS, END_HEADERS, stream, head);
        send_frame(&raw, DATA, 0, stream, &[b'x'; 1000]);
        let is_whole = |frame: &H2Frame| frame.kind == DATA && frame.flags & END_STREAM != 0;
        frames_until(&raw, is_whole);
    };
    ask(1);
    send_frame(&raw, DATA, END_STREAM, 1, b"the rest");
    send_frame(&raw, PING, 0, 0, &[0; 8]);
    let frames = frames_until(&raw, |frame| frame.kind == PING && frame.flags & ACK != 0);
    assert!(frames.iter().all(|frame| frame.kind != RST_STREAM), "{frames:?}");
    // A client that keeps sending the request is told to stop, without an error.
    ask(3);
    let frames = frames_until(&raw, |frame| frame.kind == RST_STREAM);
    let reset = frames.last().expect("it is the last");
    assert_eq!((reset.stream, reset.payload.as_slice()), (3, &[0; 4][..]));
}
