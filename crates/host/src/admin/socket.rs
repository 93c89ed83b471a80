//! Where the sockets of hosts are, and who may use them.

use std::{
    env, fs, io,
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
        net::UnixStream as BlockingStream,
    },
    path::{Path, PathBuf},
    process,
};

use etcetera::BaseStrategy;
use tokio::net::{UnixListener, UnixStream};

use crate::error::{HostError, ProcessError};

/// The socket of a host, removed when dropped.
#[derive(Debug)]
pub(crate) struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl AdminSocket {
    /// Listens at `path`, or in the user's folder of sockets, for the app `name`. Needs a runtime to be
    /// entered.
    ///
    /// # Errors
    /// If the socket cannot be made, or another host uses it.
    pub(crate) fn bind(path: Option<&Path>, name: &str) -> Result<Self, ProcessError> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => {
                let folder = folder()?;
                make_private(&folder).map_err(|error| cannot("make", &folder, error))?;
                // A path of a socket has 107 bytes at most.
                let name: String =
                    name.chars().filter(char::is_ascii_alphanumeric).take(24).collect();
                folder.join(format!("{name}-{}.sock", process::id()))
            }
        };
        if is_left_over(&path) {
            fs::remove_file(&path).map_err(|error| cannot("replace", &path, error))?;
        }
        let listener =
            UnixListener::bind(&path).map_err(|error| cannot("listen at", &path, error))?;
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&path, private).map_err(|error| cannot("protect", &path, error))?;
        Ok(Self { listener, path })
    }

    /// The next client. Those of other users are turned away, whatever the file's mode lets them.
    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            let uid = stream.peer_cred()?.uid();
            let own = rustix::process::geteuid();
            if uid == own.as_raw() || uid == 0 {
                return Ok(stream);
            }
            tracing::warn!("the admin API rejected a connection from user {uid}");
        }
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        // One that stays is found to be left over by the next host.
        let _ = fs::remove_file(&self.path);
    }
}

/// The sockets of all of this user's hosts that are running.
///
/// # Errors
/// If there is no folder for such.
pub fn running_sockets() -> Result<Vec<PathBuf>, HostError> {
    let folder = folder()?;
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut sockets: Vec<_> = paths.filter(|path| BlockingStream::connect(path).is_ok()).collect();
    sockets.sort();
    Ok(sockets)
}

/// `$XDG_RUNTIME_DIR/keyway`, or `keyway/run` in the user's cache where the system has no such
/// folder.
fn folder() -> Result<PathBuf, ProcessError> {
    if let Some(runtime) = env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(runtime).join("keyway"));
    }
    let base = etcetera::choose_base_strategy()
        .map_err(|error| ProcessError::NoHome(error.to_string()))?;
    Ok(base.cache_dir().join("keyway").join("run"))
}

/// A folder that only its owner may look into.
fn make_private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let metadata = fs::metadata(folder)?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to another user"));
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// Whether there is a socket without a listener.
fn is_left_over(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    is_socket
        && BlockingStream::connect(path)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

fn cannot(action: &'static str, path: &Path, error: io::Error) -> ProcessError {
    ProcessError::AdminSocket { action, path: path.to_owned(), error }
}
