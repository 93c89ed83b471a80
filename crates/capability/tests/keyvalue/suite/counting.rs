//! Counters.

use keyway_capability::keyvalue::{Error, counter::increment_unsigned};
use tokio::task::JoinSet;

use super::*;

pub(crate) async fn a_counter_begins_at_zero(store: Subject) {
    assert_eq!(store.increment("up", 5).await.unwrap(), 5);
    assert_eq!(store.increment("up", 2).await.unwrap(), 7);
    assert_eq!(store.increment("up", 0).await.unwrap(), 7);
    assert_eq!(store.increment("down", -3).await.unwrap(), -3);
    assert_eq!(store.increment("down", 3).await.unwrap(), 0);
    assert_eq!(store.increment("none", 0).await.unwrap(), 0);
    store.delete("up").await.unwrap();
    assert_eq!(store.increment("up", 1).await.unwrap(), 1);
}

pub(crate) async fn a_counter_is_a_decimal_text(store: Subject) {
    store.increment("counter", -12).await.unwrap();
    assert_eq!(get(&store, "counter").await, Some(bytes("-12")));
    for (text, next) in [("41", 42), ("0", 1), ("-1", 0), ("-9223372036854775808", -i64::MAX)] {
        set(&store, "counter", text).await;
        assert_eq!(store.increment("counter", 1).await.unwrap(), next);
        assert_eq!(get(&store, "counter").await, Some(bytes(&next.to_string())));
    }
}

pub(crate) async fn what_is_no_counter_is_not_incremented(store: Subject) {
    let long = "1".repeat(300);
    for text in ["", "one", "1.5", " 1", "1 ", "01", "+1", "-", "-0", "1e3", "1\n", "\\x31", &long]
    {
        set(&store, "key", text).await;
        let error = store.increment("key", 1).await.unwrap_err();
        let is_refused = matches!(&error, Error::NotACounter { key } if key == "key");
        // What has too many digits may be called either.
        assert!(is_refused || text == long, "{text:?}: {error}");
        assert_eq!(get(&store, "key").await, Some(bytes(text)));
    }
    let value = Bytes::from_static(&[0xff, 0, b'1']);
    store.set("key", value.clone()).await.unwrap();
    let error = store.increment("key", 1).await.unwrap_err();
    assert!(matches!(error, Error::NotACounter { .. }), "{error}");
    assert_eq!(get(&store, "key").await, Some(value));
}

pub(crate) async fn a_counter_does_not_overflow(store: Subject) {
    for (count, delta) in [(i64::MAX, 1), (i64::MIN, -1), (i64::MAX, i64::MAX), (-2, i64::MIN)] {
        set(&store, "counter", &count.to_string()).await;
        let error = store.increment("counter", delta).await.unwrap_err();
        assert!(matches!(&error, Error::Overflow { key } if key == "counter"), "{error}");
        assert_eq!(get(&store, "counter").await, Some(bytes(&count.to_string())));
    }
    assert_eq!(store.increment("most", i64::MAX).await.unwrap(), i64::MAX);
    assert_eq!(store.increment("most", i64::MIN).await.unwrap(), -1);
    assert_eq!(store.increment("least", i64::MIN).await.unwrap(), i64::MIN);
}

pub(crate) async fn increments_at_once_are_all_counted(store: Subject) {
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut seen = Vec::new();
            for _ in 0..25 {
                seen.push(store.increment("counter", 1).await.unwrap());
            }
            assert!(seen.is_sorted());
            seen
        });
    }
    let mut seen: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=200).collect::<Vec<_>>());
    assert_eq!(get(&store, "counter").await, Some(bytes("200")));
}

pub(crate) async fn an_unsigned_counter_stays_unsigned(store: Subject) {
    assert_eq!(increment_unsigned(&*store, "counter", 3).await.unwrap(), 3);
    let error = increment_unsigned(&*store, "counter", u64::MAX).await.unwrap_err();
    assert!(matches!(error, Error::Overflow { .. }), "{error}");
    assert_eq!(get(&store, "counter").await, Some(bytes("3")));
    set(&store, "counter", "-9").await;
    let error = increment_unsigned(&*store, "counter", 1).await.unwrap_err();
    assert!(matches!(error, Error::Overflow { .. }), "{error}");
}
