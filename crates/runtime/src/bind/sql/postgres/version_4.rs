//! Spin's PostgreSQL interface, version 4: 4.1 for components without asynchronous functions, 4.2
//! for components with them.

use futures::StreamExt;
use keyway_capability::{
    Outage,
    sql::{Error, Report, Value},
};
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

use super::{Connection, NOT_GRANTED, OPENER_3, Refusal, View, connection};
use crate::bind::{producer, sql::Sql};

mod bindings_4_1 {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports { import spin:postgres/postgres@4.1.0; }",
        path: "../../wit/spin-postgres-4.1.0",
        imports: { default: async | trappable },
        with: {
            "spin:postgres/postgres.connection": crate::bind::sql::Connection,
            "spin:postgres/postgres.connection-builder": crate::bind::sql::postgres::version_4::Builder,
        },
        trappable_error_type: { "spin:postgres/postgres.error" => crate::bind::sql::Refusal },
    });
}

mod bindings_4_2 {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports { import spin:postgres/postgres@4.2.0; }",
        path: "../../wit/spin-postgres-4.2.0",
        imports: { default: async | trappable },
        with: {
            "spin:postgres/postgres.connection": crate::bind::sql::Connection,
            "spin:postgres/postgres.connection-builder": crate::bind::sql::postgres::version_4::Builder,
        },
        trappable_error_type: { "spin:postgres/postgres.error" => crate::bind::sql::Refusal },
    });
}

pub(in crate::bind::sql) use bindings_4_1::spin::postgres::postgres as v4;
pub(in crate::bind::sql) use bindings_4_2::spin::postgres::postgres as v4_2;

/// A connection that is still to be made.
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub struct Builder {
    address: String,
}

/// What is said of a certificate that a component brings along.
const NO_CERTIFICATE: &str =
    "a server is checked against the certificates that the host trusts, and no others";

macro_rules! version {
    ($version:ident) => {
        impl $version::Host for View<'_> {
            fn convert_error(&mut self, refusal: Refusal) -> wasmtime::Result<$version::Error> {
                Ok(match refusal {
                    Refusal::NotGranted(_) => {
                        $version::Error::ConnectionFailed(NOT_GRANTED.to_owned())
                    }
                    Refusal::Wrong(reason) => $version::Error::ConnectionFailed(reason),
                    Refusal::Held(error) => return Err(error),
                    Refusal::Handle(error) => $version::Error::Other(error.to_string()),
                    Refusal::Failed(error) => error.into(),
                })
            }
        }

        impl From<Error> for $version::Error {
            fn from(error: Error) -> Self {
                let text = error.to_string();
                match error {
                    Error::BadParameter { .. } => Self::BadParameter(text),
                    Error::Conversion { .. } => Self::ValueConversionFailed(text),
                    Error::Outage(Outage::Unreachable { .. })
                    | Error::NoSuchDatabase { .. }
                    | Error::Outage(Outage::AccessDenied { .. }) => Self::ConnectionFailed(text),
                    Error::Full { .. } | Error::TooLarge { .. } => Self::Other(text),
                    Error::Statement { report, .. } if !report.code.is_empty() => {
                        let Report { message, severity, code, detail, extras } = *report;
                        let as_text = text;
                        let error =
                            $version::DbError { as_text, severity, code, message, detail, extras };
                        Self::QueryFailed($version::QueryError::DbError(error))
                    }
                    Error::Statement { .. }
                    | Error::ReadOnly { .. }
                    | Error::Forbidden { .. }
                    | Error::Outage(Outage::TimedOut { .. }) => {
                        Self::QueryFailed($version::QueryError::Text(text))
                    }
                }
            }
        }

        impl $version::HostConnectionBuilder for View<'_> {
            async fn new(&mut self, address: String) -> wasmtime::Result<Resource<Builder>> {
                Ok(self.table.push(Builder { address })?)
            }

            async fn set_ca_root(
                &mut self,
                builder: Resource<Builder>,
                _: String,
            ) -> Result<(), Refusal> {
                self.table.get(&builder)?;
                Err(Refusal::Wrong(NO_CERTIFICATE.to_owned()))
            }

            async fn build(
                &mut self,
                builder: Resource<Builder>,
            ) -> Result<Resource<Connection>, Refusal> {
                let address = self.table.get(&builder)?.address.clone();
                let connection = self.find_at(OPENER_3, &address)?.open().await?;
                self.push(connection)
            }

            async fn drop(&mut self, builder: Resource<Builder>) -> wasmtime::Result<()> {
                self.table.delete(builder)?;
                Ok(())
            }
        }

        connection!($version, $version, OPENER_3);
    };
}

version!(v4);
version!(v4_2);

/// Opens what an address names, without holding on to the instance.
async fn open<U: Send + 'static>(
    accessor: &Accessor<U, Sql>,
    address: &str,
) -> Result<Resource<Connection>, Refusal> {
    let found = accessor.with(|mut access| access.get().find_at(OPENER_3, address))?;
    let connection = found.open().await?;
    accessor.with(|mut access| access.get().push(connection))
}

impl<U: Send + 'static> v4_2::HostConnectionBuilderWithStore<U> for Sql {
    async fn build_async(
        accessor: &Accessor<U, Self>,
        builder: Resource<Builder>,
    ) -> Result<Resource<Connection>, Refusal> {
        let address = accessor
            .with(|mut access| access.get().table.get(&builder).map(|it| it.address.clone()))?;
        open(accessor, &address).await
    }
}

/// The columns, the rows as they come, and how they ended.
type Answer =
    (Vec<v4_2::Column>, StreamReader<Vec<v4_2::DbValue>>, FutureReader<Result<(), v4_2::Error>>);

impl<U: Send + 'static> v4_2::HostConnectionWithStore<U> for Sql {
    async fn open_async(
        accessor: &Accessor<U, Self>,
        address: String,
    ) -> Result<Resource<Connection>, Refusal> {
        open(accessor, &address).await
    }

    async fn query_async(
        accessor: &Accessor<U, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<v4_2::ParameterValue>,
    ) -> Result<Answer, Refusal> {
        let connection = accessor.with(|mut access| access.get().session(&connection))?;
        let parameters = parameters.into_iter().map(Value::from).collect();
        let outcome = connection.session.query(&statement, parameters).await;
        let rows = connection.told(outcome)?;
        let columns = rows.columns.into_iter().map(Into::into).collect();
        let values = |row: Vec<Value>| row.into_iter().map(v4_2::DbValue::from).collect();
        let rows = rows.rows.map(move |row| row.map(values).map_err(v4_2::Error::from));
        let handed = accessor.with(|access| producer::hand_on(access, rows.boxed()));
        let (rows, ended) = handed.map_err(|error| Refusal::Wrong(error.to_string()))?;
        Ok((columns, rows, ended))
    }

    async fn execute_async(
        accessor: &Accessor<U, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<v4_2::ParameterValue>,
    ) -> Result<u64, Refusal> {
        let connection = accessor.with(|mut access| access.get().session(&connection))?;
        let parameters = parameters.into_iter().map(Value::from).collect();
        connection.told(connection.session.execute(&statement, parameters).await)
    }
}
