//! What every database does. Numbers of rows are of whatever width the database gives.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use keyway_capability::{
    Access,
    sql::{ANSWER_LIMIT_BYTES, Database, Error, Value},
};

use crate::{ask, session, text};

macro_rules! cases {
    ($open:path) => {
        $crate::suite::cases!($open:
            what_is_written_is_read,
            values_keep_their_types,
            nothing_is_what_a_null_is,
            a_statement_that_is_wrong_is_told,
            parameters_have_to_fit,
            a_transaction_is_committed_or_taken_back,
            what_a_session_leaves_open_is_taken_back,
            nothing_is_left_for_the_next_session,
            a_link_for_reading_writes_nothing,
            many_statements_are_executed_at_once,
            rows_are_streamed,
            an_answer_is_no_larger_than_it_may_be,
            sessions_work_beside_each_other,
            a_call_that_is_given_up_leaves_the_database_in_order,
        );
    };
    ($open:path: $($case:ident),* $(,)?) => {
        $(
            #[test]
            fn $case() {
                $crate::run($open, $crate::suite::$case);
            }
        )*
    };
}
pub(crate) use cases;

type Given = Arc<dyn Database>;

async fn with_table(database: &Given) -> Arc<dyn keyway_capability::sql::Session> {
    let session = session(database).await;
    session.execute("CREATE TABLE pet (id INTEGER PRIMARY KEY, name TEXT)", vec![]).await.unwrap();
    session
}

fn number(value: &Value) -> i64 {
    match value {
        Value::Int32(number) => (*number).into(),
        Value::Int64(number) => *number,
        value => panic!("{value:?} is no number"),
    }
}

async fn count(session: &Arc<dyn keyway_capability::sql::Session>) -> i64 {
    number(&ask(session, "SELECT count(*) FROM pet", vec![]).await.unwrap()[0][0])
}

pub(crate) async fn what_is_written_is_read(database: Given) {
    let session = with_table(&database).await;
    let insert = "INSERT INTO pet (id, name) VALUES ($1, $2), ($3, $4)";
    let pets = vec![Value::Int64(1), text("Ada"), Value::Int32(2), text("Bö")];
    assert_eq!(session.execute(insert, pets).await, Ok(2));
    let rows = session.query("SELECT id, name FROM pet ORDER BY id DESC", vec![]).await.unwrap();
    let names: Vec<_> = rows.columns.iter().map(|column| column.name.clone()).collect();
    assert_eq!(names, ["id", "name"]);
    let (_, rows) = rows.collect().await.unwrap();
    assert_eq!(rows.iter().map(|row| number(&row[0])).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(rows[0][1], text("Bö"));
    let update = "UPDATE pet SET name = $2 WHERE id >= $1";
    assert_eq!(session.execute(update, vec![Value::Int64(1), text("C")]).await, Ok(2));
    assert_eq!(session.execute("DELETE FROM pet WHERE id = 7", vec![]).await, Ok(0));
    assert_eq!(session.execute("SELECT * FROM pet", vec![]).await.map(|_| ()), Ok(()));
    // The same parameter twice, and out of order.
    let twice = "SELECT id FROM pet WHERE name = $2 AND id = $1 AND name = $2";
    let rows = ask(&session, twice, vec![Value::Int64(2), text("C")]).await.unwrap();
    assert_eq!(rows.len(), 1);
}

pub(crate) async fn values_keep_their_types(database: Given) {
    let session = session(&database).await;
    let table = "CREATE TABLE kind (a BIGINT, b DOUBLE PRECISION, c TEXT, d BYTEA)";
    session.execute(table, vec![]).await.unwrap();
    let values = vec![
        Value::Int64(i64::MIN),
        Value::Float64(-0.1),
        text("'; DROP TABLE kind; -- \u{1f600}"),
        Value::Blob(vec![0, 1, 255]),
    ];
    let insert = "INSERT INTO kind VALUES ($1, $2, $3, $4)";
    session.execute(insert, values.clone()).await.unwrap();
    let rows = ask(&session, "SELECT * FROM kind", vec![]).await.unwrap();
    assert_eq!(rows, [values]);
}

pub(crate) async fn nothing_is_what_a_null_is(database: Given) {
    let session = with_table(&database).await;
    let insert = "INSERT INTO pet (id, name) VALUES ($1, $2)";
    session.execute(insert, vec![Value::Int64(1), Value::Null]).await.unwrap();
    let rows = ask(&session, "SELECT name FROM pet WHERE name IS NULL", vec![]).await.unwrap();
    assert_eq!(rows, [vec![Value::Null]]);
}

pub(crate) async fn a_statement_that_is_wrong_is_told(database: Given) {
    let session = with_table(&database).await;
    for statement in ["SELEC 1", "SELECT * FROM nowhere", "SELECT 1; SELECT 2", ""] {
        let error = session.execute(statement, vec![]).await.unwrap_err();
        assert!(matches!(error, Error::Statement { .. }), "{statement}: {error:?}");
        assert!(error.to_string().contains(&database.origin().to_string()), "{error}");
    }
    let Err(error) = session.query("SELECT * FROM nowhere", vec![]).await else {
        panic!("there is no such table")
    };
    assert!(error.to_string().contains("nowhere"), "{error}");
    session.execute("INSERT INTO pet (id) VALUES (1)", vec![]).await.unwrap();
    let again = session.execute("INSERT INTO pet (id) VALUES (1)", vec![]).await.unwrap_err();
    assert!(matches!(again, Error::Statement { .. }), "{again:?}");
    // The session goes on.
    assert_eq!(count(&session).await, 1);
}

pub(crate) async fn parameters_have_to_fit(database: Given) {
    let session = with_table(&database).await;
    let insert = "INSERT INTO pet (id, name) VALUES ($1, $2)";
    let error = session.execute(insert, vec![Value::Int64(1)]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the parameters do not fit the statement: it has 2, and 1 are given"
    );
    let error = session.query("SELECT 1", vec![Value::Null]).await.unwrap_err();
    assert!(matches!(error, Error::BadParameter { .. }), "{error:?}");
    assert_eq!(count(&session).await, 0);
}

pub(crate) async fn a_transaction_is_committed_or_taken_back(database: Given) {
    let session = with_table(&database).await;
    let other = self::session(&database).await;
    session.execute("BEGIN", vec![]).await.unwrap();
    session.execute("INSERT INTO pet (id) VALUES (1)", vec![]).await.unwrap();
    assert_eq!((count(&session).await, count(&other).await), (1, 0));
    session.execute("ROLLBACK", vec![]).await.unwrap();
    assert_eq!(count(&session).await, 0);
    session.execute("BEGIN", vec![]).await.unwrap();
    session.execute("INSERT INTO pet (id) VALUES (2)", vec![]).await.unwrap();
    session.execute("COMMIT", vec![]).await.unwrap();
    assert_eq!(count(&other).await, 1);
}

pub(crate) async fn what_a_session_leaves_open_is_taken_back(database: Given) {
    let session = with_table(&database).await;
    session.execute("BEGIN", vec![]).await.unwrap();
    session.execute("INSERT INTO pet (id) VALUES (1)", vec![]).await.unwrap();
    drop(session);
    let next = self::session(&database).await;
    assert_eq!(count(&next).await, 0);
    // Nor is anything locked.
    next.execute("INSERT INTO pet (id) VALUES (1)", vec![]).await.unwrap();
}

pub(crate) async fn nothing_is_left_for_the_next_session(database: Given) {
    let first = session(&database).await;
    first.execute("CREATE TEMPORARY TABLE mine (a INTEGER)", vec![]).await.unwrap();
    first.execute("INSERT INTO mine VALUES (1)", vec![]).await.unwrap();
    drop(first);
    for _ in 0..3 {
        let next = session(&database).await;
        assert!(ask(&next, "SELECT * FROM mine", vec![]).await.is_err());
        assert_eq!(next.last_change().await, Default::default());
    }
}

pub(crate) async fn a_link_for_reading_writes_nothing(database: Given) {
    let writer = with_table(&database).await;
    writer.execute("INSERT INTO pet (id) VALUES (1)", vec![]).await.unwrap();
    let reader = database.begin(Access::Read).await.unwrap();
    assert_eq!(count(&reader).await, 1);
    for statement in [
        "INSERT INTO pet (id) VALUES (2)",
        "WITH a AS (SELECT 3 AS b) INSERT INTO pet (id) SELECT b FROM a",
        "DELETE FROM pet",
        "CREATE TABLE other (a INTEGER)",
        "DROP TABLE pet",
    ] {
        let error = reader.execute(statement, vec![]).await.unwrap_err();
        assert!(matches!(error, Error::ReadOnly { .. }), "{statement}: {error:?}");
        let queried = reader.query(statement, vec![]).await;
        assert!(matches!(queried, Err(Error::ReadOnly { .. })), "{statement}");
        assert!(reader.execute_all(statement).await.is_err(), "{statement}");
    }
    writer.execute("INSERT INTO pet (id) VALUES (4)", vec![]).await.unwrap();
    // It sees what others write in between.
    assert_eq!(count(&reader).await, 2);
}

pub(crate) async fn many_statements_are_executed_at_once(database: Given) {
    let session = session(&database).await;
    let all = "CREATE TABLE a (b INTEGER); INSERT INTO a VALUES (1); INSERT INTO a VALUES (2)";
    session.execute_all(all).await.unwrap();
    assert_eq!(ask(&session, "SELECT b FROM a", vec![]).await.unwrap().len(), 2);
    assert!(session.execute_all("DELETE FROM a; SELEC").await.is_err());
}

/// So many rows, each of so many bytes.
fn rows(count: usize, bytes: usize) -> String {
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         SELECT i, '{}' FROM n",
        "x".repeat(bytes)
    )
}

pub(crate) async fn rows_are_streamed(database: Given) {
    let session = session(&database).await;
    let mut asked = session.query(&rows(10_000, 10_000), vec![]).await.unwrap();
    for expected in 1..=3 {
        let row = asked.rows.next().await.unwrap().unwrap();
        assert_eq!(number(&row[0]), expected);
    }
    // One that is dropped early holds up nothing.
    drop(asked);
    assert_eq!(ask(&session, "SELECT 1", vec![]).await.unwrap().len(), 1);
    let asked = session.query(&rows(1_000, 1), vec![]).await.unwrap();
    assert_eq!(asked.rows.count().await, 1_000);
}

pub(crate) async fn an_answer_is_no_larger_than_it_may_be(database: Given) {
    let session = session(&database).await;
    let error = ask(&session, &rows(40_000, 1_000), vec![]).await.unwrap_err();
    let limit_bytes = ANSWER_LIMIT_BYTES;
    assert_eq!(error, Error::TooLarge { at: database.origin(), limit_bytes });
}

pub(crate) async fn sessions_work_beside_each_other(database: Given) {
    let session = with_table(&database).await;
    drop(session);
    let insert = |id: i64| {
        let database = Arc::clone(&database);
        async move {
            let session = self::session(&database).await;
            let insert = "INSERT INTO pet (id) VALUES ($1)";
            session.execute(insert, vec![Value::Int64(id)]).await.unwrap();
        }
    };
    futures::future::join_all((0..24).map(insert)).await;
    assert_eq!(count(&self::session(&database).await).await, 24);
}

pub(crate) async fn a_call_that_is_given_up_leaves_the_database_in_order(database: Given) {
    let session = with_table(&database).await;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                   SELECT count(*) FROM n";
    let given_up =
        tokio::time::timeout(Duration::from_millis(100), session.query(endless, vec![])).await;
    assert!(given_up.is_err());
    drop(session);
    let next = self::session(&database).await;
    next.execute("INSERT INTO pet (id) VALUES (1)", vec![]).await.unwrap();
    assert_eq!(count(&next).await, 1);
}
