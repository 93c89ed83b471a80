//! Many keys at once.

use keyway_capability::keyvalue::Error;

use super::*;

pub(crate) async fn many_values_come_in_the_order_of_their_keys(store: Subject) {
    set(&store, "a", "1").await;
    set(&store, "b", "2").await;
    let keys = ["b", "missing", "a", "b"].map(str::to_owned);
    let values = store.get_many(&keys).await.unwrap();
    assert_eq!(values, [Some(bytes("2")), None, Some(bytes("1")), Some(bytes("2"))]);
}

pub(crate) async fn many_keys_are_set_and_deleted(store: Subject) {
    let keys: Vec<_> = (0..500).map(|number| format!("key {number}")).collect();
    let entries: Vec<_> = keys.iter().map(|key| (key.clone(), bytes(key))).collect();
    set(&store, "key 7", "old").await;
    store.set_many(&entries).await.unwrap();
    let values = store.get_many(&keys).await.unwrap();
    assert!(values.iter().zip(&keys).all(|(value, key)| *value == Some(bytes(key))));
    let (gone, kept) = keys.split_at(300);
    store.delete_many(gone).await.unwrap();
    assert_eq!(set_of(list(&store, "", 100).await), set_of(kept));
    assert!(store.get_many(gone).await.unwrap().iter().all(Option::is_none));
    store.delete_many(gone).await.unwrap();
}

pub(crate) async fn of_a_key_set_twice_at_once_the_last_value_counts(store: Subject) {
    let entries = [("a", "1"), ("b", "2"), ("a", "3")];
    let entries = entries.map(|(key, value)| (key.to_owned(), bytes(value)));
    store.set_many(&entries).await.unwrap();
    assert_eq!(get(&store, "a").await, Some(bytes("3")));
    store.delete_many(&["a".to_owned(), "a".to_owned()]).await.unwrap();
    assert_eq!(get(&store, "a").await, None);
}

pub(crate) async fn nothing_at_once_is_no_error(store: Subject) {
    assert!(store.get_many(&[]).await.unwrap().is_empty());
    store.set_many(&[]).await.unwrap();
    store.delete_many(&[]).await.unwrap();
}

pub(crate) async fn a_wrong_key_among_many_changes_nothing(store: Subject) {
    let keys = ["good", "a\0b"].map(str::to_owned);
    let entries = keys.clone().map(|key| (key, bytes("value")));
    let error = store.set_many(&entries).await.unwrap_err();
    assert!(matches!(error, Error::KeyWithNul { .. }), "{error}");
    assert_eq!(get(&store, "good").await, None);
    set(&store, "good", "value").await;
    store.delete_many(&keys).await.unwrap_err();
    store.get_many(&keys).await.unwrap_err();
    assert_eq!(get(&store, "good").await, Some(bytes("value")));
}
