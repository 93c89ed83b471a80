//! A store in a SQLite file, in write-ahead mode: the embedded default.
//!
//! An acknowledged write is on disk. One thread writes, and batches concurrent writes so that they
//! share one flush; a few threads read alongside it. Other processes may use the file at the same
//! time.

mod thread;

use std::collections::BTreeMap;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::{Change, Changes, Error, Page, Store, Swap, check_key, counter, watch::Feed};
use crate::{OpenError, Origin, SettingsError, open::check_name, settings::Settings};
use thread::{Failure, Threads};

/// A file of SQLite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The file. It is made if it is not there, with its folder.
    pub path: PathBuf,
    /// The table in the file: letters, digits and `_`. It is made if it is not there.
    pub table: String,
    /// How long an operation may take, waiting for other processes included.
    pub timeout: Duration,
    /// How many threads read.
    pub readers: usize,
}

impl Options {
    /// The file `path`, with a table `keyvalue`, two seconds and two readers.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            table: "keyvalue".to_owned(),
            timeout: super::TIMEOUT,
            readers: 2,
        }
    }

    /// Reads the settings `path`, `table` and `timeout`.
    ///
    /// # Errors
    /// If a setting is missing, unknown or wrong.
    pub(super) fn read(settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let settings = Settings::new("sqlite", settings, &["path", "table", "timeout"])?;
        let mut options = Self::new(settings.needed("path", "data/store.db")?);
        settings.text("table", &mut options.table);
        settings.duration("timeout", &mut options.timeout)?;
        Ok(options)
    }
}

/// A store in a file of SQLite.
#[derive(Debug)]
pub struct Sqlite {
    origin: Origin,
    threads: Threads,
    statements: Arc<Statements>,
    feed: Arc<Feed>,
}

/// The texts of all statements, with the table's name in them.
#[derive(Debug)]
struct Statements {
    get: String,
    exists: String,
    set: String,
    delete: String,
    list: String,
    list_after: String,
}

impl Statements {
    fn new(table: &str) -> Self {
        Self {
            get: format!("SELECT value FROM \"{table}\" WHERE key = ?1"),
            exists: format!("SELECT 1 FROM \"{table}\" WHERE key = ?1"),
            set: format!(
                "INSERT INTO \"{table}\" (key, value) VALUES (?1, ?2) \
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value"
            ),
            delete: format!("DELETE FROM \"{table}\" WHERE key = ?1"),
            list: format!("SELECT key FROM \"{table}\" WHERE key >= ?1 ORDER BY key LIMIT ?2"),
            list_after: format!("SELECT key FROM \"{table}\" WHERE key > ?1 ORDER BY key LIMIT ?2"),
        }
    }

    fn get(&self, connection: &Connection, key: &str) -> rusqlite::Result<Option<Bytes>> {
        let mut statement = connection.prepare_cached(&self.get)?;
        statement.query_row([key], |row| Ok(row.get::<_, Vec<u8>>(0)?.into())).optional()
    }

    fn set(&self, connection: &Connection, key: &str, value: &[u8]) -> rusqlite::Result<()> {
        connection.prepare_cached(&self.set)?.execute(params![key, value]).map(drop)
    }

    /// Whether it was there.
    fn delete(&self, connection: &Connection, key: &str) -> rusqlite::Result<bool> {
        connection.prepare_cached(&self.delete)?.execute([key]).map(|rows| rows > 0)
    }
}

impl Sqlite {
    /// Opens the file, and makes it if it is not there.
    ///
    /// # Errors
    /// If the table's name is wrong, or the file cannot be opened, made or written.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        check_name(&options.table, "table", "SQLite")?;
        let failed = |reason: String| OpenError::File {
            what: "the store's file",
            path: options.path.clone(),
            reason,
        };
        if let Some(folder) = options.path.parent().filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
        }
        let connect = || connect(&options.path, options.timeout);
        let writer = connect().map_err(|error| failed(error.to_string()))?;
        let table = format!(
            "CREATE TABLE IF NOT EXISTS \"{}\" (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT",
            options.table
        );
        writer.execute_batch(&table).map_err(|error| failed(error.to_string()))?;
        let readers: Result<Vec<_>, _> = (0..options.readers.max(1)).map(|_| connect()).collect();
        let readers = readers.map_err(|error| failed(error.to_string()))?;
        let origin = Origin::new(format!("SQLite in {}", options.path.display()));
        let threads = Threads::start(origin.clone(), writer, readers, options.timeout);
        Ok(Self {
            threads: threads.map_err(|error| failed(error.to_string()))?,
            statements: Arc::new(Statements::new(&options.table)),
            feed: Arc::new(Feed::new(origin.clone())),
            origin,
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Statements, &Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        let statements = Arc::clone(&self.statements);
        self.threads.read(move |connection| work(&statements, connection)).await
    }

    /// Does `work` in a transaction; then, once it is on disk, reports to watchers the changes that
    /// `told` derives from its outcome.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Statements, &Connection) -> Result<T, Failure> + Send + 'static,
        told: impl FnOnce(&T) -> Vec<Change> + Send + 'static,
    ) -> Result<T, Error> {
        let statements = Arc::clone(&self.statements);
        let feed = Arc::clone(&self.feed);
        self.threads
            .write(
                move |connection| work(&statements, connection),
                move |outcome| {
                    if feed.is_watched() {
                        told(outcome).into_iter().for_each(|change| feed.tell(|| change));
                    }
                },
            )
            .await
    }
}

/// Opens one connection.
fn connect(path: &Path, timeout: Duration) -> rusqlite::Result<Connection> {
    // Each connection stays on one thread, and no file name is read as a URL.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(timeout)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A write is on the disk before it is acknowledged, also if the machine's power fails.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_prepared_statement_cache_capacity(16);
    Ok(connection)
}

#[async_trait]
impl Store for Sqlite {
    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        check_key(key)?;
        let key = key.to_owned();
        self.read(move |statements, connection| Ok(statements.get(connection, &key)?)).await
    }

    async fn set(&self, key: &str, value: Bytes) -> Result<(), Error> {
        self.set_many(&[(key.to_owned(), value)]).await
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        self.delete_many(&[key.to_owned()]).await
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        check_key(key)?;
        let key = key.to_owned();
        self.read(move |statements, connection| {
            Ok(connection.prepare_cached(&statements.exists)?.exists([&key])?)
        })
        .await
    }

    async fn list_keys(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        let prefix = prefix.to_owned();
        let after = cursor.filter(|last| *last >= prefix.as_str()).map(str::to_owned);
        let limit = limit.max(1);
        self.read(move |statements, connection| {
            let (statement, start) = match &after {
                Some(after) => (&statements.list_after, after),
                None => (&statements.list, &prefix),
            };
            let mut statement = connection.prepare_cached(statement)?;
            // One more than asked for tells whether there is another page.
            let wanted = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
            let rows =
                statement.query_map(params![start, wanted], |row| row.get::<_, String>(0))?;
            let mut keys = Vec::new();
            for key in rows {
                let key = key?;
                if !key.starts_with(&prefix) {
                    break;
                }
                keys.push(key);
            }
            Ok(Page::ordered(keys, limit))
        })
        .await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        check_key(key)?;
        let (key, told) = (key.to_owned(), key.to_owned());
        self.write(
            move |statements, connection| {
                let value = statements.get(connection, &key)?;
                let count = counter::add(&key, value.as_deref(), delta)?;
                statements.set(connection, &key, &counter::format(count))?;
                Ok(count)
            },
            |count| vec![Change::Set { key: told, value: counter::format(*count) }],
        )
        .await
    }

    async fn swap(&self, key: &str, expected: Option<&Bytes>, value: Bytes) -> Result<Swap, Error> {
        check_key(key)?;
        let (key, expected) = (key.to_owned(), expected.cloned());
        let told = Change::Set { key: key.clone(), value: value.clone() };
        self.write(
            move |statements, connection| {
                let current = statements.get(connection, &key)?;
                if current != expected {
                    return Ok(Swap::Lost { current });
                }
                statements.set(connection, &key, &value)?;
                Ok(Swap::Done)
            },
            |swap| if *swap == Swap::Done { vec![told] } else { Vec::new() },
        )
        .await
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, Error> {
        keys.iter().try_for_each(|key| check_key(key))?;
        let keys = keys.to_vec();
        self.read(move |statements, connection| {
            keys.iter().map(|key| Ok(statements.get(connection, key)?)).collect()
        })
        .await
    }

    async fn set_many(&self, entries: &[(String, Bytes)]) -> Result<(), Error> {
        entries.iter().try_for_each(|(key, _)| check_key(key))?;
        let entries = entries.to_vec();
        self.write(
            move |statements, connection| {
                for (key, value) in &entries {
                    statements.set(connection, key, value)?;
                }
                Ok(entries)
            },
            |entries| {
                let changes = entries.iter().cloned();
                changes.map(|(key, value)| Change::Set { key, value }).collect()
            },
        )
        .await
        .map(drop)
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), Error> {
        keys.iter().try_for_each(|key| check_key(key))?;
        let mut keys = keys.to_vec();
        self.write(
            move |statements, connection| {
                let mut gone = Vec::new();
                for key in keys.drain(..) {
                    if statements.delete(connection, &key)? {
                        gone.push(key);
                    }
                }
                Ok(gone)
            },
            |gone| gone.iter().map(|key| Change::Deleted { key: key.clone() }).collect(),
        )
        .await
        .map(drop)
    }

    async fn watch(&self, prefix: &str) -> Result<Changes, Error> {
        // Of changes made by other processes SQLite does not tell.
        Ok(self.feed.watch(prefix))
    }
}
