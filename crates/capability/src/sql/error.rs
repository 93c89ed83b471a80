//! What can go wrong with a database.

use thiserror::Error;

use crate::{Origin, Outage};

/// Why a database did not do what it was asked. Each text is a whole sentence without a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The backend does not serve.
    #[error(transparent)]
    Outage(#[from] Outage),
    /// The database behind the address is not there.
    #[error("{at} has no {name}: {reason}")]
    NoSuchDatabase {
        /// Where it was looked for.
        at: Origin,
        /// What was looked for.
        name: String,
        /// The server's own words.
        reason: String,
    },
    /// The statement would reach beyond the database.
    #[error("{at} does not allow the statement: {reason}")]
    Forbidden {
        /// The backend that refused.
        at: Origin,
        /// What it would do.
        reason: String,
    },
    /// The link may only read.
    #[error("nothing can be changed in {at}: the link is read-only")]
    ReadOnly {
        /// The database behind the link.
        at: Origin,
    },
    /// The parameters do not fit the statement.
    #[error("the parameters do not fit the statement: {reason}")]
    BadParameter {
        /// Why.
        reason: String,
    },
    /// The database refuses the statement.
    #[error("{at} rejected the statement: {}", .report.message)]
    Statement {
        /// The backend that refused.
        at: Origin,
        /// What it says.
        report: Box<Report>,
    },
    /// A value of an answer cannot be read.
    #[error("the column `{column}` in the result from {at} cannot be read: {reason}")]
    Conversion {
        /// The backend that it came from.
        at: Origin,
        /// The column.
        column: String,
        /// Why.
        reason: String,
    },
    /// The answer is larger than an answer may be.
    #[error(
        "the reply from {at} has more than {limit_bytes} bytes; ask for less at once, or use an \
         interface that streams rows"
    )]
    TooLarge {
        /// The backend that it came from.
        at: Origin,
        /// The limit.
        limit_bytes: usize,
    },
    /// There is no room left.
    #[error("{at} is full: {reason}")]
    Full {
        /// What is full.
        at: Origin,
        /// Its own words.
        reason: String,
    },
}

/// What a database says of a statement that it refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The sentence.
    pub message: String,
    /// How bad it is, in the database's words; empty where it does not say.
    pub severity: String,
    /// A code, such as PostgreSQL's `42P01`; empty where there is none.
    pub code: String,
    /// More about it.
    pub detail: Option<String>,
    /// What else the database tells, by name.
    pub extras: Vec<(String, String)>,
}

impl Error {
    /// The error for a statement that the database refuses with `message` and no more.
    pub(super) fn statement(at: Origin, message: impl Into<String>) -> Self {
        let report = Report { message: message.into(), ..Report::default() };
        Self::Statement { at, report: Box::new(report) }
    }
}
