//! SQL databases.
//!
//! A statement is passed on unchanged, in the database's own dialect; values have types that all
//! databases share, and a few that only PostgreSQL has. The statements of one session run one after
//! another, so that statements can begin and end transactions.

mod backend;
mod error;
pub mod postgres;
pub mod sqlite;
mod value;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};

use crate::{Access, Origin};

pub use backend::{Backend, Granted, check, open};
pub use error::{Error, Report};
pub use value::{Bound, Column, DataType, Date, Range, Row, Time, Value};

/// How long a statement may take, unless its backend's options say otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// The most that an answer may take which is not streamed: 32 MiB.
pub const ANSWER_LIMIT_BYTES: usize = 32 << 20;

/// A database.
#[async_trait]
pub trait Database: fmt::Debug + Send + Sync {
    /// The backend and its address, as errors name it.
    fn origin(&self) -> Origin;

    /// Begins a session with these rights; if it may only read, the database itself sees to it.
    /// Unfinished work is rolled back when it is dropped.
    async fn begin(&self, access: Access) -> Result<Arc<dyn Session>, Error>;
}

/// A connection to a database, for as long as it is held.
#[async_trait]
pub trait Session: fmt::Debug + Send + Sync {
    /// Asks for rows with one statement, whose parameters have numbers from 1.
    async fn query(&self, statement: &str, parameters: Vec<Value>) -> Result<Rows, Error>;

    /// Executes one statement, and says how many rows it changed.
    async fn execute(&self, statement: &str, parameters: Vec<Value>) -> Result<u64, Error>;

    /// Executes any number of statements without parameters. If one fails, those after it are not
    /// executed.
    async fn execute_all(&self, statements: &str) -> Result<(), Error>;

    /// What the last statement that changed something did.
    async fn last_change(&self) -> LastChange;
}

/// What a statement changed, where the database tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastChange {
    /// The number of the row that was inserted last; 0 if there is none.
    pub row_id: i64,
    /// How many rows were changed.
    pub rows: u64,
}

/// Rows as they come. The session is taken until they have all come or are dropped.
pub struct Rows {
    /// The backend that they come from.
    pub at: Origin,
    /// Their columns.
    pub columns: Vec<Column>,
    /// The rows. After an error there are no more.
    pub rows: BoxStream<'static, Result<Row, Error>>,
}

impl Rows {
    /// All of them.
    ///
    /// # Errors
    /// What the database says, or [`Error::TooLarge`] beyond [`ANSWER_LIMIT_BYTES`].
    pub async fn collect(mut self) -> Result<(Vec<Column>, Vec<Row>), Error> {
        let mut rows = Vec::new();
        let mut bytes = 0;
        while let Some(row) = self.rows.next().await {
            let row = row?;
            bytes += row.iter().map(Value::size_bytes).sum::<usize>();
            if bytes > ANSWER_LIMIT_BYTES {
                return Err(Error::TooLarge { at: self.at, limit_bytes: ANSWER_LIMIT_BYTES });
            }
            rows.push(row);
        }
        Ok((self.columns, rows))
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("columns", &self.columns).finish_non_exhaustive()
    }
}

/// The first word of a statement in capitals, behind comments: what it does.
fn verb(statement: &str) -> String {
    let mut rest = statement.trim_start();
    loop {
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, rest)| rest)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            // What nests is found out by the database; such a statement has no known verb here.
            comment.split_once("*/").map_or("", |(_, rest)| rest)
        } else {
            break;
        }
        .trim_start();
    }
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    rest[..end].to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::verb;

    #[test]
    fn a_statements_verb_stands_behind_comments() {
        for (statement, word) in [
            ("select 1", "SELECT"),
            (" \n-- a\n/* b */ Insert into t", "INSERT"),
            ("BEGIN;", "BEGIN"),
            ("(select 1)", ""),
            ("-- nothing", ""),
            ("/* open", ""),
            ("", ""),
            ("ünïcode", ""),
        ] {
            assert_eq!(verb(statement), word, "{statement}");
        }
    }
}
