//! A component as the bearer of rights.

use std::{any::Any, collections::BTreeMap};

use keyway_app::Grant;
use keyway_capability::Linked;
use keyway_word::Capability;

use super::{remedy::Remedy, stream::Streams};

/// A component as the bearer of rights: what its grants and links give it.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Its name in the app.
    pub name: String,
    /// Its rights. The folders in it are absolute, by paths without links.
    pub grant: Grant,
    /// What its links to backends lead to, by what it opens.
    pub links: BTreeMap<(Capability, String), Linked>,
    /// Its standard streams, where it has the process to itself. All other components write lines
    /// that begin with their name, and read nothing.
    pub streams: Option<Streams>,
    /// How its user grants it more.
    pub remedy: Remedy,
}

impl Principal {
    /// What a component opens by `name`, as the type of its capability.
    pub(crate) fn linked<T: Any>(&self, capability: Capability, name: &str) -> Option<&T> {
        self.links.get(&(capability, name.to_owned()))?.get()
    }
}
