//! Requests that are answered: those for other paths than `/`, where clients see what became of it.

use exact::Checks;
use wasip2::{
    http::types::{
        ErrorCode, Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse,
        ResponseOutparam,
    },
    io::streams::StreamError,
};

pub(crate) fn answer(request: IncomingRequest, out: ResponseOutparam) {
    let path = request.path_with_query().unwrap_or_default();
    match path.as_str() {
        "/contents" => {
            let mut checks = Checks::default();
            checks.interface("wasi:http/types@0.2.12");
            contents(&mut checks, &request);
            whole(out, Fields::new(), 200, &checks.to_string());
        }
        "/set/response" => whole(out, fields(&[("x-own", "1")]), 404, "contents"),
        "/set/default" => {
            ResponseOutparam::set(out, Ok(OutgoingResponse::new(Fields::new())));
        }
        "/set/error/denied" => ResponseOutparam::set(out, Err(ErrorCode::HttpRequestDenied)),
        "/set/error/internal" => ResponseOutparam::set(out, Err(ErrorCode::InternalError(None))),
        "/set/error/timeout" => ResponseOutparam::set(out, Err(ErrorCode::HttpResponseTimeout)),
        "/set/never" => drop(out),
        "/set/early" => early(&request, out),
        "/set/trailers" => {
            let body = begin(out, fields(&[("trailer", "x-end")]), "contents");
            let trailers = Some(fields(&[("x-end", "yes")]));
            OutgoingBody::finish(body, trailers).expect("it is complete");
        }
        "/set/dropped" => drop(begin(out, Fields::new(), "contents")),
        "/set/dropped/sized" => drop(begin(out, fields(&[("content-length", "20")]), "contents")),
        "/set/short" => {
            let body = begin(out, fields(&[("content-length", "20")]), "contents");
            drop(OutgoingBody::finish(body, None));
        }
        "/trap/headers" => {
            let headers = request.headers();
            drop(request);
            whole(out, headers.clone(), 200, "it did not trap");
        }
        path => match path.strip_prefix("/set/status/") {
            Some(status) => whole(out, Fields::new(), status.parse().expect("a number"), ""),
            None => seen(&request, out),
        },
    }
}

fn fields(all: &[(&str, &str)]) -> Fields {
    let all: Vec<_> =
        all.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    Fields::from_list(&all).expect("they are well-formed")
}

/// Sets an answer and sends the beginning of its contents.
fn begin(out: ResponseOutparam, fields: Fields, text: &str) -> OutgoingBody {
    let response = OutgoingResponse::new(fields);
    let body = response.body().expect("it is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("it is taken once");
    stream.blocking_write_and_flush(text.as_bytes()).expect("the client reads");
    body
}

fn whole(out: ResponseOutparam, fields: Fields, status: u16, text: &str) {
    let response = OutgoingResponse::new(fields);
    response.set_status_code(status).expect("a status");
    let body = response.body().expect("it is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("it is taken once");
    for piece in text.as_bytes().chunks(4096) {
        stream.blocking_write_and_flush(piece).expect("the client reads");
    }
    drop(stream);
    OutgoingBody::finish(body, None).expect("it is complete");
}

/// Tells what there is of a request in fields, which an answer to `HEAD` has as well.
fn seen(request: &IncomingRequest, out: ResponseOutparam) {
    let headers = request.headers();
    let own = headers.get("X-Own").join(&b","[..]);
    let own = String::from_utf8_lossy(&own);
    let empty = headers.get("x-empty");
    let empty = format!("{} {}", empty.len(), if empty.concat().is_empty() { "empty" } else { "" });
    let told = fields(&[
        ("x-method", &format!("{:?}", request.method())),
        ("x-path", &request.path_with_query().unwrap_or_default()),
        ("x-scheme", &request.scheme().map(|it| format!("{it:?}")).unwrap_or_default()),
        ("x-authority", &request.authority().unwrap_or_default()),
        ("x-own", &own),
        ("x-empty", &empty),
    ]);
    whole(out, told, 200, "");
}

/// Sets an answer before the request is over, and then sends what comes of that.
fn early(request: &IncomingRequest, out: ResponseOutparam) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().expect("it is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("it is taken once");
    stream.blocking_write_and_flush(b"begun").expect("the client reads");
    let contents = request.consume().expect("it is taken once");
    let input = contents.stream().expect("it is taken once");
    while let Ok(piece) = input.blocking_read(4096) {
        stream.blocking_write_and_flush(&piece).expect("the client reads");
    }
    drop(stream);
    OutgoingBody::finish(body, None).expect("it is complete");
}

/// Asserts of a request that its contents are `some contents`, and `x-end: yes` follows them.
fn contents(checks: &mut Checks, request: &IncomingRequest) {
    let headers = request.headers();
    for (name, changed) in [
        ("append", headers.append("a", b"1")),
        ("set", headers.set("a", &[])),
        ("delete", headers.delete("a")),
    ] {
        checks.fails(
            &format!("incoming-request.headers: are immutable to {name}"),
            changed,
            "Immutable",
        );
    }
    let body = request.consume();
    checks.equal("incoming-request.consume: the first time", body.is_ok(), true);
    checks.equal("incoming-request.consume: a second time", request.consume().is_err(), true);
    let Ok(body) = body else { return };
    let stream = body.stream();
    checks.equal("incoming-body.stream: of a request, a second time", body.stream().is_err(), true);
    let Ok(stream) = stream else { return };
    let mut bytes = Vec::new();
    let end = loop {
        match stream.blocking_read(4096) {
            Ok(more) => bytes.extend(more),
            Err(end) => break end,
        }
    };
    checks.equal(
        "incoming-body.stream: the contents of a request",
        String::from_utf8_lossy(&bytes).as_ref(),
        "some contents",
    );
    checks.that("incoming-body.stream: the end of a request", end, |end| {
        matches!(end, StreamError::Closed)
    });
    drop(stream);
    let trailers = IncomingBody::finish(body);
    trailers.subscribe().block();
    let fields = trailers.get().and_then(Result::ok).and_then(Result::ok).flatten();
    checks.equal(
        "incoming-body.finish: the trailers of a request",
        fields.map(|fields| fields.get("x-end")),
        Some(vec![b"yes".to_vec()]),
    );
}
