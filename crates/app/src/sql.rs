//! Databases that are asked in SQL: the names that an app gives them in `[sql.NAME]`, and what its
//! components may do with them.

use crate::{backend::BackendName, keyvalue::StoreAccess};

/// What a component may do with a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseLink {
    /// The database.
    pub to: BackendName,
    /// Whether it may change anything.
    pub access: StoreAccess,
}

/// The interfaces that open databases. A link of one of them leads to databases, and counts for all
/// that the component opens them by.
pub const OPENERS: [&str; 5] = [
    "fermyon:spin/sqlite",
    "spin:sqlite/sqlite",
    "fermyon:spin/postgres",
    "spin:postgres/postgres",
    "wasmcloud:postgres/query",
];

/// Whether an import opens databases.
pub fn opens_databases(import: &str) -> bool {
    import.split('@').next().is_some_and(|interface| OPENERS.contains(&interface))
}

/// The line that would let `component` open `identifier` by `interface`, with a database's name to
/// be put in the place of `DATABASE`.
pub fn suggest_database(component: &str, interface: &str, identifier: &str) -> String {
    let key = crate::grant::quoted(identifier);
    format!("component.{component}.link.\"{interface}\" = {{ {key} = \"DATABASE\" }}")
}

/// The line that would let `component` change the database that it may only read, with its name to
/// be put in the place of `DATABASE`.
pub fn suggest_database_write(component: &str, interface: &str) -> String {
    format!(
        "component.{component}.link.\"{interface}\" = {{ to = \"DATABASE\", \
         access = \"read-write\" }}"
    )
}
