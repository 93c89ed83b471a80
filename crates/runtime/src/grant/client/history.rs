//! Whether a connection to a server has brought an answer before.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use http::{Extensions, Response};
use hyper_util::client::legacy;

/// That of one connection; all requests on it share it.
#[derive(Debug, Clone, Default)]
pub(in crate::grant) struct History(Arc<AtomicBool>);

impl History {
    /// Takes note of an answer.
    pub(in crate::grant) fn note<B>(response: &mut Response<B>) {
        if let Some(Self(has_answered)) = response.extensions_mut().remove() {
            has_answered.store(true, Relaxed);
        }
    }

    /// Whether the request failed on a connection that was kept.
    pub(in crate::grant) fn was_kept(error: &legacy::Error) -> bool {
        let mut extras = Extensions::new();
        if let Some(connection) = error.connect_info() {
            connection.get_extras(&mut extras);
        }
        extras.get::<Self>().is_some_and(|Self(has_answered)| has_answered.load(Relaxed))
    }
}
