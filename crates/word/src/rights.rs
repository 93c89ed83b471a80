//! The rights of a link to a backend.

use crate::Access;

/// What a link may do with what is behind it. The default is everything. A capability that has no use
/// for a right takes no notice of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Whether it may only read.
    pub access: Access,
    /// The one container that it may use; all if none.
    pub container: Option<String>,
    /// What the names of keys or objects that it may use begin with. It names them in full, and
    /// objects outside it are not listed.
    pub prefix: String,
    /// How many bytes the keys or objects that it may use take at most, with their values.
    ///
    /// Writes by other programs are noticed, at the latest, when a write would be refused, and then
    /// at most once a second.
    pub quota_bytes: Option<u64>,
}

impl Default for Rights {
    fn default() -> Self {
        Self {
            access: Access::ReadWrite,
            container: None,
            prefix: String::new(),
            quota_bytes: None,
        }
    }
}
