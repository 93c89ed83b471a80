//! What is wrong with a request to the admin API.

use std::{path::PathBuf, time::Duration};

use keyway_app::Code;

/// What is wrong with a request to the admin API.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The API has no such request.
    #[error("there is no `{method} {path}` in the admin API")]
    NoSuchRequest {
        /// The method.
        method: String,
        /// The path.
        path: String,
    },
    /// The body is not what the request takes.
    #[error("the request cannot be read: {0}")]
    Unreadable(String),
    /// The host may run in another folder than whoever asks.
    #[error("the path {} is not absolute", .0.display())]
    RelativePath(PathBuf),
    /// A part of a whole is not one.
    #[error("{percent} is not a share of {whole}: write 0 to 100 percent")]
    Percent {
        /// The number.
        percent: f64,
        /// What it is to be a part of.
        whole: &'static str,
    },
    /// A trial would take too long.
    #[error("a canary of {0:?} is too long: it may take a day at most")]
    TrialTooLong(Duration),
}

impl RequestError {
    /// What kind of problem it is.
    pub fn code(&self) -> Code {
        match self {
            Self::NoSuchRequest { .. } => Code::NoSuchRequest,
            _ => Code::BadRequest,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::RelativePath(_) => Some("the host may run in a different folder"),
            _ => None,
        }
    }
}
