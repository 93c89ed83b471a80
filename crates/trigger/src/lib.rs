//! What starts a unit. Each trigger is a room of its own; [`http`] answers requests.
//! It does not know wasmtime, manifests or components: it calls a [`http::Handler`].

pub mod http;
