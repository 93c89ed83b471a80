//! What a host provides to components: one trait per capability, one file per backend.
//!
//! It knows nothing of WebAssembly or manifests: the runtime binds a capability to its interface,
//! and the host turns a manifest into the plain configuration found here.
//!
//! To add a backend, write a file beside the others that has its settings and implements the
//! capability's trait, give it a variant in the capability's `Backend` and a name in the
//! capability's row in `keyway_word::Capability`, and run the capability's conformance suite on it:
//! a function in `tests/keyvalue/backend.rs` and a line in `tests/keyvalue/main.rs`. The same goes
//! for `blobstore` and `messaging`.

pub mod blobstore;
pub mod config;
pub mod keyvalue;
pub mod messaging;
mod nats;
mod open;
mod origin;
mod outage;
mod postgres;
mod provided;
mod provider;
mod reconnect;
pub mod redis;
mod settings;
pub mod sql;
pub mod tls;
mod turn;

pub use keyway_word::{Access, Address, AddressError, Rights};
pub use open::OpenError;
pub use origin::Origin;
pub use outage::Outage;
pub use provided::provider;
pub use provider::{Linked, Open, ProvideError, Provider, SettingTexts};
pub use settings::SettingsError;
