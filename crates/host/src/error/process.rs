//! What a process needs from its system and does not get.

use std::{io, path::PathBuf};

use keyway_app::Code;
use keyway_runtime::{CacheError, EngineError};
use keyway_trigger::http::BindError;

/// What a process needs from its system and does not get.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// There is neither a home folder nor another one for the cache.
    #[error("there is no folder to keep things in: {0}")]
    NoHome(String),
    /// The cache of compiled code could be written by others.
    #[error(transparent)]
    Cache(CacheError),
    /// The engine cannot be set up.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No threads can be started for the work beside requests.
    #[error("threads cannot be started: {0}")]
    Threads(#[source] io::Error),
    /// Signals do not reach the process.
    #[error("signals cannot be handled: {0}")]
    Signals(#[source] io::Error),
    /// Nothing can be run.
    #[error("the async runtime cannot be started: {0}")]
    Runtime(#[source] io::Error),
    /// The certificate or its key cannot be read.
    #[error("the file {} cannot be read: {error}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The address to serve on cannot be had, or the certificate is wrong.
    #[error(transparent)]
    Listen(#[from] BindError),
    /// The socket of the admin API cannot be made.
    #[error("cannot {action} {}: {error}", path.display())]
    AdminSocket {
        /// What was to be done.
        action: &'static str,
        /// The socket, or its folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// A file for one of a command's standard streams cannot be opened.
    #[error("the file {} cannot be opened: {error}", path.display())]
    Stdio {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// A value of ours cannot be written.
    #[error("a bug of Keyway: {0}")]
    Internal(String),
}

impl ProcessError {
    /// What kind of problem it is.
    pub fn code(&self) -> Code {
        match self {
            Self::NoHome(_) => Code::NoHome,
            Self::Cache(_) => Code::Cache,
            Self::Engine(_) => Code::Engine,
            Self::Threads(_) => Code::NoThreads,
            Self::Signals(_) => Code::NoSignals,
            Self::Runtime(_) => Code::NoRuntime,
            Self::Tls { .. } => Code::UnreadableTls,
            Self::Listen(_) => Code::CannotListen,
            Self::AdminSocket { .. } => Code::AdminSocket,
            Self::Stdio { .. } => Code::Stdio,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::NoHome(_) => Some("set HOME, XDG_CACHE_HOME or XDG_RUNTIME_DIR"),
            _ => None,
        }
    }
}
