//! Files: written whole or not at all, and walked in a fixed order.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::BuildError;

/// The rights of a new file.
const MODE: u32 = 0o644;

/// Puts `bytes` at `path` in one step: a reader gets the old file or the new one. An incomplete
/// file is in the folder `staging`, or next to `path` if that is on another file system. What a
/// link leads to is replaced, and not the link; a file that is there keeps its rights.
///
/// # Errors
/// If the file's folder or `staging` is not there, or cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8], staging: &Path) -> io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mode = fs::metadata(&path).map_or(MODE, |old| old.permissions().mode());
    let write_by = |staging: &Path| {
        let mut file = tempfile::Builder::new().prefix(".keyway-").tempfile_in(staging)?;
        file.write_all(bytes)?;
        file.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
        file.persist(&path).map(drop).map_err(|error| error.error)
    };
    match write_by(staging) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            write_by(folder.unwrap_or(Path::new(".")))
        }
        written => written,
    }
}

/// The same in a folder that is made where it is not there.
pub(crate) fn put(path: &Path, bytes: &[u8], staging: &Path) -> Result<(), BuildError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(folder).and_then(|()| write_whole(path, bytes, staging));
    written.map_err(BuildError::written(path))
}

/// Leaves a file that is the same as it is, so that compilers which look at times see no change.
pub(crate) fn put_if_changed(path: &Path, bytes: &[u8], staging: &Path) -> Result<(), BuildError> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    put(path, bytes, staging)
}

/// Makes `folder` hold exactly these files, by their relative paths.
pub(crate) fn mirror<'a>(
    folder: &Path,
    files: impl Iterator<Item = (&'a str, &'a [u8])>,
    staging: &Path,
) -> Result<Vec<PathBuf>, BuildError> {
    let mut kept = Vec::new();
    for (name, bytes) in files {
        let path = folder.join(name);
        put_if_changed(&path, bytes, staging)?;
        kept.push(path);
    }
    // The target of a link is not ours to remove.
    let old = walk(folder, &|path| !path.is_symlink()).map_err(BuildError::read(folder))?;
    for file in old.into_iter().filter(|file| !kept.contains(file)) {
        fs::remove_file(&file).map_err(BuildError::written(file))?;
    }
    Ok(kept)
}

/// All files under `folder`, sorted. `enter` decides, by its path, about each file and folder.
/// Links are followed, except to a folder that contains them.
pub(crate) fn walk(folder: &Path, enter: &dyn Fn(&Path) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    walk_in(folder, enter, &mut Vec::new(), &mut files)?;
    files.sort();
    Ok(files)
}

/// `above` are the folders that this one lies in, by device and node.
fn walk_in(
    folder: &Path,
    enter: &dyn Fn(&Path) -> bool,
    above: &mut Vec<(u64, u64)>,
    files: &mut Vec<PathBuf>,
) -> io::Result<()> {
    let about = fs::metadata(folder)?;
    let identity = (about.dev(), about.ino());
    if above.contains(&identity) {
        return Ok(());
    }
    above.push(identity);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !enter(&path) {
            continue;
        }
        if path.is_dir() {
            walk_in(&path, enter, above, files)?;
        } else {
            files.push(path);
        }
    }
    above.pop();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_and_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        fs::create_dir_all(folder.join("a/inner")).expect("made");
        fs::create_dir_all(folder.join("b")).expect("made");
        fs::write(folder.join("b/file"), "").expect("written");
        symlink("../b", folder.join("a/to-b")).expect("linked");
        symlink("../../a", folder.join("a/inner/back")).expect("linked");
        symlink("../a", folder.join("b/to-a")).expect("linked");
        let files = walk(&folder.join("a"), &|_| true).expect("it ends");
        assert_eq!(files, [folder.join("a/to-b/file")]);
    }

    #[test]
    fn what_a_link_leads_to_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let (file, link) = (folder.join("file"), folder.join("link"));
        fs::write(&file, "old").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("set");
        symlink("file", &link).expect("linked");
        write_whole(&link, b"new", folder).expect("written");
        assert_eq!(fs::read(&file).expect("read"), b"new");
        assert!(link.is_symlink());
        assert_eq!(fs::metadata(&file).expect("read").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn nothing_is_taken_away_through_a_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        fs::create_dir_all(folder.join("own")).expect("made");
        fs::create_dir_all(folder.join("bindings")).expect("made");
        fs::write(folder.join("own/file"), "").expect("written");
        fs::write(folder.join("bindings/old"), "").expect("written");
        symlink("../own", folder.join("bindings/link")).expect("linked");
        let files = [("new", b"text".as_slice())];
        mirror(&folder.join("bindings"), files.into_iter(), folder).expect("written");
        assert!(folder.join("own/file").is_file());
        assert!(folder.join("bindings/new").is_file() && !folder.join("bindings/old").exists());
    }
}
