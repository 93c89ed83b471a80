//! Files: written whole or not at all, and walked in an order that is always the same.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::BuildError;

/// Puts `bytes` at `path` in one step: whoever reads it gets the old file or the new one.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(".keyway-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(BuildError::written(path))
}

/// Leaves a file that is the same as it is, so that compilers which look at times see no change.
pub(crate) fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    write_whole(path, bytes)
}

/// Makes `folder` hold exactly these files, by their relative paths.
pub(crate) fn mirror<'a>(
    folder: &Path,
    files: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Result<Vec<PathBuf>, BuildError> {
    let mut kept = Vec::new();
    for (name, bytes) in files {
        let path = folder.join(name);
        write_if_changed(&path, bytes)?;
        kept.push(path);
    }
    let old = walk(folder, &|_| true).map_err(BuildError::read(folder))?;
    for file in old.into_iter().filter(|file| !kept.contains(file)) {
        fs::remove_file(&file).map_err(BuildError::written(file))?;
    }
    Ok(kept)
}

/// All files under `folder`, sorted. `enter` decides, by its path, about each file and folder.
pub(crate) fn walk(folder: &Path, enter: &dyn Fn(&Path) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if !enter(&path) {
                continue;
            }
            if path.is_dir() {
                // A link to a folder may lead back here.
                if !path.is_symlink() {
                    folders.push(path);
                }
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
