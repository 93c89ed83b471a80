//! All backends of databases, as plain data: the one place that knows every one of them.

use std::{path::PathBuf, sync::Arc};

use thiserror::Error;

use super::{Database, postgres, postgres::Postgres, sqlite, sqlite::Sqlite};
use crate::{AddressError, postgres::ServerError};

/// What stands behind a database.
#[derive(Clone, Debug)]
pub enum Backend {
    /// A file of SQLite.
    Sqlite(sqlite::Options),
    /// A server of PostgreSQL.
    Postgres(postgres::Options),
}

/// Why a database cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The server's address is wrong.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The file cannot be opened or made.
    #[error("the database's file `{path}` cannot be opened: {reason}")]
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

/// Opens a database. A server is connected to when it is first needed.
///
/// # Errors
/// If the configuration is wrong, or a file cannot be used.
pub fn open(backend: &Backend) -> Result<Arc<dyn Database>, OpenError> {
    Ok(match backend {
        Backend::Sqlite(options) => Arc::new(Sqlite::open(options)?),
        Backend::Postgres(options) => Arc::new(Postgres::open(options)?),
    })
}

/// Looks for what is wrong with a configuration without touching a file or a server.
///
/// # Errors
/// If it is wrong. What only the file or the server could tell is not found.
pub fn check(backend: &Backend) -> Result<(), OpenError> {
    match backend {
        Backend::Sqlite(_) => Ok(()),
        Backend::Postgres(_) => open(backend).map(drop),
    }
}
