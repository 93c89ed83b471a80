//! All backends of configurations, as plain data: the one place that knows every one of them.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use keyway_word::Capability;

use super::{Config, Values, file::File, kept::Kept};
use crate::{
    OpenError, Rights, SettingsError, keyvalue,
    provider::{Backends, Linked, Open},
    settings::Settings,
};

/// Where a configuration comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Values that do not change.
    Values(Values),
    /// A file of TOML or JSON, which is read again when it changes.
    File(PathBuf),
    /// A bucket of NATS JetStream.
    Nats(keyvalue::nats::Options),
}

impl Backend {
    /// A backend by what it is called, with settings by name.
    ///
    /// | backend | settings |
    /// | --- | --- |
    /// | `values` | the values themselves |
    /// | `file` | `path` |
    /// | `nats` | those of a store, [`Options`](keyvalue::nats::Options) |
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
                let new = |url| keyvalue::nats::Options {
                    bucket: "config".to_owned(),
                    ..keyvalue::nats::Options::new(url)
                };
                keyvalue::nats::Options::read_of(settings, new).map(Self::Nats)
            }
            kind => Err(SettingsError::no_backend(Capability::Config, kind)),
        }
    }
}

/// Opens a configuration. A server is connected to when it is first needed.
///
/// # Errors
/// If the configuration's own settings are wrong, or its file cannot be read.
pub fn open(backend: &Backend) -> Result<Arc<dyn Config>, OpenError> {
    Ok(match backend {
        Backend::Values(values) => Arc::new(values.clone()),
        Backend::File(path) => Arc::new(File::open(path).map_err(|error| OpenError::File {
            what: "the configuration's file",
            path: path.clone(),
            reason: error.to_string(),
        })?),
        Backend::Nats(options) => {
            Arc::new(Kept(keyvalue::open(&keyvalue::Backend::Nats(options.clone()))?))
        }
    })
}

impl Backends for Backend {
    fn read(kind: &str, settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        Self::from_settings(kind, settings)
    }

    fn open(&self) -> Result<Arc<dyn Open>, OpenError> {
        Ok(Arc::new(Configuration(open(self)?)))
    }

    fn check(&self) -> Result<(), OpenError> {
        match self {
            Self::Values(_) | Self::File(_) => Ok(()),
            Self::Nats(_) => open(self).map(drop),
        }
    }
}

/// A configuration that is open.
#[derive(Debug)]
struct Configuration(Arc<dyn Config>);

#[async_trait]
impl Open for Configuration {
    async fn probe(&self) -> Result<(), String> {
        // Its file was read when it was opened, and a store that is away is asked again each time.
        Ok(())
    }

    fn link(&self, _: &Rights) -> Linked {
        Linked::new(Arc::clone(&self.0))
    }
}
