//! Why a backend does not serve, which all capabilities have in common.

use std::time::Duration;

use thiserror::Error;

use crate::Origin;

/// Why a backend does not serve. Each text is a whole sentence without a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Outage {
    /// It refuses the login, or what the login asks for.
    #[error("{at} denied access: {reason}; check the login and its rights")]
    AccessDenied {
        /// The backend that refused.
        at: Origin,
        /// Its own words.
        reason: String,
    },
    /// It did not answer in time. What it was asked for may or may not be done.
    #[error("{at} did not answer within {}", humantime::format_duration(*.after))]
    TimedOut {
        /// The backend that did not answer.
        at: Origin,
        /// The time-out.
        after: Duration,
    },
    /// It cannot be reached. What it was asked for may or may not be done.
    #[error("{at} cannot be reached: {reason}")]
    Unreachable {
        /// The backend that cannot be reached.
        at: Origin,
        /// Why.
        reason: String,
    },
}

impl Outage {
    /// Whether what was asked may be done nevertheless, or may still come to be.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::Unreachable { .. })
    }
}
