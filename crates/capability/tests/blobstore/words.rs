//! The errors that users see for wrong settings of blobstores, and those that components see.

use std::{collections::BTreeMap, sync::Arc};

use keyway_capability::{
    OpenError, Outage,
    blobstore::{Backend, Blobs, Error, folder, nats, open, s3},
};
use keyway_testing::server::{Moto, Nats, Port};

use crate::{backend::s3_options, block_on};

fn settings(kind: &str, settings: &[(&str, &str)]) -> Result<Backend, String> {
    let settings: BTreeMap<_, _> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Backend::from_settings(kind, &settings).map_err(|error| error.to_string())
}

/// The words of the first error, which hold no password.
fn told(blobs: &Arc<dyn Blobs>) -> (Error, String) {
    let error = block_on(blobs.container_info("box")).unwrap_err();
    let words = error.to_string();
    assert!(!words.contains("wrong-password") && !words.contains("secret"), "{words}");
    (error, words)
}

#[test]
fn settings_are_read() {
    assert!(matches!(settings("memory", &[]), Ok(Backend::Memory)));
    let Ok(Backend::Folder(folder)) = settings("folder", &[("path", "a/b")]) else { panic!() };
    assert_eq!(folder.path.to_str(), Some("a/b"));
    let bucket = ("bucket", "pictures");
    let login = [("access_key", "me"), ("secret_key", "secret")];
    let Ok(Backend::S3(s3)) = settings(
        "s3",
        &[bucket, login[0], login[1], ("region", "eu-central-1"), ("timeout", "3s")],
    ) else {
        panic!()
    };
    assert_eq!(
        (s3.region.as_str(), s3.timeout.as_secs(), s3.url.is_some()),
        ("eu-central-1", 3, false)
    );
    assert!(!format!("{s3:?}").contains("secret"));
    let Ok(Backend::S3(s3)) = settings("s3", &[bucket]) else { panic!() };
    assert!(s3.login.is_none());
    let url = ("url", "nats://127.0.0.1");
    let Ok(Backend::Nats(nats)) = settings("nats", &[url, ("replicas", "3")]) else { panic!() };
    assert_eq!(nats.replicas, 3);
}

#[test]
fn wrong_settings_say_what_is_right() {
    let bucket = ("bucket", "pictures");
    let cases: &[(_, &[_], _)] = &[
        ("foldr", &[], "there is no backend `foldr` for containers; did you mean `folder`?"),
        ("MinIO", &[], "there is no backend `MinIO` for containers; did you mean `s3`?"),
        (
            "azure",
            &[],
            "there is no backend `azure` for containers; write one of `folder`, `memory`, `s3`, \
             `nats`",
        ),
        (
            "folder",
            &[],
            "the backend `folder` needs the setting `path`, such as `path = \"data/pictures\"`",
        ),
        (
            "s3",
            &[("bukcet", "a")],
            "the backend `s3` has no setting `bukcet`; did you mean `bucket`?",
        ),
        (
            "s3",
            &[bucket, ("access_key", "me")],
            "the backend `s3` needs the setting `secret_key`, such as `secret_key = \
             \"wJalrXUtnFEMI/K7MDENG\"`",
        ),
        (
            "nats",
            &[("url", "nats://127.0.0.1"), ("timeout", "0s")],
            "`0s` is not valid for the setting `timeout` of the backend `nats`: write a time above \
             0, such as \"500ms\"",
        ),
    ];
    for (kind, given, expected) in cases {
        assert_eq!(settings(kind, given).unwrap_err(), *expected);
    }
}

#[test]
fn a_wrong_address_or_name_is_told_at_once() {
    let wrong = |backend: Backend| open(&backend).map(drop).unwrap_err();
    let url = |url: &str| {
        let options = s3::Options { url: Some(url.into()), ..s3::Options::new("pictures") };
        wrong(Backend::S3(options)).to_string()
    };
    assert_eq!(
        url("s3://pictures"),
        "the address `s3://pictures` of S3 does not begin with `https://` or `http://`"
    );
    assert_eq!(
        url("https://"),
        "the address `https://` of S3 names no server; write `https://127.0.0.1`"
    );
    for name in ["a", "my bucket", "a/b"] {
        let error = wrong(Backend::S3(s3::Options::new(name)));
        assert!(matches!(error, OpenError::Name { .. }), "{error}");
        let options =
            nats::Options { bucket: name.replace('a', "a."), ..nats::Options::new("nats://h") };
        let error = wrong(Backend::Nats(options));
        assert!(matches!(error, OpenError::Name { .. }), "{error}");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = wrong(Backend::Folder(folder::Options::new(file.path())));
    assert!(error.to_string().starts_with("the folder `/"), "{error}");
}

#[test]
fn a_missing_bucket_is_told_of() {
    let moto = Moto::start();
    let blobs = open(&Backend::S3(s3_options(&moto, "missing"))).unwrap();
    let (error, words) = told(&blobs);
    assert!(matches!(error, Error::NoSuchStore { .. }), "{error:?}");
    assert_eq!(
        words,
        format!("S3 at {} has no bucket `missing`: create it, or name one that exists", moto.url())
    );
    let nats = Nats::start();
    let options = nats::Options { create: false, ..nats::Options::new(nats.url()) };
    let (error, words) = told(&open(&Backend::Nats(options)).unwrap());
    assert!(matches!(error, Error::NoSuchStore { .. }), "{error:?}");
    assert!(
        words.ends_with("has no bucket `keyway`: create it, or let Keyway create it"),
        "{words}"
    );
}

#[test]
fn a_refused_login_is_told_of() {
    let moto = Moto::start();
    moto.make_bucket("pictures");
    let (access_key, secret_key) = moto.demand_login();
    let login = |secret_key: String| s3::Options {
        login: Some(s3::Login { access_key: access_key.clone(), secret_key, token: None }),
        ..s3_options(&moto, "pictures")
    };
    let blobs = open(&Backend::S3(login(secret_key))).unwrap();
    assert_eq!(block_on(blobs.container_info("box")).unwrap(), None);
    let (error, words) = told(&open(&Backend::S3(login("wrong-password".to_owned()))).unwrap());
    assert!(matches!(error, Error::Outage(Outage::AccessDenied { .. })), "{error:?}");
    assert!(words.contains("(SignatureDoesNotMatch); check the login"), "{words}");
    let nats = Nats::start();
    let options = nats::Options::new(nats.url_with("wrong-password"));
    let (error, words) = told(&open(&Backend::Nats(options)).unwrap());
    assert!(matches!(error, Error::Outage(Outage::AccessDenied { .. })), "{error:?}");
    assert!(words.starts_with("NATS at nats://keyway:***@127.0.0.1:"), "{words}");
}

#[test]
fn a_server_that_is_not_there_is_told_of() {
    let port = Port::take();
    let options = s3::Options {
        url: Some(format!("http://127.0.0.1:{port}").as_str().into()),
        login: Some(s3::Login {
            access_key: "me".to_owned(),
            secret_key: "secret".to_owned(),
            token: None,
        }),
        ..s3::Options::new("pictures")
    };
    let (error, words) = told(&open(&Backend::S3(options)).unwrap());
    assert!(matches!(error, Error::Outage(Outage::Unreachable { .. })), "{error:?}");
    assert!(
        words.starts_with(&format!("S3 at http://127.0.0.1:{port} cannot be reached: ")),
        "{words}"
    );
    let options = nats::Options::new(format!("nats://127.0.0.1:{port}").as_str());
    let (error, _) = told(&open(&Backend::Nats(options)).unwrap());
    assert!(matches!(error, Error::Outage(Outage::Unreachable { .. })), "{error:?}");
}
