//! Stores of keys and values: the names that an app gives them in `[keyvalue.NAME]`, and what its
//! components may do with them.

use crate::backend::BackendName;

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

/// Whether an import is one of `wasi:keyvalue`, whose links lead to stores. `open` gives a bucket,
/// and the other interfaces work on what it gave, so one link counts for all of them.
pub fn is_keyvalue(import: &str) -> bool {
    import.starts_with("wasi:keyvalue/")
}

/// The line that would let `component` open `identifier`, with a store's name to be put in the
/// place of `STORE`.
pub fn suggest_store(component: &str, identifier: &str) -> String {
    let key = if identifier.is_empty() { DEFAULT } else { identifier };
    let key = crate::grant::quoted(key);
    format!("component.{component}.link.\"wasi:keyvalue/store\" = {{ {key} = \"STORE\" }}")
}

/// The line that would let `component` change the store that it may only read, with a store's
/// name to be put in the place of `STORE`.
pub fn suggest_store_write(component: &str) -> String {
    format!(
        "component.{component}.link.\"wasi:keyvalue/store\" = {{ to = \"STORE\", \
         access = \"read-write\" }}"
    )
}
