//! Asks databases by Spin's interfaces, in versions that block. `/sqlite/DATABASE/STATEMENT/VALUE…`
//! and `/sqlite-3/…` by the interface of SQLite, `/postgres/…`, `/postgres-3/…` and `/postgres-4/…`
//! by that of PostgreSQL. The database and the statement have `%20` for a space, `%2F` for a slash
//! and so on. A value is a number, `null`, or else a text.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({
    path: [
        "../../wit/fermyon-spin-2.0.0",
        "../../wit/spin-sqlite-3.0.0",
        "../../wit/spin-postgres-3.0.0",
        "../../wit/spin-postgres-4.1.0",
    ],
    inline: "package test:spin-sql; world user {
        import fermyon:spin/sqlite@2.0.0;
        import fermyon:spin/postgres@2.0.0;
        import spin:sqlite/sqlite@3.0.0;
        import spin:postgres/postgres@3.0.0;
        import spin:postgres/postgres@4.1.0;
    }",
    world: "test:spin-sql/user",
    generate_all,
});

use fermyon::spin::{postgres as postgres_2, rdbms_types, sqlite as sqlite_2};
use spin::{postgres3_0_0::postgres as postgres_3, postgres4_1_0::postgres as postgres_4};
use spin::sqlite::sqlite as sqlite_3;

struct SpinSql;

wasip2::http::proxy::export!(SpinSql);

impl wasip2::exports::http::incoming_handler::Guest for SpinSql {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = reply::path(&request);
        let parts: Vec<String> = path[1..].split('/').map(decode).collect();
        let [interface, database, statement, values @ ..] = parts.as_slice() else {
            return reply::failure(out, "what?");
        };
        let said = match interface.as_str() {
            "sqlite" => sqlite(database, statement, values),
            "sqlite-3" => sqlite_in_3(database, statement, values),
            "postgres" => postgres(database, statement, values),
            "postgres-3" => postgres_in_3(database, statement, values),
            "postgres-4" => postgres_in_4(database, statement, values),
            _ => Err("what?".to_owned()),
        };
        match said {
            Ok(text) => reply::text(out, &text),
            Err(error) => reply::text(out, &format!("refused: {error}")),
        }
    }
}

/// What `%` and two digits stand for.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().expect("a digit"), rest.next().expect("a digit")];
        let digits = std::str::from_utf8(&digits).expect("digits");
        bytes.push(u8::from_str_radix(digits, 16).expect("digits"));
    }
    String::from_utf8(bytes).expect("a text")
}

type Said = Result<String, String>;

fn show<T>(rows: Vec<Vec<T>>, value: impl Fn(T) -> String) -> String {
    let row = |row: Vec<T>| row.into_iter().map(&value).collect::<Vec<_>>().join(",");
    rows.into_iter().map(row).collect::<Vec<_>>().join(";")
}

fn said(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

fn sqlite(database: &str, statement: &str, values: &[String]) -> Said {
    use sqlite_2::{Connection, Value};
    let values: Vec<_> = values
        .iter()
        .map(|value| match value.parse() {
            Ok(number) => Value::Integer(number),
            Err(_) if value == "null" => Value::Null,
            Err(_) => Value::Text(value.clone()),
        })
        .collect();
    let connection = Connection::open(database).map_err(said)?;
    let answer = connection.execute(statement, &values).map_err(said)?;
    let rows = answer.rows.into_iter().map(|row| row.values).collect();
    Ok(format!("{}: {}", answer.columns.join(","), show(rows, |value| match value {
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => text,
        Value::Blob(bytes) => format!("{bytes:?}"),
        Value::Null => "null".to_owned(),
    })))
}

/// Executes a statement, and says what it did.
fn sqlite_in_3(database: &str, statement: &str, values: &[String]) -> Said {
    let values: Vec<_> = values.iter().map(|text| sqlite_3::Value::Text(text.clone())).collect();
    let connection = sqlite_3::Connection::open(database).map_err(said)?;
    let rows = connection.execute(statement, &values).map_err(said)?.rows.len();
    Ok(format!("{rows} {} {}", connection.last_insert_rowid(), connection.changes()))
}

fn postgres(address: &str, statement: &str, values: &[String]) -> Said {
    use rdbms_types::{DbValue, ParameterValue};
    let values: Vec<_> = values
        .iter()
        .map(|value| match value.parse() {
            Ok(number) => ParameterValue::Uint32(number),
            Err(_) if value == "null" => ParameterValue::DbNull,
            Err(_) => ParameterValue::Str(value.clone()),
        })
        .collect();
    let connection = postgres_2::Connection::open(address).map_err(said)?;
    if !statement.starts_with("SELECT") {
        return connection.execute(statement, &values).map(|rows| rows.to_string()).map_err(said);
    }
    let rows = connection.query(statement, &values).map_err(said)?.rows;
    Ok(show(rows, |value| match value {
        DbValue::Str(text) => text,
        DbValue::Int32(number) => number.to_string(),
        DbValue::Int64(number) => number.to_string(),
        value => format!("{value:?}"),
    }))
}

/// The values as they come, with their types.
fn postgres_in_3(address: &str, statement: &str, _: &[String]) -> Said {
    let connection = postgres_3::Connection::open(address).map_err(said)?;
    let answer = connection.query(statement, &[]).map_err(said)?;
    let types: Vec<_> = answer.columns.iter().map(|it| format!("{:?}", it.data_type)).collect();
    Ok(format!("{} {}", types.join(","), show(answer.rows, |value| format!("{value:?}"))))
}

fn postgres_in_4(address: &str, statement: &str, values: &[String]) -> Said {
    use postgres_4::{ConnectionBuilder, Error, ParameterValue, QueryError};
    let connection = ConnectionBuilder::new(address).build().map_err(said)?;
    let values: Vec<_> = values.iter().map(|text| ParameterValue::Decimal(text.clone())).collect();
    match connection.query(statement, &values) {
        Ok(answer) => Ok(show(answer.rows, |value| format!("{value:?}"))),
        Err(Error::QueryFailed(QueryError::DbError(error))) => {
            Err(format!("{} {}", error.severity, error.code))
        }
        Err(error) => Err(said(error)),
    }
}
