//! What stands behind a capability, in the words of the manifest. Which backends there are, and
//! what can be set, is for whoever opens them to say.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use crate::place::{Place, Placed};

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
    /// What a file holds, seen from the manifest, without the line's end: `{ file = "PATH" }`.
    File(PathBuf),
}

/// A text that is not shown when it is debugged: an address may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(not shown)")
    }
}

impl Backend {
    /// Whether both say the same, wherever they stand.
    pub fn is_same(&self, other: &Self) -> bool {
        let settings = |backend: &Self| -> Vec<(String, Setting)> {
            let settings = backend.settings.iter();
            settings.map(|(name, setting)| (name.clone(), setting.value.clone())).collect()
        };
        self.kind.value == other.kind.value && settings(self) == settings(other)
    }
}
