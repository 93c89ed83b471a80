//! What stands behind a capability, in the words of the manifest. Which backends there are, and
//! what can be set, is for whoever opens them to say.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use crate::{
    app::is_kebab,
    place::{Place, Placed},
};

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
    /// What a variable of the host's environment holds, or what stands for it where it is not set.
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

/// The name of a backend in its app, such as that of a store: kebab-case, as it is written in the
/// manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackendName(pub(crate) String);

/// Why a text is no [`BackendName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no backend's name: it has to be words of lower-case letters and digits, each beginning with a letter, with `-` between them, 64 characters at most"
)]
pub struct BackendNameError(String);

impl BackendName {
    /// A name in kebab case.
    ///
    /// # Errors
    /// If `text` is none.
    pub fn new(text: &str) -> Result<Self, BackendNameError> {
        if is_kebab(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BackendNameError(text.to_owned()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The interfaces that read a configuration: `store` in the drafts of WASI, `runtime` in the first
/// of them, and Spin's.
pub const CONFIG_READERS: [&str; 5] = [
    "wasi:config/store",
    "wasi:config/runtime",
    "fermyon:spin/variables",
    "fermyon:spin/config",
    "spin:variables/variables",
];

/// Whether an import reads a configuration.
pub fn reads_config(import: &str) -> bool {
    import.split('@').next().is_some_and(|interface| CONFIG_READERS.contains(&interface))
}

/// The line that would let `component` read a configuration by `interface`, with its name to be put
/// in the place of `CONFIG`.
pub fn suggest_config(component: &str, interface: &str) -> String {
    format!("component.{component}.link.\"{interface}\" = \"CONFIG\"")
}
