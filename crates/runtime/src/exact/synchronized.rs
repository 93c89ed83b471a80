//! `wasi:filesystem/types`: files that are opened for synchronized writing. The system is asked for it,
//! which wasmtime does not, and is asked again when a component wants to know.

use std::{fs::File, os::fd::AsRawFd, sync::Arc};

use rustix::fs::{Mode, OFlags, fcntl_getfl, open};
use tokio::task::spawn_blocking;

/// What a write waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Synchronized {
    /// The data.
    Data,
    /// The data, and all that is known of the file.
    All,
}

impl Synchronized {
    /// What writes to a file wait for, if they do.
    pub(super) fn of(file: &File) -> Option<Self> {
        let flags = fcntl_getfl(file).ok()?;
        if flags.contains(OFlags::SYNC) {
            Some(Self::All)
        } else {
            flags.contains(OFlags::DSYNC).then_some(Self::Data)
        }
    }

    /// The file, opened once more: what is open already cannot be changed to it. None where the system
    /// does not do it, as it is a request and no requirement.
    pub(super) async fn reopen(self, file: Arc<File>) -> Option<Arc<File>> {
        spawn_blocking(move || {
            // To open a pipe may wait for its other end.
            if !file.metadata().ok()?.is_file() {
                return None;
            }
            let how = match self {
                Self::Data => OFlags::DSYNC,
                Self::All => OFlags::SYNC,
            };
            let mode = fcntl_getfl(&file).ok()? & OFlags::ACCMODE;
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            let again = open(path, mode | how | OFlags::CLOEXEC, Mode::empty()).ok()?;
            Some(Arc::new(File::from(again)))
        })
        .await
        .ok()?
    }
}

/// What flags of a version of `wasi:filesystem` ask for.
macro_rules! asked {
    ($flags:ident, $given:expr) => {
        if $given.contains($flags::FILE_INTEGRITY_SYNC) {
            Some($crate::exact::synchronized::Synchronized::All)
        } else if $given.contains($flags::DATA_INTEGRITY_SYNC) {
            Some($crate::exact::synchronized::Synchronized::Data)
        } else {
            None
        }
    };
}
pub(super) use asked;

/// The flags of a file or folder, of which wasmtime knows the rest.
macro_rules! told {
    ($flags:ident, $rest:expr, $file:expr) => {{
        let rest = $rest & !$crate::exact::synchronizing!($flags);
        match $crate::exact::synchronized::Synchronized::of($file) {
            Some($crate::exact::synchronized::Synchronized::All) => {
                rest | $flags::FILE_INTEGRITY_SYNC
            }
            Some($crate::exact::synchronized::Synchronized::Data) => {
                rest | $flags::DATA_INTEGRITY_SYNC
            }
            None => rest,
        }
    }};
}
pub(super) use told;
