//! The files of an app as they were when it was read, to tell whether they have changed.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{open::manifest_of, source::files_of};
use crate::backend::setting_files;

/// What tells a file from what it was: device, node, size, and when it was changed. None for one
/// that is not there.
pub(crate) type Identity = Option<(u64, u64, u64, i64, i64)>;

pub(crate) type Files = BTreeMap<PathBuf, Identity>;

/// What an app's files were before it was read from them, so that no change is missed that comes
/// while it is.
#[derive(Debug)]
pub(crate) struct Seen(Files);

impl Seen {
    /// Looks at the manifest that `path` stands for.
    pub(crate) fn manifest(path: &Path) -> Self {
        Self([identify(manifest_of(path))].into())
    }

    /// Looks at the files of the components of `app` too, and at those that its settings come from.
    pub(crate) fn with_files_of(mut self, app: &keyway_app::App) -> Self {
        self.0.extend(files_of(app).chain(setting_files(app)).map(identify));
        self
    }

    /// Whether all files are as they were.
    pub(crate) fn is_unchanged(&self) -> bool {
        is_unchanged(&self.0)
    }

    /// The files, with what tells them from what they were.
    pub(crate) fn files(self) -> Files {
        self.0
    }
}

/// Whether all files are as they were.
pub(crate) fn is_unchanged(files: &Files) -> bool {
    files.iter().all(|(file, identity)| identify(file.clone()).1 == *identity)
}

/// What tells a file from what it was, as it is now.
pub(crate) fn identify(file: PathBuf) -> (PathBuf, Identity) {
    let identity = fs::metadata(&file)
        .ok()
        .map(|file| (file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec()));
    (file, identity)
}
