//! Configuration: `wasi:config`. Texts by name, which components only read.

mod file;
mod settings;

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use thiserror::Error;

use crate::{
    Origin,
    keyvalue::{self, OpenError, Store},
};
use file::File;

pub use settings::KINDS;

/// A configuration that components read.
#[async_trait]
pub trait Config: fmt::Debug + Send + Sync {
    /// The value of a key, if it has one.
    async fn get(&self, key: &str) -> Result<Option<String>, Error>;

    /// All keys with their values, in the keys' order.
    async fn get_all(&self) -> Result<Vec<(String, String)>, Error>;

    /// Where the values come from, in words, and none of them.
    fn origin(&self) -> Origin;
}

/// Why a configuration cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The file that it stands in.
    #[error("the configuration in {path} {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The store that it is kept in.
    #[error(transparent)]
    Store(#[from] keyvalue::Error),
    /// A value in a store that is no text.
    #[error("the value of `{key}` in {at} is not text in UTF-8")]
    NotText {
        /// The store.
        at: Origin,
        /// The key.
        key: String,
    },
}

/// Where a configuration comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Values that do not change.
    Values(Values),
    /// A file of TOML or JSON, which is read again when it changes.
    File(PathBuf),
    /// A bucket of NATS JetStream.
    Nats(keyvalue::nats::Options),
}

/// Values that may be secret: they are not shown when they are debugged.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(pub BTreeMap<String, String>);

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Opens a configuration. A server is connected to when it is first needed.
///
/// # Errors
/// If the configuration's own settings are wrong, or its file cannot be read.
pub fn open(backend: &Backend) -> Result<Arc<dyn Config>, OpenError> {
    Ok(match backend {
        Backend::Values(values) => Arc::new(values.clone()),
        Backend::File(path) => {
            Arc::new(File::open(path).map_err(|error| OpenError::File {
                path: path.clone(),
                reason: error.to_string(),
            })?)
        }
        Backend::Nats(options) => {
            Arc::new(Kept(keyvalue::open(&keyvalue::Backend::Nats(options.clone()))?))
        }
    })
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

/// What a store keeps, whose values are texts.
#[derive(Debug)]
struct Kept(Arc<dyn Store>);

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
            // One that was taken away meanwhile is not there.
            let text = self.text(&key, &value?);
            Some(text.map(|text| (key, text)))
        });
        entries.collect()
    }

    fn origin(&self) -> Origin {
        self.0.origin()
    }
}
