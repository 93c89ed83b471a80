//! All backends of stores, as plain data: the only place that knows all of them.

use std::{collections::BTreeMap, sync::Arc};

use keyway_word::Capability;

use super::{
    Store, memory::Memory, nats, nats::Nats, postgres, postgres::Postgres, redis, redis::Redis,
    sqlite, sqlite::Sqlite,
};
use crate::{OpenError, SettingsError, open::check_name, settings::Settings};

/// The backend of a store.
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
            "memory" => {
                Settings::new("memory", settings, &[])?;
                Ok(Self::Memory)
            }
            "sqlite" => sqlite::Options::read(settings).map(Self::Sqlite),
            "redis" => redis::Options::read(settings).map(Self::Redis),
            "postgres" => postgres::Options::read(settings).map(Self::Postgres),
            "nats" => nats::Options::read(settings).map(Self::Nats),
            kind => Err(SettingsError::no_backend(Capability::Keyvalue, kind)),
        }
    }

    /// Whether both keep the same keys, though they may be reached in other ways, such as with another
    /// password.
    pub fn is_same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Memory, Self::Memory) => true,
            (Self::Sqlite(one), Self::Sqlite(other)) => {
                (&one.path, &one.table) == (&other.path, &other.table)
            }
            // An address shows no password.
            (Self::Redis(one), Self::Redis(other)) => {
                (one.url.to_string(), &one.prefix) == (other.url.to_string(), &other.prefix)
            }
            (Self::Postgres(one), Self::Postgres(other)) => {
                (one.url.to_string(), &one.table) == (other.url.to_string(), &other.table)
            }
            (Self::Nats(one), Self::Nats(other)) => {
                (one.url.to_string(), &one.bucket) == (other.url.to_string(), &other.bucket)
            }
            _ => false,
        }
    }
}

/// Opens a store. A server is connected to when it is first needed, on the runtime of that caller;
/// use [`Store::exists`] to find out early whether it answers.
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
        // All other backends connect when they are first needed.
        other => open(other).map(drop),
    }
}
