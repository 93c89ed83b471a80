//! What may be done with something that was granted or linked.

use std::{fmt, str::FromStr};

/// Whether something may only be read, or changed too: a store, a database, a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Nothing may be changed.
    Read,
    /// Everything is allowed.
    ReadWrite,
}

/// Why a text is not an [`Access`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid access")]
pub struct AccessError(String);

impl Access {
    /// Whether changes are allowed.
    pub fn may_write(self) -> bool {
        self == Self::ReadWrite
    }
}

impl FromStr for Access {
    type Err = AccessError;

    fn from_str(text: &str) -> Result<Self, AccessError> {
        match text {
            "read" => Ok(Self::Read),
            "read-write" => Ok(Self::ReadWrite),
            other => Err(AccessError(other.to_owned())),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::ReadWrite => "read-write",
        })
    }
}
