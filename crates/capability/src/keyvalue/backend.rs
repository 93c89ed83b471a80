//! All backends of stores, as plain data: the one place that knows every one of them.

use std::{path::PathBuf, sync::Arc};

use thiserror::Error;

use super::{
    Store, memory::Memory, nats, nats::Nats, postgres, postgres::Postgres, redis, redis::Redis,
    sqlite, sqlite::Sqlite,
};
use crate::{AddressError, postgres::ServerError};

/// What stands behind a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// This process's memory.
    Memory,
    /// A file of SQLite.
    Sqlite(sqlite::Options),
    /// A server of Redis or Valkey.
    Redis(redis::Options),
    /// A server of PostgreSQL.
    Postgres(postgres::Options),
    /// A bucket of NATS JetStream.
    Nats(nats::Options),
}

/// Why a store cannot be opened: its configuration is wrong, or its file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The server's address is wrong.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The name of a table or bucket is wrong.
    #[error("`{name}` cannot be the name of a {what} of {backend}: {rule}")]
    Name {
        /// The name.
        name: String,
        /// What it was to name: "table", "bucket".
        what: &'static str,
        /// The backend.
        backend: &'static str,
        /// What names look like.
        rule: &'static str,
    },
    /// The file cannot be opened or made.
    #[error("the store's file `{path}` cannot be opened: {reason}")]
    File {
        /// The file.
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

impl From<ServerError> for OpenError {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Address(error) => Self::Address(error),
            ServerError::Certificates { address, reason } => Self::Certificates { address, reason },
        }
    }
}

/// Opens a store. A server is connected to when it is first needed, on the runtime of who needs
/// it; use [`Store::exists`] to find out early whether it answers.
///
/// # Errors
/// If the configuration is wrong, or a file cannot be used.
pub fn open(backend: &Backend) -> Result<Arc<dyn Store>, OpenError> {
    Ok(match backend {
        Backend::Memory => Arc::new(Memory::new()),
        Backend::Sqlite(options) => Arc::new(Sqlite::open(options)?),
        Backend::Redis(options) => Arc::new(Redis::open(options)?),
        Backend::Postgres(options) => Arc::new(Postgres::open(options)?),
        Backend::Nats(options) => Arc::new(Nats::open(options)?),
    })
}

/// Looks for what is wrong with a configuration without touching a file or a server.
///
/// # Errors
/// If it is wrong. What only the file or the server could tell is not found.
pub fn check(backend: &Backend) -> Result<(), OpenError> {
    match backend {
        Backend::Sqlite(options) => check_name(&options.table, "table", "SQLite"),
        // The others connect when they are first needed.
        other => open(other).map(drop),
    }
}

/// Refuses the name of a table or bucket that would need quoting somewhere.
pub(super) fn check_name(
    name: &str,
    what: &'static str,
    backend: &'static str,
) -> Result<(), OpenError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    // 63 bytes is what PostgreSQL takes.
    if !name.is_empty() && name.len() <= 63 && name.bytes().all(is_plain) {
        return Ok(());
    }
    let rule = "it is made of up to 63 letters, digits and `_`";
    Err(OpenError::Name { name: crate::address::redact(name), what, backend, rule })
}
