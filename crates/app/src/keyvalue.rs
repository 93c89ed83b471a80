//! Stores of keys and values: the names that an app gives them in `[keyvalue.NAME]`, and what its
//! components may do with them.

use crate::{ComponentName, Place, backend::BackendName};

/// What a component may do with a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreLink {
    /// The store.
    pub to: BackendName,
    /// Whether it may change anything.
    pub access: StoreAccess,
    /// What its keys have to begin with.
    pub prefix: String,
    /// The bytes of keys and values that it may keep there; no bound if none.
    pub quota_bytes: Option<u64>,
}

impl StoreLink {
    /// A link with all rights.
    pub fn to(to: BackendName) -> Self {
        Self { to, access: StoreAccess::ReadWrite, prefix: String::new(), quota_bytes: None }
    }
}

/// Changes in a store that start a unit.
#[derive(Debug, Clone)]
pub struct ChangeTrigger {
    /// The store, by the name that the component opens it by: it sees what its link lets it see.
    pub store: String,
    /// What the keys begin with.
    pub prefix: String,
    /// The root of the unit that is told.
    pub component: ComponentName,
    /// Where it names its store, or the trigger itself if it does not.
    pub place: Option<Place>,
    /// Where it names its component.
    pub component_place: Option<Place>,
}

/// Whether a component may change a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreAccess {
    /// It may not.
    Read,
    /// It may.
    ReadWrite,
}

/// What a component opens that asks for no store in particular; the empty name is the same.
pub const DEFAULT: &str = "default";

/// The interfaces that open stores. A link of one of them leads to stores, and counts for all
/// that the component opens them by.
pub const OPENERS: [&str; 3] =
    ["wasi:keyvalue/store", "fermyon:spin/key-value", "spin:key-value/key-value"];

/// Whether an import is one of an interface of stores. In `wasi:keyvalue`, `open` gives a bucket,
/// and the other interfaces work on what it gave, so one link counts for all of them.
pub fn is_keyvalue(import: &str) -> bool {
    import.starts_with("wasi:keyvalue/") || opens_stores(import)
}

/// Whether an import opens stores.
pub fn opens_stores(import: &str) -> bool {
    import.split('@').next().is_some_and(|interface| OPENERS.contains(&interface))
}

/// The line that would let `component` open `identifier` by `interface`, with a store's name to be
/// put in the place of `STORE`.
pub fn suggest_store(component: &str, interface: &str, identifier: &str) -> String {
    let key = if identifier.is_empty() { DEFAULT } else { identifier };
    let key = crate::grant::quoted(key);
    format!("component.{component}.link.\"{interface}\" = {{ {key} = \"STORE\" }}")
}

/// The line that would let `component` change the store that it may only read, with a store's
/// name to be put in the place of `STORE`.
pub fn suggest_store_write(component: &str, interface: &str) -> String {
    format!(
        "component.{component}.link.\"{interface}\" = {{ to = \"STORE\", \
         access = \"read-write\" }}"
    )
}
