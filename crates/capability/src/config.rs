//! Configuration: `wasi:config`. Named texts that components can only read.

mod backend;
mod file;
mod kept;
mod values;

use std::{fmt, path::PathBuf};

use async_trait::async_trait;
use thiserror::Error;

use crate::{Origin, keyvalue};

pub use backend::{Backend, open};
pub use values::Values;

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
    /// A value in a store that is not text.
    #[error("the value of `{key}` in {at} is not text in UTF-8")]
    NotText {
        /// The store.
        at: Origin,
        /// The key.
        key: String,
    },
}
