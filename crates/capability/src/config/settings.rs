//! The backends of configurations by their words.

use std::collections::BTreeMap;

use super::{Backend, Values};
use crate::{
    Address, SettingsError,
    address::redact,
    keyvalue::nats,
    settings::{Settings, nearest},
};

/// The kinds of backends, as [`Backend::from_settings`] takes them.
pub const KINDS: [&str; 3] = ["values", "file", "nats"];

impl Backend {
    /// A backend of one of the [`KINDS`] with settings by name.
    ///
    /// | kind | settings |
    /// | --- | --- |
    /// | `values` | the values themselves |
    /// | `file` | `path` |
    /// | `nats` | `url`, `bucket`, `create`, `replicas`, `timeout` |
    ///
    /// # Errors
    /// If there is no such backend, or a setting is missing, unknown or wrong.
    pub fn from_settings(
        kind: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, SettingsError> {
        match kind {
            "values" => Ok(Self::Values(Values(settings.clone()))),
            "file" => {
                let settings = Settings::new("file", settings, &["path"])?;
                Ok(Self::File(settings.needed("path", "config.toml")?.into()))
            }
            "nats" => {
                let known = &["url", "bucket", "create", "replicas", "timeout"];
                let settings = Settings::new("nats", settings, known)?;
                let url = settings.needed("url", "nats://127.0.0.1:4222")?;
                let mut options = nats::Options::new(Address::from(url));
                "config".clone_into(&mut options.bucket);
                settings.text("bucket", &mut options.bucket);
                settings.parsed("create", "true or false", &mut options.create)?;
                settings.count("replicas", &mut options.replicas)?;
                settings.duration("timeout", &mut options.timeout)?;
                Ok(Self::Nats(options))
            }
            kind => Err(SettingsError::UnknownKind {
                of: "a configuration",
                kind: redact(kind),
                known: &KINDS,
                nearest: nearest(kind, &KINDS),
            }),
        }
    }
}
