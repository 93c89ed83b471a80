//! Requests and responses, before they are sent.

use exact::Checks;
use wasip2::http::types::{
    Fields, Method, OutgoingBody, OutgoingRequest, OutgoingResponse, RequestOptions, Scheme,
};

pub(crate) fn check(checks: &mut Checks) {
    request(checks);
    options(checks);
    response(checks);
    sized_response(checks);
}

fn headers() -> Fields {
    Fields::from_list(&[("a".to_owned(), b"1".to_vec())]).expect("it is well-formed")
}

fn request(checks: &mut Checks) {
    let request = OutgoingRequest::new(headers());
    checks.that("outgoing-request.constructor: the method is GET", request.method(), |method| {
        matches!(method, Method::Get)
    });
    checks.equal("outgoing-request.constructor: no path", request.path_with_query(), None);
    checks.equal("outgoing-request.constructor: no scheme", request.scheme().is_none(), true);
    checks.equal("outgoing-request.constructor: no authority", request.authority(), None);
    checks.equal(
        "outgoing-request.headers: what it was made with",
        request.headers().get("a"),
        vec![b"1".to_vec()],
    );
    for method in [Method::Post, Method::Patch, Method::Other("PURGE".to_owned())] {
        checks.equal(
            &format!("outgoing-request.set-method: {method:?}"),
            request.set_method(&method),
            Ok(()),
        );
        checks.equal(
            &format!("outgoing-request.method: {method:?}"),
            format!("{:?}", request.method()),
            format!("{method:?}"),
        );
    }
    for method in ["", "A B", "Ä"] {
        checks.equal(
            &format!("outgoing-request.set-method: `{method}` is none"),
            request.set_method(&Method::Other(method.to_owned())),
            Err(()),
        );
    }
    checks.that(
        "outgoing-request.set-method: what is refused changes nothing",
        request.method(),
        |method| matches!(method, Method::Other(name) if name == "PURGE"),
    );
    target(checks, &request);
    unset(checks, &request);
    let body = request.body();
    checks.equal("outgoing-request.body: the first time", body.is_ok(), true);
    checks.equal("outgoing-request.body: a second time", request.body().is_err(), true);
    if let Ok(body) = body {
        let stream = body.write();
        checks.equal("outgoing-body.write: the first time", stream.is_ok(), true);
        checks.equal("outgoing-body.write: a second time", body.write().is_err(), true);
        drop(stream);
        checks.good("outgoing-body.finish: without trailers", OutgoingBody::finish(body, None));
    }
}

fn target(checks: &mut Checks, request: &OutgoingRequest) {
    checks.equal(
        "outgoing-request.set-path-with-query: a path and a query",
        request.set_path_with_query(Some("/a?b=c")),
        Ok(()),
    );
    checks.equal(
        "outgoing-request.path-with-query: what was set",
        request.path_with_query().as_deref(),
        Some("/a?b=c"),
    );
    for path in ["/a b", "/a\nb", "/a#b", "/%zz", "a", "http://a/b"] {
        checks.equal(
            &format!("outgoing-request.set-path-with-query: {path:?} is none"),
            request.set_path_with_query(Some(path)),
            Err(()),
        );
    }
    for scheme in [Scheme::Http, Scheme::Https, Scheme::Other("coap".to_owned())] {
        checks.equal(
            &format!("outgoing-request.set-scheme: {scheme:?}"),
            request.set_scheme(Some(&scheme)),
            Ok(()),
        );
        checks.equal(
            &format!("outgoing-request.scheme: {scheme:?}"),
            request.scheme().map(|it| format!("{it:?}")),
            Some(format!("{scheme:?}")),
        );
    }
    for scheme in ["", "1a", "a b", "ä"] {
        checks.equal(
            &format!("outgoing-request.set-scheme: `{scheme}` is none"),
            request.set_scheme(Some(&Scheme::Other(scheme.to_owned()))),
            Err(()),
        );
    }
    for authority in ["example.com", "example.com:80", "[::1]:80"] {
        checks.equal(
            &format!("outgoing-request.set-authority: {authority}"),
            request.set_authority(Some(authority)),
            Ok(()),
        );
        checks.equal(
            &format!("outgoing-request.authority: {authority}"),
            request.authority().as_deref(),
            Some(authority),
        );
    }
    for authority in ["a/b", "a b", "a:b"] {
        checks.equal(
            &format!("outgoing-request.set-authority: `{authority}` is none"),
            request.set_authority(Some(authority)),
            Err(()),
        );
    }
}

/// What was set before stays where a value is refused, and goes where there is none.
fn unset(checks: &mut Checks, request: &OutgoingRequest) {
    let target = |request: &OutgoingRequest| {
        let scheme = request.scheme().map(|scheme| format!("{scheme:?}"));
        (request.path_with_query(), scheme, request.authority())
    };
    checks.equal(
        "outgoing-request.set-authority: what is refused changes nothing",
        target(request),
        (
            Some("/a?b=c".to_owned()),
            Some("Scheme::Other(\"coap\")".to_owned()),
            Some("[::1]:80".to_owned()),
        ),
    );
    checks.equal(
        "outgoing-request.set-path-with-query: none",
        request.set_path_with_query(None),
        Ok(()),
    );
    checks.equal("outgoing-request.set-scheme: none", request.set_scheme(None), Ok(()));
    checks.equal("outgoing-request.set-authority: none", request.set_authority(None), Ok(()));
    checks.equal("outgoing-request.path-with-query: none", target(request), (None, None, None));
}

fn options(checks: &mut Checks) {
    let options = RequestOptions::new();
    checks.equal(
        "request-options.constructor: no time-outs",
        (options.connect_timeout(), options.first_byte_timeout(), options.between_bytes_timeout()),
        (None, None, None),
    );
    options.set_first_byte_timeout(Some(1)).expect("it is set");
    checks.equal(
        "request-options.set-first-byte-timeout: leaves the others",
        (options.connect_timeout(), options.first_byte_timeout(), options.between_bytes_timeout()),
        (None, Some(1), None),
    );
    checks.equal(
        "request-options.constructor: shares nothing with others",
        RequestOptions::new().first_byte_timeout(),
        None,
    );
    for value in [Some(5), Some(0), Some(u64::MAX), None] {
        checks.equal(
            &format!("request-options.set-connect-timeout: {value:?}"),
            options.set_connect_timeout(value),
            Ok(()),
        );
        checks.equal(
            &format!("request-options.connect-timeout: {value:?}"),
            options.connect_timeout(),
            value,
        );
        checks.equal(
            &format!("request-options.set-first-byte-timeout: {value:?}"),
            options.set_first_byte_timeout(value),
            Ok(()),
        );
        checks.equal(
            &format!("request-options.first-byte-timeout: {value:?}"),
            options.first_byte_timeout(),
            value,
        );
        checks.equal(
            &format!("request-options.set-between-bytes-timeout: {value:?}"),
            options.set_between_bytes_timeout(value),
            Ok(()),
        );
        checks.equal(
            &format!("request-options.between-bytes-timeout: {value:?}"),
            options.between_bytes_timeout(),
            value,
        );
    }
}

fn response(checks: &mut Checks) {
    let response = OutgoingResponse::new(headers());
    checks.equal("outgoing-response.constructor: the status is 200", response.status_code(), 200);
    checks.equal("outgoing-response.set-status-code: 404", response.set_status_code(404), Ok(()));
    checks.equal("outgoing-response.status-code: 404", response.status_code(), 404);
    for status in [0, 99, 1000] {
        checks.equal(
            &format!("outgoing-response.set-status-code: {status} is none"),
            response.set_status_code(status),
            Err(()),
        );
    }
    checks.equal(
        "outgoing-response.set-status-code: what is refused changes nothing",
        response.status_code(),
        404,
    );
    checks.equal(
        "outgoing-response.headers: what it was made with",
        response.headers().get("a"),
        vec![b"1".to_vec()],
    );
    for (name, changed) in [
        ("append", response.headers().append("a", b"2")),
        ("set", response.headers().set("a", &[])),
        ("delete", response.headers().delete("a")),
    ] {
        checks.fails(
            &format!("outgoing-response.headers: are immutable to {name}"),
            changed,
            "Immutable",
        );
    }
    let body = response.body();
    checks.equal("outgoing-response.body: the first time", body.is_ok(), true);
    checks.equal("outgoing-response.body: a second time", response.body().is_err(), true);
}

/// Contents of a response whose length is told, which nobody reads.
fn sized_response(checks: &mut Checks) {
    let sized = Fields::from_list(&[("content-length".to_owned(), b"8".to_vec())]);
    let sized = sized.expect("it is well-formed");
    for (name, text) in [("shorter", "short"), ("longer", "too long contents")] {
        let response = OutgoingResponse::new(sized.clone());
        let body = response.body().expect("it is taken once");
        let stream = body.write().expect("it is taken once");
        stream.check_write().expect("it is open");
        // Whether it fails already is asserted of requests.
        let _ = stream.write(text.as_bytes());
        drop(stream);
        checks.fails(
            &format!("outgoing-body.finish: a response, {name} than it says"),
            OutgoingBody::finish(body, None),
            "HttpResponseBodySize",
        );
    }
}
