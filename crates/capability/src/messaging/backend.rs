//! All backends of brokers, as plain data: the only place that knows all of them.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use keyway_word::Capability;

use super::{
    Broker, jetstream, jetstream::JetStream, memory::Memory, nats, nats::Nats, redis, redis::Redis,
    streams, streams::Streams,
};
use crate::{
    OpenError, Rights, SettingsError,
    provider::{Backends, Linked, Open},
    settings::Settings,
};

/// What carries messages.
#[derive(Clone, Debug)]
pub enum Backend {
    /// This process.
    Memory,
    /// A server of NATS.
    Nats(nats::Options),
    /// A stream of NATS JetStream.
    JetStream(jetstream::Options),
    /// Redis' pub/sub.
    Redis(redis::Options),
    /// A stream of Redis.
    Streams(streams::Options),
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
            "nats" => nats::Options::read(settings).map(Self::Nats),
            "jetstream" => jetstream::Options::read(settings).map(Self::JetStream),
            "redis" => redis::Options::read(settings).map(Self::Redis),
            "redis-streams" => streams::Options::read(settings).map(Self::Streams),
            kind => Err(SettingsError::no_backend(Capability::Messaging, kind)),
        }
    }

    /// Whether a message that is not handled is delivered again.
    pub fn delivers_again(&self) -> bool {
        match self {
            Self::Memory | Self::JetStream(_) | Self::Streams(_) => true,
            Self::Nats(_) | Self::Redis(_) => false,
        }
    }
}

/// Opens a broker. A server is connected to when it is first needed; use [`Broker::probe`] to find
/// out early whether it answers.
///
/// # Errors
/// If the configuration is wrong.
pub fn open(backend: &Backend) -> Result<Arc<dyn Broker>, OpenError> {
    Ok(match backend {
        Backend::Memory => Arc::new(Memory::new()),
        Backend::Nats(options) => Arc::new(Nats::open(options)?),
        Backend::JetStream(options) => Arc::new(JetStream::open(options)?),
        Backend::Redis(options) => Arc::new(Redis::open(options)?),
        Backend::Streams(options) => Arc::new(Streams::open(options)?),
    })
}

/// Looks for what is wrong with a configuration without touching a server.
///
/// # Errors
/// If it is wrong. What only the server could tell is not found.
pub fn check(backend: &Backend) -> Result<(), OpenError> {
    // All of them connect when they are first needed.
    open(backend).map(drop)
}

impl Backends for Backend {
    fn read(kind: &str, settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        Self::from_settings(kind, settings)
    }

    fn open(&self) -> Result<Arc<dyn Open>, OpenError> {
        Ok(Arc::new(Brokers(open(self)?)))
    }

    fn check(&self) -> Result<(), OpenError> {
        check(self)
    }
}

/// A broker that is open.
#[derive(Debug)]
struct Brokers(Arc<dyn Broker>);

#[async_trait]
impl Open for Brokers {
    async fn probe(&self) -> Result<(), String> {
        self.0.probe().await.map_err(|error| error.to_string())
    }

    fn link(&self, _: &Rights) -> Linked {
        Linked::new(Arc::clone(&self.0))
    }
}
