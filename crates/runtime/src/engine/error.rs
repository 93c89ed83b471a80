//! What keeps an engine from being made.

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The processor or the system is not supported.
    #[error("this host cannot run WebAssembly: {0}")]
    Host(String),
    /// There is an engine, and no room for all instances.
    #[error(
        "there is no room for {instances} instances at once: {error}; `limit.concurrency` sets how \
         many are allowed"
    )]
    Pool {
        /// How many there were to be.
        instances: u64,
        /// What the engine says.
        error: String,
    },
}

impl EngineError {
    pub(crate) fn new(error: wasmtime::Error) -> Self {
        Self::Host(format!("{error:#}"))
    }
}
