//! Asks a database by wasmCloud's interface: `/batch` makes a table of pets, `/add/NAME/WEIGHT` adds
//! one, `/all` reads them, and `/wrong` asks what is wrong.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({
    path: "../../wit/wasmcloud-postgres-0.1.1-draft",
    inline: "package test:wasmcloud-sql; world user {
        import wasmcloud:postgres/query@0.1.1-draft;
    }",
    world: "test:wasmcloud-sql/user",
    generate_all,
});

use wasmcloud::postgres::{query, types::{PgValue, QueryError}};

struct WasmcloudSql;

wasip2::http::proxy::export!(WasmcloudSql);

impl wasip2::exports::http::incoming_handler::Guest for WasmcloudSql {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        match answer(&reply::path(&request)) {
            Ok(text) => reply::text(out, &text),
            Err(QueryError::InvalidParams(_)) => reply::text(out, "invalid parameters"),
            Err(QueryError::InvalidQuery(_)) => reply::text(out, "invalid query"),
            Err(QueryError::Unexpected(text)) => reply::text(out, &format!("unexpected: {text}")),
        }
    }
}

fn answer(path: &str) -> Result<String, QueryError> {
    let parts: Vec<_> = path[1..].split('/').collect();
    Ok(match parts.as_slice() {
        ["batch"] => {
            query::query_batch("CREATE TABLE pet (name TEXT, weight REAL); DELETE FROM pet")?;
            "done".to_owned()
        }
        ["add", name, weight] => {
            let weight: f64 = weight.parse().expect("a number");
            // 1.5 is 3 times 2 to the power of -1.
            let parts = ((weight * 2.0) as u64, -1, 1);
            let values = [PgValue::Text((*name).to_owned()), PgValue::Double(parts)];
            query::query("INSERT INTO pet VALUES ($1, $2)", &values)?;
            "done".to_owned()
        }
        ["all"] => {
            let rows = query::query("SELECT name, weight FROM pet ORDER BY name", &[])?;
            let rows = rows.iter().map(|row| {
                let entries = row.iter().map(|entry| {
                    let value = match &entry.value {
                        PgValue::Text(text) => text.clone(),
                        PgValue::Float4((mantissa, power, _))
                        | PgValue::Float8((mantissa, power, _)) => {
                            (*mantissa as f64 * 2_f64.powi((*power).into())).to_string()
                        }
                        value => format!("{value:?}"),
                    };
                    format!("{}={value}", entry.column_name)
                });
                entries.collect::<Vec<_>>().join(",")
            });
            rows.collect::<Vec<_>>().join(";")
        }
        ["wrong"] => {
            query::query("SELEC 1", &[])?;
            "done".to_owned()
        }
        ["few"] => {
            query::query("SELECT $1::text", &[])?;
            "done".to_owned()
        }
        _ => "what?".to_owned(),
    })
}
