//! A session on a PostgreSQL server.
//!
//! A read-only session runs each statement in its own transaction, which the server makes read-only
//! and which no permitted statement can end.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use deadpool_postgres::Object;
use futures::{StreamExt, stream};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::timeout,
};
use tokio_postgres::{RowStream, Statement};

use super::{Link, decode, encode::Parameter};
use crate::{
    Access, Outage,
    sql::{Error, LastChange, Rows, Session, Value, verb},
};

#[derive(Debug)]
pub(super) struct PostgresSession {
    link: Arc<Link>,
    held: Arc<Mutex<Held>>,
    access: Access,
}

/// The connection, which one statement at a time has.
#[derive(Debug)]
struct Held {
    /// None if it broke, or is not to be trusted any longer.
    connection: Option<Object>,
    /// Whether it has done nothing that could outlast the session.
    is_clean: bool,
    /// Whether a statement is under way, or was given up.
    is_busy: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_clean && !self.is_busy {
            return;
        }
        if let Some(connection) = self.connection.take() {
            // Closed, and not given to the pool.
            drop(Object::take(connection));
        }
    }
}

impl Held {
    fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}

impl PostgresSession {
    pub(super) fn new(link: Arc<Link>, connection: Object, access: Access) -> Self {
        let held = Held { connection: Some(connection), is_clean: true, is_busy: false };
        Self { link, held: Arc::new(Mutex::new(held)), access }
    }

    /// The connection, when those before are done with it.
    async fn hold(&self) -> Result<OwnedMutexGuard<Held>, Error> {
        let held = timeout(self.link.timeout, Arc::clone(&self.held).lock_owned());
        held.await.map_err(|_| self.link.late())
    }

    /// Does `work` on the connection, and no longer than the time-out.
    async fn bounded<T>(
        &self,
        held: &mut Held,
        work: impl AsyncFnOnce(&Object) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Some(connection) = &held.connection else {
            let reason = "the session's connection broke; start another session".to_owned();
            return Err(Error::Outage(Outage::Unreachable { at: self.link.at.clone(), reason }));
        };
        held.is_busy = true;
        let outcome = timeout(grace(self.link.timeout), work(connection)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(self.link.late()));
        match &outcome {
            // It may still be at it, or is gone.
            Err(
                Error::Outage(Outage::TimedOut { .. }) | Error::Outage(Outage::Unreachable { .. }),
            ) => held.close(),
            _ => held.is_busy = false,
        }
        outcome
    }

    /// Ends the transaction that was begun for a statement which may only read.
    async fn end(&self, held: &mut Held) {
        if self.access == Access::Read {
            self.link.end(held).await;
        }
    }

    /// Begins what `statement` is executed in.
    async fn prepare(&self, connection: &Object, statement: &str) -> Result<Statement, Error> {
        let explain = |error: tokio_postgres::Error| self.link.explain(&error);
        if self.access == Access::Read {
            if !is_reading(statement) {
                return Err(Error::ReadOnly { at: self.link.at.clone() });
            }
            // One whose rows were not all taken may still have its transaction.
            connection.batch_execute("ROLLBACK; BEGIN READ ONLY").await.map_err(explain)?;
        }
        connection.prepare(statement).await.map_err(explain)
    }

    async fn start(
        &self,
        connection: &Object,
        statement: &str,
        parameters: &[Value],
    ) -> Result<(Statement, RowStream), Error> {
        if statement.trim().is_empty() {
            return Err(Error::statement(self.link.at.clone(), "it is empty"));
        }
        let statement = self.prepare(connection, statement).await?;
        let expected = statement.params().len();
        if parameters.len() != expected {
            let given = parameters.len();
            let reason = format!("it has {expected}, and {given} are given");
            return Err(Error::BadParameter { reason });
        }
        let values = parameters.iter().map(Parameter);
        let rows = connection.query_raw(&statement, values).await;
        let rows = rows.map_err(|error| match std::error::Error::source(&error) {
            Some(source) if error.to_string().starts_with("error serializing parameter") => {
                Error::BadParameter { reason: source.to_string() }
            }
            _ => self.link.explain(&error),
        })?;
        Ok((statement, rows))
    }
}

/// The server ends a statement at the time-out and says so, which takes a moment.
fn grace(time: Duration) -> Duration {
    time + Duration::from_millis(200)
}

/// Whether a statement is one of those that read, as far as its verb tells. What it calls is for
/// the server to refuse.
fn is_reading(statement: &str) -> bool {
    let verbs = ["SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN", "SHOW"];
    verbs.contains(&verb(statement).as_str())
}

/// Whether nothing that a statement does outlasts it but what it changes in the database, or what
/// the pool clears away.
fn leaves_nothing(statement: &str) -> bool {
    let verbs = ["INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "ALTER", "DROP", "TRUNCATE"];
    is_reading(statement) || verbs.contains(&verb(statement).as_str())
}

#[async_trait]
impl Session for PostgresSession {
    async fn query(&self, statement: &str, parameters: Vec<Value>) -> Result<Rows, Error> {
        let mut held = self.hold().await?;
        held.is_clean &= leaves_nothing(statement);
        let started = self
            .bounded(&mut held, async |connection| {
                let (prepared, rows) = self.start(connection, statement, &parameters).await?;
                let mut rows = Box::pin(rows.peekable());
                // The first row is what shows whether the statement can be executed.
                if let Some(Err(error)) = rows.as_mut().peek().await {
                    return Err(self.link.explain(error));
                }
                Ok((prepared, rows))
            })
            .await;
        let (prepared, rows) = match started {
            Ok(started) => started,
            Err(error) => {
                self.end(&mut held).await;
                return Err(error);
            }
        };
        held.is_busy = true;
        let columns: Vec<_> = prepared.columns().iter().map(decode::column).collect();
        let taking = Taking { link: Arc::clone(&self.link), held, rows, access: self.access };
        let rows = stream::unfold(Some(taking), |taking| async move {
            let mut taking = taking?;
            match taking.next().await {
                Ok(Some(row)) => Some((Ok(row), Some(taking))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(Rows { at: self.link.at.clone(), columns, rows: rows.boxed() })
    }

    async fn execute(&self, statement: &str, parameters: Vec<Value>) -> Result<u64, Error> {
        let mut held = self.hold().await?;
        held.is_clean &= leaves_nothing(statement);
        let done = self.bounded(&mut held, async |connection| {
            let (_, rows) = self.start(connection, statement, &parameters).await?;
            let mut rows = Box::pin(rows);
            while let Some(row) = rows.next().await {
                row.map_err(|error| self.link.explain(&error))?;
            }
            Ok(rows.rows_affected().unwrap_or(0))
        });
        let done = done.await;
        self.end(&mut held).await;
        done
    }

    async fn execute_all(&self, statements: &str) -> Result<(), Error> {
        if self.access == Access::Read {
            // One of them could end the transaction that keeps it from writing.
            return Err(Error::ReadOnly { at: self.link.at.clone() });
        }
        let mut held = self.hold().await?;
        held.is_clean = false;
        self.bounded(&mut held, async |connection| {
            let done = connection.batch_execute(statements).await;
            done.map_err(|error| self.link.explain(&error))
        })
        .await
    }

    async fn last_change(&self) -> LastChange {
        // The server tells of each statement what it changed, and keeps no account.
        LastChange::default()
    }
}

/// Rows that are being taken from the server.
struct Taking {
    link: Arc<Link>,
    held: OwnedMutexGuard<Held>,
    rows: std::pin::Pin<Box<stream::Peekable<RowStream>>>,
    access: Access,
}

impl Taking {
    async fn next(&mut self) -> Result<Option<crate::sql::Row>, Error> {
        let next = timeout(grace(self.link.timeout), self.rows.next()).await;
        let Ok(next) = next else {
            self.held.close();
            return Err(self.link.late());
        };
        match next {
            Some(Ok(row)) => decode::row(&self.link.at, &row).map(Some),
            Some(Err(error)) => {
                self.end().await;
                Err(self.link.explain(&error))
            }
            None => {
                self.end().await;
                Ok(None)
            }
        }
    }

    /// Ends the statement, and the transaction that was begun for it.
    async fn end(&mut self) {
        self.held.is_busy = false;
        if self.access == Access::Read {
            self.link.end(&mut self.held).await;
        }
    }
}

impl Link {
    /// Ends the transaction that a connection is in, so that its next user starts outside one.
    async fn end(&self, held: &mut Held) {
        let Some(connection) = &held.connection else { return };
        held.is_busy = true;
        match timeout(self.timeout, connection.batch_execute("ROLLBACK")).await {
            Ok(Ok(())) => held.is_busy = false,
            _ => held.close(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_reading, leaves_nothing};

    #[test]
    fn what_begins_something_outlasts_the_statement() {
        for statement in
            ["BEGIN", "start transaction", "SET a = 1", "LISTEN a", "DO $$", "(SELECT 1)"]
        {
            assert!(!leaves_nothing(statement) && !is_reading(statement), "{statement}");
        }
        assert!(leaves_nothing("insert into a values (1)") && !is_reading("insert into a"));
        assert!(is_reading("-- why\nselect 1") && is_reading("WITH a AS (SELECT 1) TABLE a"));
    }
}
