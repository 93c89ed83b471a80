//! Dependencies that are compiled once: what the first project with the same dependencies had cargo
//! build is copied into each new one, which is then built in seconds instead of a minute.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use super::Workspace;
use crate::{Project, debian};

/// For how many sets of dependencies what was built is kept.
const KEPT: usize = 4;

/// The build folder of a project that has not been built yet.
#[derive(Debug)]
pub(super) struct NewTarget {
    target: PathBuf,
    /// What is kept for its dependencies, or will be.
    kept: PathBuf,
    name: String,
}

impl NewTarget {
    /// None for a project that has been built before, has no dependencies, or is a part of a
    /// workspace; these go without.
    pub(super) fn begin(
        project: &Project,
        workspace: &Workspace,
        cache: &Path,
        compiler: &str,
    ) -> Option<Self> {
        let target = workspace.target();
        if target.exists() || workspace.root() != project.folder {
            return None;
        }
        let text = fs::read_to_string(project.folder.join("Cargo.toml")).ok()?;
        // All that follows: profiles too decide how dependencies are compiled.
        let dependencies = &text[text.find("[dependencies]")?..];
        let key = blake3::hash(format!("{compiler}\n{dependencies}").as_bytes()).to_hex();
        let kept = cache.join("cargo").join(&key[..16]);
        if kept.is_dir() {
            // Without it, everything is compiled: that is no error.
            let _ = copy(&kept, target);
        }
        Some(Self { target: target.to_owned(), kept, name: project.name.replace('-', "_") })
    }

    /// Keeps what was built of the dependencies, for the next project. Without it, that is built
    /// again: it is no error.
    pub(super) fn keep(&self) {
        let _ = self.try_keep();
    }

    fn try_keep(&self) -> Option<()> {
        if self.kept.exists() {
            return None;
        }
        let parent = self.kept.parent()?;
        fs::create_dir_all(parent).ok()?;
        forget_oldest(parent);
        let staging = tempfile::Builder::new().prefix(".new-").tempdir_in(parent).ok()?;
        let copied = staging.path().join("target");
        copy(&self.target, &copied)?;
        self.remove_own(&copied);
        fs::rename(&copied, &self.kept).ok()
    }

    /// Takes away what is of the project itself.
    fn remove_own(&self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().replace('-', "_");
            let is_own = name.trim_start_matches("lib").starts_with(&self.name);
            match (is_own, path.is_dir()) {
                (true, true) => drop(fs::remove_dir_all(&path)),
                (true, false) => drop(fs::remove_file(&path)),
                (false, true) => self.remove_own(&path),
                (false, false) => {}
            }
        }
    }
}

/// Copies a folder with the times of its files, by which cargo sees that nothing has changed.
fn copy(from: &Path, to: &Path) -> Option<()> {
    fs::create_dir_all(to.parent()?).ok()?;
    let mut command = Command::new("cp");
    command.args(["--archive", "--reflink=auto"]).arg(from).arg(to);
    let copied = debian::run(command).ok();
    if copied.is_none() {
        let _ = fs::remove_dir_all(to);
    }
    copied
}

fn forget_oldest(folder: &Path) {
    let changed = |path: &PathBuf| {
        fs::metadata(path).and_then(|about| about.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut kept: Vec<_> = entries.map(|entry| entry.path()).collect();
    kept.sort_by_key(changed);
    for path in kept.iter().rev().skip(KEPT - 1) {
        let _ = fs::remove_dir_all(path);
    }
}
