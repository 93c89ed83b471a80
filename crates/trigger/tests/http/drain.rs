//! How a server stops.

use std::future::pending;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use keyway_trigger::http::{Body, Failure, Options, Peer, ServeReport};
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::client::{Raw, empty, http2};
use super::served::{LONG, Served, body, example};

#[test]
fn a_running_request_finishes_and_no_other_begins() {
    let (begun, has_begun) = channel();
    let release = Arc::new(Notify::new());
    let on_release = Arc::clone(&release);
    let served = Served::with(Options::default(), LONG, move |_: Request<Incoming>, _: Peer| {
        begun.send(()).expect("the test waits");
        let release = Arc::clone(&on_release);
        async move {
            release.notified().await;
            Ok::<_, Failure>(Response::new(body("whole")))
        }
    });
    let mut raw = Raw::to(served.address);
    raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    has_begun.recv_timeout(LONG).expect("the request begins");
    served.stop.cancel();
    while TcpStream::connect(served.address).is_ok() {
        thread::yield_now();
    }
    release.notify_one();
    let answer = raw.answer();
    assert_eq!(answer.body, "whole");
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(raw.rest(), "");
    assert_eq!(served.end(), ServeReport { drained: true, cut: 0 });
}

#[test]
fn idle_connections_are_closed() {
    let served = Served::with(Options::default(), LONG, example);
    let mut used = Raw::to(served.address);
    assert_eq!(used.get("/").status(), 200);
    let mut fresh = Raw::to(served.address);
    assert_eq!(served.end(), ServeReport { drained: true, cut: 0 });
    assert_eq!(used.rest(), "");
    assert_eq!(fresh.until_end(), "");
}

#[test]
fn a_client_that_has_connected_may_send_its_request_after_the_stop() {
    let served = Served::with(Options::default(), LONG, example);
    let mut raw = Raw::to(served.address);
    served.stop.cancel();
    assert_eq!(raw.get("/late").body, "/late");
    assert_eq!(raw.rest(), "");
}

#[test]
fn a_stop_under_load_loses_no_request_that_was_sent() {
    let options = Options { threads: 2, ..Options::default() };
    let served = Served::with(options, LONG, example);
    let address = served.address;
    // Every request on a connection of its own, until nobody listens.
    let answered = AtomicUsize::new(0);
    let client = || {
        let request = b"GET /sent HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        while let Ok(mut stream) = TcpStream::connect(address) {
            let mut answer = String::new();
            let done = stream.write_all(request).and_then(|()| stream.read_to_string(&mut answer));
            assert!(done.is_ok() && answer.ends_with("/sent"), "{done:?} {answer:?}");
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..16).map(|_| scope.spawn(client)).collect();
        while answered.load(Ordering::Relaxed) < 500 {
            thread::yield_now();
        }
        assert_eq!(served.end(), ServeReport { drained: true, cut: 0 });
        for client in clients {
            client.join().expect("none lost");
        }
    });
}

#[test]
fn what_runs_is_cut_at_once_when_the_drain_is_cut_short() {
    let (begun, has_begun) = channel();
    let handler = move |_: Request<Incoming>, _: Peer| {
        begun.send(()).expect("the test waits");
        pending::<Result<Response<Body>, Failure>>()
    };
    let served = Served::with(Options::default(), Duration::MAX, handler);
    let mut client = Raw::to(served.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    has_begun.recv_timeout(LONG).expect("the request begins");
    served.at_once.cancel();
    assert_eq!(served.end(), ServeReport { drained: false, cut: 1 });
    assert_eq!(client.until_end(), "");
}

#[tokio::test]
async fn an_idle_client_of_http_2_holds_nobody_up() {
    let served = Served::with(Options::default(), Duration::from_secs(3600), example);
    let mut client = http2(served.address).await;
    let request = Request::get("http://a/").body(empty()).expect("a request");
    assert_eq!(client.send_request(request).await.expect("an answer").status(), 200);
    // The client's task cannot run meanwhile, so it does not answer that it heard of the end.
    assert_eq!(served.end(), ServeReport { drained: true, cut: 0 });
}

#[test]
fn what_runs_on_after_the_time_to_drain_is_cut() {
    let (begun, has_begun) = channel();
    let handler = move |_: Request<Incoming>, _: Peer| {
        begun.send(()).expect("the test waits");
        pending::<Result<Response<Body>, Failure>>()
    };
    let served = Served::with(Options::default(), Duration::from_millis(10), handler);
    let mut clients = [(); 3].map(|()| Raw::to(served.address));
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        has_begun.recv_timeout(LONG).expect("the request begins");
    }
    assert_eq!(served.end(), ServeReport { drained: false, cut: 3 });
    for client in &mut clients {
        assert_eq!(client.until_end(), "");
    }
}

#[tokio::test]
async fn a_server_that_never_served_goes_quietly() {
    let any = "127.0.0.1:0".parse().expect("an address");
    drop(keyway_trigger::http::Server::bind(any, Options::default()).expect("a free port"));
}

#[test]
fn what_handlers_have_left_to_do_goes_on_after_the_last_answer() {
    let tasks = TaskTracker::new();
    let (done, is_done) = channel();
    let on_request = tasks.clone();
    let handler = move |_: Request<Incoming>, _: Peer| {
        let done = done.clone();
        on_request.spawn(async move {
            sleep(Duration::from_millis(50)).await;
            done.send(()).expect("the test waits");
        });
        async { Ok::<_, Failure>(Response::new(body("answered"))) }
    };
    let rest = async move {
        tasks.close();
        tasks.wait().await;
    };
    let served = Served::until(rest, LONG, handler);
    assert_eq!(Raw::to(served.address).get("/").body, "answered");
    assert_eq!(served.end(), ServeReport { drained: true, cut: 0 });
    is_done.try_recv().expect("the task has come to its end");
}

#[test]
fn what_handlers_have_left_to_do_is_cut_when_the_time_to_drain_is_over() {
    let served = Served::until(pending(), Duration::from_millis(10), example);
    assert_eq!(Raw::to(served.address).get("/").body, "/");
    assert_eq!(served.end(), ServeReport { drained: false, cut: 0 });
}
