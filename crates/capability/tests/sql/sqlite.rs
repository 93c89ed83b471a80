//! What SQLite has of its own.

use std::{sync::Arc, time::Duration};

use keyway_capability::{
    Access, OpenError, Outage,
    sql::{Backend, Database, Error, LastChange, Value, open as open_backend, sqlite},
};
use tempfile::TempDir;

use crate::{ask, block_on, session};

pub(crate) fn open() -> (TempDir, Arc<dyn Database>) {
    let folder = tempfile::tempdir().unwrap();
    let options = sqlite::Options::new(folder.path().join("data/app.db"));
    (folder, open_backend(&Backend::Sqlite(options)).unwrap())
}

#[test]
fn it_tells_what_was_changed_last() {
    let (_folder, database) = open();
    block_on(async {
        let session = session(&database).await;
        assert_eq!(session.last_change().await, LastChange::default());
        session.execute("CREATE TABLE a (b INTEGER PRIMARY KEY)", vec![]).await.unwrap();
        session.execute("INSERT INTO a VALUES (7), (9)", vec![]).await.unwrap();
        assert_eq!(session.last_change().await, LastChange { row_id: 9, rows: 2 });
        ask(&session, "SELECT * FROM a", vec![]).await.unwrap();
        assert_eq!(session.last_change().await, LastChange { row_id: 9, rows: 2 });
    });
}

#[test]
fn parameters_are_numbered_or_counted() {
    let (_folder, database) = open();
    block_on(async {
        let session = session(&database).await;
        let values = || vec![Value::Int64(1), Value::Int64(2)];
        for statement in
            ["SELECT ?, ?", "SELECT ?1, ?2", "SELECT $1, $2", "SELECT :a, @b", "SELECT $a, $b"]
        {
            let rows = ask(&session, statement, values()).await.unwrap();
            assert_eq!(rows, [values()], "{statement}");
        }
        let rows = ask(&session, "SELECT $2, $1", values()).await.unwrap();
        assert_eq!(rows, [[Value::Int64(2), Value::Int64(1)]]);
    });
}

#[test]
fn no_other_file_is_reached() {
    let (folder, database) = open();
    let other = folder.path().join("other.db");
    block_on(async {
        let session = session(&database).await;
        for statement in [
            format!("ATTACH '{}' AS other", other.display()),
            format!("VACUUM INTO '{}'", other.display()),
        ] {
            let error = session.execute(&statement, vec![]).await.unwrap_err();
            assert!(
                matches!(error, Error::Forbidden { .. } | Error::Statement { .. }),
                "{error:?}"
            );
            assert!(session.execute_all(&statement).await.is_err());
        }
        let reader = database.begin(Access::Read).await.unwrap();
        assert!(reader.execute("PRAGMA query_only = off", vec![]).await.is_err());
    });
    assert!(!other.exists());
}

#[test]
fn a_statement_that_takes_too_long_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let timeout = Duration::from_millis(200);
    let options = sqlite::Options { timeout, ..sqlite::Options::new(folder.path().join("app.db")) };
    let database = open_backend(&Backend::Sqlite(options)).unwrap();
    block_on(async {
        let session = session(&database).await;
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                       SELECT count(*) FROM n";
        let late = Error::Outage(Outage::TimedOut { at: database.origin(), after: timeout });
        assert_eq!(session.execute(endless, vec![]).await.unwrap_err(), late);
        assert_eq!(session.query(endless, vec![]).await.unwrap_err(), late);
        assert_eq!(ask(&session, "SELECT 1", vec![]).await.unwrap(), [[Value::Int64(1)]]);
    });
}

#[test]
fn sessions_are_so_many_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let options = sqlite::Options {
        timeout: Duration::from_millis(100),
        connections: 1,
        ..sqlite::Options::new(folder.path().join("app.db"))
    };
    let database = open_backend(&Backend::Sqlite(options)).unwrap();
    block_on(async {
        let first = session(&database).await;
        let refused = database.begin(Access::Read).await.unwrap_err();
        assert!(refused.to_string().contains("all its sessions are in use"), "{refused}");
        drop(first);
        session(&database).await;
    });
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    std::fs::write(&path, "this is no database, however long the text is".repeat(40)).unwrap();
    let refused = open_backend(&Backend::Sqlite(sqlite::Options::new(&path))).unwrap_err();
    assert!(matches!(refused, OpenError::File { .. }), "{refused}");
}
