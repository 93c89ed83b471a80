//! Containers: one suite for every backend, against the real servers.

mod backend;
mod counted;
mod folder;
mod large;
mod outage;
mod rights;
mod suite;
mod words;

use std::sync::Arc;

use keyway_capability::blobstore::Blobs;

/// Runs every case of the suite on containers that `$open` opens: each a fresh place, with what must
/// live as long.
macro_rules! conformance {
    ($backend:ident, $open:path) => {
        mod $backend {
            $crate::suite::cases!($open);
        }
    };
}

conformance!(on_folder, crate::backend::folder);
conformance!(on_memory, crate::backend::memory);
conformance!(on_s3, crate::backend::s3);
conformance!(on_nats, crate::backend::nats);
conformance!(on_restricted, crate::backend::restricted);

/// Runs a case.
fn run<G, F: Future<Output = ()>>(
    open: fn() -> (G, Arc<dyn Blobs>),
    case: fn(Arc<dyn Blobs>) -> F,
) {
    let (_guard, blobs) = open();
    block_on(case(blobs));
}

/// Runs a test on threads of its own.
fn block_on<F: Future>(test: F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build();
    runtime.expect("a runtime").block_on(test)
}
