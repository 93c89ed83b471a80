//! The HTTP server in front of units: sockets, protocols, routes, and an orderly end. It does not
//! know how a request is answered: that is up to the [`Handler`] of the route.
//!
//! One current-thread runtime per core, each with its own listening socket on the same port, so
//! that a connection and all its requests stay on one core and share nothing on their way. A
//! connection is one task: TLS handshake, choice of protocol, then hyper. It ends when its client
//! disconnects, when it is idle for too long, or when the server stops.

mod accept;
mod activity;
mod answer;
mod awaited;
mod connection;
mod ending;
mod exchange;
mod framing;
mod handler;
mod lane;
mod local;
mod options;
mod reply;
mod request;
mod routes;
mod server;
mod socket;
mod spin;
mod status;
mod stream;
mod trailer;
mod wire;

pub use ending::{Ending, ServeReport};
pub use handler::{Handler, Peer};
pub use keyway_call::{Body, BodyError, Failure};
pub use options::{Options, Tls, TlsError};
pub use reply::HEALTH;
pub use routes::{LiveRoutes, RouteError, Routes};
pub use server::Server;
pub use socket::BindError;
pub use spin::SpinRoute;
