//! Writes files so that they are never half-written.

use std::path::Path;

use keyway_app::{Code, Problem};
use keyway_build::write_whole;

use crate::problem::problem;

/// Writes `bytes` beside `path` and renames. What a link leads to is replaced, and not the link.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    write_whole(path, bytes, folder.unwrap_or(Path::new("."))).map_err(|error| {
        let message = format!("the file {} cannot be written: {error}", path.display());
        problem(Code::Unwritable, message, None)
    })
}
