//! An app that is served from a temporary folder.

use std::{fs, ops::Deref, path::PathBuf};

use tempfile::TempDir;

use crate::{Keyway, app};

/// An app and the `keyway up` that serves it: all that [`Keyway`] does, this does too. Both end when
/// it is dropped.
#[derive(Debug)]
pub struct RunningApp {
    /// Dropped first, as it reads what is in the folder.
    pub keyway: Keyway,
    /// Has the manifest, and what its components write next to it.
    pub folder: TempDir,
}

impl RunningApp {
    /// Serves an [`app`](fn@app) with this manifest.
    ///
    /// # Panics
    /// If it cannot be written or does not serve.
    pub fn up(manifest: &str) -> Self {
        Self::up_with(manifest, &[])
    }

    /// The same, with further arguments of `keyway up`.
    ///
    /// # Panics
    /// If it cannot be written or does not serve.
    pub fn up_with(manifest: &str, arguments: &[&str]) -> Self {
        let folder = app(manifest);
        let keyway = Keyway::up_with(folder.path(), arguments);
        Self { keyway, folder }
    }

    /// The path of a file in its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Changes its manifest, which does not reload it.
    ///
    /// # Panics
    /// If nothing is changed, or the folder cannot be written.
    pub fn rewrite(&self, change: impl FnOnce(&str) -> String) {
        let manifest = self.file("keyway.toml");
        let before = fs::read_to_string(&manifest).expect("the manifest is read");
        let after = change(&before);
        assert_ne!(before, after, "nothing is changed");
        fs::write(&manifest, after).expect("the manifest is written");
    }
}

impl Deref for RunningApp {
    type Target = Keyway;

    fn deref(&self) -> &Keyway {
        &self.keyway
    }
}
