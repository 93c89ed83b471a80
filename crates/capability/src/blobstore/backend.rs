//! All backends of containers, as plain data: the one place that knows every one of them.

use std::{path::PathBuf, sync::Arc};

use thiserror::Error;

use super::{Blobs, folder, folder::Folder, memory::Memory, nats, nats::Nats, s3, s3::S3};
use crate::AddressError;

/// What stands behind containers.
#[derive(Clone, Debug)]
pub enum Backend {
    /// A folder of this machine.
    Folder(folder::Options),
    /// This process's memory.
    Memory,
    /// A bucket of S3, or of a server that speaks as it does.
    S3(s3::Options),
    /// A bucket of NATS' object store.
    Nats(nats::Options),
}

/// Why containers cannot be opened: the configuration is wrong, or the folder cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The server's address is wrong.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The name of a bucket is wrong.
    #[error("`{name}` cannot be the name of a bucket of {backend}: {rule}")]
    Bucket {
        /// The name.
        name: String,
        /// The backend.
        backend: &'static str,
        /// What names look like.
        rule: &'static str,
    },
    /// The folder cannot be opened or made.
    #[error("the folder `{}` cannot be opened: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The certificates of this machine cannot be read.
    #[error("no certificates are found on this machine to check {address} with: {reason}")]
    Certificates {
        /// The server's address.
        address: String,
        /// Why.
        reason: String,
    },
}

/// Opens containers. A server is connected to when it is first needed; use
/// [`Blobs::container_info`] to find out early whether it answers.
///
/// # Errors
/// If the configuration is wrong, or the folder cannot be used.
pub fn open(backend: &Backend) -> Result<Arc<dyn Blobs>, OpenError> {
    Ok(match backend {
        Backend::Folder(options) => Arc::new(Folder::open(options)?),
        Backend::Memory => Arc::new(Memory::new()),
        Backend::S3(options) => Arc::new(S3::open(options)?),
        Backend::Nats(options) => Arc::new(Nats::open(options)?),
    })
}

/// Looks for what is wrong with a configuration without touching a folder or a server.
///
/// # Errors
/// If it is wrong. What only the folder or the server could tell is not found.
pub fn check(backend: &Backend) -> Result<(), OpenError> {
    match backend {
        Backend::Folder(_) => Ok(()),
        // The others connect when they are first needed.
        other => open(other).map(drop),
    }
}
