//! The account of an app: what all its instances use, and by what they are told from those of other
//! apps.

use crate::usage::Usage;

/// What the instances of an app use together.
#[derive(Debug, Default)]
pub struct Account {
    usage: Usage,
    /// Whether its host has other apps.
    is_of_many: bool,
}

impl Account {
    /// Of an app that shares its host with others. Without them there is nobody to be fair to.
    #[must_use]
    pub fn of_many() -> Self {
        Self { is_of_many: true, ..Self::default() }
    }

    /// What its instances have used.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Whether its host has other apps.
    pub(crate) fn is_of_many(&self) -> bool {
        self.is_of_many
    }
}
