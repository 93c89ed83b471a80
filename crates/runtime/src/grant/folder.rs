//! The folders that a component is granted, opened once, when its unit is made. An instance gets
//! the open folder and never its path: if one folder contains another, a guest that may write to
//! the outer one can replace the inner one with a link.

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
};

use keyway_app::grant::FileGrant;
use keyway_word::Access;
use rustix::fs::{CWD, Mode, OFlags, openat};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder, filesystem::WasiFilesystemCtx};

/// A granted folder that cannot be opened.
#[derive(Debug)]
pub(crate) struct FolderError {
    pub(crate) folder: PathBuf,
    pub(crate) error: String,
}

/// Opens the folders of `grants`, whose paths are absolute and without links.
pub(crate) fn open(grants: &[FileGrant]) -> Result<WasiFilesystemCtx, FolderError> {
    let mut builder = WasiCtxBuilder::new();
    for FileGrant { host, guest, access, .. } in grants {
        let access = match access {
            Access::Read => FsPerms::ReadOnly,
            Access::ReadWrite => FsPerms::ReadWrite,
        };
        let failed = |error: String| FolderError { folder: host.clone(), error };
        let folder = open_without_links(host).map_err(|error| failed(error.to_string()))?;
        // The builder takes paths only; this one leads to what is open, whatever its path is now.
        let path = format!("/proc/self/fd/{}", folder.as_raw_fd());
        builder
            .preopened_dir(path, guest, access)
            .map_err(|error| failed(error.root_cause().to_string()))?;
    }
    Ok(builder.build().filesystem().clone())
}

/// Opens a folder part by part, so that a link which took the place of one since the path was
/// looked at is not followed.
fn open_without_links(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut folder = openat(CWD, "/", flags, Mode::empty())?;
    for part in path.components() {
        folder = openat(&folder, part.as_os_str(), flags, Mode::empty())?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_path_may_be_a_link() {
        let outer = tempfile::tempdir().expect("a folder");
        let outer = outer.path().canonicalize().expect("it is there");
        std::fs::create_dir_all(outer.join("real/inner")).expect("made");
        std::os::unix::fs::symlink("real", outer.join("link")).expect("linked");
        assert!(open_without_links(&outer.join("real/inner")).is_ok());
        assert!(open_without_links(&outer.join("link")).is_err());
        assert!(open_without_links(&outer.join("link/inner")).is_err());
        assert!(open_without_links(&outer.join("none")).is_err());
    }
}
