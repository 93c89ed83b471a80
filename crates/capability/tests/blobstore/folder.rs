//! What only a folder of files does.

use std::{fs, os::unix::fs::symlink, sync::Arc};

use bytes::Bytes;
use keyway_capability::{
    Outage,
    blobstore::{Backend, Blobs, Error, ObjectId, folder, open},
};
use tempfile::TempDir;

use crate::{
    block_on,
    suite::{get, id, put},
};

fn opened() -> (TempDir, Arc<dyn Blobs>) {
    let folder = tempfile::tempdir().unwrap();
    let blobs = open(&Backend::Folder(folder::Options::new(folder.path()))).unwrap();
    (folder, blobs)
}

#[test]
fn objects_are_files_under_their_names() {
    let (folder, blobs) = opened();
    block_on(async {
        blobs.create_container("box").await.unwrap();
        put(&blobs, "2024/a cat.jpg", "meow").await;
        assert_eq!(fs::read(folder.path().join("box/2024/a cat.jpg")).unwrap(), b"meow");
        // And files are objects, whoever has put them there.
        fs::write(folder.path().join("box/dog.jpg"), "woof").unwrap();
        fs::write(folder.path().join("box/.hidden"), "").unwrap();
        assert_eq!(get(&blobs, "dog.jpg").await.unwrap(), "woof");
        let listed = blobs.list("box", "", None, 10).await.unwrap().objects;
        let names: Vec<_> = listed.into_iter().map(|object| object.name).collect();
        assert_eq!(names, ["2024/a cat.jpg", "dog.jpg"]);
    });
}

#[test]
fn no_name_and_no_link_leads_out() {
    let (folder, blobs) = opened();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    block_on(async {
        blobs.create_container("box").await.unwrap();
        let up = format!("..{}/secret", outside.path().display());
        for name in ["../../secret", "/etc/passwd", &up] {
            assert!(matches!(get(&blobs, name).await, Err(Error::NoSuchObject { .. })), "{name}");
        }
        symlink(outside.path(), folder.path().join("box/link")).unwrap();
        symlink(outside.path(), folder.path().join("linked")).unwrap();
        let refused = get(&blobs, "link/secret").await;
        assert!(matches!(refused, Err(Error::Outage(Outage::AccessDenied { .. }))), "{refused:?}");
        let linked = ObjectId { container: "linked", name: "secret" };
        assert!(blobs.read(linked, 0..=9).await.is_err());
        assert!(blobs.rename(id("link/secret"), id("b")).await.is_err());
        let written = match blobs.write(id("link/secret")).await {
            Ok(mut writing) => {
                writing.write(Bytes::from_static(b"changed")).await.unwrap();
                writing.finish().await
            }
            Err(error) => Err(error),
        };
        assert!(written.is_err());
        assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
    });
}

#[test]
fn an_object_and_a_folder_cannot_have_one_name() {
    let (_folder, blobs) = opened();
    block_on(async {
        blobs.create_container("box").await.unwrap();
        put(&blobs, "a", "kept").await;
        put(&blobs, "b/c", "kept").await;
        for name in ["a/b", "b"] {
            let writing = blobs.write(id(name)).await.unwrap();
            let refused = writing.finish().await.unwrap_err();
            assert!(matches!(refused, Error::FolderInTheWay { .. }), "{name}: {refused:?}");
        }
        assert_eq!(get(&blobs, "a").await.unwrap(), "kept");
        assert_eq!(get(&blobs, "b/c").await.unwrap(), "kept");
        assert!(matches!(get(&blobs, "b").await, Err(Error::NoSuchObject { .. })));
        assert!(matches!(get(&blobs, "a/b").await, Err(Error::NoSuchObject { .. })));
    });
}

#[test]
fn a_writing_that_is_given_up_leaves_no_file() {
    let (folder, blobs) = opened();
    let left = || fs::read_dir(folder.path().join(".keyway")).unwrap().count();
    block_on(async {
        blobs.create_container("box").await.unwrap();
        let mut writing = blobs.write(id("a")).await.unwrap();
        writing.write(Bytes::from_static(b"half")).await.unwrap();
        assert_eq!(left(), 1);
        drop(writing);
        assert_eq!(left(), 0);
        put(&blobs, "a", "whole").await;
        assert_eq!(left(), 0);
    });
}

#[test]
fn a_name_that_is_too_long_for_a_file_is_told_of() {
    let (_folder, blobs) = opened();
    block_on(async {
        blobs.create_container("box").await.unwrap();
        let refused = blobs.write(id(&"x".repeat(300))).await.unwrap().finish().await;
        assert!(matches!(refused, Err(Error::Name { .. })), "{refused:?}");
    });
}
