//! Requests that are sent.

use exact::Checks;
use wasip3::{
    http::{
        client::send,
        types::{ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme},
    },
    wit_bindgen::StreamReader,
    wit_future, wit_stream,
};

use crate::{no_trailers, request};

pub(crate) async fn check(checks: &mut Checks) {
    let origin = std::env::var("ORIGIN").unwrap_or_default();
    targets(checks, &origin).await;
    bodies(checks, &origin).await;
    lengths(checks, &origin).await;
    answers(checks, &origin).await;
    failures(checks, &origin).await;
    timeouts(checks, &origin).await;
}

/// The status, the body, and how the body ended.
async fn whole(response: Response) -> (u16, String, Result<Option<Fields>, ErrorCode>) {
    let status = response.get_status_code();
    let (_, result) = wit_future::new(|| Ok(()));
    let (stream, trailers) = Response::consume_body(response, result);
    let body = stream.collect().await;
    (status, String::from_utf8_lossy(&body).into_owned(), trailers.await)
}

async fn echo(request: Request) -> Result<String, ErrorCode> {
    Ok(whole(send(request).await?).await.1)
}

async fn targets(checks: &mut Checks, origin: &str) {
    for (name, path, line) in [
        ("a path", Some("/echo"), "GET /echo HTTP/1.1"),
        ("a path and a query", Some("/echo?a=b"), "GET /echo?a=b HTTP/1.1"),
        ("no path", None, "GET / HTTP/1.1"),
        ("a query alone", Some("?a=b"), "GET /?a=b HTTP/1.1"),
        ("an empty path", Some(""), "GET / HTTP/1.1"),
    ] {
        let (request, sent) = request(origin, path, None);
        let body = echo(request).await;
        checks.equal(
            &format!("send: {name}"),
            body.ok().and_then(|body| body.lines().next().map(str::to_owned)).as_deref(),
            Some(line),
        );
        checks.good(&format!("send: {name} is transmitted"), sent.await);
    }
    let (own, _sent) = request(origin, Some("/echo"), None);
    let said = echo(own).await.unwrap_or_default().to_lowercase();
    checks.that("send: the host is the authority", said, |said| {
        said.matches("\nhost: ").count() == 1 && said.contains(&format!("\nhost: {origin}\n"))
    });
    let (own, _sent) = request(&format!("user:secret@{origin}"), Some("/echo"), None);
    let said = echo(own).await.unwrap_or_default().to_lowercase();
    checks.that("send: the host is without a name and a password", said, |said| {
        said.contains(&format!("\nhost: {origin}\n")) && !said.contains("secret")
    });
    for method in [Method::Post, Method::Delete, Method::Other("PURGE".to_owned())] {
        let (own, _sent) = request(origin, Some("/echo"), None);
        own.set_method(&method).expect("a method");
        let first = echo(own).await.unwrap_or_default();
        let upper = format!("{method:?}").to_uppercase();
        checks.that(&format!("send: {method:?}"), first, |said| {
            upper.contains(said.split(' ').next().unwrap_or("?"))
        });
    }
    let headers = ["x-two", "x-one", "x-three", "x-one"];
    let mut number = b'0';
    let headers = headers.map(|name| {
        number += 1;
        (name.to_owned(), vec![number])
    });
    let headers = Fields::from_list(&headers).expect("it is well-formed");
    let told = headers.copy_all();
    let (own, _sent) = Request::new(headers, None, no_trailers(), None);
    own.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    own.set_authority(Some(origin)).expect("an authority");
    own.set_path_with_query(Some("/echo")).expect("a path");
    let said = echo(own).await.unwrap_or_default();
    checks.that("send: the headers, a name twice", &said, |said| {
        said.contains("\nx-one: 2\n") && said.contains("\nx-one: 4\n")
    });
    checks.interface("wasi:http/types@0.3.0");
    let sent = said.lines().filter(|line| line.starts_with("x-")).map(str::to_owned).collect();
    let told: Vec<_> = told
        .into_iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(&value)))
        .collect();
    checks.equal("fields.copy-all: in the order in which they are sent", told, sent);
    checks.interface("wasi:http/client@0.3.0");
    let (own, sent) = Request::new(Fields::new(), None, no_trailers(), None);
    own.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    checks.fails("send: no authority", send(own).await, "HttpRequestUriInvalid");
    checks.that("send: no authority is not transmitted", sent.await, Result::is_err);
    let (own, sent) = request(origin, Some("/"), None);
    own.set_scheme(Some(&Scheme::Other("gopher".to_owned()))).expect("a scheme");
    checks.that("send: a scheme that is not HTTP", send(own).await.map(drop), Result::is_err);
    checks.that("send: a scheme that is not HTTP is not transmitted", sent.await, Result::is_err);
}

fn stream(text: &'static str) -> StreamReader<u8> {
    let (mut writer, reader) = wit_stream::new();
    wasip3::spawn_local(async move {
        writer.write_all(text.as_bytes().to_vec()).await;
    });
    reader
}

async fn bodies(checks: &mut Checks, origin: &str) {
    let (own, sent) = request(origin, Some("/echo"), Some(stream("contents")));
    own.set_method(&Method::Post).expect("a method");
    let said = echo(own).await.unwrap_or_default();
    checks.that("send: contents", said, |said| said.ends_with("\n\ncontents"));
    checks.good("send: contents are transmitted", sent.await);
    let (trailers_out, trailers_in) = wit_future::new(|| Ok(None));
    let (own, sent) = Request::new(Fields::new(), Some(stream("contents")), trailers_in, None);
    own.set_method(&Method::Post).expect("a method");
    own.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    own.set_authority(Some(origin)).expect("an authority");
    own.set_path_with_query(Some("/echo")).expect("a path");
    wasip3::spawn_local(async move {
        let _ = trailers_out.write(Err(ErrorCode::InternalError(Some("mine".to_owned())))).await;
    });
    checks.that(
        "send: an error instead of trailers ends the connection",
        send(own).await.map(drop),
        Result::is_err,
    );
    checks.that(
        "send: an error instead of trailers is not a transmission",
        sent.await,
        Result::is_err,
    );
}

fn with_length(origin: &str, length: &str, text: &'static str) -> (Request, crate::Sent) {
    let headers = Fields::from_list(&[("content-length".to_owned(), length.as_bytes().to_vec())])
        .expect("it is well-formed");
    let (own, sent) = Request::new(headers, Some(stream(text)), no_trailers(), None);
    own.set_method(&Method::Post).expect("a method");
    own.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    own.set_authority(Some(origin)).expect("an authority");
    own.set_path_with_query(Some("/echo")).expect("a path");
    (own, sent)
}

async fn lengths(checks: &mut Checks, origin: &str) {
    let (own, sent) = with_length(origin, "8", "contents");
    checks.that("send: as long as it says", echo(own).await.unwrap_or_default(), |said| {
        said.ends_with("\n\ncontents")
    });
    checks.good("send: as long as it says, transmitted", sent.await);
    for (name, length) in [("shorter", "20"), ("longer", "2")] {
        let (own, sent) = with_length(origin, length, "contents");
        checks.fails(&format!("send: {name} than it says"), send(own).await, "HttpRequestBodySize");
        checks.fails(
            &format!("send: {name} than it says, and it is not transmitted"),
            sent.await,
            "HttpRequestBodySize",
        );
    }
    checks.fails(
        "send: a length that is no number cannot be set",
        Fields::from_list(&[("content-length".to_owned(), b"x".to_vec())]),
        "InvalidSyntax",
    );
}

async fn answers(checks: &mut Checks, origin: &str) {
    for (name, path, expected) in [
        ("a length", "/length", (200, "sized")),
        ("chunks", "/chunks", (200, "onetwo")),
        ("no contents", "/empty", (204, "")),
        ("a status that is not known", "/status", (499, "")),
    ] {
        let (own, sent) = request(origin, Some(path), None);
        let Some(response) = checks.good(&format!("send: an answer with {name}"), send(own).await)
        else {
            continue;
        };
        let (status, body, end) = whole(response).await;
        checks.equal(
            &format!("send: the contents of an answer with {name}"),
            (status, body.as_str()),
            expected,
        );
        checks.good(&format!("send: the end of an answer with {name}"), end.map(drop));
        checks.good(&format!("send: transmitted for an answer with {name}"), sent.await);
    }
    let (own, _sent) = request(origin, Some("/trailers"), None);
    if let Some(response) = checks.good("send: an answer with trailers", send(own).await) {
        let (_, body, end) = whole(response).await;
        checks.equal("send: contents before trailers", body.as_str(), "one");
        checks.equal(
            "send: trailers",
            end.ok().flatten().map(|fields| fields.get("x-end")),
            Some(vec![b"yes".to_vec()]),
        );
    }
    let (own, _sent) = request(origin, Some("/length"), None);
    let response = send(own).await.expect("it answers");
    let headers = response.get_headers();
    checks.equal("send: the headers of an answer", headers.get("x-own"), vec![b"1".to_vec()]);
    checks.fails(
        "send: the headers of an answer are immutable",
        headers.append("x", b"1"),
        "Immutable",
    );
    checks.equal("send: connection is left out of an answer", headers.has("connection"), false);
    for (name, path) in
        [("shorter than it says", "/short"), ("chunks that end early", "/short-chunks")]
    {
        let (own, _sent) = request(origin, Some(path), None);
        if let Some(response) = checks.good(&format!("send: an answer, {name}"), send(own).await) {
            checks.fails(
                &format!("send: the contents of an answer, {name}"),
                whole(response).await.2.map(drop),
                "HttpResponseIncomplete",
            );
        }
    }
}

async fn failures(checks: &mut Checks, origin: &str) {
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
        let (own, sent) = request(authority, Some(path), None);
        checks.fails(&format!("send: {name}"), send(own).await, code);
        if path == "/" {
            checks.fails(&format!("send: {name}, and it is not transmitted"), sent.await, code);
        }
    }
}

async fn timeouts(checks: &mut Checks, origin: &str) {
    let with = |path: &str, set: &dyn Fn(&RequestOptions)| {
        let options = RequestOptions::new();
        set(&options);
        let (own, sent) = Request::new(Fields::new(), None, no_trailers(), Some(options));
        own.set_scheme(Some(&Scheme::Http)).expect("a scheme");
        own.set_authority(Some(origin)).expect("an authority");
        own.set_path_with_query(Some(path)).expect("a path");
        (own, sent)
    };
    let (own, _sent) = with("/length", &|options| {
        options.set_first_byte_timeout(Some(10_000_000_000)).expect("it is set")
    });
    checks.good("send: an answer in time", send(own).await);
    let (own, _sent) = with("/never", &|options| {
        options.set_first_byte_timeout(Some(200_000_000)).expect("it is set")
    });
    checks.fails("send: no first byte in time", send(own).await, "ConnectionReadTimeout");
    let (own, _sent) = with("/head", &|options| {
        options.set_first_byte_timeout(Some(200_000_000)).expect("it is set")
    });
    if let Some(response) = checks.good("send: a head in time", send(own).await) {
        checks.fails(
            "send: no first byte of contents in time",
            whole(response).await.2.map(drop),
            "ConnectionReadTimeout",
        );
    }
    let (own, _sent) = with("/stalls", &|options| {
        options.set_between_bytes_timeout(Some(200_000_000)).expect("it is set")
    });
    if let Some(response) = checks.good("send: an answer that stalls later", send(own).await) {
        checks.fails(
            "send: no next byte in time",
            whole(response).await.2.map(drop),
            "ConnectionReadTimeout",
        );
    }
}
