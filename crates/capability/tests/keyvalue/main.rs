//! Stores of keys and values: one suite for every backend, against the real servers.

mod backend;
mod collation;
mod faulty;
mod leader;
mod load;
mod mute;
mod outage;
mod rights;
mod suite;
mod swap;
mod words;

use std::sync::Arc;

use keyway_capability::keyvalue::Store;

/// Runs every case of the suite on stores that `$open` opens: each a fresh one, with what must
/// live as long.
macro_rules! conformance {
    ($backend:ident, $open:path) => {
        mod $backend {
            $crate::suite::cases!($open);
        }
    };
}

conformance!(memory, crate::backend::memory);
conformance!(sqlite, crate::backend::sqlite);
conformance!(redis, crate::backend::redis);
conformance!(postgres, crate::backend::postgres);
conformance!(nats, crate::backend::nats);
conformance!(swapping, crate::backend::swapping);
conformance!(restricted, crate::backend::restricted);

/// Runs a case on a store.
fn run<G, F: Future<Output = ()>>(
    open: fn() -> (G, Arc<dyn Store>),
    case: fn(Arc<dyn Store>) -> F,
) {
    let (_guard, store) = open();
    block_on(case(store));
}

/// Runs a test on threads of its own.
fn block_on<F: Future>(test: F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build();
    runtime.expect("a runtime").block_on(test)
}
