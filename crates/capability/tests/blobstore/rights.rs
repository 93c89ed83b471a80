//! A link's rights: read-only, one container, a prefix, a quota.

use std::{
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use bytes::Bytes;
use keyway_capability::{
    Access, Rights,
    blobstore::{Blobs, Error, ObjectId, restrict},
};

use crate::{
    backend, block_on,
    suite::{get, id, put},
};

fn full() -> Arc<dyn Blobs> {
    let ((), blobs) = backend::memory();
    block_on(async {
        blobs.create_container("box").await.unwrap();
        blobs.create_container("other").await.unwrap();
        put(&blobs, "mine-a", "a").await;
        put(&blobs, "yours-b", "b").await;
    });
    blobs
}

#[test]
fn all_rights_are_the_containers_themselves() {
    let blobs = full();
    assert!(Arc::ptr_eq(&blobs, &restrict(Arc::clone(&blobs), Rights::default())));
}

#[test]
fn a_link_may_be_for_reading_only() {
    let blobs = full();
    let link = restrict(Arc::clone(&blobs), Rights { access: Access::Read, ..Rights::default() });
    block_on(async {
        assert_eq!(get(&link, "mine-a").await.unwrap(), "a");
        for (what, error) in [
            ("create_container", link.create_container("new").await.err()),
            ("delete_container", link.delete_container("box").await.err()),
            ("write", link.write(id("c")).await.err()),
            ("delete", link.delete("box", &["mine-a".to_owned()]).await.err()),
            ("copy", link.copy(id("mine-a"), id("c")).await.err()),
            ("rename", link.rename(id("mine-a"), id("c")).await.err()),
            ("clear", link.clear("box", "").await.err()),
        ] {
            assert!(matches!(error, Some(Error::ReadOnly { .. })), "{what}: {error:?}");
        }
        assert_eq!(blobs.list("box", "", None, 10).await.unwrap().objects.len(), 2);
    });
}

#[test]
fn a_link_may_be_for_one_container() {
    let blobs = full();
    let rights = Rights { container: Some("box".to_owned()), ..Rights::default() };
    let link = restrict(Arc::clone(&blobs), rights);
    block_on(async {
        assert_eq!(link.containers().await.unwrap(), ["box"]);
        assert_eq!(link.container_info("other").await.unwrap(), None);
        let other = ObjectId { container: "other", name: "a" };
        for (what, error) in [
            ("create_container", link.create_container("new").await.err()),
            ("delete_container", link.delete_container("other").await.err()),
            ("list", link.list("other", "", None, 10).await.err()),
            ("read", link.read(other, 0..=9).await.err()),
            ("write", link.write(other).await.err()),
            ("copy", link.copy(id("mine-a"), other).await.err()),
            ("rename", link.rename(id("mine-a"), other).await.err()),
            ("clear", link.clear("other", "").await.err()),
        ] {
            assert!(matches!(error, Some(Error::NoSuchContainer { .. })), "{what}: {error:?}");
        }
    });
}

#[test]
fn a_link_may_be_for_some_objects_only() {
    let blobs = full();
    let rights = Rights { prefix: "mine-".to_owned(), ..Rights::default() };
    let link = restrict(Arc::clone(&blobs), rights);
    block_on(async {
        assert_eq!(get(&link, "mine-a").await.unwrap(), "a");
        for (what, error) in [
            ("read", link.read(id("yours-b"), 0..=9).await.err()),
            ("info", link.info(id("yours-b")).await.err()),
            ("write", link.write(id("c")).await.err()),
            ("copy from", link.copy(id("yours-b"), id("mine-b")).await.err()),
            ("copy to", link.copy(id("mine-a"), id("c")).await.err()),
            ("rename from", link.rename(id("yours-b"), id("mine-b")).await.err()),
            ("delete", link.delete("box", &["yours-b".to_owned()]).await.err()),
            ("delete_container", link.delete_container("box").await.err()),
        ] {
            assert!(matches!(error, Some(Error::OutsidePrefix { .. })), "{what}: {error:?}");
        }
        let listed = link.list("box", "", None, 10).await.unwrap().objects;
        assert_eq!((listed.len(), listed[0].name.as_str()), (1, "mine-a"));
        assert!(link.list("box", "yours", None, 10).await.unwrap().objects.is_empty());
        // Of all, those that the link may use.
        link.clear("box", "").await.unwrap();
        assert_eq!(get(&blobs, "yours-b").await.unwrap(), "b");
        assert!(get(&blobs, "mine-a").await.is_err());
    });
}

fn kilobyte() -> Bytes {
    vec![b'x'; 1024].into()
}

async fn write(link: &Arc<dyn Blobs>, name: &str, kilobytes: usize) -> Result<(), Error> {
    let mut writing = link.write(id(name)).await?;
    for _ in 0..kilobytes {
        writing.write(kilobyte()).await?;
    }
    writing.finish().await
}

#[test]
fn a_link_may_have_a_quota() {
    let ((), blobs) = backend::memory();
    let rights = Rights { quota_bytes: Some(4096), ..Rights::default() };
    let link = restrict(Arc::clone(&blobs), rights);
    block_on(async {
        link.create_container("box").await.unwrap();
        write(&link, "a", 3).await.unwrap();
        let refused = write(&link, "b", 2).await.unwrap_err();
        assert!(matches!(refused, Error::OverQuota { limit_bytes: 4096, .. }), "{refused:?}");
        assert_eq!(blobs.info(id("b")).await.unwrap(), None);
        // What was given up has been given back.
        write(&link, "b", 1).await.unwrap();
        // In another container there is no more room.
        link.create_container("other").await.unwrap();
        let other = ObjectId { container: "other", name: "c" };
        let mut writing = link.write(other).await.unwrap();
        assert!(writing.write(kilobyte()).await.is_err());
        drop(writing);
        assert!(link.copy(id("a"), other).await.is_err());
        assert!(link.rename(id("a"), other).await.is_err());
        link.delete("box", &["a".to_owned()]).await.unwrap();
        link.copy(id("b"), other).await.unwrap();
        write(&link, "b", 2).await.unwrap();
        link.delete_container("other").await.unwrap();
        write(&link, "c", 2).await.unwrap();
        assert!(write(&link, "d", 1).await.is_err());
    });
}

#[test]
fn what_is_being_written_counts() {
    let ((), blobs) = backend::memory();
    let rights = Rights { quota_bytes: Some(4096), ..Rights::default() };
    let link = restrict(blobs, rights);
    block_on(async {
        link.create_container("box").await.unwrap();
        let mut first = link.write(id("a")).await.unwrap();
        let mut second = link.write(id("b")).await.unwrap();
        for _ in 0..2 {
            first.write(kilobyte()).await.unwrap();
            second.write(kilobyte()).await.unwrap();
        }
        assert!(second.write(kilobyte()).await.is_err());
        drop(second);
        first.write(kilobyte()).await.unwrap();
        first.finish().await.unwrap();
        write(&link, "b", 1).await.unwrap();
    });
}

#[test]
fn what_others_delete_is_noticed() {
    let ((), blobs) = backend::memory();
    let rights = Rights { quota_bytes: Some(4096), ..Rights::default() };
    let link = restrict(Arc::clone(&blobs), rights);
    block_on(async {
        link.create_container("box").await.unwrap();
        write(&link, "a", 4).await.unwrap();
        blobs.delete("box", &["a".to_owned()]).await.unwrap();
    });
    // A count holds for a second.
    let end = Instant::now() + Duration::from_secs(60);
    while block_on(write(&link, "b", 4)).is_err() {
        assert!(Instant::now() < end, "the room is not found again");
        sleep(Duration::from_millis(100));
    }
}
