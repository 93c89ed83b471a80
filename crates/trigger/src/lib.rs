//! What starts a unit. Each trigger is a module: [`http`] answers requests, [`message`] receives
//! messages, and [`change`] reports changes in stores. It does not know wasmtime, manifests or
//! components: it calls a [`http::Handler`], a [`message::Handler`] or a [`change::Handler`].

pub mod change;
pub mod http;
pub mod message;
mod pause;
