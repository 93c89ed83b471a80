//! Backends by their words.

use std::collections::BTreeMap;

use keyway_capability::{
    Address,
    sql::{Backend, check, postgres},
};

fn backend(kind: &str, settings: &[(&str, &str)]) -> Result<Backend, String> {
    let settings: BTreeMap<_, _> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Backend::from_settings(kind, &settings).map_err(|error| error.to_string())
}

#[test]
fn settings_are_understood_or_told() {
    let sqlite = backend("sqlite", &[("path", "a.db"), ("timeout", "1s"), ("connections", "3")]);
    let Ok(Backend::Sqlite(options)) = sqlite else { panic!("{sqlite:?}") };
    assert_eq!((options.timeout.as_secs(), options.connections), (1, 3));
    for (kind, settings, expected) in [
        ("postgresql", &[][..], "did you mean `postgres`?"),
        ("mysql", &[], "write one of `sqlite`, `postgres`"),
        ("sqlite", &[], "needs the setting `path`"),
        ("sqlite", &[("path", "a"), ("table", "b")], "has no setting `table`"),
        ("postgres", &[("url", "x"), ("connections", "0")], "a whole number above 0"),
    ] {
        let told = backend(kind, settings).unwrap_err();
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn an_address_is_checked_before_anything_is_opened() {
    for url in [
        "mysql://a@b",
        "postgres://",
        "postgres://127.0.0.1/a",
        "host=127.0.0.1 dbname=a",
        "user=me dbname=a",
        "user=me host=127.0.0.1 service=a",
        "user=me host='127.0.0.1",
        "me@127.0.0.1",
    ] {
        let wrong = backend("postgres", &[("url", url)]).unwrap();
        assert!(check(&wrong).is_err(), "{url}");
    }
    for url in [
        "postgres://me:x@127.0.0.1/a",
        "host=127.0.0.1 port=5432 user=me password='x y' dbname=a",
        "user = me\thost = 127.0.0.1",
    ] {
        check(&backend("postgres", &[("url", url)]).unwrap()).unwrap();
    }
}

#[test]
fn the_servers_of_an_address_are_found_as_libpq_finds_them() {
    let hosts = |address: &str| postgres::hosts(&Address::from(address));
    for (address, expected) in [
        ("postgres://me:secret@db.internal/a", &[("db.internal", 5432)][..]),
        ("postgresql://me@one:1,two:2/a", &[("one", 1), ("two", 2)]),
        ("postgres://me@one/a?host=two&port=3", &[("one", 5432), ("two", 3)]),
        ("host=localhost port=5433 user=me password=secret dbname=a", &[("localhost", 5433)]),
        ("host=one,two port=1,2 user=me", &[("one", 1), ("two", 2)]),
        (
            "user = me  host = 'db.internal' password = 'host=other\\' port=9'",
            &[("db.internal", 5432)],
        ),
    ] {
        let found = hosts(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        let found: Vec<_> = found.iter().map(|(host, port)| (host.as_str(), *port)).collect();
        assert_eq!(found, expected, "{address}");
    }
    for (address, reason) in [
        ("user=me password=secret dbname=a", "names no host"),
        ("host=/var/run user=me password=secret", "a socket of this machine"),
        ("host=a hostaddr=10.0.0.1 user=me password=secret", "`hostaddr` is not looked at"),
        ("service=one host=a", "service"),
        ("password=sec ret host=a", "is not valid"),
        ("mysql://me:secret@a", "does not begin with"),
    ] {
        let wrong = hosts(address).unwrap_err().to_string();
        assert!(wrong.contains(reason), "{address}: {wrong}");
        assert!(!wrong.contains("=secret") && !wrong.contains(":secret"), "{wrong}");
        assert!(!wrong.contains("ret host"), "{wrong}");
    }
}
