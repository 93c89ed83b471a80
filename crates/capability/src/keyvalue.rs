//! Key-value stores: `wasi:keyvalue`.
//!
//! Keys are text and values are bytes. A counter is a value too: an `i64` in decimal, as Redis
//! writes it, so that `get` reads what `increment` wrote and data can move between backends.

mod backend;
pub mod counter;
mod error;
mod kept;
pub mod memory;
pub mod nats;
pub mod postgres;
pub mod redis;
pub mod restricted;
pub mod sqlite;
pub mod swapping;
mod watch;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::Origin;

pub use backend::{Backend, check, open};
pub use error::{Error, check_key};
pub use kept::{KeepError, OpenStore};
pub use restricted::restrict;
pub use swapping::Swapping;

/// How long an operation may take, unless its backend's options say otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(2);

/// The longest key, in bytes.
pub const KEY_LIMIT_BYTES: usize = 1024;

/// A store of keys and values.
///
/// An operation that is answered with success is done, and is seen by all that begin afterwards.
/// One that ends in [`Error::TimedOut`] or [`Error::Unreachable`], or whose future is dropped, may
/// or may not be done, once.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// The backend and its address, as errors name it.
    fn origin(&self) -> Origin;

    /// The value of a key, if it has one.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error>;

    /// Gives a key a value.
    async fn set(&self, key: &str, value: Bytes) -> Result<(), Error>;

    /// Takes a key away. A missing one is not an error.
    async fn delete(&self, key: &str) -> Result<(), Error>;

    /// Whether a key has a value.
    async fn exists(&self, key: &str) -> Result<bool, Error>;

    /// Some of the keys that begin with `prefix`: `limit` or so, from where the page that gave
    /// `cursor` ended.
    ///
    /// A key that is there from the first page to the last is on at least one of them; one that
    /// is changed meanwhile may be on two.
    async fn list_keys(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error>;

    /// Adds to a counter in one step and returns what it is then. A key without a value counts
    /// from zero.
    ///
    /// # Errors
    /// [`Error::NotACounter`] and [`Error::Overflow`], which change nothing.
    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Error>;

    /// Gives a key a value in one step, if what it has is `expected`; `None` is a key without a
    /// value.
    async fn swap(&self, key: &str, expected: Option<&Bytes>, value: Bytes) -> Result<Swap, Error>;

    /// The values of many keys, in their order. Not one step.
    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, Error>;

    /// Gives many keys values. Not one step: if it fails, some may have been given.
    async fn set_many(&self, entries: &[(String, Bytes)]) -> Result<(), Error>;

    /// Takes many keys away. Not one step: if it fails, some may be gone.
    async fn delete_many(&self, keys: &[String]) -> Result<(), Error>;

    /// The changes from now on to keys that begin with `prefix`, in their order for each key.
    ///
    /// # Errors
    /// [`Error::Unsupported`] by a backend that does not tell.
    async fn watch(&self, prefix: &str) -> Result<Changes, Error> {
        let _ = prefix;
        Err(Error::Unsupported { at: self.origin(), what: "report changes" })
    }
}

/// A page of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The keys, in no order that all backends keep.
    pub keys: Vec<String>,
    /// Where the next page begins; `None` after the last. Only the store that gave it can read it.
    pub cursor: Option<String>,
}

impl Page {
    /// The first `limit` of `keys`, which are sorted and of which one more than `limit` was looked
    /// for. The cursor is the last key.
    fn ordered(mut keys: Vec<String>, limit: usize) -> Self {
        let cursor = if keys.len() > limit {
            keys.truncate(limit);
            keys.last().cloned()
        } else {
            None
        };
        Self { keys, cursor }
    }
}

/// How a compare-and-swap ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The key had the expected value, and has the new one.
    Done,
    /// The key has another value, and keeps it.
    Lost {
        /// What it has.
        current: Option<Bytes>,
    },
}

/// A change to a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A key was given a value.
    Set {
        /// The key.
        key: String,
        /// A value that it was given; if it was given several in short order, perhaps the last.
        value: Bytes,
    },
    /// A key was deleted.
    Deleted {
        /// The key.
        key: String,
    },
}

impl Change {
    /// The key that was changed.
    pub fn key(&self) -> &str {
        match self {
            Self::Set { key, .. } | Self::Deleted { key } => key,
        }
    }
}

/// The changes to a store, until the store is released or can no longer report them.
pub type Changes = BoxStream<'static, Result<Change, Error>>;
