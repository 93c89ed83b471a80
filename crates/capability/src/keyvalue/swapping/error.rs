//! Why a swap had no effect.

use thiserror::Error;

use crate::{Origin, keyvalue::Error};

/// Why the old store stays in use. It has all that it had, and all that was written meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SwapError {
    /// Only one swap of a store runs at a time.
    #[error("the store is being swapped already")]
    UnderWay,
    /// [`cancel`](super::Swapping::cancel) was called.
    #[error("the swap was cancelled, and the old store stays in use")]
    Cancelled,
    /// The target is what serves already.
    #[error("{at} is the store in use: name another one")]
    SameStore {
        /// The store.
        at: Origin,
    },
    /// The target is a part of what serves, or what serves is a part of it.
    #[error("{at} has keys in common with the store in use: name another prefix, table or bucket")]
    Overlapping {
        /// The target.
        at: Origin,
    },
    /// The target has keys of its own.
    #[error("{at} is not empty: it has the key `{key}`; name an empty store, or delete its keys")]
    NotEmpty {
        /// The target.
        at: Origin,
        /// One of its keys.
        key: String,
    },
    /// The store that serves failed, or left a write in doubt.
    #[error("the store in use failed, and was not swapped: {0}")]
    Old(#[source] Error),
    /// The target failed.
    #[error("the target failed, and the old store stays in use: {0}")]
    Target(#[source] Error),
    /// A write ended half-way.
    #[error("a write was cut off before it reached the target, and the old store stays in use")]
    CutOff,
    /// The stores do not become equal.
    #[error(
        "the value of `{key}` in {target} keeps differing from that in {old}, and the old store \
         stays in use: does another program write to one of them?"
    )]
    Differs {
        /// A key that differs.
        key: String,
        /// The store that serves.
        old: Origin,
        /// The target.
        target: Origin,
    },
}
