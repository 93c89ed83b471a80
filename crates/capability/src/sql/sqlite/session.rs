//! A session on a SQLite file.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use rusqlite::{Connection, InterruptHandle};
use tokio::{
    sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, mpsc, oneshot},
    task::spawn_blocking,
    time::timeout,
};

use super::{File, statement};
use crate::{
    Access, Outage,
    sql::{Column, Error, LastChange, Row, Rows, Session, Value, verb},
};

/// Rows that are handed on at once.
const ROWS: usize = 64;

/// Bytes that are passed on at once, unless a single row is larger.
const BYTES: usize = 256 << 10;

/// Handfuls of rows that wait to be taken.
const AHEAD: usize = 2;

pub(super) struct SqliteSession {
    file: Arc<File>,
    held: Arc<Mutex<Held>>,
    interrupt: Arc<InterruptHandle>,
    _permit: OwnedSemaphorePermit,
}

impl fmt::Debug for SqliteSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSession").field("file", &self.file).finish_non_exhaustive()
    }
}

/// The connection, which one statement at a time has.
#[derive(Debug)]
struct Held {
    file: Arc<File>,
    access: Access,
    /// There until it is dropped.
    connection: Option<Connection>,
    /// Whether it has done nothing that a later session could notice.
    is_clean: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // Dropping it rolls back what was not committed.
        if self.is_clean && connection.is_autocommit() {
            self.file.keep(self.access, connection);
        }
    }
}

type Handful = Result<Vec<Row>, Error>;

impl SqliteSession {
    pub(super) fn new(
        file: Arc<File>,
        connection: Connection,
        access: Access,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        let interrupt = Arc::new(connection.get_interrupt_handle());
        let held =
            Held { file: Arc::clone(&file), access, connection: Some(connection), is_clean: true };
        Self { file, held: Arc::new(Mutex::new(held)), interrupt, _permit: permit }
    }

    /// The connection, when those before are done with it.
    async fn hold(&self) -> Result<OwnedMutexGuard<Held>, Error> {
        timeout(self.file.timeout, Arc::clone(&self.held).lock_owned())
            .await
            .map_err(|_| self.late())
    }

    fn late(&self) -> Error {
        Error::Outage(Outage::TimedOut { at: self.file.at.clone(), after: self.file.timeout })
    }

    /// Does `work` on a thread that may wait, and no longer than the time-out.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Held) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let mut held = self.hold().await?;
        let guard = Interrupt(Some(Arc::clone(&self.interrupt)));
        let done = timeout(self.file.timeout, spawn_blocking(move || work(&mut held))).await;
        match done {
            Ok(done) => {
                guard.disarm();
                done.unwrap_or_else(|error| {
                    let reason = error.to_string();
                    Err(Error::Outage(Outage::Unreachable { at: self.file.at.clone(), reason }))
                })
            }
            // The guard interrupts it.
            Err(_) => Err(self.late()),
        }
    }
}

#[async_trait]
impl Session for SqliteSession {
    async fn query(&self, statement: &str, parameters: Vec<Value>) -> Result<Rows, Error> {
        let held = self.hold().await?;
        let (columns, told) = oneshot::channel();
        let (rows, taken) = mpsc::channel(AHEAD);
        let guard = Interrupt(Some(Arc::clone(&self.interrupt)));
        let statement = statement.to_owned();
        let thread = spawn_blocking(move || held.query(&statement, parameters, columns, &rows));
        let ended = || {
            let reason = "its thread has ended".to_owned();
            Error::Outage(Outage::Unreachable { at: self.file.at.clone(), reason })
        };
        let told = timeout(self.file.timeout, told).await.map_err(|_| self.late())?;
        let columns = told.map_err(|_| ended())??;
        let taking = Taking { file: Arc::clone(&self.file), taken, guard, _thread: thread };
        let handfuls = stream::unfold(Some(taking), |taking| async move {
            let mut taking = taking?;
            match timeout(taking.file.timeout, taking.taken.recv()).await {
                Ok(Some(Ok(rows))) => Some((Ok(rows), Some(taking))),
                Ok(Some(Err(error))) => Some((Err(error), None)),
                Ok(None) => {
                    taking.guard.disarm();
                    None
                }
                Err(_) => {
                    let (at, after) = (taking.file.at.clone(), taking.file.timeout);
                    Some((Err(Error::Outage(Outage::TimedOut { at, after })), None))
                }
            }
        });
        let rows = handfuls.flat_map(|handful: Handful| {
            stream::iter(match handful {
                Ok(rows) => rows.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
        });
        Ok(Rows { at: self.file.at.clone(), columns, rows: rows.boxed() })
    }

    async fn execute(&self, statement: &str, parameters: Vec<Value>) -> Result<u64, Error> {
        let text = statement.to_owned();
        self.work(move |held| {
            let (file, connection) = held.use_for(&text)?;
            let mut statement = statement::prepare(&file, connection, &text, parameters)?;
            let before = connection.total_changes();
            let mut rows = statement.raw_query();
            while rows.next().map_err(|error| file.explain(&error))?.is_some() {}
            drop(rows);
            // What triggers and foreign keys change is not what the statement did itself.
            let changed = connection.total_changes() != before;
            Ok(if changed { connection.changes() } else { 0 })
        })
        .await
    }

    async fn execute_all(&self, statements: &str) -> Result<(), Error> {
        let statements = statements.to_owned();
        self.work(move |held| {
            let (file, connection) = held.use_for("")?;
            connection.execute_batch(&statements).map_err(|error| file.explain(&error))
        })
        .await
    }

    async fn last_change(&self) -> LastChange {
        let Ok(held) = self.hold().await else { return LastChange::default() };
        let change = |connection: &Connection| LastChange {
            row_id: connection.last_insert_rowid(),
            rows: connection.changes(),
        };
        held.connection.as_ref().map(change).unwrap_or_default()
    }
}

impl Held {
    /// The connection for `statement`.
    fn use_for(&mut self, statement: &str) -> Result<(Arc<File>, &Connection), Error> {
        self.is_clean &= matches!(verb(statement).as_str(), "SELECT" | "VALUES");
        let file = Arc::clone(&self.file);
        match &self.connection {
            Some(connection) => Ok((file, connection)),
            None => {
                let reason = "the session has ended".to_owned();
                Err(Error::Outage(Outage::Unreachable { at: file.at.clone(), reason }))
            }
        }
    }
}

/// What runs a statement whose rows are taken as they come.
trait Query {
    fn query(
        self,
        text: &str,
        parameters: Vec<Value>,
        columns: oneshot::Sender<Result<Vec<Column>, Error>>,
        rows: &mpsc::Sender<Handful>,
    );
}

impl Query for OwnedMutexGuard<Held> {
    fn query(
        mut self,
        text: &str,
        parameters: Vec<Value>,
        columns: oneshot::Sender<Result<Vec<Column>, Error>>,
        rows: &mpsc::Sender<Handful>,
    ) {
        let prepared = self.use_for(text).and_then(|(file, connection)| {
            let statement = statement::prepare(&file, connection, text, parameters)?;
            Ok((file, statement))
        });
        // The caller may have given up, here and below.
        let (file, mut statement) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                let _ = columns.send(Err(error));
                return;
            }
        };
        let found = statement::columns(&statement);
        let count = found.len();
        let mut own = statement.raw_query();
        // The first row is what shows whether the statement can be executed.
        let mut next =
            own.next().and_then(|row| row.map(|row| statement::row(row, count)).transpose());
        if let Err(error) = &next {
            let _ = columns.send(Err(file.explain(error)));
            return;
        }
        if columns.send(Ok(found)).is_err() {
            return;
        }
        let (mut handful, mut bytes) = (Vec::new(), 0);
        loop {
            match next {
                Ok(Some(row)) => {
                    bytes += row.iter().map(Value::size_bytes).sum::<usize>();
                    handful.push(row);
                }
                Ok(None) => break,
                Err(error) => {
                    let _ = rows.blocking_send(Err(file.explain(&error)));
                    return;
                }
            }
            if handful.len() == ROWS || bytes >= BYTES {
                bytes = 0;
                if rows.blocking_send(Ok(std::mem::take(&mut handful))).is_err() {
                    return;
                }
            }
            next = own.next().and_then(|row| row.map(|row| statement::row(row, count)).transpose());
        }
        if !handful.is_empty() {
            let _ = rows.blocking_send(Ok(handful));
        }
    }
}

/// Rows that are being taken from a thread.
struct Taking {
    file: Arc<File>,
    taken: mpsc::Receiver<Handful>,
    guard: Interrupt,
    /// It ends when its rows are no longer read.
    _thread: tokio::task::JoinHandle<()>,
}

/// Interrupts what a connection does, unless that has come to its end.
struct Interrupt(Option<Arc<InterruptHandle>>);

impl Interrupt {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.interrupt();
        }
    }
}
