//! Asks databases as a component for Spin 4 does, without blocking: `/sqlite/COUNT` and
//! `/postgres/COUNT` read so many rows as they come, `/wrong` what is wrong.

use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_future, wit_stream};

/// What it imports. Its streams are of its own, beside those of `wasip3`.
mod import {
    wit_bindgen::generate!({
        path: ["../../wit/spin-sqlite-3.1.0", "../../wit/spin-postgres-4.2.0"],
        inline: "package test:spin-sql-async; world user {
            import spin:sqlite/sqlite@3.1.0;
            import spin:postgres/postgres@4.2.0;
        }",
        world: "test:spin-sql-async/user",
        generate_all,
    });
}

use import::spin::{postgres::postgres, sqlite::sqlite};

struct SpinSqlAsync;

wasip3::http::service::export!(SpinSqlAsync);

impl wasip3::exports::http::handler::Guest for SpinSqlAsync {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let said = answer(&path[1..]).await.unwrap_or_else(|error| error);
        let (mut writer, body) = wit_stream::new();
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
        wit_bindgen::spawn_local(async move {
            writer.write_all(said.into_bytes()).await;
        });
        Ok(response)
    }
}

/// So many rows.
fn rows(count: &str) -> String {
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         SELECT i, 'row' AS text FROM n"
    )
}

async fn answer(path: &str) -> Result<String, String> {
    let said = |error: sqlite::Error| format!("{error:?}");
    let said_pg = |error: postgres::Error| format!("{error:?}");
    let parts: Vec<_> = path.split('/').collect();
    match parts.as_slice() {
        ["sqlite", count] => {
            let connection =
                sqlite::Connection::open_async("default".to_owned()).await.map_err(said)?;
            let asked = connection.execute_async(rows(count), Vec::new()).await;
            let (columns, mut rows, ended) = asked.map_err(said)?;
            let mut found = 0;
            while rows.next().await.is_some() {
                found += 1;
            }
            ended.await.map_err(said)?;
            let changes = connection.changes_async().await;
            Ok(format!("{} {found} {changes}", columns.join(",")))
        }
        ["postgres", count] => {
            let connection =
                postgres::Connection::open_async("default".to_owned()).await.map_err(said_pg)?;
            let asked = connection.query_async(rows(count), Vec::new()).await;
            let (columns, mut rows, ended) = asked.map_err(said_pg)?;
            let mut found = 0;
            while rows.next().await.is_some() {
                found += 1;
            }
            ended.await.map_err(said_pg)?;
            Ok(format!("{} {found}", columns.len()))
        }
        ["wrong"] => {
            let connection =
                sqlite::Connection::open_async("default".to_owned()).await.map_err(said)?;
            connection.execute_async("SELEC".to_owned(), Vec::new()).await.map_err(said)?;
            Ok("done".to_owned())
        }
        _ => Ok("what?".to_owned()),
    }
}
