//! A configuration of values that do not change.

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;

use super::{Config, Error};
use crate::Origin;

/// Values that may be secret: they are not shown when they are debugged.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(pub BTreeMap<String, String>);

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[async_trait]
impl Config for Values {
    async fn get(&self, key: &str) -> Result<Option<String>, Error> {
        Ok(self.0.get(key).cloned())
    }

    async fn get_all(&self) -> Result<Vec<(String, String)>, Error> {
        Ok(self.0.clone().into_iter().collect())
    }

    fn origin(&self) -> Origin {
        Origin::new("values of the manifest or the environment")
    }
}
