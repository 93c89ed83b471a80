//! The errors that users see for wrong settings of brokers.

use std::{collections::BTreeMap, sync::Arc};

use keyway_capability::{
    Outage,
    messaging::{Backend, Broker, Error, jetstream, nats, open, redis},
};
use keyway_testing::server::{Port, Redis};

use crate::{backend, block_on};

fn settings(kind: &str, settings: &[(&str, &str)]) -> Result<Backend, String> {
    let settings: BTreeMap<_, _> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Backend::from_settings(kind, &settings).map_err(|error| error.to_string())
}

fn told(broker: &Arc<dyn Broker>) -> (Error, String) {
    let error = block_on(broker.probe()).unwrap_err();
    let words = error.to_string();
    assert!(!words.contains("wrong-password"), "{words}");
    (error, words)
}

#[test]
fn settings_are_read() {
    assert!(matches!(settings("memory", &[]), Ok(Backend::Memory)));
    let url = ("url", "nats://127.0.0.1");
    let subjects = ("subjects", "orders.> bills.*");
    let Ok(Backend::JetStream(options)) = settings("jetstream", &[url, subjects]) else { panic!() };
    let subjects: Vec<_> = options.subjects.iter().map(ToString::to_string).collect();
    assert_eq!(subjects, ["orders.>", "bills.*"]);
    let url = ("url", "redis://127.0.0.1");
    let Ok(Backend::Streams(options)) = settings("redis-streams", &[url, ("keep", "10")]) else {
        panic!()
    };
    assert_eq!((options.stream.as_str(), options.keep), ("keyway", Some(10)));
}

#[test]
fn wrong_settings_say_what_is_right() {
    let url = ("url", "nats://127.0.0.1");
    for (kind, given, expected) in [
        ("natz", &[][..], "there is no backend `natz` for messages; did you mean `nats`?"),
        (
            "kafka",
            &[],
            "there is no backend `kafka` for messages; write one of `memory`, `nats`, `jetstream`, \
             `redis`, `redis-streams`",
        ),
        (
            "jetstream",
            &[url, ("subjects", "a..b")],
            "`a..b` is not valid for the setting `subjects` of the backend `jetstream`: write \
             topics separated by spaces: \"orders.> bills.>\"",
        ),
        (
            "nats",
            &[("stream", "a")],
            "the backend `nats` has no setting `stream`; write one of `url`, `timeout`",
        ),
    ] {
        assert_eq!(settings(kind, given).unwrap_err(), expected);
    }
    let wrong = open(&Backend::Redis(redis::Options::new("nats://host"))).map(drop).unwrap_err();
    assert!(wrong.to_string().contains("does not begin with `redis://`"), "{wrong}");
    let options =
        jetstream::Options { stream: "a.b".to_owned(), ..jetstream::Options::new("nats://h") };
    let wrong = open(&Backend::JetStream(options)).map(drop).unwrap_err();
    assert!(wrong.to_string().starts_with("`a.b` cannot be the name of a stream"), "{wrong}");
}

#[test]
fn a_missing_stream_is_told_of() {
    let nats = backend::shared_nats();
    let options =
        jetstream::Options { stream: "missing".to_owned(), ..jetstream::Options::new(nats.url()) };
    let (error, words) = told(&open(&Backend::JetStream(options)).unwrap());
    assert!(matches!(error, Error::NoSuchStream { .. }), "{error:?}");
    assert!(words.contains("has no stream `missing`: create it, or list the topics"), "{words}");
}

#[test]
fn a_refused_login_is_told_of() {
    let nats = backend::shared_nats();
    let options = nats::Options::new(nats.url_with("wrong-password"));
    let (error, _) = told(&open(&Backend::Nats(options)).unwrap());
    assert!(matches!(error, Error::Outage(Outage::AccessDenied { .. })), "{error:?}");
    let redis = Redis::start();
    let options = redis::Options::new(redis.url_with("wrong-password"));
    let (error, words) = told(&open(&Backend::Redis(options)).unwrap());
    assert!(matches!(error, Error::Outage(Outage::AccessDenied { .. })), "{error:?}");
    assert!(words.starts_with("Redis at redis://:***@127.0.0.1:"), "{words}");
}

#[test]
fn a_server_that_is_not_there_is_told_of() {
    let port = Port::take();
    let nats = nats::Options::new(format!("nats://127.0.0.1:{port}"));
    let redis = redis::Options::new(format!("redis://127.0.0.1:{port}"));
    for backend in [Backend::Nats(nats), Backend::Redis(redis)] {
        let (error, _) = told(&open(&backend).unwrap());
        assert!(matches!(error, Error::Outage(Outage::Unreachable { .. })), "{error:?}");
    }
}
