//! Why a backend cannot be opened, which all capabilities have in common.

use std::path::PathBuf;

use keyway_word::{AddressError, shown};
use thiserror::Error;

/// Why a backend cannot be opened: its configuration is wrong, or its file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The server's address is wrong.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The name of a table, a bucket or a stream is wrong.
    #[error("`{name}` cannot be the name of a {what} of {backend}: {rule}")]
    Name {
        /// The name, without a password: it may be the value of another setting.
        name: String,
        /// What it was to name, as its setting is called: "table", "bucket", "stream".
        what: &'static str,
        /// The backend.
        backend: &'static str,
        /// What names look like.
        rule: &'static str,
    },
    /// The file or folder cannot be opened or made.
    #[error("{what} `{}` cannot be opened: {reason}", path.display())]
    File {
        /// What it is: "the store's file".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The certificates of this machine cannot be read.
    #[error("this machine has no certificates to verify {address} with: {reason}")]
    Certificates {
        /// The server's address, without its password.
        address: String,
        /// Why.
        reason: String,
    },
}

impl OpenError {
    /// The error for a name that breaks the `rule`.
    pub(crate) fn name(
        name: &str,
        what: &'static str,
        backend: &'static str,
        rule: &'static str,
    ) -> Self {
        Self::Name { name: shown(name), what, backend, rule }
    }

    /// The setting that it is about.
    pub fn setting(&self) -> &'static str {
        match self {
            Self::Address(_) | Self::Certificates { .. } => "url",
            Self::Name { what, .. } => what,
            Self::File { .. } => "path",
        }
    }
}

/// Refuses the name of a table or bucket that would need quoting somewhere.
pub(crate) fn check_name(
    name: &str,
    what: &'static str,
    backend: &'static str,
) -> Result<(), OpenError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    // 63 bytes is what PostgreSQL takes.
    if !name.is_empty() && name.len() <= 63 && name.bytes().all(is_plain) {
        return Ok(());
    }
    let rule = "use up to 63 letters, digits and `_`";
    Err(OpenError::name(name, what, backend, rule))
}
