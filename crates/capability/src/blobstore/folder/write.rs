//! Writes files beside the containers, and moves them into place when they are complete.

use std::{
    fs::File,
    hash::{BuildHasher, RandomState},
    io::{self, ErrorKind},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use cap_std::fs::{Dir, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::{Folder, Named, WORK};
use crate::blobstore::{Error, Writing};

/// How often a file is moved again after the empty folder it was to go to was removed.
const ATTEMPTS: usize = 10;

/// A path for something that is not in its place yet, or no more.
pub(super) fn work_file() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Other hosts may use the folder too.
    let random = RandomState::new().hash_one(NEXT.fetch_add(1, Ordering::Relaxed));
    format!("{WORK}/{random:016x}")
}

/// Moves the file at `path` to an object's place.
pub(super) fn put(folder: &Folder, path: &str, object: &Named) -> Result<(), Error> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        // The container is not made: it was deleted if it is not there.
        folder.container(&object.container)?;
        let root = &folder.root;
        let made = root.create_dir_all(object.folder());
        let moved = made.and_then(|()| root.rename(path, root, &object.path));
        let Err(error) = moved else {
            // The move itself is to outlive a power failure.
            return sync(root, object.folder()).map_err(|error| folder.failed(&error));
        };
        return Err(match error.kind() {
            ErrorKind::NotFound if attempt < ATTEMPTS => continue,
            ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::AlreadyExists => {
                Error::FolderInTheWay { at: folder.origin.clone(), object: object.name.clone() }
            }
            _ => folder.object_failed(object, &error),
        });
    }
}

/// Removes folders that an object has left empty, but not its container.
pub(super) fn remove_empty(folder: &Folder, object: &Named) {
    let parents = object.folder().ancestors().take_while(|path| path.components().count() > 1);
    for path in parents {
        // One that is not empty stays, and so do those around it.
        if folder.root.remove_dir(path).is_err() {
            return;
        }
    }
}

fn sync(root: &Dir, path: &Path) -> io::Result<()> {
    // A `Dir` is only a path to the folder, and cannot be synchronized.
    match root.open(path) {
        Ok(folder) => folder.sync_all(),
        // The task that removed it has synchronized what is there.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// A file that is to become an object. Dropped before that, it is removed.
#[derive(Debug)]
pub(super) struct Target {
    root: Arc<Dir>,
    object: Named,
    path: Option<String>,
    file: File,
}

impl Target {
    pub(super) fn begin(folder: &Folder, object: Named) -> Result<Self, Error> {
        folder.container(&object.container)?;
        let path = work_file();
        let mut options = OpenOptions::new();
        let file = folder.root.open_with(&path, options.write(true).create_new(true));
        let file = file.map_err(|error| folder.failed(&error))?.into_std();
        Ok(Self { root: Arc::clone(&folder.root), object, path: Some(path), file })
    }

    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    pub(super) fn finish(mut self, folder: &Folder) -> Result<(), Error> {
        self.file.sync_all().map_err(|error| folder.failed(&error))?;
        if let Some(path) = &self.path {
            put(folder, path, &self.object)?;
            self.path = None;
        }
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // What cannot be removed now is cleaned up later.
            let _ = self.root.remove_file(path);
        }
    }
}

/// An object that is being written.
pub(super) struct Written {
    folder: Folder,
    target: Target,
    file: tokio::fs::File,
}

impl Written {
    pub(super) fn begin(folder: &Folder, object: Named) -> Result<Self, Error> {
        let target = Target::begin(folder, object)?;
        let file = target.file.try_clone().map_err(|error| folder.failed(&error))?;
        Ok(Self { folder: folder.clone(), target, file: tokio::fs::File::from_std(file) })
    }
}

#[async_trait]
impl Writing for Written {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.file.write_all(&bytes).await.map_err(|error| self.folder.failed(&error))
    }

    async fn finish(self: Box<Self>) -> Result<(), Error> {
        let Self { folder, target, mut file } = *self;
        file.flush().await.map_err(|error| folder.failed(&error))?;
        folder.blocking(move |folder| target.finish(folder)).await
    }
}
