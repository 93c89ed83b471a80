//! Spin's SQLite interface. Values of other databases become SQLite values if possible.

use futures::{StreamExt, TryStreamExt};
use keyway_capability::{
    Outage,
    sql::{Column, Error, Row, Value},
};
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

use super::{Connection, Refusal, Sql, View};
use crate::bind::producer;

mod bindings_2 {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports { import fermyon:spin/sqlite@2.0.0; }",
        path: "../../wit/fermyon-spin-2.0.0",
        imports: { default: async | trappable },
        with: { "fermyon:spin/sqlite.connection": crate::bind::sql::Connection },
        trappable_error_type: { "fermyon:spin/sqlite.error" => crate::bind::sql::Refusal },
    });
}

mod bindings_3 {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports { import spin:sqlite/sqlite@3.0.0; }",
        path: "../../wit/spin-sqlite-3.0.0",
        imports: { default: async | trappable },
        with: { "spin:sqlite/sqlite.connection": crate::bind::sql::Connection },
        trappable_error_type: { "spin:sqlite/sqlite.error" => crate::bind::sql::Refusal },
    });
}

mod bindings_3_1 {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports { import spin:sqlite/sqlite@3.1.0; }",
        path: "../../wit/spin-sqlite-3.1.0",
        imports: { default: async | trappable },
        with: { "spin:sqlite/sqlite.connection": crate::bind::sql::Connection },
        trappable_error_type: { "spin:sqlite/sqlite.error" => crate::bind::sql::Refusal },
    });
}

pub(super) use bindings_2::fermyon::spin::sqlite as v2;
pub(super) use bindings_3::spin::sqlite::sqlite as v3;
pub(super) use bindings_3_1::spin::sqlite::sqlite as v3_1;

/// By which the links of version 2 are written.
const OPENER_2: &str = "fermyon:spin/sqlite";

/// The same, of version 3.
const OPENER_3: &str = "spin:sqlite/sqlite";

/// A value as SQLite has it.
enum Plain {
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
    Null,
}

/// The values of a row, or the column of one that SQLite has no type for.
fn plain(
    columns: &[Column],
    row: Row,
    at: &keyway_capability::Origin,
) -> Result<Vec<Plain>, Error> {
    let plain = |(index, value): (usize, Value)| match value {
        Value::Null => Ok(Plain::Null),
        Value::Boolean(boolean) => Ok(Plain::Integer(boolean.into())),
        Value::Int8(number) => Ok(Plain::Integer(number.into())),
        Value::Int16(number) => Ok(Plain::Integer(number.into())),
        Value::Int32(number) => Ok(Plain::Integer(number.into())),
        Value::Int64(number) => Ok(Plain::Integer(number)),
        Value::Float32(number) => Ok(Plain::Real(number.into())),
        Value::Float64(number) => Ok(Plain::Real(number)),
        Value::Text(text) | Value::Uuid(text) | Value::Json(text) | Value::Decimal(text) => {
            Ok(Plain::Text(text))
        }
        Value::Blob(bytes) => Ok(Plain::Blob(bytes)),
        _ => {
            let column = columns.get(index).map(|column| column.name.clone()).unwrap_or_default();
            let reason = "SQLite has no such type; ask for it as text".to_owned();
            Err(Error::Conversion { at: at.clone(), column, reason })
        }
    };
    row.into_iter().enumerate().map(plain).collect()
}

/// What all versions have.
macro_rules! version {
    ($version:ident, $opener:expr) => {
        impl $version::Host for View<'_> {
            fn convert_error(&mut self, refusal: Refusal) -> wasmtime::Result<$version::Error> {
                Ok(match refusal {
                    Refusal::NotGranted(_) => $version::Error::AccessDenied,
                    Refusal::Wrong(reason) => $version::Error::Io(reason),
                    // A handle is checked before; it can only be one too many.
                    Refusal::Held(error) => return Err(error),
                    Refusal::Handle(error) => $version::Error::Io(error.to_string()),
                    Refusal::Failed(error) => error.into(),
                })
            }
        }

        impl From<Error> for $version::Error {
            fn from(error: Error) -> Self {
                match error {
                    Error::NoSuchDatabase { .. } => Self::NoSuchDatabase,
                    Error::Outage(Outage::AccessDenied { .. }) | Error::ReadOnly { .. } => Self::AccessDenied,
                    Error::Full { .. } => Self::DatabaseFull,
                    error => Self::Io(error.to_string()),
                }
            }
        }

        impl From<$version::Value> for Value {
            fn from(value: $version::Value) -> Self {
                match value {
                    $version::Value::Integer(number) => Self::Int64(number),
                    $version::Value::Real(number) => Self::Float64(number),
                    $version::Value::Text(text) => Self::Text(text),
                    $version::Value::Blob(bytes) => Self::Blob(bytes),
                    $version::Value::Null => Self::Null,
                }
            }
        }

        impl From<Vec<Plain>> for $version::RowResult {
            fn from(row: Vec<Plain>) -> Self {
                let value = |value| match value {
                    Plain::Integer(number) => $version::Value::Integer(number),
                    Plain::Real(number) => $version::Value::Real(number),
                    Plain::Text(text) => $version::Value::Text(text),
                    Plain::Blob(bytes) => $version::Value::Blob(bytes),
                    Plain::Null => $version::Value::Null,
                };
                Self { values: row.into_iter().map(value).collect() }
            }
        }

        impl $version::HostConnection for View<'_> {
            async fn open(&mut self, database: String) -> Result<Resource<Connection>, Refusal> {
                let connection = self.find($opener, &database)?.open().await?;
                self.push(connection)
            }

            async fn execute(
                &mut self,
                connection: Resource<Connection>,
                statement: String,
                parameters: Vec<$version::Value>,
            ) -> Result<$version::QueryResult, Refusal> {
                let connection = self.session(&connection)?;
                let parameters = parameters.into_iter().map(Value::from).collect();
                let outcome = async {
                    let rows = connection.session.query(&statement, parameters).await?;
                    let at = rows.at.clone();
                    let (columns, rows) = rows.collect().await?;
                    let rows = rows.into_iter().map(|row| plain(&columns, row, &at).map(Into::into));
                    let rows = rows.collect::<Result<_, Error>>()?;
                    let columns = columns.into_iter().map(|column| column.name).collect();
                    Ok($version::QueryResult { columns, rows })
                };
                connection.told(outcome.await)
            }

            version!(@more $version);

            async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
                self.close(connection)
            }
        }
    };
    (@more v2) => {};
    (@more $version:ident) => {
        async fn last_insert_rowid(
            &mut self,
            connection: Resource<Connection>,
        ) -> wasmtime::Result<i64> {
            let session = self.table.get(&connection)?.session.clone();
            Ok(session.last_change().await.row_id)
        }

        async fn changes(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u64> {
            let session = self.table.get(&connection)?.session.clone();
            Ok(session.last_change().await.rows)
        }
    };
}

version!(v2, OPENER_2);
version!(v3, OPENER_3);
version!(v3_1, OPENER_3);

/// The columns, the rows as they come, and how they ended.
type Answer = (Vec<String>, StreamReader<v3_1::RowResult>, FutureReader<Result<(), v3_1::Error>>);

impl<U: Send + 'static> v3_1::HostConnectionWithStore<U> for Sql {
    async fn open_async(
        accessor: &Accessor<U, Self>,
        database: String,
    ) -> Result<Resource<Connection>, Refusal> {
        let found = accessor.with(|mut access| access.get().find(OPENER_3, &database))?;
        let connection = found.open().await?;
        accessor.with(|mut access| access.get().push(connection))
    }

    async fn execute_async(
        accessor: &Accessor<U, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<v3_1::Value>,
    ) -> Result<Answer, Refusal> {
        let connection = accessor.with(|mut access| access.get().session(&connection))?;
        let parameters = parameters.into_iter().map(Value::from).collect();
        let outcome = connection.session.query(&statement, parameters).await;
        let rows = connection.told(outcome)?;
        let (at, columns) = (rows.at, rows.columns);
        let names = columns.iter().map(|column| column.name.clone()).collect();
        let rows = rows.rows.map(move |row| {
            let row = row.and_then(|row| plain(&columns, row, &at));
            row.map(v3_1::RowResult::from).map_err(v3_1::Error::from)
        });
        let handed = accessor.with(|access| producer::hand_on(access, rows.into_stream().boxed()));
        let (rows, ended) = handed.map_err(|error| Refusal::Wrong(error.to_string()))?;
        Ok((names, rows, ended))
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<U, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        let session = accessor
            .with(|mut access| access.get().table.get(&connection).map(|it| it.session.clone()))?;
        Ok(session.last_change().await.row_id)
    }

    async fn changes_async(
        accessor: &Accessor<U, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<u64> {
        let session = accessor
            .with(|mut access| access.get().table.get(&connection).map(|it| it.session.clone()))?;
        Ok(session.last_change().await.rows)
    }
}
