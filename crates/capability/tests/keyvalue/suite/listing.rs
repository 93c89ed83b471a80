//! Keys, page by page.

use super::*;

pub(crate) async fn an_empty_store_lists_nothing(store: Subject) {
    let page = store.list_keys("", None, 10).await.unwrap();
    assert_eq!((page.keys, page.cursor), (Vec::new(), None));
}

pub(crate) async fn pages_hold_every_key_once(store: Subject) {
    let keys: Vec<_> = (0..250).map(|number| format!("key-{number}")).collect();
    let entries: Vec<_> = keys.iter().map(|key| (key.clone(), bytes("value"))).collect();
    store.set_many(&entries).await.unwrap();
    for limit in [1, 10, 125, 250, 251, 1000] {
        let listed = list(&store, "", limit).await;
        // Where keys have no order, a page may repeat a key; nothing changes here, so none does.
        assert_eq!(listed.len(), keys.len(), "pages of {limit}");
        assert_eq!(set_of(listed), set_of(&keys), "pages of {limit}");
    }
}

pub(crate) async fn a_prefix_is_no_pattern(store: Subject) {
    for key in ["a*", "a*b", "ab", "a", "b", "a?c", "a[b]", "a\\*", "a%", "a_b", "A*"] {
        set(&store, key, "value").await;
    }
    assert_eq!(set_of(list(&store, "a*", 2).await), set_of(["a*", "a*b"]));
    assert_eq!(set_of(list(&store, "a?", 2).await), set_of(["a?c"]));
    assert_eq!(set_of(list(&store, "a[", 2).await), set_of(["a[b]"]));
    assert_eq!(set_of(list(&store, "a\\", 2).await), set_of(["a\\*"]));
    assert_eq!(set_of(list(&store, "a%", 2).await), set_of(["a%"]));
    assert_eq!(set_of(list(&store, "a_", 2).await), set_of(["a_b"]));
    assert!(list(&store, "c", 2).await.is_empty());
}

pub(crate) async fn keys_that_stay_are_listed_while_others_come_and_go(store: Subject) {
    let staying: Vec<_> = (0..100).map(|number| format!("stay-{number}")).collect();
    let entries: Vec<_> = staying.iter().map(|key| (key.clone(), bytes("0"))).collect();
    store.set_many(&entries).await.unwrap();
    let writer = Arc::clone(&store);
    let writing = async move {
        for number in 0..100 {
            set(&writer, &format!("come-{number}"), "value").await;
            // A key that is changed stays as well.
            set(&writer, &format!("stay-{}", number % 100), "1").await;
            writer.delete(&format!("come-{}", number / 2)).await.unwrap();
        }
    };
    let (listed, ()) = tokio::join!(list(&store, "", 7), writing);
    let listed = set_of(listed);
    for key in &staying {
        assert!(listed.contains(key), "{key} is not listed");
    }
}

pub(crate) async fn a_deleted_key_is_not_listed(store: Subject) {
    for key in ["a", "b", "c"] {
        set(&store, key, "value").await;
    }
    store.delete("b").await.unwrap();
    assert_eq!(set_of(list(&store, "", 10).await), set_of(["a", "c"]));
    store.delete("c").await.unwrap();
    assert_eq!(set_of(list(&store, "", 1).await), set_of(["a"]));
}
