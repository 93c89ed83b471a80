//! Contents, trailers, and the futures that lead to them, of requests that are sent.

use exact::Checks;
use wasip2::{
    http::{
        outgoing_handler::handle,
        types::{
            Fields, FutureIncomingResponse, FutureTrailers, IncomingBody, IncomingResponse, Method,
            OutgoingBody, OutgoingRequest, http_error_code,
        },
    },
    io::streams::{OutputStream, StreamError},
};

use crate::client::{request, send, to, whole};

pub(crate) fn check(checks: &mut Checks) {
    let origin = std::env::var("ORIGIN").unwrap_or_default();
    waiting(checks, &origin);
    incoming(checks, &origin);
    trailers(checks, &origin);
    failed_trailers(checks, &origin);
    outgoing(checks, &origin);
    sized(checks, &origin);
    order(checks, &origin);
    told(checks, &origin);
}

/// What the WIT files say to trap, with an answer of the server at `ORIGIN`.
pub(crate) fn trap(what: &str) {
    let origin = std::env::var("ORIGIN").unwrap_or_default();
    match what {
        "wasi:http/types@0.2.12#incoming-body.finish: traps while the stream is open" => {
            let response = send(request(&origin, Some("/length")), None).expect("an answer");
            let body = response.consume().expect("it is taken once");
            let _stream = body.stream().expect("it is taken once");
            drop(IncomingBody::finish(body));
        }
        "wasi:http/types@0.2.12#outgoing-body.finish: traps while the stream is open" => {
            let body = request(&origin, None).body().expect("it is taken once");
            let _stream = body.write().expect("it is taken once");
            drop(OutgoingBody::finish(body, None));
        }
        "wasi:http/types@0.2.12#outgoing-body.write: the stream cannot outlive the body" => {
            let body = request(&origin, None).body().expect("it is taken once");
            let _stream = body.write().expect("it is taken once");
            drop(body);
        }
        _ => panic!("nothing is known by this name"),
    }
}

fn waiting(checks: &mut Checks, origin: &str) {
    let never = handle(request(origin, Some("/never")), None).expect("it is begun");
    checks.equal("future-incoming-response.get: nothing has come", never.get().is_none(), true);
    checks.equal(
        "future-incoming-response.subscribe: nothing has come",
        never.subscribe().ready(),
        false,
    );
    let refused = std::env::var("REFUSED").unwrap_or_default();
    for (name, authority, is_answer) in
        [("an answer", origin, true), ("an error", refused.as_str(), false)]
    {
        let future = handle(request(authority, Some("/length")), None).expect("it is begun");
        let pollable = future.subscribe();
        pollable.block();
        checks.equal(
            &format!("future-incoming-response.subscribe: stays ready for {name}"),
            (pollable.ready(), future.subscribe().ready()),
            (true, true),
        );
        checks.that(
            &format!("future-incoming-response.get: {name}, where it is ready"),
            future.get(),
            |got| got.as_ref().is_some_and(|got| is(got, is_answer)),
        );
        checks.that(
            &format!("future-incoming-response.get: {name}, a second time"),
            future.get(),
            |got| matches!(got, Some(Err(()))),
        );
    }
}

fn is<T, E>(got: &Result<Result<T, E>, ()>, good: bool) -> bool {
    got.as_ref().is_ok_and(|got| got.is_ok() == good)
}

fn answer(origin: &str, path: &str) -> IncomingResponse {
    send(request(origin, Some(path)), None).expect("an answer")
}

fn incoming(checks: &mut Checks, origin: &str) {
    let body = answer(origin, "/length").consume().expect("it is taken once");
    let stream = body.stream();
    checks.equal("incoming-body.stream: the first time", stream.is_ok(), true);
    checks.equal("incoming-body.stream: a second time", body.stream().is_err(), true);
    drop(stream);
    checks.equal("incoming-body.stream: after the first is dropped", body.stream().is_err(), true);
    let response = answer(origin, "/length");
    for (name, changed) in [
        ("append", response.headers().append("x", b"1")),
        ("set", response.headers().set("x-own", &[])),
        ("delete", response.headers().delete("x-own")),
    ] {
        checks.fails(
            &format!("incoming-response.headers: are immutable to {name}"),
            changed,
            "Immutable",
        );
    }
}

fn resolved(trailers: &FutureTrailers) -> Option<Fields> {
    trailers.subscribe().block();
    trailers.get().and_then(Result::ok).and_then(Result::ok).flatten()
}

fn trailers(checks: &mut Checks, origin: &str) {
    let unread = answer(origin, "/trailers").consume().expect("it is taken once");
    let future = IncomingBody::finish(unread);
    let fields = resolved(&future);
    checks.equal(
        "incoming-body.finish: trailers of contents that were not read",
        fields.as_ref().map(|fields| fields.get("x-end")),
        Some(vec![b"yes".to_vec()]),
    );
    checks.equal(
        "future-trailers.subscribe: stays ready after they were taken",
        future.subscribe().ready(),
        true,
    );
    if let Some(fields) = fields {
        for (name, changed) in [
            ("append", fields.append("x", b"1")),
            ("set", fields.set("x-end", &[])),
            ("delete", fields.delete("x-end")),
        ] {
            checks.fails(
                &format!("future-trailers.get: trailers are immutable to {name}"),
                changed,
                "Immutable",
            );
        }
    }
    let part = answer(origin, "/trailers").consume().expect("it is taken once");
    let stream = part.stream().expect("it is taken once");
    checks.equal(
        "incoming-body.stream: a part of the contents",
        stream.blocking_read(1).ok(),
        Some(b"o".to_vec()),
    );
    drop(stream);
    checks.equal(
        "incoming-body.finish: trailers of contents that were read in part",
        resolved(&IncomingBody::finish(part)).map(|fields| fields.get("x-end")),
        Some(vec![b"yes".to_vec()]),
    );
    let stalled = answer(origin, "/stalls").consume().expect("it is taken once");
    let future = IncomingBody::finish(stalled);
    checks.equal("future-trailers.get: the contents have not ended", future.get().is_none(), true);
    checks.equal(
        "future-trailers.subscribe: the contents have not ended",
        future.subscribe().ready(),
        false,
    );
}

fn failed_trailers(checks: &mut Checks, origin: &str) {
    for (name, path) in
        [("shorter than it says", "/short"), ("chunks that end early", "/short-chunks")]
    {
        let unread = answer(origin, path).consume().expect("it is taken once");
        let future = IncomingBody::finish(unread);
        future.subscribe().block();
        checks.equal(
            &format!("future-trailers.get: an answer, {name}, that was not read"),
            ended(&future),
            "HttpResponseIncomplete".to_owned(),
        );
        let (_, _, future) = whole(&answer(origin, path));
        future.subscribe().block();
        checks.equal(
            &format!("future-trailers.get: an answer, {name}, that was read"),
            ended(&future),
            "HttpResponseIncomplete".to_owned(),
        );
        let body = answer(origin, path).consume().expect("it is taken once");
        let stream = body.stream().expect("it is taken once");
        stream.subscribe().block();
        stream.read(4096).expect("there is a part");
        stream.subscribe().block();
        drop(stream);
        let future = IncomingBody::finish(body);
        future.subscribe().block();
        checks.equal(
            &format!("future-trailers.get: an answer, {name}, that was read up to there"),
            ended(&future),
            "HttpResponseIncomplete".to_owned(),
        );
    }
}

/// The error that a future holds, or what there is instead.
fn ended(future: &FutureTrailers) -> String {
    match future.get() {
        Some(Ok(Err(code))) => exact::code(&code),
        other => format!("{other:?}"),
    }
}

/// Begins to send a request with contents.
fn post(headers: Fields, origin: &str) -> (OutgoingBody, OutputStream, FutureIncomingResponse) {
    let post = to(OutgoingRequest::new(headers), origin, Some("/echo"));
    post.set_method(&Method::Post).expect("a method");
    let body = post.body().expect("it is taken once");
    let future = handle(post, None).expect("it is begun");
    let stream = body.write().expect("it is taken once");
    (body, stream, future)
}

fn said(future: &FutureIncomingResponse) -> Option<String> {
    future.subscribe().block();
    let response = future.get()?.ok()?.ok()?;
    Some(whole(&response).0)
}

fn fields(name: &str, value: &str) -> Fields {
    Fields::from_list(&[(name.to_owned(), value.as_bytes().to_vec())]).expect("it is well-formed")
}

fn outgoing(checks: &mut Checks, origin: &str) {
    let (body, stream, future) = post(fields("trailer", "x-end"), origin);
    stream.blocking_write_and_flush(b"contents").expect("it is sent");
    drop(stream);
    let trailers = Some(fields("x-end", "yes"));
    checks.good("outgoing-body.finish: trailers", OutgoingBody::finish(body, trailers));
    checks.that("outgoing-body.finish: the trailers arrive", said(&future), |said| {
        said.as_deref().is_some_and(|said| said.ends_with("\n\ncontentsx-end: yes\n"))
    });
    let (body, stream, future) = post(Fields::new(), origin);
    drop(stream);
    checks.good("outgoing-body.finish: no contents", OutgoingBody::finish(body, None));
    checks.that("outgoing-body.finish: no contents arrive", said(&future), |said| {
        said.as_deref().is_some_and(|said| said.ends_with("\n\n"))
    });
    let (body, stream, future) = post(Fields::new(), origin);
    stream.blocking_write_and_flush(b"contents").expect("it is sent");
    drop(stream);
    drop(body);
    future.subscribe().block();
    checks.that("outgoing-body.finish: without it the request is an error", future.get(), |got| {
        matches!(got, Some(Ok(Err(_))))
    });
}

fn sized(checks: &mut Checks, origin: &str) {
    let (body, stream, future) = post(fields("content-length", "8"), origin);
    stream.blocking_write_and_flush(b"contents").expect("it is sent");
    drop(stream);
    checks.good("outgoing-body.finish: as long as it says", OutgoingBody::finish(body, None));
    checks.that("outgoing-body.write: as long as it says", said(&future), |said| {
        said.as_deref().is_some_and(|said| said.ends_with("\n\ncontents"))
    });
    let (body, stream, _future) = post(fields("content-length", "2"), origin);
    let Err(StreamError::LastOperationFailed(error)) = stream.blocking_write_and_flush(b"contents")
    else {
        checks.that("outgoing-body.write: longer than it says", "no error", |_| false);
        return;
    };
    checks.equal(
        "http-error-code: contents that are longer than they say",
        http_error_code(&error).map(|code| exact::code(&code)).as_deref(),
        Some("HttpRequestBodySize"),
    );
    checks.that(
        "outgoing-body.write: is closed after contents were longer than they say",
        stream.check_write(),
        is_closed,
    );
    checks.that(
        "outgoing-body.write: is closed to contents after they were longer than they say",
        stream.write(b"more"),
        is_closed,
    );
    checks.equal(
        "outgoing-body.write: is ready after contents were longer than they say",
        stream.subscribe().ready(),
        true,
    );
    drop((error, stream));
    checks.fails(
        "outgoing-body.finish: longer than it says",
        OutgoingBody::finish(body, None),
        "HttpRequestBodySize",
    );
}

fn is_closed<T>(got: &Result<T, StreamError>) -> bool {
    matches!(got, Err(StreamError::Closed))
}

fn order(checks: &mut Checks, origin: &str) {
    let mut number = b'0';
    let list = ["x-two", "x-one", "x-three", "x-one"].map(|name| {
        number += 1;
        (name.to_owned(), vec![number])
    });
    let fields = Fields::from_list(&list).expect("they are well-formed");
    let told: Vec<_> = fields
        .entries()
        .into_iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(&value)))
        .collect();
    let sent = to(OutgoingRequest::new(fields), origin, Some("/echo"));
    let echo = send(sent, None).map(|response| whole(&response).0).unwrap_or_default();
    let sent = echo.lines().filter(|line| line.starts_with("x-")).map(str::to_owned).collect();
    checks.equal("fields.entries: in the order in which they are sent", told, sent);
}

/// What people are told of contents that break off.
fn told(checks: &mut Checks, origin: &str) {
    checks.interface("wasi:io/error@0.2.12");
    for (name, path) in
        [("shorter than it says", "/short"), ("chunks that end early", "/short-chunks")]
    {
        let body = answer(origin, path).consume().expect("it is taken once");
        let stream = body.stream().expect("it is taken once");
        let end = loop {
            match stream.blocking_read(4096) {
                Ok(_) => {}
                Err(StreamError::LastOperationFailed(error)) => break error.to_debug_string(),
                Err(StreamError::Closed) => break String::new(),
            }
        };
        checks.that(&format!("error.to-debug-string: an answer, {name}"), end, |said| {
            !said.trim().is_empty()
        });
    }
}
