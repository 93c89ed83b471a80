//! A configuration that a store keeps.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Config, Error};
use crate::{Origin, keyvalue::Store};

/// What a store keeps, whose values are texts.
#[derive(Debug)]
pub(super) struct Kept(pub(super) Arc<dyn Store>);

impl Kept {
    fn text(&self, key: &str, value: &[u8]) -> Result<String, Error> {
        let not_text = |_| Error::NotText { at: self.0.origin(), key: key.to_owned() };
        String::from_utf8(value.to_vec()).map_err(not_text)
    }
}

#[async_trait]
impl Config for Kept {
    async fn get(&self, key: &str) -> Result<Option<String>, Error> {
        let value = self.0.get(key).await?;
        value.map(|value| self.text(key, &value)).transpose()
    }

    async fn get_all(&self) -> Result<Vec<(String, String)>, Error> {
        let mut keys = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.0.list_keys("", cursor.as_deref(), 1000).await?;
            keys.extend(page.keys);
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        keys.sort();
        keys.dedup();
        let values = self.0.get_many(&keys).await?;
        let entries = keys.into_iter().zip(values).filter_map(|(key, value)| {
            // One removed in the meantime is missing.
            let text = self.text(&key, &value?);
            Some(text.map(|text| (key, text)))
        });
        entries.collect()
    }

    fn origin(&self) -> Origin {
        self.0.origin()
    }
}
