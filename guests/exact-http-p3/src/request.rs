//! Requests, before they are sent.

use exact::Checks;
use wasip3::{
    http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Scheme},
    wit_future, wit_stream,
};

use crate::no_trailers;

pub(crate) async fn check(checks: &mut Checks) {
    defaults(checks);
    methods(checks);
    targets(checks);
    parts(checks);
    body(checks).await;
}

fn new() -> Request {
    Request::new(Fields::new(), None, no_trailers(), None).0
}

fn defaults(checks: &mut Checks) {
    let request = new();
    checks.that("request.new: the method is GET", request.get_method(), |method| {
        matches!(method, Method::Get)
    });
    checks.equal("request.new: no path", request.get_path_with_query(), None);
    checks.equal("request.new: no scheme", request.get_scheme().is_none(), true);
    checks.equal("request.new: no authority", request.get_authority(), None);
    checks.equal("request.new: no options", request.get_options().is_none(), true);
    checks.equal("request.new: no headers", request.get_headers().copy_all(), vec![]);
}

fn methods(checks: &mut Checks) {
    let request = new();
    for method in [
        Method::Head,
        Method::Post,
        Method::Put,
        Method::Delete,
        Method::Connect,
        Method::Options,
        Method::Trace,
        Method::Patch,
        Method::Other("PURGE".to_owned()),
        Method::Get,
    ] {
        checks.good(&format!("request.set-method: {method:?}"), request.set_method(&method));
        checks.equal(
            &format!("request.get-method: {method:?}"),
            format!("{:?}", request.get_method()),
            format!("{method:?}"),
        );
    }
    for (name, method) in [
        ("nothing", ""),
        ("a space", "A B"),
        ("a colon", "A:B"),
        ("a new line", "A\nB"),
        ("not ASCII", "Ä"),
    ] {
        let set = request.set_method(&Method::Other(method.to_owned()));
        checks.equal(&format!("request.set-method: {name} is no method"), set, Err(()));
    }
    checks.that(
        "request.set-method: what is refused changes nothing",
        request.get_method(),
        |method| matches!(method, Method::Get),
    );
    checks.good(
        "request.set-method: a method by its name",
        request.set_method(&Method::Other("POST".to_owned())),
    );
    checks.that(
        "request.get-method: a method by its name is that method",
        request.get_method(),
        |method| matches!(method, Method::Post),
    );
}

fn targets(checks: &mut Checks) {
    let request = new();
    for path in ["/", "/a/b?c=d", "/?", "?a=b", "/%20", "/a;b=c", "/a:b@c"] {
        checks.equal(
            &format!("request.set-path-with-query: `{path}`"),
            request.set_path_with_query(Some(path)),
            Ok(()),
        );
    }
    request.set_path_with_query(Some("/a?b")).expect("a path");
    checks.equal(
        "request.get-path-with-query: what was set",
        request.get_path_with_query().as_deref(),
        Some("/a?b"),
    );
    for (name, path) in [
        ("a space", "/a b"),
        ("a new line", "/a\nb"),
        ("a fragment", "/a#b"),
        ("no slash", "a"),
        ("a whole URL", "http://a/b"),
        ("a zero", "/\0"),
        ("a percent sign alone", "/%zz"),
    ] {
        checks.equal(
            &format!("request.set-path-with-query: {name}"),
            request.set_path_with_query(Some(path)),
            Err(()),
        );
    }
    checks.equal(
        "request.set-path-with-query: what is refused changes nothing",
        request.get_path_with_query().as_deref(),
        Some("/a?b"),
    );
    checks.equal("request.set-path-with-query: none", request.set_path_with_query(None), Ok(()));
    checks.equal("request.get-path-with-query: none", request.get_path_with_query(), None);
    schemes_and_authorities(checks, &request);
}

fn schemes_and_authorities(checks: &mut Checks, request: &Request) {
    for scheme in [Scheme::Http, Scheme::Https, Scheme::Other("coap+tcp".to_owned())] {
        checks.equal(
            &format!("request.set-scheme: {scheme:?}"),
            request.set_scheme(Some(&scheme)),
            Ok(()),
        );
        checks.equal(
            &format!("request.get-scheme: {scheme:?}"),
            request.get_scheme().map(|s| format!("{s:?}")),
            Some(format!("{scheme:?}")),
        );
    }
    for (name, scheme) in [
        ("nothing", ""),
        ("a colon", "a:b"),
        ("a space", "a b"),
        ("a digit first", "1a"),
        ("not ASCII", "ä"),
    ] {
        let set = request.set_scheme(Some(&Scheme::Other(scheme.to_owned())));
        checks.equal(&format!("request.set-scheme: {name}"), set, Err(()));
    }
    checks.equal("request.set-scheme: none", request.set_scheme(None), Ok(()));
    checks.equal("request.get-scheme: none", request.get_scheme().is_none(), true);
    for authority in
        ["example.com", "example.com:8080", "127.0.0.1:1", "[::1]", "[::1]:80", "user@example.com"]
    {
        checks.equal(
            &format!("request.set-authority: `{authority}`"),
            request.set_authority(Some(authority)),
            Ok(()),
        );
        checks.equal(
            &format!("request.get-authority: `{authority}`"),
            request.get_authority().as_deref(),
            Some(authority),
        );
    }
    for (name, authority) in [
        ("a path", "a/b"),
        ("a space", "a b"),
        ("a port that is no number", "a:b"),
        ("a port that is too large", "a:65536"),
        ("a new line", "a\nb"),
        ("a query", "a?b"),
        ("a bracket alone", "[::1"),
        ("nothing", ""),
    ] {
        checks.equal(
            &format!("request.set-authority: {name}"),
            request.set_authority(Some(authority)),
            Err(()),
        );
    }
    checks.equal("request.set-authority: none", request.set_authority(None), Ok(()));
    checks.equal("request.get-authority: none", request.get_authority(), None);
}

fn parts(checks: &mut Checks) {
    let headers = Fields::from_list(&[("a".to_owned(), b"1".to_vec())]).expect("it is well-formed");
    let options = RequestOptions::new();
    options.set_connect_timeout(Some(5)).expect("it is set");
    let (request, _sent) = Request::new(headers, None, no_trailers(), Some(options));
    let headers = request.get_headers();
    checks.equal(
        "request.get-headers: what it was made with",
        headers.get("a"),
        vec![b"1".to_vec()],
    );
    checks.fails(
        "fields.set: the headers of a request are immutable",
        headers.set("a", &[]),
        "Immutable",
    );
    checks.fails(
        "fields.append: the headers of a request are immutable",
        headers.append("a", b"2"),
        "Immutable",
    );
    checks.fails(
        "fields.delete: the headers of a request are immutable",
        headers.delete("a"),
        "Immutable",
    );
    checks.fails(
        "fields.get-and-delete: the headers of a request are immutable",
        headers.get_and_delete("a"),
        "Immutable",
    );
    let copy = headers.clone();
    checks.good("fields.clone: a copy of immutable fields can be changed", copy.append("b", b"1"));
    let options = request.get_options();
    let Some(options) =
        checks.good("request.get-options: what it was made with", options.ok_or("none"))
    else {
        return;
    };
    checks.equal(
        "request-options.get-connect-timeout: of a request",
        options.get_connect_timeout(),
        Some(5),
    );
    checks.fails(
        "request-options.set-connect-timeout: those of a request are immutable",
        options.set_connect_timeout(None),
        "Immutable",
    );
    checks.fails(
        "request-options.set-first-byte-timeout: those of a request are immutable",
        options.set_first_byte_timeout(None),
        "Immutable",
    );
    checks.fails(
        "request-options.set-between-bytes-timeout: those of a request are immutable",
        options.set_between_bytes_timeout(None),
        "Immutable",
    );
    checks.good(
        "request-options.clone: a copy of immutable options can be changed",
        options.clone().set_connect_timeout(None),
    );
    drop(options);
    let (_, result) = wit_future::new(|| Ok(()));
    drop(Request::consume_body(request, result));
    checks.equal("request.consume-body: headers stay valid", headers.get("a"), vec![b"1".to_vec()]);
}

/// Trailers of its own a component cannot read: their future would lead from itself to itself,
/// which the component model refuses to values that are not numbers.
async fn body(checks: &mut Checks) {
    let (request, sent) = Request::new(Fields::new(), None, no_trailers(), None);
    let (_, result) = wit_future::new(|| Ok(()));
    let (stream, trailers) = Request::consume_body(request, result);
    checks.equal(
        "request.consume-body: no contents are an empty stream",
        stream.collect().await,
        vec![],
    );
    drop((sent, trailers));

    let (mut writer, contents) = wit_stream::new();
    let (request, sent) = Request::new(Fields::new(), Some(contents), no_trailers(), None);
    let (result_out, result) = wit_future::new(|| Ok(()));
    let (stream, trailers) = Request::consume_body(request, result);
    wasip3::spawn_local(async move {
        writer.write_all(b"contents".to_vec()).await;
    });
    checks.equal(
        "request.consume-body: the contents",
        stream.collect().await,
        b"contents".to_vec(),
    );
    drop(trailers);
    wasip3::spawn_local(async move {
        let _ = result_out.write(Err(ErrorCode::HttpProtocolError)).await;
    });
    checks.fails(
        "request.new: its result is what its reader says",
        sent.await,
        "HttpProtocolError",
    );
}
