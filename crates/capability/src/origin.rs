//! Where a result or an error comes from, in words.

use std::{fmt, sync::Arc};

/// A backend and its address, as errors name it: `Redis at redis://10.0.0.3:6379/0`. Never holds a
/// password. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin(Arc<str>);

impl Origin {
    /// Names a backend in words.
    pub fn new(words: impl Into<Arc<str>>) -> Self {
        Self(words.into())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
