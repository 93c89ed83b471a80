//! The words that manifests, backends and messages share: the capabilities, the rights of a link,
//! addresses that never show a password, and what was probably meant by a misspelled name.
//!
//! It stands below `app` and `capability`, which do not know each other. It does no I/O, and knows
//! neither a manifest nor a backend.

mod access;
mod address;
mod capability;
mod foreign;
mod nearest;
mod rights;
mod secret;

pub use access::{Access, AccessError};
pub use address::{Address, AddressError, is_address, shown};
pub use capability::{Capability, DEFAULT, Names, Row};
pub use foreign::{printable, printable_bytes, shortened};
pub use nearest::{did_you_mean, list, nearest};
pub use rights::Rights;
pub use secret::{hide, star};
