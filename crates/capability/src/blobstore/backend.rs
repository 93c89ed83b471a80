//! All backends of blobstores, as plain data: the only place that knows all of them.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use keyway_word::Capability;

use super::{
    Blobs, folder, folder::Folder, memory::Memory, nats, nats::Nats, restrict, s3, s3::S3,
};
use crate::{
    OpenError, Rights, SettingsError,
    provider::{Backends, Linked, Open},
    settings::Settings,
};

/// The backend of a blobstore.
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
            "folder" => folder::Options::read(settings).map(Self::Folder),
            "memory" => {
                Settings::new("memory", settings, &[])?;
                Ok(Self::Memory)
            }
            "s3" => s3::Options::read(settings).map(Self::S3),
            "nats" => nats::Options::read(settings).map(Self::Nats),
            kind => Err(SettingsError::no_backend(Capability::Blobstore, kind)),
        }
    }
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
        // All other backends connect when they are first needed.
        other => open(other).map(drop),
    }
}

impl Backends for Backend {
    fn read(kind: &str, settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        Self::from_settings(kind, settings)
    }

    fn open(&self) -> Result<Arc<dyn Open>, OpenError> {
        Ok(Arc::new(Places(open(self)?)))
    }

    fn check(&self) -> Result<(), OpenError> {
        check(self)
    }
}

/// A place for containers that is open.
#[derive(Debug)]
struct Places(Arc<dyn Blobs>);

#[async_trait]
impl Open for Places {
    async fn probe(&self) -> Result<(), String> {
        self.0.container_info("keyway").await.map(drop).map_err(|error| error.to_string())
    }

    fn link(&self, rights: &Rights) -> Linked {
        Linked::new(restrict(Arc::clone(&self.0), rights.clone()))
    }
}
