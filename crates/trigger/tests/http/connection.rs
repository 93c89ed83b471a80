//! Connections: many requests on one, many ones beside each other, and their sudden ends.

use std::collections::HashSet;
use std::future::pending;
use std::net::{Shutdown, TcpListener};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use keyway_trigger::http::{BindError, Body, BodyError, Failure, Options, Peer, Server};
use socket2::SockRef;
use tokio::time::sleep;

use super::client::{Raw, empty, http2};
use super::served::{LONG, Served, body, example};

/// Says when it is dropped.
struct Dropped(Sender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[test]
fn a_connection_serves_one_request_after_another() {
    let served = Served::new(example);
    let mut raw = Raw::to(served.address);
    for path in ["/1", "/2", "/3"] {
        let answer = raw.get(path);
        assert_eq!(answer.body, path);
        assert!(answer.header("date").is_some());
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    const REQUESTS: usize = 20_000;
    let served = Served::new(example);
    let mut raw = Raw::to(served.address);
    let mut sender = raw.stream().try_clone().map(std::io::BufWriter::new).expect("a clone");
    let sending = thread::spawn(move || {
        use std::io::Write;
        for number in 0..REQUESTS {
            write!(sender, "GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is read");
        }
    });
    for number in 0..REQUESTS {
        assert_eq!(raw.answer().body, format!("/{number}"));
    }
    sending.join().expect("all is sent");
}

#[tokio::test]
async fn http_2_is_spoken_to_clients_that_begin_with_it() {
    let served = Served::new(example);
    let client = http2(served.address).await;
    let uri = |number| format!("http://{}/{number}", served.address);
    let requests = (0..100).map(|number| {
        let mut client = client.clone();
        let request = Request::get(uri(number)).body(empty()).expect("a request");
        async move { client.send_request(request).await.expect("an answer") }
    });
    for (number, response) in futures::future::join_all(requests).await.into_iter().enumerate() {
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(body, format!("/{number}"));
    }
}

#[test]
fn the_preface_of_http_2_may_come_in_pieces() {
    let served = Served::new(example);
    let mut raw = Raw::to(served.address);
    raw.stream().set_nodelay(true).expect("an option");
    for piece in ["PRI * HT", "TP/2.0\r\n\r\n", "SM\r\n\r\n"] {
        raw.send(piece);
    }
    // An empty SETTINGS frame, as the client's half of the preface has to end with.
    raw.send([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    let mut frame = [0; 9];
    std::io::Read::read_exact(&mut raw.stream(), &mut frame).expect("a frame");
    assert_eq!(frame[3], 4, "the server's first frame is SETTINGS");
}

#[test]
fn connections_are_spread_over_the_threads() {
    let name = |_: Request<Incoming>, _: Peer| async {
        let thread = format!("{:?}", thread::current().id());
        Ok::<_, Failure>(Response::new(body(thread)))
    };
    let options = Options { threads: 2, ..Options::default() };
    let served = Served::with(options, LONG, name);
    let seen: HashSet<_> = (0..64).map(|_| Raw::to(served.address).get("/").body).collect();
    assert_eq!(seen.len(), 2);
}

#[test]
fn a_port_that_is_taken_is_not_shared() {
    let served = Served::new(example);
    let plain = TcpListener::bind("127.0.0.1:0").expect("a free port");
    for taken in [served.address, plain.local_addr().expect("an address")] {
        let error = Server::bind(taken, Options::default()).expect_err("somebody listens there");
        assert!(matches!(error, BindError::Taken { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&taken.to_string()) && text.contains("port 0"), "{text}");
    }
    let foreign = "192.0.2.1:0".parse().expect("an address");
    let error = Server::bind(foreign, Options::default()).expect_err("a documentation address");
    assert!(matches!(error, BindError::Absent { .. }), "{error:?}");
}

#[test]
fn a_client_that_goes_cancels_its_request() {
    let (begun, has_begun) = channel();
    let (dropped, is_dropped) = channel();
    let served = Served::new(move |_: Request<Incoming>, _: Peer| {
        let guard = Dropped(dropped.clone());
        begun.send(()).expect("the test waits");
        async move {
            let _guard = guard;
            pending::<Result<Response<Body>, Failure>>().await
        }
    });
    let whole = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned();
    let half = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhello".to_owned();
    let more_than_one_read = half.clone() + &"x".repeat(20_000);
    for request in [whole, half, more_than_one_read] {
        // In order, and with a reset.
        for linger in [None, Some(Duration::ZERO)] {
            let mut raw = Raw::to(served.address);
            raw.send(&request);
            has_begun.recv_timeout(LONG).expect("the request begins");
            SockRef::from(raw.stream()).set_linger(linger).expect("an option");
            drop(raw);
            is_dropped.recv_timeout(LONG).expect("the request ends with its client");
        }
    }

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let address = served.address;
    let request = runtime.spawn(async move {
        let mut client = http2(address).await;
        let request = Request::get(format!("http://{address}/")).body(empty()).expect("a request");
        client.send_request(request).await.map(drop)
    });
    has_begun.recv_timeout(LONG).expect("the request begins");
    request.abort();
    is_dropped.recv_timeout(LONG).expect("the request ends with its stream");
    assert!(served.end().drained);
}

/// Sends `request` and closes the sending side, as `nc -N` does.
fn say_all(served: &Served, request: &str) -> Raw {
    let mut raw = Raw::to(served.address);
    raw.send(request);
    raw.stream().shutdown(Shutdown::Write).expect("the connection is open");
    raw
}

#[test]
fn a_client_that_has_said_all_is_answered_if_the_answer_comes_soon() {
    let served = Served::new(|request: Request<Incoming>, _: Peer| async move {
        let whole = request.into_body().collect().await.expect("a whole body").to_bytes();
        sleep(Duration::from_millis(50)).await;
        Ok::<_, Failure>(Response::new(body(whole)))
    });
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    for _ in 0..10 {
        for (requests, answers) in [(get.to_owned(), 1), (post.to_owned(), 1), (get.repeat(4), 4)] {
            let answer = say_all(&served, &requests).rest();
            assert_eq!(answer.matches("HTTP/1.1 200").count(), answers, "{requests:?}: {answer}");
        }
    }
}

#[test]
fn a_client_that_has_said_all_gets_the_whole_of_an_answer_that_has_begun() {
    const PIECES: usize = 20;
    let served = Served::new(|_: Request<Incoming>, _: Peer| async {
        let slowly = futures::stream::iter(0..PIECES).then(|_| async {
            sleep(Duration::from_millis(20)).await;
            Ok::<_, BodyError>(Frame::data(Bytes::from_static(b"piece ")))
        });
        Ok::<_, Failure>(Response::new(StreamBody::new(slowly).boxed_unsync()))
    });
    let answer = say_all(&served, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").rest();
    assert_eq!(answer.matches("piece ").count(), PIECES, "{answer}");
    assert!(answer.ends_with("0\r\n\r\n"), "{answer}");
}

#[test]
fn half_a_body_is_an_error_for_the_handler() {
    let (ended, has_ended) = channel();
    let served = Served::new(move |request: Request<Incoming>, _: Peer| {
        let ended = ended.clone();
        async move {
            let whole = request.into_body().collect().await.is_ok();
            ended.send(whole).expect("the test waits");
            Ok::<_, Failure>(Response::new(body("")))
        }
    });
    for head in ["Content-Length: 100\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n9\r\nhalf"] {
        let mut raw = Raw::to(served.address);
        raw.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{head}"));
        drop(raw);
        assert!(!has_ended.recv_timeout(LONG).expect("the handler ends"), "{head}");
    }
}
