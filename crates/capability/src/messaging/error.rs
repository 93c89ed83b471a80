//! What can go wrong with messages.

use std::fmt;

use thiserror::Error;

use crate::{Origin, Outage};

/// Why something was not done that a broker was asked for. Each text is a whole sentence without a
/// password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The backend does not serve.
    #[error(transparent)]
    Outage(#[from] Outage),
    /// A topic that cannot be one.
    #[error("`{topic}` is not a valid topic: {rule}")]
    Topic {
        /// The topic.
        topic: String,
        /// What topics look like.
        rule: &'static str,
    },
    /// The stream behind the broker is not there, or does not take the topic.
    #[error("{at} has no {name}: {reason}")]
    NoSuchStream {
        /// Where it was looked for.
        at: Origin,
        /// What was looked for.
        name: String,
        /// The way out.
        reason: String,
    },
    /// More messages wait than may.
    #[error(
        "the message on `{topic}` was rejected: {at} lets at most {limit} wait, and they are \
         handled too slowly"
    )]
    Full {
        /// Where they wait.
        at: Origin,
        /// The topic of the one that was to be sent.
        topic: String,
        /// How much may wait.
        limit: Limit,
    },
    /// The message is longer than the backend takes.
    #[error("the message on `{topic}` has {bytes} bytes; {at} takes at most {limit_bytes}")]
    TooLong {
        /// The backend.
        at: Origin,
        /// The topic.
        topic: String,
        /// The message's length.
        bytes: usize,
        /// The longest that is taken.
        limit_bytes: usize,
    },
    /// No one answers.
    #[error("no one answered the message on `{topic}` of {at}")]
    NoReply {
        /// The backend.
        at: Origin,
        /// The topic.
        topic: String,
    },
    /// The backend cannot do this at all.
    #[error("{at} cannot {what}")]
    Unsupported {
        /// The backend.
        at: Origin,
        /// What it cannot do.
        what: &'static str,
    },
    /// The backend failed in another way.
    #[error("{at} failed: {reason}")]
    Failed {
        /// The backend that failed.
        at: Origin,
        /// The backend's own words.
        reason: String,
    },
}

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many messages.
    Messages(usize),
    /// Messages of so many bytes together.
    Bytes(usize),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Messages(count) => write!(f, "{count} messages"),
            Self::Bytes(bytes) => write!(f, "{bytes} bytes"),
        }
    }
}
