//! What a link may do with a store.

use std::sync::Arc;

use bytes::Bytes;
use keyway_capability::{
    Access, Rights,
    keyvalue::{Error, Store, Swap, memory::Memory, restrict},
};

use crate::block_on;

fn link(rights: Rights) -> (Arc<Memory>, Arc<dyn Store>) {
    let store = Arc::new(Memory::new());
    let link = restrict(Arc::<Memory>::clone(&store), rights);
    (store, link)
}

fn value(bytes: usize) -> Bytes {
    vec![7; bytes].into()
}

#[test]
fn a_link_that_may_only_read_changes_nothing() {
    block_on(async {
        let (store, link) = link(Rights { access: Access::Read, ..Rights::default() });
        store.set("key", value(1)).await.unwrap();
        assert_eq!(link.get("key").await, Ok(Some(value(1))));
        assert_eq!(link.exists("key").await, Ok(true));
        let keys = ["key".to_owned()];
        let refused = [
            link.set("key", value(2)).await.unwrap_err(),
            link.delete("key").await.unwrap_err(),
            link.increment("key", 1).await.unwrap_err(),
            link.swap("key", None, value(2)).await.unwrap_err(),
            link.set_many(&[("key".to_owned(), value(2))]).await.unwrap_err(),
            link.delete_many(&keys).await.unwrap_err(),
        ];
        for error in refused {
            assert_eq!(
                error.to_string(),
                "the key `key` cannot be changed: the link to the store in memory is read-only"
            );
        }
        assert_eq!(link.get_many(&keys).await, Ok(vec![Some(value(1))]));
    });
}

#[test]
fn a_link_with_a_prefix_sees_its_keys_only() {
    block_on(async {
        let (store, link) = link(Rights { prefix: "mine/".to_owned(), ..Rights::default() });
        store.set("theirs", value(1)).await.unwrap();
        link.set("mine/a", value(1)).await.unwrap();
        assert_eq!(
            link.get("theirs").await.unwrap_err().to_string(),
            "the key `theirs` is outside the link to the store in memory, which covers keys that \
             begin with `mine/`"
        );
        let theirs = ["mine/a".to_owned(), "theirs".to_owned()];
        for error in [
            link.set("theirs", value(1)).await.unwrap_err(),
            link.delete("theirs").await.unwrap_err(),
            link.exists("theirs").await.unwrap_err(),
            link.get_many(&theirs).await.unwrap_err(),
            link.delete_many(&theirs).await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::OutsidePrefix { .. }), "{error}");
        }
        assert_eq!(link.list_keys("", None, 9).await.unwrap().keys, ["mine/a"]);
        assert_eq!(link.list_keys("mine/a", None, 9).await.unwrap().keys, ["mine/a"]);
        assert!(link.list_keys("mine/b", None, 9).await.unwrap().keys.is_empty());
        assert!(link.list_keys("theirs", None, 9).await.unwrap().keys.is_empty());
        assert_eq!(store.get("theirs").await, Ok(Some(value(1))));
    });
}

#[test]
fn a_link_keeps_to_its_quota() {
    block_on(async {
        let rights = Rights { quota_bytes: Some(100), prefix: "a".to_owned(), ..Rights::default() };
        let (store, link) = link(rights);
        // What is there before counts, unless the link cannot see it.
        store.set("a0", value(38)).await.unwrap();
        store.set("b", value(1000)).await.unwrap();
        link.set("a1", value(50)).await.unwrap();
        let error = link.set("a2", value(7)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the value of `a2` is over the quota of the link to the store in memory: 92 of 100 \
             bytes are used, and 9 more are needed; delete keys, or raise the quota"
        );
        assert_eq!(store.get("a2").await, Ok(None));
        link.set("a2", value(6)).await.unwrap();
        let refused = |error: Error| assert!(matches!(error, Error::OverQuota { .. }), "{error}");
        refused(link.set("a2", value(7)).await.unwrap_err());
        refused(link.increment("a3", 1).await.unwrap_err());
        refused(link.swap("a3", None, value(0)).await.unwrap_err());
        refused(link.set_many(&[("a1".to_owned(), value(51))]).await.unwrap_err());
        // A swap that is lost takes nothing.
        let lost = link.swap("a3", Some(&value(1)), value(100)).await;
        assert_eq!(lost, Ok(Swap::Lost { current: None }));
        // Less is always allowed, and makes room.
        link.set("a1", value(40)).await.unwrap();
        link.set_many(&[("a3".to_owned(), value(9)), ("a3".to_owned(), value(8))]).await.unwrap();
        link.delete_many(&["a0".to_owned(), "a1".to_owned()]).await.unwrap();
        link.set("a4", value(80)).await.unwrap();
        refused(link.set("a5", value(1)).await.unwrap_err());
    });
}

#[test]
fn a_write_that_fails_takes_nothing_of_the_quota() {
    block_on(async {
        let (store, link) = link(Rights { quota_bytes: Some(10), ..Rights::default() });
        store.set("a", value(1)).await.unwrap();
        for _ in 0..20 {
            link.increment("a", 1).await.unwrap_err();
            link.set("a\0", value(1)).await.unwrap_err();
        }
        link.set("a", value(9)).await.unwrap();
    });
}

#[test]
fn writers_at_once_keep_to_the_quota() {
    block_on(async {
        let (store, link) = link(Rights { quota_bytes: Some(500), ..Rights::default() });
        let keys: Vec<_> = (10..99).map(|number| number.to_string()).collect();
        let sets = keys.iter().map(|key| link.set(key, value(8)));
        let outcomes = futures::future::join_all(sets).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 50);
        assert_eq!(store.list_keys("", None, 99).await.unwrap().keys.len(), 50);
    });
}
