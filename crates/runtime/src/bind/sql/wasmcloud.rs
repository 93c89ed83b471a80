//! wasmCloud's PostgreSQL interface. It does not name a database: a component uses the one that its
//! link calls `default`, each time in its own session.

use std::sync::Arc;

use keyway_capability::sql::{Error, Value};

use super::{Connection, Refusal, View};

mod value;

mod bindings {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports {
            import wasmcloud:postgres/query@0.1.1-draft;
        }",
        path: "../../wit/wasmcloud-postgres-0.1.1-draft",
        imports: { default: async | trappable },
        trappable_error_type: {
            "wasmcloud:postgres/types.query-error" => crate::bind::sql::Refusal,
        },
    });
}

pub(super) use bindings::wasmcloud::postgres::query;
use bindings::wasmcloud::postgres::types::{self, PgValue, QueryError, ResultRowEntry};

/// By which its links are written.
const OPENER: &str = "wasmcloud:postgres/query";

impl types::Host for View<'_> {
    fn convert_query_error(&mut self, refusal: Refusal) -> wasmtime::Result<QueryError> {
        Ok(match refusal {
            Refusal::NotGranted(_) => QueryError::Unexpected("no database is granted".to_owned()),
            Refusal::Wrong(reason) => QueryError::InvalidParams(reason),
            Refusal::Held(error) => return Err(error),
            Refusal::Handle(error) => QueryError::Unexpected(error.to_string()),
            Refusal::Failed(error) => {
                let text = error.to_string();
                match error {
                    Error::BadParameter { .. } => QueryError::InvalidParams(text),
                    Error::Statement { .. } | Error::ReadOnly { .. } | Error::Forbidden { .. } => {
                        QueryError::InvalidQuery(text)
                    }
                    _ => QueryError::Unexpected(text),
                }
            }
        })
    }
}

impl query::Host for View<'_> {
    async fn query(
        &mut self,
        query: String,
        parameters: Vec<PgValue>,
    ) -> Result<Vec<Vec<ResultRowEntry>>, Refusal> {
        let parameters = parameters.into_iter().map(value::parameter);
        let parameters: Vec<Value> =
            parameters.collect::<Result<_, _>>().map_err(Refusal::Wrong)?;
        let connection = self.find(OPENER, "")?.open().await?;
        let outcome = async {
            let rows = connection.session.query(&query, parameters).await?;
            let at = rows.at.clone();
            let (columns, rows) = rows.collect().await?;
            let entry = |(column, own): (_, Value)| {
                let column: &keyway_capability::sql::Column = column;
                match value::of_answer(column, own) {
                    Ok(value) => Ok(ResultRowEntry { column_name: column.name.clone(), value }),
                    Err(reason) => {
                        let (at, column) = (at.clone(), column.name.clone());
                        Err(Error::Conversion { at, column, reason })
                    }
                }
            };
            let row = |row: Vec<Value>| columns.iter().zip(row).map(entry).collect();
            rows.into_iter().map(row).collect()
        };
        connection.told(outcome.await)
    }

    async fn query_batch(&mut self, query: String) -> Result<(), Refusal> {
        let connection: Connection = self.find(OPENER, "")?.open().await?;
        connection.told(Arc::clone(&connection.session).execute_all(&query).await)
    }
}
