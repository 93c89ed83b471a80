//! What a process gives to each of its apps.

use std::sync::Arc;

use keyway_runtime::{Account, Engines, Printer, Shelf};
use tokio::runtime::Handle;

use crate::assembly::prepare::Workshop;

/// What a process gives to each of its apps.
#[derive(Debug, Clone)]
pub(crate) struct Facilities {
    /// What compiles, with the cache of compiled code.
    pub(crate) workshop: Arc<Workshop>,
    /// Where instances run.
    pub(crate) engines: Arc<Engines>,
    /// The loaded code of units.
    pub(crate) shelf: Arc<Shelf>,
    /// Where what goes on beside requests runs.
    pub(crate) background: Handle,
    /// Where what components print goes.
    pub(crate) printer: Printer,
    /// That of the app, where what its instances use is added up.
    pub(crate) account: Arc<Account>,
}
