//! What starts a unit. Each trigger is a room of its own: [`http`] answers requests, [`message`]
//! takes messages, and [`change`] tells of changes in stores.
//! It does not know wasmtime, manifests or components: it calls a [`http::Handler`], a
//! [`message::Handler`] or a [`change::Handler`].

pub mod change;
pub mod http;
pub mod message;
mod pause;
