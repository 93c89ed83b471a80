//! What PostgreSQL has of its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use keyway_capability::{
    Access, Outage,
    sql::{
        Backend, Bound, DataType, Database, Date, Error, Range, Time, Value, open as open_backend,
        postgres,
    },
};
use keyway_testing::server::{Postgres, Shared};

use crate::{ask, block_on, session, text};

static POSTGRES: Shared<Postgres> = Shared::new();

fn at(url: &str) -> Arc<dyn Database> {
    open_backend(&Backend::Postgres(postgres::Options::new(url))).unwrap()
}

/// A database of its own on the shared server.
pub(crate) fn open() -> (Arc<Postgres>, Arc<dyn Database>) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = POSTGRES.get(Postgres::start);
    let name = format!("sql_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    block_on(async {
        let session = session(&at(&server.url())).await;
        session.execute(&format!("CREATE DATABASE {name}"), vec![]).await.unwrap();
    });
    let url = server.url();
    let (before, _) = url.rsplit_once('/').unwrap();
    let database = at(&format!("{before}/{name}"));
    (server, database)
}

fn bound<T>(value: T, is_inclusive: bool) -> Option<Bound<T>> {
    Some(Bound { value, is_inclusive })
}

/// Values with the types that PostgreSQL has for them.
fn values() -> Vec<(&'static str, DataType, Value)> {
    let date = Date { year: 2024, month: 2, day: 29 };
    let time = Time { hour: 23, minute: 59, second: 58, nanosecond: 123_456_000 };
    let uuid = "c9bf9e57-1685-4c89-bafb-ff5af830be8a".to_owned();
    vec![
        ("boolean", DataType::Boolean, Value::Boolean(true)),
        ("smallint", DataType::Int16, Value::Int16(-2)),
        ("integer", DataType::Int32, Value::Int32(i32::MIN)),
        ("bigint", DataType::Int64, Value::Int64(i64::MAX)),
        ("real", DataType::Float32, Value::Float32(0.1)),
        ("double precision", DataType::Float64, Value::Float64(f64::INFINITY)),
        ("varchar(9)", DataType::Text, text("ä")),
        ("bytea", DataType::Blob, Value::Blob(vec![0, 92, 255])),
        ("date", DataType::Date, Value::Date(date)),
        ("date", DataType::Date, Value::Date(Date { year: -43, month: 3, day: 1 })),
        ("time", DataType::Time, Value::Time(time)),
        ("timestamp", DataType::DateTime, Value::DateTime(date, time)),
        ("timestamptz", DataType::Timestamp, Value::Timestamp(-1_234_567)),
        ("uuid", DataType::Uuid, Value::Uuid(uuid)),
        ("jsonb", DataType::Json, Value::Json("{\"a\": [1, null]}".to_owned())),
        ("json", DataType::Json, Value::Json("[1,2]".to_owned())),
        ("numeric", DataType::Decimal, Value::Decimal("-12345678901234567890.00120".to_owned())),
        ("numeric", DataType::Decimal, Value::Decimal("NaN".to_owned())),
        ("interval", DataType::Interval, Value::Interval { months: -1, days: 2, micros: 3 }),
        (
            "int4range",
            DataType::RangeInt32,
            Value::RangeInt32(Range { lower: bound(1, true), upper: bound(5, false) }),
        ),
        (
            "int8range",
            DataType::RangeInt64,
            Value::RangeInt64(Range { lower: None, upper: bound(5, false) }),
        ),
        (
            "numrange",
            DataType::RangeDecimal,
            Value::RangeDecimal(Range { lower: bound("1.5".to_owned(), false), upper: None }),
        ),
        ("integer[]", DataType::ArrayInt32, Value::ArrayInt32(vec![Some(1), None])),
        ("bigint[]", DataType::ArrayInt64, Value::ArrayInt64(vec![])),
        ("numeric[]", DataType::ArrayDecimal, Value::ArrayDecimal(vec![Some("0.10".to_owned())])),
        (
            "text[]",
            DataType::ArrayText,
            Value::ArrayText(vec![Some("a\",\\{}".to_owned()), None, Some("NULL".to_owned())]),
        ),
    ]
}

#[test]
fn each_type_is_kept() {
    let (_server, database) = open();
    block_on(async {
        let session = session(&database).await;
        for (name, data_type, value) in values() {
            let asked = format!("SELECT $1::{name} AS kept");
            let rows = session.query(&asked, vec![value.clone()]).await;
            let rows = rows.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(rows.columns[0].data_type, data_type, "{name}");
            assert_eq!(rows.collect().await.unwrap().1, [[value]], "{name}");
        }
        let other = ask(&session, "SELECT '10.0.0.1'::inet", vec![]).await.unwrap();
        assert!(matches!(other[0][0], Value::Other(_)), "{other:?}");
    });
}

#[test]
fn a_refused_statement_is_told_in_full() {
    let (_server, database) = open();
    block_on(async {
        let session = session(&database).await;
        session.execute("CREATE TABLE a (b INTEGER PRIMARY KEY)", vec![]).await.unwrap();
        session.execute("INSERT INTO a VALUES (1)", vec![]).await.unwrap();
        let error = session.execute("INSERT INTO a VALUES (1)", vec![]).await.unwrap_err();
        let Error::Statement { report, .. } = error else { panic!("{error}") };
        assert_eq!((report.severity.as_str(), report.code.as_str()), ("ERROR", "23505"));
        assert_eq!(report.detail.as_deref(), Some("Key (b)=(1) already exists."));
        assert!(report.extras.contains(&("constraint".to_owned(), "a_pkey".to_owned())));
    });
}

#[test]
fn a_link_for_reading_cannot_become_one_for_writing() {
    let (_server, database) = open();
    block_on(async {
        let writer = session(&database).await;
        writer.execute("CREATE TABLE a (b INTEGER)", vec![]).await.unwrap();
        let function = "CREATE FUNCTION put() RETURNS void LANGUAGE sql VOLATILE \
                        AS 'INSERT INTO a VALUES (1)'";
        writer.execute(function, vec![]).await.unwrap();
        let reader = database.begin(Access::Read).await.unwrap();
        for statement in [
            "COMMIT",
            "SET TRANSACTION READ WRITE",
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
            "SELECT set_config('transaction_read_only', 'off', false)",
            "SELECT put()",
            "EXPLAIN ANALYZE INSERT INTO a VALUES (1)",
            "WITH x AS (INSERT INTO a VALUES (1) RETURNING b) SELECT * FROM x",
            "DO $$ BEGIN INSERT INTO a VALUES (1); END $$",
        ] {
            assert!(reader.execute(statement, vec![]).await.is_err(), "{statement}");
        }
        // Of what a session sets, nothing is left for the next statement.
        let set = "SELECT set_config('default_transaction_read_only', 'off', false)";
        reader.execute(set, vec![]).await.unwrap();
        assert!(reader.execute("SELECT put()", vec![]).await.is_err());
        assert!(ask(&writer, "SELECT * FROM a", vec![]).await.unwrap().is_empty());
    });
}

#[test]
fn a_server_that_is_gone_is_told_and_found_again() {
    let mut server = Postgres::start();
    let options = postgres::Options {
        timeout: Duration::from_secs(2),
        ..postgres::Options::new(server.url())
    };
    let database = open_backend(&Backend::Postgres(options)).unwrap();
    block_on(async {
        let broken = session(&database).await;
        server.kill();
        let error = broken.execute("SELECT 1", vec![]).await.unwrap_err();
        assert!(matches!(error, Error::Outage(Outage::Unreachable { .. })), "{error:?}");
        assert!(error.to_string().contains("PostgreSQL at"), "{error}");
        drop(broken);
        assert!(database.begin(Access::ReadWrite).await.is_err());
        server.restart();
        for attempt in 0.. {
            match database.begin(Access::ReadWrite).await {
                Ok(session) => {
                    if ask(&session, "SELECT 1", vec![]).await.is_ok() {
                        break;
                    }
                }
                Err(error) => assert!(attempt < 100, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

#[test]
fn a_refused_login_shows_no_password() {
    let (server, _) = open();
    let (_, host) =
        server.url().rsplit_once('@').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let database = at(&format!("postgres://nobody:hunter2@{host}"));
    let refused = block_on(database.begin(Access::Read)).unwrap_err();
    assert!(matches!(refused, Error::Outage(Outage::AccessDenied { .. })), "{refused:?}");
    assert!(!format!("{refused} {refused:?} {database:?}").contains("hunter2"), "{refused}");
}

#[test]
fn the_server_stops_what_takes_too_long() {
    let (server, _) = open();
    let timeout = Duration::from_millis(300);
    let options = postgres::Options { timeout, ..postgres::Options::new(server.url()) };
    let database = open_backend(&Backend::Postgres(options)).unwrap();
    block_on(async {
        let session = session(&database).await;
        let late = session.execute("SELECT pg_sleep(5)", vec![]).await.unwrap_err();
        assert_eq!(late, Error::Outage(Outage::TimedOut { at: database.origin(), after: timeout }));
    });
}
