//! Fields, and options of requests.

use exact::Checks;
use wasip3::http::types::{Fields, RequestOptions};

pub(crate) fn check(checks: &mut Checks) {
    reading(checks);
    changing(checks);
    refused(checks);
    limits(checks);
    options(checks);
}

fn entry(name: &str, value: &str) -> (String, Vec<u8>) {
    (name.to_owned(), value.as_bytes().to_vec())
}

fn reading(checks: &mut Checks) {
    let empty = Fields::new();
    checks.equal("fields.constructor: is empty", empty.copy_all(), vec![]);
    checks.good("fields.constructor: can be changed", Fields::new().append("a", b"1"));
    let none = Fields::from_list(&[]).map(|none| none.append("a", b"1"));
    checks.that("fields.from-list: can be changed", none, |got| matches!(got, Ok(Ok(()))));
    let entries = [entry("a", "1"), entry("b", "2"), entry("a", "3")];
    let fields = Fields::from_list(&entries);
    let Some(fields) = checks.good("fields.from-list: entries, one name twice", fields) else {
        return;
    };
    checks.equal(
        "fields.get: all values of a name, in order",
        fields.get("a"),
        vec![b"1".to_vec(), b"3".to_vec()],
    );
    checks.equal("fields.get: names are case insensitive", fields.get("A").len(), 2);
    checks.equal("fields.get: a name that is not there", fields.get("c"), Vec::<Vec<u8>>::new());
    checks.equal(
        "fields.get: a name that is no name",
        fields.get("no name"),
        Vec::<Vec<u8>>::new(),
    );
    checks.equal("fields.has: a name that is there", fields.has("b"), true);
    checks.equal("fields.has: names are case insensitive", fields.has("B"), true);
    checks.equal("fields.has: a name that is not there", fields.has("c"), false);
    checks.equal("fields.has: a name that is no name", fields.has("no name"), false);
    let mut all = fields.copy_all();
    all.sort();
    checks.equal(
        "fields.copy-all: every value with its name",
        all,
        vec![entry("a", "1"), entry("a", "3"), entry("b", "2")],
    );
    let present = Fields::from_list(&[entry("empty", "")]).expect("it is well-formed");
    checks.equal("fields.get: a value that is empty is there", present.get("empty"), vec![vec![]]);
    let bytes = Fields::from_list(&[("x".to_owned(), vec![0xe4, 0xff])]);
    checks.equal(
        "fields.get: bytes that are not text",
        bytes.map(|fields| fields.get("x")).ok(),
        Some(vec![vec![0xe4, 0xff]]),
    );
    let cased = Fields::from_list(&[entry("X-Mixed-Case", "1")]).expect("it is well-formed");
    let names = cased.copy_all().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    checks.equal("fields.copy-all: names keep their case", names, vec!["X-Mixed-Case".to_owned()]);
}

fn changing(checks: &mut Checks) {
    let fields = Fields::new();
    checks.good("fields.append: a new name", fields.append("a", b"1"));
    checks.good("fields.append: a name that is there", fields.append("A", b"2"));
    checks.equal(
        "fields.append: leaves the values before",
        fields.get("a"),
        vec![b"1".to_vec(), b"2".to_vec()],
    );
    checks
        .good("fields.set: a name that is there", fields.set("a", &[b"3".to_vec(), b"4".to_vec()]));
    checks.equal(
        "fields.set: replaces all values",
        fields.get("a"),
        vec![b"3".to_vec(), b"4".to_vec()],
    );
    checks.good("fields.set: no values", fields.set("a", &[]));
    checks.equal("fields.set: no values leave none", fields.get("a"), Vec::<Vec<u8>>::new());
    fields.append("b", b"1").expect("it is set");
    checks.good("fields.delete: a name that is there", fields.delete("B"));
    checks.equal("fields.delete: it is gone", fields.has("b"), false);
    checks.good("fields.delete: a name that is not there", fields.delete("b"));
    fields.append("c", b"1").expect("it is set");
    checks.equal(
        "fields.get-and-delete: the values",
        fields.get_and_delete("c").ok(),
        Some(vec![b"1".to_vec()]),
    );
    checks.equal("fields.get-and-delete: it is gone", fields.has("c"), false);
    checks.equal(
        "fields.get-and-delete: a name that is not there",
        fields.get_and_delete("c").ok(),
        Some(vec![]),
    );
    fields.append("d", b"1").expect("it is set");
    let copy = fields.clone();
    checks.good("fields.clone: can be changed", copy.append("d", b"2"));
    checks.equal(
        "fields.clone: leaves what it was made of",
        (fields.get("d").len(), copy.get("d").len()),
        (1, 2),
    );
}

fn refused(checks: &mut Checks) {
    let fields = Fields::new();
    for (what, name) in [
        ("a space in it", "a b"),
        ("a colon in it", "a:b"),
        ("a letter that is not ASCII", "ä"),
        ("nothing in it", ""),
    ] {
        checks.fails(
            &format!("fields.append: a name with {what}"),
            fields.append(name, b"1"),
            "InvalidSyntax",
        );
        checks.fails(
            &format!("fields.set: a name with {what}"),
            fields.set(name, &[b"1".to_vec()]),
            "InvalidSyntax",
        );
        checks.fails(
            &format!("fields.from-list: a name with {what}"),
            Fields::from_list(&[entry(name, "1")]),
            "InvalidSyntax",
        );
        checks.fails(
            &format!("fields.get-and-delete: a name with {what}"),
            fields.get_and_delete(name),
            "InvalidSyntax",
        );
    }
    for (what, value) in [("a new line", &b"a\nb"[..]), ("a return", b"a\rb"), ("a zero", b"a\0b")]
    {
        checks.fails(
            &format!("fields.append: a value with {what} in it"),
            fields.append("a", value),
            "InvalidSyntax",
        );
        checks.fails(
            &format!("fields.set: a value with {what} in it"),
            fields.set("a", &[value.to_vec()]),
            "InvalidSyntax",
        );
        checks.fails(
            &format!("fields.from-list: a value with {what} in it"),
            Fields::from_list(&[("a".to_owned(), value.to_vec())]),
            "InvalidSyntax",
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
        checks.fails(
            &format!("fields.append: {name} is forbidden"),
            fields.append(name, b"1"),
            "Forbidden",
        );
        checks.fails(
            &format!("fields.set: {name} is forbidden"),
            fields.set(name, &[b"1".to_vec()]),
            "Forbidden",
        );
        checks.fails(
            &format!("fields.from-list: {name} is forbidden"),
            Fields::from_list(&[entry(name, "1")]),
            "Forbidden",
        );
    }
    checks.equal("fields.append: what is refused leaves nothing", fields.copy_all(), vec![]);
}

fn limits(checks: &mut Checks) {
    let fields = Fields::new();
    let large = vec![b'x'; 10 << 20];
    checks.fails("fields.append: ten megabytes", fields.append("a", &large), "SizeExceeded");
    checks.fails("fields.set: ten megabytes", fields.set("a", &[large.clone()]), "SizeExceeded");
    checks.fails(
        "fields.from-list: ten megabytes",
        Fields::from_list(&[("a".to_owned(), large)]),
        "SizeExceeded",
    );
    let mut refused = None;
    for number in 0..1_000_000 {
        if let Err(error) = fields.append(&format!("field-{number}"), b"x") {
            refused = Some(exact::code(&error));
            break;
        }
    }
    checks.equal("fields.append: without end", refused.as_deref(), Some("SizeExceeded"));
}

fn options(checks: &mut Checks) {
    let options = RequestOptions::new();
    for (name, value) in [
        ("connect", options.get_connect_timeout()),
        ("first-byte", options.get_first_byte_timeout()),
        ("between-bytes", options.get_between_bytes_timeout()),
    ] {
        checks.equal(&format!("request-options.constructor: no {name} time-out"), value, None);
    }
    options.set_first_byte_timeout(Some(1)).expect("it is set");
    checks.equal(
        "request-options.set-first-byte-timeout: leaves the others",
        (options.get_connect_timeout(), options.get_between_bytes_timeout()),
        (None, None),
    );
    checks.equal(
        "request-options.constructor: shares nothing with others",
        RequestOptions::new().get_first_byte_timeout(),
        None,
    );
    for value in [Some(0), Some(5), Some(u64::MAX), None] {
        checks.good(
            &format!("request-options.set-connect-timeout: {value:?}"),
            options.set_connect_timeout(value),
        );
        checks.equal(
            &format!("request-options.get-connect-timeout: {value:?}"),
            options.get_connect_timeout(),
            value,
        );
        checks.good(
            &format!("request-options.set-first-byte-timeout: {value:?}"),
            options.set_first_byte_timeout(value),
        );
        checks.equal(
            &format!("request-options.get-first-byte-timeout: {value:?}"),
            options.get_first_byte_timeout(),
            value,
        );
        checks.good(
            &format!("request-options.set-between-bytes-timeout: {value:?}"),
            options.set_between_bytes_timeout(value),
        );
        checks.equal(
            &format!("request-options.get-between-bytes-timeout: {value:?}"),
            options.get_between_bytes_timeout(),
            value,
        );
    }
    options.set_connect_timeout(Some(1)).expect("it is set");
    let copy = options.clone();
    checks.equal("request-options.clone: has the same values", copy.get_connect_timeout(), Some(1));
    checks.good("request-options.clone: can be changed", copy.set_connect_timeout(Some(2)));
    checks.equal(
        "request-options.clone: leaves what it was made of",
        options.get_connect_timeout(),
        Some(1),
    );
}
