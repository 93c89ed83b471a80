//! All backends of databases, as plain data: the only place that knows all of them.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use keyway_word::Capability;

use super::{Database, postgres, postgres::Postgres, sqlite, sqlite::Sqlite};
use crate::{
    Access, OpenError, Rights, SettingsError,
    provider::{Backends, Linked, Open},
};

/// The backend of a database.
#[derive(Clone, Debug)]
pub enum Backend {
    /// A file of SQLite.
    Sqlite(sqlite::Options),
    /// A server of PostgreSQL.
    Postgres(postgres::Options),
}

impl Backend {
    /// A backend by what it is called, with settings by name. What is not set is as in the
    /// `Options` of the backend, which say what can be set.
    ///
    /// # Errors
    /// If there is no such backend, or a setting is missing, unknown or wrong.
    pub fn from_settings(
        kind: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, SettingsError> {
        match kind {
            "sqlite" => sqlite::Options::read(settings).map(Self::Sqlite),
            "postgres" => postgres::Options::read(settings).map(Self::Postgres),
            kind => Err(SettingsError::no_backend(Capability::Sql, kind)),
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

impl Backends for Backend {
    fn read(kind: &str, settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        Self::from_settings(kind, settings)
    }

    fn open(&self) -> Result<Arc<dyn Open>, OpenError> {
        Ok(Arc::new(Databases(open(self)?)))
    }

    fn check(&self) -> Result<(), OpenError> {
        check(self)
    }
}

/// A database that is open.
#[derive(Debug)]
struct Databases(Arc<dyn Database>);

/// A database, and what a link may do with it.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The database.
    pub database: Arc<dyn Database>,
    /// What may be done there.
    pub access: Access,
}

#[async_trait]
impl Open for Databases {
    async fn probe(&self) -> Result<(), String> {
        self.0.begin(Access::Read).await.map(drop).map_err(|error| error.to_string())
    }

    fn link(&self, rights: &Rights) -> Linked {
        Linked::new(Granted { database: Arc::clone(&self.0), access: rights.access })
    }
}
