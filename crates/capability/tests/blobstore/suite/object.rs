//! Objects one by one.

use std::time::{Duration, SystemTime};

use keyway_capability::blobstore::{Error, ObjectId};

use super::{BOX, Subject, get, id, list, put, set_of};

pub(crate) async fn a_missing_object_is_told_of(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    put(&blobs, "b", "kept").await;
    assert_eq!(blobs.info(id("a")).await.unwrap(), None);
    for (what, error) in [
        ("read", blobs.read(id("a"), 0..=u64::MAX).await.err()),
        ("read a part", blobs.read(id("a"), 1..=2).await.err()),
        ("copy", blobs.copy(id("a"), id("b")).await.err()),
        ("rename", blobs.rename(id("a"), id("b")).await.err()),
        ("rename to itself", blobs.rename(id("a"), id("a")).await.err()),
    ] {
        assert!(
            matches!(&error, Some(Error::NoSuchObject { object, .. }) if object == "a"),
            "{what}: {error:?}"
        );
    }
    assert_eq!(get(&blobs, "b").await.unwrap(), "kept");
}

pub(crate) async fn an_object_is_read_as_it_was_written(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    put(&blobs, "a", "one").await;
    assert_eq!(get(&blobs, "a").await.unwrap(), "one");
    // Another container has its own.
    blobs.create_container("other").await.unwrap();
    let other = ObjectId { container: "other", name: "a" };
    assert_eq!(blobs.info(other).await.unwrap(), None);
}

pub(crate) async fn a_later_object_replaces_an_earlier_one(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    put(&blobs, "a", "a long text").await;
    put(&blobs, "a", "short").await;
    assert_eq!(get(&blobs, "a").await.unwrap(), "short");
    assert_eq!(list(&blobs, "", 10).await, ["a"]);
}

pub(crate) async fn a_deleted_object_is_gone(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    for name in ["a", "b/c", "b/d"] {
        put(&blobs, name, name).await;
    }
    blobs.delete(BOX, &["a".to_owned(), "b/c".to_owned()]).await.unwrap();
    assert_eq!(blobs.info(id("a")).await.unwrap(), None);
    assert!(get(&blobs, "b/c").await.is_err());
    assert_eq!(list(&blobs, "", 10).await, ["b/d"]);
    // What is left is no folder in the way of an object of its name.
    blobs.delete(BOX, &["b/d".to_owned()]).await.unwrap();
    put(&blobs, "b", "again").await;
    assert_eq!(get(&blobs, "b").await.unwrap(), "again");
}

pub(crate) async fn deleting_a_missing_object_is_no_error(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    put(&blobs, "b", "b").await;
    blobs.delete(BOX, &["a".to_owned(), "b".to_owned(), "c/d".to_owned()]).await.unwrap();
    blobs.delete(BOX, &[]).await.unwrap();
    assert!(list(&blobs, "", 10).await.is_empty());
}

pub(crate) async fn an_object_may_have_any_name(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    let long = format!("{}/{}", "x".repeat(200), "y".repeat(200));
    let names = [
        "a",
        "a b+c&d=e?f#g",
        "2024/summer/cat.jpg",
        "/leading",
        "trailing/",
        "two//slashes",
        // No folder holds both `..` and what would be below it.
        "./../etc/passwd",
        "..",
        ".hidden",
        "%41",
        "%",
        "日本/é",
        "tab\tand\nline",
        "*?[x]{y}<z>|~^`'\"\\",
        &long,
    ];
    for name in names {
        put(&blobs, name, name).await;
    }
    for name in names {
        assert_eq!(get(&blobs, name).await.unwrap(), name);
        assert_eq!(blobs.info(id(name)).await.unwrap().unwrap().name, name);
    }
    assert_eq!(set_of(list(&blobs, "", 4).await), set_of(names));
    blobs.delete(BOX, &names.map(str::to_owned)).await.unwrap();
    assert!(list(&blobs, "", 10).await.is_empty());
}

pub(crate) async fn a_wrong_name_is_refused(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    for name in ["", "a\0b", &"x".repeat(1025)] {
        let refused = blobs.write(id(name)).await;
        assert!(matches!(refused, Err(Error::Name { .. })), "{refused:?}");
        assert!(matches!(get(&blobs, name).await, Err(Error::Name { .. })), "{name}");
    }
    for name in ["", "a\0b", &"x".repeat(129)] {
        let refused = blobs.create_container(name).await;
        assert!(matches!(refused, Err(Error::Name { .. })), "{refused:?}");
    }
}

pub(crate) async fn an_object_may_be_empty(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    blobs.write(id("a")).await.unwrap().finish().await.unwrap();
    assert_eq!(get(&blobs, "a").await.unwrap(), "");
    assert_eq!(blobs.info(id("a")).await.unwrap().unwrap().bytes, 0);
}

pub(crate) async fn an_object_is_known_by_its_size_and_time(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    put(&blobs, "a", "12345").await;
    let info = blobs.info(id("a")).await.unwrap().unwrap();
    assert_eq!((info.name.as_str(), info.bytes), ("a", 5));
    let age = SystemTime::now().duration_since(info.created).unwrap_or_default();
    assert!(age < Duration::from_secs(60), "{age:?}");
    let listed = blobs.list(BOX, "", None, 10).await.unwrap().objects;
    assert_eq!((listed.len(), listed[0].bytes), (1, 5));
}

pub(crate) async fn an_object_is_copied(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    blobs.create_container("other").await.unwrap();
    put(&blobs, "a", "text").await;
    put(&blobs, "b", "other").await;
    blobs.copy(id("a"), id("b")).await.unwrap();
    assert_eq!(get(&blobs, "b").await.unwrap(), "text");
    let other = ObjectId { container: "other", name: "deep/c" };
    blobs.copy(id("a"), other).await.unwrap();
    assert_eq!(blobs.info(other).await.unwrap().unwrap().bytes, 4);
    assert_eq!(get(&blobs, "a").await.unwrap(), "text");
    let nowhere = ObjectId { container: "nowhere", name: "c" };
    let refused = blobs.copy(id("a"), nowhere).await;
    assert!(matches!(refused, Err(Error::NoSuchContainer { .. })), "{refused:?}");
}

pub(crate) async fn an_object_is_moved(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    blobs.create_container("other").await.unwrap();
    put(&blobs, "deep/a", "text").await;
    put(&blobs, "b", "other").await;
    blobs.rename(id("deep/a"), id("b")).await.unwrap();
    assert_eq!(get(&blobs, "b").await.unwrap(), "text");
    assert_eq!(list(&blobs, "", 10).await, ["b"]);
    let other = ObjectId { container: "other", name: "c" };
    blobs.rename(id("b"), other).await.unwrap();
    assert_eq!(blobs.info(id("b")).await.unwrap(), None);
    assert_eq!(blobs.info(other).await.unwrap().unwrap().bytes, 4);
    let nowhere = ObjectId { container: "nowhere", name: "c" };
    let refused = blobs.rename(other, nowhere).await;
    assert!(matches!(refused, Err(Error::NoSuchContainer { .. })), "{refused:?}");
    assert!(blobs.info(other).await.unwrap().is_some());
}

pub(crate) async fn an_object_is_copied_and_moved_over_itself(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    put(&blobs, "a", "text").await;
    blobs.copy(id("a"), id("a")).await.unwrap();
    blobs.rename(id("a"), id("a")).await.unwrap();
    assert_eq!(get(&blobs, "a").await.unwrap(), "text");
}
