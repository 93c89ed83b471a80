//! The errors that users see for wrong settings of stores, and those that components see.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use keyway_capability::{
    OpenError, Outage,
    keyvalue::{Backend, Error, Store, nats, open, postgres, redis, sqlite},
};
use keyway_testing::server::{Nats, Port, Postgres, Redis};

use crate::{backend::fresh_name, block_on};

fn settings(kind: &str, settings: &[(&str, &str)]) -> Result<Backend, String> {
    let settings: BTreeMap<_, _> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Backend::from_settings(kind, &settings).map_err(|error| error.to_string())
}

/// The words of the first error that a store gives, which holds no password.
fn told(store: &Arc<dyn Store>) -> (Error, String) {
    let error = block_on(store.get("key")).unwrap_err();
    let words = error.to_string();
    assert!(!words.contains("wrong-password"), "{words}");
    (error, words)
}

fn opened(backend: Backend) -> Arc<dyn Store> {
    open(&backend).unwrap()
}

#[test]
fn settings_are_read() {
    assert!(matches!(settings("memory", &[]), Ok(Backend::Memory)));
    let Ok(Backend::Sqlite(sqlite)) = settings("sqlite", &[("path", "a/b.db")]) else { panic!() };
    assert_eq!(sqlite.path.to_str(), Some("a/b.db"));
    let url = ("url", "redis://127.0.0.1:6379");
    let redis = settings("redis", &[url, ("prefix", "a:"), ("timeout", "500ms")]);
    let Ok(Backend::Redis(redis)) = redis else { panic!() };
    assert_eq!((redis.prefix.as_str(), redis.timeout.as_millis()), ("a:", 500));
    let url = ("url", "postgres://me@127.0.0.1/db");
    let postgres = settings("postgres", &[url, ("create", "false"), ("connections", "3")]);
    let Ok(Backend::Postgres(postgres)) = postgres else { panic!() };
    assert_eq!((postgres.create, postgres.connections), (false, 3));
    let url = ("url", "nats://127.0.0.1");
    let Ok(Backend::Nats(nats)) = settings("nats", &[url, ("replicas", "3")]) else { panic!() };
    assert_eq!(nats.replicas, 3);
}

#[test]
fn wrong_settings_say_what_is_right() {
    let url = ("url", "redis://127.0.0.1");
    let cases: &[(_, &[_], _)] = &[
        ("rediss", &[], "there is no backend `rediss` for keys and values; did you mean `redis`?"),
        (
            "PostgreSQL",
            &[],
            "there is no backend `PostgreSQL` for keys and values; did you mean `postgres`?",
        ),
        (
            "cassandra",
            &[],
            "there is no backend `cassandra` for keys and values; write one of `memory`, \
             `sqlite`, `redis`, `postgres`, `nats`",
        ),
        ("memory", &[url], "the backend `memory` has no setting `url`; it has none"),
        (
            "redis",
            &[("ulr", "redis://127.0.0.1")],
            "the backend `redis` has no setting `ulr`; did you mean `url`?",
        ),
        (
            "sqlite",
            &[url],
            "the backend `sqlite` has no setting `url`; write one of `path`, `table`, `timeout`",
        ),
        (
            "redis",
            &[],
            "the backend `redis` needs the setting `url`, such as `url = \
             \"redis://127.0.0.1:6379\"`",
        ),
        (
            "redis",
            &[url, ("connections", "0")],
            "`0` is not valid for the setting `connections` of the backend `redis`: write a whole \
             number above 0",
        ),
        (
            "redis",
            &[url, ("timeout", "2")],
            "`2` is not valid for the setting `timeout` of the backend `redis`: write a time above \
             0, such as \"500ms\"",
        ),
    ];
    for (kind, given, expected) in cases {
        assert_eq!(settings(kind, given).unwrap_err(), *expected);
    }
}

#[test]
fn a_password_in_the_wrong_place_is_not_told() {
    let url = "redis://default:hunter2secret@host";
    for told in [
        settings(url, &[]).unwrap_err(),
        settings("redis", &[("url", "redis://host"), ("timeout", url)]).unwrap_err(),
        settings("redis", &[("url", "redis://host"), ("connections", url)]).unwrap_err(),
    ] {
        assert!(told.contains("redis://default:***"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    for url in
        ["redis://default:hunter2secret", "redis://default:hunter2/secret@", "default:hunter2"]
    {
        let mut table = postgres::Options::new("postgres://me@host/db");
        table.table = url.to_owned();
        for backend in [
            Backend::Redis(redis::Options::new(url)),
            Backend::Nats(nats::Options::new(url.replace("redis", "nats"))),
            Backend::Postgres(postgres::Options::new(url.replace("redis", "postgres"))),
            Backend::Postgres(table),
        ] {
            let told = match open(&backend) {
                Ok(store) => told(&store).1,
                Err(error) => error.to_string(),
            };
            assert!(!told.contains("hunter2") && !told.contains("secret"), "{told}");
        }
    }
}

#[test]
fn what_cannot_be_opened_says_why() {
    let error = |backend: Backend| open(&backend).unwrap_err().to_string();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "this is no data base, but some text").unwrap();
    let file = folder.path().join("file").display().to_string();
    assert_eq!(
        error(Backend::Sqlite(sqlite::Options::new(&file))),
        format!("the store's file `{file}` cannot be opened: file is not a database")
    );
    assert_eq!(
        error(Backend::Redis(redis::Options::new("http://127.0.0.1"))),
        "the address `http://127.0.0.1` of Redis does not begin with `redis://` or `rediss://`"
    );
    assert_eq!(
        error(Backend::Postgres(postgres::Options::new("postgres://127.0.0.1/db"))),
        "the address `postgres://127.0.0.1/db` of PostgreSQL is not valid: it names no user"
    );
    let wrong_port = open(&Backend::Nats(nats::Options::new("nats://me:secret@host:port")));
    let Err(OpenError::Address(wrong_port)) = wrong_port else { panic!("{wrong_port:?}") };
    assert!(!wrong_port.to_string().contains("secret"), "{wrong_port}");
    let mut options = postgres::Options::new("postgres://me@127.0.0.1/db");
    options.table = "a; drop table b".to_owned();
    assert_eq!(
        error(Backend::Postgres(options)),
        "`a; drop table b` cannot be the name of a table of PostgreSQL: use up to 63 letters, \
         digits and `_`"
    );
}

#[test]
fn a_refused_login_says_so() {
    let server = Redis::start();
    let store = opened(Backend::Redis(redis::Options::new(server.url_with("wrong-password"))));
    let (error, words) = told(&store);
    assert!(matches!(error, Error::Outage(Outage::AccessDenied { .. })), "{words}");
    assert!(words.starts_with("Redis at redis://:***@127.0.0.1:"), "{words}");
    assert!(words.ends_with("; check the login and its rights"), "{words}");

    let server = Postgres::start();
    let url = server.url_with("wrong-password");
    let (error, words) = told(&opened(Backend::Postgres(postgres::Options::new(url))));
    assert!(matches!(error, Error::Outage(Outage::AccessDenied { .. })), "{words}");
    assert!(words.contains("password authentication failed for user \"keyway\""), "{words}");

    let server = Nats::start();
    let url = server.url_with("wrong-password");
    let (error, words) = told(&opened(Backend::Nats(nats::Options::new(url))));
    assert!(matches!(error, Error::Outage(Outage::AccessDenied { .. })), "{words}");
}

#[test]
fn a_missing_table_or_bucket_says_so() {
    let server = Postgres::start();
    let mut options = postgres::Options::new(server.url());
    options.create = false;
    let (error, words) = told(&opened(Backend::Postgres(options.clone())));
    assert!(matches!(error, Error::NoSuchStore { .. }), "{words}");
    assert!(words.contains("has no table `keyway_keyvalue`"), "{words}");
    assert!(words.ends_with("; create it, or let Keyway create it"), "{words}");
    options.url = server.url().replace("/postgres", "/elsewhere").into();
    let (error, words) = told(&opened(Backend::Postgres(options)));
    assert!(matches!(error, Error::NoSuchStore { .. }), "{words}");
    assert!(words.contains("has no database `elsewhere`"), "{words}");

    let server = Nats::start();
    let mut options = nats::Options::new(server.url());
    options.create = false;
    let (error, words) = told(&opened(Backend::Nats(options)));
    assert!(matches!(error, Error::NoSuchStore { .. }), "{words}");
    assert!(words.contains("has no bucket `keyway`: create it"), "{words}");
}

#[test]
fn a_server_that_is_not_there_says_so() {
    let port = Port::take();
    let backends = [
        Backend::Redis(redis::Options::new(format!("redis://127.0.0.1:{port}"))),
        Backend::Postgres(postgres::Options::new(format!("postgres://me@127.0.0.1:{port}/db"))),
        Backend::Nats(nats::Options::new(format!("nats://127.0.0.1:{port}"))),
    ];
    for backend in backends {
        let (error, words) = told(&opened(backend));
        assert!(matches!(error, Error::Outage(Outage::Unreachable { .. })), "{words}");
        assert!(
            words.contains(&port.to_string()) && words.contains("cannot be reached"),
            "{words}"
        );
    }
}

#[test]
fn a_value_that_the_server_does_not_take_says_so() {
    let server = Nats::start();
    let mut options = nats::Options::new(server.url());
    options.bucket = fresh_name();
    let store = opened(Backend::Nats(options));
    let long = Bytes::from(vec![0; 2 << 20]);
    let error = block_on(store.set("key", long)).unwrap_err().to_string();
    assert!(error.starts_with("the value of `key` has 2097152 bytes; NATS at nats://"), "{error}");
    assert!(error.ends_with(" takes at most 1048576"), "{error}");
}
