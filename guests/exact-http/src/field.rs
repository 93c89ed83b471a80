//! Fields.

use exact::Checks;
use wasip2::http::types::{Fields, HeaderError, OutgoingRequest};

pub(crate) fn check(checks: &mut Checks) {
    fields(checks);
    told(checks);
    refused(checks);
}

fn entry(name: &str, value: &str) -> (String, Vec<u8>) {
    (name.to_owned(), value.as_bytes().to_vec())
}

fn fields(checks: &mut Checks) {
    checks.equal("fields.constructor: is empty", Fields::new().entries(), vec![]);
    checks.good("fields.constructor: can be changed", Fields::new().append("a", b"1"));
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
    checks.good("fields.set: a new name", fields.set("c", &[b"1".to_vec(), b"2".to_vec()]));
    checks.equal(
        "fields.set: several values, in order",
        fields.get("c"),
        vec![b"1".to_vec(), b"2".to_vec()],
    );
    checks.good("fields.set: no values", fields.set("c", &[]));
    checks.equal("fields.set: no values leave none", fields.get("c").len(), 0);
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

/// What is told of fields, where it is not plain.
fn told(checks: &mut Checks) {
    checks.equal("fields.get: a name that is no name", Fields::new().get("no name").len(), 0);
    checks.equal("fields.has: a name that is not there", Fields::new().has("a"), false);
    let empty = Fields::from_list(&[entry("empty", "")]).expect("it is well-formed");
    checks.equal("fields.get: a value that is empty is there", empty.get("empty"), vec![vec![]]);
    checks.equal("fields.has: a value that is empty is there", empty.has("empty"), true);
    let bytes = Fields::from_list(&[("x".to_owned(), vec![0xe4, 0xff])]);
    checks.equal(
        "fields.get: bytes that are not text",
        bytes.map(|fields| fields.get("x")).ok(),
        Some(vec![vec![0xe4, 0xff]]),
    );
    let none = Fields::from_list(&[]);
    let Some(none) = checks.good("fields.from-list: nothing", none) else { return };
    checks.good("fields.from-list: can be changed", none.append("a", b"1"));
    let cased = Fields::from_list(&[entry("X-Mixed-Case", "1")]).expect("it is well-formed");
    checks.equal(
        "fields.entries: names keep their case",
        cased.entries(),
        vec![entry("X-Mixed-Case", "1")],
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
        checks.that(&format!("fields.delete: `{name}` is no name"), fields.delete(name), syntax);
    }
    for (what, value) in [("a new line", &b"a\nb"[..]), ("a return", b"a\rb"), ("a zero", b"a\0b")]
    {
        checks.that(
            &format!("fields.append: a value with {what}"),
            fields.append("a", value),
            syntax,
        );
        checks.that(
            &format!("fields.set: a value with {what}"),
            fields.set("a", &[b"1".to_vec(), value.to_vec()]),
            syntax,
        );
        checks.that(
            &format!("fields.from-list: a value with {what}"),
            Fields::from_list(&[("a".to_owned(), value.to_vec())]).map(drop),
            syntax,
        );
    }
    for name in [
        "connection",
        "Host",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
    ] {
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
    checks.equal("fields.append: what is refused leaves nothing", fields.entries(), vec![]);
    immutable(checks);
}

fn immutable(checks: &mut Checks) {
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
