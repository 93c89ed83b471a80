//! One key, one value.

use keyway_capability::keyvalue::{Error, KEY_LIMIT_BYTES};

use super::*;

pub(crate) async fn a_missing_key_has_no_value(store: Subject) {
    assert_eq!(get(&store, "missing").await, None);
    assert!(!store.exists("missing").await.unwrap());
}

pub(crate) async fn a_value_is_read_as_it_was_set(store: Subject) {
    let every_byte: Bytes = (0..=255).collect::<Vec<u8>>().into();
    for value in [every_byte, Bytes::new(), bytes("text"), bytes("0\n")] {
        store.set("key", value.clone()).await.unwrap();
        assert_eq!(get(&store, "key").await, Some(value));
        assert!(store.exists("key").await.unwrap());
    }
}

pub(crate) async fn a_later_value_replaces_an_earlier_one(store: Subject) {
    for number in 0..10 {
        set(&store, "key", &number.to_string()).await;
    }
    assert_eq!(get(&store, "key").await, Some(bytes("9")));
}

pub(crate) async fn a_deleted_key_is_gone(store: Subject) {
    set(&store, "key", "value").await;
    set(&store, "other", "value").await;
    store.delete("key").await.unwrap();
    assert_eq!(get(&store, "key").await, None);
    assert!(!store.exists("key").await.unwrap());
    assert_eq!(get(&store, "other").await, Some(bytes("value")));
    set(&store, "key", "again").await;
    assert_eq!(get(&store, "key").await, Some(bytes("again")));
}

pub(crate) async fn deleting_a_missing_key_is_no_error(store: Subject) {
    store.delete("missing").await.unwrap();
    store.delete("missing").await.unwrap();
}

pub(crate) async fn a_key_may_be_any_text(store: Subject) {
    let long = "k".repeat(KEY_LIMIT_BYTES);
    let longest_to_write_otherwise = "\u{e9}".repeat(KEY_LIMIT_BYTES / 2);
    let keys = [
        "",
        " ",
        "a",
        "A",
        "a b",
        "a\nb",
        "a\tb",
        "a.b",
        ".a",
        "a.",
        "a..b",
        ".",
        "*",
        ">",
        "a*",
        "?",
        "[a]",
        "\\",
        "'",
        "\"",
        "--",
        "%",
        "_",
        "=",
        "=41",
        "a=b",
        "a/b",
        "/",
        "//",
        ":",
        "{a}",
        "$KV",
        "é",
        "e\u{301}",
        "\u{1f600}",
        "\u{7f}",
        "\u{1}",
        "\u{fffd}",
        "a:b:c",
        &long,
        &longest_to_write_otherwise,
    ];
    for key in keys {
        store.set(key, Bytes::from(format!("value of {key}"))).await.unwrap();
    }
    for key in keys {
        assert_eq!(get(&store, key).await, Some(Bytes::from(format!("value of {key}"))), "{key:?}");
    }
    assert_eq!(set_of(list(&store, "", 7).await), set_of(keys));
}

pub(crate) async fn a_key_that_is_too_long_is_refused(store: Subject) {
    let key = "k".repeat(KEY_LIMIT_BYTES + 1);
    let refused = |error: Error| assert!(matches!(error, Error::KeyTooLong { .. }), "{error}");
    refused(store.get(&key).await.unwrap_err());
    refused(store.set(&key, bytes("")).await.unwrap_err());
    refused(store.delete(&key).await.unwrap_err());
    refused(store.exists(&key).await.unwrap_err());
    refused(store.increment(&key, 1).await.unwrap_err());
    refused(store.swap(&key, None, bytes("")).await.unwrap_err());
}

pub(crate) async fn a_key_with_a_nul_is_refused(store: Subject) {
    let error = store.set("a\0b", bytes("")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key `a\\0b` contains the character U+0000, which a key cannot"
    );
}

pub(crate) async fn a_value_may_be_long(store: Subject) {
    let value = Bytes::from(vec![7; 512 * 1024]);
    store.set("long", value.clone()).await.unwrap();
    assert_eq!(get(&store, "long").await, Some(value));
}
