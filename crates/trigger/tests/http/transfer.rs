//! Bodies: as long as they like, no faster than they are taken, with what comes after them.

use std::future::pending;
use std::io::{ErrorKind, Write};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use keyway_trigger::http::{Body, BodyError, Failure, Peer};

use super::client::{Raw, empty, http1, http2};
use super::served::{Served, example};

const CHUNK_BYTES: usize = 64 * 1024;
const CHUNKS: usize = 1024;

type Frames = Vec<Result<Frame<Bytes>, std::io::Error>>;

fn long_body() -> impl http_body::Body<Data = Bytes, Error = std::io::Error> + Send + Unpin {
    let chunk = |number: usize| Bytes::from(vec![number as u8; CHUNK_BYTES]);
    StreamBody::new(futures::stream::iter((0..CHUNKS).map(move |n| Ok(Frame::data(chunk(n))))))
}

/// Takes a body frame by frame, and compares it with what was sent.
async fn is_the_long_body(mut body: Incoming) {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        let data = frame.expect("a whole body").into_data().expect("data alone");
        for byte in &data {
            assert_eq!(*byte, (bytes / CHUNK_BYTES) as u8);
            bytes += 1;
        }
    }
    assert_eq!(bytes, CHUNK_BYTES * CHUNKS);
}

#[tokio::test]
async fn a_long_body_streams_through_over_http_1() {
    let served = Served::new(example);
    let mut client = http1(served.address).await;
    let request = Request::post("/echo").header("host", "a").body(long_body()).expect("a request");
    let response = client.send_request(request).await.expect("an answer");
    is_the_long_body(response.into_body()).await;
}

#[tokio::test]
async fn a_long_body_streams_through_over_http_2() {
    let served = Served::new(example);
    let mut client = http2(served.address).await;
    let uri = format!("http://{}/echo", served.address);
    let request = Request::post(uri).body(long_body()).expect("a request");
    let response = client.send_request(request).await.expect("an answer");
    is_the_long_body(response.into_body()).await;
}

/// Sends a gigabyte until it is no longer read; returns how much was read.
fn taken(raw: &Raw) -> usize {
    let mut stream = raw.stream();
    stream.set_write_timeout(Some(Duration::from_millis(300))).expect("a timeout can be set");
    let chunk = [b'x'; CHUNK_BYTES];
    let mut taken = 0;
    while taken < 1 << 30 {
        match stream.write(&chunk) {
            Ok(bytes) => taken += bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("the connection broke off: {error}"),
        }
    }
    taken
}

#[test]
fn a_body_that_is_not_read_is_not_taken_in() {
    let served = Served::new(|request: Request<Incoming>, _: Peer| async move {
        let _unread = request;
        pending::<Result<Response<Body>, Failure>>().await
    });
    let mut raw = Raw::to(served.address);
    raw.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", 1_u64 << 30));
    // What fits into the buffers of two sockets and of one connection.
    assert!(taken(&raw) < 64 << 20);
}

#[test]
fn a_body_is_read_no_faster_than_its_answer_is_taken() {
    let served = Served::new(example);
    let mut raw = Raw::to(served.address);
    raw.send(format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", 1_u64 << 30));
    assert!(taken(&raw) < 128 << 20);
}

/// Answers with a part of what it announces, and then with an error.
async fn break_off(_: Request<Incoming>, _: Peer) -> Result<Response<Body>, Failure> {
    let frames =
        [Ok(Frame::data(Bytes::from_static(b"part"))), Err(BodyError::Guest("no more".to_owned()))];
    let mut response = Response::new(StreamBody::new(futures::stream::iter(frames)).boxed_unsync());
    response.headers_mut().insert("content-length", HeaderValue::from_static("100"));
    Ok(response)
}

#[tokio::test]
async fn what_was_given_before_an_answer_broke_off_arrives() {
    let served = Served::new(break_off);
    let mut raw = Raw::to(served.address);
    let answer = raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").until_end();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("\r\n\r\npart"), "{answer}");

    let mut client = http2(served.address).await;
    let request = Request::get(format!("http://{}/", served.address)).body(empty());
    let answer = client.send_request(request.expect("a request")).await.expect("an answer");
    let mut body = answer.into_body();
    let first = body.frame().await.expect("a frame").expect("it arrived");
    assert_eq!(first.into_data().expect("data"), "part");
    body.frame().await.expect("not the end").expect_err("it is not whole");
}

fn with_trailers() -> impl http_body::Body<Data = Bytes, Error = std::io::Error> + Send + Unpin {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("42"));
    let frames: Frames =
        vec![Ok(Frame::data(Bytes::from_static(b"data"))), Ok(Frame::trailers(trailers))];
    StreamBody::new(futures::stream::iter(frames))
}

fn request(uri: String) -> http::request::Builder {
    Request::post(uri).header("te", "trailers").header("trailer", "x-sum")
}

#[tokio::test]
async fn trailers_go_both_ways() {
    let served = Served::new(example);
    let mut client = http1(served.address).await;
    let over_1 = request("/echo".into()).header("host", "a").body(with_trailers());
    let over_1 = client.send_request(over_1.expect("a request")).await.expect("an answer");
    let mut client = http2(served.address).await;
    let over_2 = request(format!("http://{}/echo", served.address)).body(with_trailers());
    let over_2 = client.send_request(over_2.expect("a request")).await.expect("an answer");
    for response in [over_1, over_2] {
        let body = response.into_body().collect().await.expect("a body");
        assert_eq!(body.trailers().expect("trailers")["x-sum"], "42");
        assert_eq!(body.to_bytes(), "data");
    }
}
