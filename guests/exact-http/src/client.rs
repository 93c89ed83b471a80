//! Requests that are sent.

use exact::Checks;
use wasip2::{
    http::{
        outgoing_handler::handle,
        types::{
            ErrorCode, Fields, FutureTrailers, IncomingBody, IncomingResponse, Method,
            OutgoingBody, OutgoingRequest, RequestOptions, Scheme, http_error_code,
        },
    },
    io::streams::StreamError,
};

pub(crate) fn check(checks: &mut Checks) {
    let origin = std::env::var("ORIGIN").unwrap_or_default();
    targets(checks, &origin);
    bodies(checks, &origin);
    answers(checks, &origin);
    failures(checks, &origin);
}

pub(crate) fn request(authority: &str, path: Option<&str>) -> OutgoingRequest {
    to(OutgoingRequest::new(Fields::new()), authority, path)
}

/// A request with its target.
pub(crate) fn to(request: OutgoingRequest, authority: &str, path: Option<&str>) -> OutgoingRequest {
    request.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    request.set_authority(Some(authority)).expect("an authority");
    request.set_path_with_query(path).expect("a path");
    request
}

pub(crate) fn send(
    request: OutgoingRequest,
    options: Option<RequestOptions>,
) -> Result<IncomingResponse, ErrorCode> {
    let future = handle(request, options)?;
    future.subscribe().block();
    future.get().expect("it is ready").expect("it is taken once")
}

/// The body, how it ended, and what comes after it.
pub(crate) fn whole(response: &IncomingResponse) -> (String, Option<ErrorCode>, FutureTrailers) {
    let body = response.consume().expect("it is taken once");
    let stream = body.stream().expect("it is taken once");
    let mut bytes = Vec::new();
    let end = loop {
        match stream.blocking_read(4096) {
            Ok(more) => bytes.extend(more),
            Err(StreamError::Closed) => break None,
            Err(StreamError::LastOperationFailed(error)) => break http_error_code(&error),
        }
    };
    drop(stream);
    (String::from_utf8_lossy(&bytes).into_owned(), end, IncomingBody::finish(body))
}

fn echo(request: OutgoingRequest) -> Result<String, ErrorCode> {
    send(request, None).map(|response| whole(&response).0)
}

fn targets(checks: &mut Checks, origin: &str) {
    for (name, path, line) in [
        ("a path", Some("/echo"), "GET /echo HTTP/1.1"),
        ("a path and a query", Some("/echo?a=b"), "GET /echo?a=b HTTP/1.1"),
        ("no path", None, "GET / HTTP/1.1"),
        ("a query alone", Some("?a=b"), "GET /?a=b HTTP/1.1"),
    ] {
        let body = echo(request(origin, path));
        checks.equal(
            &format!("handle: {name}"),
            body.ok().and_then(|body| body.lines().next().map(str::to_owned)).as_deref(),
            Some(line),
        );
    }
    let said = echo(request(origin, Some("/echo"))).unwrap_or_default().to_lowercase();
    checks.that("handle: the host is the authority", said, |said| {
        said.matches("\nhost: ").count() == 1 && said.contains(&format!("\nhost: {origin}\n"))
    });
    let other = request(origin, Some("/echo"));
    other.set_method(&Method::Other("PURGE".to_owned())).expect("a method");
    checks.that("handle: a method of its own", echo(other).unwrap_or_default(), |said| {
        said.starts_with("PURGE /echo ")
    });
    let none = OutgoingRequest::new(Fields::new());
    none.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    checks.that("handle: no authority", send(none, None).map(drop), Result::is_err);
    let odd = request(origin, Some("/"));
    odd.set_scheme(Some(&Scheme::Other("gopher".to_owned()))).expect("a scheme");
    checks.that("handle: a scheme that is not HTTP", send(odd, None).map(drop), Result::is_err);
}

fn bodies(checks: &mut Checks, origin: &str) {
    let post = request(origin, Some("/echo"));
    post.set_method(&Method::Post).expect("a method");
    let body = post.body().expect("it is taken once");
    let future = handle(post, None).expect("it is begun");
    let stream = body.write().expect("it is taken once");
    stream.blocking_write_and_flush(b"contents").expect("it is sent");
    drop(stream);
    checks.interface("wasi:http/types@0.2.12");
    checks.good("outgoing-body.finish: contents", OutgoingBody::finish(body, None));
    future.subscribe().block();
    let response = future.get().expect("it is ready").expect("it is taken once");
    let said = response.map(|response| whole(&response).0).unwrap_or_default();
    checks.that("outgoing-body.write: the contents arrive", said, |said| {
        said.ends_with("\n\ncontents")
    });
    checks.equal(
        "future-incoming-response.get: a second time",
        future.get().is_some_and(|got| got.is_err()),
        true,
    );
    let sized = Fields::from_list(&[("content-length".to_owned(), b"20".to_vec())])
        .expect("it is well-formed");
    let short = OutgoingRequest::new(sized);
    short.set_method(&Method::Post).expect("a method");
    short.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    short.set_authority(Some(origin)).expect("an authority");
    short.set_path_with_query(Some("/echo")).expect("a path");
    let body = short.body().expect("it is taken once");
    let _future = handle(short, None).expect("it is begun");
    let stream = body.write().expect("it is taken once");
    stream.blocking_write_and_flush(b"contents").expect("it is sent");
    drop(stream);
    checks.fails(
        "outgoing-body.finish: shorter than it says",
        OutgoingBody::finish(body, None),
        "HttpRequestBodySize",
    );
    checks.interface("wasi:http/outgoing-handler@0.2.12");
}

fn answers(checks: &mut Checks, origin: &str) {
    checks.interface("wasi:http/types@0.2.12");
    for (name, path, status, text) in [
        ("a length", "/length", 200, "sized"),
        ("chunks", "/chunks", 200, "onetwo"),
        ("no contents", "/empty", 204, ""),
    ] {
        let Ok(response) = send(request(origin, Some(path)), None) else { continue };
        checks.equal(
            &format!("incoming-response.status: an answer with {name}"),
            response.status(),
            status,
        );
        let (body, end, trailers) = whole(&response);
        checks.equal(&format!("incoming-body.stream: an answer with {name}"), body.as_str(), text);
        checks.equal(
            &format!("incoming-body.stream: an answer with {name} ends well"),
            end.is_none(),
            true,
        );
        checks.equal(
            &format!("incoming-response.consume: an answer with {name}, a second time"),
            response.consume().is_err(),
            true,
        );
        trailers.subscribe().block();
        checks.that(
            &format!("future-trailers.get: an answer with {name} has none"),
            trailers.get(),
            |got| matches!(got, Some(Ok(Ok(None)))),
        );
        checks.equal(
            &format!("future-trailers.get: an answer with {name}, a second time"),
            trailers.get().is_some_and(|got| got.is_err()),
            true,
        );
    }
    if let Ok(response) = send(request(origin, Some("/trailers")), None) {
        let (_, _, trailers) = whole(&response);
        trailers.subscribe().block();
        let fields = trailers.get().and_then(Result::ok).and_then(Result::ok).flatten();
        checks.equal(
            "future-trailers.get: trailers",
            fields.map(|fields| fields.get("x-end")),
            Some(vec![b"yes".to_vec()]),
        );
    }
    if let Ok(response) = send(request(origin, Some("/length")), None) {
        let headers = response.headers();
        checks.equal(
            "incoming-response.headers: of an answer",
            headers.get("x-own"),
            vec![b"1".to_vec()],
        );
        checks.that(
            "fields.append: the headers of an answer are immutable",
            headers.append("x", b"1"),
            Result::is_err,
        );
    }
    for (name, path) in
        [("shorter than it says", "/short"), ("chunks that end early", "/short-chunks")]
    {
        let Ok(response) = send(request(origin, Some(path)), None) else { continue };
        let end = whole(&response).1;
        checks.equal(
            &format!("http-error-code: an answer, {name}"),
            end.map(|code| exact::code(&code)).as_deref(),
            Some("HttpResponseIncomplete"),
        );
    }
    checks.interface("wasi:http/outgoing-handler@0.2.12");
}

fn failures(checks: &mut Checks, origin: &str) {
    let refused = std::env::var("REFUSED").unwrap_or_default();
    let denied = std::env::var("DENIED").unwrap_or_default();
    for (name, authority, path, code) in [
        ("nobody listens", refused.as_str(), "/", "ConnectionRefused"),
        ("it is not granted", denied.as_str(), "/", "HttpRequestDenied"),
        ("the server hangs up", origin, "/close", "ConnectionTerminated"),
        ("the server does not speak HTTP", origin, "/garbage", "HttpProtocolError"),
        ("a header section without end", origin, "/large-head", "HttpResponseHeaderSectionSize"),
        ("a name that there is not", "does-not-exist.invalid", "/", "DnsError"),
    ] {
        checks.fails(&format!("handle: {name}"), send(request(authority, Some(path)), None), code);
    }
    let options = RequestOptions::new();
    options.set_first_byte_timeout(Some(200_000_000)).expect("it is set");
    checks.fails(
        "handle: no first byte in time",
        send(request(origin, Some("/never")), Some(options)),
        "ConnectionReadTimeout",
    );
    let options = RequestOptions::new();
    options.set_between_bytes_timeout(Some(200_000_000)).expect("it is set");
    if let Some(response) = checks.good(
        "handle: an answer that stalls later",
        send(request(origin, Some("/stalls")), Some(options)),
    ) {
        let end = whole(&response).1;
        checks.equal(
            "handle: no next byte in time",
            end.map(|code| exact::code(&code)).as_deref(),
            Some("ConnectionReadTimeout"),
        );
    }
}
