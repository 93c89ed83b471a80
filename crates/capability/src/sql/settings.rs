//! The backends of databases by their words.

use std::collections::BTreeMap;

use super::{Backend, postgres, sqlite};
use crate::{
    Address, SettingsError,
    address::redact,
    settings::{Settings, nearest},
};

/// The kinds of backends, as [`Backend::from_settings`] takes them.
pub const KINDS: [&str; 2] = ["sqlite", "postgres"];

impl Backend {
    /// A backend of one of the [`KINDS`] with settings by name. What is not set is as in the
    /// `Options` of the backend.
    ///
    /// | kind | settings |
    /// | --- | --- |
    /// | `sqlite` | `path`, `timeout`, `connections` |
    /// | `postgres` | `url`, `timeout`, `connections` |
    ///
    /// # Errors
    /// If there is no such backend, or a setting is missing, unknown or wrong.
    pub fn from_settings(
        kind: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, SettingsError> {
        match kind {
            "sqlite" => {
                let known = &["path", "timeout", "connections"];
                let settings = Settings::new("sqlite", settings, known)?;
                let mut options = sqlite::Options::new(settings.needed("path", "data/app.db")?);
                settings.duration("timeout", &mut options.timeout)?;
                settings.count("connections", &mut options.connections)?;
                Ok(Self::Sqlite(options))
            }
            "postgres" => {
                let known = &["url", "timeout", "connections"];
                let settings = Settings::new("postgres", settings, known)?;
                let url =
                    settings.needed("url", "postgres://user:password@127.0.0.1:5432/database")?;
                let mut options = postgres::Options::new(Address::from(url));
                settings.duration("timeout", &mut options.timeout)?;
                settings.count("connections", &mut options.connections)?;
                Ok(Self::Postgres(options))
            }
            kind => Err(SettingsError::UnknownKind {
                of: "SQL",
                kind: redact(kind),
                known: &KINDS,
                nearest: match kind.to_ascii_lowercase().as_str() {
                    "postgresql" | "pg" => Some("postgres"),
                    kind => nearest(kind, &KINDS),
                },
            }),
        }
    }
}
