//! A database in a SQLite file, in write-ahead mode: the embedded default.
//!
//! Each session has its own connection. SQLite blocks, so each statement runs on a dedicated
//! thread, which passes rows on as they are read; a statement whose caller gives up is interrupted.
//! No statement can reach another file or a process-wide setting.

mod guard;
mod session;
mod statement;

use std::collections::BTreeMap;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::{sync::Semaphore, time::timeout};

use super::{Database, Error, Session};
use crate::{Access, OpenError, Origin, Outage, SettingsError, settings::Settings};
use session::SqliteSession;

/// Connections that are kept for the next session, of each kind of access.
const MAX_IDLE: usize = 4;

/// A file of SQLite.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file. It is made if it is not there, with its folder.
    pub path: PathBuf,
    /// How long a statement may take, including its wait for other statements.
    pub timeout: Duration,
    /// How many sessions there are at most at one time.
    pub connections: usize,
}

impl Options {
    /// The file `path`, with ten seconds and 16 sessions.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), timeout: super::TIMEOUT, connections: 16 }
    }

    /// Reads the settings `path`, `timeout` and `connections`.
    ///
    /// # Errors
    /// If a setting is missing, unknown or wrong.
    pub(super) fn read(settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let settings = Settings::new("sqlite", settings, &["path", "timeout", "connections"])?;
        let mut options = Self::new(settings.needed("path", "data/app.db")?);
        settings.duration("timeout", &mut options.timeout)?;
        settings.count("connections", &mut options.connections)?;
        Ok(options)
    }
}

/// A database in a file of SQLite.
#[derive(Debug)]
pub struct Sqlite {
    file: Arc<File>,
    room: Arc<Semaphore>,
}

/// The file, which sessions share.
#[derive(Debug)]
struct File {
    path: PathBuf,
    at: Origin,
    timeout: Duration,
    /// Connections that have only read, so that nothing is left of their previous user.
    idle: [Mutex<Vec<Connection>>; 2],
    /// SQLite cleans up its log when the file is closed everywhere, which takes time.
    _open: Mutex<Connection>,
}

impl Sqlite {
    /// Opens the file, and makes it if it is not there.
    ///
    /// # Errors
    /// If it cannot be opened, made or written.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        let path = options.path.clone();
        let failed = |reason: String| OpenError::File {
            what: "the database's file",
            path: path.clone(),
            reason,
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
        }
        let open = connect(&path, Access::ReadWrite, options.timeout)
            // Asked for something, so that a file that is not a database is noticed.
            .and_then(|connection| {
                connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
                Ok(connection)
            })
            .map_err(|error| failed(error.to_string()))?;
        let at = Origin::new(format!("SQLite in {}", path.display()));
        let room = Arc::new(Semaphore::new(options.connections.max(1)));
        let timeout = options.timeout;
        let idle = Default::default();
        Ok(Self { file: Arc::new(File { path, at, timeout, idle, _open: Mutex::new(open) }), room })
    }
}

#[async_trait]
impl Database for Sqlite {
    fn origin(&self) -> Origin {
        self.file.at.clone()
    }

    async fn begin(&self, access: Access) -> Result<Arc<dyn Session>, Error> {
        let file = &self.file;
        let room = timeout(file.timeout, Arc::clone(&self.room).acquire_owned());
        let Ok(Ok(permit)) = room.await else {
            let reason = "all its sessions are in use".to_owned();
            return Err(Error::Outage(Outage::Unreachable { at: file.at.clone(), reason }));
        };
        let (file, kept) = (Arc::clone(file), file.take(access));
        let connection = match kept {
            Some(connection) => connection,
            None => {
                let opened = Arc::clone(&file);
                let connect = move || connect(&opened.path, access, opened.timeout);
                let connected = tokio::task::spawn_blocking(connect).await;
                let failed =
                    |reason| Error::Outage(Outage::Unreachable { at: file.at.clone(), reason });
                connected
                    .map_err(|error| failed(error.to_string()))?
                    .map_err(|error| file.explain(&error))?
            }
        };
        Ok(Arc::new(SqliteSession::new(file, connection, access, permit)))
    }
}

impl File {
    fn idle(&self, access: Access) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        let idle = &self.idle[usize::from(access == Access::Read)];
        // A poisoned list is whole: it is only ever pushed to and popped from.
        idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, access: Access) -> Option<Connection> {
        self.idle(access).pop()
    }

    fn keep(&self, access: Access, connection: Connection) {
        let mut idle = self.idle(access);
        if idle.len() < MAX_IDLE {
            idle.push(connection);
        }
    }

    /// What an error of SQLite means.
    fn explain(&self, error: &rusqlite::Error) -> Error {
        let at = self.at.clone();
        let reason = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::ReadOnly) => Error::ReadOnly { at },
            Some(ErrorCode::AuthorizationForStatementDenied) => {
                let reason = "it would reach beyond the database".to_owned();
                Error::Forbidden { at, reason }
            }
            Some(ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Error::Outage(Outage::AccessDenied { at, reason })
            }
            Some(ErrorCode::DiskFull) => Error::Full { at, reason },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                let reason = "another session keeps it locked".to_owned();
                Error::Outage(Outage::Unreachable { at, reason })
            }
            Some(ErrorCode::OperationInterrupted) => {
                Error::Outage(Outage::TimedOut { at, after: self.timeout })
            }
            _ => Error::statement(at, reason),
        }
    }
}

/// Opens one connection.
fn connect(path: &Path, access: Access, timeout: Duration) -> rusqlite::Result<Connection> {
    // No file name is read as a URL, and each connection is used by one thread at a time.
    let flags = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    };
    let mut connection =
        Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(timeout)?;
    if access == Access::ReadWrite {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A write is on the disk before it is acknowledged, also if the machine's power fails.
        connection.pragma_update(None, "synchronous", "FULL")?;
    }
    guard::confine(&mut connection)?;
    Ok(connection)
}
