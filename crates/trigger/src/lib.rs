//! What starts a unit. Each trigger is a room of its own; [`http`] answers requests, and
//! [`message`] takes messages.
//! It does not know wasmtime, manifests or components: it calls a [`http::Handler`] or a
//! [`message::Handler`].

pub mod http;
pub mod message;
