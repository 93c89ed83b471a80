//! The threads that talk to SQLite, which blocks.
//!
//! Work whose caller gave up before its turn is skipped. The threads end when the store is dropped,
//! after the work that has begun.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::Error;
use crate::{Origin, Outage};

/// How many pieces of work wait for a thread; more wait with their callers.
const QUEUE: usize = 256;

/// How many pieces of work share a transaction at most.
const BATCH: usize = 128;

/// Why a piece of work failed.
pub(super) enum Failure {
    /// SQLite failed.
    Sqlite(rusqlite::Error),
    /// The store refuses.
    Store(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// A piece of work, without the type of its outcome.
trait Work: Send {
    /// Whether its caller still waits.
    fn is_wanted(&self) -> bool;
    /// Does it; false if it failed and is to be rolled back.
    fn run(&mut self, origin: &Origin, connection: &Connection) -> bool;
    /// Answers its caller, or with `failed` if what it did was not kept.
    fn answer(self: Box<Self>, failed: Option<&Error>);
}

/// Where work waits for a thread.
type Queue = mpsc::Sender<Box<dyn Work>>;

#[derive(Debug)]
pub(super) struct Threads {
    origin: Origin,
    timeout: Duration,
    writer: Queue,
    readers: Vec<Queue>,
    turn: AtomicUsize,
}

impl Threads {
    pub(super) fn start(
        origin: Origin,
        writer: Connection,
        readers: Vec<Connection>,
        timeout: Duration,
    ) -> io::Result<Self> {
        let start = |name: &str, connection: Connection, serve: Serve| {
            let (queue, work) = mpsc::channel(QUEUE);
            let origin = origin.clone();
            let thread = thread::Builder::new().name(name.to_owned());
            thread.spawn(move || serve(&origin, connection, work)).map(|_| queue)
        };
        let writer = start("keyway-sqlite-w", writer, write)?;
        let readers = readers.into_iter().map(|reader| start("keyway-sqlite-r", reader, read));
        let readers = readers.collect::<io::Result<_>>()?;
        Ok(Self { origin, timeout, writer, readers, turn: AtomicUsize::new(0) })
    }

    /// Does `work` on a thread that reads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.readers.len();
        self.queue(&self.readers[turn], work, |_| {}).await
    }

    /// Does `work` in a transaction on the thread that writes, and then `kept`.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
        kept: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, Error> {
        self.queue(&self.writer, work, kept).await
    }

    async fn queue<T: Send + 'static>(
        &self,
        queue: &Queue,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
        kept: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let piece = Piece { work: Some(work), kept, outcome: None, reply };
        let ended =
            || Error::Failed { at: self.origin.clone(), reason: "its thread has ended".to_owned() };
        let answer = async {
            queue.send(Box::new(piece)).await.map_err(|_| ended())?;
            answer.await.map_err(|_| ended())?
        };
        let late =
            |_| Error::Outage(Outage::TimedOut { at: self.origin.clone(), after: self.timeout });
        timeout(self.timeout, answer).await.map_err(late)?
    }
}

type Serve = fn(&Origin, Connection, mpsc::Receiver<Box<dyn Work>>);

fn read(origin: &Origin, connection: Connection, mut queue: mpsc::Receiver<Box<dyn Work>>) {
    while let Some(mut work) = queue.blocking_recv() {
        if work.is_wanted() {
            work.run(origin, &connection);
            work.answer(None);
        }
    }
}

/// Writes what has come together in one transaction: they share the wait for the disk.
fn write(origin: &Origin, mut connection: Connection, mut queue: mpsc::Receiver<Box<dyn Work>>) {
    while let Some(first) = queue.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(work) = queue.try_recv()
        {
            batch.push(work);
        }
        batch.retain(|work| work.is_wanted());
        let kept = commit(origin, &mut connection, &mut batch);
        let failed = kept.err().map(|error| explain(origin, &error));
        batch.into_iter().for_each(|work| work.answer(failed.as_ref()));
    }
}

fn commit(
    origin: &Origin,
    connection: &mut Connection,
    batch: &mut [Box<dyn Work>],
) -> rusqlite::Result<()> {
    // Locked from the start: what is read in it is still so when it writes.
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for work in batch {
        // A failed one undoes its own changes only.
        let savepoint = transaction.savepoint()?;
        if work.run(origin, &savepoint) {
            savepoint.commit()?;
        }
    }
    transaction.commit()
}

struct Piece<T, W, K> {
    work: Option<W>,
    kept: K,
    outcome: Option<Result<T, Error>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T, W, K> Work for Piece<T, W, K>
where
    T: Send,
    W: FnOnce(&Connection) -> Result<T, Failure> + Send,
    K: FnOnce(&T) + Send,
{
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(&mut self, origin: &Origin, connection: &Connection) -> bool {
        let Some(work) = self.work.take() else { return false };
        let outcome = work(connection).map_err(|failure| match failure {
            Failure::Sqlite(error) => explain(origin, &error),
            Failure::Store(error) => error,
        });
        self.outcome.insert(outcome).is_ok()
    }

    fn answer(self: Box<Self>, failed: Option<&Error>) {
        let outcome = match (self.outcome, failed) {
            (Some(Ok(_)) | None, Some(failed)) => Err(failed.clone()),
            (Some(Ok(value)), None) => {
                (self.kept)(&value);
                Ok(value)
            }
            (Some(Err(error)), _) => Err(error),
            // It was not started, because of an error that is reported as `failed`.
            (None, None) => return,
        };
        // The caller may have given up.
        let _ = self.reply.send(outcome);
    }
}

fn explain(origin: &Origin, error: &rusqlite::Error) -> Error {
    let at = origin.clone();
    let reason = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
            Error::Outage(Outage::AccessDenied { at, reason })
        }
        _ if reason.starts_with("no such table") => {
            let reason = format!("{reason}; it was there when the store was opened");
            Error::NoSuchStore { at, name: "table".to_owned(), reason }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            let reason = "another process keeps it locked".to_owned();
            Error::Outage(Outage::Unreachable { at, reason })
        }
        _ => Error::Failed { at, reason },
    }
}
