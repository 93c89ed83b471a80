//! The place where a project is built: only one build runs at a time, and unfinished files are
//! where the next build removes them.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use crate::{BuildError, Project};

/// A project's lock, with an empty folder for the files of one build. Both end with it; if the
/// program is killed, the system releases the lock, and the next build empties the folder.
#[derive(Debug)]
pub(crate) struct Workplace {
    folder: PathBuf,
    _lock: File,
}

impl Workplace {
    /// Waits until no other build of the project runs.
    pub(crate) fn open(project: &Project) -> Result<Self, BuildError> {
        let own = project.own();
        fs::create_dir_all(&own).map_err(BuildError::written(&own))?;
        let path = own.join("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(BuildError::written(&path))?;
        lock.lock().map_err(BuildError::written(&path))?;
        let folder = own.join("work");
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(BuildError::written(&folder)(error));
            }
            _ => {}
        }
        fs::create_dir(&folder).map_err(BuildError::written(&folder))?;
        Ok(Self { folder, _lock: lock })
    }

    /// An empty folder on the project's own file system.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // The next build removes leftovers.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread, time::Duration};

    use super::*;
    use crate::Language;

    fn project() -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project {
            folder: folder.path().to_owned(),
            name: "sum".to_owned(),
            language: Language::C,
        };
        (folder, project)
    }

    #[test]
    fn what_a_killed_build_left_is_taken_away() {
        let (_folder, project) = project();
        let left = project.own().join("work/module.wasm");
        fs::create_dir_all(left.parent().expect("it is in a folder")).expect("made");
        fs::write(&left, "half").expect("written");
        let workplace = Workplace::open(&project).expect("it can be written");
        assert!(workplace.folder().is_dir() && !left.exists());
        drop(workplace);
        assert!(!project.own().join("work").exists());
    }

    #[test]
    fn one_builds_after_the_other() {
        let (_folder, project) = project();
        let first = Workplace::open(&project).expect("it can be written");
        let (done, is_done) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                let second = Workplace::open(&project).expect("it can be written");
                done.send(second.folder().is_dir()).expect("it is received");
            });
            assert!(is_done.recv_timeout(Duration::from_millis(50)).is_err(), "it waits");
            drop(first);
            assert_eq!(is_done.recv(), Ok(true));
        });
    }
}
