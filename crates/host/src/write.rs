//! Writes files so that they are never there by half.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use keyway_app::Problem;
use tempfile::NamedTempFile;

use crate::problem::problem;

/// The rights of a new file.
const MODE: u32 = 0o644;

/// Writes `bytes` beside `path` and renames. What a link leads to is replaced, and not the link.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    try_write(path, bytes).map_err(|error| {
        let message = format!("the file {} cannot be written: {error}", path.display());
        problem("unwritable", message, None)
    })
}

fn try_write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path: PathBuf = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    io::Write::write_all(&mut file, bytes)?;
    let mode = fs::metadata(&path).map_or(MODE, |old| old.permissions().mode());
    file.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
    file.persist(path)?;
    Ok(())
}
