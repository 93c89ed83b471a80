//! The backend of a capability, as the manifest declares it. Which backends and settings exist is
//! decided where they are opened.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use keyway_word::Capability;

use crate::{
    name::BackendName,
    place::{Place, Placed},
};

/// The backends of an app, by the capability that each is of and its name.
pub type Backends = BTreeMap<(Capability, BackendName), Backend>;

/// A backend that the manifest declares.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Which one: `redis`.
    pub kind: Placed<String>,
    /// All else that its table says.
    pub settings: BTreeMap<String, Placed<Setting>>,
    /// The place of its table.
    pub place: Option<Place>,
}

/// The value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// As it stands in the manifest.
    Text(Secret),
    /// What a variable of the host's environment holds: `{ env = "NAME" }`.
    Env(String),
    /// Texts and variables of the host's environment, one after the other.
    Template(Vec<Part>),
    /// What a file holds, seen from the manifest, without the line's end: `{ file = "PATH" }`.
    File(PathBuf),
    /// The same for a file that is encrypted with age, <https://age-encryption.org/v1>:
    /// `{ age = "PATH" }`.
    Age(PathBuf),
}

/// A part of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A text.
    Text(Secret),
    /// The value of a variable in the host's environment, or a default if it is not set.
    Variable {
        /// The variable.
        name: String,
        /// What it is unless it is set; it has to be set if there is none.
        default: Option<Secret>,
    },
}

/// A text that is not shown when it is debugged: an address may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(not shown)")
    }
}
