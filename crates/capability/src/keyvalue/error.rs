//! What can go wrong with a store.

use thiserror::Error;

use super::KEY_LIMIT_BYTES;
use crate::{Origin, Outage};

/// Why a store did not do what it was asked. Each text is a whole sentence without a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The backend does not serve.
    #[error(transparent)]
    Outage(#[from] Outage),
    /// The table, bucket or database behind the store is not there.
    #[error("{at} has no {name}: {reason}")]
    NoSuchStore {
        /// Where it was looked for.
        at: Origin,
        /// What was looked for, such as "table `cache`".
        name: String,
        /// The server's own words, or the way out.
        reason: String,
    },
    /// The link may only read.
    #[error("the key `{key}` cannot be changed: the link to {at} is read-only")]
    ReadOnly {
        /// The store behind the link.
        at: Origin,
        /// The key that was to be changed.
        key: String,
    },
    /// A key that no backend takes.
    #[error("the key `{key}` has {bytes} bytes; a key has at most {KEY_LIMIT_BYTES}")]
    KeyTooLong {
        /// The key's beginning.
        key: String,
        /// Its length.
        bytes: usize,
    },
    /// A character that not all backends can keep in a key.
    #[error("the key `{key}` contains the character U+0000, which a key cannot")]
    KeyWithNul {
        /// The key, with the character written as `\0`.
        key: String,
    },
    /// The value is more than the link or the backend takes.
    #[error("the value of `{key}` has {bytes} bytes; {at} takes at most {limit_bytes}")]
    ValueTooLong {
        /// The store.
        at: Origin,
        /// The key.
        key: String,
        /// The value's length.
        bytes: u64,
        /// The longest that is taken.
        limit_bytes: u64,
    },
    /// A key that the link may not use.
    #[error(
        "the key `{key}` is outside the link to {at}, which covers keys that begin with `{prefix}`"
    )]
    OutsidePrefix {
        /// The store behind the link.
        at: Origin,
        /// The key.
        key: String,
        /// What the link's keys begin with.
        prefix: String,
    },
    /// The link's quota is used up.
    #[error(
        "the value of `{key}` is over the quota of the link to {at}: {used_bytes} of {limit_bytes} \
         bytes are used, and {more_bytes} more are needed; delete keys, or raise the quota"
    )]
    OverQuota {
        /// The store behind the link.
        at: Origin,
        /// The key that was to be set, or the first of many.
        key: String,
        /// What the link's keys and values take.
        used_bytes: u64,
        /// The quota.
        limit_bytes: u64,
        /// What would have come to it.
        more_bytes: u64,
    },
    /// The value of the key is not a number in decimal.
    #[error("the value of `{key}` is not a counter: a counter is a whole number in decimal")]
    NotACounter {
        /// The key.
        key: String,
    },
    /// The sum does not fit.
    #[error("the counter `{key}` cannot be incremented so far: it would not fit into 64 bits")]
    Overflow {
        /// The key.
        key: String,
    },
    /// A cursor that this store did not give.
    #[error("the cursor `{cursor}` does not come from {at}; list from the beginning")]
    WrongCursor {
        /// The store.
        at: Origin,
        /// The cursor.
        cursor: String,
    },
    /// The watcher was too slow, and has missed some changes.
    #[error("{count} changes in {at} were missed: they came faster than they were handled")]
    Missed {
        /// The store.
        at: Origin,
        /// How many.
        count: u64,
    },
    /// The backend cannot do this at all.
    #[error("{at} cannot {what}")]
    Unsupported {
        /// The store.
        at: Origin,
        /// What it cannot do.
        what: &'static str,
    },
    /// The backend failed in another way.
    #[error("{at} failed: {reason}")]
    Failed {
        /// The backend that failed.
        at: Origin,
        /// The backend's own words.
        reason: String,
    },
}

impl Error {
    /// Whether what was asked may be done nevertheless, or may still come to be.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, Self::Outage(outage) if outage.is_in_doubt())
    }
}

/// Refuses a key that not every backend can keep.
///
/// # Errors
/// If it is too long or holds U+0000.
pub fn check_key(key: &str) -> Result<(), Error> {
    if key.len() > KEY_LIMIT_BYTES {
        let start: String = key.chars().take(32).collect();
        return Err(Error::KeyTooLong { key: format!("{start}…"), bytes: key.len() });
    }
    if key.as_bytes().contains(&0) {
        return Err(Error::KeyWithNul { key: key.replace('\0', "\\0") });
    }
    Ok(())
}
