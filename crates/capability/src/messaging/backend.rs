//! All backends of messages, as plain data: the one place that knows every one of them.

use std::sync::Arc;

use thiserror::Error;

use super::{
    Broker, jetstream, jetstream::JetStream, memory::Memory, nats, nats::Nats, redis, redis::Redis,
    streams, streams::Streams,
};
use crate::AddressError;

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

/// Why a broker cannot be opened: its configuration is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The server's address is wrong.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The name of a stream is wrong.
    #[error(
        "`{name}` cannot be the name of a stream of NATS: it is made of letters, digits, `-` and `_`"
    )]
    Stream {
        /// The name.
        name: String,
    },
}

impl Backend {
    /// Whether a message that is not handled is delivered again.
    pub fn delivers_again(&self) -> bool {
        match self {
            Self::Memory | Self::JetStream(_) | Self::Streams(_) => true,
            Self::Nats(_) | Self::Redis(_) => false,
        }
    }
}

/// Opens a broker. A server is connected to when it is first needed; use [`Broker::look_at`] to find
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
