//! Being told of changes.

use std::time::Duration;

use futures::StreamExt;
use keyway_capability::keyvalue::{Change, Changes};
use tokio::time::timeout;

use super::*;

async fn next(changes: &mut Changes) -> Change {
    let change = timeout(Duration::from_secs(20), changes.next()).await;
    change.expect("a change is told of").expect("the changes go on").unwrap()
}

fn is_set(key: &str, value: &str) -> Change {
    Change::Set { key: key.to_owned(), value: bytes(value) }
}

pub(crate) async fn a_watcher_is_told_of_changes(store: Subject) {
    set(&store, "before", "not told").await;
    let mut changes = store.watch("").await.unwrap();
    set(&store, "a b", "1").await;
    assert_eq!(next(&mut changes).await, is_set("a b", "1"));
    store.increment("counter", 2).await.unwrap();
    assert_eq!(next(&mut changes).await, is_set("counter", "2"));
    store.swap("a b", Some(&bytes("1")), bytes("3")).await.unwrap();
    assert_eq!(next(&mut changes).await, is_set("a b", "3"));
    // One that is lost is no change.
    store.swap("a b", Some(&bytes("1")), bytes("4")).await.unwrap();
    store.delete("a b").await.unwrap();
    assert_eq!(next(&mut changes).await, Change::Deleted { key: "a b".to_owned() });
    store.set_many(&[("many".to_owned(), bytes("5"))]).await.unwrap();
    assert_eq!(next(&mut changes).await, is_set("many", "5"));
    store.delete_many(&["many".to_owned()]).await.unwrap();
    assert_eq!(next(&mut changes).await, Change::Deleted { key: "many".to_owned() });
}

pub(crate) async fn a_watcher_is_told_of_its_prefix_only(store: Subject) {
    let mut changes = store.watch("a*").await.unwrap();
    set(&store, "ab", "1").await;
    set(&store, "b", "1").await;
    set(&store, "a*b", "1").await;
    assert_eq!(next(&mut changes).await, is_set("a*b", "1"));
}
