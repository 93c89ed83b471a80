//! Spin's PostgreSQL interface, versions 2 and 3.

mod value;
mod version_4;

use keyway_capability::{
    Outage,
    sql::{Error, Value},
};
use wasmtime::component::Resource;

use super::{Connection, Refusal, View};

pub(super) use version_4::{v4, v4_2};

mod bindings_2 {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports { import fermyon:spin/postgres@2.0.0; }",
        path: "../../wit/fermyon-spin-2.0.0",
        imports: { default: async | trappable },
        with: { "fermyon:spin/postgres.connection": crate::bind::sql::Connection },
        trappable_error_type: { "fermyon:spin/rdbms-types.error" => crate::bind::sql::Refusal },
    });
}

mod bindings_3 {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports { import spin:postgres/postgres@3.0.0; }",
        path: "../../wit/spin-postgres-3.0.0",
        imports: { default: async | trappable },
        with: { "spin:postgres/postgres.connection": crate::bind::sql::Connection },
        trappable_error_type: { "spin:postgres/postgres.error" => crate::bind::sql::Refusal },
    });
}

pub(super) use bindings_2::fermyon::spin::postgres as v2;
use bindings_2::fermyon::spin::rdbms_types;
pub(super) use bindings_3::spin::postgres::postgres as v3;

/// By which the links of version 2 are written.
const OPENER_2: &str = "fermyon:spin/postgres";

/// The same, of the versions after it.
const OPENER_3: &str = "spin:postgres/postgres";

/// What is said of something that is neither linked nor granted.
const NOT_GRANTED: &str = "the database is not granted";

/// A failure in the words of a version that tells all by a text.
macro_rules! convert_error {
    ($host:path, $error:path) => {
        impl $host for View<'_> {
            fn convert_error(&mut self, refusal: Refusal) -> wasmtime::Result<$error> {
                use $error as Said;
                let error = match refusal {
                    Refusal::NotGranted(_) => {
                        return Ok(Said::ConnectionFailed(NOT_GRANTED.to_owned()));
                    }
                    Refusal::Wrong(reason) => return Ok(Said::ConnectionFailed(reason)),
                    Refusal::Held(error) => return Err(error),
                    Refusal::Handle(error) => return Ok(Said::Other(error.to_string())),
                    Refusal::Failed(error) => error,
                };
                let text = error.to_string();
                Ok(match error {
                    Error::BadParameter { .. } => Said::BadParameter(text),
                    Error::Conversion { .. } => Said::ValueConversionFailed(text),
                    Error::Outage(Outage::Unreachable { .. })
                    | Error::NoSuchDatabase { .. }
                    | Error::Outage(Outage::AccessDenied { .. }) => Said::ConnectionFailed(text),
                    Error::Full { .. } | Error::TooLarge { .. } => Said::Other(text),
                    Error::Statement { .. }
                    | Error::ReadOnly { .. }
                    | Error::Forbidden { .. }
                    | Error::Outage(Outage::TimedOut { .. }) => Said::QueryFailed(text),
                })
            }
        }
    };
}

convert_error!(rdbms_types::Host, rdbms_types::Error);
convert_error!(v3::Host, v3::Error);

impl v2::Host for View<'_> {}

/// What both versions have, with their values.
macro_rules! connection {
    ($version:ident, $types:ident, $opener:expr) => {
        impl $version::HostConnection for View<'_> {
            async fn open(&mut self, address: String) -> Result<Resource<Connection>, Refusal> {
                let connection = self.find_at($opener, &address)?.open().await?;
                self.push(connection)
            }

            async fn query(
                &mut self,
                connection: Resource<Connection>,
                statement: String,
                parameters: Vec<$types::ParameterValue>,
            ) -> Result<$types::RowSet, Refusal> {
                let connection = self.session(&connection)?;
                let parameters = parameters.into_iter().map(Value::from).collect();
                let outcome = async {
                    connection.session.query(&statement, parameters).await?.collect().await
                };
                let (columns, rows) = connection.told(outcome.await)?;
                let row = |row: Vec<Value>| row.into_iter().map(Into::into).collect();
                Ok($types::RowSet {
                    columns: columns.into_iter().map(Into::into).collect(),
                    rows: rows.into_iter().map(row).collect(),
                })
            }

            async fn execute(
                &mut self,
                connection: Resource<Connection>,
                statement: String,
                parameters: Vec<$types::ParameterValue>,
            ) -> Result<u64, Refusal> {
                let connection = self.session(&connection)?;
                let parameters = parameters.into_iter().map(Value::from).collect();
                connection.told(connection.session.execute(&statement, parameters).await)
            }

            async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
                self.close(connection)
            }
        }
    };
}

use connection;

connection!(v2, rdbms_types, OPENER_2);
connection!(v3, v3, OPENER_3);
