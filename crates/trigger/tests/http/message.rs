//! What single messages may look like, and what is answered to those that may not.

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use keyway_trigger::http::{Body, Failure, HEALTH, Options, Peer, Routes};

use super::client::{Raw, empty, exchange, http2};
use super::served::{LONG, Served, body, example};

#[test]
fn http_1_0_is_answered_and_closed() {
    let served = Served::new(example);
    let answer = exchange(served.address, "GET /old HTTP/1.0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n/old"), "{answer}");
}

#[test]
fn a_request_that_names_no_host_is_for_the_address_that_it_came_to() {
    let served = Served::new(|request: Request<Incoming>, _: Peer| async move {
        let host = request.headers().get("host").expect("it has a host");
        Ok::<_, Failure>(Response::new(body(host.as_bytes().to_vec())))
    });
    let answer = exchange(served.address, "GET / HTTP/1.0\r\n\r\n");
    assert!(answer.ends_with(&format!("\r\n\r\n{}", served.address)), "{answer}");
}

#[test]
fn head_is_answered_with_the_length_alone() {
    let served = Served::new(example);
    let mut raw = Raw::to(served.address);
    let head = raw.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n").head();
    assert!(head.contains("content-length: 6\r\n"), "{head}");
    assert_eq!(raw.get("/next").body, "/next");
}

#[tokio::test]
async fn head_of_http_2_is_answered_with_the_length_alone() {
    let served = Served::new(example);
    let mut client = http2(served.address).await;
    let uri = format!("http://{}/hello", served.address);
    let request = Request::head(uri).body(empty()).expect("a request");
    let response = client.send_request(request).await.expect("an answer");
    assert_eq!(response.headers()["content-length"], "6");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    assert!(body.is_empty());
}

/// Answers `/304` with that status, and as if there were content.
async fn with_content(request: Request<Incoming>, _: Peer) -> Result<Response<Body>, Failure> {
    let mut response = Response::new(body("content"));
    let status: u16 = request.uri().path()[1..].parse().expect("a status");
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("42"));
    Ok(response)
}

#[test]
fn a_status_without_content_has_none() {
    let served = Served::new(with_content);
    let mut raw = Raw::to(served.address);
    let request = |status: u16| format!("GET /{status} HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = raw.send(request(304)).head();
    assert!(head.contains(" 304 ") && head.contains("content-length: 42\r\n"), "{head}");
    let head = raw.send(request(204)).head();
    assert!(head.contains(" 204 ") && !head.contains("content-length"), "{head}");
    // The connection is in order.
    let head = raw.send(request(304)).head();
    assert!(head.contains(" 304 "), "{head}");
}

#[tokio::test]
async fn a_status_without_content_has_none_over_http_2() {
    let served = Served::new(with_content);
    let mut client = http2(served.address).await;
    for (status, length) in [(304, Some("42")), (204, None)] {
        let uri = format!("http://{}/{status}", served.address);
        let request = Request::get(uri).body(empty()).expect("a request");
        let response = client.send_request(request).await.expect("an answer");
        assert_eq!(response.status(), status);
        let declared = response.headers().get(CONTENT_LENGTH);
        assert_eq!(declared.map(HeaderValue::as_bytes), length.map(str::as_bytes));
        let body = response.into_body().collect().await.expect("a whole answer").to_bytes();
        assert!(body.is_empty(), "{body:?}");
    }
}

#[test]
fn a_request_of_http_1_1_names_one_host() {
    let served = Served::new(example);
    for hosts in
        ["", "Host: a\r\nHost: a\r\n", "Host: a/b\r\n", "Host: u@a\r\n", "Host: \u{e4}\r\n"]
    {
        let answer =
            Raw::to(served.address).send(format!("GET / HTTP/1.1\r\n{hosts}\r\n")).answer();
        assert_eq!(answer.status(), 400, "{hosts:?}");
        assert!(answer.body.contains("Host header"), "{answer:?}");
    }
    let empty = Raw::to(served.address).send("GET / HTTP/1.1\r\nHost:\r\n\r\n").answer();
    assert_eq!(empty.status(), 200);
}

#[test]
fn the_host_of_the_uri_comes_before_the_header() {
    let mut routes = Routes::new();
    routes.add(Some("b.example"), "/x", example).expect("a route");
    let served = Served::routes(Options::default(), LONG, routes);
    let mut raw = Raw::to(served.address);
    let absolute = "GET http://B.example:80/x?q HTTP/1.1\r\nHost: a.example\r\n\r\n";
    assert_eq!(raw.send(absolute).answer().body, "/x");
    assert_eq!(raw.get("/x").status(), 404);
}

#[test]
fn nothing_is_told_where_nothing_is_served() {
    let mut routes = Routes::new();
    routes.add(None, "/secret", example).expect("a route");
    let served = Served::routes(Options::default(), LONG, routes);
    let answer = Raw::to(served.address).get("/other");
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(!answer.body.contains("secret"), "{answer:?}");
}

#[test]
fn health_is_answered_for_any_host() {
    let mut routes = Routes::new();
    routes.add(Some("only.example"), "/", example).expect("a route");
    let served = Served::routes(Options::default(), LONG, routes);
    let answer = Raw::to(served.address).get(HEALTH);
    assert_eq!((answer.status(), answer.body.as_str()), (200, "ok"));
}

#[test]
fn tunnels_are_refused_and_upgrades_ignored() {
    let served = Served::new(example);
    let connect = "CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n";
    assert_eq!(Raw::to(served.address).send(connect).answer().status(), 501);
    let upgrade =
        "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let mut raw = Raw::to(served.address);
    assert_eq!(raw.send(upgrade).answer().body, "/chat");
    assert_eq!(raw.get("/next").body, "/next");
    let all = Raw::to(served.address).send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").answer();
    assert_eq!(all.body, "*");
}

#[tokio::test]
async fn a_tunnel_over_http_2_is_refused() {
    let served = Served::new(example);
    let mut client = http2(served.address).await;
    let mut request = Request::new(empty());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = "other:443".parse().expect("an authority");
    *request.version_mut() = Version::HTTP_2;
    let response = client.send_request(request).await.expect("an answer");
    assert_eq!(response.status(), 501);
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let served = Served::new(example);
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(70 * 1024));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: x\r\n".repeat(5000));
    for head in [long, many] {
        let mut raw = Raw::to(served.address);
        let answer = raw.send(head).until_end();
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

#[test]
fn a_target_that_is_too_long_is_refused_as_such() {
    let served = Served::new(example);
    let get = "GET /first HTTP/1.1\r\nHost: a\r\n\r\n";
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(70 * 1024));
    for requests in [long.clone(), long[..67 * 1024].to_owned()] {
        let answer = Raw::to(served.address).send(requests).until_end();
        assert!(answer.starts_with("HTTP/1.1 414 URI Too Long\r\n"), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
    // Also after others.
    let mut raw = Raw::to(served.address);
    assert_eq!(raw.send(get).answer().body, "/first");
    let answer = raw.send(long).until_end();
    assert!(answer.starts_with("HTTP/1.1 414"), "{answer}");
}

#[test]
fn what_is_no_http_is_refused() {
    let served = Served::new(example);
    for junk in ["\x16\x03\x01\x02 hello\r\n\r\n", "GET\r\n\r\n", "PRI * HTTP/1.1 \r\n\r\n"] {
        let answer = Raw::to(served.address).send(junk).until_end();
        assert!(answer.starts_with("HTTP/1.1 400"), "{junk:?}: {answer}");
    }
    assert_eq!(Raw::to(served.address).get("/next").body, "/next");
}

#[test]
fn the_client_is_told_to_go_on_once_the_body_is_wanted() {
    let served = Served::new(example);
    let mut raw = Raw::to(served.address);
    raw.send(
        "POST /collect HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
    );
    assert!(raw.head().starts_with("HTTP/1.1 100 "));
    raw.send("body");
    assert_eq!(raw.answer().body, "body");
}

#[test]
fn failures_have_their_status_and_keep_their_secrets() {
    let served = Served::new(example);
    let mut raw = Raw::to(served.address);
    let busy = raw.get("/busy");
    assert_eq!((busy.status(), busy.header("retry-after")), (503, Some("1")));
    let trap = raw.get("/trap");
    assert_eq!(trap.status(), 500);
    assert!(!trap.body.contains("secret"), "{trap:?}");
    assert_eq!(raw.get("/early").status(), 502);
    assert_eq!(raw.get("/next").body, "/next");
}

#[test]
fn an_answer_shorter_than_promised_closes_its_connection() {
    let served = Served::new(example);
    let get = |path| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let answers = Raw::to(served.address).send(get("/short") + &get("/next")).until_end();
    assert!(answers.ends_with("12345"), "{answers}");
    assert_eq!(Raw::to(served.address).get("/next").body, "/next");
}
