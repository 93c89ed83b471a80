//! Databases: one suite for every backend, against the real server, and what each has of its own.

mod postgres;
mod sqlite;
mod suite;
mod words;

use std::sync::Arc;

use keyway_capability::{
    Access,
    sql::{Database, Error, Row, Session, Value},
};

/// Runs every case of the suite on databases that `$open` opens: each a fresh one, with what must
/// live as long.
macro_rules! conformance {
    ($backend:ident) => {
        mod $backend {
            $crate::suite::cases!(crate::$backend::open);
        }
    };
}

mod conforming {
    conformance!(sqlite);
    conformance!(postgres);
}

/// Runs a case on a database.
fn run<G, F: Future<Output = ()>>(
    open: fn() -> (G, Arc<dyn Database>),
    case: fn(Arc<dyn Database>) -> F,
) {
    let (_guard, database) = open();
    block_on(case(database));
}

/// Runs a test on threads of its own.
fn block_on<F: Future>(test: F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build();
    runtime.expect("a runtime").block_on(test)
}

async fn session(database: &Arc<dyn Database>) -> Arc<dyn Session> {
    database.begin(Access::ReadWrite).await.unwrap()
}

async fn ask(
    session: &Arc<dyn Session>,
    statement: &str,
    parameters: Vec<Value>,
) -> Result<Vec<Row>, Error> {
    Ok(session.query(statement, parameters).await?.collect().await?.1)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
