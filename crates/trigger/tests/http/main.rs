//! The HTTP server, seen from its clients: over real sockets, on ports that the system picks.

mod client;
mod connection;
mod drain;
mod limit;
mod message;
mod probe;
mod secure;
mod served;
mod transfer;
