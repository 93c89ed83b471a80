//! Containers come and go.

use std::time::{Duration, SystemTime};

use keyway_capability::blobstore::{Error, ObjectId};

use super::{BOX, Subject, get, id, put, set_of};

pub(crate) async fn a_container_is_made_and_deleted(blobs: Subject) {
    assert_eq!(blobs.container_info(BOX).await.unwrap(), None);
    blobs.create_container(BOX).await.unwrap();
    let made = blobs.container_info(BOX).await.unwrap().unwrap().created;
    let age = SystemTime::now().duration_since(made).unwrap_or_default();
    assert!(age < Duration::from_secs(60), "{age:?}");
    assert_eq!(set_of(blobs.containers().await.unwrap()), set_of([BOX]));
    blobs.delete_container(BOX).await.unwrap();
    assert_eq!(blobs.container_info(BOX).await.unwrap(), None);
    assert!(blobs.containers().await.unwrap().is_empty());
}

pub(crate) async fn a_container_is_made_once(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    put(&blobs, "a", "kept").await;
    let again = blobs.create_container(BOX).await;
    assert!(matches!(again, Err(Error::ContainerExists { .. })), "{again:?}");
    assert_eq!(get(&blobs, "a").await.unwrap(), "kept");
}

pub(crate) async fn a_missing_container_is_told_of(blobs: Subject) {
    let names = ["a".to_owned()];
    for (what, error) in [
        ("delete_container", blobs.delete_container(BOX).await.err()),
        ("list", blobs.list(BOX, "", None, 10).await.err()),
        ("info", blobs.info(id("a")).await.err()),
        ("read", blobs.read(id("a"), 0..=9).await.err()),
        ("write", blobs.write(id("a")).await.err()),
        ("delete", blobs.delete(BOX, &names).await.err()),
        ("copy", blobs.copy(id("a"), id("b")).await.err()),
        ("rename", blobs.rename(id("a"), id("b")).await.err()),
        ("clear", blobs.clear(BOX, "").await.err()),
    ] {
        let container = match error {
            Some(Error::NoSuchContainer { container, .. }) => container,
            other => panic!("{what}: {other:?}"),
        };
        assert_eq!(container, BOX, "{what}");
    }
    // Nor has any of these made it.
    assert_eq!(blobs.container_info(BOX).await.unwrap(), None);
}

pub(crate) async fn a_container_may_have_any_name(blobs: Subject) {
    let names = ["a", "A b", "..", ".hidden", "a/b", "100%", "日本", "-rf", "a\\b", "%"];
    for name in names {
        blobs.create_container(name).await.unwrap();
        let object = ObjectId { container: name, name };
        blobs.write(object).await.unwrap().finish().await.unwrap();
    }
    assert_eq!(set_of(blobs.containers().await.unwrap()), set_of(names));
    for name in names {
        let page = blobs.list(name, "", None, 10).await.unwrap();
        let found: Vec<_> = page.objects.into_iter().map(|object| object.name).collect();
        assert_eq!(found, [name]);
        blobs.delete_container(name).await.unwrap();
    }
    assert!(blobs.containers().await.unwrap().is_empty());
}

pub(crate) async fn a_deleted_container_takes_its_objects_along(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    put(&blobs, "a/b", "gone").await;
    blobs.create_container("other").await.unwrap();
    let other = ObjectId { container: "other", name: "a" };
    blobs.write(other).await.unwrap().finish().await.unwrap();
    blobs.delete_container(BOX).await.unwrap();
    blobs.create_container(BOX).await.unwrap();
    assert!(blobs.list(BOX, "", None, 10).await.unwrap().objects.is_empty());
    assert!(blobs.info(other).await.unwrap().is_some());
}
