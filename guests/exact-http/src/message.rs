//! Fields, requests and responses, before they are sent.

use exact::Checks;
use wasip2::http::types::{
    Fields, HeaderError, Method, OutgoingBody, OutgoingRequest, OutgoingResponse, RequestOptions,
    Scheme,
};

pub(crate) fn check(checks: &mut Checks) {
    fields(checks);
    refused(checks);
    request(checks);
    options(checks);
    response(checks);
}

fn entry(name: &str, value: &str) -> (String, Vec<u8>) {
    (name.to_owned(), value.as_bytes().to_vec())
}

fn fields(checks: &mut Checks) {
    checks.equal("fields.constructor: is empty", Fields::new().entries(), vec![]);
    let fields = Fields::from_list(&[entry("a", "1"), entry("b", "2"), entry("a", "3")]);
    let Some(fields) = checks.good("fields.from-list: entries, one name twice", fields) else {
        return;
    };
    checks.equal(
        "fields.get: all values of a name, in order",
        fields.get("a"),
        vec![b"1".to_vec(), b"3".to_vec()],
    );
    checks.equal("fields.get: names are case insensitive", fields.get("A").len(), 2);
    checks.equal("fields.get: a name that is not there", fields.get("c").len(), 0);
    checks.equal("fields.has: a name that is there", fields.has("B"), true);
    checks.equal("fields.has: a name that is no name", fields.has("no name"), false);
    checks.equal("fields.entries: every value with its name", fields.entries().len(), 3);
    checks.good("fields.append: a name that is there", fields.append("a", b"4"));
    checks.equal("fields.append: leaves the values before", fields.get("a").len(), 3);
    checks.good("fields.set: a name that is there", fields.set("a", &[b"5".to_vec()]));
    checks.equal("fields.set: replaces all values", fields.get("a"), vec![b"5".to_vec()]);
    checks.good("fields.delete: a name that is there", fields.delete("a"));
    checks.equal("fields.delete: it is gone", fields.has("a"), false);
    checks.good("fields.delete: a name that is not there", fields.delete("a"));
    let copy = fields.clone();
    checks.good("fields.clone: can be changed", copy.append("b", b"9"));
    checks.equal(
        "fields.clone: leaves what it was made of",
        (fields.get("b").len(), copy.get("b").len()),
        (1, 2),
    );
}

fn refused(checks: &mut Checks) {
    let fields = Fields::new();
    let syntax = |got: &Result<(), HeaderError>| matches!(got, Err(HeaderError::InvalidSyntax));
    let forbidden = |got: &Result<(), HeaderError>| matches!(got, Err(HeaderError::Forbidden));
    for name in ["a b", "a:b", "ä", ""] {
        checks.that(
            &format!("fields.append: `{name}` is no name"),
            fields.append(name, b"1"),
            syntax,
        );
        checks.that(
            &format!("fields.set: `{name}` is no name"),
            fields.set(name, &[b"1".to_vec()]),
            syntax,
        );
        checks.that(
            &format!("fields.from-list: `{name}` is no name"),
            Fields::from_list(&[entry(name, "1")]).map(drop),
            syntax,
        );
    }
    for (what, value) in [("a new line", &b"a\nb"[..]), ("a return", b"a\rb"), ("a zero", b"a\0b")]
    {
        checks.that(
            &format!("fields.append: a value with {what}"),
            fields.append("a", value),
            syntax,
        );
    }
    for name in ["connection", "Host", "keep-alive", "transfer-encoding", "upgrade"] {
        checks.that(
            &format!("fields.append: {name} is forbidden"),
            fields.append(name, b"1"),
            forbidden,
        );
        checks.that(
            &format!("fields.set: {name} is forbidden"),
            fields.set(name, &[b"1".to_vec()]),
            forbidden,
        );
        checks.that(
            &format!("fields.from-list: {name} is forbidden"),
            Fields::from_list(&[entry(name, "1")]).map(drop),
            forbidden,
        );
    }
    let immutable = |got: &Result<(), HeaderError>| matches!(got, Err(HeaderError::Immutable));
    let headers = OutgoingRequest::new(Fields::new()).headers();
    checks.that(
        "fields.append: the headers of a request are immutable",
        headers.append("a", b"1"),
        immutable,
    );
    checks.that(
        "fields.set: the headers of a request are immutable",
        headers.set("a", &[]),
        immutable,
    );
    checks.that(
        "fields.delete: the headers of a request are immutable",
        headers.delete("a"),
        immutable,
    );
    checks.good(
        "fields.clone: a copy of immutable fields can be changed",
        headers.clone().append("a", b"1"),
    );
}

fn request(checks: &mut Checks) {
    let request =
        OutgoingRequest::new(Fields::from_list(&[entry("a", "1")]).expect("it is well-formed"));
    checks.that("outgoing-request.method: is GET at first", request.method(), |method| {
        matches!(method, Method::Get)
    });
    checks.equal(
        "outgoing-request.path-with-query: none at first",
        request.path_with_query(),
        None,
    );
    checks.equal("outgoing-request.scheme: none at first", request.scheme().is_none(), true);
    checks.equal("outgoing-request.authority: none at first", request.authority(), None);
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
    target(checks, &request);
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

fn options(checks: &mut Checks) {
    let options = RequestOptions::new();
    checks.equal("request-options.connect-timeout: none at first", options.connect_timeout(), None);
    for value in [Some(5), None] {
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
    let response = OutgoingResponse::new(Fields::new());
    checks.equal("outgoing-response.status-code: is 200 at first", response.status_code(), 200);
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
        "outgoing-response.headers: what it was made with",
        response.headers().entries(),
        vec![],
    );
    let body = response.body();
    checks.equal("outgoing-response.body: the first time", body.is_ok(), true);
    checks.equal("outgoing-response.body: a second time", response.body().is_err(), true);
}
