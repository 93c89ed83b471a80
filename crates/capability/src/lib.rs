//! What a host provides to components: one trait per capability, one file per backend.
//!
//! It knows no WebAssembly and no manifest: the runtime binds a capability to its interface, and
//! the host turns a manifest's words into the plain configuration found here.
//!
//! To add a backend, write a file beside the others that implements the capability's trait, give
//! it a variant in the capability's `Backend` and a name in its `settings`, and run the
//! capability's conformance suite on it: a function in `tests/keyvalue/backend.rs` and a line in
//! `tests/keyvalue/main.rs`. So it is in `blobstore` and `messaging` too.

mod address;
pub mod blobstore;
pub mod config;
pub mod keyvalue;
pub mod messaging;
mod nats;
mod origin;
mod postgres;
mod reconnect;
pub mod redis;
mod settings;
pub mod sql;
pub mod tls;
mod turn;

pub use address::{Address, AddressError};
pub use origin::Origin;
pub use settings::SettingsError;
