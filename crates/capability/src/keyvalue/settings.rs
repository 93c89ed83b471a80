//! The backends of stores by their words.

use std::collections::BTreeMap;

use super::{Backend, nats, postgres, redis, sqlite};
use crate::{
    Address, SettingsError,
    address::redact,
    settings::{Settings, nearest},
};

/// The kinds of backends, as [`Backend::from_settings`] takes them.
pub const KINDS: [&str; 5] = ["memory", "sqlite", "redis", "postgres", "nats"];

impl Backend {
    /// A backend of one of the [`KINDS`] with settings by name. What is not set is as in the
    /// `Options` of the backend.
    ///
    /// | kind | settings |
    /// | --- | --- |
    /// | `memory` | |
    /// | `sqlite` | `path`, `table`, `timeout` |
    /// | `redis` | `url`, `prefix`, `timeout`, `connections` |
    /// | `postgres` | `url`, `table`, `create`, `timeout`, `connections` |
    /// | `nats` | `url`, `bucket`, `create`, `replicas`, `timeout` |
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
            "sqlite" => sqlite_options(settings).map(Self::Sqlite),
            "redis" => redis_options(settings).map(Self::Redis),
            "postgres" => postgres_options(settings).map(Self::Postgres),
            "nats" => nats_options(settings).map(Self::Nats),
            kind => Err(SettingsError::UnknownKind {
                of: "keys and values",
                kind: redact(kind),
                known: &KINDS,
                nearest: match kind.to_ascii_lowercase().as_str() {
                    "valkey" => Some("redis"),
                    "postgresql" | "pg" => Some("postgres"),
                    "jetstream" => Some("nats"),
                    kind => nearest(kind, &KINDS),
                },
            }),
        }
    }
}

fn sqlite_options(settings: &BTreeMap<String, String>) -> Result<sqlite::Options, SettingsError> {
    let settings = Settings::new("sqlite", settings, &["path", "table", "timeout"])?;
    let mut options = sqlite::Options::new(settings.needed("path", "data/store.db")?);
    settings.text("table", &mut options.table);
    settings.duration("timeout", &mut options.timeout)?;
    Ok(options)
}

fn redis_options(settings: &BTreeMap<String, String>) -> Result<redis::Options, SettingsError> {
    let known = &["url", "prefix", "timeout", "connections"];
    let settings = Settings::new("redis", settings, known)?;
    let url = settings.needed("url", "redis://127.0.0.1:6379")?;
    let mut options = redis::Options::new(Address::from(url));
    settings.text("prefix", &mut options.prefix);
    settings.duration("timeout", &mut options.timeout)?;
    settings.count("connections", &mut options.connections)?;
    Ok(options)
}

fn postgres_options(
    settings: &BTreeMap<String, String>,
) -> Result<postgres::Options, SettingsError> {
    let known = &["url", "table", "create", "timeout", "connections"];
    let settings = Settings::new("postgres", settings, known)?;
    let url = settings.needed("url", "postgres://user:password@127.0.0.1:5432/database")?;
    let mut options = postgres::Options::new(Address::from(url));
    settings.text("table", &mut options.table);
    settings.parsed("create", "true or false", &mut options.create)?;
    settings.duration("timeout", &mut options.timeout)?;
    settings.count("connections", &mut options.connections)?;
    Ok(options)
}

fn nats_options(settings: &BTreeMap<String, String>) -> Result<nats::Options, SettingsError> {
    let known = &["url", "bucket", "create", "replicas", "timeout"];
    let settings = Settings::new("nats", settings, known)?;
    let url = settings.needed("url", "nats://127.0.0.1:4222")?;
    let mut options = nats::Options::new(Address::from(url));
    settings.text("bucket", &mut options.bucket);
    settings.parsed("create", "true or false", &mut options.create)?;
    settings.count("replicas", &mut options.replicas)?;
    settings.duration("timeout", &mut options.timeout)?;
    Ok(options)
}
