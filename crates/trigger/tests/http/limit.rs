//! What the server does not put up with.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use keyway_trigger::http::{BodyError, Failure, Options, Peer};
use tokio::sync::Notify;

use super::client::Raw;
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

#[test]
fn a_client_that_takes_nothing_is_left() {
    struct Dropped(std::sync::mpsc::Sender<()>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (dropped, is_dropped) = channel();
    let handler = move |_: Request<Incoming>, _: Peer| {
        let guard = Dropped(dropped.clone());
        let endless = futures::stream::repeat_with(move || {
            let _keep = &guard;
            Ok::<_, BodyError>(Frame::data(Bytes::from_static(&[0; 16 * 1024])))
        });
        let response = Response::new(StreamBody::new(endless).boxed_unsync());
        async { Ok::<_, Failure>(response) }
    };
    let options = Options { write_timeout: SHORT, ..Options::default() };
    let served = Served::with(options, LONG, handler);
    let mut raw = Raw::to(served.address);
    raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    is_dropped.recv_timeout(LONG).expect("the answer is given up");
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
