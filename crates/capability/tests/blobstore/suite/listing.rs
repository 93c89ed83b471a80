//! Objects in lists.

use super::{BOX, Subject, get, list, put, set_of};

pub(crate) async fn an_empty_container_lists_nothing(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    let page = blobs.list(BOX, "", None, 10).await.unwrap();
    assert!(page.objects.is_empty() && page.cursor.is_none(), "{page:?}");
}

pub(crate) async fn pages_hold_every_object_once(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    let names: Vec<_> = (0..23)
        .map(|number| match number % 3 {
            0 => format!("a/{number}"),
            1 => format!("a-{number}"),
            _ => format!("b/c/{number}"),
        })
        .collect();
    for name in &names {
        put(&blobs, name, name).await;
    }
    for limit in [1, 5, 23, 100] {
        let found = list(&blobs, "", limit).await;
        assert_eq!(found.len(), names.len(), "{limit}: {found:?}");
        assert_eq!(set_of(found), set_of(&names), "{limit}");
    }
    let found = list(&blobs, "a/", 3).await;
    assert_eq!(found.len(), 8, "{found:?}");
    assert!(found.iter().all(|name| name.starts_with("a/")), "{found:?}");
}

pub(crate) async fn a_prefix_is_no_pattern(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    for name in ["a*b", "axb", "a/b", ".a", "..", "/x", "//"] {
        put(&blobs, name, "").await;
    }
    for (prefix, expected) in [
        ("a*", &["a*b"][..]),
        ("a", &["a*b", "axb", "a/b"]),
        ("a/", &["a/b"]),
        (".", &[".a", ".."]),
        ("/", &["/x", "//"]),
        ("", &["a*b", "axb", "a/b", ".a", "..", "/x", "//"]),
        ("c", &[]),
    ] {
        let found = list(&blobs, prefix, 2).await;
        assert_eq!(set_of(found), set_of(expected.iter().copied()), "{prefix:?}");
    }
}

pub(crate) async fn a_container_is_cleared(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    for name in ["a/b", "a/c", "d"] {
        put(&blobs, name, name).await;
    }
    blobs.clear(BOX, "a/").await.unwrap();
    assert_eq!(list(&blobs, "", 10).await, ["d"]);
    blobs.clear(BOX, "").await.unwrap();
    assert!(list(&blobs, "", 10).await.is_empty());
    assert!(blobs.container_info(BOX).await.unwrap().is_some());
    assert!(get(&blobs, "d").await.is_err());
}
