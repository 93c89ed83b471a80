//! Backends by their words.

use std::collections::BTreeMap;

use keyway_capability::sql::{Backend, check};

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
    for url in ["mysql://a@b", "postgres://", "postgres://127.0.0.1/a"] {
        let wrong = backend("postgres", &[("url", url)]).unwrap();
        assert!(check(&wrong).is_err(), "{url}");
    }
    let right = backend("postgres", &[("url", "postgres://me:x@127.0.0.1/a")]).unwrap();
    check(&right).unwrap();
}
